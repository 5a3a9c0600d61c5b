"""searchCriteria as a real store answers it: filter groups are ANDed, the filters in one ORed."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal, InvalidOperation
from hashlib import blake2b
from typing import Any

from crossdock.model.base import Record
from crossdock.sandbox.faults import Bugs
from crossdock.sandbox.wire import Answer

FILTER = re.compile(r"(?:searchCriteria|search_criteria)\[filter_?[gG]roups\]\[(\d+)\]\[filters\]\[(\d+)\]\[(\w+)\]")
SORT = re.compile(r"(?:searchCriteria|search_criteria)\[(?:sortOrders|sort_orders)\]\[(\d+)\]\[(\w+)\]")
MOMENT = re.compile(r"\d{4}-\d\d-\d\d([ T]\d\d:\d\d:\d\d)?")
NO_MOMENT = "0000-00-00 00:00:00"
NO_CRITERIA = {
    "message": '"%fieldName" is required. Enter and try again.',
    "parameters": {"fieldName": "searchCriteria"},
}
REPORT = {"message": "Internal Error. Details are available in Magento log file. Report ID: webapi-6b03c89f4a75d"}
SORT_DIRECTION = {
    "message": "The sort order has to be specified as %1 for ascending order or %2 for descending order.",
    "parameters": ["ASC", "DESC"],
}

Row = dict[str, Any]


class Criteria(Record, frozen=True, kw_only=True):
    """What was asked: groups of filters, sorts as (field, direction), size 0 for all, page as given."""

    groups: list[list[dict[str, str]]]
    sorts: list[tuple[str, str]]
    size: int | None
    page: int | None

    def fields(self) -> set[str]:
        """All that are filtered or sorted by."""
        return {one.get("field", "") for group in self.groups for one in group} | {name for name, _ in self.sorts}

    def echoed(self) -> Row:
        """As the answer repeats it."""
        told: Row = {"filter_groups": [{"filters": group} for group in self.groups]}
        if self.sorts:
            told["sort_orders"] = [{"field": field, "direction": way} for field, way in self.sorts]
        numbers = {"page_size": self.size, "current_page": self.page}
        return told | {name: number for name, number in numbers.items() if number is not None}


def listed(rows: Sequence[Row], query: Mapping[str, str], columns: set[str], bugs: Bugs) -> Answer:
    """The whole answer to a list call. `columns`: what may be filtered by; anything else is an internal error."""
    if not any(name.startswith(("searchCriteria", "search_criteria")) for name in query):
        return Answer(status=400, body=NO_CRITERIA)
    criteria = read_criteria(query)
    if isinstance(criteria, Answer):
        return criteria
    if criteria.fields() - columns:
        return Answer(status=500, body=REPORT)
    page, total = search(rows, criteria, bugs)
    if poisoned := [row["entity_id"] for row in page if is_poison(row, bugs)]:
        told = f'Item (Magento\\Sales\\Model\\Order\\Interceptor) with the same ID "{poisoned[0]}" already exists.'
        return Answer(status=500, body={"message": told})
    body = {"items": page, "search_criteria": criteria.echoed(), "total_count": total + bugs.total_off_by}
    return Answer(body=narrowed(body, query.get("fields")))


def is_poison(row: Row, bugs: Bugs) -> bool:
    """Whether a list with this in it fails: an order, which alone has its own number and lines to be invoiced."""
    number = row.get("entity_id") if "total_item_count" in row else None
    return number in bugs.poison_ids or bool(bugs.poison_every and number and number % bugs.poison_every == 0)


def read_criteria(query: Mapping[str, str]) -> Criteria | Answer:
    """Both spellings of every name are taken, as the real store does; the Answer is an error."""
    groups: dict[str, dict[str, dict[str, str]]] = {}
    orders: dict[str, dict[str, str]] = {}
    for name, value in query.items():
        if found := FILTER.fullmatch(name):
            group = groups.setdefault(found[1], {})
            group.setdefault(found[2], {})[found[3].replace("conditionType", "condition_type")] = value
        elif found := SORT.fullmatch(name):
            orders.setdefault(found[1], {})[found[2]] = value
    sorts = [(one.get("field", ""), one.get("direction", "ASC").upper()) for _, one in sorted(orders.items())]
    if any(way not in {"ASC", "DESC"} for _, way in sorts):
        return Answer(status=400, body=SORT_DIRECTION)
    numbers: dict[str, int | None] = {}
    for name, other in (("pageSize", "page_size"), ("currentPage", "current_page")):
        value = query.get(f"searchCriteria[{name}]") or query.get(f"searchCriteria[{other}]") or ""
        if value and not value.lstrip("-").isdigit():
            return Answer(status=400, body={"message": _not_a_number(name, value)})
        numbers[name] = int(value) if value else None
    filters = [[*group.values()] for _, group in sorted(groups.items())]
    return Criteria(groups=filters, sorts=sorts, size=numbers["pageSize"], page=numbers["currentPage"])


def search(rows: Sequence[Row], criteria: Criteria, bugs: Bugs) -> tuple[list[Row], int]:
    """The page, and how many there are in all. Past the end the page is empty; page 0 is page 1."""
    tests = [[_test(one) for one in group] for group in criteria.groups]
    found = [row for row in rows if all(any(test(row) for test in group) for group in tests)]
    size, page = criteria.size or 0, max(1, criteria.page or 1)
    if bugs.pages_from_zero and criteria.page is not None:
        page = criteria.page + 1
    if bugs.unstable_order:
        found.sort(key=lambda row: blake2b(f"{page} {row.get('entity_id')}".encode()).digest())
    for field, direction in reversed(criteria.sorts):
        found.sort(key=lambda row: _sortable(row.get(field)), reverse=direction == "DESC")
    if size and bugs.last_page_repeats:
        page = min(page, max(1, -(-len(found) // size)))
    return (found[(page - 1) * size : page * size] if size > 0 else found), len(found)


def narrowed(body: Any, fields: str | None) -> Any:
    """What `fields=` leaves of it: `a,b[c,d[e]]`. An empty list becomes null."""
    return _only(body, _wanted(fields)) if fields else body


def _wanted(fields: str) -> dict[str, Any]:
    stack: list[dict[str, Any]] = [{}]
    name = ""
    for mark in [*fields, ","]:
        if mark == "[":
            inner: dict[str, Any] = {}
            stack[-1][name.strip()] = inner
            stack.append(inner)
            name = ""
        elif mark in ",]":
            if name.strip():
                stack[-1].setdefault(name.strip(), None)
            name = ""
            if mark == "]" and len(stack) > 1:
                stack.pop()
        else:
            name += mark
    return stack[0]


def _only(value: Any, wanted: dict[str, Any] | None) -> Any:
    if isinstance(value, list):
        return [_only(one, wanted) for one in value] or None
    if wanted is None or not isinstance(value, dict):
        return value
    return {name: _only(value[name], inner) for name, inner in wanted.items() if name in value}


def _test(one: Mapping[str, str]) -> Callable[[Row], bool]:
    """An unknown condition acts like `eq` (recorded)."""
    field, want = one.get("field", ""), one.get("value", "")
    kind = one.get("condition_type", "eq")
    if kind in {"null", "notnull"}:
        return lambda row: (row.get(field) is None) is (kind == "null")
    if kind in {"in", "nin"}:
        among = set(want.casefold().split(","))
        return lambda row: row.get(field) is not None and (str(row[field]).casefold() in among) is (kind == "in")
    if kind in {"like", "nlike"}:
        pattern = re.compile(re.escape(want).replace("%", ".*").replace("_", "."), re.IGNORECASE | re.DOTALL)
        return lambda row: row.get(field) is not None and bool(pattern.fullmatch(str(row[field]))) is (kind == "like")
    if field.endswith("_at"):
        # a garbage date acts as the beginning of all times, an offset is cut off and ignored (both recorded)
        moment = want[:19].replace("T", " ") if MOMENT.match(want) else NO_MOMENT
        return lambda row: row.get(field) is not None and _compare(row[field], moment, kind)
    return lambda row: row.get(field) is not None and _compare(*_alike(row[field], want), kind)


def _alike(have: Any, want: str) -> tuple[Any, Any]:
    if isinstance(have, str):
        return have.casefold(), want.casefold()
    try:
        return Decimal(str(have)), Decimal(want)
    except InvalidOperation:
        return Decimal(str(have)), Decimal(0)  # MySQL reads a text that is no number as 0


def _compare(have: Any, want: Any, kind: str) -> bool:
    if kind in {"gt", "lt", "neq"}:
        return bool(have > want if kind == "gt" else have < want if kind == "lt" else have != want)
    if kind in {"gteq", "moreq", "from"}:
        return bool(have >= want)
    return bool(have <= want if kind in {"lteq", "to"} else have == want)


def _sortable(value: Any) -> tuple[int, Any]:
    if isinstance(value, int | float | Decimal):
        return (0, value)
    return (1, str(value).casefold())  # the collation that conditions compare by


def _not_a_number(name: str, value: str) -> str:
    return (
        f'Error occurred during "{name}" processing. The "{value}" value\'s type is invalid. '
        'The "int" type was expected. Verify and try again.'
    )
