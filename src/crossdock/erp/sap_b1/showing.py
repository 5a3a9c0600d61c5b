"""An order as it would be made and as it is there, both in the words of the body that is sent. Pure.

Amounts are those of the document's currency, under the names that the company's own have: in another currency a row's
are `RowTotalFC` and `NetTaxAmountFC`, the document's `DocTotalFc` and `VatSumFc`. The id of our line is compared only
where it is one of ours.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any

from crossdock.erp.sap_b1.mapping import LINES, PRICE_PLACES, Body, Line, Row, expected, tax_of
from crossdock.erp.sap_b1.settings import SapB1Settings
from crossdock.flows.parts import cents
from crossdock.model.order import Order

HEAD = "DocDate,DocDueDate,DocCurrency,Address,Address2,Comments,PaymentGroupCode"  # what is asked for besides
DAYS = frozenset({"DocDate", "DocDueDate"})
NUMBERS = frozenset({"Quantity", "UnitPrice"})
SUMS = {"VatSum": "VatSumFc", "DocTotal": "DocTotalFc"}
ROW_SUMS = {"LineTotal": "RowTotalFC", "TaxTotal": "NetTaxAmountFC"}


def told_of(order: Order, lines: Sequence[Line], body: Body, settings: SapB1Settings) -> Body:
    """The body of the POST, with the sums that Business One has to come to; `lines` in the body's sequence."""
    sums = expected(order, settings)
    told = {name: _value(name, value) for name, value in body.items() if name != LINES}
    told |= {"VatSum": sums.tax, "DocTotal": sums.total}
    told[LINES] = [_line(one, line, settings) for one, line in zip(body[LINES], lines, strict=True)]
    return told


def shown_of(row: Row, wanted: Body, settings: SapB1Settings) -> Body:
    """The same of an order that was read; what Business One does not tell is not in it."""
    foreign = row.get("DocCurrency", wanted["DocCurrency"]) != settings.currency
    told = {name: _value(name, row[name]) for name in wanted if name in row and name not in SUMS and name != LINES}
    told |= dict(_amounts(row, SUMS, foreign=foreign))
    rows = row.get(LINES)
    if isinstance(rows, list):
        told[LINES] = [_there(one, wanted[LINES], settings, foreign=foreign) for one in rows]
    return told


def _line(body: Body, line: Line, settings: SapB1Settings) -> Body:
    """Of ours: first what tells it from others."""
    first = {name: body[name] for name in (settings.line_id_field, "ItemCode") if name in body}
    told = first | {name: _value(name, value) for name, value in body.items()}
    return told | {"LineTotal": line.net, "TaxTotal": tax_of(line, settings)}


def _there(row: Row, wanted: Sequence[Body], settings: SapB1Settings, *, foreign: bool) -> Body:
    field = settings.line_id_field
    names = {name for one in wanted for name in one if name in row} - {*ROW_SUMS}
    if field and str(row.get(field) or "") not in {one.get(field) for one in wanted}:
        names.discard(field)
    told = {name: _value(name, row[name]) for name in names if not (name in NUMBERS and row[name] is None)}
    return told | dict(_amounts(row, ROW_SUMS, foreign=foreign))


def _amounts(row: Row, names: Mapping[str, str], *, foreign: bool) -> Iterator[tuple[str, Decimal]]:
    for name, in_foreign in names.items():
        amount = _number(row.get(in_foreign if foreign else name))
        if amount is not None:
            yield name, cents(amount)


def _value(name: str, value: Any) -> Any:
    """A day without its midnight (v2 tells that too), a number as a decimal, a text by its words."""
    if name in NUMBERS:
        return _number(value)
    if not isinstance(value, str):
        return value
    return value[:10] if name in DAYS else " ".join(value.split())


def _number(value: Any) -> Decimal | None:
    """Business One counts in doubles; six decimals are what it keeps at most."""
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        return None
    return Decimal(value).quantize(PRICE_PLACES)


__all__ = ["HEAD", "shown_of", "told_of"]
