"""What an order is called in Oracle, from settings and lookup tables. No table and no setting for it: it is parked."""

from __future__ import annotations

from collections.abc import Iterable

from crossdock.contract.lookups import Named
from crossdock.erp.oracle_fusion.money import Part
from crossdock.erp.oracle_fusion.settings import FusionSettings
from crossdock.errors import MappingError
from crossdock.flows.parts import Role
from crossdock.model.address import Address
from crossdock.model.base import Record
from crossdock.model.order import Order

CARRIER = ("ShippingCarrier", "ShippingServiceLevel", "ShippingMode")


class Terms(Record, frozen=True, kw_only=True):
    """All names of one order. `items`, `units` and `taxes` by the part's id."""

    business_unit: str
    currency: str
    buyer: str
    account: str
    bill_site_use: int
    ship_party: int | None = None
    ship_site: int
    payment_terms: str = ""
    shipping: dict[str, str]
    items: dict[str, str]
    units: dict[str, str]
    taxes: dict[str, str]


def terms_of(order: Order, parts: Iterable[Part], tables: Named, settings: FusionSettings) -> Terms:
    """Raises MissingEntry for what a table does not have, MappingError for what nothing says."""
    customer, listed = settings.customer, list(parts)
    ship_to = order.shipping or order.billing

    def who(role: str, address: Address, fixed: str) -> str:
        return tables.find(role, _place(order, address, customer.lookup_by)) or fixed

    party = who("ship_to_parties", ship_to, customer.ship_party)
    return Terms(
        business_unit=tables.find("business_units", order.website or order.store_id) or settings.business_unit,
        currency=tables.find("currencies", order.totals.currency) or order.totals.currency,
        buyer=_named("customer.buyer", who("buying_parties", order.billing, customer.buyer)),
        account=_named("customer.account", who("bill_to_accounts", order.billing, customer.account)),
        bill_site_use=_number(
            "customer.bill_site_use", who("bill_to_site_uses", order.billing, customer.bill_site_use)
        ),
        ship_party=_number("customer.ship_party", party) if party else None,
        ship_site=_number("customer.ship_site", who("ship_to_sites", ship_to, customer.ship_site)),
        payment_terms=tables.find("payment_terms", order.payment.method) or settings.payment_terms,
        shipping=_carrier(tables.find("shipping_methods", order.shipping_method) if order.shipping_method else None),
        items={part.id: _item(part, settings) for part in listed},
        units={part.id: (tables.find("units", part.sku) if part.sku else None) or settings.unit for part in listed},
        taxes={
            part.id: code
            for part in listed
            if part.tax_key and (code := tables.find("tax_codes", part.tax_key) or settings.tax_code)
        },
    )


def _place(order: Order, address: Address, template: str) -> str:
    buyer = order.buyer
    return template.format(
        customer=buyer.id or "guest",
        group=buyer.group,
        website=order.website,
        store=order.store_id,
        country=address.country,
        region=address.region_code,
        postcode=address.postcode,
    )


def _item(part: Part, settings: FusionSettings) -> str:
    if part.role is Role.GOODS:
        return _named("sku", part.sku)
    return _named(f"products.{part.role}", getattr(settings.products, part.role))


def _carrier(value: str | None) -> dict[str, str]:
    """`carrier | service level | mode`, each may be empty."""
    if not value:
        return {}
    words = [word.strip() for word in value.split("|")]
    if len(words) > len(CARRIER):
        raise MappingError("lookups.shipping_methods", "has more than carrier | service level | mode")
    return {name: word for name, word in zip(CARRIER, words, strict=False) if word}


def _named(field: str, value: str) -> str:
    if not value:
        raise MappingError(field, "is not set, and no lookup table says it")
    return value


def _number(field: str, value: str) -> int:
    if not (value.isascii() and value.isdecimal()):
        raise MappingError(field, "is no number in Oracle" if value else "is not set, and no lookup table says it")
    return int(value)
