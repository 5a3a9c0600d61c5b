"""An order as it would be entered and as it is there, both in the words of the body that is sent. Pure.

Charges and their components stand under their codes, since Oracle Pricing adds some of its own; what is not there came
to nothing. Our key is not compared, nor what only we could have named so: ids and numbers of lines, schedules, charges;
the id of a line is held against theirs where it is one of ours. Prices for one piece are not compared either: how many
decimals Oracle keeps of them is not known, and amount and quantity say the same. Of an order that was cancelled since,
neither is what was ordered.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from crossdock.erp.oracle_fusion.client import Row
from crossdock.erp.oracle_fusion.mapping import MARK, Values, iso
from crossdock.erp.oracle_fusion.settings import FusionSettings
from crossdock.flows.parts import Amounts, cents
from crossdock.model.money import ZERO

PEOPLE = ("billToCustomer", "shipToCustomer")
TOTALS, LINES, CHARGES, COMPONENTS = "totals", "lines", "charges", "chargeComponents"
HEAD = ",".join((*PEOPLE, TOTALS))  # what is expanded of an order, and of its lines
LINE = f"{CHARGES}.{COMPONENTS}"
MOMENTS = frozenset({"TransactionOn", "RequestedShipDate"})
QUANTITIES = frozenset({"OrderedQuantity", "PricedQuantity"})
AMOUNTS = frozenset({"ChargeCurrencyExtendedAmount", "HeaderCurrencyExtendedAmount"})
LINE_ID = "SourceTransactionLineId"
NONE = frozenset[str]()
OURS = frozenset(
    [
        *("SourceTransactionLineNumber", "SourceTransactionScheduleId", "SourceScheduleNumber"),
        *("SourceChargeId", "SourceChargeComponentId", "SequenceNumber"),
        *("ChargeCurrencyUnitPrice", "HeaderCurrencyUnitPrice"),
    ]
)


def told_of(body: Mapping[str, Any], sums: Amounts, settings: FusionSettings) -> Values:
    """The body of the POST, submitted as far as it is going to be, with the totals that Oracle has to come to."""
    told = {name: _value(name, value) for name, value in body.items() if name != LINES}
    told["SubmittedFlag"] = settings.submit
    codes = settings.totals
    named = {codes.net: sums.untaxed, codes.tax: sums.tax, codes.gross: sums.total}
    if totals := {code: amount for code, amount in named.items() if code}:
        told[TOTALS] = totals
    told[LINES] = [_line(one) for one in body[LINES]]
    return told


def shown_of(row: Row, lines: Sequence[Row], wanted: Values) -> Values:
    """The same of an order that was read with HEAD, and of its lines, read with LINE; what is not told is not in it."""
    told = {name: _value(name, row[name]) for name in wanted if name in row and name not in {*PEOPLE, TOTALS}}
    for name in PEOPLE:
        if (people := _children(row, name)) is not None:
            told[name] = [dict(one) for one in people]
    if (totals := _children(row, TOTALS)) is not None:
        told[TOTALS] = {
            str(one.get("TotalCode")): amount
            for one in totals
            if (amount := _amount(one.get("TotalAmount"))) is not None
        }
    told[LINES] = [_there(one, wanted[LINES]) for one in lines]
    return _without_amounts(told) if row.get("CanceledFlag") is True else told


def _without_amounts(told: Values) -> Values:
    lines = [
        {name: value for name, value in one.items() if name not in {CHARGES, "OrderedQuantity"}} for one in told[LINES]
    ]
    return {name: value for name, value in told.items() if name != TOTALS} | {LINES: lines}


def _line(body: Mapping[str, Any]) -> Values:
    """Of ours: first what tells it from others."""
    told = {name: _value(name, body[name]) for name in (LINE_ID, "ProductNumber", *body) if name != CHARGES}
    told[CHARGES] = {
        charge["ChargeDefinitionCode"]: {
            name: _value(name, value) for name, value in charge.items() if name != COMPONENTS
        }
        | {COMPONENTS: {one["PriceElementCode"]: _values(one, but=NONE) for one in charge[COMPONENTS]}}
        for charge in body[CHARGES]
    }
    return told


def _there(row: Row, wanted: Sequence[Values]) -> Values:
    """Of theirs, in as many words as ours have."""
    names = {name for one in wanted for name in one if name in row} - OURS - {CHARGES}
    if str(row.get(LINE_ID) or "") not in {one[LINE_ID] for one in wanted}:
        names.discard(LINE_ID)
    told = {name: _value(name, row[name]) for name in names}
    charges = _children(row, CHARGES)
    if charges is not None:
        codes = {
            (code, element) for one in wanted for code, charge in one[CHARGES].items() for element in charge[COMPONENTS]
        }
        told[CHARGES] = dict(_charges(charges, codes))
    return told


def _charges(rows: Sequence[Row], wanted: set[tuple[str, str]]) -> Iterator[tuple[str, Values]]:
    for code in {code for code, _ in wanted}:
        found = [one for one in rows if one.get("ChargeDefinitionCode") == code]
        told = _values(found[0]) if found else {}
        parts = [_children(one, COMPONENTS) for one in found]
        if None not in parts:
            components = [one for part in parts for one in part or ()]
            told[COMPONENTS] = {element: _component(components, element) for of, element in wanted if of == code}
        yield code, told


def _component(rows: Sequence[Row], element: str) -> Values:
    """Of several by one code their sum."""
    found = [one for one in rows if one.get("PriceElementCode") == element]
    amounts: Values = {}
    for name in AMOUNTS:
        known = [amount for one in found if (amount := _amount(one.get(name))) is not None]
        if len(known) == len(found):
            amounts[name] = sum(known, ZERO)
    return (_values(found[0]) if found else {}) | amounts


def _values(row: Row, *, but: frozenset[str] = OURS) -> Values:
    """What is told of a charge or a component itself: of a code that nothing is told of, null is no answer."""
    told = ((name, value) for name, value in row.items() if name not in but and not isinstance(value, list | dict))
    return {name: _value(name, value) for name, value in told if value is not None}


def _value(name: str, value: Any) -> Any:
    if name in MOMENTS:
        return _moment(value)
    if name in QUANTITIES or name in AMOUNTS:
        return _number(value) if name in QUANTITIES else _amount(value)
    if not isinstance(value, str):
        return value
    lines = (line for line in value.splitlines() if not line.strip().startswith(MARK))
    return " ".join(" ".join(lines).split())


def _moment(value: Any) -> Any:
    """In UTC, whole seconds, whatever zone and fractions it is told with."""
    try:
        moment = datetime.fromisoformat(str(value))
    except ValueError:
        return value
    return iso(moment) if moment.tzinfo is not None else value


def _number(value: Any) -> Decimal | None:
    known = isinstance(value, int | Decimal) and not isinstance(value, bool)
    return Decimal(value) if known else None


def _amount(value: Any) -> Decimal | None:
    number = _number(value)
    return None if number is None else cents(number)


def _children(row: Row, name: str) -> Sequence[Row] | None:
    """Expanded rows: a list, or a collection from framework version 3 on; None where not all of them are told."""
    found = row.get(name)
    if isinstance(found, Mapping):
        found = None if found.get("hasMore") is True else found.get("items")
    return found if isinstance(found, list) else None


__all__ = ["HEAD", "LINE", "shown_of", "told_of"]
