"""searchCriteria as a real store answers it: filter groups are ANDed, the filters in one ORed."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from decimal import Decimal, InvalidOperation
from typing import Any

from crossdock.sandbox.wire import Answer

NAME = re.compile(r"searchCriteria\[filter_?[gG]roups\]\[(\d+)\]\[filters\]\[(\d+)\]\[(\w+)\]")
SORT = re.compile(r"searchCriteria\[sortOrders\]\[(\d+)\]\[(\w+)\]")
MOMENT = re.compile(r"\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d")
NO_CRITERIA = {
    "message": '"%fieldName" is required. Enter and try again.',
    "parameters": {"fieldName": "searchCriteria"},
}

Row = dict[str, Any]


def search(rows: Sequence[Row], query: Mapping[str, str]) -> tuple[list[Row], int]:
    """The page, and how many there are in all. Past the end the page is empty; page 0 is page 1."""
    found = [row for row in rows if all(any(fits(row, one) for one in group) for group in filters(query))]
    for field, direction in reversed(sorts(query)):
        found.sort(key=lambda row: _sortable(row.get(field)), reverse=direction.upper() == "DESC")
    size = int(query.get("searchCriteria[pageSize]") or 0)
    page = max(1, int(query.get("searchCriteria[currentPage]") or 1))
    return (found[(page - 1) * size : page * size] if size else found), len(found)


def narrowed(page: tuple[list[Row], int], query: Mapping[str, str]) -> Answer:
    """With `fields=` an empty list becomes null; without it the criteria are echoed."""
    rows, total = page
    if "fields" not in query:
        return Answer(body={"items": rows, "search_criteria": {"filter_groups": []}, "total_count": total})
    inner = re.search(r"items\[([^\]]*)\]", query["fields"])
    names = inner[1].split(",") if inner else []
    body: dict[str, Any] = {"total_count": total} if "total_count" in query["fields"] else {}
    if "items" in query["fields"]:
        body["items"] = [{name: row[name] for name in names if name in row} for row in rows] or None
    return Answer(body=body)


def filters(query: Mapping[str, str]) -> list[list[dict[str, str]]]:
    """Groups of filters; both spellings of every name are taken, as the real store does."""
    groups: dict[str, dict[str, dict[str, str]]] = {}
    for name, value in query.items():
        if found := NAME.fullmatch(name):
            groups.setdefault(found[1], {}).setdefault(found[2], {})[
                found[3].replace("conditionType", "condition_type")
            ] = value
    return [[*group.values()] for group in groups.values()]


def sorts(query: Mapping[str, str]) -> list[tuple[str, str]]:
    """(field, direction), the first one weighing most."""
    orders: dict[str, dict[str, str]] = {}
    for name, value in query.items():
        if found := SORT.fullmatch(name):
            orders.setdefault(found[1], {})[found[2]] = value
    return [(one["field"], one.get("direction", "ASC")) for _, one in sorted(orders.items())]


def fits(row: Row, one: Mapping[str, str]) -> bool:
    """An unknown condition acts like `eq`; a date that is none matches every row (recorded)."""
    have, want = row.get(one["field"]), one.get("value", "")
    kind = one.get("condition_type", "eq")
    if kind in {"null", "notnull"}:
        return (have is None) is (kind == "null")
    if have is None:
        return False
    if kind in {"in", "nin"}:
        return (str(have) in want.split(",")) is (kind == "in")
    if one["field"].endswith("_at"):
        return _compare(str(have), want[:19].replace("T", " "), kind) if MOMENT.match(want) else True
    try:
        return _compare(Decimal(str(have)), Decimal(want), kind)
    except InvalidOperation:
        return _compare(str(have), want, kind)


def _compare(have: Any, want: Any, kind: str) -> bool:
    known = {"gt": have > want, "gteq": have >= want, "lt": have < want, "lteq": have <= want, "neq": have != want}
    return bool(known.get(kind, have == want))


def _sortable(value: Any) -> tuple[int, Any]:
    if isinstance(value, int | float | Decimal):
        return (0, Decimal(str(value)))
    return (1, str(value))
