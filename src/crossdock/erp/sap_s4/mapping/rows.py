"""Rows of SAP's as a push has them. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from crossdock.erp.sap_s4.mapping import odata
from crossdock.erp.sap_s4.mapping.odata import Row
from crossdock.erp.sap_s4.settings import CatalogSettings, PriceSettings, StockSettings

PRICE_PLACES = Decimal("0.0001")
SPECIAL = (  # a validity that names one of these is not everybody's price
    *("SoldToParty", "Customer", "CustomerGroup", "CustomerPriceGroup", "PriceListType", "SalesDocument", "Plant"),
)
CURRENCY = 3  # letters of an ISO 4217 code; a percentage has "%"


def levels(
    stocks: Iterable[Row], known: Iterable[tuple[str, str]], settings: StockSettings, at: datetime
) -> list[dict[str, Any]]:
    """A row for each material and place: its stocks added up. `known`: material and plant that are told anyway."""
    sums: dict[tuple[str, str], Decimal] = defaultdict(Decimal)
    if not settings.by_location:  # without a location nobody knows at which one there is nothing
        for material, plant in known:
            sums[material, plant] += 0
    for stock in stocks:
        place = odata.word(stock, "Plant")
        if settings.by_location:
            place = f"{place}/{odata.word(stock, 'StorageLocation')}"
        sums[odata.word(stock, "Material"), place] += odata.number(stock.get("MatlWrhsStkQtyInMatlBaseUnit")) or 0
    return [
        {"sku": sku, "qty": plain(quantity), "warehouse": place, "meaning": settings.meaning, "as_of": at.isoformat()}
        for (sku, place), quantity in sums.items()
    ]


def is_free(stock: Row) -> bool:
    """Whether it belongs to nobody: no customer's, supplier's, project's or order's stock."""
    owners = ("InventorySpecialStockType", "Supplier", "Customer", "WBSElementInternalID", "SDDocument")
    return not any(odata.word(stock, name).strip("0") for name in owners)


def prices(pairs: Iterable[tuple[Row, Row]], settings: PriceSettings, at: datetime) -> list[dict[str, Any]]:
    """A row for each record (its head, one validity) that is everybody's price of a material today."""
    rows = [row for head, validity in pairs if (row := _price(head, validity, settings, at))]
    return [*{(row["sku"], row["currency"]): row for row in rows}.values()]


def _price(head: Row, validity: Row, settings: PriceSettings, at: datetime) -> dict[str, Any] | None:
    sku, currency = odata.word(validity, "Material"), odata.word(head, "ConditionRateValueUnit").strip()
    rate = odata.number(head.get("ConditionRateValue"))
    per = odata.number(head.get("ConditionQuantity")) or Decimal(1)
    if not sku or rate is None or not _is_valid(head, validity, at.date()) or not _is_money(currency):
        return None
    price = rate / per
    if price != price.quantize(PRICE_PLACES):
        price = price.quantize(PRICE_PLACES)  # 10.00 per 3: nothing else can be said of one piece
    said = {"tax": settings.tax} if settings.tax else {}
    told = {"sku": sku, "price": plain(price), "kind": "base", "scope": settings.scope, "currency": currency}
    return told | said | {"as_of": at.isoformat()}


def _is_valid(head: Row, validity: Row, today: date) -> bool:
    begins = odata.when(validity.get("ConditionValidityStartDate"))
    ends = odata.when(validity.get("ConditionValidityEndDate"))
    if head.get("ConditionIsDeleted") or odata.word(head, "ConditionReleaseStatus").strip():
        return False  # deleted, or not (yet) released
    if any(odata.word(validity, name).strip() for name in SPECIAL):
        return False
    return (begins is None or begins.date() <= today) and (ends is None or today <= ends.date())


def _is_money(unit: str) -> bool:
    return len(unit) == CURRENCY and unit.isalpha()


def products(rows: Sequence[Row], settings: CatalogSettings, at: datetime) -> list[dict[str, Any]]:
    """A row for each product: its description, fields, and whether it is sold."""
    return [_product(row, settings, at) for row in rows if odata.word(row, "Product")]


def _product(row: Row, settings: CatalogSettings, at: datetime) -> dict[str, Any]:
    texts = {
        odata.word(one, "Language"): odata.word(one, "ProductDescription") for one in odata.inner(row, "to_Description")
    }
    values: dict[str, Any] = {
        code: value for code, field in settings.fields.items() if (value := row.get(field)) not in {None, ""}
    }
    if settings.name and (name := texts.get(settings.language)):
        values[settings.name] = name
    stopped = bool(row.get("IsMarkedForDeletion")) or odata.word(row, "CrossPlantStatus") in settings.disabled
    status = "disabled" if stopped else "enabled"
    return {"sku": odata.word(row, "Product"), **values, "status": status, "as_of": at.isoformat()}


def either(field: str, values: Sequence[str]) -> str:
    """A filter: one of these; "" for no values."""
    told = " or ".join(f"{field} eq {odata.text(value)}" for value in values)
    return f"({told})" if len(values) > 1 else told


def both(*parts: str) -> str:
    """A filter: all of these that are not ""."""
    return " and ".join(part for part in parts if part)


def plain(value: Decimal) -> str:
    """Without an exponent or trailing noughts."""
    text = f"{value:f}"
    return (text.rstrip("0").rstrip(".") or "0") if "." in text else text
