"""When an order may go to the ERP: by its state and how it is paid. Pure; every answer has its reason (flaws 4, 37)."""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import StrEnum
from typing import Literal

from crossdock.model.base import Record
from crossdock.model.order import Order, OrderState

Rule = Literal["always", "paid", "authorized", "never"]
OFFLINE = ("checkmo", "banktransfer", "cashondelivery", "purchaseorder", "free")
DEFAULT_RULES: dict[str, Rule] = {"*": "authorized", **dict.fromkeys(OFFLINE, "always")}
LOOK_AGAIN_SECONDS = 3600.0


class Eligibility(StrEnum):
    """NOW: deliver. LATER: a change at the source may still make it so. NEVER: nothing will."""

    NOW = "now"
    LATER = "later"
    NEVER = "never"


class Decision(Record, frozen=True, kw_only=True):
    """The answer with its reason, fit to be shown."""

    eligibility: Eligibility
    reason: str


def decide(order: Order, rules: dict[str, Rule], give_up_days: int, now: datetime) -> Decision:
    """`rules` by payment method, `*` for the rest. `now` is the source's own clock; 0 days = never give up."""
    if order.state == OrderState.CANCELED:
        return _never("canceled before it was exported")
    if order.state == OrderState.CLOSED:
        return _never("closed (fully refunded) before it was exported")
    waiting = _waiting(order, rules.get(order.payment.method, rules.get("*", "authorized")))
    if waiting is None:
        return Decision(eligibility=Eligibility.NOW, reason="eligible")
    if waiting.eligibility is Eligibility.LATER and _too_old(order, give_up_days, now):
        return _never(f"{waiting.reason}; given up after {give_up_days} days")
    return waiting


def _waiting(order: Order, rule: Rule) -> Decision | None:
    """Why it must wait, or None."""
    if rule == "never":
        return _never(f"payment method {order.payment.method!r} is never exported")
    if order.state == OrderState.HOLDED:
        return _later("on hold")
    if order.state == OrderState.PAYMENT_REVIEW:
        return _later("payment under review")
    if rule == "always" or order.totals.grand_total == 0:
        return None
    if rule == "paid":
        paid = order.totals.paid >= order.totals.grand_total
        return None if paid else _later(f"payment method {order.payment.method!r} waits for the payment")
    authorized = order.payment.authorized > 0 or order.totals.paid > 0 or order.state in _DECIDED
    return None if authorized else _later(f"payment method {order.payment.method!r} waits for the authorization")


# a store lets an order into these states only after its payment was authorized or captured
_DECIDED = (OrderState.PROCESSING, OrderState.COMPLETE)


def _too_old(order: Order, give_up_days: int, now: datetime) -> bool:
    return give_up_days > 0 and now - order.created_at > timedelta(days=give_up_days)


def _later(reason: str) -> Decision:
    return Decision(eligibility=Eligibility.LATER, reason=reason)


def _never(reason: str) -> Decision:
    return Decision(eligibility=Eligibility.NEVER, reason=reason)
