"""Flows of states whose store is asked for what the ERP names: prices and products."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from decimal import Decimal
from itertools import islice
from typing import Any, Generic, TypeVar

import msgspec

from crossdock.connections import Connections
from crossdock.contract.flow import Flow
from crossdock.feeds.roads import Road
from crossdock.flows import PRICES, PRODUCTS
from crossdock.flows.cells import plain
from crossdock.magento.pricelist import Pricelist
from crossdock.magento.products import ProductSink
from crossdock.model.base import Record
from crossdock.model.price import Price, Step
from crossdock.model.product import Product
from crossdock.reconciliation.buckets import Entry, Pair
from crossdock.reconciliation.drift import ABSENT
from crossdock.reconciliation.totals import Sums
from crossdock.reconciling.ports import Judging, Pass, Stored, Verdicts
from crossdock.reconciling.states import Book, ErpStates, StateJudge, Value

R = TypeVar("R")
CHUNK = 500
ZERO = Decimal(0)
ENCODER = msgspec.json.Encoder()
VALUES = msgspec.json.Decoder(list[tuple[str, str, str]])
Answered = tuple[tuple[str, ...], str]  # the fields as the store has them, and a note of whoever judges


class Kind(Record, Generic[R], frozen=True, kw_only=True):
    """What there is to know of such a flow. `ask` gives None where the store has no such thing."""

    flow: Flow[R]
    fields: tuple[str, ...]
    told: Callable[[R], tuple[str, ...]]
    ask: Callable[[Sequence[R]], Sequence[Answered | None]]
    summed: Callable[[R, tuple[str, ...]], tuple[str, Decimal] | None]  # of a record with such fields: unit, amount


class Asked(Generic[R]):
    """See ports.Comparable."""

    def __init__(
        self,
        connections: Connections,
        kind: Kind[R],
        erp: str,
        store: str,
        options: Mapping[str, Any],
        book: Book,
        rounding: Decimal,
    ) -> None:
        self.kind = kind
        self.flow = kind.flow.name
        self.erp, self.store = erp, store
        self._connections = connections
        self._options = options
        self._book = book
        self._rounding = rounding

    @property
    def road(self) -> Road:
        """As a schedule knows it."""
        return Road(source=self.erp, target=self.store, flow=f"reconcile-{self.flow}")

    @contextmanager
    def open(self, one: Pass) -> Iterator[Judging]:
        """A pass keeps nothing open."""
        connector = self._connections.by_name[self.erp]
        side = ErpStates(self.kind.flow, self.erp, self.store, connector, self._options, self._book)
        judge = StateJudge(side, self.kind.fields, one, self._book, self._rounding)
        yield _Pass(self, side, judge, one)


class _Pass(Generic[R]):
    """See ports.Judging."""

    def __init__(self, owner: Asked[R], side: ErpStates[R], judge: StateJudge[R], one: Pass) -> None:
        self._kind = owner.kind
        self._ends = (owner.erp, owner.store)
        self._side = side
        self._judge = judge
        self._day = one.began.date()
        self._sums = {name: Sums() for name in self._ends}

    def erp_side(self) -> Iterator[Entry]:
        """Each record, with the whole of it beside what is compared."""
        for record in self._side.records():
            fields = self._kind.told(record)
            self._add(self._ends[0], record, fields)
            yield Entry(self._side.rules.subject(record), fields, ENCODER.encode(record).decode())

    def store_side(self, told: Stored) -> Iterator[Entry]:
        """What the store has in the place of each."""
        entries = told()
        while several := list(islice(entries, CHUNK)):
            records = [self._side.decoded(one) for one in several]
            for entry, record, answer in zip(several, records, self._kind.ask(records), strict=True):
                if answer is not None:
                    fields, note = answer
                    self._add(self._ends[1], record, fields)
                    yield Entry(entry.key, fields, note)

    def judged(self, pairs: Sequence[Pair]) -> Verdicts:
        """Field by field; where the store's answer has a note, by that."""
        return self._judge.judged(pairs, lambda _record: ZERO, _values if self._kind.flow is PRODUCTS else None)

    def asides(self) -> Verdicts:
        """Rows that cannot be read."""
        return self._judge.asides()

    def sums(self) -> dict[str, Sums]:
        """As the flow sums them up."""
        return self._sums

    def _add(self, side: str, record: R, fields: tuple[str, ...]) -> None:
        if (told := self._kind.summed(record, fields)) is not None:
            self._sums[side].add(self._day, *told)


def _values(pair: Pair) -> list[Value]:
    """A product's differences, as the store's answer names them."""
    if pair.right is None:
        return [("product", "there", ABSENT)]
    return VALUES.decode(pair.right.note) if pair.right.note else [("product", ABSENT, "there")]


def prices(pricelist: Pricelist) -> Kind[Price]:
    """Base, special and tier prices and costs, as exact decimals."""

    def ask(several: Sequence[Price]) -> list[Answered | None]:
        return [None if one is None else (_price(one), "") for one in pricelist.standing(several)]

    return Kind(flow=PRICES, fields=("price", "days"), told=_price, ask=ask, summed=_amount)


def products(sink: ProductSink) -> Kind[Product]:
    """What the ERP owns of a product, compared by the store's own words."""

    def ask(several: Sequence[Product]) -> list[Answered | None]:
        return [None if one is None else _differences(one) for one in sink.compared(several)]

    return Kind(
        flow=PRODUCTS,
        fields=("product",),
        told=lambda _product: ("as wanted",),
        ask=ask,
        summed=lambda _product, _fields: ("products", Decimal(1)),
    )


def _differences(found: Mapping[str, tuple[str, str]]) -> Answered:
    if not found:
        return ("as wanted",), ""
    told = [(name, wanted, there) for name, (wanted, there) in sorted(found.items())]
    return (f"{len(told)} differ",), ENCODER.encode(told).decode()


def _price(price: Price) -> tuple[str, ...]:
    if price.kind == "ladder":
        return "; ".join(sorted(map(_step, price.steps))) or "none", ""
    if price.amount is None:
        return "none", ""
    days = f"{price.begins or ''}..{price.ends or ''}" if price.begins or price.ends else ""
    return f"{plain(price.amount)}{'%' if price.discount else ''}", days


def _step(step: Step) -> str:
    amount = f"{plain(step.amount)}{'%' if step.discount else ''}"
    return f"{step.scope}/{step.group.casefold()} from {plain(step.quantity)}: {amount}"


def _amount(price: Price, fields: tuple[str, ...]) -> tuple[str, Decimal] | None:
    """What a side has, summed up by kind: a change that nobody sees in a hundred thousand prices shows here."""
    told = fields[0]
    if price.kind == "ladder" or told == "none" or told.endswith("%"):
        return None
    return f"{price.kind} prices", Decimal(told)
