"""The company's tables and its rules, as far as they are known."""

from __future__ import annotations

import itertools
import uuid
from collections import defaultdict
from collections.abc import Callable
from datetime import datetime
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from crossdock.sandbox.erps.dynamics_bc.contract import CENT, COMPANY, COMPANY_NAME, EXTRAS, SHOWN
from crossdock.sandbox.erps.odata import Refusal, Row
from crossdock.sandbox.orders import SKUS


class Books:
    """The company's tables. A row's `_etag` is its version; names with _ before them are never shown."""

    def __init__(self, clock: Callable[[], datetime]) -> None:
        self._clock = clock
        self.tables: dict[str, list[Row]] = {name: [] for name in SHOWN}
        self._numbers = itertools.count(101_001)
        self._versions = itertools.count(1)
        self.tables["companies"].append({"id": COMPANY, "name": COMPANY_NAME, "displayName": COMPANY_NAME})
        for sku in SKUS:
            # the sandbox store keeps stock of no others
            self.add_item(sku, type="Inventory" if sku.startswith("SIM-") else "Service")
        for code in ("NET30", "NOW"):
            self.add("paymentTerms", code=code, displayName=code)
        for code in ("STD", "EXPRESS"):
            self.add("shipmentMethods", code=code, displayName=code)
        for code in ("MAIN", "EAST"):
            self.add("locations", code=code, displayName=code)

    def copied(self) -> dict[str, list[Row]]:
        """To go back to: a write puts another row in the place of the one that it changes."""
        return {name: list(rows) for name, rows in self.tables.items()}

    def replace(self, table: str, row: Row, values: Row) -> Row:
        """The row with these values, changed now."""
        place = next(n for n, one in enumerate(self.tables[table]) if one is row)
        self.tables[table][place] = changed = self.touched(row | values)
        return changed

    def stamp(self) -> str:
        """Now, as a row has it."""
        return self._clock().isoformat(timespec="milliseconds").replace("+00:00", "Z")

    def add(self, table: str, **values: Any) -> Row:
        """A new row."""
        row = {"id": str(uuid.uuid4()), **values}
        self.tables[table].append(row)
        return self.touched(row)

    def touched(self, row: Row) -> Row:
        """With a new version, and changed now."""
        row["_etag"] = f'W/"{next(self._versions)}"'
        row["lastModifiedDateTime"] = self.stamp()
        return row

    def add_item(self, number: str, **values: Any) -> Row:
        """An item; where it is there already, changed."""
        row = next((one for one in self.tables["items"] if one["number"] == number), None)
        if row is not None:
            row |= values
            return self.touched(row)
        plain = {
            "displayName": f"Item {number}",
            "type": "Inventory",
            "blocked": False,
            "inventory": Decimal(0),
            "unitPrice": Decimal("9.99"),
            "priceIncludesTax": False,
            "gtin": "",
        }
        return self.add("items", number=number, **(plain | values))

    def post_entry(self, item: str, quantity: Decimal, location: str = "MAIN") -> Row:
        """A ledger entry: the item's own stamp does not move, only its quantity."""
        entries = self.tables["itemLedgerEntries"]
        number = max((entry["entryNumber"] for entry in entries), default=0) + 1
        row = self.add(
            "itemLedgerEntries", entryNumber=number, itemNumber=item, quantity=quantity, locationCode=location
        )
        for one in self.tables["items"]:
            if one["number"] == item:
                one["inventory"] += quantity
        return row

    def next_number(self, prefix: str) -> str:
        """Of a number series."""
        return f"{prefix}{next(self._numbers)}"

    # documents --------------------------------------------------------------------------------------------------------

    def add_order(self, values: Row) -> Row:
        """Raises Refusal. With sums as a company has them that rounds VAT by document."""
        lines = values.pop("salesOrderLines", [])
        number = values.get("customerNumber")
        if not number and not values.get("customerId"):
            raise Refusal(400, "Application_DialogException", 'A "customerNumber" or a "customerId" must be provided.')
        if number and not any(one["number"] == number for one in self.tables["customers"]):
            raise Refusal(400, "Application_DialogException", "The sell-to customer cannot be found.")
        made = [self._line(place, line) for place, line in enumerate(lines, start=1)]
        if len({line["sequence"] for line in made}) < len(made):
            raise Refusal(400, "Internal_EntityWithSameKeyExists", "The record in table Sales Line already exists.")
        order = self.add("salesOrders", number=self.next_number("SO"), status="Draft", fullyShipped=False, **values)
        order["_lines"] = made
        return self._sums(order)

    def _line(self, place: int, line: Row) -> Row:
        kind, number = line.get("lineType", "Comment"), line.get("lineObjectNumber", "")
        if kind == "Item" and not any(one["number"] == number for one in self.tables["items"]):
            raise Refusal(400, "Application_DialogException", "Item does not exist.")
        if kind == "Account" and number not in EXTRAS.values():
            raise Refusal(400, "Application_DialogException", "Account does not exist.")
        return {"id": str(uuid.uuid4()), "sequence": place * 10_000, **line}

    def _sums(self, order: Row) -> Row:
        gross, sums = bool(order.get("pricesIncludeTax")), defaultdict[Decimal, Decimal](Decimal)
        for line in order["_lines"]:
            amount = cents(number_in(line, "unitPrice") * number_in(line, "quantity"))
            sums[rate_of(line)] += amount - cents(number_in(line, "discountAmount"))
        taxes = {
            rate: amount - cents(amount / (1 + rate / 100)) if gross else cents(amount * rate / 100)
            for rate, amount in sums.items()
        }
        tax, whole = sum(taxes.values(), Decimal(0)), sum(sums.values(), Decimal(0))
        total = whole if gross else whole + tax
        order |= {
            "totalAmountExcludingTax": total - tax,
            "totalTaxAmount": tax,
            "totalAmountIncludingTax": total,
        }
        return order

    def ship(self, reference: str, *, invoice: bool = False) -> tuple[str, str]:
        """Ships the open order of this reference; its shipment's and its invoice's numbers."""
        order = next(one for one in self.tables["salesOrders"] if one["externalDocumentNumber"] == reference)
        lines = [{**line, "id": str(uuid.uuid4())} for line in order["_lines"]]
        common = {"externalDocumentNumber": reference, "orderNumber": order["number"], "_lines": lines}
        if not order["fullyShipped"]:
            shipment = self.add(
                "salesShipments", number=self.next_number("SH"), postingDate=self.stamp()[:10], **common
            )
            order["fullyShipped"] = True
            order["_shipment"] = shipment["number"]
        if not invoice:
            return order["_shipment"], ""
        told = {
            name: value for name, value in order.items() if name in SHOWN["salesInvoices"] and name != "id"
        } | common
        told |= {"number": self.next_number("INV"), "orderId": order["id"], "status": "Open"}
        posted = self.add("salesInvoices", **told)
        self.tables["salesOrders"].remove(order)
        return order["_shipment"], posted["number"]

    def add_customer(self, values: Row) -> Row:
        """Raises Refusal for a number that is there."""
        number = values.pop("number", "") or self.next_number("C")
        if any(one["number"] == number for one in self.tables["customers"]):
            message = f"The Customer already exists. Identification fields and values: No.='{number}'"
            raise Refusal(400, "Internal_EntityWithSameKeyExists", message)
        return self.add("customers", number=number, **{"blocked": "_x0020_", **values})


def number_in(line: Row, field: str) -> Decimal:
    """0 where there is none."""
    return Decimal(str(line.get(field, 0)))


def rate_of(line: Row) -> Decimal:
    """A tax code says its rate."""
    code = str(line.get("taxCode") or "VAT0")
    return Decimal(code.removeprefix("VAT"))


def cents(amount: Decimal) -> Decimal:
    """To the nearest one."""
    return amount.quantize(CENT, ROUND_HALF_UP)
