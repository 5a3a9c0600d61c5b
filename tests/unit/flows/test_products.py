"""The rules of products: who owns which field, what a row says and what it does not, and the guard over a feed."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crossdock.errors import MappingError
from crossdock.flows import products
from crossdock.model.product import Product
from crossdock.settings import ProductsOptions

OWNED = ("name", "weight", "color", "images", "variants", "categories")


def read(options: dict[str, Any] | None = None, **row: Any) -> Product:
    told = ProductsOptions(**({"owned": OWNED} | (options or {}))).model_dump()
    return products.reader(told)({"sku": "A-1"} | row)


def test_what_belongs_to_the_store_is_not_even_read() -> None:
    found = read(name="N", short_description="S", meta_title="M", price="1", status="enabled")
    assert found.values == {"name": "N", "price": "1", "status": "1"}
    assert set(found.owned) == set(OWNED), "price and status go into a new product alone"


@given(
    st.dictionaries(
        st.sampled_from(["name", "color", "description", "url_key", "tax_class_id", "status"]), st.just("1")
    )
)
def test_nothing_but_owned_and_initial_fields_is_ever_in_a_record(row: dict[str, str]) -> None:
    found = read({"initial": ("name",)}, **row)
    assert set(found.values) <= {*OWNED, "name"}


def test_an_empty_cell_says_nothing() -> None:
    found = read(name="", color=None, weight="  ", images="", categories=[])
    assert (found.values, found.pictures, found.categories) == ({}, None, None)


def test_a_field_is_emptied_by_its_name() -> None:
    assert read(clear="color|description").values == {"color": None}, "the other is the store's"
    assert read(clear=["categories"]).categories == ()
    with pytest.raises(MappingError, match="clear"):
        read(clear="name")


def test_attributes_stand_beside_the_sku_or_together() -> None:
    assert read(attributes={"color": "Red"}).values == read(color="Red").values == {"color": "Red"}


def test_numbers_are_the_same_however_they_are_written() -> None:
    told = [read(weight=value) for value in ("1.50", "1.5", 1.5, Decimal("1.500"))]
    assert len({products.content(one) for one in told}) == 1
    assert told[0].values["weight"] == "1.5"


def test_what_is_common_to_the_route_goes_where_a_row_says_nothing() -> None:
    options = {"websites": ("base",), "categories": ("Men",), "attribute_set": "Clothing"}
    found = read(options)
    assert (found.websites, found.categories, found.default_set) == (("base",), ("Men",), "Clothing")
    assert read(options, categories="Women|Men/Shirts").categories == ("Women", "Men/Shirts")


def test_a_sku_is_the_same_whatever_its_case_and_blanks() -> None:
    assert products.subject(read(sku=" a-1 ")) == products.subject(read(sku="A-1")) == "product/a-1"


def test_content_is_short_and_knows_no_version() -> None:
    one, other = read(name="x" * 200, version=1), read(name="x" * 200, version=2)
    assert products.content(one) == products.content(other)
    assert len(products.content(one)) <= 64
    assert products.content(one) != products.content(read(name="y"))
    assert products.content(one) != products.content(read({"create_options": True}, name="x" * 200))


def test_the_first_picture_is_the_main_one_unless_it_is_said() -> None:
    first, second = read(images="a.jpg|https://cdn.example/b.png").pictures or ()
    assert first.roles == ("image", "small_image", "thumbnail")
    assert second.roles == ()
    (only,) = read(images=[{"source": "a.jpg", "roles": "swatch_image", "sha256": "A" * 64}]).pictures or ()
    assert (only.roles, only.digest) == (("swatch_image",), "a" * 64)


def test_four_byte_characters_are_refused_dropped_or_sent() -> None:
    with pytest.raises(MappingError, match="four bytes"):
        read(name="a \U0001f600")
    assert read({"four_byte": "drop"}, name="a \U0001f600").values == {"name": "a"}
    assert read({"four_byte": "send"}, name="a \U0001f600").values == {"name": "a \U0001f600"}


@pytest.mark.parametrize(
    ("row", "field"),
    [
        ({"sku": ""}, "sku"),
        ({"sku": "\U0001f600"}, "sku"),
        ({"name": {"a": 1}}, "name"),
        ({"name": "a\x00b"}, "name"),
        ({"price": "1,5"}, "price"),
        ({"price": "1.1234567"}, "price"),
        ({"status": True}, "status"),
        ({"visibility": 5}, "visibility"),
        ({"type": "wooden"}, "type"),
        ({"removed": "perhaps"}, "removed"),
        ({"attributes": []}, "attributes"),
        ({"images": "ftp://x/a.jpg"}, "images"),
        ({"images": "http://x/a.jpg"}, "images"),
        ({"images": ["a", "a"]}, "images"),
        ({"images": [{"source": "a", "sha256": "beef"}]}, "images"),
        ({"images": [{"source": "a", "roles": ["hero"]}]}, "images"),
        ({"children": ["B"]}, "children"),
        ({"type": "configurable", "children": ["B"]}, "children"),
        ({"type": "configurable", "children": ["B"], "variant_attributes": "Größe"}, "variant_attributes"),
        ({"as_of": "2026-11-23T10:00:00"}, "as_of"),
    ],
)
def test_what_is_refused_names_its_field(row: dict[str, Any], field: str) -> None:
    with pytest.raises(MappingError) as refused:
        read(**row)
    assert refused.value.field == field


def test_a_removed_product_has_nothing_but_its_policy() -> None:
    found = read({"missing": "disable"}, removed="true", name="N")
    assert (found.removal, found.values) == ("disable", {})
    assert read(removed=False).removal == ""


def test_the_guard_counts_products_that_go() -> None:
    options = ProductsOptions(owned=("status",), missing="disable").model_dump()
    read_one = products.reader(options)
    there = read_one({"sku": "A", "status": "enabled"})
    off, removed = read_one({"sku": "A", "status": "disabled"}), read_one({"sku": "A", "removed": True})
    assert [products.alarm(one, there, options) for one in (there, off, removed)] == ["", "gone", "gone"]
    assert products.alarm(off, off, options) == ""
    assert products.alarm(off, None, options) == "", "a new one that is not for sale yet"
    assert products.alarm(removed, None, options) == "gone"
    assert products.guard({"gone": 6}, 100, options) == "6 of 100 products are disabled or removed, more than 5.0 %"
    assert products.guard({"gone": 5}, 100, options) == ""
    assert products.guard({"gone": 4}, 5, options) == "", "too few to tell"


def test_an_owner_of_what_cannot_be_owned_is_refused() -> None:
    for name in ("sku", "type", "attribute_set", "Color", "a b"):
        with pytest.raises(ValueError, match="owned"):
            ProductsOptions(owned=(name,))
