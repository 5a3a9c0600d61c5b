"""Money in one currency: what a line came to, and what a document came to.

Every document that has two currencies (the store's base currency and the one that the customer paid in) carries each of
these twice: conversion rounds every amount by itself, so one cannot be derived from the other (orders/money.md).
"""

from __future__ import annotations

from decimal import Decimal

from crossdock.model.base import Record

ZERO = Decimal(0)


class LineAmounts(Record, frozen=True, kw_only=True):
    """One line in one currency. Signs: discount, tax, compensation and fpt are >= 0.

    `net = gross - discount` always; what the customer pays for the line is `net + compensation + tax + fpt + fpt_tax`.
    """

    price: Decimal = ZERO  # one piece, before discount, without tax
    price_incl_tax: Decimal = ZERO
    gross: Decimal = ZERO  # the row before discount, without tax
    discount: Decimal = ZERO
    net: Decimal = ZERO  # gross - discount; below zero where a tax-inclusive price is discounted by 100 %
    tax: Decimal = ZERO  # of the row, without the FPT's own
    compensation: Decimal = ZERO  # the tax share of a discount given on a tax-inclusive price
    fpt: Decimal = ZERO  # fixed product tax (WEEE) of the row, without its VAT
    fpt_tax: Decimal = ZERO  # VAT on the FPT


class Totals(Record, frozen=True, kw_only=True):
    """A whole document in one currency. `discount` is >= 0 and includes the shipping's.

    grand_total = subtotal - discount + tax + compensation + shipping + shipping_compensation
                  + fpt - gift_card - store_credit - reward + sum of fees
    """

    currency: str  # ISO 4217
    subtotal: Decimal = ZERO
    discount: Decimal = ZERO
    tax: Decimal = ZERO  # of everything: lines, shipping, FPT
    compensation: Decimal = ZERO
    shipping: Decimal = ZERO  # without tax, before its discount
    shipping_discount: Decimal = ZERO
    shipping_tax: Decimal = ZERO
    shipping_compensation: Decimal = ZERO
    fpt: Decimal = ZERO  # only where the subtotal leaves it out
    gift_card: Decimal = ZERO
    store_credit: Decimal = ZERO
    reward: Decimal = ZERO
    fees: dict[str, Decimal] = {}  # by name, signed: gift wrapping, payment surcharge …
    grand_total: Decimal = ZERO
    paid: Decimal = ZERO
    refunded: Decimal = ZERO
    canceled: Decimal = ZERO
    due: Decimal = ZERO
