"""An order as a sales order of Business Central's, and people as its customers. Pure.

Business Central validates a field when it reads it, in the order of the JSON: a line's type stands before its number,
quantity before price before discount.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

import msgspec

from crossdock.erp.dynamics_bc.settings import BcSettings
from crossdock.errors import MappingError
from crossdock.flows.parts import Priced, Role, plain_rate
from crossdock.flows.quotes import Quote
from crossdock.model.address import Address
from crossdock.model.base import Record
from crossdock.model.order import Order, OrderLine

Values = dict[str, Any]
REFERENCE = 35  # External Document No.
DESCRIPTION = 100
MARK = "#"
STEP = 10_000  # between two lines, so that a person can put others in between
Translate = Callable[[str, str], str | None]  # a lookup: table, value -> what stands for it


class Names(Record, frozen=True, kw_only=True):
    """What an order's codes are called there; "" for what is not said."""

    customer: str
    currency: str
    payment_terms_id: str = ""
    shipment_method_id: str = ""
    location_id: str = ""
    countries: dict[str, str] = msgspec.field(default_factory=dict)


def build_order(
    order: Order, quote: Quote, names: Names, settings: BcSettings, tax_code: Callable[[Priced], str]
) -> Values:
    """The order with all its lines, as one deep insert."""
    shipping = order.shipping or order.billing
    told = {
        "externalDocumentNumber": reference_of(order.number, settings),
        "orderDate": order.created_at.date().isoformat(),
        "customerNumber": names.customer,
        "shipToName": name_of(shipping),
        "shipToContact": shipping.name if shipping.company else "",
        **_address("sellTo", order.billing, names),
        **_address("shipTo", shipping, names),
        "currencyCode": names.currency,
        "paymentTermsId": names.payment_terms_id,
        "shipmentMethodId": names.shipment_method_id,
        "phoneNumber": order.billing.telephone,
        "email": order.buyer.email or order.billing.email,
    }
    sources = {line.id: line for line in order.lines}
    lines = [
        _line(place, line, names, settings, tax_code(line), sources.get(line.line_id))
        for place, line in enumerate(quote.lines, start=1)
    ]
    kept = {name: value for name, value in told.items() if value}
    return kept | {"pricesIncludeTax": quote.with_tax, "salesOrderLines": lines}


def _line(
    place: int, line: Priced, names: Names, settings: BcSettings, tax_code: str, source: OrderLine | None
) -> Values:
    kind, number = object_of(line, settings)
    chosen = [f"{option.label}: {option.value}" for option in source.options] if source else []
    told = {
        "sequence": place * STEP,
        "lineType": kind,
        "lineObjectNumber": number,
        "description": ", ".join([line.text, *chosen])[:DESCRIPTION],
        "description2": mark_of(line),
        "locationId": names.location_id if kind == "Item" else "",
        "quantity": plain(line.quantity),
        "unitPrice": plain(line.unit_price),
        "discountAmount": plain(line.discount) if line.discount else "",
        "taxCode": tax_code,
    }
    return {name: value for name, value in told.items() if value != ""}


def mark_of(line: Priced) -> str:
    """Our line's id, in the second description: posting carries it on to shipments."""
    return f"{MARK}{line.line_id}" if line.line_id and line.role is not Role.DISCOUNT else ""


def line_in(description: Any) -> str:
    """Our line's id in a second description, "" where there is none."""
    text = str(description or "").strip()
    return text.removeprefix(MARK) if text.startswith(MARK) and " " not in text else ""


def object_of(line: Priced, settings: BcSettings) -> tuple[str, str]:
    """Type and number of what a line is of. Raises MappingError where the settings name none."""
    if line.role is Role.GOODS:
        return "Item", code(line.sku)
    kind, _, number = str(getattr(settings.extras, line.role)).partition(":")
    if number:
        return kind, code(number)
    if line.role is Role.ROUNDING and line.sku:
        return "Item", code(line.sku)
    raise MappingError(f"extras.{line.role}", "names nothing, and the order has a line for it")


def tax_code_of(line: Priced, settings: BcSettings, translate: Translate) -> str:
    """The line's tax code, "" where none is said. Raises MissingEntry where the lookup has none."""
    rate = plain_rate(line.rate)
    if line.rate:
        asked = line.codes[0] if line.codes else rate
        if found := translate("tax_codes", asked):
            return found
    named = next((settings.taxes[code] for code in line.codes if code in settings.taxes), "")
    return named or settings.taxes.get(rate, "")


def code(text: str) -> str:
    """As Business Central keeps its type Code: trimmed, in capitals. Who looks for another spelling finds nothing."""
    return text.strip().upper() if text.isascii() else text.strip()


def reference_of(number: str, settings: BcSettings) -> str:
    """The external document number: people search by it, and so do we. Raises MappingError for one that is too long."""
    reference = code(f"{settings.external_prefix}{number}")
    if len(reference) > REFERENCE:
        raise MappingError("number", f"is longer than {REFERENCE} characters with its prefix")
    return reference


def order_of(reference: Any, settings: BcSettings) -> str:
    """The order's number in an external document number, "" where it has another prefix."""
    prefix, text = code(settings.external_prefix), code(str(reference or ""))
    return text.removeprefix(prefix) if text.startswith(prefix) else ""


def plain(value: Decimal) -> int | Decimal:
    """A number without an exponent or trailing noughts."""
    return int(value) if value == value.to_integral_value() else Decimal(f"{value.normalize():f}")


# people ---------------------------------------------------------------------------------------------------------------


def customer_number(order: Order, settings: BcSettings) -> str:
    """Our number for a buyer: the shop's customer id, or a hash of a guest's e-mail address (or of the order)."""
    prefix = settings.customer.number_prefix
    if order.buyer.id:
        return code(f"{prefix}{order.buyer.id}")
    who = (order.buyer.email or order.billing.email).strip().lower() or f"order {reference_of(order.number, settings)}"
    return code(f"{prefix}G{hashlib.sha256(who.encode()).hexdigest()[:12]}")


def build_buyer(order: Order, number: str, countries: Mapping[str, str]) -> Values:
    """The buyer as a new customer; `number` "" where Business Central gives one."""
    billing = order.billing
    buyer = f"{order.buyer.first_name} {order.buyer.last_name}".strip()
    told = {
        "number": number,
        "displayName": billing.company or buyer or billing.name or "Guest",
        "type": "Company" if billing.company else "Person",
        **build_place(billing, countries),
        "phoneNumber": billing.telephone,
        "email": (order.buyer.email or billing.email).strip().lower(),
        "taxRegistrationNumber": order.buyer.vat_id or billing.vat_id,
    }
    return {name: value for name, value in told.items() if value}


def build_place(address: Address, countries: Mapping[str, str]) -> Values:
    """A customer's one address."""
    return {
        "addressLine1": address.street[0] if address.street else "",
        "addressLine2": ", ".join(address.street[1:]),
        "city": address.city,
        "state": address.region,
        "country": countries.get(address.country, address.country),
        "postalCode": address.postcode,
    }


def _address(prefix: str, address: Address, names: Names) -> Values:
    place = build_place(address, names.countries)
    place["postCode"] = place.pop("postalCode")
    return {f"{prefix}{name[0].upper()}{name[1:]}": value for name, value in place.items()}


def name_of(address: Address) -> str:
    """The company, or the person."""
    return address.company or address.name
