"""Which orders are sent, and which are only compared."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from crossdock.contract.flow import Duty, Known, Route
from crossdock.contract.message import Message
from crossdock.contract.shadow import SHADOW
from crossdock.flows.customers import look
from crossdock.flows.shadow import is_compared, is_live, share_of
from crossdock.model.customer import Customer, CustomerSighting, Pair

PLACED = datetime(2026, 3, 1, 9, tzinfo=UTC)
KEYS = [f"v1:store:order:{number}:place" for number in range(2000)]


def taken(percent: str) -> set[str]:
    return {key for key in KEYS if is_live(key, "canary", Decimal(percent), None, PLACED)}


def test_a_larger_canary_only_adds() -> None:
    assert taken("1") < taken("5") < taken("50") < taken("100") == set(KEYS)


def test_a_canary_takes_about_its_percentage() -> None:
    assert 70 < len(taken("5")) < 130
    assert 900 < len(taken("50")) < 1100


def test_the_share_of_an_order_is_the_same_for_ever() -> None:
    assert share_of("v1:store:order:1:place") == Decimal("0.3826")
    assert share_of("v1:store:order:2:place") != share_of("v1:store:order:1:place")


def test_orders_of_before_the_cut_are_never_live() -> None:
    cut = PLACED + timedelta(seconds=1)
    assert not is_live(KEYS[0], "live", Decimal(5), cut, PLACED)
    assert is_live(KEYS[0], "live", Decimal(5), cut, cut)
    assert not is_live(KEYS[0], "shadow", Decimal(100), None, PLACED)


# --- customers --------------------------------------------------------------------------------------------------------

CUSTOMER = "v1:store:customer:5:carry"


def told(*memos: dict[str, str]) -> list[Known]:
    return [Known(flow="customers", target="erp", key=str(n), state="shadowed", memo=m) for n, m in enumerate(memos)]


@pytest.mark.parametrize("mode", ["live", "canary", "shadow"])
def test_who_had_a_customer_first_keeps_it_until_it_is_handed_over(mode: str) -> None:
    options = {"mode": mode, "canary": Decimal(100)}
    assert is_compared(CUSTOMER, told({SHADOW: "1"}, {SHADOW: "1"}), options)
    assert not is_compared(CUSTOMER, told({}), options)
    assert not is_compared(CUSTOMER, told({}, {SHADOW: "1"}), options)  # one that was being compared as it was sent
    assert is_compared(CUSTOMER, [], options) is (mode == "shadow")


def test_a_larger_canary_only_adds_customers() -> None:
    keys = [f"v1:store:customer:{number}:carry" for number in range(500)]
    small, large = (
        {key for key in keys if not is_compared(key, [], {"mode": "canary", "canary": Decimal(percent)})}
        for percent in (5, 50)
    )
    assert small < large < set(keys)
    assert not is_compared(CUSTOMER, [], {})  # a route that says nothing is live


def looked(*known: Known, mode: str = "shadow", last_name: str = "Rossi") -> list[Duty]:
    """A look at a customer of the store, edited when it has another name."""
    changed = PLACED + timedelta(seconds=len(last_name))
    fields = {"email": "ada@example.com", "first_name": "Ada", "last_name": last_name}
    customer = Customer(id="5", website="base", changed_at=changed, fields=fields)
    route = Route(source="store", target="erp", flows=frozenset({"customers"}), options={"mode": mode, "canary": 5})
    sighting = CustomerSighting(customer=customer, seen_at=changed, pairs=(Pair(target="erp"),))
    message = Message(id="m", source="store", flow="customer_looks", subject="customer:5", occurred_at=changed)
    return [duty for duty in look(message, sighting, known, [route]) if duty.payload is not None]


def kept(duty: Duty, state: str, **memo: str) -> Known:
    return Known(flow=duty.flow, target=duty.target, key=duty.key, state=state, memo=duty.memo | memo)


def test_a_customer_is_compared_once_for_each_state_of_it() -> None:
    (duty,) = looked()
    assert SHADOW in duty.memo
    compared = kept(duty, "shadowed")
    assert looked(compared) == []
    (edited,) = looked(compared, last_name="Bianchi")
    assert SHADOW in edited.memo
    assert edited.key != duty.key
    assert looked(compared, kept(edited, "shadowed"), last_name="Bianchi") == []


def test_a_state_that_was_only_compared_is_owed_once_the_customer_is_ours() -> None:
    (duty,) = looked()
    (edited,) = looked(kept(duty, "shadowed"), last_name="Bianchi")
    sent = Known(flow="customers", target="erp", key=duty.key, state="delivered", memo={"pair": "erp"})
    (owed,) = looked(sent, kept(edited, "shadowed"), last_name="Bianchi")
    assert SHADOW not in owed.memo
    assert owed.key != edited.key
    (mine,) = looked(mode="live")
    assert SHADOW not in mine.memo
    assert looked(kept(mine, "delivered"), mode="shadow", last_name="Bianchi")[0].memo.get(SHADOW) is None
