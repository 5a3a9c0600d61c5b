"""A credit memo as a sale with quantities below 0, which Tryton turns into a credit note. Pure.

It is priced by the same rules as the order was, and gives back by the products and taxes of the lines that were sold.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import Any

from crossdock.erp.tryton.mapping import RETURN_MARK, Customer, Lookups, Product, Values, build_sale, line_in
from crossdock.erp.tryton.settings import TrytonSettings
from crossdock.errors import Rejected
from crossdock.flows.parts import HUNDRED, Amounts, Priced
from crossdock.model.address import Address
from crossdock.model.base import Record
from crossdock.model.money import ZERO
from crossdock.model.order import AppliedTax, Buyer, Order, OrderLine, OrderState, Payment
from crossdock.model.refund import Refund, RefundLine

Row = Mapping[str, Any]
KEPT = (
    *("party", "invoice_party", "shipment_party", "invoice_address", "shipment_address"),
    *("payment_term", "warehouse", "currency"),
)


class SoldLine(Record, frozen=True, kw_only=True):
    """A line of the order's sale. `rate` in percent; `tax` 0 for none."""

    line_id: str
    sku: str
    text: str
    product: Product
    tax: int = 0
    rate: Decimal = ZERO


class Sold(Record, frozen=True, kw_only=True):
    """The order's sale, as far as a return takes after it. `head`: the ids of its party, addresses and so on."""

    id: int
    head: dict[str, int | None]
    lines: tuple[SoldLine, ...]


def parse_sold(ident: int, head: Row, lines: Sequence[Row], taxes: Mapping[int, Row], codes: Mapping[int, str]) -> Sold:
    """Raises Rejected where a line has several taxes, or one that is no percentage."""
    return Sold(
        id=ident, head={field: head[field] for field in KEPT}, lines=tuple(_sold(row, taxes, codes) for row in lines)
    )


def _sold(row: Row, taxes: Mapping[int, Row], codes: Mapping[int, str]) -> SoldLine:
    named = list(row["taxes"] or ())
    if len(named) > 1 or any(taxes[one]["type"] != "percentage" for one in named):
        raise Rejected("a line of the order's sale has several taxes: a person must give back what it comes to")
    return SoldLine(
        line_id=line_in(row["note"]),
        sku=codes.get(row["product"], ""),
        text=str(row["description"] or "").partition("\n")[0],
        product=Product(id=int(row["product"]), unit=int(row["unit"])),
        tax=int(named[0]) if named else 0,
        rate=taxes[named[0]]["rate"] * HUNDRED if named else ZERO,
    )


def return_number(refund: Refund) -> str:
    """What stands in the sale's reference behind the prefix: numbers of orders and of credit memos may be the same."""
    return f"{refund.order_number} CM {refund.number}"


def as_order(refund: Refund, sold: Sold) -> Order:
    """The credit memo as an order of what it gives back: all above 0. Raises Rejected for a line that was not sold."""
    lines = tuple(_line(line, sold) for line in refund.lines if line.quantity or line.amounts.net or line.amounts.tax)
    rates = {line.rate: line.tax for line in sold.lines if line.tax}
    return Order(
        id=refund.order_id,
        number=return_number(refund),
        state=OrderState.CLOSED,
        status="",
        created_at=refund.created_at,
        updated_at=refund.created_at,
        buyer=Buyer(),
        lines=lines,
        totals=refund.totals,
        base_totals=refund.base_totals,
        payment=Payment(method=""),
        billing=Address(),
        taxes=tuple(_applied(tax, rate) for rate, tax in rates.items()),
    )


def _line(line: RefundLine, sold: Sold) -> OrderLine:
    by_id = [one for one in sold.lines if one.line_id == line.order_line_id]
    by_sku = [one for one in sold.lines if one.sku == line.sku]
    found = next(iter([*by_id, *by_sku]), None)
    if found is None:
        raise Rejected(f"the order's sale in Tryton has no line for {line.sku}")
    return OrderLine(
        id=line.order_line_id,
        sku=line.sku,
        name=found.text,
        quantity=line.quantity,
        amounts=line.amounts,
        tax_rate=found.rate,
        taxes=(_applied(found.tax, found.rate),) if found.tax else (),
    )


def _applied(tax: int, rate: Decimal) -> AppliedTax:
    """With Tryton's own id in the place of the store's name of the tax."""
    return AppliedTax(code=str(tax), rate=rate, amount=ZERO, base_amount=ZERO)


def taxes_of(lines: Sequence[Priced], sold: Sold) -> dict[tuple[Decimal, tuple[str, ...]], int]:
    """By rate and codes: the tax of the line that was sold, else one of that rate. Raises Rejected."""
    found: dict[tuple[Decimal, tuple[str, ...]], int] = {}
    for line in lines:
        if line.rate:
            own = int(line.codes[0]) if line.codes else 0
            tax = own or next((one.tax for one in sold.lines if one.tax and one.rate == line.rate), 0)
            if not tax:
                raise Rejected(f"the order's sale in Tryton has no tax of {line.rate} %")
            found[line.rate, line.codes] = tax
    return found


def products_of(lines: Sequence[Priced], sold: Sold) -> dict[str, Product]:
    """Of goods: what was sold is what comes back, whatever its code is now."""
    by_line = {one.line_id: one.product for one in reversed(sold.lines) if one.line_id}
    by_sku = {one.sku: one.product for one in reversed(sold.lines)}
    return {line.sku: by_line.get(line.line_id) or by_sku[line.sku] for line in lines if line.sku}


def build_return(
    order: Order,
    key: str,
    lines: Sequence[Priced],
    sold: Sold,
    lookups: Lookups,
    settings: TrytonSettings,
    code_of: Callable[[Priced], str],
) -> Values:
    """The sale as a draft, whole. Its invoice is asked for with the order: there may be no shipment to wait for."""
    nobody = Customer(party=0, invoice_address=0, shipment_address=0)
    values = build_sale(order, key, lines, lookups, nobody, settings, code_of)
    for line in values["lines"][0][1]:
        line["quantity"] = -line["quantity"]
    return values | {
        **sold.head,
        "comment": f"{RETURN_MARK}{key}",
        "origin": f"sale.sale,{sold.id}",
        "invoice_method": "order",
        "shipment_method": settings.returns,
    }


def negative(amounts: Amounts) -> Amounts:
    """What is given back, as the sale says it."""
    return Amounts(untaxed=-amounts.untaxed, tax=-amounts.tax, total=-amounts.total)
