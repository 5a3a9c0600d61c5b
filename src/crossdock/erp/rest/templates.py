"""What settings may hold beside plain values: addresses with places in them, JMESPath, statuses. Checked as read."""

from __future__ import annotations

from string import Formatter
from typing import Annotated

import jmespath
from pydantic import AfterValidator

PLACES = frozenset({"number", "order_number", "id", "key", "numbers"})
PERSON_PLACES = frozenset({"number", "id", "email", "website"})
READ_PLACES = frozenset({"since", "after", "cursor", "limit"})


def _expression(value: str) -> str:
    """Empty, or JMESPath."""
    if not value:
        return value
    try:
        jmespath.compile(value)
    except jmespath.exceptions.JMESPathError as error:
        raise ValueError("is no JMESPath expression") from error
    return value


def _read_path(value: str) -> str:
    if not value.startswith("/") or places_of(value) - READ_PLACES:
        raise ValueError("must start with / and may hold {since}, {after}, {cursor} and {limit} only")
    return value


def places_of(template: str) -> set[str]:
    """The names in braces. Raises ValueError."""
    try:
        return {name for _, name, _, _ in Formatter().parse(template) if name is not None}
    except ValueError as error:
        raise ValueError("has a brace without its partner") from error


def _path(value: str) -> str:
    if not value:
        return value
    names = places_of(value)
    if not value.startswith("/") or names - PLACES:
        raise ValueError("must start with / and may hold {number}, {order_number}, {id}, {key} and {numbers} only")
    return value


def _person_path(value: str) -> str:
    if value and (not value.startswith("/") or places_of(value) - PERSON_PLACES):
        raise ValueError("must start with / and may hold {number}, {id}, {email} and {website} only")
    return value


def _statuses(value: frozenset[int]) -> frozenset[int]:
    if not all(200 <= status < 300 or status == 409 for status in value):
        raise ValueError("may hold 2xx and 409 only: anything else is no success")
    return value


Expression = Annotated[str, AfterValidator(_expression)]
PathTemplate = Annotated[str, AfterValidator(_path)]
PersonPath = Annotated[str, AfterValidator(_person_path)]
ReadPath = Annotated[str, AfterValidator(_read_path)]
Statuses = Annotated[frozenset[int], AfterValidator(_statuses)]


__all__ = ["Expression", "PathTemplate", "PersonPath", "ReadPath", "Statuses", "places_of"]
