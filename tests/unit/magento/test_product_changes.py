"""What of a product differs from what the store has, and what is sent for it."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from crossdock.errors import MappingError
from crossdock.magento.mapping.products import Attribute, Axis, Standing, Wanted, changes, differing, parse_product

TEXT = Attribute(id=1, code="ean")
COLOR = Attribute(id=93, code="color", input="select", backend="int", label="Color")


def standing(**values: Any) -> Standing:
    return Standing(id=5, sku="A", kind="simple", set_id=4, values=values)


def wanted(attribute: Attribute, value: Any) -> Wanted:
    return Wanted(values={attribute.code: value}, attributes={attribute.code: attribute})


@pytest.mark.parametrize(
    ("attribute", "have", "want", "same"),
    [
        (TEXT, "0123", "0123", True),
        (TEXT, "0123", "123", False),
        (TEXT, "1.0", "1", False),
        (TEXT, "a\r\nb ", "a\nb", True),
        (TEXT, None, "a", False),
        (TEXT, None, None, True),
        (TEXT, "", None, True),
        (TEXT, "a", None, False),
        (Attribute(id=2, code="msrp", input="price", backend="decimal"), "12.500000", "12.5", True),
        (Attribute(id=2, code="msrp", input="price", backend="decimal"), "broken", "12.5", False),
        (Attribute(id=3, code="since", input="date", backend="datetime"), "2026-11-01 00:00:00", "2026-11-01", True),
        (Attribute(id=3, code="since", input="date", backend="datetime"), "2026-11-02 00:00:00", "2026-11-01", False),
        (Attribute(id=4, code="cloth", input="multiselect"), "21,20", ("20", "21"), True),
        (Attribute(id=4, code="cloth", input="multiselect"), "20", ("20", "21"), False),
        (COLOR, "4", "4", True),
        (COLOR, 4, "4", True),
    ],
)
def test_the_same_is_told_by_the_attributes_kind(attribute: Attribute, have: Any, want: Any, same: bool) -> None:
    values = {} if have is None else {attribute.code: have}
    assert (not differing(wanted(attribute, want), standing(**values))) is same


def test_own_fields_are_numbers_and_texts() -> None:
    have = standing(name="N", price=Decimal("12.50"), weight=None, status=1, visibility=4)
    want = Wanted(values={"name": "N", "price": "12.5", "status": "1", "visibility": "4"})
    assert differing(want, have) == []
    more = Wanted(values={"name": "M", "price": "12.51", "weight": "1", "status": "2", "visibility": "3"})
    names = differing(more, have)
    assert changes(names, more, have) == {
        "name": "M",
        "price": Decimal("12.51"),
        "weight": Decimal(1),
        "status": 2,
        "visibility": 3,
    }


def test_only_what_is_named_is_sent() -> None:
    want = Wanted(
        values={"color": "4", "ean": None, "cloth": ("20", "21")},
        attributes={"color": COLOR, "ean": TEXT, "cloth": Attribute(id=4, code="cloth", input="multiselect")},
        website_ids=frozenset({1}),
    )
    assert changes(["cloth", "ean"], want, None) == {
        "custom_attributes": [
            {"attribute_code": "cloth", "value": "20,21"},
            {"attribute_code": "ean", "value": ""},
        ]
    }


def test_a_product_keeps_its_places_in_categories() -> None:
    have = Standing(
        id=5, sku="A", kind="simple", set_id=4, values={}, category_ids=frozenset({"4"}), positions={"4": 7}
    )
    want = Wanted(category_ids=frozenset({"4", "10"}))
    assert changes(differing(want, have), want, have)["extension_attributes"] == {
        "category_links": [{"position": 7, "category_id": "4"}, {"position": 0, "category_id": "10"}]
    }


def test_an_axis_that_is_there_keeps_its_id() -> None:
    axes = ({"id": 31, "attribute_id": "93", "label": "Color", "position": 0, "values": [{"value_index": 4}]},)
    have = Standing(id=5, sku="A", kind="configurable", set_id=4, values={}, axes=axes, children=frozenset({8}))
    want = Wanted(axes=(Axis(attribute=COLOR, options=("4", "5")),), children=frozenset({8, 9}))
    assert differing(want, have) == ["variants"]
    (option,) = changes(["variants"], want, have)["extension_attributes"]["configurable_product_options"]
    assert (option["id"], option["attribute_id"]) == (31, "93")
    assert option["values"] == [{"value_index": 4}, {"value_index": 5}]


@pytest.mark.parametrize("row", [None, [], {"sku": "A"}, {"id": "5", "sku": "A"}, {"id": 5}])
def test_another_form_is_refused(row: Any) -> None:
    with pytest.raises(MappingError):
        parse_product(row)
