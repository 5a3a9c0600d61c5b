"""Orders whose SKUs the stand-in has."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from crossdock.model.address import Address
from crossdock.model.customer import CustomerChange
from crossdock.model.money import LineAmounts, Totals
from crossdock.model.order import AppliedTax, Buyer, LineOption, Order, OrderLine, OrderState, Payment

NOW = datetime(2026, 11, 20, 9, 30, 5, tzinfo=UTC)
PERSONAL = ("Wilhelmina", "Canary", "wilhelmina@canary.example", "Birdcage Walk 7", "+49 30 901820")
RATE = Decimal(22)


def key_of(number: int) -> str:
    return f"v1:store:order:{number}:place"


def line(ident: str = "11", **more: Any) -> OrderLine:
    told: dict[str, Any] = {
        "sku": "SIM-0001",
        "name": "Shirt",
        "quantity": Decimal(3),
        "tax_rate": RATE,
        "amounts": LineAmounts(
            price=Decimal("19.99"),
            gross=Decimal("59.97"),
            discount=Decimal("6.00"),
            net=Decimal("53.97"),
            tax=Decimal("11.87"),
        ),
        "options": (LineOption(label="Size", value="L"),),
        "taxes": (AppliedTax(code="VAT", rate=RATE, amount=Decimal("11.87"), base_amount=Decimal("11.87")),),
    }
    return OrderLine(id=ident, **(told | more))


def address(**more: Any) -> Address:
    told: dict[str, Any] = {
        "first_name": "Wilhelmina",
        "last_name": "Canary",
        "street": ("Birdcage Walk 7", "Floor 2"),
        "city": "Berlin",
        "region": "Berlin",
        "region_code": "BE",
        "postcode": "10115",
        "country": "DE",
        "telephone": "+49 30 901820",
        "email": "wilhelmina@canary.example",
    }
    return Address(**(told | more))


def order(number: int = 1, **more: Any) -> Order:
    """Three shirts at a discount, with shipping: 53.97 + 5.00 + 12.97 tax = 71.94."""
    totals = Totals(
        currency="EUR",
        subtotal=Decimal("59.97"),
        discount=Decimal("6.00"),
        tax=Decimal("12.97"),
        shipping=Decimal("5.00"),
        shipping_tax=Decimal("1.10"),
        grand_total=Decimal("71.94"),
    )
    told: dict[str, Any] = {
        "state": OrderState.PROCESSING,
        "status": "processing",
        "created_at": NOW,
        "updated_at": NOW,
        "buyer": Buyer(
            id="7", email="wilhelmina@canary.example", first_name="Wilhelmina", last_name="Canary", guest=False
        ),
        "lines": (line(),),
        "totals": totals,
        "base_totals": totals,
        "payment": Payment(method="checkmo"),
        "billing": address(),
        "shipping": address(street=("Harbour 1",)),
        "shipping_method": "flatrate_flatrate",
        "shipping_description": "Flat Rate",
        "note": "ring twice",
    }
    return Order(id=str(number), number=f"{number:09}", **(told | more))


def customer(ident: int = 1, **more: Any) -> CustomerChange:
    """Somebody whom the ERP does not have yet, with everything that a customer can have."""
    place = {
        "first_name": "Wilhelmina",
        "last_name": "Canary",
        "street": ["Birdcage Walk 7", "Floor 2"],
        "city": "Berlin",
        "country": "DE",
        "telephone": "+49 30 901820",
    }
    fields = {
        "email": "wilhelmina@canary.example",
        "first_name": "Wilhelmina",
        "last_name": "Canary",
        "vat_id": "DE123456789",
        "subscribed": True,
        "attributes.tier": "gold",
        "addresses.m1": place,
        "addresses.m2": None,
        "default_billing": "m1",
    }
    told: dict[str, Any] = {
        "pair": "erp",
        "id": str(ident),
        "website": "base",
        "email": "wilhelmina@canary.example",
        "fields": fields,
        "at": dict.fromkeys(fields, NOW),
        "new": True,
    }
    return CustomerChange(**(told | more))
