"""A sales order in the words of the records that are sent: what would be sent, and what is there. Pure.

X++ compares texts without regard to case (learn.microsoft.com, x-csharp-comparison-string-case-and-delimiters): a code
may be kept in the spelling of the record that it names, and that makes no difference here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal, InvalidOperation
from typing import Any

from crossdock.contract.beside import beside
from crossdock.contract.shadow import Shown
from crossdock.erp.dynamics_fo.mapping import YES, Values
from crossdock.erp.dynamics_fo.sales import Document
from crossdock.flows.parts import Amounts, Priced, cents
from crossdock.transport.odata import Row

HEADER, LINES, PRODUCT = "header", "lines", "ItemNumber"
TOTAL, TAX, AMOUNT = "OrderTotalAmount", "OrderTotalTaxAmount", "LineAmount"
# how an order is entered: no page says that they are given back as they were sent
SWITCHES = frozenset({"SkipCreateAutoCharges", "IsDeliveryAddressOrderSpecific"})
CODES = frozenset(
    {
        *("SalesOrderNumber", "OrderingCustomerAccountNumber", "InvoiceCustomerAccountNumber", "CurrencyCode"),
        *("CustomersOrderReference", "SalesTaxGroupCode", "SalesTaxItemGroupCode", "PaymentTermsName"),
        *("DeliveryModeCode", "DefaultShippingSiteId", "DefaultShippingWarehouseId", PRODUCT),
        *("ShippingSiteId", "ShippingWarehouseId", "DeliveryAddressZipCode"),
        *("DeliveryAddressCountryRegionId", "DeliveryAddressCountryRegionISOCode"),
    }
)
NUMBERS = frozenset({"OrderedSalesQuantity", "SalesPrice", AMOUNT, TOTAL, TAX})
ROUNDED = frozenset({"SalesPrice"})  # a currency may keep prices with fewer decimals


def shown(
    head: Values, lines: Sequence[tuple[Values, Priced]], sums: Amounts, documents: Sequence[Document], mark: str
) -> Shown:
    """`mark`: our own field of a line. Of several orders the first that has lines is shown."""
    there = next((one for one in documents if one.lines), documents[0])
    own = {"SalesOrderNumber", mark}  # of a line: the first repeats its head's
    mine, theirs = beside(
        [{**_record(values, own), AMOUNT: priced.amount} for values, priced in lines],
        [_given(row, own) for row in there.lines],
        PRODUCT,
        ROUNDED,
    )
    times = sum(1 for one in documents if one.lines) or len(documents)
    return Shown(
        ours={HEADER: _record(head) | {TOTAL: sums.total, TAX: sums.tax}, LINES: mine},
        theirs={HEADER: _head(there.head), LINES: theirs},
        number=there.number,
        times=times,
    )


def _head(row: Row) -> dict[str, Any]:
    """Totals that are not calculated are nought, and say nothing."""
    told = _given(row)
    if row.get("AreTotalsCalculated") == YES:
        return told
    return {name: value for name, value in told.items() if name not in {TOTAL, TAX}}


def _given(row: Row, own: frozenset[str] | set[str] = frozenset()) -> dict[str, Any]:
    """What is given back; a number that is null is not told."""
    told = _record(row, own)
    return {
        name: value
        for name, value in told.items()
        if name not in SWITCHES and (value is not None or name not in NUMBERS)
    }


def _record(values: Mapping[str, Any], own: frozenset[str] | set[str] = frozenset()) -> dict[str, Any]:
    return {name: _told(name, value) for name, value in values.items() if name not in own}


def _told(name: str, value: Any) -> Any:
    if name in NUMBERS:
        found = _number(value)
        return cents(found) if found is not None and name in {AMOUNT, TOTAL, TAX} else found
    if not isinstance(value, str):
        return value
    text = value.replace("\r\n", "\n").strip()
    return text.upper() if name in CODES else text


def _number(value: Any) -> Decimal | None:
    """A server may write an Edm.Decimal as a text."""
    try:
        return None if value is None or value == "" else Decimal(str(value))
    except InvalidOperation:
        return None


__all__ = ["SWITCHES", "shown"]
