"""An order's money as Business Central can say it: prices, line discounts and one tax a line. Pure.

Business Central takes a unit price and a line discount in money, rounds the line to cents, and computes the tax itself,
or takes it out of the sum where prices include it (`pricesIncludeTax`): `flows.quotes` finds the lines.

How Business Central rounds is a company's own setup, and is not in its API: the prediction is `tax_rounding` of the
settings, and what Business Central has computed is read back and held against the order again.
"""

from __future__ import annotations

from decimal import Decimal

from crossdock.flows.quotes import Prices, Quote, Rounding, quote
from crossdock.model.order import Order

PRICE_DECIMALS = 5  # "Unit-Amount Rounding Precision" of a company as it is set up first


def price_order(
    order: Order, rounding: Rounding, *, decimals: int = PRICE_DECIMALS, gross: bool = True, even_out: int = 0
) -> Quote:
    """The lines; `gross` and `even_out` as in `flows.quotes.quote`."""
    prices = Prices(step=Decimal(1).scaleb(-decimals), discounts=True)
    return quote(order, prices, rounding, gross=gross, even_out=even_out)
