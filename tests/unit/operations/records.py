"""An order's record whose money adds up, without any recorded material."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

import msgspec

from crossdock.model.address import Address
from crossdock.model.money import LineAmounts, Totals
from crossdock.model.order import Buyer, Order, OrderLine, OrderState, Payment

AT = datetime(2026, 11, 26, 8, tzinfo=UTC)
ADA = Address(
    first_name="Ada", last_name="Example", street=("Via Roma 1",), city="Milano", postcode="20121", country="IT"
)


def order(number: int, sku: str = "A-1", quantity: int = 2, price: str = "19.99") -> bytes:
    """22 % tax, shipping for 5.00."""
    net = Decimal(price) * quantity
    tax, shipping, shipping_tax = (net * Decimal("0.22")).quantize(Decimal("0.01")), Decimal("5.00"), Decimal("1.10")
    amounts = LineAmounts(price=Decimal(price), gross=net, net=net, tax=tax)
    totals = Totals(
        currency="EUR",
        subtotal=net,
        tax=tax + shipping_tax,
        shipping=shipping,
        shipping_tax=shipping_tax,
        grand_total=net + tax + shipping + shipping_tax,
    )
    made = Order(
        id=str(number),
        number=f"{number:09}",
        state=OrderState.PROCESSING,
        status="processing",
        created_at=AT,
        updated_at=AT,
        buyer=Buyer(email="ada@example.com", first_name="Ada", last_name="Example"),
        lines=(
            OrderLine(
                id=f"{number}1",
                sku=sku,
                name="A chair",
                quantity=Decimal(quantity),
                amounts=amounts,
                base_amounts=amounts,
            ),
        ),
        totals=totals,
        base_totals=totals,
        payment=Payment(method="checkmo"),
        billing=ADA,
        shipping=ADA,
    )
    return msgspec.json.encode(made)
