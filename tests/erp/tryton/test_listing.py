"""Our sales in a real Tryton, listed as `crossdock reconcile orders` compares them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from crossdock.contract.connector import ListedOrder, ListsOrders
from crossdock.erp.tryton.connector import build
from crossdock.flows import ORDERS
from tests.erp.tryton.samples import key_of, numbers, order
from tests.tryton_server import Tryton

pytestmark = pytest.mark.services


def listed(table: dict[str, Any], since: datetime) -> dict[str, ListedOrder]:
    connector = build("erp", table)
    assert isinstance(connector, ListsOrders)
    lister = connector.order_lister()
    assert lister is not None
    return {one.number: one for one in lister.since(since)}


def test_what_was_put_is_listed_with_its_total_and_currency(tryton: Tryton) -> None:
    begun = datetime.now(UTC) - timedelta(seconds=5)
    number = next(numbers) * 10
    record = order(number)
    sink = build("erp", tryton.settings() | {"flows": ["orders", "cancellations"]}).sink(ORDERS)
    receipt = sink.put(record, key_of(number))
    found = listed(tryton.settings(), begun)[record.number]
    assert (found.id, found.total, found.currency) == (
        receipt.external_id,
        record.totals.grand_total,
        record.totals.currency,
    )
    assert found.created_at is not None
    assert abs(found.created_at - datetime.now(UTC)) < timedelta(minutes=2)


def test_what_was_made_before_is_not_listed(tryton: Tryton) -> None:
    assert listed(tryton.settings(), datetime.now(UTC) + timedelta(days=1)) == {}
