"""A document's totals in one currency."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from crossdock.magento.mapping.wire import (
    BaseExtraMoney,
    BaseHeaderMoney,
    ExtraMoney,
    HeaderMoney,
    JsonObject,
    branch,
    decimal,
    needed,
    rows,
    take,
    text,
)
from crossdock.model.money import ZERO, LineAmounts, Totals


def parse_totals(document: JsonObject, lines: Sequence[LineAmounts]) -> Totals:
    """In the order's currency. `lines` are the amounts that count, in the same currency."""
    return _totals(
        needed(document, "order_currency_code", "order"),
        take(HeaderMoney, document, "order"),
        _extra_money(document, ExtraMoney),
        _fees(document, "custom_fee_amount"),
        lines,
    )


def parse_base_totals(document: JsonObject, lines: Sequence[LineAmounts]) -> Totals:
    """In the store's base currency."""
    return _totals(
        needed(document, "base_currency_code", "order"),
        take(BaseHeaderMoney, document, "order"),
        _extra_money(document, BaseExtraMoney),
        _fees(document, "base_custom_fee_amount"),
        lines,
    )


def _extra_money(document: JsonObject, kind: type[ExtraMoney]) -> ExtraMoney:
    """Adobe Commerce has these among the extension attributes; older versions beside the other amounts."""
    return take(kind, document | branch(document, "extension_attributes"), "order")


def _fees(document: JsonObject, amount: str) -> dict[str, Decimal]:
    fees: dict[str, Decimal] = {}
    for fee in rows(branch(document, "extension_attributes"), "custom_fees"):
        code = text(fee, "custom_fee_code", "id") or "custom_fee"
        fees[code] = fees.get(code, ZERO) + decimal(fee, amount, "order.custom_fees")
    return fees


def _totals(
    currency: str, money: HeaderMoney, extra: ExtraMoney, fees: dict[str, Decimal], lines: Sequence[LineAmounts]
) -> Totals:
    wrapping = {
        "gift_wrapping": extra.gw_price,
        "gift_wrapping_lines": extra.gw_items_price,
        "gift_card_print": extra.gw_card_price,
    }
    return Totals(
        currency=currency,
        subtotal=money.subtotal,
        discount=-money.discount_amount,
        tax=money.tax_amount,
        compensation=money.discount_tax_compensation_amount,
        shipping=money.shipping_amount,
        shipping_discount=money.shipping_discount_amount,
        shipping_tax=money.shipping_tax_amount,
        shipping_compensation=money.shipping_discount_tax_compensation_amount,
        fpt=_fpt_outside(money.subtotal, lines),
        gift_card=extra.gift_cards_amount,
        store_credit=extra.customer_balance_amount,
        reward=extra.reward_currency_amount,
        fees={name: fee for name, fee in (fees | wrapping).items() if fee},
        grand_total=money.grand_total,
        paid=money.total_paid,
        refunded=money.total_refunded,
        canceled=money.total_canceled,
        due=money.total_due,
    )


def _fpt_outside(subtotal: Decimal, lines: Sequence[LineAmounts]) -> Decimal:
    """The FPT that the subtotal leaves out: all of it or none, by a setting of the store that REST does not tell.

    The subtotal itself shows it: it is the sum of the gross rows, with their FPT or without.
    """
    gross = sum((line.gross for line in lines), ZERO)
    fpt = sum((line.fpt for line in lines), ZERO)
    left_out = abs(subtotal - gross) <= abs(subtotal - gross - fpt)
    return fpt if left_out else ZERO
