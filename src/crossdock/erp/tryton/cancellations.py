"""Cancellations into Tryton: possible until a sale is being processed."""

from __future__ import annotations

from crossdock.contract.message import Receipt
from crossdock.erp.tryton.client import TrytonClient
from crossdock.erp.tryton.directory import Directory
from crossdock.erp.tryton.sales import Sale, Sales
from crossdock.erp.tryton.settings import TrytonSettings
from crossdock.errors import NotReady, Rejected
from crossdock.model.change import OrderChange

SHARED_PARTS = 4  # v1, source, order, its id: the operation follows


class CancellationSink:
    """Cancels a sale of ours that nobody has begun to process."""

    def __init__(self, client: TrytonClient, directory: Directory, settings: TrytonSettings) -> None:
        self._client = client
        self._directory = directory
        self._settings = settings

    def put(self, change: OrderChange, key: str) -> Receipt:
        """Raises NotReady where Tryton does not have the order (yet), Rejected where it is too late."""
        sales = self._sales()
        sale = self._ours(sales, change, key)
        if sale is None:
            raise NotReady("Tryton does not have this order yet")
        if sale.state == "cancelled":
            return _receipt(sale, found=True)
        if sale.state == "confirmed":
            sale = sales.step(sale, "draft")
        if sale.state not in {"draft", "quotation"}:
            raise Rejected(f"sale {sale.id} is {sale.state} already: a person must cancel it")
        sale = sales.step(sale, "cancel")
        if sale.state != "cancelled":
            raise Rejected(f"sale {sale.id} did not let itself be cancelled and is {sale.state}")
        return _receipt(sale, found=False)

    def find(self, change: OrderChange, key: str) -> Receipt | None:
        """The sale, where it is cancelled."""
        sale = self._ours(self._sales(), change, key)
        return _receipt(sale, found=True) if sale is not None and sale.state == "cancelled" else None

    def _sales(self) -> Sales:
        company = self._directory.company()
        return Sales(self._client.about((), company=company), company, self._settings)

    def _ours(self, sales: Sales, change: OrderChange, key: str) -> Sale | None:
        order = key.split(":")[:SHARED_PARTS]
        found = [sale for sale in sales.under(change.order_number) if sale.key.split(":")[:SHARED_PARTS] == order]
        return found[0] if found else None


def _receipt(sale: Sale, *, found: bool) -> Receipt:
    return Receipt(external_id=str(sale.id), found=found, detail=sale.state)
