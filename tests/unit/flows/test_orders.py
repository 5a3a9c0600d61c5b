"""What a look means, on orders of a real store."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest

from crossdock.contract.flow import Duty, Known, Route
from crossdock.contract.message import Message
from crossdock.contract.shadow import SHADOW
from crossdock.flows.eligibility import DEFAULT_RULES, Eligibility, decide
from crossdock.flows.keys import effect_key
from crossdock.flows.orders import look
from crossdock.magento.mapping.orders import parse_order
from crossdock.model.order import Order, OrderState
from crossdock.model.sighting import Sighting
from tests.material import SHARED, needs_shared

pytestmark = needs_shared
NOW = datetime(2026, 11, 23, 8, tzinfo=UTC)
ALL = frozenset({"orders", "holds", "payments", "cancellations", "refunds"})
PLACE = "v1:store:order:118:place"


def order(**changes: Any) -> Order:
    raw = json.loads((SHARED / "magento/orders/001_smoke.json").read_text())
    return parse_order(json.dumps(raw | changes).encode())


def seen(found: Order, *known: Known, options: dict[str, Any] | None = None) -> list[Duty]:
    message = Message(id="m", source="store", flow="looks", subject=found.id, occurred_at=NOW, read_at=NOW)
    route = Route(source="store", target="erp", flows=ALL, options=options or {})
    return list(look(message, Sighting(order=found), known, [route]))


def placed(state: str = "delivered", **more: Any) -> Known:
    return Known(flow="orders", target="erp", key=PLACE, state=state, memo={"paid": "0", "held": "0"}, **more)


def test_a_new_order_is_owed_under_a_key_without_a_clock() -> None:
    (duty,) = seen(order())
    assert (duty.flow, duty.key, duty.park) == ("orders", PLACE, False)
    assert msgspec.json.decode(duty.payload or b"", type=Order).number == order().number


def test_what_was_promised_is_not_promised_again() -> None:
    assert seen(order(), placed()) == []


def test_money_that_does_not_add_up_is_parked_with_the_difference() -> None:
    (duty,) = seen(order(grand_total=88.17))
    assert duty.park
    assert "0.01" in duty.reason


def test_canceled_before_export_ends_the_promise() -> None:
    (duty,) = seen(order(state="canceled"), placed("pending"))
    assert (duty.supersedes, duty.payload) == ((PLACE,), None)


@pytest.mark.parametrize("known", [placed("delivered"), placed("leased"), placed("pending", maybe_sent=True)])
def test_canceled_after_it_may_be_there_is_told(known: Known) -> None:
    (duty,) = seen(order(state="canceled"), known)
    assert (duty.flow, duty.key) == ("cancellations", "v1:store:order:118:cancel")


def test_several_changes_seen_at_once_are_told_in_the_order_in_which_the_store_can_have_made_them() -> None:
    """Nothing is done to an order on hold: its release comes first, a new hold last."""
    (hold,) = seen(order(state="holded"), placed())
    told = Known(flow="holds", target="erp", key=hold.key, state="delivered", memo=hold.memo)
    released = seen(order(state="processing", total_paid=88.16), placed(), told)
    assert [duty.flow for duty in released] == ["holds", "payments"]
    canceled = seen(order(state="canceled"), placed(), told)
    assert [duty.flow for duty in canceled] == ["holds", "cancellations"]
    paid_and_held = seen(order(state="holded", total_paid=88.16), placed())
    assert [duty.flow for duty in paid_and_held] == ["payments", "holds"]


def test_a_hold_and_its_end_are_told_once_each() -> None:
    (hold,) = seen(order(state="holded"), placed())
    told = Known(flow="holds", target="erp", key=hold.key, state="delivered", memo=hold.memo)
    assert seen(order(state="holded"), placed(), told) == []
    (unhold,) = seen(order(), placed(), told)
    assert (hold.flow, unhold.flow) == ("holds", "holds")
    assert hold.key != unhold.key


def test_a_payment_is_told_with_its_total() -> None:
    (duty,) = seen(order(total_paid=88.16), placed())
    assert (duty.flow, duty.key) == ("payments", "v1:store:order:118:payment:88.16")


@pytest.mark.parametrize(
    ("changes", "rules", "eligibility"),
    [
        ({}, DEFAULT_RULES, Eligibility.NOW),
        ({"state": "holded"}, DEFAULT_RULES, Eligibility.LATER),
        ({"state": "payment_review"}, {"*": "always"}, Eligibility.LATER),
        ({"state": "canceled"}, {"*": "always"}, Eligibility.NEVER),
        ({"state": "closed"}, {"*": "always"}, Eligibility.NEVER),
        ({"state": "complete"}, {"*": "authorized"}, Eligibility.NOW),
        ({}, {"*": "authorized"}, Eligibility.LATER),
        ({}, {"*": "paid"}, Eligibility.LATER),
        ({"total_paid": 88.16}, {"*": "paid"}, Eligibility.NOW),
        ({}, {"*": "always", "checkmo": "never"}, Eligibility.NEVER),
    ],
)
def test_eligibility(changes: dict[str, Any], rules: Any, eligibility: Eligibility) -> None:
    decision = decide(order(**changes), rules, 30, NOW)
    assert decision.eligibility is eligibility
    assert decision.reason


def test_after_the_days_it_is_given_up_with_a_reason() -> None:
    decision = decide(order(), {"*": "paid"}, 30, NOW + timedelta(days=31))
    assert decision.eligibility is Eligibility.NEVER
    assert "30 days" in decision.reason


def test_a_skip_names_its_reason_and_comes_again() -> None:
    (duty,) = seen(order(state="holded"))
    assert (duty.payload, duty.reason, duty.again_in) == (None, "on hold", 3600.0)
    assert order(state="holded").state is OrderState.HOLDED


def test_a_colon_in_a_part_cannot_forge_another_key() -> None:
    assert effect_key("a:b", "order", "1", "place") != effect_key("a", "b:order", "1", "place")


@pytest.mark.parametrize(("mode", "verb"), [("live", "create"), ("shadow", "compare")])
def test_a_guest_is_sent_with_a_live_order_and_compared_with_a_shadowed_one(mode: str, verb: str) -> None:
    """Under two keys: a guest who was compared with one order is made for the next one that is live."""
    options = {"mode": mode, "eligibility": {"*": "always"}}
    states = {"customers": {"guests": "customer"}}
    route = Route(source="store", target="erp", flows=ALL | {"customers"}, options=options, states=states)
    found = order()
    message = Message(id="m", source="store", flow="looks", subject=found.id, occurred_at=NOW, read_at=NOW)
    guest, placed_ = look(message, Sighting(order=found, guest="ab12"), [], [route])
    assert (guest.flow, placed_.flow) == ("new_customers", "orders")
    assert guest.key == effect_key("store", "guest", "ab12", verb, found.website)
    assert (SHADOW in guest.memo) == (SHADOW in placed_.memo) == (mode == "shadow")
    assert guest.lane == "store:order:118"
