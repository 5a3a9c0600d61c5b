"""What S/4 does with a new sales order: numbers, prices, taxes. It takes a reference any number of times."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from crossdock.sandbox.erps.sap_s4.tables import Refused, Tables

Row = dict[str, Any]
PRICE, DISCOUNT, FREIGHT, SURCHARGE = "PMP0", "DRM1", "DFR1", "DFP1"
TAX = "TTX1"  # computed from the item's tax classification
TAX_BY_HAND = "ZTAX"  # a fixed amount
CLASSES: Mapping[str, Decimal] = {
    "0": Decimal(0),
    "1": Decimal(22),
    "2": Decimal(10),
    "3": Decimal(19),
    "4": Decimal("6.875"),
    "5": Decimal("11.2003"),
}
CENT = Decimal("0.01")
MANUAL = frozenset({PRICE, DISCOUNT, FREIGHT, SURCHARGE, TAX_BY_HAND})


def rule(tables: Tables, customers: frozenset[str]) -> Any:
    """What is done to each new order before it is kept."""

    def entered(order: Row) -> None:
        _needed(order)
        if order["SoldToParty"] not in customers and not _is_customer(tables, order["SoldToParty"]):
            raise Refused(400, "V1/302", f"Sold-to party {order['SoldToParty']} not maintained for sales area")
        order.setdefault("SalesOrder", str(_last(tables) + 1))
        items = _results(order, "to_Item")
        for place, item in enumerate(items, start=1):
            item["SalesOrder"] = order["SalesOrder"]
            item.setdefault("SalesOrderItem", str(10 * place))
            item["DeliveryStatus"] = "A"
            _priced(item, str(order["TransactionCurrency"]))
        order["TotalNetAmount"] = f"{sum((Decimal(item['NetAmount']) for item in items), Decimal(0)):.2f}"
        for nav in ("to_Partner", "to_Text", "to_PricingElement"):
            for row in _results(order, nav):
                row["SalesOrder"] = order["SalesOrder"]

    return entered


def _needed(order: Row) -> None:
    needed = ("SalesOrderType", "SalesOrganization", "DistributionChannel", "OrganizationDivision", "SoldToParty")
    for name in needed:
        if not order.get(name):
            raise Refused(400, "V1/555", f"Enter {name}")
    if not _results(order, "to_Item"):
        raise Refused(400, "V1/555", "Enter an item")


def _is_customer(tables: Tables, number: str) -> bool:
    return any(row.get("Customer") == number for row in tables.rows["A_BusinessPartner"])


def _last(tables: Tables) -> int:
    return max((int(row["SalesOrder"]) for row in tables.rows["A_SalesOrder"]), default=0)


def _priced(item: Row, currency: str) -> None:
    if not item.get("Material"):
        raise Refused(400, "V1/555", "Enter a material")
    quantity = Decimal(item.get("RequestedQuantity") or 0)
    if quantity <= 0:
        raise Refused(400, "V1/555", "Enter a quantity")
    elements = _results(item, "to_PricingElement")
    net = Decimal(0)
    by_hand: Decimal | None = None
    for place, element in enumerate(elements, start=1):
        amount = _amount(element, quantity, currency)
        element |= {"PricingProcedureStep": str(10 * place), "PricingProcedureCounter": "1"}
        element |= {"ConditionAmount": f"{amount:.2f}", "ConditionIsForStatistics": False}
        element |= {name: item[name] for name in ("SalesOrder", "SalesOrderItem")}
        if element["ConditionType"] == TAX_BY_HAND:
            by_hand = amount
        else:
            net += amount
    if by_hand is None:
        elements.append(_tax(item, net))
    item["NetAmount"] = f"{net:.2f}"
    item["to_PricingElement"] = elements


def _amount(element: Row, quantity: Decimal, currency: str) -> Decimal:
    kind, rate = element.get("ConditionType"), Decimal(element.get("ConditionRateValue") or 0)
    if kind not in MANUAL:
        raise Refused(400, "VK/034", f"Condition type {kind} cannot be entered manually")
    if element.get("ConditionCurrency", currency) != currency:
        raise Refused(400, "VK/035", "Another currency than the document's")
    if rate != rate.quantize(CENT):
        raise Refused(400, "VK/036", "A rate with more decimals than its currency")
    if kind != PRICE:
        return rate
    per = Decimal(element.get("ConditionQuantity") or 1)
    return (rate * quantity / per).quantize(CENT, ROUND_HALF_UP)


def _tax(item: Row, net: Decimal) -> Row:
    told = item.get("ProductTaxClassification1") or "0"
    if told not in CLASSES:
        raise Refused(400, "V1/555", f"Tax classification {told} is not defined")
    amount = (net * CLASSES[told] / 100).quantize(CENT, ROUND_HALF_UP)
    return {
        "SalesOrder": item["SalesOrder"],
        "SalesOrderItem": item["SalesOrderItem"],
        "PricingProcedureStep": "900",
        "PricingProcedureCounter": "1",
        "ConditionType": TAX,
        "ConditionRateValue": str(CLASSES[told]),
        "ConditionAmount": f"{amount:.2f}",
        "ConditionIsForStatistics": False,
    }


def _results(row: Row, nav: str) -> list[Row]:
    found = row.get(nav) or []
    return list(found["results"]) if isinstance(found, dict) else list(found)
