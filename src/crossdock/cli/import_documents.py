"""Documents and customers out of a file, as if the ERP had pushed them one by one."""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from itertools import islice

import msgspec

from crossdock.app import Crossdock, utc_now
from crossdock.cli.common import say
from crossdock.delivery.records import Arrival
from crossdock.errors import MappingError
from crossdock.feeds.feeds import FILE
from crossdock.feeds.files import Placed
from crossdock.flows import CUSTOMER_PUSHES, CUSTOMERS, customer_tables, document_rows
from crossdock.flows.document_rows import Row
from crossdock.flows.documents import LOOK, Heard
from crossdock.model.base import Record

CHUNK = 200  # documents stored in one transaction
SHOWN = 50
COLUMNS = {**document_rows.COLUMNS, CUSTOMERS.name: customer_tables.COLUMNS}
Rejected = tuple[int, str, str]  # which document, its number, and why
Found = tuple[int, Row, Heard]


class Came(Record, frozen=True, kw_only=True):
    """What a file came to. `lines` has the line that each document begins at."""

    what: str
    lines: array[int]
    rejected: list[Rejected]
    counts: dict[str, int]


class Desk(Record, frozen=True, kw_only=True):
    """What differs between documents and customers."""

    what: str
    of_rows: Callable[[Iterable[Placed]], Iterator[tuple[int, Row | MappingError]]]
    heard: Callable[[Row], Heard]
    arrival: Callable[[Heard], Arrival]
    foreseen: Callable[[list[Found]], Iterator[str]]


def desk_of(crossdock: Crossdock, flow: str, source: str, target: str, *, pushed: bool) -> Desk:
    """`pushed`: the file's rows are bodies of pushes (JSON Lines)."""
    if flow == CUSTOMERS.name:
        people, moment = crossdock.customers, utc_now()
        return Desk(
            what="customers",
            of_rows=lambda rows: customer_tables.customers(rows, pushed=pushed),
            heard=lambda row: people.imported(source, target, row, moment),
            arrival=lambda one: people.arrival(one, target, FILE),
            foreseen=lambda found: _changes(crossdock, source, target, found),
        )
    incoming = crossdock.incoming
    return Desk(
        what="documents",
        of_rows=document_rows.documents,
        heard=lambda row: incoming.heard(source, target, flow, row),
        arrival=lambda one: msgspec.structs.replace(incoming.arrival(one, target, FILE), keeps_conflicts=False),
        foreseen=lambda found: _looked_up(crossdock, source, found),
    )


def import_documents(crossdock: Crossdock, rows: Iterable[Placed], desk: Desk, *, dry_run: bool) -> Came:
    """All of them; those that cannot be read, and numbers that came before with another content, are rejected."""
    lines: array[int] = array("L")
    rejected: list[Rejected] = []
    counts: Counter[str] = Counter()
    came = desk.of_rows(rows)
    while chunk := list(islice(came, CHUNK)):
        start = len(lines)
        lines.extend(line for line, _ in chunk)
        heard: list[Found] = []
        for index, (_, one) in enumerate(chunk, start):
            found = one if isinstance(one, MappingError) else desk.heard(one)
            if isinstance(one, MappingError) or isinstance(found, MappingError) or found.wrong:
                why = str(found) if isinstance(found, MappingError) else found.wrong
                rejected.append((index, _named(one), why))
            else:
                heard.append((index, one, found))
        outcomes = desk.foreseen(heard) if dry_run else _stored(crossdock, desk, heard)
        for (index, one, _), outcome in zip(heard, outcomes, strict=True):
            counts[outcome.partition(":")[0]] += 1
            if outcome == "conflict":
                rejected.append((index, _named(one), "number: came before with another content"))
            elif dry_run and sum(counts.values()) <= SHOWN:
                say(f"line {lines[index]} {_named(one)}: {outcome}")
    crossdock.wake()
    return Came(what=desk.what, lines=lines, rejected=sorted(rejected), counts=dict(counts))


def _stored(crossdock: Crossdock, desk: Desk, heard: list[Found]) -> list[str]:
    arrivals = [desk.arrival(one) for _, _, one in heard]
    return [one.outcome for one in crossdock.store.record(arrivals, utc_now())] if arrivals else []


def _looked_up(crossdock: Crossdock, source: str, heard: list[Found]) -> Iterator[str]:
    """Whether its number is known; whether it then says the same, only an import tells."""
    known = crossdock.store.looks_at(source, LOOK, [one.message.id for _, _, one in heard])
    return ("known" if one.message.id in known else "new" for _, _, one in heard)


def _changes(crossdock: Crossdock, source: str, target: str, heard: list[Found]) -> Iterator[str]:
    """Names of the fields that would be told of anew, never what is in them. Whose word counts, the look decides."""
    known = crossdock.store.looks_at(source, CUSTOMER_PUSHES.name, [one.message.id for _, _, one in heard])
    for _, row, one in heard:
        if one.message.id in known:
            yield "duplicate"
            continue
        fields = crossdock.customers.changed(source, target, row)
        yield "new" if fields is None else f"changed: {', '.join(fields)}" if fields else "unchanged"


def _named(one: Row | MappingError) -> str:
    return "" if isinstance(one, MappingError) else str(one.get("number") or "")[:100]


__all__ = ["COLUMNS", "Came", "Desk", "desk_of", "import_documents"]
