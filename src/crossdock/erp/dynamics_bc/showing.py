"""A sales order in the words of the body that is sent: what would be sent, and what is there. Pure.

Business Central tells a field that has nothing in it as "", 0, a GUID of noughts or the year 1, and keeps its type Code
trimmed and in capitals: neither makes a difference here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any

from crossdock.contract.beside import beside
from crossdock.contract.shadow import Shown
from crossdock.erp.dynamics_bc.mapping import Values
from crossdock.erp.dynamics_bc.sales import TOTALS, Document
from crossdock.flows.parts import Amounts
from crossdock.model.money import ZERO
from crossdock.transport.odata import Row

LINES, PRODUCT = "salesOrderLines", "lineObjectNumber"
# our own words: where a line stands, and which of the store's it is
OWN = frozenset({"sequence", "description2"})
CODES = frozenset(
    {
        *("externalDocumentNumber", "customerNumber", "currencyCode", PRODUCT, "taxCode"),
        *(f"{prefix}{name}" for prefix in ("sellTo", "shipTo") for name in ("Country", "PostCode")),
    }
)
NUMBERS = frozenset({"quantity", "unitPrice", "discountAmount", *TOTALS})
ROUNDED = frozenset({"unitPrice"})  # a company may keep prices with fewer decimals
SUMMED = frozenset({"quantity", "discountAmount"})
NO_ID, NO_DATE = "00000000-0000-0000-0000-000000000000", date.min.isoformat()


def shown(values: Values, sums: Amounts, documents: Sequence[Document]) -> Shown:
    """`values`: the body that would be sent; `sums`: what it must come to. Of several orders the first is shown."""
    there = documents[0]
    ours = _head(values) | dict(zip(TOTALS, (sums.untaxed, sums.tax, sums.total), strict=True))
    theirs = _head(there.rows[0]) | _sums(there.rows)
    lines = [{"discountAmount": ZERO, **_line(line)} for line in values[LINES]]
    if there.lines is not None:
        lines, theirs[LINES] = beside(lines, [_line(line) for line in _whole(there.lines)], PRODUCT, ROUNDED)
    return Shown(ours=ours | {LINES: lines}, theirs=theirs, number=there.number, times=len(documents))


def _head(row: Mapping[str, Any]) -> dict[str, Any]:
    """Sums and lines apart. No currency is the company's own, which is not told."""
    told = {name: _told(name, value) for name, value in row.items() if name not in {LINES, *TOTALS}}
    return told if told.get("currencyCode") else {name: one for name, one in told.items() if name != "currencyCode"}


def _sums(rows: Sequence[Row]) -> dict[str, Any]:
    """Of all of an order's invoices; one that is not told cannot be compared."""
    told = {name: [_number(row.get(name)) for row in rows] for name in TOTALS}
    return {name: sum(filter(None, values), ZERO) for name, values in told.items() if None not in values}


def _whole(lines: Sequence[Row]) -> Iterator[Row]:
    """Parts of one line in several invoices as the one that they were; texts between lines are no lines."""
    found: dict[Any, Row] = {}
    for place, line in enumerate(lines):
        if line.get("lineType") == "Comment":
            continue
        name = line.get("sequence") or f"line {place}"
        before = found.get(name)
        found[name] = line if before is None else before | {one: _added(before, line, one) for one in SUMMED}
    yield from found.values()


def _added(one: Row, other: Row, name: str) -> Decimal | None:
    first, second = _number(one.get(name)), _number(other.get(name))
    return None if first is None or second is None else first + second


def _line(row: Mapping[str, Any]) -> dict[str, Any]:
    """A number that is null is not told: one that is nought is 0."""
    told = {name: _told(name, value) for name, value in row.items() if name not in OWN}
    return {name: value for name, value in told.items() if value is not None or name not in NUMBERS}


def _told(name: str, value: Any) -> Any:
    if name in NUMBERS:
        return value if (found := _number(value)) is None else found
    if not isinstance(value, str):
        return value
    text = value.strip()
    if text in {NO_ID, NO_DATE}:
        return ""
    if name in CODES:
        return text.upper()
    return text.lower() if name.endswith("Id") else text


def _number(value: Any) -> Decimal | None:
    plain = isinstance(value, int | Decimal) and not isinstance(value, bool)
    return Decimal(value) if plain else None


__all__ = ["shown"]
