"""Records for this end's tests."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

from crossdock.model.address import Address
from crossdock.model.change import ChangeKind, OrderChange
from crossdock.model.customer import CustomerChange, Erasure
from crossdock.model.money import LineAmounts, Totals
from crossdock.model.order import AppliedTax, Buyer, LineOption, Order, OrderLine, OrderState, Payment
from crossdock.model.refund import Refund, RefundLine

NOW = datetime(2026, 3, 1, 9, 30, 5, tzinfo=UTC)
PERSONAL = ("Wilhelmina", "Canary", "wilhelmina@canary.example", "Birdcage Walk 7", "+49 30 1234567")


def amounts() -> LineAmounts:
    return LineAmounts(
        price=Decimal("19.99"),
        price_incl_tax=Decimal("23.79"),
        gross=Decimal("59.97"),
        discount=Decimal("6.00"),
        net=Decimal("53.97"),
        tax=Decimal("10.25"),
    )


def totals() -> Totals:
    return Totals(
        currency="EUR",
        subtotal=Decimal("59.97"),
        discount=Decimal("6.00"),
        tax=Decimal("10.25"),
        shipping=Decimal("5.00"),
        fees={"gift_wrap": Decimal("1.00")},
        grand_total=Decimal("70.22"),
        paid=Decimal("70.22"),
    )


def address() -> Address:
    return Address(
        first_name="Wilhelmina",
        last_name="Canary",
        company="Birds",
        street=("Birdcage Walk 7", "Floor 2"),
        city="Berlin",
        region="Berlin",
        region_code="BE",
        postcode="10115",
        country="DE",
        telephone="+49 30 1234567",
        email="wilhelmina@canary.example",
        vat_id="DE123456789",
    )


def order(number: int = 1) -> Order:
    """With everything that an order can have."""
    return Order(
        id=str(number),
        number=f"{number:09}",
        state=OrderState.PROCESSING,
        status="processing",
        created_at=NOW,
        updated_at=NOW,
        buyer=Buyer(
            id="7",
            email="wilhelmina@canary.example",
            first_name="Wilhelmina",
            last_name="Canary",
            group="1",
            vat_id="DE123456789",
            guest=False,
        ),
        lines=(
            OrderLine(
                id="11",
                sku="SHIRT-L",
                name="Shirt",
                kind="configurable",
                parent_id="10",
                child_ids=("12",),
                quantity=Decimal(3),
                tax_rate=Decimal(19),
                amounts=amounts(),
                base_amounts=amounts(),
                options=(LineOption(label="Size", value="L"),),
                taxes=(applied(),),
            ),
        ),
        totals=totals(),
        base_totals=totals(),
        payment=Payment(
            method="checkmo",
            transaction_id="T-1",
            purchase_order_number="PO-1",
            ordered=Decimal("70.22"),
            authorized=Decimal("70.22"),
            paid=Decimal("70.22"),
        ),
        billing=address(),
        shipping=address(),
        shipping_method="flatrate_flatrate",
        shipping_description="Flat Rate",
        coupon="SPRING",
        discount_description="Spring",
        store_id="1",
        store_name="Main",
        website="base",
        replaces="000000099",
        replaced_by="000000101",
        note="ring twice",
        gift_message="enjoy",
        taxes=(applied(),),
    )


def bare_order(number: int = 1) -> Order:
    """A guest's virtual order with as little as there can be."""
    return Order(
        id=str(number),
        number=f"{number:09}",
        state=OrderState.NEW,
        status="pending",
        created_at=NOW,
        updated_at=NOW,
        buyer=Buyer(),
        lines=(),
        totals=Totals(currency="EUR"),
        base_totals=Totals(currency="EUR"),
        payment=Payment(method="free"),
        billing=Address(),
    )


def applied() -> AppliedTax:
    return AppliedTax(code="DE-19", rate=Decimal(19), amount=Decimal("10.25"), base_amount=Decimal("10.25"))


def change(number: int = 1, kind: ChangeKind = ChangeKind.CANCEL) -> OrderChange:
    return OrderChange(
        kind=kind,
        order_id=str(number),
        order_number=f"{number:09}",
        occurred_at=NOW,
        currency="EUR",
        paid=Decimal("70.22"),
        transaction_id="T-1",
    )


def refund(number: int = 1) -> Refund:
    return Refund(
        id=str(number),
        number=f"9{number:08}",
        order_id="1",
        order_number="000000001",
        created_at=NOW,
        lines=(RefundLine(id="21", order_line_id="11", sku="SHIRT-L", quantity=Decimal(1), amounts=amounts()),),
        totals=totals(),
        base_totals=totals(),
        adjustment_positive=Decimal("1.50"),
    )


def customer(number: int = 1) -> CustomerChange:
    """Somebody whom the ERP does not have yet, with everything that a customer can have."""
    place = {
        "first_name": "Wilhelmina",
        "last_name": "Canary",
        "street": ["Birdcage Walk 7"],
        "city": "Berlin",
        "country": "DE",
        "telephone": "+49 30 1234567",
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
    return CustomerChange(
        pair="erp",
        id=str(number),
        website="base",
        email="wilhelmina@canary.example",
        fields=fields,
        at=dict.fromkeys(fields, NOW),
        new=True,
    )


def erasure(number: int = 1) -> Erasure:
    return Erasure(customer_id=str(number), number=f"C-{number}", asked_at=NOW, asked_by="cli:ada")
