"""The orders that a custom ERP has, as its own list tells them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from crossdock.contract.connector import ListedOrder
from crossdock.erp.rest.answers import as_id
from crossdock.erp.rest.client import RestClient
from crossdock.erp.rest.places import Place, Spot, written
from crossdock.erp.rest.rows import PagedRows
from crossdock.erp.rest.settings import ReadSettings
from crossdock.errors import Misconfigured


class PagedOrders:
    """See contract.connector.OrderLister."""

    def __init__(self, client: RestClient, settings: ReadSettings) -> None:
        self._rows = PagedRows(client, settings)
        self._settings = settings
        self.tells = frozenset(settings.fields) & {"total", "currency"}

    def since(self, moment: datetime) -> Iterator[ListedOrder]:
        """Where the list is by time only from then on, else all of it; orders without our number are left out."""
        timed = self._settings.change_is == "time" and self._settings.change_field
        start = Place(start=Spot(since=written(moment))).watermark() if timed else None
        for page in self._rows.changes(start):
            for row in page.rows:
                if (order := _order(row)) is not None and (order.created_at is None or order.created_at >= moment):
                    yield order


def _order(row: Mapping[str, Any]) -> ListedOrder | None:
    if not (number := as_id(row.get("number"))):
        return None
    return ListedOrder(
        number=number,
        id=as_id(row.get("id")),
        total=_amount(row.get("total")),
        currency=str(row.get("currency") or ""),
        created_at=_moment(row.get("created_at")),
    )


def _amount(value: Any) -> Decimal | None:
    if value is None or value == "":
        return None
    try:
        found = Decimal(str(value))
    except InvalidOperation:
        raise Misconfigured("order_list: total holds no number in some row") from None
    return found


def _moment(value: Any) -> datetime | None:
    if not value:
        return None
    try:
        moment = datetime.fromisoformat(str(value))
    except ValueError:
        raise Misconfigured("order_list: created_at holds no ISO 8601 time in some row") from None
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
