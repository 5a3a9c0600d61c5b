"""Orders that a real Magento sent: bodies that SAP's definition allows, the store's sums to the cent, or parked."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from crossdock.contract.lookups import NO_LOOKUPS
from crossdock.erp.sap_s4.mapping.orders import build_order
from crossdock.erp.sap_s4.mapping.pricing import difference, expected, predict, price_order
from crossdock.erp.sap_s4.settings import SapS4Settings
from crossdock.errors import MappingError, Rejected
from crossdock.flows import FLOWS
from crossdock.flows.expansion import expand
from crossdock.magento.mapping.orders import parse_order
from crossdock.model.order import Order
from crossdock.sandbox.erps.sap_s4 import StandIn, sales
from tests.erp.sap_s4 import edmx
from tests.erp.sap_s4.tables import BY_CLASS, connected, settings
from tests.material import SHARED, needs_shared

ORDERS = sorted(path for path in (SHARED / "magento/orders").glob("*.json") if re.match(r"\d+_\w+\.json$", path.name))
PAYING: dict[str, Any] = {"credits": "payment"}
CLASSES = {"classes": {str(rate): name for name, rate in sales.CLASSES.items()}}
FREIGHT: dict[str, Any] = {"materials": {}}  # shipping and product taxes as amounts of items
PIECES = {"256_edited_old_b", "257_edited_new_b"}  # 0.3333 pieces: SAP counts to three decimals
POST = "/sap/opu/odata/sap/API_SALES_ORDER_SRV/A_SalesOrder"


def read(path: Path) -> Order:
    return expand(parse_order(path.read_bytes()), "exploded")


def parked(checked: SapS4Settings) -> dict[str, str]:
    """By file, why an order does not go."""
    found: dict[str, str] = {}
    for path in ORDERS:
        order = read(path)
        try:
            told = difference(predict(price_order(order, checked), checked), expected(order, checked))
        except MappingError as error:
            told = str(error)
        if told:
            found[path.stem] = told
    return found


@needs_shared
def test_with_the_tax_as_an_amount_all_recorded_orders_go_but_two() -> None:
    assert len(ORDERS) > 200
    for more in ({}, FREIGHT):
        found = parked(settings(**PAYING, **more))
        assert {stem for stem, reason in found.items() if "decimals" not in reason} == set()
        assert set(found) == PIECES


@needs_shared
def test_with_the_tax_computed_by_sap_those_of_other_roundings_are_parked() -> None:
    by_item = parked(settings(**PAYING, **BY_CLASS | {"taxes": CLASSES}))
    by_document = parked(settings(**PAYING, **BY_CLASS | {"taxes": CLASSES | {"rounding": "document"}}))

    assert (len(by_item), len(by_document)) == (80, 55)
    assert {stem for stem, reason in by_item.items() if "instead of" not in reason} == PIECES


@needs_shared
def test_without_the_setting_credits_are_parked_and_nothing_else() -> None:
    found = parked(settings())

    assert {stem for stem, reason in found.items() if "gift card, credit or points" not in reason} == PIECES


@needs_shared
@edmx.needs_edmx
def test_what_is_sent_is_what_the_definition_has() -> None:
    checked = settings(**PAYING)
    found = []
    for path in ORDERS:
        if path.stem in PIECES:
            continue
        order = read(path)
        body = build_order(order, price_order(order, checked), "10100001", checked, NO_LOOKUPS)
        found += [f"{path.stem}: {one}" for one in edmx.problems("POST", POST, {}, json.dumps(body).encode())]
    assert found == []


@needs_shared
@pytest.mark.parametrize("more", [PAYING, PAYING | BY_CLASS | {"taxes": CLASSES}], ids=["by hand", "by class"])
def test_recorded_orders_are_in_the_stand_in_to_the_cent_or_parked(stand_in: StandIn, more: dict[str, Any]) -> None:
    """The stand-in computes for itself; what it comes to is read back and compared."""
    sink = connected(stand_in.url, **more).sink(FLOWS["orders"])
    expected_parked = parked(settings(**more))
    refused: dict[str, str] = {}
    numbers: set[str] = set()
    for path in ORDERS:
        order = read(path)
        if order.number in numbers:
            continue  # some recordings show one order at two moments
        numbers.add(order.number)
        try:
            sink.put(order, f"v1:store:order:{order.id}:place")
        except (Rejected, MappingError) as error:
            refused[order.number] = str(error)
    assert sorted(stand_in.there()) == sorted(numbers - set(refused))
    assert set(refused) <= {read(path).number for path in ORDERS if path.stem in expected_parked}
    assert not [reason for reason in refused.values() if "is there, and does not" in reason]
    print(f"{len(numbers)} orders, {len(refused)} parked")


def test_the_check_of_requests_can_fail() -> None:
    """A definition that allows everything would prove nothing."""
    if not edmx.FOLDER.is_dir():
        pytest.skip("SAP's service definitions are not here")
    wrong: dict[str, Any] = {
        "SalesOrder": "1" * 11,
        "TotalNetAmount": "1.00",
        "Nonsense": "x",
        "SalesOrderDate": "2026-11-26",
        "to_Item": [{"RequestedQuantity": "1.0001"}, {"RequestedQuantity": 1}],
    }
    told = [*edmx.problems("POST", POST, {}, json.dumps(wrong).encode())]
    told += [
        *edmx.problems("GET", f"{POST}?$filter=Nonsense eq '1' and SalesOrder eq 'x y'&$expand=to_Nobody", {}, b"")
    ]
    told += [*edmx.problems("PATCH", f"{POST}Item(SalesOrder='1')", {}, b"{}")]
    told += [*edmx.problems("POST", f"{POST}Text", {}, b"{}")]

    assert told == [
        "SalesOrder: longer than 10",
        "TotalNetAmount: not creatable",
        "Nonsense: unknown",
        "SalesOrderDate: no /Date(ms)/",
        "to_Item/0/RequestedQuantity: no decimal(15,3)",
        "to_Item/1/RequestedQuantity: Edm.Decimal as int",
        "A_SalesOrder: Nonsense is unknown",
        "A_SalesOrder: $expand=to_Nobody leads nowhere",
        "A_SalesOrderItem: the key is ['SalesOrder', 'SalesOrderItem'], not ['SalesOrder']",
        "A_SalesOrderText is not creatable",
    ]
