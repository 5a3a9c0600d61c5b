"""Rows in memory that are asked for in OData V4: filters, order, pages. A small part of it, and strict."""

from __future__ import annotations

import fnmatch
import operator
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from crossdock.model.base import Record

Row = dict[str, Any]
Test = Callable[[Row], bool]
TOKEN = re.compile(r"\s*(?:(?P<enum>[\w.]+)?'(?P<text>(?:[^']|'')*)'|(?P<sign>[(),])|(?P<word>[^\s(),']+))")
COMPARE: Mapping[str, Callable[[Any, Any], bool]] = {
    "eq": operator.eq,
    "ne": operator.ne,
    "gt": operator.gt,
    "ge": operator.ge,
    "lt": operator.lt,
    "le": operator.le,
}
MOST = 20_000


class Refusal(Exception):
    """What the service says no to."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message


class Found(Record, frozen=True, kw_only=True):
    """Rows of a page and the place at which the next one begins, None at the end."""

    rows: list[Row]
    next: int | None = None


class Filter:
    """A parsed `$filter`. `same_field`: `or` is for tests of one field only, as Business Central has it."""

    def __init__(self, text: str, fields: Iterable[str], *, same_field: bool = False, with_in: bool = True) -> None:
        self._tokens = _tokens(text)
        self._fields = frozenset(fields)
        self._same_field = same_field
        self._with_in = with_in
        self._place = 0
        self.test, _ = self._any()
        if self._place < len(self._tokens):
            raise Refusal(400, "BadRequest", f"syntax error in the filter at {self._tokens[self._place][1]!r}")

    def _any(self) -> tuple[Test, frozenset[str]]:
        tests, fields = self._joined("or", self._all)
        if self._same_field and len(tests) > 1 and len(fields) > 1:
            raise Refusal(
                400, "BadRequest", "The 'OR' operator is not supported on distinct fields on an OData filter."
            )
        return (lambda row: any(test(row) for test in tests)), fields

    def _all(self) -> tuple[Test, frozenset[str]]:
        tests, fields = self._joined("and", self._single)
        return (lambda row: all(test(row) for test in tests)), fields

    def _joined(self, word: str, part: Callable[[], tuple[Test, frozenset[str]]]) -> tuple[list[Test], frozenset[str]]:
        test, fields = part()
        tests = [test]
        while self._peek() == ("word", word):
            self._place += 1
            test, more = part()
            tests.append(test)
            fields |= more
        return tests, fields

    def _single(self) -> tuple[Test, frozenset[str]]:
        if self._peek() == ("sign", "("):
            self._place += 1
            found = self._any()
            self._sign(")")
            return found
        field, sign = self._word(), self._word()
        if field not in self._fields:
            raise Refusal(400, "BadRequest", f"Could not find a property named '{field}'.")
        if sign == "in" and self._with_in:
            values = self._listed()
            return (lambda row: any(_equal(row.get(field), value) for value in values)), frozenset({field})
        if sign not in COMPARE:
            raise Refusal(400, "BadRequest", f"'{sign}' is no operator that is known here")
        value, compare = self._value(), COMPARE[sign]
        return (lambda row: _holds(compare, row.get(field), value)), frozenset({field})

    def _listed(self) -> list[Any]:
        self._sign("(")
        values = [self._value()]
        while self._peek() == ("sign", ","):
            self._place += 1
            values.append(self._value())
        self._sign(")")
        return values

    def _peek(self) -> tuple[str, str]:
        return self._tokens[self._place] if self._place < len(self._tokens) else ("end", "")

    def _word(self) -> str:
        kind, text = self._peek()
        if kind != "word":
            raise Refusal(400, "BadRequest", "syntax error in the filter")
        self._place += 1
        return text

    def _sign(self, sign: str) -> None:
        if self._peek() != ("sign", sign):
            raise Refusal(400, "BadRequest", f"syntax error in the filter: {sign} is missing")
        self._place += 1

    def _value(self) -> Any:
        kind, text = self._peek()
        if kind not in {"text", "word"}:
            raise Refusal(400, "BadRequest", "syntax error in the filter: a value is missing")
        self._place += 1
        return text if kind == "text" else _constant(text)


class Asking(Record, frozen=True, kw_only=True):
    """The query options of one request."""

    where: str = ""
    order: tuple[tuple[str, bool], ...] = ()  # field, descending
    select: tuple[str, ...] = ()
    start: int = 0
    size: int = MOST

    @classmethod
    def of(cls, query: Mapping[str, str], headers: Mapping[str, str], fields: Iterable[str]) -> Asking:
        """Raises Refusal for options and fields that are not known."""
        known = {"$filter", "$orderby", "$select", "$expand", "$skiptoken", "$top", "cross-company", "$count"}
        if strange := sorted(query.keys() - known):
            raise Refusal(400, "BadRequest", f"the query option {strange[0]} is not known here")
        parts = [one.split() for one in query.get("$orderby", "").split(",") if one.strip()]
        order = tuple((words[0], words[1:] == ["desc"]) for words in parts)
        select = tuple(one.strip() for one in query.get("$select", "").split(",") if one.strip())
        for field in (*(name for name, _ in order), *select):
            if field not in fields:
                raise Refusal(400, "BadRequest", f"Could not find a property named '{field}'.")
        wish = re.search(r"odata\.maxpagesize=(\d+)", headers.get("prefer", ""))
        size = int(wish[1]) if wish else int(query.get("$top", MOST))
        if size > MOST:
            raise Refusal(413, "BadRequest", "the page is too large")
        return cls(
            where=query.get("$filter", ""),
            order=order,
            select=select,
            start=int(query.get("$skiptoken", "0") or 0),
            size=size,
        )


def found(rows: Sequence[Row], asking: Asking, test: Test) -> Found:
    """The page that is asked for. A place is a number of rows passed over: the poorest kind of paging there is."""
    kept = [row for row in rows if test(row)]
    for field, descending in reversed(asking.order):
        kept.sort(key=lambda row, by=field: _sortable(row.get(by)), reverse=descending)  # type: ignore[misc]
    page = kept[asking.start : asking.start + asking.size]
    end = asking.start + len(page)
    return Found(rows=page, next=end if end < len(kept) else None)


def _tokens(text: str) -> list[tuple[str, str]]:
    told: list[tuple[str, str]] = []
    place = 0
    while place < len(text.rstrip()):
        match = TOKEN.match(text, place)
        if match is None:
            raise Refusal(400, "BadRequest", "syntax error in the filter")
        place = match.end()
        kind = "text" if match["text"] is not None else "sign" if match["sign"] else "word"
        value = match["text"].replace("''", "'") if kind == "text" else match[kind]
        told.append((kind, value))
    return told


def _constant(text: str) -> Any:
    if text in {"true", "false", "null"}:
        return {"true": True, "false": False, "null": None}[text]
    try:
        return Decimal(text)
    except InvalidOperation:
        pass
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return text  # a GUID


def _equal(one: Any, other: Any) -> bool:
    return _holds(operator.eq, one, other)


def _holds(compare: Callable[[Any, Any], bool], one: Any, other: Any) -> bool:
    if isinstance(other, datetime) and isinstance(one, str):
        one = datetime.fromisoformat(one)
    if isinstance(one, int | float) and not isinstance(one, bool):
        one = Decimal(str(one))
    if isinstance(one, str) and isinstance(other, str):
        one, other = one.casefold(), other.casefold()
        if "*" in other and compare in {operator.eq, operator.ne}:  # as both of Microsoft's servers take it
            return fnmatch.fnmatchcase(one, other.replace("[", "[[]").replace("?", "[?]")) is (compare is operator.eq)
    try:
        return bool(compare(one, other))
    except TypeError:
        return False


def _sortable(value: Any) -> tuple[int, Any]:
    if isinstance(value, bool | int | float | Decimal):
        return 1, Decimal(str(int(value) if isinstance(value, bool) else value))
    return (0, "") if value is None else (2, str(value))
