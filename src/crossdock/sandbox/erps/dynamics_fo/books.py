"""The company's tables and its rules, as far as they are known."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from crossdock.sandbox.erps.dynamics_fo.contract import COMPANY, EXTRAS, SHOWN
from crossdock.sandbox.erps.odata import Refusal, Row
from crossdock.sandbox.orders import SKUS

CENT = Decimal("0.01")


class Books:
    """Names with _ before them are never shown. `numbers`: "manual" wants an order's number, "auto" gives one."""

    def __init__(self, numbers: str = "manual") -> None:
        self.numbers = numbers
        self.tables: dict[str, list[Row]] = {name: [] for name in SHOWN}
        self.agreed: dict[str, Decimal] = {}  # item -> the price of a trade agreement, whatever is sent
        self._series = itertools.count(1)
        self._versions = itertools.count(1)
        for item in (*SKUS, *EXTRAS.values()):
            self.add_item(item)

    def copied(self) -> dict[str, list[Row]]:
        """To go back to: a write puts another row in the place of the one that it changes."""
        return {name: list(rows) for name, rows in self.tables.items()}

    def add(self, table: str, **values: Any) -> Row:
        """A new row of our company, unless it names another."""
        row = {"dataAreaId": COMPANY, **values, "_etag": self.version()}
        self.tables[table].append(row)
        return row

    def replace(self, table: str, row: Row, values: Row) -> Row:
        """The row with these values."""
        place = next(n for n, one in enumerate(self.tables[table]) if one is row)
        self.tables[table][place] = changed = row | values | {"_etag": self.version()}
        return changed

    def version(self) -> str:
        """Of a row."""
        return f'W/"Jz{next(self._versions)}"'

    def add_item(self, number: str, **values: Any) -> Row:
        """A released product; where it is there already, changed."""
        for row in self.tables["ReleasedProductsV2"]:
            if row["ItemNumber"] == number:
                return self.replace("ReleasedProductsV2", row, values)
        plain = {"SearchName": number, "ProductSearchName": f"Item {number}", "ProductLifecycleStateId": ""}
        plain |= {"SalesPrice": Decimal("9.99"), "SalesPriceQuantity": 1}  # type: ignore[dict-item]  # of all types
        return self.add("ReleasedProductsV2", ItemNumber=number, **(plain | values))

    def set_stock(self, item: str, quantity: Decimal, warehouse: str = "11", **dimensions: str) -> None:
        """What lies there."""
        told = {"OnHandQuantity": quantity, "AvailableOnHandQuantity": quantity - 1}
        for row in self.tables["WarehousesOnHandV2"]:
            same = all(row.get(name, "") == dimensions.get(name, "") for name in DIMENSIONS)
            if same and (row["ItemNumber"], row["InventoryWarehouseId"]) == (item, warehouse):
                self.replace("WarehousesOnHandV2", row, told)
                return
        parts = dict.fromkeys(DIMENSIONS, "") | dimensions
        self.add(
            "WarehousesOnHandV2", ItemNumber=item, InventorySiteId="1", InventoryWarehouseId=warehouse, **told, **parts
        )

    # writes -----------------------------------------------------------------------------------------------------------

    def make(self, table: str, values: Row) -> Row:
        """Raises Refusal."""
        makers: dict[str, Callable[[Row], Row]] = {
            "SalesOrderHeadersV2": self._head,
            "SalesOrderLinesV2": self._line,
            "CustomersV3": self._customer,
        }
        return makers[table](values)

    def drop(self, table: str, row: Row) -> None:
        """An order goes with its lines."""
        self.tables[table].remove(row)
        if table == "SalesOrderHeadersV2":
            lines = self.tables["SalesOrderLinesV2"]
            self.tables["SalesOrderLinesV2"] = [
                line for line in lines if line["SalesOrderNumber"] != row["SalesOrderNumber"]
            ]

    def _head(self, values: Row) -> Row:
        number = values.get("SalesOrderNumber", "")
        if self.numbers == "manual" and not number:
            raise failed("SalesOrderHeaderV2Entity", "Field 'Sales order' must be filled in.")
        if self.numbers == "auto" and number:
            raise failed("SalesOrderHeaderV2Entity", "Number sequence does not allow manual numbers.")
        if any(row["SalesOrderNumber"] == number for row in self.tables["SalesOrderHeadersV2"]):
            raise failed("SalesOrderHeaderV2Entity", f"Cannot create a record. Sales order: {number} already exists.")
        account = values.get("OrderingCustomerAccountNumber")
        if not any(row["CustomerAccount"] == account for row in self.tables["CustomersV3"]):
            raise failed("SalesOrderHeaderV2Entity", "The value in field 'Customer account' is not found.")
        told = {"SalesOrderNumber": number or f"{next(self._series):06}", "SalesOrderStatus": "Backorder"}
        plain = {"AreTotalsCalculated": "No", "OrderTotalAmount": 0, "OrderTotalTaxAmount": 0}
        stopped = {"IsSalesProcessingStopped": "No"}
        return self.add("SalesOrderHeadersV2", **(stopped | values | told | plain))

    def _line(self, values: Row) -> Row:
        number, item = values.get("SalesOrderNumber"), values.get("ItemNumber")
        if not any(row["SalesOrderNumber"] == number for row in self.tables["SalesOrderHeadersV2"]):
            raise failed("SalesOrderLineV2Entity", f"Sales order {number} does not exist.")
        if not any(row["ItemNumber"] == item for row in self.tables["ReleasedProductsV2"]):
            raise failed("SalesOrderLineV2Entity", "Item number does not exist.")
        price = self.agreed.get(str(item), Decimal(str(values.get("SalesPrice", 0))))
        amount = (price * Decimal(str(values["OrderedSalesQuantity"]))).quantize(CENT, ROUND_HALF_UP)
        place = sum(row["SalesOrderNumber"] == number for row in self.tables["SalesOrderLinesV2"]) + 1
        lot = f"{next(self._series):06}-LOT"
        told = {"InventoryLotId": lot, "LineAmount": amount, "LineCreationSequenceNumber": place, "SalesPrice": price}
        return self.add("SalesOrderLinesV2", **(values | told))

    def _customer(self, values: Row) -> Row:
        for field in ("CustomerGroupId", "SalesCurrencyCode"):
            if not values.get(field):
                raise failed("CustCustomerV3Entity", f"Field '{field}' must be filled in.")
        account = values.get("CustomerAccount") or f"C{next(self._series):06}"
        if any(row["CustomerAccount"] == account for row in self.tables["CustomersV3"]):
            raise failed("CustCustomerV3Entity", f"Customer account {account} already exists.")
        return self.add("CustomersV3", **({"OnHoldStatus": "No"} | values | {"CustomerAccount": account}))


DIMENSIONS = ("ProductConfigurationId", "ProductSizeId", "ProductColorId", "ProductStyleId", "ProductVersionId")


def failed(entity: str, why: str) -> Refusal:
    """As such a server says it: what happened stands in the innermost error."""
    return Refusal(400, "", f"Write failed for table row of type '{entity}'. Infolog: Error: {why}")
