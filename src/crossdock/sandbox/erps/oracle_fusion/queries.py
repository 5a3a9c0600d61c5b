"""How a collection is asked: `q` of framework version 2 on, orderBy, limit and offset, fields."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

Row = Mapping[str, Any]
LARGEST = 499
USUAL = 25
CONDITION = re.compile(r"\s*(\w+)\s*(>=|<=|=|>|<)\s*('(?:[^']|'')*'|-?\d+)\s*")
SIGNS: Mapping[str, Callable[[Any, Any], bool]] = {
    "=": operator.eq,
    ">": operator.gt,
    "<": operator.lt,
    ">=": operator.ge,
    "<=": operator.le,
}


class Refused(Exception):
    """A query that Oracle would not take."""


def page(rows: Sequence[Row], query: Mapping[str, str], known: frozenset[str]) -> dict[str, Any]:
    """One page of it, as Oracle answers. `known`: fields that can be asked for."""
    found = [row for row in rows if _matches(row, query.get("q", ""), known)]
    for field, reverse in reversed(_order(query.get("orderBy", ""), known)):
        found.sort(key=lambda row, field=field: row[field], reverse=reverse)  # type: ignore[misc]  # the loop's own
    limit, offset = min(int(query.get("limit", USUAL)), LARGEST), int(query.get("offset", 0))
    shown = found[offset : offset + limit]
    return {
        "items": [chosen(row, query, known) for row in shown],
        "count": len(shown),
        "hasMore": offset + limit < len(found),
        "limit": limit,
        "offset": offset,
    }


def chosen(row: Row, query: Mapping[str, str], known: frozenset[str]) -> dict[str, Any]:
    """The fields that were asked for, or all of them."""
    if not query.get("fields"):
        return dict(row)
    names = query["fields"].split(",")
    if unknown := [name for name in names if name not in known]:
        raise Refused(f"The field {unknown[0]} is not known")
    return {name: row.get(name) for name in names}


def nested(rows: Sequence[Row], version: int) -> Any:
    """Expanded children: a list, and from framework version 3 on a collection."""
    if version < 3:
        return list(rows)
    return {"items": list(rows), "count": len(rows), "hasMore": False, "limit": USUAL, "offset": 0}


def _matches(row: Row, q: str, known: frozenset[str]) -> bool:
    return all(_holds(row, one, known) for one in re.split(r"\s+and\s+(?=\w+\s*[<>=])", q) if one.strip())


def _holds(row: Row, text: str, known: frozenset[str]) -> bool:
    found = CONDITION.fullmatch(text)
    if not found or found[1] not in known:
        raise Refused(f"The query {text!r} cannot be understood")
    there, wanted = row.get(found[1]), _value(found[3])
    if isinstance(there, str) and isinstance(wanted, str) and (moments := _moments(there, wanted)):
        return SIGNS[found[2]](*moments)
    if there is None:
        return False
    if isinstance(there, str) is not isinstance(wanted, str):
        raise Refused(f"The query {text!r} compares what cannot be compared")
    return SIGNS[found[2]](there, wanted)


def _value(text: str) -> str | int:
    return text[1:-1].replace("''", "'") if text.startswith("'") else int(text)


def _moments(*texts: str) -> tuple[datetime, ...]:
    try:
        return tuple(datetime.fromisoformat(text) for text in texts if re.match(r"\d{4}-\d\d-\d\dT", text or ""))[:2]
    except ValueError:
        return ()


def _order(text: str, known: frozenset[str]) -> list[tuple[str, bool]]:
    pairs = [one.partition(":") for one in text.split(",") if one]
    if unknown := [field for field, _, _ in pairs if field not in known]:
        raise Refused(f"The field {unknown[0]} cannot be ordered by")
    return [(field, way == "desc") for field, _, way in pairs]
