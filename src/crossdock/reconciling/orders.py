"""Orders: what the store has of a period, beside what the ERP lists, or is known to have taken.

An ERP that cannot list orders is asked for each that was delivered to it, many in a question where it can.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any, Protocol

import msgspec

from crossdock.connections import Connections
from crossdock.contract.connector import CountingManySink, CountingSink, ListsOrders, OrderLister
from crossdock.contract.message import Message
from crossdock.delivery.poll import STREAM
from crossdock.delivery.store import Checkpoint, DeliveryView
from crossdock.errors import Conflict
from crossdock.feeds.roads import Road
from crossdock.flows import LOOKS, ORDERS
from crossdock.flows.cells import plain
from crossdock.magento.census import Reach
from crossdock.magento.connector import MagentoConnector
from crossdock.magento.orderbook import Booked
from crossdock.model.order import Order
from crossdock.reconciliation.buckets import Entry, Pair
from crossdock.reconciliation.causes import Judged, OrderFacts, Standing, of_order
from crossdock.reconciliation.drift import ABSENT, Drift
from crossdock.reconciliation.totals import Sums
from crossdock.reconciling.ports import Judging, Pass, Stored, Verdicts

ONE = Decimal(1)
NOTES = msgspec.json.Decoder(Booked)
ENCODER = msgspec.json.Encoder()
FIELDS = ("total", "currency", "times")


class Spine(Protocol):
    """The part of the store that knows of orders."""

    def checkpoint(self, source: str, stream: str) -> Checkpoint | None:
        """How far a store was polled."""

    def delivery(self, delivery_id: int) -> tuple[DeliveryView, Message] | None:
        """With its record."""

    def find_subjects(self, reference: str) -> list[tuple[str, str]]:
        """What people call by this number."""


class Book(Protocol):
    """What is known of documents."""

    def documents(self, source: str, flow: str, subjects: Sequence[str]) -> dict[tuple[str, str], Standing]:
        """Our deliveries, by (subject, target)."""


class Orders:
    """See ports.Comparable."""

    flow = ORDERS.name

    def __init__(
        self, connections: Connections, store: MagentoConnector, erp: str, spine: Spine, book: Book, rounding: Decimal
    ) -> None:
        self.connections = connections
        self.shop = store
        self.store, self.erp = store.name, erp
        self.spine = spine
        self.book = book
        self.rounding = rounding

    @property
    def road(self) -> Road:
        """As a schedule knows it."""
        return Road(source=self.store, target=self.erp, flow=f"reconcile-{self.flow}")

    @contextmanager
    def open(self, one: Pass) -> Iterator[Judging]:
        """A pass keeps nothing open."""
        connector = self.connections.by_name[self.erp]
        lister = connector.order_lister() if isinstance(connector, ListsOrders) else None
        yield _Pass(self, one, lister)

    def reach(self) -> Reach | None:
        """How far the store was polled."""
        read = self.spine.checkpoint(self.store, STREAM)
        return self.shop.census.reach(read.watermark if read else None)


class _Pass:
    """See ports.Judging. The totals of the ERP are the store's own, corrected by what differs: in the store's days."""

    def __init__(self, owner: Orders, one: Pass, lister: OrderLister | None) -> None:
        self._owner = owner
        self._pass = one
        self._lister = lister
        self._told = lister.tells if lister else frozenset({"total", "currency"})
        self._effects = Effects(owner)
        self._reach = owner.reach()
        self._times: Counter[str] = Counter()
        self._sums = {owner.store: Sums(), owner.erp: Sums()}

    def erp_side(self) -> Iterator[Entry]:
        """What it lists since then; nothing where it cannot list."""
        since = self._pass.since or self._pass.began
        for order in self._lister.since(since) if self._lister else ():
            self._times[order.number] += 1
            made = (order.created_at or self._pass.began).isoformat()
            times = str(self._times[order.number])  # of one that is there twice the later entry counts, and differs
            yield Entry(order.number, (*self._fields(order.total, order.currency), times), made)

    def store_side(self, told: Stored) -> Iterator[Entry]:  # noqa: ARG002  the store lists its own
        """What was created since then."""
        since = self._pass.since or self._pass.began
        for order in self._owner.shop.orderbook.created(since, self._pass.began + timedelta(days=1)):
            self._sum(order, ONE)
            note = ENCODER.encode(order).decode()
            yield Entry(order.number or f"id {order.id}", (*self._fields(order.total, order.currency), "1"), note)

    def judged(self, pairs: Sequence[Pair]) -> Verdicts:
        """Left is the ERP's."""
        orders = {pair.key: NOTES.decode(pair.right.note) for pair in pairs if pair.right is not None}
        subjects = [str(order.id) for order in orders.values()]
        looks = self._owner.book.documents(self._owner.store, LOOKS.name, subjects)
        owed = self._owner.book.documents(self._owner.store, ORDERS.name, subjects)
        mine = {subject: one for (subject, target), one in owed.items() if target == self._owner.erp}
        unlisted = {pair.key for pair in pairs if pair.left is None}
        asked = [one for key, order in orders.items() if key in unlisted and (one := mine.get(str(order.id)))]
        there = self._effects.of([one for one in asked if one.state == "delivered"])
        drifts: list[Drift] = []
        moving = 0
        for pair in pairs:
            order = orders.get(pair.key)
            subject = str(order.id) if order else ""
            look = looks.get((subject, self._owner.store))
            found = self._one(pair, order, look, mine.get(subject), there)
            drifts += found.drifts
            moving += found.moving
        return Verdicts(drifts=tuple(drifts), moving=moving)

    def asides(self) -> Verdicts:
        """Orders that the ERP has more than once, though both sides look the same."""
        return Verdicts()

    def sums(self) -> dict[str, Sums]:
        """Orders and their grand totals by currency, in the days in which the store has them."""
        return self._sums

    def _one(
        self,
        pair: Pair,
        order: Booked | None,
        look: Standing | None,
        delivery: Standing | None,
        there: Mapping[int, int | None],
    ) -> Verdicts:
        if order is None:
            return self._only_in_erp(pair)
        count = self._count(pair, delivery, there)
        self._corrected(pair, order, count, delivery)
        when = self._pass.when()
        excused, waiting = self._unseen(order)
        is_young = bool(waiting) and order.updated_at is not None and order.updated_at >= when.young
        if when.is_moving(look) or when.is_moving(delivery) or (look is None and is_young):
            return Verdicts(moving=1)
        if count and not order.number:
            return Verdicts()  # it breaks the store's list, and only that is known of it
        told = (*(self._delivered(delivery) if count == 1 else ("", "")), "1")
        drifts = []
        for place, field in enumerate(FIELDS) if (count or 0) < 2 else ((2, FIELDS[2]),):
            store = pair.right.fields[place] if pair.right else ABSENT
            erp = pair.left.fields[place] if pair.left else told[place] if count else ABSENT
            judged = of_order(
                OrderFacts(
                    store_value=store,
                    erp_value=erp or store,
                    told=told[place],
                    look=look,
                    delivery=delivery,
                    excused=excused,
                    waiting=waiting,
                    in_erp=None if count is None else count > 0,
                    times=count or 1,
                ),
                self._owner.rounding,
            )
            if judged is not None:
                drifts.append(self._drift(pair.key, str(order.id), field, (store, erp), judged, delivery or look))
                if not count or delivery is None:
                    break  # all its fields are absent alike
        return Verdicts(drifts=tuple(drifts))

    def _count(self, pair: Pair, delivery: Standing | None, there: Mapping[int, int | None]) -> int | None:
        """How often the ERP has it; None where it cannot be asked."""
        if pair.left is not None:
            return self._times[pair.key]
        return there.get(delivery.id, 0) if delivery is not None else 0

    def _only_in_erp(self, pair: Pair) -> Verdicts:
        """Of before the period in the store, or of another store's number; else nobody knows where it comes from."""
        if any(source == self._owner.store for source, _ in self._owner.spine.find_subjects(pair.key)):
            return Verdicts()
        day = datetime.fromisoformat(pair.left.note).date() if pair.left else self._pass.began.date()
        self._sums[self._owner.erp].add(day, "orders", ONE)
        value = pair.left.fields[0] if pair.left else ""
        facts = OrderFacts(store_value=ABSENT, erp_value=value, in_store=False)
        judged = of_order(facts, self._owner.rounding)
        drifts = [self._drift(pair.key, "", "total", (ABSENT, value), judged, None)] if judged else []
        return Verdicts(drifts=tuple(drifts))

    def _unseen(self, order: Booked) -> tuple[str, str]:
        """Why an order that was never looked at need not be, or not yet: ("", "") where it should have been."""
        if self._reach is None:
            return "", "this store was never polled yet"
        changed = order.updated_at
        if changed is None:
            return "", ""
        if self._reach.began is not None and changed < self._reach.began:
            return "changed last before the first scan", ""
        late = changed >= self._reach.again_from
        return "", f"read up to {self._reach.read_up_to:%Y-%m-%d %H:%M:%S} UTC" if late else ""

    def _delivered(self, delivery: Standing | None) -> tuple[str, str]:
        """What was delivered of it: ("", "") once its record was forgotten."""
        order = self._effects.record(delivery) if delivery is not None and delivery.state == "delivered" else None
        return (plain(order.totals.grand_total), order.totals.currency) if order is not None else ("", "")

    def _fields(self, total: Decimal | None, currency: str) -> tuple[str, str]:
        """Only what both sides tell."""
        amount = plain(total) if total is not None and "total" in self._told else ""
        return amount, currency if "currency" in self._told else ""

    def _sum(self, order: Booked, sign: Decimal) -> None:
        day = _day(order, self._pass)
        for sums in self._sums.values():
            sums.add(day, "orders", sign)
            if order.total is not None:
                sums.add(day, order.currency, order.total * sign)

    def _corrected(self, pair: Pair, order: Booked, count: int | None, delivery: Standing | None) -> None:
        """Both were summed up as the store has it."""
        day, erp = _day(order, self._pass), self._sums[self._owner.erp]
        if not count:
            erp.add(day, "orders", -ONE)
            erp.add(day, order.currency, -(order.total or Decimal(0)))
            if delivery is None or delivery.state == "superseded":
                self._sums[self._owner.store].add(day, "orders", -ONE)
                self._sums[self._owner.store].add(day, order.currency, -(order.total or Decimal(0)))
                self._sums[self._owner.store].add(day, "orders not promised", ONE)
        elif count > 1:
            erp.add(day, "orders", Decimal(count - 1))
        if pair.left is not None and pair.left.fields[0] and order.total is not None:
            erp.add(day, order.currency, Decimal(pair.left.fields[0]) * (count or 1) - order.total)

    @staticmethod
    def _drift(
        key: str, subject: str, field: str, values: tuple[str, str], judged: Judged, known: Standing | None
    ) -> Drift:
        return Drift(
            key=key,
            subject=subject,
            field=field,
            store_value=values[0],
            erp_value=values[1],
            cause=judged.cause,
            repair=judged.repair,
            why=judged.why,
            delivery=known.id if known else None,
            seen=known.fence if known else 0,
        )


class Effects:
    """What an ERP says of orders that were delivered to it, asked for by their keys: see contract.CountingSink."""

    def __init__(self, owner: Orders) -> None:
        self._owner = owner
        self._sink: Any = owner.connections.sink(owner.erp, ORDERS)
        self._can = ORDERS.name in owner.connections.capabilities(owner.erp).finds

    def of(self, delivered: Sequence[Standing]) -> dict[int, int | None]:
        """By delivery, how often the ERP has it; None where it cannot say. Raises DeliveryError."""
        many = self._sink.count_at_once if isinstance(self._sink, CountingManySink) and self._can else 1
        found: dict[int, int | None] = {}
        for start in range(0, len(delivered), max(1, many)):
            found |= self._asked(delivered[start : start + max(1, many)])
        return found

    def record(self, delivery: Standing) -> Order | None:
        """As it was sent; None once it was forgotten, or erased."""
        found = self._owner.spine.delivery(delivery.id)
        payload = found[1].payload if found else b""
        try:
            return msgspec.json.decode(payload, type=Order) if payload else None
        except msgspec.DecodeError:
            return None

    def _asked(self, several: Sequence[Standing]) -> dict[int, int | None]:
        """Together first; whatever that does not confirm is asked for alone: an answer may have been cut short."""
        known: dict[int, tuple[Order, str]] = {}
        for one in several:
            found = self._owner.spine.delivery(one.id)
            if found is not None and (order := self.record(one)) is not None:
                known[one.id] = (order, found[0].key)
        sure = self._together(known) if len(known) > 1 else set()
        counts: dict[int, int | None] = dict.fromkeys(sure, 1)
        for one in several:
            if one.id not in sure:
                counts[one.id] = self._alone(*known[one.id]) if one.id in known else None
        return counts

    def _together(self, known: Mapping[int, tuple[Order, str]]) -> set[int]:
        counts = self._sink.count_many([*known.values()])
        return {number for number, count in zip(known, counts, strict=True) if count == 1}

    def _alone(self, order: Order, key: str) -> int | None:
        if not (self._can and isinstance(self._sink, CountingSink)):
            return None
        try:
            return self._sink.count(order, key)
        except Conflict:
            return None  # another content stands there under our number: `effects verify` tells of it


def _day(order: Booked, one: Pass) -> date:
    return (order.created_at or one.began).astimezone(UTC).date()
