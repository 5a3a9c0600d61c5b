"""What the settings make of a payload: words by lookup tables, fields by JMESPath. Pure but for the lookups asked."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import jmespath

from crossdock.contract.lookups import Lookups
from crossdock.erp.rest.settings import PayloadSettings
from crossdock.errors import MappingError

R = TypeVar("R")
Payload = Mapping[str, Any]
Build = Callable[[R, str], Payload]
EACH = "[]"


def shaped(build: Build[R], wanted: PayloadSettings | None, lookups: Lookups) -> Build[R]:
    """The same builder, with its payload as the settings want it. It raises MissingEntry, MappingError."""
    if wanted is None:
        return build
    fields = {path: jmespath.compile(expression) for path, expression in wanted.fields.items()}

    def made(record: R, key: str) -> Payload:
        payload: Any = build(record, key)
        for path, table in wanted.lookups.items():
            payload = _translated(payload, path.split("."), table, lookups)
        found: dict[str, Any] = {} if wanted.only_fields else dict(payload)
        for path, expression in fields.items():
            put_in(found, path.split("."), _searched(expression, payload, path))
        return found

    return made


def _translated(value: Any, steps: list[str], table: str, lookups: Lookups) -> Any:
    """The value with the word at the end of `steps` in the target's language; what is not there stays so."""
    if not steps:
        return _word(value, table, lookups)
    name, each = steps[0].removesuffix(EACH), steps[0].endswith(EACH)
    if not isinstance(value, Mapping) or value.get(name) is None:
        return value
    inner = value[name]
    if each and isinstance(inner, list):
        changed: Any = [_translated(one, steps[1:], table, lookups) for one in inner]
    else:
        changed = _translated(inner, steps[1:], table, lookups)
    return {**value, name: changed}


def _word(value: Any, table: str, lookups: Lookups) -> Any:
    if isinstance(value, Mapping | list):
        raise MappingError(f"lookups.{table}", "is asked for something that is no word")
    found = lookups.find(table, str(value)) if value not in {None, ""} else None
    return value if found is None else found


def _searched(expression: Any, payload: Any, path: str) -> Any:
    try:
        return expression.search(payload)
    except jmespath.exceptions.JMESPathError as error:
        raise MappingError(path, f"its expression fails: {type(error).__name__}") from error


def put_in(payload: dict[str, Any], steps: list[str], value: Any) -> None:
    """At the end of `steps`; what is no table on the way becomes one."""
    for step in steps[:-1]:
        inner = payload.get(step)
        payload[step] = dict(inner) if isinstance(inner, Mapping) else {}
        payload = payload[step]
    payload[steps[-1]] = value
