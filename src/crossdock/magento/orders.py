"""Orders out of a store: one at a time, by what changed, and by id to find what was missed."""

from __future__ import annotations

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
from crossdock.magento.listing import Listed, OrderList, Row
from crossdock.magento.mapping.orders import parse_sighting
from crossdock.magento.search import Group, after, criteria, parse_stamp, stamp, where
from crossdock.magento.settings import PollingSettings
from crossdock.model.base import Record
from crossdock.model.sighting import Sighting

__all__ = ["OrderSource", "Place", "content_hash"]

LOOKS = "looks"
BY_CHANGE = ("updated_at", "entity_id")
BY_ID = ("entity_id",)
ID_FIELDS = "items[entity_id,created_at],total_count"
MEMO_PAGE = 100
POISON_REST = timedelta(hours=1)


class Place(Record, frozen=True, kw_only=True):
    """How far the list of changes was read. `poison`: ids left out because they break the list, and since when."""

    updated_at: datetime
    entity_id: int = 0
    poison: dict[str, datetime] = msgspec.field(default_factory=dict)

    def watermark(self) -> Watermark:
        """As the spine keeps it."""
        value: dict[str, Any] = {"updated_at": stamp(self.updated_at), "entity_id": self.entity_id}
        if self.poison:
            value["poison"] = {name: stamp(moment) for name, moment in self.poison.items()}
        return Watermark(value=value)

    @staticmethod
    def parse(value: Mapping[str, Any]) -> Place:
        """Raises KeyError, ValueError on what `watermark` did not write."""
        poison = {str(name): parse_stamp(moment) for name, moment in value.get("poison", {}).items()}
        return Place(updated_at=parse_stamp(value["updated_at"]), entity_id=int(value["entity_id"]), poison=poison)


class OrderSource:
    """The source of the flow `looks`. `name` is the connection's; `clock` gives our own time."""

    def __init__(
        self, client: MagentoClient, polling: PollingSettings, *, name: str, clock: Callable[[], datetime]
    ) -> None:
        self._client = client
        self._polling = polling
        self._name = name
        self._clock = clock

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
        orders = OrderList(self._client, self._polling.page_size)
        kept = self._start(since)
        cursor = (kept.updated_at - timedelta(seconds=self._polling.overlap_s), 0) if since else (kept.updated_at, 0)
        kept, again = _rested(kept, self._clock())
        bound: datetime | None = None
        while True:
            asked_at = self._clock()
            listed = orders.page(after(*cursor), BY_CHANGE, broken=[int(one) for one in kept.poison])
            if bound is None and listed.store_time is not None:
                bound = listed.store_time - timedelta(seconds=self._polling.lag_s)
            rows = _in_order(row for row in listed.rows if bound is None or row.updated_at <= bound)
            done = listed.short or len(rows) < len(listed.rows) or (bool(rows) and rows[-1].place() <= cursor)
            kept = _moved(kept, rows, listed, self._clock())
            yield Page(
                messages=tuple(self._message(row, asked_at) for row in rows),
                watermark=kept.watermark(),
                complete=done,
                poison=(*again, *(str(one) for one in listed.broken)),
                source_time=listed.store_time,
            )
            if done:
                return
            again = ()
            cursor = rows[-1].place()

    def orders(self, ids: Sequence[str]) -> Iterator[Message]:
        """These orders as they are now, for the sweep over open ones; those that are gone are left out."""
        for subject in ids:
            asked_at = self._clock()
            hint = Message(id="", source=self._name, flow=LOOKS, subject=subject, occurred_at=asked_at)
            found = self.read(hint)
            if found is not None:
                yield msgspec.structs.replace(found, id=f"sweep:{subject}:{asked_at.isoformat()}")

    def ids_between(self, first: int, last: int) -> list[tuple[int, datetime | None]]:
        """Ids that exist, both ends included, with their time of creation (None where the order cannot be read)."""
        return self._ids(((where("entity_id", "gteq", first),), (where("entity_id", "lteq", last),)))

    def ids_created(self, since: datetime, until: datetime) -> list[tuple[int, datetime | None]]:
        """Ids of the orders created at `since` or later and before `until`, by the store's clock."""
        return self._ids(((where("created_at", "gteq", since),), (where("created_at", "lt", until),)))

    def _ids(self, groups: tuple[Group, ...]) -> list[tuple[int, datetime | None]]:
        orders = OrderList(self._client, self._polling.page_size)
        found: dict[int, datetime | None] = {}
        broken: list[int] = []
        last = 0
        while True:
            listed = orders.page((*groups, (where("entity_id", "gt", last),)), BY_ID, broken, ID_FIELDS)
            broken += listed.broken
            found |= dict.fromkeys(listed.broken)
            found |= {row.entity_id: parse_stamp(row.order["created_at"]) for row in listed.rows}
            highest = max((row.entity_id for row in listed.rows), default=last)
            if listed.short or highest <= last:
                return sorted(found.items())
            last = highest

    def _start(self, since: Watermark | None) -> Place:
        if since is not None:
            try:
                return Place.parse(since.value)
            except (KeyError, ValueError, TypeError, AttributeError) as error:
                raise InvalidPayload("a watermark of another kind") from error
        start = self._polling.start_at()
        if start is not None:
            return Place(updated_at=start)
        answer = self._client.fetch("GET", "V1/orders", criteria((), sort=BY_ID, size=1, fields="total_count"))
        return Place(updated_at=(answer.store_time or self._clock()) - timedelta(seconds=self._polling.overlap_s))

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


def _moved(kept: Place, rows: Sequence[Row], listed: Listed, now: datetime) -> Place:
    poison = kept.poison | {str(one): now for one in listed.broken}
    furthest = max([(kept.updated_at, kept.entity_id), *(row.place() for row in rows)])
    return Place(updated_at=furthest[0], entity_id=furthest[1], poison=poison)


def _rested(kept: Place, now: datetime) -> tuple[Place, tuple[str, ...]]:
    """Orders that were left out for an hour are tried again, and told again in case the list passed them by now."""
    again = tuple(name for name, moment in kept.poison.items() if now - moment > POISON_REST)
    poison = {name: moment for name, moment in kept.poison.items() if name not in again}
    return msgspec.structs.replace(kept, poison=poison), again
