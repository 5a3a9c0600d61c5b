"""An order as the body of a deep insert into A_SalesOrder, and what is read of one. Pure.

Names, lengths and types are those of API_SALES_ORDER_SRV's own definition. A text that is longer than its field is cut
where people read it, and refused where a machine does.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Any

from crossdock.contract.lookups import Lookups
from crossdock.erp.sap_s4.mapping import odata
from crossdock.erp.sap_s4.mapping.odata import Row
from crossdock.erp.sap_s4.mapping.pricing import QUANTITY_PLACES, Priced, Sums, price_of
from crossdock.erp.sap_s4.settings import Conditions, SalesArea, SapS4Settings
from crossdock.errors import MappingError
from crossdock.flows.parts import Role, plain_rate
from crossdock.model.address import Address
from crossdock.model.base import Record
from crossdock.model.money import ZERO
from crossdock.model.order import Order

Body = dict[str, Any]
REFERENCE = 35  # PurchaseOrderByCustomer
NUMBER = 10  # SalesOrder
MATERIAL = 40
ITEM_TEXT = 40
LINE_ID = 35
STEP = 10
STATISTICAL, INACTIVE = "ConditionIsForStatistics", "ConditionInactiveReason"
EXPAND = "to_Item"
EXPAND_SUMS = "to_Item,to_Item/to_PricingElement"


class Item(Record, frozen=True, kw_only=True):
    """An item of a sales order as it was read."""

    number: str
    line_id: str
    rejection: str
    delivery_status: str
    etag: str

    @property
    def rejected(self) -> bool:
        """Whether there is a reason for it not to be wanted any more."""
        return bool(self.rejection)


class SalesOrder(Record, frozen=True, kw_only=True):
    """A sales order as it was read. `sums` is None where SAP did not tell its net amount."""

    number: str
    reference: str
    sold_to: str
    block: str
    etag: str
    items: tuple[Item, ...]
    sums: Sums | None

    @property
    def rejected(self) -> bool:
        """Whether nothing of it is wanted any more."""
        return bool(self.items) and all(item.rejected for item in self.items)


def reference_of(number: str, settings: SapS4Settings) -> str:
    """Our reference at the order: what it is found by. Raises MappingError where it is too long for the field."""
    reference = f"{settings.reference_prefix}{number}"
    if not number or len(reference) > REFERENCE:
        raise MappingError("number", f"with reference_prefix it has to have 1 to {REFERENCE} characters")
    return reference


def number_of(order: Order) -> str:
    """SAP's number, where it is ours too. Raises MappingError where it is no number of ten digits at most."""
    if not (order.number.isascii() and order.number.isdigit() and len(order.number) <= NUMBER):
        raise MappingError("number", f"own_numbers wants {NUMBER} digits at most")
    return order.number


def build_order(order: Order, items: Sequence[Priced], sold_to: str, settings: SapS4Settings, lookups: Lookups) -> Body:
    """The body of the POST. Raises MappingError, MissingEntry."""
    area = _area(settings)
    body: Body = {
        "SalesOrderType": area.order_type,
        "SalesOrganization": area.organization,
        "DistributionChannel": area.channel,
        "OrganizationDivision": area.division,
        "SoldToParty": sold_to,
        "PurchaseOrderByCustomer": reference_of(order.number, settings),
        "CustomerPurchaseOrderDate": odata.json_day(order.created_at.date()),
        "TransactionCurrency": order.totals.currency,
    }
    if settings.own_numbers:
        body["SalesOrder"] = number_of(order)
    body |= _terms(order, area, lookups)
    body["to_Item"] = [
        build_item(STEP * place, item, order.totals.currency, settings, lookups)
        for place, item in enumerate(items, start=1)
    ]
    if partners := _partners(area):
        body["to_Partner"] = partners
    if texts := _texts(order, settings):
        body["to_Text"] = texts
    return body


def build_item(number: int, item: Priced, currency: str, settings: SapS4Settings, lookups: Lookups) -> Body:
    """One item with its pricing elements."""
    area = _area(settings)
    body: Body = {
        "SalesOrderItem": str(number),
        "Material": material_of(item, settings, lookups),
        "SalesOrderItemText": item.text[:ITEM_TEXT],
        "RequestedQuantity": odata.decimal(item.quantity, QUANTITY_PLACES),
    }
    named = {
        "SalesOrderItemCategory": area.item_category,
        "ProductionPlant": area.plant,
        "RequestedQuantityUnit": area.unit,
        "ProductTaxClassification1": _tax_class(item, settings, lookups),
    }
    body |= {name: value for name, value in named.items() if value}
    if settings.line_id_field and item.line_id:
        body[settings.line_id_field] = item.line_id[:LINE_ID]
    body["to_PricingElement"] = list(_elements(item, currency, settings))
    return body


def items_of(items: Iterable[Priced]) -> dict[str, str]:
    """Our line id -> the number of its item, as `build_order` numbers them."""
    return {item.line_id: str(STEP * place) for place, item in enumerate(items, start=1) if item.line_id}


def material_of(item: Priced, settings: SapS4Settings, lookups: Lookups) -> str:
    """Which material an item is of. Raises MappingError, MissingEntry."""
    fixed = {
        Role.SHIPPING: settings.materials.shipping,
        Role.FPT: settings.materials.fpt,
        Role.FEE: settings.materials.fee,
    }
    if item.role in fixed:
        return fixed[item.role]
    material = lookups.find("materials", item.sku)
    if material is None:
        material = item.sku.upper() if settings.materials.upper else item.sku
    if not 0 < len(material) <= MATERIAL:
        raise MappingError("lines.sku", f"a material has 1 to {MATERIAL} characters")
    return material


def _area(settings: SapS4Settings) -> SalesArea:
    if settings.sales is None:
        raise MappingError("sales", "is not set")
    return settings.sales


def _terms(order: Order, area: SalesArea, lookups: Lookups) -> Body:
    payment = lookups.find("payment_terms", order.payment.method)
    shipping = lookups.find("shipping_methods", order.shipping_method) if order.shipping_method else None
    named = {
        "CustomerPaymentTerms": area.payment_terms if payment is None else payment,
        "ShippingCondition": area.shipping_condition if shipping is None else shipping,
        "IncotermsClassification": area.incoterms,
        "IncotermsLocation1": area.incoterms_location,
    }
    return {name: value for name, value in named.items() if value}


def _partners(area: SalesArea) -> list[Body]:
    return [{"PartnerFunction": function, "Customer": number} for function, number in area.partners.items()]


def _tax_class(item: Priced, settings: SapS4Settings, lookups: Lookups) -> str:
    if settings.taxes.told != "class":
        return ""
    rate = plain_rate(item.rate)
    found = lookups.find("tax_codes", rate)
    if found is None:
        found = settings.taxes.classes.get(rate)
    if found is None:
        raise MappingError("lines.tax_rate", f"taxes.classes has nothing for {rate} %")
    return found


def _elements(item: Priced, currency: str, settings: SapS4Settings) -> Iterable[Body]:
    conditions = settings.conditions
    if conditions is None:
        raise MappingError("conditions", "is not set")
    rate, per = price_of(item.gross, item.quantity)
    price = _amount(conditions.price, rate, currency)
    yield price | ({"ConditionQuantity": str(per)} if per != 1 else {})
    for kind, amount in _amounts(item, conditions):
        if amount:
            yield _amount(kind, amount, currency)
    if settings.taxes.told == "amount":
        yield _amount(conditions.tax, item.tax, currency)
    if settings.taxes.told == "rate":
        yield {"ConditionType": conditions.tax, "ConditionRateValue": odata.decimal(item.rate, 9)}


def _amounts(item: Priced, conditions: Conditions) -> tuple[tuple[str, Decimal], ...]:
    return (
        (conditions.discount, -item.discount),
        (conditions.freight, item.freight),
        (conditions.fpt, item.fpt),
    )


def _amount(kind: str, amount: Decimal, currency: str) -> Body:
    return {
        "ConditionType": kind,
        "ConditionRateValue": odata.decimal(amount, 9).rstrip("0").rstrip(".") or "0",
        "ConditionCurrency": currency,
    }


def _texts(order: Order, settings: SapS4Settings) -> list[Body]:
    texts = settings.texts
    said = [order.note, f"Gift message: {order.gift_message}" if order.gift_message else ""]
    named = (
        (texts.note, "\n".join(one for one in said if one)),
        (texts.ship_to if settings.ship_to == "text" else "", _lines(order.shipping)),
        (texts.bill_to, _lines(order.billing)),
    )
    return [
        {"Language": texts.language, "LongTextID": ident, "LongText": text} for ident, text in named if ident and text
    ]


def _lines(address: Address | None) -> str:
    """An address as people write it; what is empty is left out."""
    if address is None:
        return ""
    place = " ".join(part for part in (address.postcode, address.city, address.region) if part)
    lines = (address.company, address.name, *address.street, place, address.country, address.telephone, address.email)
    return "\n".join(line for line in lines if line)


# reading --------------------------------------------------------------------------------------------------------------


def parse_order(row: Row, settings: SapS4Settings) -> SalesOrder | None:
    """A sales order as read with its items; None where it names no number."""
    number = odata.word(row, "SalesOrder")
    if not number:
        return None
    return SalesOrder(
        number=number,
        reference=odata.word(row, "PurchaseOrderByCustomer"),
        sold_to=odata.word(row, "SoldToParty"),
        block=odata.word(row, "DeliveryBlockReason"),
        etag=odata.etag(row),
        items=tuple(_item(one, settings) for one in odata.inner(row, "to_Item")),
        sums=_sums(row, settings),
    )


def links_of(found: SalesOrder) -> dict[str, str]:
    """Our line id -> the number of its item, as SAP tells."""
    return {item.line_id: item.number for item in found.items if item.line_id}


def same_party(one: str, other: str) -> bool:
    """SAP pads numbers of digits with noughts, in one place and not in another."""
    return one.lstrip("0") == other.lstrip("0")


def _item(row: Row, settings: SapS4Settings) -> Item:
    return Item(
        number=odata.word(row, "SalesOrderItem"),
        line_id=odata.word(row, settings.line_id_field) if settings.line_id_field else "",
        rejection=odata.word(row, "SalesDocumentRjcnReason"),
        delivery_status=odata.word(row, "DeliveryStatus"),
        etag=odata.etag(row),
    )


def _sums(row: Row, settings: SapS4Settings) -> Sums | None:
    net = odata.number(row.get("TotalNetAmount"))
    if net is None:
        return None
    return Sums(net=net, tax=_tax(row, settings) if settings.check == "sums" else None)


def _tax(row: Row, settings: SapS4Settings) -> Decimal:
    kind = settings.conditions.tax if settings.conditions else ""
    elements = (one for item in odata.inner(row, "to_Item") for one in elements_of(item, kind))
    return sum((odata.number(one.get("ConditionAmount")) or ZERO for one in elements), ZERO)


def elements_of(item: Row, kind: str) -> list[Row]:
    """An item's pricing elements of one type, as far as they count."""
    return [
        one
        for one in odata.inner(item, "to_PricingElement")
        if one.get("ConditionType") == kind and not one.get(STATISTICAL) and not one.get(INACTIVE)
    ]
