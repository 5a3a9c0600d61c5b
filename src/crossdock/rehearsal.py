"""What other settings would make of orders that were recorded: compared field by field, nothing is sent. Pure.

An order is taken as it was last read from the store. For each ERP both settings say whether it goes there, and with
which body; what differs is counted by field, and what would not go any more by its reason.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any

import msgspec

from crossdock.contract.flow import Route
from crossdock.contract.message import Problem
from crossdock.errors import CrossdockError
from crossdock.flows.eligibility import Eligibility, decide
from crossdock.flows.expansion import expand
from crossdock.flows.orders import OrderOptions
from crossdock.flows.proof import prove, settle
from crossdock.flows.routing import Way, refusals
from crossdock.model.base import Record
from crossdock.model.order import Order
from crossdock.shadowing.fields import flat, unnumbered

Preview = Callable[[str, Order], Mapping[str, Any]]  # by the target's name; raises CrossdockError


class Sent(Record, frozen=True, kw_only=True):
    """What one ERP would get of one order; `waits` says why it would not get it, as far as settings can tell.

    `expected`: it is the settings that send it elsewhere, or nowhere.
    """

    body: dict[str, Any] = msgspec.field(default_factory=dict)
    waits: str = ""
    expected: bool = False


Told = Callable[[str, Order], Mapping[str, Sent]]
NO_ROUTE = Sent(waits="there is no such route")


class FieldChange(Record, frozen=True, kw_only=True):
    """One field, in how many orders it would change, and how it would in the first of them."""

    count: int
    order: str
    before: Any
    after: Any


class Stop(Record, frozen=True, kw_only=True):
    """Why orders would not go any more, how many, and the kind of the first of them."""

    count: int
    order: str
    kind: str


class Difference(Record, frozen=True, kw_only=True):
    """What changes for one ERP. `started`: orders that would go now and did not."""

    orders: int = 0
    same: int = 0
    started: int = 0
    fields: dict[str, FieldChange] = msgspec.field(default_factory=dict)
    stops: dict[str, Stop] = msgspec.field(default_factory=dict)


def outcomes(order: Order, routes: Sequence[Route], preview: Preview) -> dict[str, Sent]:
    """By target, what the order comes to under these routes."""
    asked = {route.target: msgspec.convert(route.options, OrderOptions) for route in routes if "orders" in route.flows}
    ways = [Way(target=target, when=options.when, shares=options.shares) for target, options in asked.items()]
    refused = refusals(order, ways)
    return {
        target: Sent(waits=refused[target], expected=True)
        if target in refused
        else _sent(order, target, options, preview)
        for target, options in asked.items()
    }


def compare(orders: Iterable[tuple[str, Order]], before: Told, after: Told) -> dict[str, Difference]:
    """By target, what differs between two settings over these orders, each with the store that it came from."""
    found: dict[str, Difference] = {}
    for source, order in orders:
        old, new = before(source, order), after(source, order)
        for target in {**old, **new}:
            known = found.get(target, Difference())
            found[target] = _counted(known, order, old.get(target, NO_ROUTE), new.get(target, NO_ROUTE))
    return found


def kind_of(order: Order) -> str:
    """What kind of order this is, to tell one from another: its lines' types and how it is paid."""
    lines = "+".join(sorted({line.kind for line in order.lines}))
    return f"{lines or 'no lines'}, {order.payment.method or 'no payment'}, {order.totals.currency}"


def _sent(order: Order, target: str, options: OrderOptions, preview: Preview) -> Sent:
    decision = decide(order, options.eligibility, 0, order.updated_at)
    if decision.eligibility is Eligibility.NEVER and order.payment.method in decision.reason:
        return Sent(waits=decision.reason, expected=True)  # what it waits for by its state changes anyhow
    proven = settle(order, prove(order), options.on_mismatch, options.accept_cents)
    if isinstance(proven, Problem):
        return Sent(waits=proven.reason)
    try:
        return Sent(body=dict(preview(target, expand(proven, options.bundles))))
    except CrossdockError as error:
        return Sent(waits=f"{error.code}: {error}")


def _counted(known: Difference, order: Order, old: Sent, new: Sent) -> Difference:
    told = msgspec.structs.replace(known, orders=known.orders + 1)
    if old == new or (old.waits and new.waits):
        return msgspec.structs.replace(told, same=told.same + 1)
    if new.waits:
        was = told.stops.get(new.waits)
        stop = Stop(count=was.count + 1 if was else 1, order=was.order if was else order.number, kind=_kind(was, order))
        return msgspec.structs.replace(told, stops={**told.stops, new.waits: stop})
    if old.waits:
        return msgspec.structs.replace(told, started=told.started + 1)
    return msgspec.structs.replace(told, fields=_changed(told.fields, order, old.body, new.body))


def _kind(was: Stop | None, order: Order) -> str:
    return was.kind if was else kind_of(order)


def _changed(known: Mapping[str, FieldChange], order: Order, old: Any, new: Any) -> dict[str, FieldChange]:
    before, after = dict(flat(old)), dict(flat(new))
    found = dict(known)
    touched: set[str] = set()
    for path in {**before, **after}:
        was, now = before.get(path), after.get(path)
        name = unnumbered(path)
        if _plain(was) == _plain(now) or name in touched:
            continue
        touched.add(name)
        first = found.get(name, FieldChange(count=0, order=order.number, before=was, after=now))
        found[name] = msgspec.structs.replace(first, count=first.count + 1)
    return found


def _plain(value: Any) -> Any:
    """2 and 2.00 are written differently, and so are 1 and true."""
    return (type(value).__name__, str(value)) if isinstance(value, Decimal | bool) else value
