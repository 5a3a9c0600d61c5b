"""Lists of deliveries for people, newest first, by keyset. A filter is ranges of an index, a search a few subjects."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import BigInteger, Executable, Table, bindparam, select, tuple_
from sqlalchemy.engine import Connection

from crossdock.delivery.records import State
from crossdock.model.base import Record
from crossdock.storage.dialect import Once, among, listed
from crossdock.storage.overview import OPENED, ORDERED, SAME, Group, groups, values_of
from crossdock.storage.payloads import Payloads
from crossdock.storage.prepared import Prepared
from crossdock.storage.rows import payload_subject
from crossdock.storage.tables import (
    EPOCH,
    archived_deliveries,
    archived_messages,
    deliveries,
    links,
    messages,
    micros,
)

MOST_PLACES = 500
MOST_ROWS = 5000  # of the subjects that a search has found
LAST = datetime(9999, 1, 1, tzinfo=UTC)
LARGEST = 2**62
Place = tuple[str, str]  # source and subject
Spot = tuple[int, int]  # of a row in the list: since when it is owed (microseconds), and its id


class DeliveryRow(Record, frozen=True, kw_only=True):
    """One line of a list. `opened_at`: since when it is owed as it is; `resolved_why`: of one that is done with."""

    id: int
    flow: str
    source: str
    target: str
    subject: str
    reference: str
    key: str
    state: State
    is_open: int
    attempts: int
    created_at: datetime
    opened_at: datetime
    due_at: datetime
    settled_at: datetime | None
    maybe_sent: bool
    code: str
    reason: str
    owner: str
    resolved_why: str

    def word(self) -> str:
        """The state as people say it."""
        return "resolved" if self.state == State.DEAD and not self.is_open else str(self.state)

    def spot(self) -> Spot:
        """Where it is in the list."""
        return (micros(self.opened_at), self.id)


class Filter(Record, frozen=True, kw_only=True):
    """Every given part must match. `places`: only these subjects; () is all of them. `before`: behind this spot."""

    flow: str = ""
    target: str = ""
    state: str = ""
    code: str = ""
    since: datetime = EPOCH
    until: datetime = LAST
    places: tuple[Place, ...] = ()
    before: Spot = (LARGEST, LARGEST)
    limit: int = 50


COLUMNS = DeliveryRow.__struct_fields__
SPOTS = Prepared(
    select(OPENED.label("opened_at"), deliveries.c.id)
    .where(
        *SAME,
        tuple_(*ORDERED) < tuple_(bindparam("w_opened_at", type_=BigInteger), bindparam("w_id", type_=BigInteger)),
        bindparam("since", type_=BigInteger) <= OPENED,
    )
    .order_by(*(column.desc() for column in ORDERED))
    .limit(bindparam("most"))
)


def _by_ids(dialect: str) -> Executable:
    return select(*deliveries.c[*COLUMNS]).where(among(dialect, deliveries.c.id, "ids"))


def _of_subjects(table: Table) -> Once:
    def build(dialect: str) -> Executable:
        columns, here = table.c[*COLUMNS], table.c.source == bindparam("wanted_source")
        return select(*columns).where(here, among(dialect, table.c.subject, "subjects")).limit(bindparam("most"))

    return build


BY_IDS = Prepared(_by_ids)
OF_SUBJECTS = [Prepared(_of_subjects(table)) for table in (deliveries, archived_deliveries)]


def listing(connection: Connection, which: Filter) -> list[DeliveryRow]:
    """At most `limit` of them, newest first."""
    if which.places:
        return _of_places(connection, which)
    return of_ids(connection, [number for _, number in _spots(connection, which)])


def of_ids(connection: Connection, ids: Sequence[int]) -> list[DeliveryRow]:
    """Those that are there and not in the archive, newest first."""
    rows = BY_IDS.rows(connection, {"ids": listed(connection, ids)}) if ids else []
    return sorted(map(_row, rows), key=DeliveryRow.spot, reverse=True)


def _spots(connection: Connection, which: Filter) -> list[Spot]:
    """The newest of all groups that fit. Once there are enough, a group is asked only for what is newer still."""
    at, number = min(which.before, (micros(which.until), -1))
    asked = {"w_opened_at": at, "w_id": number, "since": micros(which.since), "most": which.limit}
    found: list[Spot] = []
    fit = (group for group in groups(connection) if is_meant(group, which))
    for group in sorted(fit, key=lambda one: one.is_open):  # most are done with
        found += [(row.opened_at, row.id) for row in SPOTS.rows(connection, values_of(group) | asked)]
        if len(found) >= which.limit:
            found = heapq.nlargest(which.limit, found)
            asked["since"] = found[-1][0]
    return heapq.nlargest(which.limit, found)


def is_meant(group: Group, which: Filter) -> bool:
    """Whether deliveries of this group fit."""
    given = ((which.flow, group.flow), (which.target, group.target), (which.code, group.code))
    return which.state in {"", group.word()} and all(wish in {"", has} for wish, has in given)


def _of_places(connection: Connection, which: Filter) -> list[DeliveryRow]:
    found: list[DeliveryRow] = []
    for source in sorted({source for source, _ in which.places}):
        subjects = listed(connection, [subject for where, subject in which.places if where == source])
        asked = {"wanted_source": source, "subjects": subjects, "most": MOST_ROWS}
        found += (_row(row) for prepared in OF_SUBJECTS for row in prepared.rows(connection, asked))
    fit = sorted((row for row in found if _fits(row, which)), key=DeliveryRow.spot, reverse=True)
    return fit[: which.limit]


def _fits(row: DeliveryRow, which: Filter) -> bool:
    given = ((which.flow, row.flow), (which.target, row.target), (which.code, row.code), (which.state, row.word()))
    in_time = which.since <= row.opened_at < which.until and row.spot() < which.before
    return in_time and all(wish in {"", has} for wish, has in given)


def _row(row: Any) -> DeliveryRow:
    values = row._asdict()
    return DeliveryRow(**values | {"state": State(values["state"])})


# --- finding subjects by what people call them ------------------------------------------------------------------------


def _called(table: Table) -> Prepared:
    query = select(table.c.source, table.c.subject).where(table.c.reference == bindparam("text"))
    return Prepared(query.distinct().limit(bindparam("most")))


def _named(table: Table, holder: str, name: str) -> Once:
    """By `name`, where the index begins with the connection that `holder` tells."""

    def build(dialect: str) -> Executable:
        query = select(table.c.source, table.c.subject).where(
            among(dialect, table.c[holder], "names"), table.c[name] == bindparam("text")
        )
        return query.distinct().limit(bindparam("most"))

    return build


BY_TEXT = [
    *(_called(table) for table in (deliveries, archived_deliveries, messages, archived_messages)),
    Prepared(
        select(links.c.source, links.c.subject)
        .where(links.c.number == bindparam("text"))
        .distinct()
        .limit(bindparam("most"))
    ),
]
BY_NAME = [
    *(Prepared(_named(one, "source", "subject")) for one in (deliveries, archived_deliveries)),
    Prepared(_named(links, "target", "external_id")),
]


def places(connection: Connection, text: str, names: Sequence[str]) -> list[Place]:
    """Subjects that people call so: by their number, the source's own id, or a target's number or id.

    `names` are those of the connections: ids are looked for in each of them.
    """
    asked: dict[str, Any] = {"text": text, "most": MOST_PLACES}
    found = _rows(connection, BY_TEXT, asked)
    found += _rows(connection, BY_NAME, asked | {"names": listed(connection, names)})
    return list(dict.fromkeys(found))[:MOST_PLACES]


def _rows(connection: Connection, prepared: Iterable[Prepared], asked: dict[str, Any]) -> list[Place]:
    return [(row.source, row.subject) for one in prepared for row in one.rows(connection, asked)]


def places_about(connection: Connection, payloads: Payloads, fingerprint: str, names: Sequence[str]) -> list[Place]:
    """Subjects whose bodies are about a person, whatever their number."""
    told: Callable[[str], Place | None] = lambda text: _place(text, names)  # noqa: E731
    found = map(told, payloads.subjects_of(connection, fingerprint))
    return [place for place in found if place is not None][:MOST_PLACES]


def _place(text: str, names: Sequence[str]) -> Place | None:
    return next(
        ((name, text.removeprefix(payload_subject(name, ""))) for name in names if text.startswith(f"{name}:")), None
    )


__all__ = ["DeliveryRow", "Filter", "Place", "Spot", "is_meant", "listing", "of_ids", "places", "places_about"]
