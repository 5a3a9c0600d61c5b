"""`$filter` of OData V2, as much of it as an integration uses: comparisons, `and`, `or`, brackets."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

Row = Mapping[str, Any]
Test = Callable[[Row], bool]
TOKEN = re.compile(
    r"\s*(?:(?P<mark>[()])|(?P<time>datetimeoffset|datetime)'(?P<at>[^']*)'|'(?P<text>(?:[^']|'')*)'"
    r"|(?P<number>-?\d+(?:\.\d+)?[mM]?)(?![\w])|(?P<word>\w+))"
)
DATE = re.compile(r"/Date\((-?\d+)(?:[+-]\d+)?\)/")
COMPARE: Mapping[str, Callable[[Any, Any], bool]] = {
    "eq": lambda one, other: one == other,
    "ne": lambda one, other: one != other,
    "gt": lambda one, other: one > other,
    "ge": lambda one, other: one >= other,
    "lt": lambda one, other: one < other,
    "le": lambda one, other: one <= other,
}


class Unreadable(ValueError):
    """Not a filter that we know."""


def parse_filter(text: str, fields: Mapping[str, str]) -> Test:
    """Whether a row is meant. Raises Unreadable; an unknown field is unreadable too."""
    tokens = _tokens(text)
    test, rest = _or(tokens, fields)
    if rest:
        raise Unreadable(f"'{rest[0][1]}' is not expected")
    return test


def comparable(value: Any, kind: str) -> Any:
    """A value of a row, to compare: SAP takes nothing for an empty text."""
    kind = kind.lstrip("!")
    if kind == "t":
        found = DATE.fullmatch(value or "")
        return int(found[1]) if found else -1
    if kind == "b":
        return bool(value)
    return Decimal(value or 0) if kind.startswith("n") else (value or "")


def _tokens(text: str) -> list[tuple[str, Any]]:
    found: list[tuple[str, Any]] = []
    place = 0
    while text[place:].strip():
        match = TOKEN.match(text, place)
        if match is None:
            raise Unreadable(f"at {place}")
        place = match.end()
        found.append(_token(match))
    return found


def _token(match: re.Match[str]) -> tuple[str, Any]:
    kind = str(match.lastgroup)
    if match["time"]:
        moment = datetime.fromisoformat(match["at"])
        moment = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment
        return "value", int(moment.timestamp() * 1000)
    if kind == "text":
        return "value", match["text"].replace("''", "'")
    if kind == "number":
        return "value", Decimal(match["number"].rstrip("mM"))
    if match["word"] in {"true", "false"}:
        return "value", match["word"] == "true"
    return kind, match[kind]


def _or(tokens: list[tuple[str, Any]], fields: Mapping[str, str]) -> tuple[Test, list[tuple[str, Any]]]:
    test, rest = _and(tokens, fields)
    while rest and rest[0] == ("word", "or"):
        right, rest = _and(rest[1:], fields)
        test = _either(test, right)
    return test, rest


def _and(tokens: list[tuple[str, Any]], fields: Mapping[str, str]) -> tuple[Test, list[tuple[str, Any]]]:
    test, rest = _term(tokens, fields)
    while rest and rest[0] == ("word", "and"):
        right, rest = _term(rest[1:], fields)
        test = _both(test, right)
    return test, rest


def _term(tokens: list[tuple[str, Any]], fields: Mapping[str, str]) -> tuple[Test, list[tuple[str, Any]]]:
    if tokens and tokens[0] == ("mark", "("):
        test, rest = _or(tokens[1:], fields)
        if not rest or rest[0] != ("mark", ")"):
            raise Unreadable("a bracket is not closed")
        return test, rest[1:]
    if len(tokens) < 3 or tokens[0][0] != "word" or tokens[1][1] not in COMPARE or tokens[2][0] != "value":
        raise Unreadable("a comparison is expected")
    (_, field), (_, operator), (_, value) = tokens[:3]
    if field not in fields:
        raise Unreadable(f"Property {field} not found")
    kind = fields[field]
    return (lambda row: COMPARE[operator](comparable(row.get(field), kind), value)), tokens[3:]


def _either(left: Test, right: Test) -> Test:
    return lambda row: left(row) or right(row)


def _both(left: Test, right: Test) -> Test:
    return lambda row: left(row) and right(row)
