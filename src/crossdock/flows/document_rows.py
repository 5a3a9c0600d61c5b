"""Documents out of a table's rows: one row a line item or a parcel, those of one document together. Pure.

What a document says of itself stands in its first row; in the rows after that a cell is empty or says the same.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import groupby
from types import MappingProxyType
from typing import Any

from crossdock.errors import MappingError
from crossdock.flows.cells import is_empty

Row = Mapping[str, Any]
Placed = tuple[int, Row]  # the line of the file, and the row
YES: Mapping[str, bool] = MappingProxyType(
    {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}
)
FLAGS = frozenset({"notify", "capture", "online", "visible", "back_to_stock"})
LINE = ("line", "sku", "qty", "back_to_stock")
TRACK: Mapping[str, str] = MappingProxyType({"tracking": "number", "carrier": "carrier", "title": "title"})
COLUMNS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "shipments": (
            *("number", "order", "warehouse", "line", "sku", "qty", "tracking", "carrier", "title"),
            *("shipped_at", "comment", "notify"),
        ),
        "tracks": ("number", "order", "tracking", "carrier", "title", "comment", "notify"),
        "invoices": ("number", "order", "line", "sku", "qty", "capture", "comment", "notify"),
        "credit_memos": (
            *("number", "order", "line", "sku", "qty", "back_to_stock", "shipping", "adjustment_positive"),
            *("adjustment_negative", "online", "comment", "notify"),
        ),
        "order_updates": ("number", "order", "action", "status", "comment", "visible", "notify"),
    }
)
OWN = frozenset({*LINE, *TRACK, "warehouse"})  # columns that may differ from row to row


def documents(rows: Iterable[Placed]) -> Iterator[tuple[int, Row | MappingError]]:
    """Each with the line that it begins at, or why its rows are none. A row with lists in it is a document already."""
    for _, group in groupby(rows, key=_number):
        placed = [*group]
        if any(isinstance(value, list) for _, row in placed for value in row.values()):
            yield from placed
            continue
        try:
            yield placed[0][0], _document(placed)
        except MappingError as error:
            yield placed[0][0], error


def _number(placed: Placed) -> str:
    line, row = placed
    number = row.get("number")
    return f"line {line}" if is_empty(number) else f"number {number}".strip()


def _document(placed: list[Placed]) -> Row:
    first, head = placed[0]
    found = {name: _cell(name, value) for name, value in head.items() if name not in OWN and not is_empty(value)}
    for line, row in placed[1:]:
        for name, value in row.items():
            if name not in OWN and not is_empty(value) and _cell(name, value) != found.get(name):
                raise MappingError(name, f"in line {line} differs from line {first}")
    places = [row["warehouse"] for _, row in placed if not is_empty(row.get("warehouse"))]
    lines = [one for _, row in placed if (one := _line(row))]
    tracks = {one["number"]: one for _, row in placed if (one := _track(row))}
    if places:
        found["warehouse"] = places[0]
    return found | ({"lines": lines} if lines else {}) | ({"tracks": [*tracks.values()]} if tracks else {})


def _line(row: Row) -> dict[str, Any]:
    told = {name: _cell(name, row[name]) for name in LINE if not is_empty(row.get(name))}
    if told and not is_empty(row.get("warehouse")):
        told["warehouse"] = row["warehouse"]
    return told


def _track(row: Row) -> dict[str, Any]:
    told = {ours: row[name] for name, ours in TRACK.items() if not is_empty(row.get(name))}
    if told and "number" not in told:
        raise MappingError("tracking", "is missing")
    return told


def _cell(name: str, value: Any) -> Any:
    if name in FLAGS and not isinstance(value, bool):
        return YES.get(str(value).strip().lower(), value)
    return value
