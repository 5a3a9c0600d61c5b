"""Guests: what an order tells of a buyer without an account. Pure."""

from __future__ import annotations

from typing import Any

from crossdock.model.address import Address
from crossdock.model.customer import CustomerChange
from crossdock.model.order import Order

ADDRESS = ("first_name", "last_name", "company", "city", "region", "region_code", "postcode", "country", "telephone")


def guest_of(order: Order) -> CustomerChange:
    """The buyer as a customer of the ERP who has no account at the store."""
    buyer = order.buyer
    fields: dict[str, Any] = {
        "email": buyer.email.strip().lower(),
        "first_name": buyer.first_name or order.billing.first_name,
        "last_name": buyer.last_name or order.billing.last_name,
        "vat_id": buyer.vat_id,
        "addresses.billing": _address(order.billing),
        "default_billing": "billing",
    }
    if order.shipping is not None:
        fields |= {"addresses.shipping": _address(order.shipping), "default_shipping": "shipping"}
    told = {name: value for name, value in fields.items() if value}
    return CustomerChange(
        website=order.website,
        email=buyer.email.strip().lower(),
        fields=told,
        at=dict.fromkeys(told, order.created_at),
        new=True,
        guest=True,
    )


def _address(address: Address) -> dict[str, Any]:
    told: dict[str, Any] = {name: value for name in ADDRESS if (value := getattr(address, name))}
    return told | ({"vat_id": address.vat_id} if address.vat_id else {}) | {"street": list(address.street)}
