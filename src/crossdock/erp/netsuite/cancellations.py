"""Cancellations into NetSuite: every line of the sales order is closed, as long as nothing of it was shipped or billed.

There is no button for it over REST. A closed line stays, and so does the sales order; it is read again afterwards.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from crossdock.contract.message import Receipt
from crossdock.contract.shadow import Shown
from crossdock.erp.netsuite.client import NetsuiteClient
from crossdock.erp.netsuite.mapping.orders import SalesOrder, external_id, money, parse_order
from crossdock.erp.netsuite.settings import NetsuiteSettings
from crossdock.erp.netsuite.showing import shown_closed
from crossdock.erp.netsuite.there import SALES_ORDER, look
from crossdock.errors import NotReady, OutcomeUnknown, Rejected, Temporary
from crossdock.model.change import OrderChange
from crossdock.model.money import ZERO

SHARED_PARTS = 4  # v1, source, order, its id: the operation follows
BEGUN = ("quantityFulfilled", "quantityBilled")


class CancellationSink:
    """Closes a sales order of ours that nobody has begun with."""

    def __init__(self, client: NetsuiteClient, settings: NetsuiteSettings) -> None:
        self._client = client
        self._settings = settings

    def put(self, change: OrderChange, key: str) -> Receipt:
        """Raises NotReady where NetSuite does not have the order (yet), Rejected where it is too late."""
        there = self._ours(change, key)
        if there is None:
            raise NotReady("NetSuite does not have this order yet")
        if is_closed(there):
            return _receipt(there, found=True)
        if is_begun(there):
            raise Rejected(f"sales order {there.id} is shipped or billed in part: a person must cancel it")
        lines = [{"line": line["line"], "isClosed": True} for line in there.lines if not line.get("isClosed")]
        self._client.about(there.people).patch(SALES_ORDER, there.id, {"item": {"items": lines}})
        return self._checked(change, key, len(there.lines))

    def find(self, change: OrderChange, key: str) -> Receipt | None:
        """The sales order, where it is closed."""
        there = self._ours(change, key)
        return _receipt(there, found=True) if there is not None and is_closed(there) else None

    def show(self, change: OrderChange, key: str) -> Shown | None:  # noqa: ARG002  whoever has closed it
        """Whether each of its lines is closed; None where none is, or NetSuite does not have the order."""
        there = look(self._client, change.order_number, self._settings)
        return None if there is None else shown_closed(there)

    def _checked(self, change: OrderChange, key: str, lines: int) -> Receipt:
        try:
            there = self._ours(change, key)
        except Temporary as error:
            raise OutcomeUnknown(f"closed, but not read again: {error}", status=error.status) from error
        if there is None or not is_closed(there):
            raise Rejected("the sales order did not let itself be closed: a person must look")
        if len(there.lines) != lines:
            raise Rejected(
                f"sales order {there.id} has {len(there.lines)} lines where it had {lines}: a person must look"
            )
        return _receipt(there, found=False)

    def _ours(self, change: OrderChange, key: str) -> SalesOrder | None:
        found = self._client.get(SALES_ORDER, f"eid:{external_id(change.order_number, self._settings)}")
        if found is None:
            return None
        there = parse_order(found, self._settings)
        order = key.split(":")[:SHARED_PARTS]
        return there if there.key.split(":")[:SHARED_PARTS] == order else None


def is_closed(there: SalesOrder) -> bool:
    """Every line, and there is one."""
    return bool(there.lines) and all(line.get("isClosed") for line in there.lines)


def is_begun(there: SalesOrder) -> bool:
    """Whether anything of it was shipped or billed."""
    return any(_quantity(line, field) > ZERO for line in there.lines for field in BEGUN)


def _quantity(line: Mapping[str, Any], field: str) -> Any:
    return money(line.get(field) or 0)


def _receipt(there: SalesOrder, *, found: bool) -> Receipt:
    return Receipt(external_id=there.id, number=there.number, found=found, detail="closed")
