"""Cancellations and holds of sales orders: both are a look, then a change of what is not so yet.

An order is cancelled by giving each of its items a reason for rejection (SalesDocumentRjcnReason; help.sap.com: "Sales
orders: no further delivery of items"), and held by a delivery block at its head. Doing either twice changes nothing.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from crossdock.contract.message import Receipt
from crossdock.contract.shadow import Shown
from crossdock.erp.sap_s4.client import SapClient, Write, key
from crossdock.erp.sap_s4.mapping.orders import SalesOrder, reference_of
from crossdock.erp.sap_s4.orders import SERVICE, Orders
from crossdock.erp.sap_s4.settings import SapS4Settings
from crossdock.errors import Conflict, NotReady, Rejected
from crossdock.model.change import ChangeKind, OrderChange

ITEMS = "A_SalesOrderItem"
UNTOUCHED = frozenset({"", "A"})  # DeliveryStatus: not relevant, not yet begun


class CancellationSink:
    """Rejects every item that is not rejected yet, in one `$batch`."""

    def __init__(self, client: SapClient, settings: SapS4Settings) -> None:
        self._client = client
        self._settings = settings

    def put(self, change: OrderChange, key: str) -> Receipt:  # noqa: ARG002  the state itself is looked at
        """Raises Rejected where something was delivered already, NotReady where SAP has no such order (yet)."""
        order = needed(Orders(self._client, self._settings), change, self._settings)
        if not order.rejected:
            self._reject(order)
        return Receipt(external_id=order.number, number=order.number)

    def find(self, change: OrderChange, key: str) -> Receipt | None:  # noqa: ARG002  the state itself is looked at
        """Whether all its items are rejected."""
        order = alone(Orders(self._client, self._settings), change, self._settings)
        if order is None or not order.rejected:
            return None
        return Receipt(external_id=order.number, number=order.number, found=True)

    def show(self, change: OrderChange, key: str) -> Shown | None:  # noqa: ARG002  whoever has cancelled it
        """Every item with its reason; None where none of them has one."""
        order = alone(Orders(self._client, self._settings), change, self._settings)
        if order is None or not any(item.rejected for item in order.items):
            return None
        return Shown(
            ours=_rejections((item.number, self._settings.blocks.rejection) for item in order.items),
            theirs=_rejections((item.number, item.rejection) for item in order.items),
            number=order.number,
        )

    def _reject(self, order: SalesOrder) -> None:
        if any(item.delivery_status not in UNTOUCHED for item in order.items):
            raise Rejected(f"sales order {order.number} is being delivered: a person must cancel what is left")
        writes = [
            Write(
                path=key(ITEMS, SalesOrder=order.number, SalesOrderItem=item.number),
                body={"SalesDocumentRjcnReason": self._settings.blocks.rejection},
                etag=item.etag or order.etag,
            )
            for item in order.items
            if not item.rejected
        ]
        if not writes:
            raise Rejected(f"sales order {order.number} has no items")
        whole = self._settings.blocks.change_set == "all"
        self._client.change_all(SERVICE, [writes] if whole else [[write] for write in writes])


class HoldSink:
    """A delivery block for an order on hold; taken away when it is released."""

    def __init__(self, client: SapClient, settings: SapS4Settings) -> None:
        self._client = client
        self._settings = settings

    def put(self, change: OrderChange, key: str) -> Receipt:  # noqa: ARG002  the state itself is looked at
        """Raises Conflict where another block than ours is there: it is a person's, and stays."""
        orders = Orders(self._client, self._settings)
        order = needed(orders, change, self._settings)
        wanted = self._wanted(change)
        if order.block not in {wanted, "", self._settings.blocks.hold}:
            raise Conflict(f"sales order {order.number} has the delivery block {order.block} already")
        if order.block != wanted:
            orders.block(order, wanted)
        return Receipt(external_id=order.number, number=order.number)

    def find(self, change: OrderChange, key: str) -> Receipt | None:  # noqa: ARG002  the state itself is looked at
        """Whether it is as wanted."""
        order = alone(Orders(self._client, self._settings), change, self._settings)
        if order is None or order.block != self._wanted(change):
            return None
        return Receipt(external_id=order.number, number=order.number, found=True)

    def show(self, change: OrderChange, key: str) -> Shown | None:  # noqa: ARG002  whoever has set it
        """The delivery block; None where it is as it was before the change."""
        order = alone(Orders(self._client, self._settings), change, self._settings)
        wanted, hold = self._wanted(change), self._settings.blocks.hold
        if order is None or order.block == ("" if wanted else hold):
            return None
        ours, theirs = ({"DeliveryBlockReason": block} for block in (wanted, order.block))
        return Shown(ours=ours, theirs=theirs, number=order.number)

    def _wanted(self, change: OrderChange) -> str:
        return self._settings.blocks.hold if change.kind is ChangeKind.HOLD else ""


def _rejections(reasons: Iterable[tuple[str, str]]) -> dict[str, Any]:
    return {"to_Item": [{"SalesOrderItem": number, "SalesDocumentRjcnReason": reason} for number, reason in reasons]}


def alone(orders: Orders, change: OrderChange, settings: SapS4Settings) -> SalesOrder | None:
    """The order that a change is about. Raises Conflict where several have its reference."""
    found = orders.under([reference_of(change.order_number, settings)])
    live = [one for one in found if not one.rejected] or found[:1]
    if len(live) > 1:
        raise Conflict(f"sales orders {', '.join(one.number for one in live)} have this reference")
    return live[0] if live else None


def needed(orders: Orders, change: OrderChange, settings: SapS4Settings) -> SalesOrder:
    """The same. Raises NotReady where there is none."""
    found = alone(orders, change, settings)
    if found is None:
        raise NotReady("SAP has no sales order with this reference (yet)")
    return found
