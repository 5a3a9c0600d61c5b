"""Orders whose SKUs the sandbox Tryton has."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from crossdock.model.address import Address
from crossdock.model.customer import CustomerChange, Erasure
from crossdock.model.money import LineAmounts, Totals
from crossdock.model.order import AppliedTax, Buyer, LineOption, Order, OrderLine, OrderState, Payment
from crossdock.model.refund import Refund, RefundLine

NOW = datetime(2026, 11, 20, 9, 30, 5, tzinfo=UTC)
PERSONAL = ("Wilhelmina", "Canary", "wilhelmina@canary.example", "Birdcage Walk 7", "+49 30 901820")
RATE = Decimal(22)
CENT = Decimal("0.01")
numbers = itertools.count(100)


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
        "region_code": "BER",
        "postcode": "10115",
        "country": "DE",
        "telephone": "+49 30 901820",
        "email": "wilhelmina@canary.example",
    }
    return Address(**(told | more))


def order(number: int, **more: Any) -> Order:
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
        "shipping_description": "Flat Rate",
        "note": "ring twice",
    }
    return Order(id=str(number), number=f"{number:09}", **(told | more))


def place(**more: Any) -> dict[str, Any]:
    """An address as a customer's field has it."""
    told: dict[str, Any] = {
        "first_name": "Wilhelmina",
        "last_name": "Canary",
        "street": ["Birdcage Walk 7", "Floor 2"],
        "city": "Berlin",
        "region": "Berlin",
        "region_code": "BER",
        "postcode": "10115",
        "country": "DE",
        "telephone": "+49 30 901820",
    }
    return told | more


def change_of(number: int, **fields: Any) -> CustomerChange:
    """These fields of a customer of the shop, who may be there or not."""
    told = {name.replace("__", "."): value for name, value in fields.items()}
    return CustomerChange(
        pair="erp",
        id=str(number),
        website="base",
        email=told.get("email", "wilhelmina@canary.example"),
        fields=told,
        at=dict.fromkeys(told, NOW),
        new=True,
    )


def customer(number: int, **more: Any) -> CustomerChange:
    """Somebody new with two addresses."""
    told: dict[str, Any] = {
        "email": "wilhelmina@canary.example",
        "first_name": "Wilhelmina",
        "last_name": "Canary",
        "vat_id": "DE136695976",
        "subscribed": True,
        "addresses__m1": place(),
        "addresses__m2": place(street=["Harbour 1"], telephone="+49 30 901821"),
        "default_billing": "m1",
        "default_shipping": "m2",
    }
    return change_of(number, **(told | more))


def erasure(number: int) -> Erasure:
    return Erasure(customer_id=str(number), number=f"M{number}", asked_at=NOW, asked_by="cli:ada")


def refund(number: int, memo: int = 0, **more: Any) -> Refund:
    """One of the order's three shirts, with its share of the discount: 17.99 + 3.96 tax = 21.95."""
    totals = Totals(
        currency="EUR",
        subtotal=Decimal("19.99"),
        discount=Decimal("2.00"),
        tax=Decimal("3.96"),
        grand_total=Decimal("21.95"),
    )
    told: dict[str, Any] = {
        "lines": (refund_line(),),
        "totals": totals,
        "base_totals": totals,
    }
    memo = memo or number
    return Refund(
        id=str(memo),
        number=f"{memo:09}",
        order_id=str(number),
        order_number=f"{number:09}",
        created_at=NOW,
        **(told | more),
    )


def refund_line(ident: str = "11", **more: Any) -> RefundLine:
    told: dict[str, Any] = {
        "sku": "SIM-0001",
        "quantity": Decimal(1),
        "amounts": LineAmounts(
            price=Decimal("19.99"),
            gross=Decimal("19.99"),
            discount=Decimal("2.00"),
            net=Decimal("17.99"),
            tax=Decimal("3.96"),
        ),
    }
    return RefundLine(id=f"2{ident}", order_line_id=ident, **(told | more))


def refund_key(memo: int) -> str:
    return f"v1:store:creditmemo:{memo}:refund"
