"""Orders of a real store, and made ones, in our words."""

from __future__ import annotations

import json
from contextlib import suppress
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crossdock.errors import InvalidPayload, MappingError, MessageError
from crossdock.flows.proof import prove
from crossdock.magento.mapping.orders import parse_order, parse_sighting
from crossdock.model.order import Order, OrderLine
from tests.material import SHARED, needs_shared
from tests.unit.magento.mapping.made_orders import Made, orders

ORDERS = SHARED / "magento/orders"


def read(name: str, **changes: Any) -> Order:
    return parse_order(json.dumps(json.loads((ORDERS / f"{name}.json").read_text()) | changes).encode())


def line(order: Order, sku: str) -> OrderLine:
    return next(one for one in order.lines if one.sku == sku)


@given(made=orders())
@settings(max_examples=150, deadline=None)
def test_the_stores_own_rows_are_found_again_in_both_currencies(made: Made) -> None:
    for one in parse_order(made.raw).lines:
        for prefix, amounts in (("", one.amounts), ("base_", one.base_amounts)):
            key = (prefix, int(one.id))
            if key not in made.gross:
                assert not any((amounts.gross, amounts.net, amounts.tax))
                continue
            assert (amounts.gross, amounts.net) == (made.gross[key], made.net[key])
            assert amounts.gross - amounts.discount == amounts.net


@given(made=orders())
@settings(max_examples=50, deadline=None)
def test_an_order_survives_our_own_json(made: Made) -> None:
    order = parse_order(made.raw)
    assert msgspec.json.decode(msgspec.json.encode(order), type=Order) == order


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=6,
)


@given(made=orders(), place=st.integers(0, 10**6), value=json_values)
@settings(max_examples=300, deadline=None)
def test_whatever_stands_in_a_field_is_taken_or_refused_in_our_words(made: Made, place: int, value: Any) -> None:
    parts = [made.sent, *made.sent["items"], made.sent["billing_address"], made.sent["payment"]]
    part = parts[place % len(parts)]
    part[sorted(part)[place % len(part)]] = value
    with suppress(MessageError):
        assert prove(parse_order(made.raw)).order.currency


@pytest.mark.parametrize("raw", [b"", b"[]", b"null", b'{"a":' * 5000, b'{"a": "\xff"}', b"<html>", b'{"a": NaN}'])
def test_what_is_not_an_order_is_refused(raw: bytes) -> None:
    with pytest.raises((InvalidPayload, MappingError)):
        parse_order(raw)


@needs_shared
def test_row_total_is_net_already() -> None:
    one = line(read("224_weee_coupon"), "OD-P1999").amounts
    assert (one.gross, one.discount, one.net, one.fpt) == tuple(map(Decimal, ("59.97", "19.99", "39.98", "0.51")))


@needs_shared
def test_a_row_that_was_cut_off_at_zero_is_negative_in_truth() -> None:
    (one,) = read("218_lc_incl_zero_invoiced").lines
    assert (one.amounts.gross, one.amounts.net) == (Decimal("32.77"), Decimal("-7.21"))
    both = read("260_web2_usd_incl_item100").lines
    assert [(str(row.amounts.net), str(row.base_amounts.net)) for row in both] == [
        ("-5.35", "-4.2"),
        ("-4.58", "-3.61"),
    ]


@needs_shared
def test_a_configurable_is_one_line_that_names_its_child() -> None:
    order = read("198_lc_shiptax_conf_complete")
    blue = line(order, "OD-CONF-BLUE")
    assert (blue.kind, blue.id, blue.child_ids, blue.parent_id) == ("configurable", "1386", ("1387",), None)
    assert (blue.amounts.net, blue.quantity_shipped) == (Decimal("19.05"), Decimal(7))
    assert "1387" not in {one.id for one in order.lines}


@needs_shared
def test_money_stands_on_a_fixed_bundle_and_on_a_dynamic_ones_parts() -> None:
    told = {one.id: str(one.amounts.gross) for one in read("014_bundle_fix_b").lines}
    assert told == {"160": "102.54", "161": "0", "162": "0", "163": "0", "164": "79.96", "165": "6.66", "166": "9.99"}


@needs_shared
@pytest.mark.parametrize(("name", "kind"), [("018_virtual_a", "virtual"), ("020_downloadable_a", "downloadable")])
def test_nothing_is_shipped_of_what_cannot_be(name: str, kind: str) -> None:
    order = read(name)
    assert order.shipping is None
    assert order.shipping_method == ""
    assert [one.kind for one in order.lines] == [kind]
    assert all(one.virtual for one in order.lines)


@needs_shared
def test_what_people_need_is_there() -> None:
    order = read("001_smoke", coupon_code="X", vat="new", customer_taxvat="IT123", ext_order_id="SO-88")
    assert order.created_at == datetime(2026, 11, 23, 5, 38, 35, tzinfo=UTC)
    assert (order.shipping_method, order.website) == ("flatrate_flatrate", "Main Website")
    assert order.store_name == "Main Website Store / Default Store View"
    assert (order.billing.region_code, order.billing.street) == ("MI", ("Via Roma 1", "Scala B"))
    assert (order.coupon, order.buyer.vat_id, order.external_id) == ("X", "IT123", "SO-88")
    assert order.extra["vat"] == "new"
    assert order.extra["quote_id"] == "120"
    assert "protect_code" not in order.extra
    assert [(tax.code, str(tax.amount)) for tax in order.taxes] == [("IT 22", "13.19")]


@needs_shared
def test_an_edited_order_and_its_successor_name_each_other() -> None:
    old, new = read("254_edited_old_a"), read("255_edited_new_a")
    assert (old.replaced_by, new.replaces) == (new.number, old.number)


@needs_shared
def test_three_currencies_stay_apart() -> None:
    order = read("258_web2_usd_coupon")
    assert (order.totals.currency, order.base_totals.currency) == ("USD", "GBP")
    assert order.extra["global_currency_code"] == "EUR"
    assert order.totals.grand_total != order.base_totals.grand_total


@needs_shared
def test_what_adobe_commerce_adds_is_in_the_totals() -> None:
    extension = {
        "gift_cards_amount": 10,
        "base_gift_cards_amount": 9.5,
        "customer_balance_amount": 5,
        "reward_currency_amount": 1.25,
        "gw_price": "3.0000",
        "gw_items_price": "2.5000",
        "gw_card_price": "",
        "gw_base_price": "2.9000",
        "custom_fees": [{"custom_fee_code": "cod", "custom_fee_amount": 4, "base_custom_fee_amount": 3.9}],
    }
    order = read("001_smoke", extension_attributes=extension)
    told = order.totals
    assert (told.gift_card, told.store_credit, told.reward) == (Decimal(10), Decimal(5), Decimal("1.25"))
    assert told.fees == {"cod": 4, "gift_wrapping": 3, "gift_wrapping_lines": Decimal("2.5")}
    assert order.base_totals.fees == {"cod": Decimal("3.9"), "gift_wrapping": Decimal("2.9")}
    assert order.base_totals.gift_card == Decimal("9.5")


@needs_shared
def test_an_empty_php_array_may_stand_for_an_object() -> None:
    order = read("001_smoke", extension_attributes=[], billing_address=[])
    assert (order.shipping, order.billing.city) == (None, "")


@needs_shared
@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"items": None}, "items"),
        ({"grand_total": "12,50"}, "order.grand_total"),
        ({"base_grand_total": "NaN"}, "order.base_grand_total"),
        ({"shipping_amount": 1e300}, "order.shipping_amount"),
        ({"created_at": "0000-00-00 00:00:00"}, "order.created_at"),
        ({"increment_id": None}, "order.increment_id"),
    ],
)
def test_what_is_wrong_is_named_by_its_field(changes: dict[str, Any], field: str) -> None:
    with pytest.raises(MappingError) as caught:
        read("001_smoke", **changes)
    assert caught.value.field == field
    assert "12,50" not in str(caught.value)


@needs_shared
def test_a_sighting_has_the_order_with_its_credit_memos_by_order_line() -> None:
    name = "192_lc_shiptax_bundle_full_refund"
    order, memo = (json.loads((ORDERS / f"{name}{end}.json").read_text()) for end in ("", ".creditmemo_1"))
    seen = parse_sighting(json.dumps({"order": order, "credit_memos": [memo]}).encode())
    (refund,) = seen.refunds
    assert refund.order_number == seen.order.number
    assert {one.order_line_id for one in refund.lines} <= {one.id for one in seen.order.lines}
    assert parse_sighting(json.dumps(order).encode()).refunds == ()
