"""An order as a sale of Tryton's, and its customer as a party with addresses. Pure.

No on_change of Tryton's runs over its interfaces: every line carries its price, unit and taxes itself.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from crossdock.erp.tryton.settings import TrytonSettings
from crossdock.flows import personal
from crossdock.flows.parts import Priced
from crossdock.model.address import Address
from crossdock.model.base import Record
from crossdock.model.order import Order, OrderLine

MARK = "crossdock: "
RETURN_MARK = "crossdock refund: "  # before our key, in the comment of a sale that gives something back
LINE_MARK = "crossdock line: "  # before our line id, in the note of a sale's line: no report of Tryton's prints it
Values = dict[str, Any]


class Product(Record, frozen=True, kw_only=True):
    """A product of Tryton's and the unit in which it is counted."""

    id: int
    unit: int


class Lookups(Record, frozen=True, kw_only=True):
    """Tryton's ids for what an order names. `taxes` by rate in percent and the store's own codes."""

    company: int
    currency: int
    warehouse: int
    payment_term: int | None = None
    products: dict[str, Product]
    taxes: dict[tuple[Decimal, tuple[str, ...]], int]


class Customer(Record, frozen=True, kw_only=True):
    """Ids of the party and of its addresses."""

    party: int
    invoice_address: int
    shipment_address: int


def build_sale(
    order: Order,
    key: str,
    lines: Sequence[Priced],
    lookups: Lookups,
    customer: Customer,
    settings: TrytonSettings,
    code_of: Callable[[Priced], str],
) -> Values:
    """The sale as a draft, whole: Tryton takes it with all its lines, or nothing."""
    options = {line.id: line for line in order.lines}
    return {
        "company": lookups.company,
        "currency": lookups.currency,
        "warehouse": lookups.warehouse,
        "payment_term": lookups.payment_term,
        "reference": reference_of(order.number, settings),
        "comment": build_comment(order, key),
        "sale_date": _date(order.created_at),
        "party": customer.party,
        "invoice_party": customer.party,
        "shipment_party": customer.party,
        "invoice_address": customer.invoice_address,
        "shipment_address": customer.shipment_address,
        "invoice_method": settings.invoice_method,
        "shipment_method": settings.shipment_method,
        "lines": [["create", [_build_line(line, lookups, code_of(line), options.get(line.line_id)) for line in lines]]],
    }


def _build_line(line: Priced, lookups: Lookups, code: str, source: OrderLine | None) -> Values:
    product = lookups.products[code]
    chosen = [f"{option.label}: {option.value}" for option in source.options] if source else []
    standing_in = [f"SKU {line.sku}"] if line.sku and line.sku not in line.text else []
    return {
        "type": "line",
        "product": product.id,
        "unit": product.unit,
        "quantity": _number(line.quantity),
        "unit_price": line.unit_price,
        "taxes": [["add", [lookups.taxes[line.rate, line.codes]]]] if line.rate else [],
        "description": "\n".join([line.text, *standing_in, *chosen]),
        "note": f"{LINE_MARK}{line.line_id}" if line.line_id else None,
    }


def _date(moment: datetime) -> Values:
    return {"__class__": "date", "year": moment.year, "month": moment.month, "day": moment.day}


def _number(quantity: Decimal) -> int | float:
    """Tryton's quantities are floating point; it rounds them to the unit's digits."""
    return int(quantity) if quantity == quantity.to_integral_value() else float(quantity)


def reference_of(number: str, settings: TrytonSettings) -> str:
    """What the sale's reference is: people search by it."""
    return f"{settings.reference_prefix}{number}"


def build_comment(order: Order, key: str) -> str:
    """What the customer wrote, and our key in a line of its own: a find knows the sale by it."""
    said = (order.note, f"Gift message: {order.gift_message}" if order.gift_message else "")
    return "\n".join([*(one for one in said if one), f"{MARK}{key}"])


def key_in(comment: str | None, mark: str = MARK) -> str:
    """The key that a sale was made under, "" where it was not made by us. The last line of ours counts."""
    return _marked(comment, mark)


def line_in(note: str | None) -> str:
    """The id of the order's line that a sale's line was made for, "" where it was made for none."""
    return _marked(note, LINE_MARK)


def _marked(text: str | None, mark: str) -> str:
    lines = [line.strip() for line in (text or "").splitlines()]
    return next((line.removeprefix(mark) for line in reversed(lines) if line.startswith(mark)), "")


def order_of(reference: str | None, settings: TrytonSettings) -> str:
    """The order's number in a sale's reference, "" where it has another prefix."""
    prefix, text = settings.reference_prefix, (reference or "").strip()
    return text.removeprefix(prefix) if text.startswith(prefix) else ""


# customers ----------------------------------------------------------------------------------------------------------


def party_code(order: Order, settings: TrytonSettings) -> str:
    """One code a customer: the shop's customer id, or a hash of a guest's e-mail address (or of the order itself)."""
    prefix = settings.party.code_prefix
    if order.buyer.id:
        return f"{prefix}{order.buyer.id}"
    email = (order.buyer.email or order.billing.email).strip().lower()
    who = email or f"order {reference_of(order.number, settings)}"
    return f"{prefix}G{hashlib.sha256(who.encode()).hexdigest()[:12].upper()}"


def party_name(order: Order) -> str:
    """The company, or the person."""
    buyer = f"{order.buyer.first_name} {order.buyer.last_name}".strip()
    return order.billing.company or buyer or order.billing.name or "Guest"


def build_party(order: Order, code: str, addresses: Sequence[Values], *, plain: bool) -> Values:
    """The party with its addresses. `plain` writes contacts as Tryton's kind `other`, which it does not check."""
    vat = order.buyer.vat_id or order.billing.vat_id
    return {
        "name": party_name(order),
        "code": code,
        "addresses": [["create", list(addresses)]],
        "contact_mechanisms": [["create", list(_contacts(order, plain=plain))]],
        "identifiers": [["create", [{"type": None, "code": vat}]]] if vat else [],
    }


def _contacts(order: Order, *, plain: bool) -> Iterator[Values]:
    found = {"email": order.buyer.email or order.billing.email, "phone": order.billing.telephone}
    for kind, value in found.items():
        if value:
            yield {"type": "other" if plain else kind, "value": value, "name": kind if plain else None}


def build_address(address: Address, country: int | None, subdivision: int | None) -> Values:
    """One address. A region that Tryton does not have as a subdivision stands in the street's last line."""
    region = address.region if address.region and subdivision is None else ""
    return {
        "party_name": " - ".join(part for part in (address.company, address.name) if part) or None,
        "street": "\n".join(part for part in (*address.street, region) if part) or None,
        "postal_code": address.postcode or None,
        "city": address.city or None,
        "country": country,
        "subdivision": subdivision,
    }


def same_address(row: Mapping[str, Any], wanted: Values) -> bool:
    """Whether a party's address is this one already."""
    return all((row.get(field) or None) == value for field, value in wanted.items())


def people_in(order: Order) -> tuple[str, ...]:
    """Every text about a person in an order: it must not come back in an error."""
    found = (*personal.people_in(order), party_name(order))
    return tuple(dict.fromkeys(one for one in found if one and one != "Guest"))
