"""The money proof over made orders: it holds where the store's does, and one cent is seen."""

from __future__ import annotations

from decimal import Decimal

import msgspec
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from crossdock.contract.message import Problem
from crossdock.flows.expansion import Strategy, expand
from crossdock.flows.proof import Policy, describe_difference, prove, settle
from crossdock.magento.mapping.orders import parse_order
from tests.material import SHARED, needs_shared
from tests.unit.magento.mapping.made_orders import Made, orders

CENT = Decimal("0.01")
HEADER = ("subtotal", "discount_amount", "tax_amount", "shipping_amount", "grand_total")
ROW = ("row_total", "discount_tax_compensation_amount", "weee_tax_applied_row_amount")
RECORDED = sorted(path for path in (SHARED / "magento/orders").glob("[0-9]*.json") if path.name.count(".") == 1)


@given(made=orders())
@settings(max_examples=150, deadline=None)
def test_it_holds_for_what_a_store_can_send(made: Made) -> None:
    proof = prove(parse_order(made.raw))
    assert proof.holds, describe_difference(proof)
    assert proof.order.tax_outside_lines == 0


@given(made=orders(), field=st.sampled_from(HEADER), base=st.booleans(), sign=st.sampled_from((CENT, -CENT)))
@settings(max_examples=150, deadline=None)
def test_a_cent_in_the_header_is_seen(made: Made, field: str, base: bool, sign: Decimal) -> None:
    key = f"base_{field}" if base else field
    parsed = parse_order(made.raw)
    fpt = sum((line.base_amounts if base else line.amounts).fpt for line in parsed.lines)
    assume(field != "subtotal" or fpt != CENT)  # then it is the same order with its FPT inside the subtotal, or outside
    made.sent[key] += sign
    proof = prove(parse_order(made.raw))
    assert not proof.holds
    spoiled, other = (proof.base, proof.order) if base else (proof.order, proof.base)
    assert other.holds
    assert spoiled.largest == CENT


@given(made=orders(), field=st.sampled_from(ROW), pick=st.integers(0, 10**6))
@settings(max_examples=150, deadline=None)
def test_a_cent_in_a_row_is_seen(made: Made, field: str, pick: int) -> None:
    counting = [row for row in made.sent["items"] if ("", row["item_id"]) in made.gross and row["row_total"] > 0]
    assume(counting)
    counting[pick % len(counting)][field] += CENT
    proof = prove(parse_order(made.raw))
    assert abs(proof.order.rows_difference) == CENT or abs(proof.order.header_difference) == CENT


@given(made=orders(), policy=st.sampled_from(("rounding_line", "accept_cents")), cents=st.integers(1, 6))
@settings(max_examples=100, deadline=None)
def test_what_a_policy_closes_it_closes_within_its_limit_only(made: Made, policy: Policy, cents: int) -> None:
    made.sent["grand_total"] += CENT * cents
    found = parse_order(made.raw)
    settled = settle(found, prove(found), policy, 3)
    if cents > 3:
        assert isinstance(settled, Problem)
        assert settled.park
        assert f"{CENT * cents:+f}" in settled.reason
        return
    assert not isinstance(settled, Problem)
    if policy == "rounding_line":
        assert prove(settled).holds
        assert settled.lines[-1].amounts.gross == CENT * cents
    else:
        assert settled == found


@given(made=orders())
@settings(max_examples=20, deadline=None)
def test_an_order_that_holds_is_let_alone_by_every_policy(made: Made) -> None:
    found = parse_order(made.raw)
    policies: tuple[Policy, ...] = ("park", "rounding_line", "accept_cents")
    assert all(settle(found, prove(found), policy, 1) is found for policy in policies)


@given(made=orders())
@settings(max_examples=20, deadline=None)
def test_a_line_whose_net_is_wrong_is_never_settled(made: Made) -> None:
    found = parse_order(made.raw)
    first = found.lines[0]
    spoiled = msgspec.structs.replace(first.amounts, gross=first.amounts.gross + CENT)
    lines = (msgspec.structs.replace(first, amounts=spoiled), *found.lines[1:])
    broken = msgspec.structs.replace(found, lines=lines)
    proof = prove(broken)
    assert proof.broken_lines == (first.id,)
    assert isinstance(settle(broken, proof, "accept_cents", 100), Problem)


@needs_shared
@pytest.mark.parametrize("name", [path.name for path in RECORDED])
def test_every_recorded_orders_tax_is_explained_by_its_lines_too(name: str) -> None:
    proof = prove(parse_order((SHARED / "magento/orders" / name).read_bytes()))
    assert proof.holds
    assert not proof.order.tax_outside_lines
    assert not proof.base.tax_outside_lines


@given(made=orders(), strategy=st.sampled_from(("parent", "exploded", "prorata")))
@settings(max_examples=100, deadline=None)
def test_an_expansion_keeps_the_proof(made: Made, strategy: Strategy) -> None:
    assert prove(expand(parse_order(made.raw), strategy)).holds
