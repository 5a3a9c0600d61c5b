"""Events about customers, as recorded: hints to look, with nothing of the person in them."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from crossdock.magento.hints import UnknownEvent
from crossdock.magento.webhooks import Door, receive
from tests.material import SHARED, needs_shared

NOW = datetime(2026, 11, 25, tzinfo=UTC)
FOLDER = SHARED / "magento" / "webhooks"


def door(*, customers: bool = False) -> Door:
    secrets = ("erp-secret-k3y-0001",)
    return Door(connection="store", format="async-events", secrets=secrets, customers=customers)


@needs_shared
@pytest.mark.parametrize(
    ("name", "event", "number"),
    [
        ("24_customer.created_with_address_but_addresses_empty", "customer.created", 7),
        ("27_customer.updated", "customer.updated", 8),
    ],
)
def test_a_recorded_event_is_a_hint_and_holds_nobody(name: str, event: str, number: int) -> None:
    body = (FOLDER / f"{name}.body").read_bytes()
    lines = json.loads((FOLDER / f"{name}.json").read_text())["headers"]
    headers = {key.lower(): value for key, value in (line.split(": ", 1) for line in lines)}
    (message,) = receive(door(customers=True), event, headers, body, NOW).messages
    assert (message.flow, message.subject, message.payload) == ("customer_looks", f"customer:{number}", b"")
    assert json.loads(body)["data"]["email"] not in str(message)
    with pytest.raises(UnknownEvent):  # no route carries customers
        receive(door(), event, headers, body, NOW)
