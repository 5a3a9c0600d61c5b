"""Orders: what a look at one means for each ERP. Pure.

A look compares the order as the source has it now with what was promised before, and says what is still owed: the order
itself, then what happened to it since. Names of events are never believed; the order as read decides.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal

import msgspec

from crossdock.contract.flow import Duty, Known, Route
from crossdock.contract.message import Message, Problem
from crossdock.contract.shadow import PARKED, SHADOW
from crossdock.flows import eligibility
from crossdock.flows.eligibility import Eligibility
from crossdock.flows.expansion import Strategy, expand
from crossdock.flows.guests import guest_of
from crossdock.flows.keys import effect_key
from crossdock.flows.proof import Policy, prove, settle
from crossdock.flows.routing import Way, When, refusals
from crossdock.flows.shadow import Mode, is_live, is_shadow
from crossdock.model.base import Record
from crossdock.model.change import ChangeKind, OrderChange
from crossdock.model.order import Order, OrderState
from crossdock.model.refund import Refund
from crossdock.model.sighting import Sighting

# what still happens to these moves updated_at, so that polling hears of it; the sweep leaves them alone
FINAL = (OrderState.COMPLETE, OrderState.CLOSED, OrderState.CANCELED)


class OrderOptions(Record, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A route's options for orders."""

    eligibility: dict[str, eligibility.Rule] = msgspec.field(default_factory=lambda: dict(eligibility.DEFAULT_RULES))
    give_up_days: int = 30
    on_mismatch: Policy = "park"
    accept_cents: int = 1
    bundles: Strategy = "parent"
    when: When = When()
    shares: bool = False
    mode: Mode = "live"
    canary: Decimal = Decimal(5)
    live_from: datetime | None = None


class _Ground(Record, frozen=True, kw_only=True):
    """What one route's look stands on."""

    message: Message
    sighting: Sighting
    route: Route
    options: OrderOptions
    known: tuple[Known, ...]

    @property
    def order(self) -> Order:
        return self.sighting.order

    def key(self, operation: str, revision: str = "") -> str:
        return effect_key(self.message.source, "order", self.order.id, operation, revision)

    def find(self, key: str) -> Known | None:
        return next((known for known in self.known if known.key == key), None)

    def shadows(self) -> bool:
        """As it was decided when the order was promised; of a new one by the settings of now."""
        key, options = self.key("place"), self.options
        placed = self.find(key)
        if placed is not None:
            return is_shadow(placed.memo)
        return not is_live(key, options.mode, options.canary, options.live_from, self.order.created_at)

    def memo(self, **told: str) -> dict[str, str]:
        return told | ({SHADOW: "1"} if self.shadows() else {})


def look(message: Message, sighting: Sighting, known: Sequence[Known], routes: Sequence[Route]) -> tuple[Duty, ...]:
    """What is owed to each target, in the order in which it must be done."""
    grounds = [
        _Ground(
            message=message,
            sighting=sighting,
            route=route,
            options=msgspec.convert(route.options, OrderOptions),
            known=tuple(one for one in known if one.target == route.target),
        )
        for route in routes
        if "orders" in route.flows
    ]
    refused = refusals(sighting.order, [_way(ground) for ground in grounds])
    duties: list[Duty] = []
    for ground in grounds:
        target = ground.route.target
        duties += [Duty(flow="orders", target=target, reason=refused[target])] if target in refused else _owed(ground)
    return tuple(duties)


def _way(ground: _Ground) -> Way:
    """A promise that ended before anything was sent (canceled before export) binds nobody, but nothing comes of it.

    Who only looks on never takes an order from another.
    """
    options = ground.options
    has = ground.find(ground.key("place")) is not None
    return Way(target=ground.route.target, when=options.when, shares=options.shares or ground.shadows(), has=has)


def _owed(ground: _Ground) -> list[Duty]:
    placed = ground.find(ground.key("place"))
    if placed is None:
        order = _place(ground)
        return [*_guest(ground), order] if order.payload is not None else [order]
    if placed.state == "superseded":
        return []
    if _ends_before_export(ground.order, placed):
        reason = f"{ground.order.state} before it was exported"
        return [Duty(flow="orders", target=ground.route.target, supersedes=(placed.key,), reason=reason)]
    # the store does nothing to an order on hold: a release came before what else is new, a hold after it
    hold = _hold(ground)
    released = ground.order.state != OrderState.HOLDED
    changes = [*hold, *_payment(ground, placed)] if released else [*_payment(ground, placed), *hold]
    return [*changes, *_refunds(ground), *_cancel(ground)]


def _ends_before_export(order: Order, placed: Known) -> bool:
    return placed.state == "pending" and not placed.maybe_sent and order.state == OrderState.CANCELED


def _place(ground: _Ground) -> Duty:
    order, target = ground.order, ground.route.target
    now = ground.message.read_at or ground.message.occurred_at
    decision = eligibility.decide(order, ground.options.eligibility, ground.options.give_up_days, now)
    if decision.eligibility is not Eligibility.NOW:
        again = eligibility.LOOK_AGAIN_SECONDS if decision.eligibility is Eligibility.LATER else None
        return Duty(flow="orders", target=target, reason=decision.reason, again_in=again)
    proven = settle(order, prove(order), ground.options.on_mismatch, ground.options.accept_cents)
    parked = isinstance(proven, Problem)
    # a parked order that is replayed goes as any other would
    record = expand(order if isinstance(proven, Problem) else proven, ground.options.bundles)
    return Duty(
        flow="orders",
        target=target,
        key=ground.key("place"),
        payload=msgspec.json.encode(record),
        park=parked and not ground.shadows(),
        reason=proven.reason if isinstance(proven, Problem) else "",
        memo=ground.memo(paid=str(order.totals.paid), held="0", **_parked(ground, proven)),
    )


def _parked(ground: _Ground, proven: Order | Problem) -> dict[str, str]:
    """A shadow is compared where a person would have had to look first, and says so."""
    return {PARKED: proven.reason} if isinstance(proven, Problem) and ground.shadows() else {}


def _guest(ground: _Ground) -> list[Duty]:
    """A guest becomes a customer before the order goes, in its lane: once for each address and website.

    With a shadowed order it is compared, under a key of its own: the next order of the same guest may be live.
    """
    order, rules = ground.order, ground.route.states.get("customers", {})
    if rules.get("guests", "none") == "none" or not ground.sighting.guest or "customers" not in ground.route.flows:
        return []
    verb = "compare" if ground.shadows() else "create"
    return [
        Duty(
            flow="new_customers",
            target=ground.route.target,
            key=effect_key(ground.message.source, "guest", ground.sighting.guest, verb, order.website),
            payload=msgspec.json.encode(guest_of(order)),
            memo=ground.memo(),
            lane=f"{ground.message.source}:order:{order.id}",
        )
    ]


def _payment(ground: _Ground, placed: Known) -> list[Duty]:
    paid = ground.order.totals.paid
    told = [Decimal(one.memo["paid"]) for one in (placed, *ground.known) if "paid" in one.memo]
    if "payments" not in ground.route.flows or paid <= max(told, default=Decimal(0)):
        return []
    change = _change(ground, ChangeKind.PAYMENT)
    key = ground.key("payment", f"{paid.normalize():f}")
    return [_told(ground, "payments", key, change, paid=str(paid))]


def _hold(ground: _Ground) -> list[Duty]:
    if "holds" not in ground.route.flows:
        return []
    told = [one.memo["held"] for one in ground.known if "held" in one.memo]
    held = "1" if ground.order.state == OrderState.HOLDED else "0"
    if not told or told[-1] == held:
        return []
    kind = ChangeKind.HOLD if held == "1" else ChangeKind.UNHOLD
    # the n-th change of its kind: looks at one order go one at a time, so the count is the same on every road
    key = ground.key("hold", str(len(told)))
    return [_told(ground, "holds", key, _change(ground, kind), held=held)]


def _cancel(ground: _Ground) -> list[Duty]:
    key = ground.key("cancel")
    wanted = "cancellations" in ground.route.flows and ground.order.state == OrderState.CANCELED
    if not wanted or ground.find(key) or ground.route.target in ground.sighting.cancelled_by:
        return []  # an ERP that cancelled the order itself is not told of it
    return [_told(ground, "cancellations", key, _change(ground, ChangeKind.CANCEL))]


def _refunds(ground: _Ground) -> list[Duty]:
    if "refunds" not in ground.route.flows:
        return []
    return [duty for refund in ground.sighting.refunds if (duty := _refund(ground, refund))]


def _refund(ground: _Ground, refund: Refund) -> Duty | None:
    if refund.origin == ground.route.target:
        return None  # it comes from there
    key = effect_key(ground.message.source, "creditmemo", refund.id, "refund")
    named = msgspec.structs.replace(refund, order_number=ground.order.number)
    return None if ground.find(key) else _told(ground, "refunds", key, named)


def _told(ground: _Ground, flow: str, key: str, record: Record, **memo: str) -> Duty:
    payload = msgspec.json.encode(record)
    return Duty(flow=flow, target=ground.route.target, key=key, payload=payload, memo=ground.memo(**memo))


def _change(ground: _Ground, kind: ChangeKind) -> OrderChange:
    order = ground.order
    return OrderChange(
        kind=kind,
        order_id=order.id,
        order_number=order.number,
        occurred_at=order.updated_at,
        currency=order.totals.currency,
        paid=order.totals.paid,
        transaction_id=order.payment.transaction_id,
    )
