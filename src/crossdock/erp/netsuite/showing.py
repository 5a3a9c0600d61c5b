"""A sales order in the words of the body that is sent: what would be sent, and what is there. Pure.

A reference is its id alone, whatever NetSuite tells with it. A field that is not in the record is taken for one that is
not told: it cannot be compared. Rows of tax details are compared without our own references between them and lines.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

from crossdock.contract.beside import beside
from crossdock.contract.shadow import Shown
from crossdock.erp.netsuite.mapping.orders import Values, money
from crossdock.erp.netsuite.settings import NetsuiteSettings
from crossdock.erp.netsuite.there import There
from crossdock.flows.parts import Amounts

ITEM, TAXES, REFERENCE = "item", "taxDetails", "taxDetailsReference"
CLOSED = "isClosed"
MOVING = frozenset({"orderStatus"})  # it goes on by itself
MONEY = frozenset({"amount", "tax1Amt", "taxBasis", "taxAmount", "total", "taxTotal"})
RATES = {ITEM: "rate", TAXES: "taxRate"}  # doubles, of which an account may keep fewer decimals
NUMBERS = MONEY | {*RATES.values(), "quantity", "shippingCost"}
NAMED = {ITEM: "item.id", TAXES: "taxCode.id"}


def shown(values: Values, sums: Amounts, there: There, settings: NetsuiteSettings) -> Shown:
    """`values`: the body that would be sent; `sums`: what it must come to."""
    own = {settings.custom.key, settings.custom.line_id, REFERENCE} | MOVING
    told = {name: value for name, value in values.items() if name not in own and name not in NAMED}
    ours: Values = {name: _plain(name, value) for name, value in told.items()}
    ours |= {"total": sums.total, "taxTotal": sums.tax}
    theirs: Values = {name: _as(ours[name], _plain(name, there.record[name])) for name in ours if name in there.record}
    for sublist, name in NAMED.items():
        if sublist in values:
            mine, other = _rows(values[sublist], own) or [], _rows(there.record.get(sublist), own, given=True)
            if other is not None:
                mine, other = beside(mine, other, name, {RATES[sublist]})
                theirs[sublist] = {"items": other}
            ours[sublist] = {"items": mine}
    return Shown(ours=ours, theirs=theirs, number=there.number, times=there.times)


def shown_closed(there: There) -> Shown | None:
    """Whether each line is closed: what a cancellation does. None where none is: nobody has cancelled it (yet)."""
    rows = _rows(there.record.get(ITEM), ())
    if rows is None:
        return Shown(ours={ITEM: {"items": [{CLOSED: True}]}}, theirs={}, number=there.number, times=there.times)
    closed = [{CLOSED: row.get(CLOSED) is True} for row in rows]
    if {CLOSED: True} not in closed:
        return None
    ours, theirs = {"items": [{CLOSED: True} for _ in closed]}, {"items": closed}
    return Shown(ours={ITEM: ours}, theirs={ITEM: theirs}, number=there.number, times=there.times)


def _rows(sublist: Any, own: Collection[str], *, given: bool = False) -> list[dict[str, Any]] | None:
    """None where not all of them are told."""
    rows = sublist.get("items") if isinstance(sublist, Mapping) else None
    if not isinstance(rows, list) or sublist.get("hasMore") is True:
        return None
    return [_row(row, own, given=given) for row in rows]


def _row(row: Mapping[str, Any], own: Collection[str], *, given: bool) -> dict[str, Any]:
    """With references as `item.id`; one that is given back by its bare name too, as some are sent."""
    told: dict[str, Any] = {}
    for name, value in row.items():
        if name in own or name == "links":
            continue
        if isinstance(value, Mapping):
            ident = str(value.get("id") or "")
            told |= {f"{name}.id": ident} | ({name: ident} if given else {})
        else:
            told[name] = _plain(name, value)
    return told


def _as(ours: Any, theirs: Any) -> Any:
    """A reference where the id alone is sent, and the other way round."""
    if isinstance(theirs, Mapping) and not isinstance(ours, Mapping):
        return theirs.get("id")
    if isinstance(ours, Mapping) and "id" in ours and not isinstance(theirs, Mapping):
        return {"id": theirs}
    return theirs


def _plain(name: str, value: Any) -> Any:
    if isinstance(value, Mapping):
        return {one: _plain(one, inner) for one, inner in value.items() if one != "links"}
    if isinstance(value, bool) or not isinstance(value, int | Decimal | str):
        return value
    if name in NUMBERS and (found := _number(value)) is not None:
        return money(found) if name in MONEY else found
    return value.replace("\r\n", "\n").strip() if isinstance(value, str) else value


def _number(value: int | Decimal | str) -> Decimal | None:
    try:
        found = Decimal(value)
    except InvalidOperation:
        return None
    return found if found.is_finite() else None


__all__ = ["shown", "shown_closed"]
