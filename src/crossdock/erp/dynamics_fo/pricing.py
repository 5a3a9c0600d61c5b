"""An order's money as Finance and Operations can say it: a unit price and one tax a line. Pure.

A line's amount is its price times its quantity, rounded to cents; a discount stands in the price already, since the
entity's own discount is one of each piece. The tax is computed when totals are, which need not be when the order is
entered: from the sum of all lines of one rate ("document"), or of each line ("line"), as the ledger's parameters say;
where prices include it, it is taken out of the sum. `flows.quotes` finds the lines.
"""

from __future__ import annotations

from decimal import Decimal

from crossdock.flows.quotes import Prices, Quote, Rounding, quote
from crossdock.model.order import Order

PRICE_DECIMALS = 6  # as many as a price has there


def price_order(
    order: Order, rounding: Rounding, *, decimals: int = PRICE_DECIMALS, gross: bool = True, even_out: int = 0
) -> Quote:
    """The lines; `gross` and `even_out` as in `flows.quotes.quote`."""
    prices = Prices(step=Decimal(1).scaleb(-decimals), discounts=False)
    return quote(order, prices, rounding, gross=gross, even_out=even_out)
