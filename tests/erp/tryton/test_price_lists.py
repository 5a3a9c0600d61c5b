"""Prices by price lists of a real Tryton that has the modules for them, through the flow's own reader."""

from __future__ import annotations

import itertools
from decimal import Decimal
from typing import Any

import pytest

from crossdock.contract.connector import Watermark
from crossdock.erp.tryton.connector import build
from crossdock.erp.tryton.price_lists import steps_of
from crossdock.errors import Misconfigured
from crossdock.flows import prices
from crossdock.model.price import Price
from tests.erp.tryton.test_rows import make_product
from tests.tryton_server import Tryton

pytestmark = pytest.mark.services
OPTIONS = {"currency": "EUR", "tax": "excluded", "tiers": "replace", "scopes": {"STD": {"store": 0, "website": 0}}}
new = itertools.count(1)
D = Decimal


class Road:
    """Prices that have changed since they were asked for last, by the subject's first words and the SKU."""

    def __init__(
        self, tryton: Tryton, *, rpc: bool = False, options: dict[str, Any] | None = None, **reads: Any
    ) -> None:
        table = tryton.session_settings if rpc else tryton.settings
        told = {"scope": "STD", "overlap_s": 0, **reads}
        self._source = build("erp", table(reads={"prices": told})).rows("prices")
        self._read = prices.reader(OPTIONS | (options or {}))
        self._at: Watermark | None = None

    def told(self) -> dict[tuple[str, str], Price]:
        found: dict[tuple[str, str], Price] = {}
        for page in self._source.changes(self._at):
            found |= {(price.kind, price.sku): price for row in page.rows for price in [self._read(row)]}
            self._at = page.watermark
        return found


def ladder(price: Price) -> list[tuple[str, Decimal, Decimal]]:
    return [(step.group, step.quantity, step.amount) for step in price.steps]


@pytest.fixture
def shirt(rich_tryton: Tryton) -> str:
    sku = f"LIST-{next(new)}"
    make_product(rich_tryton, sku, list_price=D(20))
    return sku


def price_list(tryton: Tryton, *lines: dict[str, Any], **more: Any) -> tuple[int, str]:
    name = f"List {next(new)}"
    values = {"name": name, "unit": "product_default", "price": "list_price", "company": 1} | more
    return tryton.client.create("product.price_list", values | {"lines": [["create", list(lines)]]}), name


def line(formula: str, quantity: float | None = None, product: int | None = None) -> dict[str, Any]:
    return {"formula": formula, "quantity": quantity, "product": product, "sequence": next(new)}


@pytest.mark.parametrize("rpc", [False, True])
def test_base_prices_are_those_of_a_price_list(rich_tryton: Tryton, shirt: str, rpc: bool) -> None:
    ident = rich_tryton.product(shirt)["id"]
    _, name = price_list(rich_tryton, line("unit_price * 0.755", product=ident), line("unit_price"))
    found = Road(rich_tryton, rpc=rpc, price_list=name).told()
    assert found["base", shirt].amount == D("15.1")
    assert found["base", "SIM-0001"].amount == D(10)
    assert not found["base", shirt].with_tax


def test_a_list_with_tax_says_so_and_one_without_a_price_says_nothing(rich_tryton: Tryton, shirt: str) -> None:
    ident = rich_tryton.product(shirt)["id"]
    _, name = price_list(rich_tryton, line("unit_price * 2", product=ident), tax_included=True)
    found = Road(rich_tryton, price_list=name, options={"tax": "included"}).told()
    assert (found["base", shirt].amount, found["base", shirt].with_tax) == (D(40), True)
    assert ("base", "SIM-0001") not in found


def test_lists_become_steps_of_groups(rich_tryton: Tryton, shirt: str) -> None:
    ident = rich_tryton.product(shirt)["id"]
    trade = [line("Decimal('15')", 10, ident), line("Decimal('17.5')", 5, ident), line("unit_price * 0.9")]
    tiers = {
        "Wholesale": price_list(rich_tryton, *trade)[1],
        "ALL GROUPS": price_list(rich_tryton, line("unit_price * 0.5", 100), line("unit_price"))[1],
    }
    found = Road(rich_tryton, tiers=tiers).told()
    assert found["base", shirt].amount == D(20)
    assert ladder(found["ladder", shirt]) == [
        ("Wholesale", D(1), D(18)),
        ("Wholesale", D(5), D("17.5")),
        ("Wholesale", D(10), D(15)),
        ("ALL GROUPS", D(100), D(10)),
    ]
    assert ladder(found["ladder", "SIM-0001"]) == [("Wholesale", D(1), D(9)), ("ALL GROUPS", D(100), D(5))]


def test_a_line_that_changes_or_goes_tells_all_and_a_list_of_others_nothing(rich_tryton: Tryton, shirt: str) -> None:
    ident = rich_tryton.product(shirt)["id"]
    listed, name = price_list(rich_tryton, line("Decimal('15')", 10, ident), line("unit_price"))
    other, _ = price_list(rich_tryton, line("unit_price"))
    road = Road(rich_tryton, tiers={"ALL GROUPS": name})
    road.told()
    road.told()
    (step,) = rich_tryton.rows("product.price_list.line", [("price_list", "=", listed), ("quantity", "=", 10)], "id")
    rich_tryton.write("product.price_list.line", step["id"], formula="Decimal('14')")
    assert ladder(road.told()["ladder", shirt]) == [("ALL GROUPS", D(10), D(14))]
    rich_tryton.write("product.price_list", listed, lines=[["delete", [step["id"]]]])
    found = road.told()
    assert ladder(found["ladder", shirt]) == []
    assert ("ladder", "SIM-0001") in found
    rich_tryton.write("product.price_list", other, lines=[["create", [line("unit_price", 3)]]])
    assert road.told() == {}


def test_a_templates_price_moves_what_lists_make_of_it(rich_tryton: Tryton, shirt: str) -> None:
    """The template's time moves and not the variant's."""
    _, name = price_list(rich_tryton, line("unit_price * 0.5"))
    road = Road(rich_tryton, price_list=name, tiers={"Wholesale": name})
    road.told()
    road.told()
    before = rich_tryton.rows("product.product", [("code", "=", shirt)], "write_date")
    rich_tryton.write("product.template", rich_tryton.product(shirt)["template"], list_price=D(30))
    assert rich_tryton.rows("product.product", [("code", "=", shirt)], "write_date") == before
    found = road.told()
    assert {sku for _, sku in found} == {shirt}
    assert found["base", shirt].amount == D(15)
    assert ladder(found["ladder", shirt]) == []


def test_a_price_is_that_of_the_products_own_unit(rich_tryton: Tryton) -> None:
    sku = f"LIST-{next(new)}"
    template = make_product(rich_tryton, sku, list_price=D(20))
    (unit,) = rich_tryton.rows("product.uom", [("name", "=", "Unit")], "category")
    dozen = {"name": f"Dozen {sku}", "symbol": "dz", "category": unit["category"], "rate": 1 / 12, "factor": 12}
    made = rich_tryton.client.create("product.uom", dozen | {"rate": 0.083333333333, "rounding": 1, "digits": 0})
    rich_tryton.write("product.template", template, sale_uom=made)
    _, name = price_list(rich_tryton, line("unit_price"))
    assert Road(rich_tryton, price_list=name).told()["base", sku].amount == D(20)


def test_lists_that_are_not_there_or_do_not_fit(rich_tryton: Tryton, tryton: Tryton) -> None:
    with pytest.raises(Misconfigured, match="price list Nowhere"):
        Road(rich_tryton, price_list="Nowhere").told()
    with pytest.raises(Misconfigured, match=r"has no 'product\.price_list'"):
        Road(tryton, price_list="Nowhere").told()
    with_tax, without = (price_list(rich_tryton, line("unit_price"), tax_included=one)[1] for one in (True, False))
    with pytest.raises(Misconfigured, match="with tax and some without"):
        Road(rich_tryton, tiers={"General": with_tax, "Wholesale": without}).told()


def test_steps_are_where_a_price_differs_from_the_one_below() -> None:
    told = [(D(1), D(10)), (D(5), D(9)), (D(10), D(9)), (D(20), None), (D(50), D("9.5"))]
    assert [*steps_of(told, D(10))] == [{"quantity": D(5), "price": D(9)}, {"quantity": D(50), "price": D("9.5")}]
