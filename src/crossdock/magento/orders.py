"""Orders out of a store: one at a time, and by what changed."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

import msgspec

from crossdock.contract.connector import Page, Watermark
from crossdock.contract.message import Message
from crossdock.errors import InvalidPayload, Misconfigured, Temporary
from crossdock.magento.client import MagentoClient, segment
from crossdock.magento.content import content_hash
from crossdock.magento.listing import Listed, OrderList, Row, store_clock
from crossdock.magento.mapping.orders import parse_sighting
from crossdock.magento.search import Group, after, criteria, parse_stamp, stamp, where
from crossdock.magento.settings import PollingSettings
from crossdock.model.base import Record
from crossdock.model.sighting import Sighting

__all__ = ["OrderSource", "Place", "content_hash"]

LOOKS = "looks"
BY_CHANGE = ("updated_at", "entity_id")
BY_ID = ("entity_id",)
MEMO_PAGE = 100
POISON_REST = timedelta(hours=1)


Spot = tuple[datetime, int]


class Place(Record, frozen=True, kw_only=True):
    """How far the list of changes was read: `furthest` never goes back.

    `scan` is where a scan under way stands, and `seen_at` the store's time then: a scan that was cut goes on there.
    `floor` is from when the next scan must read again because of that. `poison`: ids left out because they break the
    list, and since when. `began` is where the very first scan did: nothing older was ever asked for.
    """

    furthest: Spot
    scan: Spot | None = None
    seen_at: datetime | None = None
    floor: datetime | None = None
    began: datetime | None = None
    poison: dict[str, datetime] = msgspec.field(default_factory=dict)

    def watermark(self) -> Watermark:
        """As the spine keeps it."""
        value: dict[str, Any] = {"updated_at": stamp(self.furthest[0]), "entity_id": self.furthest[1]}
        if self.scan:
            value["scan"] = [stamp(self.scan[0]), self.scan[1]]
        for name, moment in (("seen_at", self.seen_at), ("floor", self.floor), ("began", self.began)):
            if moment:
                value[name] = stamp(moment)
        if self.poison:
            value["poison"] = {name: stamp(moment) for name, moment in self.poison.items()}
        return Watermark(value=value)

    @staticmethod
    def of(watermark: Watermark) -> Place:
        """Raises InvalidPayload for one of another kind."""
        try:
            return Place.parse(watermark.value)
        except (KeyError, ValueError, TypeError, AttributeError) as error:
            raise InvalidPayload("a watermark of another kind") from error

    @staticmethod
    def parse(value: Mapping[str, Any]) -> Place:
        """Raises KeyError, ValueError, TypeError, AttributeError on what `watermark` did not write."""
        scan = value.get("scan")
        return Place(
            furthest=(parse_stamp(value["updated_at"]), int(value["entity_id"])),
            scan=None if scan is None else (parse_stamp(scan[0]), int(scan[1])),
            seen_at=parse_stamp(value["seen_at"]) if "seen_at" in value else None,
            floor=parse_stamp(value["floor"]) if "floor" in value else None,
            began=parse_stamp(value["began"]) if "began" in value else None,
            poison={str(name): parse_stamp(moment) for name, moment in value.get("poison", {}).items()},
        )


class OrderSource:
    """The source of the flow `looks`. `name` is the connection's; `clock` gives our own time, `pause` waits seconds."""

    def __init__(
        self,
        client: MagentoClient,
        polling: PollingSettings,
        *,
        name: str,
        clock: Callable[[], datetime],
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        self._client = client
        self._polling = polling
        self._name = name
        self._clock = clock
        self._pause = pause

    def parse(self, message: Message) -> Sighting:
        """The order with its credit memos. Pure."""
        return parse_sighting(message.payload)

    def read(self, message: Message) -> Message | None:
        """The order as the store has it now, with its credit memos; None where the store has no such order.

        The payload is `{"order": {...}, "credit_memos": [...]}`, each as it came. `read_at` is our own clock, from
        before the request: it says how old the payload is, and that is asked by our clock.
        """
        asked_at = self._clock()
        answer = self._client.find(f"V1/orders/{segment(message.subject)}")
        if answer is None:
            return None
        order = answer.json()
        if not isinstance(order, dict) or "entity_id" not in order:
            raise Temporary("an order in an unknown form")
        memos = self._credit_memos(int(order["entity_id"])) if may_have_refunds(order) else []
        return msgspec.structs.replace(
            message,
            subject=str(order["entity_id"]),
            reference=str(order.get("increment_id") or message.reference),
            content=content_hash(order),
            payload=envelope(answer.body, memos),
            read_at=asked_at,
        )

    def changes(self, since: Watermark | None) -> Iterator[Page]:
        """Everything that changed since, oldest first, behind the store's own clock by `lag_s`.

        Each scan starts `overlap_s` before its watermark: an order whose transaction ended late stands behind it.
        The watermark never goes back. Raises DeliveryError; pages given before are good.
        """
        orders = OrderList(self._client, self._polling.page_size, self._pause)
        place = self._place(since)
        yield from changes_of(orders, place, self._polling, self._clock, self._message, first=since is None)

    def orders(self, ids: Sequence[str]) -> Iterator[Message]:
        """These orders as they are now, for the sweep over open ones; those that are gone are left out."""
        for subject in ids:
            asked_at = self._clock()
            hint = Message(id="", source=self._name, flow=LOOKS, subject=subject, occurred_at=asked_at)
            found = self.read(hint)
            if found is not None:
                yield msgspec.structs.replace(found, id=f"sweep:{subject}:{asked_at.isoformat()}")

    def newest(self, most: int) -> list[Message]:
        """The newest ones, without their credit memos. Raises DeliveryError."""
        asked_at = self._clock()
        listed = OrderList(self._client, most, self._pause).page((), ("-entity_id",))
        return [self._message(row, asked_at) for row in listed.rows]

    def _place(self, since: Watermark | None) -> Place:
        return place_of(self._client, self._polling, self._clock, since)

    def _message(self, row: Row, asked_at: datetime) -> Message:
        content = content_hash(row.order)
        return Message(
            # the time of change is part of it: an order held and released has its old content once more, and counts
            id=f"order:{row.entity_id}:{row.updated_at:%Y%m%dT%H%M%S}:{content[:16]}",
            source=self._name,
            flow=LOOKS,
            subject=str(row.entity_id),
            reference=str(row.order.get("increment_id") or ""),
            occurred_at=row.updated_at,
            payload=envelope(row.raw, ()),
            content=content,
            read_at=None if may_have_refunds(row.order) else asked_at,
        )

    def _credit_memos(self, order_id: int) -> list[bytes]:
        memos: list[bytes] = []
        last = 0
        while True:
            groups: tuple[Group, ...] = ((where("order_id", "eq", order_id),), (where("entity_id", "gt", last),))
            answer = self._client.fetch("GET", "V1/creditmemos", criteria(groups, sort=BY_ID, size=MEMO_PAGE))
            page = _memos(answer.body)
            fresh = [(number, raw) for number, raw in page if number > last]
            memos += [raw for _, raw in fresh]
            if len(page) < MEMO_PAGE or not fresh:
                return memos
            last = max(number for number, _ in fresh)


def place_of(
    client: MagentoClient, polling: PollingSettings, clock: Callable[[], datetime], since: Watermark | None
) -> Place:
    """Where reading goes on, or begins. Raises DeliveryError, InvalidPayload."""
    if since is not None:
        return Place.of(since)
    start = polling.start_at()
    if start is not None:
        return Place(furthest=(start, 0), began=start)
    now = store_clock(client) or clock()
    began = now - timedelta(seconds=polling.overlap_s)
    return Place(furthest=(began, 0), began=began)


def changes_of(
    listing: OrderList,
    place: Place,
    polling: PollingSettings,
    clock: Callable[[], datetime],
    told: Callable[[Row, datetime], Message],
    *,
    first: bool,
    named: Callable[[int], str] = str,
) -> Iterator[Page]:
    """The pages of one scan; `told` makes a message of a row and the time at which it was asked for."""
    kept, cursor = begun(place, timedelta(seconds=polling.overlap_s), first=first)
    kept, again = rested(kept, clock())
    bound: datetime | None = None
    while True:
        asked_at = clock()
        listed = listing.page(after(*cursor), BY_CHANGE, broken=[int(one) for one in kept.poison])
        if bound is None and listed.store_time is not None:
            bound = listed.store_time - timedelta(seconds=polling.lag_s)
        rows = _in_order(row for row in listed.rows if bound is None or row.updated_at <= bound)
        done = listed.short or len(rows) < len(listed.rows) or not rows or rows[-1].place() <= cursor
        cursor = rows[-1].place() if rows else cursor
        kept = moved(kept, listed, None if done else cursor, cursor, asked_at)
        yield Page(
            messages=tuple(told(row, asked_at) for row in rows),
            watermark=kept.watermark(),
            complete=done,
            poison=tuple(named(one) for one in (*map(int, again), *listed.broken)),
            source_time=listed.store_time,
        )
        if done:
            return
        again = ()


class _Memo(msgspec.Struct):
    entity_id: int


class _MemoPage(msgspec.Struct):
    items: list[msgspec.Raw] | None = None


def envelope(order: bytes, memos: Iterable[bytes]) -> bytes:
    """The payload of a look: the store's own bytes, so that no money passes through a float."""
    return b'{"order":' + order + b',"credit_memos":[' + b",".join(memos) + b"]}"


def may_have_refunds(order: Mapping[str, Any]) -> bool:
    """Whether there can be a credit memo: of a free order it says zero, so that being there is what counts."""
    return order.get("total_refunded") is not None or order.get("state") == "closed"


def _memos(body: bytes) -> list[tuple[int, bytes]]:
    try:
        raws = [bytes(raw) for raw in msgspec.json.decode(body, type=_MemoPage).items or []]
        return [(msgspec.json.decode(raw, type=_Memo).entity_id, raw) for raw in raws]
    except msgspec.MsgspecError as error:
        raise Temporary("a list of credit memos in an unknown form") from error


def _in_order(rows: Iterable[Row]) -> tuple[Row, ...]:
    listed = tuple(rows)
    if any(later.place() < earlier.place() for earlier, later in pairwise(listed)):
        raise Misconfigured("the store does not sort its orders: reading on would lose some")
    return listed


def begun(kept: Place, overlap: timedelta, *, first: bool) -> tuple[Place, Spot]:
    """Where a scan starts. A finished one is followed by one that reads its last `overlap` again.

    One that was cut goes on where it stood, else a process that dies after each page would never get on. What was
    committed meanwhile behind that place, as late as the overlap allows for, is left to the scan after: `floor`.
    """
    if kept.scan is None:
        start = kept.furthest[0] if first else min(kept.furthest[0] - overlap, kept.floor or kept.furthest[0])
        return msgspec.structs.replace(kept, floor=None), (start, 0)
    late_from = (kept.seen_at or kept.scan[0]) - overlap
    if kept.scan[0] < late_from:
        return kept, kept.scan
    return msgspec.structs.replace(kept, floor=min(late_from, kept.floor or late_from)), kept.scan


def moved(kept: Place, listed: Listed, scan: Spot | None, reached: Spot, now: datetime) -> Place:
    """The place after a page: `scan` None where it was the last one."""
    return msgspec.structs.replace(
        kept,
        furthest=max(kept.furthest, reached),
        scan=scan,
        seen_at=listed.store_time if scan else None,
        poison=kept.poison | {str(one): now for one in listed.broken},
    )


def rested(kept: Place, now: datetime) -> tuple[Place, tuple[str, ...]]:
    """Orders that were left out for an hour are tried again, and told again in case the list passed them by now."""
    again = tuple(name for name, moment in kept.poison.items() if now - moment > POISON_REST)
    poison = {name: moment for name, moment in kept.poison.items() if name not in again}
    return msgspec.structs.replace(kept, poison=poison), again
