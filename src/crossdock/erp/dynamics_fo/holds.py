"""Holds: an order's processing is stopped, and let go on."""

from __future__ import annotations

from crossdock.contract.message import Receipt
from crossdock.contract.shadow import Shown
from crossdock.erp.dynamics_fo.client import FoClient
from crossdock.erp.dynamics_fo.mapping import NO, YES, number_of
from crossdock.erp.dynamics_fo.sales import Sales, SalesOrder, head_in
from crossdock.erp.dynamics_fo.settings import FoSettings
from crossdock.errors import MappingError, NotReady, Rejected
from crossdock.model.change import ChangeKind, OrderChange

STOPPED = "IsSalesProcessingStopped"
ENDED = frozenset({"Invoiced", "Canceled", "Cancelled"})


class HoldSink:
    """`IsSalesProcessingStopped` of the order's head: it can be read again, and a second write changes nothing."""

    def __init__(self, client: FoClient, settings: FoSettings) -> None:
        self._client = client
        self._settings = settings

    def put(self, change: OrderChange, key: str) -> Receipt:  # noqa: ARG002  there is no place for a key
        """Raises NotReady where the order is not there (yet), Rejected where it is too late."""
        sales = Sales(self._client, self._settings)
        order = self._order(sales, change)
        if order is None:
            raise NotReady("the order is not there yet")
        wanted = _stopped(change)
        if order.stopped == wanted:
            return _receipt(order, found=True)
        if order.status in ENDED:
            raise Rejected(f"order {order.number} is {order.status} already: a person must see to it")
        told = {STOPPED: _word(stopped=wanted)}
        self._client.change(sales.path(order.number), order.etag, told)
        return _receipt(order, found=False)

    def find(self, change: OrderChange, key: str) -> Receipt | None:  # noqa: ARG002  as above
        """The order, where its processing is stopped, or goes on, as it should be."""
        order = self._order(Sales(self._client, self._settings), change)
        return _receipt(order, found=True) if order is not None and order.stopped == _stopped(change) else None

    def show(self, change: OrderChange, key: str) -> Shown | None:  # noqa: ARG002  as above
        """Its processing is stopped, or goes on, as it should; None where it does not (yet), or there is no order."""
        wanted = _stopped(change)
        heads = [head_in(row) for row in Sales(self._client, self._settings).others(self._reference(change))]
        found = next((one for one in heads if one.stopped == wanted), None)
        told = {STOPPED: _word(stopped=wanted)}
        return None if found is None else Shown(ours=told, theirs=told, number=found.number)

    def _order(self, sales: Sales, change: OrderChange) -> SalesOrder | None:
        return sales.head(self._reference(change))

    def _reference(self, change: OrderChange) -> str:
        try:
            return number_of(change.order_number, self._settings)
        except MappingError as error:
            raise Rejected(str(error)) from error


def _stopped(change: OrderChange) -> bool:
    if change.kind not in {ChangeKind.HOLD, ChangeKind.UNHOLD}:
        raise Rejected(f"{change.kind} is no hold")
    return change.kind is ChangeKind.HOLD


def _word(*, stopped: bool) -> str:
    return YES if stopped else NO


def _receipt(order: SalesOrder, *, found: bool) -> Receipt:
    return Receipt(external_id=order.number, number=order.number, found=found, detail=order.status)
