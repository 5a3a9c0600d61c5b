"""Documents of an ERP on their way in, whichever road they come by: their identity and what is to become of them. Pure.

What is pushed, polled or read from a file is one and the same document where its number is: heard by two roads it is
heard once. What its number says differently the second time is a conflict, and never simply taken or dropped.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from types import MappingProxyType
from typing import Any

import msgspec

from crossdock.contract.flow import Route
from crossdock.contract.message import Message
from crossdock.errors import MappingError
from crossdock.flows.cells import plain
from crossdock.flows.fulfilment import KINDS, Raw, message_id, number_of, order_number, read
from crossdock.model.base import Record

LOOK = "fulfilments"
FLOWS: frozenset[str] = frozenset(KINDS)
HASH = 16
NAMELESS = "?"


class Itself(dict[str, str]):
    """A table in which each warehouse is its own place: what a document says does not depend on the settings."""

    def __contains__(self, name: object) -> bool:
        return True

    def __missing__(self, name: str) -> str:
        return name

    def __bool__(self) -> bool:
        return True


ANYWHERE: Mapping[str, Any] = MappingProxyType({"warehouses": Itself()})


class Heard(Record, frozen=True, kw_only=True):
    """A document as it came in. `wrong` says why it cannot be carried out as it is, or nothing.

    `people`: whom it is about, as keyed fingerprints.
    """

    message: Message
    fingerprint: str
    wrong: str = ""
    people: tuple[str, ...] = ()


def options_of(route: Route) -> Mapping[str, Any]:
    """What documents are read by: the warehouses of the route's stock."""
    found: Mapping[str, Any] = route.states.get("inventory", {})
    return found


def heard(
    source: str, target: str, flow: str, raw: Raw, options: Mapping[str, Any], order_id: str, now: datetime
) -> Heard:
    """What came. One that cannot be read goes under a name with its content in it: put right, it is another one."""
    try:
        read(flow, raw, source, options)
        name, wrong = message_id(target, flow, raw), ""
        print_of = fingerprint(flow, raw)
    except MappingError as error:
        print_of = _hash(raw)
        name, wrong = f"{target}:{flow}:{_number(raw)}!{print_of[:HASH]}", str(error)
    message = Message(
        id=name,
        source=source,
        flow=LOOK,
        subject=name,
        reference=order_of(raw),
        occurred_at=now,
        payload=msgspec.json.encode({"flow": flow, "document": raw, "order_id": order_id}),
    )
    return Heard(message=message, fingerprint=print_of, wrong=wrong)


def fingerprint(flow: str, raw: Raw) -> str:
    """Of what a document says, not of how it is written: 1 is 1.0, and columns that nobody reads do not count.

    Raises MappingError.
    """
    return _hash(_said(msgspec.to_builtins(read(flow, raw, "", ANYWHERE), builtin_types=(Decimal,))))


def order_of(raw: Raw) -> str:
    """The order's number, or "" where there is none to be read."""
    try:
        return order_number(raw)
    except MappingError:
        return ""


def _number(raw: Raw) -> str:
    try:
        return number_of(raw)
    except MappingError:
        return NAMELESS


def _said(value: Any) -> Any:
    """The same number is the same text."""
    if isinstance(value, Decimal):
        return plain(value)
    if isinstance(value, dict):
        return {name: _said(inner) for name, inner in value.items()}
    return [_said(inner) for inner in value] if isinstance(value, list | tuple) else value


def _hash(said: Any) -> str:
    return hashlib.sha256(msgspec.json.encode(said, order="sorted")).hexdigest()


__all__ = ["FLOWS", "LOOK", "Heard", "fingerprint", "heard", "options_of", "order_of"]
