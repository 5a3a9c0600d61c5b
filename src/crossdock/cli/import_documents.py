"""Documents out of a file, as if the ERP had pushed them one by one. Importing a file again does nothing twice."""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import islice

import msgspec

from crossdock.app import Crossdock, utc_now
from crossdock.cli.common import say
from crossdock.errors import MappingError
from crossdock.feeds.feeds import FILE
from crossdock.feeds.files import Placed
from crossdock.flows.document_rows import COLUMNS, Row, documents
from crossdock.flows.documents import LOOK, Heard
from crossdock.model.base import Record

CHUNK = 200  # documents stored in one transaction
SHOWN = 50
Rejected = tuple[int, str, str]  # which document, its number, and why


class Came(Record, frozen=True, kw_only=True):
    """What a file came to. `lines` has the line that each document begins at."""

    lines: array[int]
    rejected: list[Rejected]
    counts: dict[str, int]


def import_documents(
    crossdock: Crossdock, flow: str, rows: Iterable[Placed], source: str, target: str, *, dry_run: bool
) -> Came:
    """All of them; those that cannot be read, and numbers that came before with another content, are rejected."""
    lines: array[int] = array("L")
    rejected: list[Rejected] = []
    counts: Counter[str] = Counter()
    came = documents(rows)
    while chunk := list(islice(came, CHUNK)):
        start = len(lines)
        lines.extend(line for line, _ in chunk)
        heard: list[tuple[int, Heard]] = []
        for index, (_, one) in enumerate(chunk, start):
            found = one if isinstance(one, MappingError) else crossdock.incoming.heard(source, target, flow, one)
            if isinstance(found, MappingError) or found.wrong:
                why = str(found) if isinstance(found, MappingError) else found.wrong
                rejected.append((index, _named(one), why))
            else:
                heard.append((index, found))
        outcomes = _looked_up(crossdock, source, heard) if dry_run else _stored(crossdock, target, heard)
        for (index, found), outcome in zip(heard, outcomes, strict=True):
            counts[outcome] += 1
            if outcome == "conflict":
                rejected.append((index, found.message.id.split(":", 2)[2], "number: came before with another content"))
            elif dry_run and sum(counts.values()) <= SHOWN:
                say(f"line {lines[index]} {found.message.id.split(':', 2)[2]}: {outcome}")
    crossdock.wake()
    return Came(lines=lines, rejected=sorted(rejected), counts=dict(counts))


def _stored(crossdock: Crossdock, target: str, heard: list[tuple[int, Heard]]) -> list[str]:
    arrivals = [
        msgspec.structs.replace(crossdock.incoming.arrival(one, target, FILE), keeps_conflicts=False)
        for _, one in heard
    ]
    return [one.outcome for one in crossdock.store.record(arrivals, utc_now())] if arrivals else []


def _looked_up(crossdock: Crossdock, source: str, heard: list[tuple[int, Heard]]) -> Iterator[str]:
    """Whether its number is known; whether it then says the same, only an import tells."""
    known = crossdock.store.looks_at(source, LOOK, [one.message.id for _, one in heard])
    return ("known" if one.message.id in known else "new" for _, one in heard)


def _named(one: Row | MappingError) -> str:
    return "" if isinstance(one, MappingError) else str(one.get("number") or "")[:100]


__all__ = ["COLUMNS", "Came", "import_documents"]
