"""Order rows to order lines: which rows carry the money, and what they really came to.

REST's `row_total` is already net of the discount and never below zero (the store keeps it gross). The true net of a row
that was cut off at zero is found again from its `row_total_incl_tax`. Invoices and credit memos keep the gross row.

Which rows count: a configurable product's own row (its child repeats the SKU at zero); a fixed-price bundle's own row;
a dynamic bundle's children (its own row repeats their sum, without discount, and REST has no flag that says so).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from decimal import Decimal

import msgspec

from crossdock.errors import MappingError
from crossdock.magento.mapping.wire import (
    BaseRowMoney,
    JsonObject,
    RowMoney,
    base_name,
    branch,
    decimal,
    flag,
    needed,
    rows,
    scalar,
    take,
    text,
)
from crossdock.model.money import ZERO, LineAmounts
from crossdock.model.order import AppliedTax, LineOption, OrderLine

FOLDED_KINDS = frozenset({"configurable"})
NOTHING = LineAmounts()

_MONEY = frozenset(RowMoney.__struct_fields__)
# said by a field of the line already, or only the row's own bookkeeping
_MAPPED = (
    _MONEY
    | {base_name(name) for name in _MONEY}
    | {"item_id", "parent_item_id", "order_id", "store_id", "sku", "name", "product_type", "is_virtual", "weight"}
    | {"qty_ordered", "qty_canceled", "qty_invoiced", "qty_shipped", "qty_refunded", "tax_percent", "row_weight"}
    | {"created_at", "updated_at"}
)


class _Row(msgspec.Struct, frozen=True, kw_only=True):
    """One row with both its amounts as sent, before it is known whether they count."""

    id: str
    parent_id: str
    kind: str
    sent: JsonObject
    where: str
    money: RowMoney
    base_money: RowMoney


def parse_lines(order: JsonObject) -> tuple[OrderLine, ...]:
    """The lines in the store's order. Raises MappingError."""
    parsed = [_read_row(row, f"items[{place}]") for place, row in enumerate(rows(order, "items"))]
    if not parsed:
        raise MappingError("items", "the order has no rows; was it read with a `fields` filter?")
    by_id = {row.id: row for row in parsed}
    if len(by_id) != len(parsed):
        raise MappingError("items", "two rows have the same item_id")
    children: defaultdict[str, list[_Row]] = defaultdict(list)
    for row in parsed:
        if row.parent_id in by_id:
            children[row.parent_id].append(row)
    older_taxes = branch(order, "extension_attributes")
    return tuple(_lines(parsed, by_id, children, rows(older_taxes, "item_applied_taxes")))


def _read_row(sent: JsonObject, where: str) -> _Row:
    return _Row(
        id=needed(sent, "item_id", where),
        parent_id=text(sent, "parent_item_id") or text(branch(sent, "parent_item"), "item_id"),
        kind=text(sent, "product_type") or "simple",
        sent=sent,
        where=where,
        money=take(RowMoney, sent, where),
        base_money=take(BaseRowMoney, sent, where),
    )


def _lines(
    parsed: Sequence[_Row],
    by_id: dict[str, _Row],
    children: dict[str, list[_Row]],
    older_taxes: Sequence[JsonObject],
) -> Iterator[OrderLine]:
    for row in parsed:
        parent = by_id.get(row.parent_id)
        if parent is not None and parent.kind in FOLDED_KINDS:
            continue
        below = children.get(row.id, [])
        counts = row.kind in FOLDED_KINDS or not any(_has_money(child) for child in below)
        yield _line(row, below if row.kind in FOLDED_KINDS else [], _taxes_of(row, older_taxes), counts=counts)


def _has_money(row: _Row) -> bool:
    told = row.money
    return any((told.price, told.row_total, told.row_total_incl_tax, told.tax_amount, told.discount_amount))


def _line(row: _Row, folded: Sequence[_Row], taxes: Sequence[JsonObject], *, counts: bool) -> OrderLine:
    sent, where = row.sent, row.where
    return OrderLine(
        id=row.id,
        sku=text(folded[0].sent, "sku") if folded else needed(sent, "sku", where),
        name=text(sent, "name"),
        kind=row.kind,
        parent_id=row.parent_id or None,
        child_ids=tuple(child.id for child in folded),
        quantity=decimal(sent, "qty_ordered", where),
        quantity_canceled=decimal(sent, "qty_canceled", where),
        quantity_invoiced=decimal(sent, "qty_invoiced", where),
        quantity_shipped=decimal(sent, "qty_shipped", where),
        quantity_refunded=decimal(sent, "qty_refunded", where),
        tax_rate=decimal(sent, "tax_percent", where),
        virtual=flag(sent, "is_virtual"),
        weight=decimal(sent, "weight", where),
        amounts=_amounts(row, taxes) if counts else NOTHING,
        base_amounts=_base_amounts(row, taxes) if counts else NOTHING,
        options=tuple(_options(sent)),
        taxes=tuple(applied_taxes(taxes, where)) if counts else (),
        extra=_extra(sent),
    )


def _amounts(row: _Row, taxes: Sequence[JsonObject]) -> LineAmounts:
    # REST adds the FPT of the whole row to row_total_incl_tax, without its VAT
    fpt_tax = _fpt_tax(row, taxes, "amount", "row_amount")
    return _true_amounts(row.money, row.money.weee_tax_applied_row_amount, fpt_tax)


def _base_amounts(row: _Row, taxes: Sequence[JsonObject]) -> LineAmounts:
    # ... but in the base currency the FPT of one piece only
    fpt_tax = _fpt_tax(row, taxes, "base_amount", "base_row_amount")
    return _true_amounts(row.base_money, row.base_money.weee_tax_applied_amount, fpt_tax)


def _true_amounts(money: RowMoney, fpt_inside: Decimal, fpt_tax: Decimal) -> LineAmounts:
    net = money.row_total
    if not net:
        taxed = money.row_total_incl_tax
        net = (
            taxed - money.tax_amount - money.discount_tax_compensation_amount - fpt_inside if _was_cut(money) else ZERO
        )
    return LineAmounts(
        price=money.price,
        price_incl_tax=money.price_incl_tax,
        gross=net + money.discount_amount,
        discount=money.discount_amount,
        net=net,
        tax=money.tax_amount,
        compensation=money.discount_tax_compensation_amount,
        fpt=money.weee_tax_applied_row_amount,
        fpt_tax=fpt_tax,
    )


def _was_cut(money: RowMoney) -> bool:
    """Only a discount can bring a row below zero."""
    return money.discount_amount > 0


def _fpt_tax(row: _Row, taxes: Sequence[JsonObject], amount: str, row_amount: str) -> Decimal:
    """The FPT's own VAT. The itemized taxes have it after discount; the FPT's own text has it before."""
    itemized = [tax for tax in taxes if text(tax, "taxable_item_type", "type") == "weee"]
    if itemized:
        return sum((decimal(tax, amount, row.where) for tax in itemized), ZERO)
    found = text(row.sent, "weee_tax_applied")
    try:
        applied = msgspec.json.decode(found, type=list[JsonObject]) if found else []
    except msgspec.DecodeError:
        return ZERO  # some stores keep PHP's own serialized form here
    return sum((_vat_inside(fee, row_amount, row.where) for fee in applied), ZERO)


def _vat_inside(fee: JsonObject, row_amount: str, where: str) -> Decimal:
    told = {name: str(value) for name, value in fee.items() if value is not None}
    field = f"{where}.weee_tax_applied"
    return decimal(told, f"{row_amount}_incl_tax", field) - decimal(told, row_amount, field)


def _taxes_of(row: _Row, older: Sequence[JsonObject]) -> list[JsonObject]:
    """This row's taxes: its own list (2.4.7 on), or its part of the order's list (before)."""
    itemized = rows(branch(row.sent, "extension_attributes"), "itemized_taxes")
    if itemized:
        return itemized
    return [
        {**tax, "taxable_item_type": text(group, "type")}
        for group in older
        if row.id in {text(group, "item_id"), text(group, "associated_item_id")}
        for tax in rows(group, "applied_taxes")
    ]


def applied_taxes(taxes: Sequence[JsonObject], where: str) -> Iterator[AppliedTax]:
    """Taxes on the goods themselves (an FPT's VAT and the shipping's stand apart)."""
    for tax in taxes:
        if text(tax, "taxable_item_type") in {"", "product"}:
            yield AppliedTax(
                code=text(tax, "tax_code", "code", "title"),
                rate=decimal(tax, "tax_percent" if "tax_percent" in tax else "percent", where),
                amount=decimal(tax, "amount", where),
                base_amount=decimal(tax, "base_amount", where),
            )


def _options(sent: JsonObject) -> Iterator[LineOption]:
    """What was chosen, by the store's own ids: REST tells neither labels nor the values' names."""
    chosen = branch(sent, "product_option", "extension_attributes")
    for kind in ("custom_options", "configurable_item_options"):
        for option in rows(chosen, kind):
            label = f"{kind.removesuffix('s')} {text(option, 'option_id')}"
            yield LineOption(label=label, value=_chosen(option.get("option_value")))
    for option in rows(chosen, "bundle_options"):
        value = f"{text(option, 'option_qty')} x {_chosen(option.get('option_selections'))}"
        yield LineOption(label=f"bundle_option {text(option, 'option_id')}", value=value)
    links = branch(chosen, "downloadable_option").get("downloadable_links")
    if links:
        yield LineOption(label="downloadable_links", value=_chosen(links))
    for name, value in branch(chosen, "giftcard_item_option").items():
        yield LineOption(label=name, value=scalar(value))


def _chosen(value: object) -> str:
    return ", ".join(scalar(one) for one in value) if isinstance(value, list) else scalar(value)


def _extra(sent: JsonObject) -> dict[str, str]:
    """Every other scalar of the row that says something (a nought says nothing here)."""
    found = {name: scalar(value) for name, value in sent.items() if name not in _MAPPED}
    extension = branch(sent, "extension_attributes")
    found |= {f"extension_attributes.{name}": scalar(value) for name, value in extension.items()}
    message = branch(extension, "gift_message")
    found |= {f"gift_message.{name}": text(message, name) for name in ("sender", "recipient", "message")}
    return {name: value for name, value in found.items() if value not in {"", "0", "[]"}}
