"""Which orders a store has, whatever was heard of them: what coverage is held against."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

import msgspec

from crossdock.contract.connector import Watermark
from crossdock.errors import Temporary
from crossdock.magento.client import MagentoClient
from crossdock.magento.listing import PATH, OrderList, breaks, store_clock
from crossdock.magento.orders import BY_ID, Place, begun
from crossdock.magento.search import Group, criteria, parse_stamp, where
from crossdock.magento.settings import PollingSettings
from crossdock.model.base import Record

FIELDS = "entity_id,increment_id,store_id,created_at,updated_at"
LIST_FIELDS = f"items[{FIELDS}],total_count"
ASKED_SINGLY = 100  # ids of one run; of a longer one (a counter that was set on) the list is asked, and both its ends


class Counted(Record, frozen=True, kw_only=True):
    """One order that the store has.

    The times are None where it breaks the store's list; `listed` False where the store has it and its list leaves it
    out: a right that is limited to other store views.
    """

    id: int
    number: str = ""
    store_view: str = ""
    created_at: datetime | None = None
    updated_at: datetime | None = None
    listed: bool = True


class Reach(Record, frozen=True, kw_only=True):
    """How far polling has read: up to `read_up_to`; the next scan begins at `again_from`, the first did at `began`."""

    read_up_to: datetime
    again_from: datetime
    began: datetime | None = None


class Census:
    """Asks one store. Everything raises DeliveryError."""

    def __init__(self, client: MagentoClient, polling: PollingSettings) -> None:
        self._client = client
        self._polling = polling

    def now(self) -> datetime:
        """The store's own clock. Raises Temporary where it sends none."""
        now = store_clock(self._client)
        if now is None:
            raise Temporary("the store does not tell its time (no Date header)")
        return now

    def created(self, since: datetime, until: datetime) -> list[Counted]:
        """The orders created at `since` or later and before `until`, by the store's clock; by id."""
        return self._read(((where("created_at", "gteq", since),), (where("created_at", "lt", until),)))

    def before(self, number: int) -> int | None:
        """The id of the last order below this one; None where there is none, or where it breaks the list."""
        groups: tuple[Group, ...] = ((where("entity_id", "lt", number),),)
        try:
            answer = self._client.get(PATH, criteria(groups, sort=("-entity_id",), size=1, fields=LIST_FIELDS))
        except Temporary as error:
            if not breaks(error):
                raise
            return None  # the ids between the two go unexamined: the census of the hours before names the broken one
        rows = (answer.get("items") if isinstance(answer, dict) else None) or []
        return int(rows[0]["entity_id"]) if rows else None

    def unlisted(self, first: int, last: int) -> list[Counted]:
        """Of a run of ids that `created` did not show, those that the store has all the same."""
        if last - first < ASKED_SINGLY:
            return [found for number in range(first, last + 1) if (found := self._one(number))]
        listed = self._read(((where("entity_id", "gteq", first),), (where("entity_id", "lteq", last),)))
        ends = [found for number in (first, last) if (found := self._one(number)) and not found.listed]
        return [*listed, *ends]

    def reach(self, watermark: Watermark | None) -> Reach | None:
        """None where nothing was read yet. Raises InvalidPayload for a watermark of another kind."""
        if watermark is None:
            return None
        place = Place.of(watermark)
        after, start = begun(place, timedelta(seconds=self._polling.overlap_s), first=False)
        again_from = min(start[0], after.floor or start[0])
        return Reach(read_up_to=place.furthest[0], again_from=again_from, began=place.began)

    def _one(self, number: int) -> Counted | None:
        answer = self._client.find(f"{PATH}/{number}", (("fields", FIELDS),))
        if answer is None:
            return None
        found = _counted(answer.json())
        shown = self._read(((where("entity_id", "eq", number),),))
        return shown[0] if shown else msgspec.structs.replace(found, listed=False)

    def _read(self, groups: tuple[Group, ...]) -> list[Counted]:
        orders = OrderList(self._client, self._polling.page_size)
        found: dict[int, Counted] = {}
        broken: list[int] = []
        last = 0
        while True:
            listed = orders.page((*groups, (where("entity_id", "gt", last),)), BY_ID, broken, LIST_FIELDS)
            broken += listed.broken
            found |= {number: Counted(id=number) for number in listed.broken}
            found |= {row.entity_id: _counted(row.order) for row in listed.rows}
            highest = max((row.entity_id for row in listed.rows), default=last)
            if listed.short or highest <= last:
                return [found[number] for number in sorted(found)]
            last = highest


def runs(known: Sequence[int], before: int | None) -> list[tuple[int, int]]:
    """The runs of ids that are missing between these ascending ones, and below the first of them."""
    row = [*([] if before is None else [before]), *known]
    return [(low + 1, high - 1) for low, high in pairwise(row) if high - low > 1]


def _counted(row: dict[str, Any]) -> Counted:
    return Counted(
        id=int(row["entity_id"]),
        number=str(row.get("increment_id") or ""),
        store_view=str(row.get("store_id") or ""),
        created_at=parse_stamp(row["created_at"]),
        updated_at=parse_stamp(row.get("updated_at") or row["created_at"]),
    )
