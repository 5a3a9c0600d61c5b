"""Rows of SAP pass the suite: from our stand-in, and products from SAP's CAP server."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

import pytest

from crossdock.conformance.rows import Change, Row, RowSourceConformance, Told
from crossdock.contract.connector import Connector, RowSource
from crossdock.flows import inventory
from crossdock.sandbox.erps.sap_s4 import StandIn
from tests.erp.sap_s4.cap import Cap
from tests.erp.sap_s4.proxy import Proxy
from tests.erp.sap_s4.tables import connected

READ = inventory.reader({"warehouses": {"1010": "wh_milan", "1020": "wh_rome"}})
STOCK: dict[str, Any] = {"inventory": {"page_size": 2, "plants": ["1010", "1020"]}}
PRICES: dict[str, Any] = {"prices": {"page_size": 2, "condition_type": "PR00", "scope": "web", "overlap_s": 0}}
PRODUCTS: dict[str, Any] = {"products": {"page_size": 2, "overlap_s": 0, "fields": {"weight": "NetWeight"}}}
ALWAYS = {"ConditionValidityStartDate": "/Date(1577836800000)/", "ConditionValidityEndDate": "/Date(253402214400000)/"}
numbers = itertools.count(1)


class FromStandIn(RowSourceConformance):
    """A class below says which flow."""

    __test__ = False
    flow_name = ""
    reads: Mapping[str, Any] = {}

    @pytest.fixture
    def connector(self, proxy: Proxy) -> Connector:
        return connected(proxy.url, reads=self.reads)

    @pytest.fixture
    def unreachable(self) -> RowSource | None:
        return connected("http://127.0.0.1:9", reads=self.reads).rows(self.flow_name)

    @pytest.fixture
    def flow(self) -> str:
        return self.flow_name


def stock(number: int, turn: int, **more: str) -> dict[str, Any]:
    told = {"Material": f"A-{number}", "Plant": "1010", "StorageLocation": "101A", "InventoryStockType": "01"}
    return told | {"MatlWrhsStkQtyInMatlBaseUnit": f"{turn}.00000000000000"} | more


class TestStock(FromStandIn):
    """Two locations and two batches are one level; nobody knows what changed."""

    __test__ = True
    tells_changes = False
    flow_name = "inventory"
    reads: Mapping[str, Any] = STOCK

    @pytest.fixture
    def change(self, stand_in: StandIn) -> Change:
        def change(number: int, turn: int) -> Told:
            rows = [stock(number, turn), stock(number, 1, StorageLocation="101B"), stock(number, 1, Batch="B1")]
            blocked = [stock(number, 9, InventoryStockType="07"), stock(number, 9, Customer="77")]

            def put() -> None:
                stand_in.tables.put("A_ProductPlant", {"Product": f"A-{number}", "Plant": "1010"})
                for row in rows + blocked:
                    stand_in.tables.put("A_MatlStkInAcctMod", row)

            stand_in.do(put)
            return f"wh_milan/a-{number}", turn + 2

        return change

    @pytest.fixture
    def told(self) -> Callable[[Row], Told]:
        def told(row: Row) -> Told:
            level = READ(row)
            return inventory.subject(level), level.quantity

        return told


class TestStockWithoutProducts(TestStock):
    reads: Mapping[str, Any] = {"inventory": STOCK["inventory"] | {"zeros": False}}


def price(number: int, turn: int) -> tuple[dict[str, Any], dict[str, Any]]:
    record = {"ConditionRecord": f"{number:010}", "ConditionType": "PR00", "ConditionApplication": "V", **ALWAYS}
    money = {"ConditionRateValue": f"{turn}.90", "ConditionRateValueUnit": "EUR", "ConditionQuantity": "1"}
    place = {"Material": f"A-{number}", "SalesOrganization": "1010", "DistributionChannel": "10"}
    return record | money, record | place


class TestPrices(FromStandIn):
    __test__ = True
    flow_name = "prices"
    reads: Mapping[str, Any] = PRICES

    @pytest.fixture
    def change(self, stand_in: StandIn) -> Change:
        def change(number: int, turn: int) -> Told:
            head, validity = price(number, turn)
            stand_in.do(lambda: stand_in.tables.put("A_SlsPrcgCndnRecdValidity", validity))
            stand_in.do(lambda: stand_in.tables.put("A_SlsPrcgConditionRecord", head))
            return f"A-{number}", f"{turn}.9"

        return change

    @pytest.fixture
    def told(self) -> Callable[[Row], Told]:
        return lambda row: (row["sku"], row["price"])


class TestLatePrices(TestPrices):
    """A change that is committed after others, with the time at which it was made: the overlap finds it."""

    reads: Mapping[str, Any] = {"prices": PRICES["prices"] | {"overlap_s": 600}}

    @pytest.fixture
    def begin_late(self, stand_in: StandIn) -> Any:
        def begin(number: int, turn: int) -> tuple[Told, Callable[[], None]]:
            head, validity = price(number, turn)
            made = stand_in.clock()

            def commit() -> None:
                stand_in.do(lambda: stand_in.tables.put("A_SlsPrcgCndnRecdValidity", validity))
                stand_in.do(lambda: stand_in.tables.put("A_SlsPrcgConditionRecord", head, at=made))

            return (f"A-{number}", f"{turn}.9"), commit

        return begin


class TestProducts(FromStandIn):
    __test__ = True
    flow_name = "products"
    reads = PRODUCTS

    @pytest.fixture
    def change(self, stand_in: StandIn) -> Change:
        def change(number: int, turn: int) -> Told:
            stand_in.do(lambda: stand_in.tables.put("A_Product", {"Product": f"A-{number}", "NetWeight": f"{turn}.5"}))
            return f"A-{number}", f"{turn}.5"

        return change

    @pytest.fixture
    def told(self) -> Callable[[Row], Told]:
        return lambda row: (row["sku"], row["weight"])


@pytest.mark.services
class TestProductsOnCap(FromStandIn):
    """A server that we did not write reads our filters, orders and expansions."""

    __test__ = True
    flow_name = "products"
    reads: Mapping[str, Any] = {"products": PRODUCTS["products"] | {"overlap_s": 5}}

    @pytest.fixture
    def connector(self, cap: Cap, cap_proxy: Proxy) -> Connector:
        cap.reset()
        return connected(cap_proxy.url, reads=self.reads)

    @pytest.fixture
    def change(self, cap: Cap) -> Change:
        first = next(numbers) * 100

        def change(number: int, turn: int) -> Told:
            sku = f"A-{first + number}"
            now = int(datetime.now(UTC).timestamp() * 1000)
            body = {"NetWeight": f"{turn}.5", "LastChangeDateTime": f"/Date({now}+0000)/"}
            cap.set("API_PRODUCT_SRV", "A_Product", {"Product": sku}, body)
            return sku, f"{turn}.5"

        return change

    @pytest.fixture
    def told(self) -> Callable[[Row], Told]:
        return lambda row: (row["sku"], row["weight"])


@pytest.mark.services
class TestStockOnCap(TestProductsOnCap):
    tells_changes = False
    flow_name = "inventory"
    reads: Mapping[str, Any] = STOCK

    @pytest.fixture
    def change(self, cap: Cap) -> Change:
        def change(number: int, turn: int) -> Told:
            cap.set("API_PRODUCT_SRV", "A_ProductPlant", {"Product": f"A-{number}", "Plant": "1010"}, {})
            for batch in ("", "B1"):
                row = dict.fromkeys(("Supplier", "Customer", "WBSElementInternalID", "SDDocument"), "")
                row |= {"Batch": batch, "SDDocumentItem": "0", "InventorySpecialStockType": ""}
                told = stock(number, turn) | row
                quantity = {"MatlWrhsStkQtyInMatlBaseUnit": told.pop("MatlWrhsStkQtyInMatlBaseUnit")}
                cap.set("API_MATERIAL_STOCK_SRV", "A_MatlStkInAcctMod", told, quantity)
            return f"wh_milan/a-{number}", turn * 2

        return change

    @pytest.fixture
    def told(self) -> Callable[[Row], Told]:
        def told(row: Row) -> Told:
            level = READ(row)
            return inventory.subject(level), level.quantity

        return told


@pytest.mark.services
class TestPricesOnCap(TestProductsOnCap):
    flow_name = "prices"
    reads: Mapping[str, Any] = {"prices": PRICES["prices"] | {"overlap_s": 5}}

    @pytest.fixture
    def change(self, cap: Cap) -> Change:
        def change(number: int, turn: int) -> Told:
            head, validity = price(number, turn)
            key = {"ConditionRecord": head.pop("ConditionRecord")}
            now = int(datetime.now(UTC).timestamp() * 1000)
            head["LastChangeDateTime"] = f"/Date({now}+0000)/"
            service = "API_SLSPRICINGCONDITIONRECORD_SRV"
            if not cap.rows(
                service, "A_SlsPrcgCndnRecdValidity", filter=f"ConditionRecord eq '{key['ConditionRecord']}'"
            ):
                cap.put(service, "A_SlsPrcgCndnRecdValidity", validity)
            cap.set(service, "A_SlsPrcgConditionRecord", key, head)
            return f"A-{number}", f"{turn}.9"

        return change

    @pytest.fixture
    def told(self) -> Callable[[Row], Told]:
        return lambda row: (row["sku"], row["price"])
