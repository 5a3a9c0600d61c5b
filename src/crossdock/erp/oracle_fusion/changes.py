"""Holds and cancellations of orders that Oracle has.

Holds are actions of the resource (Oracle, `op-salesordersfororderhub-action-applyhold-post` and `-releasehold-post`). A
cancellation sets the quantity of each line to 0. Both name the state that is wanted: done twice, they do no harm.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from crossdock.contract.message import Receipt
from crossdock.contract.shadow import Shown
from crossdock.erp.oracle_fusion.client import FusionClient
from crossdock.erp.oracle_fusion.mapping import reference_of
from crossdock.erp.oracle_fusion.sales import ORDERS, Sale, Sales
from crossdock.erp.oracle_fusion.settings import FusionSettings
from crossdock.errors import NotReady, Rejected, Temporary
from crossdock.model.change import ChangeKind, OrderChange

SHARED_PARTS = 4  # v1, source, order, its id: the operation follows


def ours(sales: Sales, change: OrderChange, key: str, settings: FusionSettings) -> Sale | None:
    """The order that a change is about, made under a key of the same order."""
    sale = sales.latest(change.order_number)
    if sale is None or not settings.key_field:
        return sale
    same = sale.key.split(":")[:SHARED_PARTS] == key.split(":")[:SHARED_PARTS]
    return sale if same else None


class HoldSink:
    """Applies and releases the one hold code of the settings."""

    def __init__(self, client: FusionClient, settings: FusionSettings) -> None:
        self._client = client
        self._sales = Sales(client, settings)
        self._settings = settings

    def put(self, change: OrderChange, key: str) -> Receipt:
        """Raises NotReady where Oracle does not have the order (yet)."""
        sale = self._order(change, key)
        wanted = change.kind is ChangeKind.HOLD
        if sale.on_hold is wanted:
            return _receipt(sale, found=True)
        action = "applyHold" if wanted else "releaseHold"
        self._client.act(f"{ORDERS}/action/{action}", self.body(change))
        sale = self._order(change, key)
        if sale.on_hold is wanted:
            return _receipt(sale, found=False)
        if wanted:
            raise Temporary(f"order {sale.number} is not on hold yet")
        raise Rejected(f"order {sale.number} is still on hold, by another hold perhaps: a person must look")

    def find(self, change: OrderChange, key: str) -> Receipt | None:
        """The order, where it is on hold, or is not, as is wanted."""
        sale = ours(self._sales, change, key, self._settings)
        wanted = change.kind is ChangeKind.HOLD
        return _receipt(sale, found=True) if sale is not None and sale.on_hold is wanted else None

    def show(self, change: OrderChange, key: str) -> Shown | None:  # noqa: ARG002  whoever holds it
        """Whether it is on hold; None where it is as it was before the change. Oracle tells no codes of holds there."""
        sale = self._sales.latest(change.order_number)
        wanted = change.kind is ChangeKind.HOLD
        if sale is None or sale.on_hold is not wanted:
            return None
        ours, theirs = self.body(change), {"OnHoldFlag": sale.on_hold}
        return Shown(ours=ours | {"OnHoldFlag": wanted}, theirs=theirs, number=sale.number)

    def _order(self, change: OrderChange, key: str) -> Sale:
        sale = ours(self._sales, change, key, self._settings)
        if sale is None:
            raise NotReady("Oracle does not have this order yet")
        return sale

    def body(self, change: OrderChange) -> dict[str, Any]:
        """What is sent."""
        hold = self._settings.hold
        named = {
            "SourceTransactionSystem": self._settings.source_system,
            "SourceTransactionId": reference_of(change.order_number, self._settings),
            "HoldCode": hold.code,
        }
        release = {"HoldReleaseReasonCode": hold.release_reason}
        return {"holdRequests": [named if change.kind is ChangeKind.HOLD else named | release]}


class CancellationSink:
    """Cancels an order of ours."""

    def __init__(self, client: FusionClient, settings: FusionSettings) -> None:
        self._client = client
        self._sales = Sales(client, settings)
        self._settings = settings

    def put(self, change: OrderChange, key: str) -> Receipt:
        """Raises NotReady where Oracle does not have the order (yet), Rejected where it says that it is too late."""
        sale = ours(self._sales, change, key, self._settings)
        if sale is None:
            raise NotReady("Oracle does not have this order yet")
        if self._is_cancelled(change, sale):
            return _receipt(sale, found=True)
        open_lines = [line for line in self._sales.lines(change.order_number) if line.quantity]
        body = self.body([{"FulfillLineId": int(line.id)} for line in open_lines])
        self._client.update(self._sales.path(change.order_number), body)
        sale = ours(self._sales, change, key, self._settings) or sale
        if not self._is_cancelled(change, sale):
            raise Temporary(f"order {sale.number} is not cancelled yet")
        return _receipt(sale, found=False)

    def find(self, change: OrderChange, key: str) -> Receipt | None:
        """The order, where it is cancelled."""
        sale = ours(self._sales, change, key, self._settings)
        return _receipt(sale, found=True) if sale is not None and self._is_cancelled(change, sale) else None

    def show(self, change: OrderChange, key: str) -> Shown | None:  # noqa: ARG002  whoever has cancelled it
        """The quantity that is left of each line; None where nothing was taken off."""
        sale = self._sales.latest(change.order_number)
        if sale is None:
            return None
        lines = self._sales.lines(change.order_number)
        if not sale.canceled and all(line.quantity for line in lines):
            return None
        left = [{"FulfillLineId": int(line.id), "OrderedQuantity": line.quantity} for line in lines]
        none_left = [self.body([{"FulfillLineId": one["FulfillLineId"]}])["lines"][0] for one in left]
        theirs = [one | {"OrderedQuantity": 0} for one in left] if sale.canceled else left
        return Shown(ours={"lines": none_left}, theirs={"lines": theirs}, number=sale.number)

    def body(self, lines: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
        """What is sent, of lines that are told by their id."""
        none_of_it = {"OrderedQuantity": 0, "CancelReason": self._settings.cancel.reason}
        submitted = {"SubmittedFlag": True} if self._settings.cancel.submit else {}
        return {"lines": [{**line, **none_of_it} for line in lines]} | submitted

    def _is_cancelled(self, change: OrderChange, sale: Sale) -> bool:
        if sale.canceled:
            return True
        lines = self._sales.lines(change.order_number)
        return bool(lines) and not any(line.quantity for line in lines)


def _receipt(sale: Sale, *, found: bool) -> Receipt:
    return Receipt(external_id=sale.id, number=sale.number, found=found, detail=sale.status)
