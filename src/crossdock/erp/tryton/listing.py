"""The sales that a Tryton has of ours, for `crossdock reconcile orders`."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime

from crossdock.contract.connector import ListedOrder
from crossdock.erp.tryton.client import TrytonClient
from crossdock.erp.tryton.mapping import key_in
from crossdock.erp.tryton.reading import every
from crossdock.erp.tryton.sales import SALE, Sales
from crossdock.erp.tryton.settings import TrytonSettings

FIELDS = ("reference", "comment", "state", "create_date", "total_amount", "currency")


class SaleList:
    """See contract.connector.OrderLister. Only sales with a key of ours that were made in full, cancelled ones too."""

    tells = frozenset({"total", "currency"})

    def __init__(
        self, inside: Callable[[], TrytonClient], company: Callable[[], int], settings: TrytonSettings
    ) -> None:
        self._inside = inside
        self._company = company
        self._settings = settings

    def since(self, moment: datetime) -> Iterator[ListedOrder]:
        """By id, those created then or later by Tryton's clock. Raises DeliveryError."""
        client, company = self._inside(), self._company()
        sales = Sales(client, company, self._settings)
        codes = {row["id"]: str(row["code"]) for row in every(client, "currency.currency", (), ("code",))}
        prefix = self._settings.reference_prefix
        domain = (("company", "=", company), ("create_date", ">=", moment.astimezone(UTC)))
        for row in every(client, SALE, domain, FIELDS):
            reference = str(row["reference"] or "")
            if not key_in(row["comment"]) or not sales.is_made(str(row["state"])) or not reference.startswith(prefix):
                continue
            yield ListedOrder(
                number=reference.removeprefix(prefix),
                id=str(row["id"]),
                total=row["total_amount"],
                currency=codes.get(row["currency"], ""),
                created_at=row["create_date"],
            )
