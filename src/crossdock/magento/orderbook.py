"""The orders that a store has of a period, with their totals: for comparing them with what an ERP has."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal

import msgspec

from crossdock.errors import Temporary
from crossdock.magento.client import MagentoClient
from crossdock.magento.listing import OrderList, Row
from crossdock.magento.orders import BY_ID
from crossdock.magento.search import Group, parse_stamp, where
from crossdock.magento.settings import PollingSettings
from crossdock.model.base import Record

FIELDS = "items[entity_id,increment_id,state,created_at,updated_at,grand_total,order_currency_code],total_count"
FOUR = Decimal("0.0001")  # what the store keeps


class Booked(Record, frozen=True, kw_only=True):
    """One order. `number` is "" and the rest unknown where it breaks the store's list (magento2#32306)."""

    id: int
    number: str = ""
    state: str = ""
    total: Decimal | None = None
    currency: str = ""
    created_at: datetime | None = None
    updated_at: datetime | None = None


class _Told(msgspec.Struct):
    increment_id: str
    created_at: str
    grand_total: Decimal
    order_currency_code: str = ""
    state: str | None = ""


class OrderBook:
    """Reads only, by keyset over the id. Raises DeliveryError."""

    def __init__(self, client: MagentoClient, polling: PollingSettings) -> None:
        self._client = client
        self._polling = polling

    def created(self, since: datetime, until: datetime) -> Iterator[Booked]:
        """Those created at `since` or later and before `until`, by the store's clock; by id."""
        orders = OrderList(self._client, self._polling.page_size)
        period: tuple[Group, ...] = ((where("created_at", "gteq", since),), (where("created_at", "lt", until),))
        broken: list[int] = []
        last = 0
        while True:
            listed = orders.page((*period, (where("entity_id", "gt", last),)), BY_ID, broken, FIELDS)
            broken += listed.broken
            yield from (Booked(id=number) for number in listed.broken)
            fresh = [row for row in listed.rows if row.entity_id > last]
            yield from map(_booked, fresh)
            if listed.short or not fresh:
                return
            last = fresh[-1].entity_id


def _booked(row: Row) -> Booked:
    try:
        told = msgspec.json.decode(row.raw, type=_Told)
    except msgspec.DecodeError as error:
        raise Temporary("an order in an unknown form") from error
    return Booked(
        id=row.entity_id,
        number=told.increment_id,
        state=told.state or "",
        total=round(told.grand_total, 4) if told.grand_total != told.grand_total.quantize(FOUR) else told.grand_total,
        currency=told.order_currency_code,
        created_at=parse_stamp(told.created_at),
        updated_at=row.updated_at,
    )
