"""Customers out of a table's rows: one row a customer, or a row for each of its addresses, together. Pure.

What is said of the customer stands in its first row; in the rows after that a cell is empty or says the same. An empty
cell says nothing; what is to be emptied is named in the column `clear`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import groupby
from typing import Any

from crossdock.errors import MappingError
from crossdock.flows.cells import is_empty
from crossdock.flows.customer_rows import ADDRESS_TEXTS, TEXTS, spoken
from crossdock.flows.customer_rows import FLAGS as ADDRESS_FLAGS
from crossdock.flows.document_rows import YES, Placed, Row

ADDRESS, ATTRIBUTE, BETWEEN = "address.", "attributes.", "|"
COLUMNS: tuple[str, ...] = (
    *("number", "as_of", "website", "email", *TEXTS, "subscribed", "clear"),
    *(ADDRESS + name for name in ("number", *ADDRESS_TEXTS[:3], "street", *ADDRESS_TEXTS[3:], *ADDRESS_FLAGS)),
)
MIDNIGHT = "T00:00:00"  # what a sheet keeps of a day


def customers(rows: Iterable[Placed], *, pushed: bool) -> Iterator[tuple[int, Row | MappingError]]:
    """Each with the line that it begins at, or why its rows are none. `pushed`: a row is the body of a push already.

    So is a table's row that has lists or objects in it, but for its empty cells.
    """
    if pushed:
        yield from rows
        return
    for _, group in groupby(rows, key=_number):
        placed = [*group]
        if any(isinstance(value, list | Mapping) for _, row in placed for value in row.values()):
            yield from ((line, spoken(row)) for line, row in placed)
            continue
        try:
            yield placed[0][0], _customer(placed)
        except MappingError as error:
            yield placed[0][0], error


def _number(placed: Placed) -> str:
    line, row = placed
    number = row.get("number")
    return f"line {line}" if is_empty(number) else f"number {number}".strip()


def _customer(placed: list[Placed]) -> Row:
    first, head = placed[0]
    told = {name: _cell(name, value) for name, value in head.items() if _is_own(name, value)}
    for line, row in placed[1:]:
        for name, value in row.items():
            if _is_own(name, value) and _cell(name, value) != told.get(name):
                raise MappingError(name, f"in line {line} differs from line {first}")
    attributes = {name.removeprefix(ATTRIBUTE): told.pop(name) for name in [*told] if name.startswith(ATTRIBUTE)}
    for name in str(told.pop("clear", "")).split(BETWEEN):
        _clear(name.strip(), told, attributes)
    addresses = [one for _, row in placed if (one := _address(row))]
    found = told | ({"attributes": attributes} if attributes else {})
    return found | ({"addresses": addresses} if addresses else {})


def _is_own(name: str, value: Any) -> bool:
    return not name.startswith(ADDRESS) and not is_empty(value)


def _clear(name: str, told: dict[str, Any], attributes: dict[str, Any]) -> None:
    place, key = (attributes, name.removeprefix(ATTRIBUTE)) if name.startswith(ATTRIBUTE) else (told, name)
    if not name:
        return
    if place is told and name not in TEXTS:
        raise MappingError("clear", "names something that cannot be emptied")
    if key in place:
        raise MappingError("clear", "names a field that the row has a value for")
    place[key] = None


def _address(row: Row) -> dict[str, Any]:
    told = {name.removeprefix(ADDRESS): value for name, value in row.items() if name.startswith(ADDRESS)}
    told = {name: _cell(name, value) for name, value in told.items() if not is_empty(value)}
    if isinstance(street := told.get("street"), str):
        told["street"] = street.split(BETWEEN)
    return told


def _cell(name: str, value: Any) -> Any:
    if name in {*ADDRESS_FLAGS, "subscribed"} and not isinstance(value, bool):
        return YES.get(str(value).strip().lower(), value)
    return value.removesuffix(MIDNIGHT) if name == "birthday" and isinstance(value, str) else value


__all__ = ["COLUMNS", "customers"]
