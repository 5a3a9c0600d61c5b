"""A credit memo as Magento's REST sends it, to ours.

Unlike an order's rows, its rows are gross as they came. Its amounts may have four decimals, and `discount_amount` may
be above zero (a coupon on the shipping, and no shipping refunded). The shipping's compensation is inside
`discount_tax_compensation_amount` already.
"""

from __future__ import annotations

from collections.abc import Collection
from decimal import Decimal

import msgspec

from crossdock.magento.mapping.marks import origin_of
from crossdock.magento.mapping.totals import parse_base_totals, parse_totals
from crossdock.magento.mapping.wire import (
    BaseRowMoney,
    JsonObject,
    RowMoney,
    comments,
    decimal,
    decode,
    moment,
    needed,
    rows,
    take,
    text,
)
from crossdock.model.money import ZERO, LineAmounts, Totals
from crossdock.model.refund import Refund, RefundLine


def parse_refund(raw: bytes) -> Refund:
    """`raw` is one credit memo's JSON. Raises InvalidPayload, MappingError."""
    return read_refund(decode(raw))


def read_refund(found: JsonObject, order_number: str = "", without_lines: Collection[str] = ()) -> Refund:
    """A credit memo out of its JSON object. `without_lines`: order lines inside another one. Raises MappingError."""
    lines = tuple(
        line
        for place, row in enumerate(rows(found, "items"))
        if (line := _line(row, f"items[{place}]")).order_line_id not in without_lines
    )
    plus = decimal(found, "adjustment_positive", "refund")
    minus = decimal(found, "adjustment_negative", "refund")
    totals = parse_totals(found, [line.amounts for line in lines])
    base_totals = parse_base_totals(found, [line.base_amounts for line in lines])
    base_plus = decimal(found, "base_adjustment_positive", "refund")
    base_minus = decimal(found, "base_adjustment_negative", "refund")
    return Refund(
        id=needed(found, "entity_id", "refund"),
        number=text(found, "increment_id"),
        order_id=needed(found, "order_id", "refund"),
        order_number=order_number,
        created_at=moment(found, "created_at", "refund"),
        lines=lines,
        totals=_adjusted(totals, plus, minus),
        base_totals=_adjusted(base_totals, base_plus, base_minus),
        adjustment_positive=plus,
        adjustment_negative=minus,
        origin=next(filter(None, (origin_of(told, "credit memo") for told in comments(found))), ""),
    )


def _adjusted(totals: Totals, plus: Decimal, minus: Decimal) -> Totals:
    """With the adjustments among the fees, so that the totals add up by themselves."""
    fees = {"adjustment_positive": plus, "adjustment_negative": -minus}
    named = totals.fees | {name: fee for name, fee in fees.items() if fee}
    return msgspec.structs.replace(totals, fees=named, shipping_compensation=ZERO)


def _line(row: JsonObject, where: str) -> RefundLine:
    return RefundLine(
        id=text(row, "entity_id"),
        order_line_id=needed(row, "order_item_id", where),
        sku=text(row, "sku"),
        quantity=decimal(row, "qty", where),
        amounts=_amounts(take(RowMoney, row, where)),
        base_amounts=_amounts(take(BaseRowMoney, row, where)),
    )


def _amounts(money: RowMoney) -> LineAmounts:
    return LineAmounts(
        price=money.price,
        price_incl_tax=money.price_incl_tax,
        gross=money.row_total,
        discount=money.discount_amount,
        net=money.row_total - money.discount_amount,
        tax=money.tax_amount,
        compensation=money.discount_tax_compensation_amount,
        fpt=money.weee_tax_applied_row_amount,
    )
