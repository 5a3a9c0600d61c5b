"""The money proof and the expansions over every order that was recorded, and over many that were not."""

from __future__ import annotations

import json
import random
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crossdock.contract.message import Problem
from crossdock.flows.expansion import Strategy, expand
from crossdock.flows.proof import prove, settle
from crossdock.magento.mapping.orders import parse_order
from crossdock.sandbox.orders import KINDS, OrderMaker
from crossdock.sandbox.wire import ENCODER
from tests.material import SHARED, needs_shared

NOW = datetime(2026, 11, 23, 8, tzinfo=UTC)


def names() -> list[str]:
    manifest = SHARED / "magento/orders/manifest.json"
    return [row["file"] for row in json.loads(manifest.read_text())] if manifest.exists() else []


@needs_shared
@pytest.mark.parametrize("name", names())
def test_every_recorded_orders_money_adds_up_and_every_expansion_keeps_it(name: str) -> None:
    raw = (SHARED / "magento/orders" / name).read_bytes()
    order = parse_order(raw)
    proof = prove(order)
    assert proof.holds
    assert proof.order.grand_total == Decimal(
        str(json.loads(raw, parse_float=Decimal, parse_int=Decimal)["grand_total"])
    )
    assert proof.base.grand_total == Decimal(str(json.loads(raw, parse_float=Decimal)["base_grand_total"]))
    strategies: tuple[Strategy, ...] = ("parent", "exploded", "prorata")
    for strategy in strategies:
        assert prove(expand(order, strategy)).holds


@needs_shared
@pytest.mark.parametrize("name", names())
def test_no_line_id_is_dropped(name: str) -> None:
    raw = json.loads((SHARED / "magento/orders" / name).read_text())
    order = parse_order(json.dumps(raw).encode())
    kept = {line.id for line in order.lines} | {child for line in order.lines for child in line.child_ids}
    assert kept == {str(row["item_id"]) for row in raw["items"]}


@given(seed=st.integers(0, 10**6), kind=st.sampled_from(KINDS), cents=st.integers(-500, 500).filter(bool))
@settings(max_examples=100, deadline=None)
def test_one_wrong_amount_is_found_and_told(seed: int, kind: str, cents: int) -> None:
    made = OrderMaker(seed).make(1, NOW, kind)
    assert prove(parse_order(ENCODER.encode(made))).holds
    field = random.Random(seed).choice(("grand_total", "subtotal", "tax_amount", "shipping_amount", "base_grand_total"))
    wrong: dict[str, Any] = made | {field: made[field] + Decimal(cents) / 100}
    order = parse_order(ENCODER.encode(wrong))
    proof = prove(order)
    assert not proof.holds
    assert proof.largest == abs(Decimal(cents)) / 100
    parked = settle(order, proof, "park", 1)
    assert isinstance(parked, Problem)
    assert f"{(Decimal(abs(cents)) / 100).normalize():f}" in parked.reason


@given(seed=st.integers(0, 10**6), cents=st.integers(1, 5))
@settings(max_examples=50, deadline=None)
def test_a_rounding_line_closes_a_difference_within_its_limit_only(seed: int, cents: int) -> None:
    made = OrderMaker(seed).make(1, NOW, "several")
    both = {name: made[name] + Decimal(cents) / 100 for name in ("grand_total", "base_grand_total")}
    order = parse_order(ENCODER.encode(made | both))
    closed = settle(order, prove(order), "rounding_line", 3)
    if cents > 3:
        assert isinstance(closed, Problem)
    else:
        assert not isinstance(closed, Problem)
        assert prove(closed).holds
        assert closed.lines[-1].kind == "rounding"
