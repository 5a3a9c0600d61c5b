"""The description of what is published is made of the payloads' schemas, and true of what is really sent."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest

from crossdock.api.asyncapi import described
from crossdock.erp.rest.mapping import encode
from crossdock.erp.rest.publisher import EVENT_HEADER, EVENTS, KEY_HEADER, WebhookSigner, event_of, event_payload
from crossdock.model.change import ChangeKind
from crossdock.transport.wire import HttpRequest
from tests.erp.rest.samples import change, order, refund

ROOT = Path(__file__).parent.parent.parent
DOCUMENT: dict[str, Any] = json.loads((ROOT / "docs/reference/asyncapi.json").read_text())


def validator(part: dict[str, Any]) -> Any:
    return jsonschema_rs.validator_for({**part, "components": DOCUMENT["components"]})


def test_the_committed_description_is_the_generated_one() -> None:
    assert (ROOT / "docs/reference/asyncapi.json").read_text() == described(ROOT / "docs/reference/schemas")


def test_every_event_is_described_and_no_other() -> None:
    events = {"order.placed", "order.refunded", *EVENTS.values()}
    assert set(DOCUMENT["components"]["messages"]) == set(DOCUMENT["channels"]["events"]["messages"]) == events


@pytest.mark.parametrize(
    "record", [order(), *(change(kind=ChangeKind(kind)) for kind in EVENTS), refund()], ids=event_of
)
def test_what_is_sent_is_what_is_described(record: Any) -> None:
    message = DOCUMENT["components"]["messages"][event_of(record)]
    body = encode(event_payload(record, "k1"))
    found = [error.message for error in validator(message["payload"]).iter_errors(json.loads(body))]
    assert found == []
    signer = WebhookSigner("s", lambda: datetime(2026, 11, 26, tzinfo=UTC), "t")
    headers = {EVENT_HEADER: event_of(record), KEY_HEADER: "k1"}
    sent = signer.apply(HttpRequest(method="POST", url="https://erp.example.com", headers=headers, body=body)).headers
    assert set(sent) <= set(message["headers"]["properties"])
    assert validator(message["headers"]).is_valid(dict(sent))


def test_a_payload_without_a_field_that_is_promised_is_seen() -> None:
    message = DOCUMENT["components"]["messages"]["order.placed"]
    body = json.loads(encode(event_payload(order(), "k1")))
    del body["increment_id"]
    assert not validator(message["payload"]).is_valid(body)


def test_no_reference_leads_nowhere() -> None:
    def references(value: Any) -> list[str]:
        if isinstance(value, dict):
            own = [value["$ref"]] if isinstance(value.get("$ref"), str) else []
            return own + [one for part in value.values() for one in references(part)]
        return [one for part in value for one in references(part)] if isinstance(value, list) else []

    for reference in references(DOCUMENT):
        place: Any = DOCUMENT
        for part in reference.removeprefix("#/").split("/"):
            place = place[part]
