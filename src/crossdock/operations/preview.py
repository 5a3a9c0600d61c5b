"""What another lookup entry, or other settings, would change in orders that were really recorded. Nothing is sent."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import msgspec
from pydantic import ValidationError

from crossdock import rehearsal
from crossdock.connections import Connections
from crossdock.errors import ConfigurationError, MappingError, MessageError
from crossdock.exchanges import Exchanges
from crossdock.flows import LOOKS, ORDERS
from crossdock.lookups import Added
from crossdock.model.order import Order
from crossdock.operations.desk import Desk, View, line
from crossdock.operations.lookups import check
from crossdock.operations.masking import DECODER, HIDDEN, masked
from crossdock.settings import Settings
from crossdock.storage.sql import SqlStore

LAST, MOST = 200, 2000
LARGEST = 200_000  # characters of a settings file
# the parts that say what is sent. Addresses, credentials and the rest stay as they are
PARTS = ("routes", "lookups")
OF_A_CONNECTION = ("payloads",)
ENCODER = msgspec.json.Encoder(decimal_format="number")


class FieldChange(View, frozen=True, kw_only=True):
    """One field of what is sent: in how many orders it would change, and how it would in the first of them, as JSON."""

    field: str
    count: int
    order: str
    before: str
    after: str


class Stop(View, frozen=True, kw_only=True):
    """Orders that would not go any more, and the kind of the first of them."""

    reason: str
    count: int
    order: str
    kind: str


class Outcome(View, frozen=True, kw_only=True):
    """For one ERP, in orders. `started`: they would go now and did not."""

    target: str
    orders: int
    same: int
    changed: int
    started: int
    fields: list[FieldChange]
    stops: list[Stop]


class Preview(View, frozen=True, kw_only=True):
    """`orders` were looked at, the newest first; `unreadable` ones could not be."""

    orders: int
    unreadable: int
    targets: list[Outcome]
    cli: str


class Unreadable(View, frozen=True, kw_only=True):
    """An order that was read once, and cannot be any more."""

    store: str
    order: str
    reason: str


class Overlaid:
    """The entries that people added, and over them one that nobody has yet. For `LiveLookups.added_in`."""

    def __init__(self, added: Added, table: str, value: str, entry: str | None) -> None:
        rest = {name: word for name, word in added.get(table, {}).items() if name != value}
        self._entries = {name: dict(words) for name, words in added.items()}
        self._entries[table] = rest | ({value: entry} if entry is not None else {})

    def lookup_stamp(self) -> tuple[int, str]:
        """It never changes."""
        return (0, "")

    def lookup_entries(self) -> dict[str, dict[str, str]]:
        """By table and value."""
        return self._entries


def of_entry(desk: Desk, table: str, value: str, entry: str | None, last: int = LAST) -> Preview:
    """Of an entry that would stand there; None: of taking an added one back. Raises MappingError."""
    check(table, value, "-" if entry is None else entry)
    before, after = _ends(desk.settings, desk.store), _ends(desk.settings, desk.store)
    before.lookups.added_in(desk.store)
    before.lookups.look_again()
    added = desk.store.lookup_entries()
    after.lookups.added_in(Overlaid(added, table, value, entry))
    after.lookups.look_again()
    rules = desk.settings.lookups.get(table)
    stood = added.get(table, {}).get(value) or (rules.entries.get(value) if rules else None)
    words = frozenset(word for word in (stood, entry, rules.entries.get(value) if rules else None) if word)
    verb = line("lookups", "list", "--table", table)
    return _compared(desk.store, before, after, last, words, verb)


def of_settings(desk: Desk, text: str, last: int = LAST) -> Preview:
    """Of other `routes`, `lookups`, `connections.NAME.payloads`, as TOML. Raises MappingError, ConfigurationError."""
    other = _over(desk.settings, _read(text))
    before, after = _ends(desk.settings, desk.store), _ends(other, desk.store)
    for ends in (before, after):
        ends.lookups.added_in(desk.store)
    return _compared(desk.store, before, after, last, None, line("map", "preview", "--config", "NEW.toml"))


def told(ends: Connections) -> rehearsal.Told:
    """What these settings make of an order, for `rehearsal.compare`."""

    def preview(target: str, order: Order) -> Mapping[str, Any]:
        return ends.by_name[target].preview(ORDERS, order)

    return lambda source, order: rehearsal.outcomes(order, ends.routes(source), preview)


def orders_of(ends: Connections, store: SqlStore, last: int) -> Iterator[tuple[str, Order] | Unreadable]:
    """The newest orders that were read, each with the store that it came from."""
    for message in store.newest(LOOKS.name, last):
        if message.source not in ends.by_name:
            continue
        try:
            yield message.source, ends.source(message.source, LOOKS).parse(message).order
        except MessageError as error:
            yield Unreadable(store=message.source, order=message.reference or message.subject, reason=str(error))


def _compared(
    store: SqlStore, before: Connections, after: Connections, last: int, words: frozenset[str] | None, cli: str
) -> Preview:
    found = [*orders_of(before, store, min(max(last, 1), MOST))]
    orders = [one for one in found if not isinstance(one, Unreadable)]
    compared = rehearsal.compare(orders, told(before), told(after))
    return Preview(
        orders=len(orders),
        unreadable=len(found) - len(orders),
        targets=[_outcome(target, one, words) for target, one in sorted(compared.items())],
        cli=cli,
    )


def _outcome(target: str, one: rehearsal.Difference, words: frozenset[str] | None) -> Outcome:
    stopped = sum(stop.count for stop in one.stops.values())
    return Outcome(
        target=target,
        orders=one.orders,
        same=one.same,
        changed=one.orders - one.same - one.started - stopped,
        started=one.started,
        fields=[
            FieldChange(
                field=path,
                count=change.count,
                order=change.order,
                before=_shown(path, change.before, words),
                after=_shown(path, change.after, words),
            )
            for path, change in sorted(one.fields.items())
        ],
        stops=[
            Stop(reason=reason, count=stop.count, order=stop.order, kind=stop.kind)
            for reason, stop in one.stops.items()
        ],
    )


def _shown(path: str, value: Any, words: frozenset[str] | None) -> str:
    """As JSON. `words` may be seen wherever they stand; None: everything may."""
    text = ENCODER.encode(value)
    if words is None or (isinstance(value, str) and value in words):
        return text.decode()
    names = path.replace("[]", "").split(".")
    whole: Any = msgspec.Raw(text)
    for name in reversed(names):
        whole = {name: whole}
    seen: Any = DECODER.decode(masked(msgspec.json.encode(whole), shown=False))
    for name in names:
        if not isinstance(seen, dict):
            return msgspec.json.encode(HIDDEN).decode()
        seen = seen[name]
    return ENCODER.encode(seen).decode()


def _ends(settings: Settings, store: SqlStore) -> Connections:
    return Connections(settings, Exchanges(), store.sealer)


def _read(text: str) -> dict[str, Any]:
    if len(text) > LARGEST:
        raise MappingError("settings", f"has more than {LARGEST} characters")
    try:
        return tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise MappingError("settings", f"is no TOML: {error}") from error


def _over(settings: Settings, other: Mapping[str, Any]) -> Settings:
    """The settings with these parts in the place of their own. Raises MappingError for another part."""
    whole: dict[str, Any] = settings.model_dump(exclude_unset=True)
    whole |= {name: other[name] for name in PARTS if name in other}
    for name, rules in _connections(other):
        if name not in whole["connections"]:
            raise MappingError(f"connections.{name[:40]}", "is no connection")
        whole["connections"][name] = {**whole["connections"][name], **rules}
    if unknown := sorted(other.keys() - {*PARTS, "connections"}):
        raise MappingError(unknown[0][:40], f"is not looked at here, only {', '.join(_allowed())}")
    try:
        return Settings.model_validate(whole)
    except ValidationError as error:
        told = [f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in error.errors(include_input=False)]
        raise ConfigurationError(told) from error


def _connections(other: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    parts = other.get("connections", {})
    for name, rules in parts.items() if isinstance(parts, Mapping) else ():
        known = rules if isinstance(rules, Mapping) else {}
        if strange := sorted(known.keys() - set(OF_A_CONNECTION)):
            raise MappingError(
                f"connections.{name[:40]}.{strange[0][:40]}", f"is not looked at here, only {', '.join(_allowed())}"
            )
        yield name, known


def _allowed() -> Sequence[str]:
    return (*PARTS, *(f"connections.NAME.{one}" for one in OF_A_CONNECTION))


__all__ = [
    "LARGEST",
    "LAST",
    "MOST",
    "FieldChange",
    "Outcome",
    "Preview",
    "Stop",
    "Unreadable",
    "of_entry",
    "of_settings",
    "orders_of",
    "told",
]
