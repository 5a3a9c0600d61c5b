"""An order as a document of Business One's, and what is read of one. Pure.

Business One takes the tax of a line from its net amount and adds the lines up; how it rounds is a setting. What
it comes to is worked out beforehand, line by line and half up, and compared afterwards with what it says.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from decimal import Decimal
from typing import Any

from crossdock.contract.lookups import Lookups
from crossdock.erp.sap_b1.settings import SapB1Settings
from crossdock.errors import MappingError
from crossdock.flows.parts import (
    HUNDRED,
    Amounts,
    cents,
    credit_of,
    nearest_rate,
    plain_rate,
    rate_of,
    shipping_net,
    summed,
)
from crossdock.model.address import Address
from crossdock.model.base import Record
from crossdock.model.money import ZERO
from crossdock.model.order import Order, OrderLine

Body = dict[str, Any]
Row = Mapping[str, Any]
REFERENCE = 100  # NumAtCard
PRICE_PLACES = Decimal("0.000001")
LINES = "DocumentLines"
YES, NO = "tYES", "tNO"


class Line(Record, frozen=True, kw_only=True):
    """One line: its net amount and the store's tax in cents, the rate in percent. `line_id`: "" for no order line."""

    item: str
    text: str
    quantity: Decimal = Decimal(1)
    net: Decimal
    rate: Decimal = ZERO
    tax: Decimal = ZERO
    line_id: str = ""


class Document(Record, frozen=True, kw_only=True):
    """An order as it was read. `closed`: delivered, or closed by a person."""

    entry: int
    number: str
    reference: str
    customer: str
    cancelled: bool
    closed: bool
    sums: Amounts | None
    lines: tuple[tuple[str, str], ...]  # LineNum, our line id

    @property
    def links(self) -> dict[str, str]:
        """Our line id -> LineNum, where they are kept."""
        return {ours: theirs for theirs, ours in self.lines if ours}


def price_order(order: Order, settings: SapB1Settings, lookups: Lookups) -> tuple[Line, ...]:
    """The lines. Raises MappingError where the settings have no way to say a part of the order, MissingEntry."""
    if credit_of(order.totals) and settings.credits == "park":
        raise MappingError("totals", "paid with a gift card, credit or points: see the setting credits")
    return (*(_goods(line, lookups) for line in order.lines), *_others(order, settings))


def expected(order: Order, settings: SapB1Settings) -> Amounts:
    """What the document must come to."""
    totals = order.totals
    bought = totals.grand_total + (credit_of(totals) if settings.credits == "payment" else ZERO)
    return _amounts(cents(totals.tax), cents(bought))


def predict(lines: Sequence[Line], settings: SapB1Settings) -> Amounts:
    """What Business One is going to compute."""
    return summed((line.net, tax_of(line, settings)) for line in lines)


def tax_of(line: Line, settings: SapB1Settings) -> Decimal:
    """What a line's tax is going to be."""
    return line.tax if settings.tax_amounts else cents(line.net * line.rate / HUNDRED)


def build_order(order: Order, lines: Sequence[Line], customer: str, settings: SapB1Settings, lookups: Lookups) -> Body:
    """The body of `POST Orders`. Raises MappingError, MissingEntry."""
    day = order.created_at.date()
    body: Body = {
        "CardCode": customer,
        "DocDate": day.isoformat(),
        "DocDueDate": (day + timedelta(days=settings.due_days)).isoformat(),
        "DocCurrency": order.totals.currency,
        settings.reference_field: reference_of(order.number, settings),
        "Address": _lines(order.billing),
        LINES: [_line(line, settings, lookups) for line in lines],
    }
    if order.shipping:
        body["Address2"] = _lines(order.shipping)
    if said := "\n".join(one for one in (order.note, order.gift_message) if one):
        body["Comments"] = said[:254]
    terms = lookups.find("payment_terms", order.payment.method)
    group = settings.payment_terms if terms is None else _whole(terms)
    return body | ({} if group is None else {"PaymentGroupCode": group})


def reference_of(number: str, settings: SapB1Settings) -> str:
    """Our reference at the order: what it is found by. Raises MappingError where it is too long."""
    reference = f"{settings.reference_prefix}{number}"
    if not number or len(reference) > REFERENCE:
        raise MappingError("number", f"with reference_prefix it has to have 1 to {REFERENCE} characters")
    return reference


def customer_of(order: Order, settings: SapB1Settings, lookups: Lookups) -> str:
    """The CardCode. Raises MappingError, MissingEntry."""
    if order.buyer.id and (found := lookups.find("customers", order.buyer.id)) is not None:
        return found
    if not settings.customer:
        raise MappingError("buyer", "there is no customer for it in the settings")
    return settings.customer


def parse_document(row: Row, settings: SapB1Settings, currency: str) -> Document | None:
    """An order as read; None where it names no entry."""
    entry = row.get("DocEntry")
    if not isinstance(entry, int) or isinstance(entry, bool):
        return None
    lines = row.get(LINES)
    told = [one for one in lines if isinstance(one, Mapping)] if isinstance(lines, list) else []
    field = settings.line_id_field
    return Document(
        entry=entry,
        number=str(row.get("DocNum") or entry),
        reference=str(row.get(settings.reference_field) or ""),
        customer=str(row.get("CardCode") or ""),
        cancelled=row.get("Cancelled") == YES,
        closed=row.get("DocumentStatus") == "bost_Close",
        sums=_sums(row, foreign=currency != settings.currency),
        lines=tuple((str(one.get("LineNum")), str(one.get(field) or "") if field else "") for one in told),
    )


def links_of(document: Document, lines: Sequence[Line]) -> dict[str, str]:
    """Our line id -> LineNum: as kept, or by their order where as many came back."""
    if document.links or len(document.lines) != len(lines):
        return document.links
    pairs = zip(lines, document.lines, strict=True)
    return {line.line_id: number for line, (number, _) in pairs if line.line_id}


def _goods(line: OrderLine, lookups: Lookups) -> Line:
    amounts = line.amounts
    item = lookups.find("items", line.sku)
    return Line(
        item=line.sku if item is None else item,
        text=line.name or line.sku,
        quantity=line.quantity,
        net=cents(amounts.net + amounts.compensation),
        rate=rate_of(line) if amounts.tax else ZERO,
        tax=cents(amounts.tax),
        line_id=line.id,
    )


def _others(order: Order, settings: SapB1Settings) -> Iterator[Line]:
    totals, items = order.totals, settings.items
    net, tax = cents(shipping_net(totals)), totals.shipping_tax
    if net or tax:
        text, rate = order.shipping_description or "Shipping", nearest_rate(order, tax, net)
        yield Line(item=_needed(items.shipping, "shipping"), text=text, net=net, rate=rate, tax=cents(tax))
    for line in order.lines:
        if line.amounts.fpt:
            net, tax = cents(line.amounts.fpt), cents(line.amounts.fpt_tax)
            rate = rate_of(line) if tax else ZERO
            yield Line(item=_needed(items.fpt, "fpt"), text=f"FPT {line.sku}", net=net, rate=rate, tax=tax)
    for name, fee in totals.fees.items():
        if fee:
            yield Line(item=_needed(items.fee, "fee"), text=name.replace("_", " "), net=cents(fee))


def _needed(item: str, role: str) -> str:
    if not item:
        raise MappingError("totals", f"set items.{role}")
    return item


def _line(line: Line, settings: SapB1Settings, lookups: Lookups) -> Body:
    if not line.quantity:
        raise MappingError("lines.quantity", "is 0")
    body: Body = {"ItemCode": line.item, "ItemDescription": line.text[:100], "Quantity": line.quantity}
    body |= {"LineTotal": line.net} if settings.amounts == "LineTotal" else {"UnitPrice": _price(line)}
    body |= {"TaxTotal": line.tax} if settings.tax_amounts else {}
    body[settings.tax_field] = _tax_code(line, settings, lookups)
    if settings.warehouse:
        body["WarehouseCode"] = settings.warehouse
    if settings.line_id_field and line.line_id:
        body[settings.line_id_field] = line.line_id
    return body


def _price(line: Line) -> Decimal:
    price = (line.net / line.quantity).quantize(PRICE_PLACES)
    if cents(price * line.quantity) != line.net:
        raise MappingError("lines.price", "no price with six decimals gives the row's amount")
    return price


def _tax_code(line: Line, settings: SapB1Settings, lookups: Lookups) -> str:
    rate = plain_rate(line.rate)
    found = lookups.find("tax_codes", rate)
    if found is None:
        found = settings.taxes.get(rate)
    if found is None:
        raise MappingError("lines.tax_rate", f"taxes has nothing for {rate} %")
    return found


def _whole(value: str) -> int:
    if not value.lstrip("-").isdigit():
        raise MappingError("payment_terms", "is no whole number: PaymentGroupCode is wanted")
    return int(value)


def _lines(address: Address) -> str:
    place = " ".join(part for part in (address.postcode, address.city, address.region) if part)
    lines = (address.company, address.name, *address.street, place, address.country)
    return "\r".join(line for line in lines if line)[:254]


def _sums(row: Row, *, foreign: bool) -> Amounts | None:
    names = ("VatSumFc", "DocTotalFc") if foreign else ("VatSum", "DocTotal")
    tax, gross = (row.get(name) for name in names)
    if not all(isinstance(one, int | Decimal) and not isinstance(one, bool) for one in (tax, gross)):
        return None
    return _amounts(Decimal(tax or 0), Decimal(gross or 0))


def _amounts(tax: Decimal, gross: Decimal) -> Amounts:
    return Amounts(untaxed=gross - tax, tax=tax, total=gross)
