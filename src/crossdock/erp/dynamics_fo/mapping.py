"""An order as a sales order of Finance and Operations, and people as its customers. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

import msgspec

from crossdock.erp.dynamics_fo.settings import NUMBER, FoSettings
from crossdock.errors import MappingError
from crossdock.flows.parts import Priced, Role, plain_rate
from crossdock.flows.quotes import Quote
from crossdock.model.address import Address
from crossdock.model.base import Record
from crossdock.model.order import Order

Values = dict[str, Any]
Translate = Callable[[str, str], str | None]  # a lookup: table, value -> what stands for it
YES, NO = "Yes", "No"
DESCRIPTION = 1000


class Names(Record, frozen=True, kw_only=True):
    """What an order's codes are called there; "" for what is not said. `countries`: only those of a lookup."""

    customer: str
    currency: str
    payment_terms: str = ""
    delivery_mode: str = ""
    countries: dict[str, str] = msgspec.field(default_factory=dict)


def build_header(order: Order, names: Names, settings: FoSettings, *, with_tax: bool) -> Values:
    """The order's head; its number only where it is ours."""
    to = order.shipping or order.billing
    told = {
        "SalesOrderNumber": number_of(order.number, settings) if settings.order_numbers == "ours" else "",
        "OrderingCustomerAccountNumber": names.customer,
        "InvoiceCustomerAccountNumber": names.customer,
        "CurrencyCode": names.currency,
        "CustomersOrderReference": number_of(order.number, settings),
        "SalesOrderName": to.company or to.name,
        "ArePricesIncludingSalesTax": YES if with_tax else NO,
        "SalesTaxGroupCode": settings.tax_group,
        "PaymentTermsName": names.payment_terms,
        "DeliveryModeCode": names.delivery_mode,
        "DefaultShippingSiteId": settings.site,
        "DefaultShippingWarehouseId": settings.warehouse,
        "Email": order.buyer.email or order.billing.email,
        "IsDeliveryAddressOrderSpecific": YES,
        "DeliveryAddressName": to.company or to.name,
        **_place("DeliveryAddress", to, names.countries),
        "SkipCreateAutoCharges": YES,  # charges of its own would change the order's sums
    }
    return {name: value for name, value in told.items() if value}


def build_lines(
    order: Order, quote: Quote, number: str, settings: FoSettings, tax_code: Callable[[Priced], str]
) -> list[Values]:
    """The order's lines, under the number of its head."""
    return [_line(order, line, number, settings, tax_code(line)) for line in quote.lines]


def _line(order: Order, line: Priced, number: str, settings: FoSettings, tax_code: str) -> Values:
    source = next((one for one in order.lines if one.id == line.line_id), None)
    chosen = [f"{option.label}: {option.value}" for option in source.options] if source else []
    told = {
        "SalesOrderNumber": number,
        "ItemNumber": item_of(line, settings),
        "OrderedSalesQuantity": plain(line.quantity),
        "SalesPrice": plain(line.unit_price),
        "LineDescription": ", ".join([line.text, *chosen])[:DESCRIPTION],
        settings.line_field: line.line_id if line.role is Role.GOODS else "",
        "SalesTaxGroupCode": settings.tax_group,
        "SalesTaxItemGroupCode": tax_code,
        "ShippingSiteId": settings.site,
        "ShippingWarehouseId": settings.warehouse,
        "SkipCreateAutoCharges": YES,
    }
    return {name: value for name, value in told.items() if value != ""}


def item_of(line: Priced, settings: FoSettings) -> str:
    """What a line is of. Raises MappingError where the settings name nothing."""
    if line.role is Role.GOODS:
        return line.sku
    item = str(getattr(settings.extras, line.role)) or (line.sku if line.role is Role.ROUNDING else "")
    if not item:
        raise MappingError(f"extras.{line.role}", "names nothing, and the order has a line for it")
    return item


def tax_code_of(line: Priced, settings: FoSettings, translate: Translate) -> str:
    """The line's item tax group, "" where none is said. Raises MissingEntry where the lookup has none."""
    rate = plain_rate(line.rate)
    if line.rate:
        asked = line.codes[0] if line.codes else rate
        if found := translate("tax_codes", asked):
            return found
    named = next((settings.taxes[code] for code in line.codes if code in settings.taxes), "")
    return named or settings.taxes.get(rate, "")


def number_of(number: str, settings: FoSettings) -> str:
    """The order's number there, and its reference. Raises MappingError for one that is too long."""
    told = f"{settings.number_prefix}{number}"
    if len(told) > NUMBER:
        raise MappingError("number", f"is longer than {NUMBER} characters with its prefix")
    return told


def plain(value: Decimal) -> int | Decimal:
    """A number without an exponent or trailing noughts."""
    return int(value) if value == value.to_integral_value() else Decimal(f"{value.normalize():f}")


# people ---------------------------------------------------------------------------------------------------------------


def account_of(ident: str, email: str, settings: FoSettings, otherwise: str = "") -> str:
    """Our account for a buyer: the shop's customer id, or a hash of a guest's e-mail address (or of the order)."""
    prefix = settings.customer.account_prefix
    if ident:
        return f"{prefix}{ident}"
    who = email.strip().lower() or otherwise
    return f"{prefix}G{hashlib.sha256(who.encode()).hexdigest()[:12].upper()}"


def build_buyer(order: Order, account: str, settings: FoSettings, countries: Mapping[str, str]) -> Values:
    """The buyer as a new customer."""
    billing, buyer = order.billing, order.buyer
    person = {
        "PersonFirstName": buyer.first_name or billing.first_name,
        "PersonLastName": buyer.last_name or billing.last_name or "Guest",
    }
    told = {
        "CustomerAccount": account,
        "PartyType": "Organization" if billing.company else "Person",
        **({"OrganizationName": billing.company} if billing.company else person),
        "CustomerGroupId": settings.customer.group,
        "SalesCurrencyCode": settings.customer.currency,
        "PrimaryContactEmail": (buyer.email or billing.email).strip().lower(),
        "PrimaryContactPhone": billing.telephone,
        "TaxExemptNumber": buyer.vat_id or billing.vat_id,
        **_place("Address", billing, countries),
    }
    return {name: value for name, value in told.items() if value}


def _place(prefix: str, address: Address, countries: Mapping[str, str]) -> Values:
    """By the country's own code there where a lookup tells it, else by ISO 3166."""
    named = countries.get(address.country, "")
    return {
        f"{prefix}Street": "\n".join(address.street),
        f"{prefix}City": address.city,
        f"{prefix}ZipCode": address.postcode,
        f"{prefix}CountryRegionId": named,
        f"{prefix}CountryRegionISOCode": "" if named else address.country,
    }
