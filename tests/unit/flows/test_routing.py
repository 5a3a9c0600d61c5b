"""Which of a store's routes take an order."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crossdock.flows.routing import Way, When, refusals, unlike
from crossdock.magento.mapping.orders import parse_order
from crossdock.model.order import Order
from tests.material import needs_shared
from tests.walk.world import recorded

pytestmark = needs_shared


def order(**changes: Any) -> Order:
    found = parse_order(msgspec.json.encode(recorded("001_smoke")))
    return msgspec.structs.replace(found, **changes)


def way(target: str, *, shares: bool = False, has: bool = False, **when: Any) -> Way:
    return Way(target=target, when=When(**when), shares=shares, has=has)


def test_the_first_route_that_wants_it_takes_it_alone() -> None:
    country = (order().shipping or order().billing).country
    elsewhere = way("us", countries=("XX",))
    found = refusals(order(), [elsewhere, way("eu", countries=(country,)), way("rest")])
    assert found == {"us": f"not for this route: country {country}", "rest": "goes to eu"}


def test_a_route_that_shares_takes_it_too() -> None:
    assert refusals(order(), [way("copy", shares=True), way("erp"), way("also", shares=True)]) == {}


def test_an_order_stays_where_it_was_promised_whatever_it_looks_like_now() -> None:
    assert refusals(order(), [way("new"), way("old", has=True, countries=("XX",))]) == {"new": "goes to old"}


def test_an_order_that_nobody_wants_says_so_at_each_route() -> None:
    assert set(refusals(order(), [way("us", stores=("99",)), way("eu", websites=("nowhere",))])) == {"us", "eu"}


@pytest.mark.parametrize(
    ("when", "reason"),
    [
        ({"stores": ("99",)}, "store "),
        ({"websites": ("nowhere",)}, "website "),
        ({"countries": ("XX",)}, "country "),
        ({"currencies": ("XXX",)}, "currency "),
        ({"groups": ("none",)}, "customer group "),
        ({"least": Decimal(10**6)}, "grand total below 1000000"),
        ({"below": Decimal("0.01")}, "grand total not below 0.01"),
    ],
)
def test_what_a_route_does_not_want_is_named(when: dict[str, Any], reason: str) -> None:
    assert unlike(order(), When(**when)).startswith(reason)


def test_the_bounds_of_amounts_meet_without_a_gap() -> None:
    total = order().base_totals.grand_total
    assert unlike(order(), When(least=total)) == ""
    assert unlike(order(), When(below=total)) != ""


def test_what_is_not_shipped_goes_by_the_bill() -> None:
    virtual = order(shipping=None)
    assert unlike(virtual, When(countries=(virtual.billing.country,))) == ""


ways = st.lists(
    st.builds(
        Way,
        target=st.uuids().map(str),
        when=st.sampled_from([When(), When(stores=("99",))]),
        shares=st.booleans(),
        has=st.booleans(),
    ),
    max_size=6,
)


@given(ways)
def test_never_more_than_one_new_taker_that_does_not_share_and_none_beside_one_that_has_it(found: list[Way]) -> None:
    refused = refusals(order(), found)
    fresh = [one for one in found if not one.shares and not one.has and one.target not in refused]
    assert len(fresh) <= (0 if any(one.has and not one.shares for one in found) else 1)
    wanted = [one for one in found if not one.when.stores and not one.shares]
    assert not wanted or fresh or any(one.has for one in found)
