"""A customer as NetSuite's, out of an order or of a change that the shop tells. Pure."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from typing import Any

from crossdock.erp.netsuite.settings import NetsuiteSettings
from crossdock.errors import MappingError
from crossdock.model.customer import CustomerChange
from crossdock.model.order import Order

GUEST_HASH = 16
EXTERNAL = re.compile(r"[A-Za-z0-9_-]+")
TEXTS = {
    "email": "email",
    "first_name": "firstName",
    "middle_name": "middleName",
    "last_name": "lastName",
    "prefix": "salutation",
    "vat_id": "vatRegNumber",
}
Values = dict[str, Any]


def order_customer(order: Order, settings: NetsuiteSettings) -> str:
    """The external id: the shop's customer id, or a hash of a guest's e-mail address (of the order, without one)."""
    if order.buyer.id:
        return customer_external_id(order.buyer.id, settings)
    email = (order.buyer.email or order.billing.email).strip().lower()
    return _guest(email or f"order {order.number}", settings)


def change_customer(change: CustomerChange, settings: NetsuiteSettings) -> str:
    """The external id of whom a change is about, the same as an order's."""
    if change.id:
        return customer_external_id(change.id, settings)
    return _guest(change.email.strip().lower(), settings)


def customer_external_id(ident: str, settings: NetsuiteSettings) -> str:
    """Raises MappingError where the id has a character that no external id may have."""
    if not EXTERNAL.fullmatch(ident):
        raise MappingError("id", "has other characters than letters, digits, - and _: no external id can hold it")
    return f"{settings.customers.prefix}{ident}"


def build_customer(order: Order, settings: NetsuiteSettings, subsidiary: str) -> Values:
    """A new customer, of what the order says of its buyer."""
    billing, buyer = order.billing, order.buyer
    told: Values = {
        "isPerson": not billing.company,
        "companyName": billing.company[:83],
        "firstName": (buyer.first_name or billing.first_name or "Guest")[:32] if not billing.company else "",
        "lastName": (buyer.last_name or billing.last_name or "Guest")[:32] if not billing.company else "",
        "email": buyer.email or billing.email,
        "phone": billing.telephone,
        "vatRegNumber": buyer.vat_id or billing.vat_id,
    }
    return {name: value for name, value in told.items() if value not in ("", None)} | _placed(settings, subsidiary)


def build_change(
    change: CustomerChange, settings: NetsuiteSettings, group: Callable[[str], str], subsidiary: str
) -> Values:
    """Only what is to be told. Addresses stay the shop's: a sales order carries its own."""
    told: Values = {}
    for name, value in change.fields.items():
        if name in TEXTS:
            told[TEXTS[name]] = value
        elif name == "group" and value and (category := group(str(value))):
            told["category"] = {"id": category}
        elif name.removeprefix("attributes.") in settings.customers.attributes and name.startswith("attributes."):
            told[settings.customers.attributes[name.removeprefix("attributes.")]] = value
        elif name == "subscribed":
            told["unsubscribe"] = not value
    if not change.number:
        told |= {"isPerson": True} | _placed(settings, subsidiary)
    return told


def _guest(who: str, settings: NetsuiteSettings) -> str:
    return f"{settings.customers.prefix}G{hashlib.sha256(who.encode()).hexdigest()[:GUEST_HASH]}"


def _placed(settings: NetsuiteSettings, subsidiary: str) -> Values:
    ident = subsidiary or settings.subsidiary
    return {"subsidiary": {"id": ident}} if ident else {}
