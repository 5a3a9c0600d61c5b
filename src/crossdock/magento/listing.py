"""Reading a list that one broken order can break as a whole (magento2#32306)."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

import msgspec

from crossdock.errors import DeliveryError, NotReady, RateLimited, Rejected, Temporary, Unreachable
from crossdock.magento.answers import page_size_limit
from crossdock.magento.client import MagentoClient
from crossdock.magento.search import Group, criteria, parse_stamp, where
from crossdock.model.base import Record

PATH = "V1/orders"
BUSY = frozenset({400, 408, 423, 425, 503})  # temporary, and no word about any order
HIGHEST_ID = 1 << 40
PAUSES = (0.1, 0.5, 2.0)  # seconds before each further try while a broken order is looked for
LONGEST_WISH = 10.0  # a store that asks for a longer pause gets it: the next scan looks again


class Row(Record, frozen=True, kw_only=True):
    """One order of a list: its place and its JSON as it came."""

    entity_id: int
    updated_at: datetime
    raw: bytes
    order: dict[str, Any]

    def place(self) -> tuple[datetime, int]:
        """What lists are sorted by."""
        return self.updated_at, self.entity_id


class Listed(Record, frozen=True, kw_only=True):
    """A page. `short`: there is nothing behind it. `broken`: ids found to break the list, left out from then on."""

    rows: tuple[Row, ...]
    short: bool
    store_time: datetime | None = None
    broken: tuple[int, ...] = ()


class _Items(msgspec.Struct):
    items: list[msgspec.Raw] | None = None


class OrderList:
    """Pages of orders, or of what else is listed so.

    Learns the store's own page limit, and halves the page where a page cannot be read.
    """

    def __init__(
        self,
        client: MagentoClient,
        page_size: int,
        pause: Callable[[float], None] = time.sleep,
        *,
        path: str = PATH,
        number: str = "entity_id",
    ) -> None:
        self._client = client
        self._path = path
        self._number = number
        self._pause = pause
        self._most = page_size
        self._size = page_size

    def page(
        self, groups: Sequence[Group], sort: Sequence[str], broken: Sequence[int] = (), fields: str = ""
    ) -> Listed:
        """The first page of what the groups ask for, without the orders in `broken`. Raises DeliveryError."""
        found: list[int] = []
        while True:
            size = self._size
            left_out = [*broken, *found]
            read = self._surely if found or size < self._most else self._read
            try:
                rows, store_time = read([*groups, *_without(left_out)], sort, size, fields)
            except Rejected as error:
                self._obey(error)
                continue
            except Temporary as error:
                if not breaks(error):
                    raise
                self._narrow(error, [*groups, *_without(left_out)], sort, found)
                continue
            self._size = min(self._most, size * 2)
            return Listed(rows=rows, short=len(rows) < size, store_time=store_time, broken=tuple(found))

    def _read(
        self, groups: Sequence[Group], sort: Sequence[str], size: int, fields: str
    ) -> tuple[tuple[Row, ...], datetime | None]:
        answer = self._client.fetch("GET", self._path, criteria(groups, sort=sort, size=size, fields=fields))
        try:
            items = msgspec.json.decode(answer.body, type=_Items).items or []
            return tuple(_row(bytes(raw), self._number) for raw in items), answer.store_time
        except (msgspec.MsgspecError, KeyError, TypeError, ValueError) as error:
            raise Temporary("a list in an unknown form") from error

    def _surely(
        self, groups: Sequence[Group], sort: Sequence[str], size: int, fields: str
    ) -> tuple[tuple[Row, ...], datetime | None]:
        """Tries again what passes; what breaks, breaks when it does so twice running.

        The search for a broken order takes dozens of requests. If any fault on the way spoilt it, or sent it astray,
        a store with both would never be read past that order.
        """
        broke = False
        for pause in PAUSES:
            try:
                return self._read(groups, sort, size, fields)
            except Temporary as error:
                wish = max(pause, (error.retry_after or 0.0) if isinstance(error, RateLimited) else 0.0)
                if wish > LONGEST_WISH or (broke and breaks(error)):
                    raise
                broke = breaks(error)
                self._pause(wish)
        return self._read(groups, sort, size, fields)

    def _obey(self, error: Rejected) -> None:
        limit = page_size_limit(error)
        if limit is None or not 1 <= limit < self._size:
            raise error
        self._most = self._size = limit

    def _narrow(self, error: DeliveryError, groups: Sequence[Group], sort: Sequence[str], found: list[int]) -> None:
        """Half the page; of a page of one, the id that breaks it. A store that cannot even list nothing is down."""
        if self._fails(groups, sort, 0):
            raise error
        if self._size > 1:
            self._size //= 2
            return
        culprit = self._culprit(error, groups, sort)
        if culprit in found:
            raise error  # left out and still there: this store does not know "nin"
        if not self._fails([(where("entity_id", "eq", culprit),)], sort, culprit):
            raise error  # it can be listed alone: other faults led the search astray
        found.append(culprit)
        self._size = self._most

    def _culprit(self, error: DeliveryError, groups: Sequence[Group], sort: Sequence[str]) -> int:
        """The list's first order cannot be read, nor its id: it is the least upper bound with which the list breaks."""
        works, fails = 0, 1
        while not self._fails(groups, sort, fails):
            works, fails = fails, fails * 2
            if fails > HIGHEST_ID:
                raise error  # it reads again now
        while fails - works > 1:
            middle = (works + fails) // 2
            works, fails = (works, middle) if self._fails(groups, sort, middle) else (middle, fails)
        return fails

    def _fails(self, groups: Sequence[Group], sort: Sequence[str], up_to: int) -> bool:
        try:
            self._surely([*groups, (where("entity_id", "lteq", up_to),)], sort, 1, "")
        except Temporary as error:
            if not breaks(error):
                raise
            return True
        return False


def _without(ids: Sequence[int]) -> list[Group]:
    return [(where("entity_id", "nin", ",".join(str(one) for one in ids)),)] if ids else []


def store_clock(client: MagentoClient) -> datetime | None:
    """The store's own time, by a list that no order can break: an empty one. Raises DeliveryError."""
    nothing: Group = (where("entity_id", "lteq", 0),)
    return client.fetch("GET", PATH, criteria((nothing,), sort=("entity_id",), size=1, fields="total_count")).store_time


def breaks(error: Temporary) -> bool:
    """Whether this may be one order's fault, and not the store's as a whole."""
    return not isinstance(error, Unreachable | RateLimited | NotReady) and error.status not in BUSY


def _row(raw: bytes, number: str) -> Row:
    order = msgspec.json.decode(raw)
    moment = order.get("updated_at") or order["created_at"]
    return Row(entity_id=int(order[number]), updated_at=parse_stamp(moment), raw=raw, order=order)
