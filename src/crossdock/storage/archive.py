"""The archive: subjects of which nothing more is expected, out of the tables that every delivery goes through.

Whole subjects go, with all their messages and deliveries, and come back whole, in one transaction, as soon as anything
is heard of them again: so the gates against doubles need not know of the archive. Links, the trail and bodies stay
where they are. Tables are by month; on PostgreSQL each month is a partition.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    Insert,
    Integer,
    Select,
    Subquery,
    Table,
    bindparam,
    case,
    delete,
    exists,
    func,
    insert,
    literal_column,
    select,
    text,
    union_all,
)
from sqlalchemy.engine import Connection

from crossdock.storage.dialect import Once, alone, among, listed
from crossdock.storage.prepared import Prepared
from crossdock.storage.tables import (
    archived_deliveries,
    archived_messages,
    archived_subjects,
    deliveries,
    messages,
    payloads,
)

Place = tuple[str, str]  # source and subject
PLACED = Prepared(
    select(archived_subjects.c.month).where(
        archived_subjects.c.source == bindparam("wanted_source"),
        archived_subjects.c.subject == bindparam("wanted_subject"),
    )
)
NUMBERED = ((messages, messages.c.seq), (deliveries, deliveries.c.id))
MOVES = ((messages, archived_messages), (deliveries, archived_deliveries))


def put_away(connection: Connection, before: datetime, limit: int) -> int:
    """Archive at most `limit` subjects that were settled for good before then; returns how many went."""
    alone(connection, "archive")
    by_month: dict[int, list[Place]] = {}
    highest = _highest(connection)
    for source, subject, settled_at in connection.execute(_candidates(before, limit)).all():
        if (source, subject) in highest:
            continue
        month = settled_at.astimezone(UTC)
        by_month.setdefault(month.year * 100 + month.month, []).append((source, subject))
    for month, places in by_month.items():
        _open_month(connection, month)
        _move(connection, month, places)
    return sum(map(len, by_month.values()))


def _highest(connection: Connection) -> set[Place]:
    """Whose row has the highest number of its table, on SQLite.

    It gives that number once more when the row is gone: what came back would meet another row under its own number.
    So such a subject stays until there is something newer.
    """
    if connection.dialect.name != "sqlite":
        return set()
    newest = (select(table).order_by(number.desc()).limit(1) for table, number in NUMBERED)
    return {(row.source, row.subject) for query in newest for row in connection.execute(query)}


def is_archived(connection: Connection, source: str, subject: str) -> bool:
    """Whether its rows are here."""
    return PLACED.scalar(connection, {"wanted_source": source, "wanted_subject": subject}) is not None


def bring_back(connection: Connection, source: str, subject: str) -> None:
    """All its rows, as they were, to where they came from."""
    month = connection.execute(
        delete(archived_subjects)
        .where(archived_subjects.c.source == source, archived_subjects.c.subject == subject)
        .returning(archived_subjects.c.month)
    ).scalar()
    if month is None:
        return
    for table, kept in MOVES:
        here = (kept.c.month == month, kept.c.source == source, kept.c.subject == subject)
        names = [column.name for column in table.c]
        connection.execute(insert(table).from_select(names, select(*map(_as_was, kept.c[*names])).where(*here)))
        connection.execute(delete(kept).where(*here))


def everything(table: Table) -> Subquery:
    """Its rows and the archived ones, for people's questions."""
    kept = {messages: archived_messages, deliveries: archived_deliveries}[table]
    names = [column.name for column in table.c]
    whole = union_all(select(*table.c[*names]), select(*kept.c[*names]))
    return whole.subquery(f"all_{table.name}")


def _candidates(before: datetime, limit: int) -> Select[Any]:
    """Final looks that were settled before then, where no other row of the subject is open, younger, or a state."""
    other = deliveries.alias("other")
    hinders = (other.c.is_open != 0) | (other.c.settled_at >= before) | other.c.record.is_not(None)
    hindered = exists().where(other.c.source == deliveries.c.source, other.c.subject == deliveries.c.subject, hinders)
    return (
        select(deliveries.c.source, deliveries.c.subject, deliveries.c.settled_at)
        .where(
            deliveries.c.is_open == literal_column("0"),
            deliveries.c.code == literal_column("'final'"),
            deliveries.c.one_row,
            deliveries.c.settled_at < before,
            ~hindered,
        )
        .order_by(deliveries.c.settled_at)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )


def _move(connection: Connection, month: int, places: Sequence[Place]) -> None:
    # locked in one order, and looked at again: one that was opened meanwhile stays
    rows = DELIVERIES.rows(connection, _asked(connection, places))
    opened = {(row.source, row.subject) for row in rows if row.is_open}
    wanted = set(places) - opened
    if not wanted:
        return
    ids = [row.id for row in rows if (row.source, row.subject) in wanted]
    told = MESSAGES.rows(connection, _asked(connection, [place for place in places if place in wanted]))
    seqs = [row.seq for row in told if (row.source, row.subject) in wanted]
    values = [{"source": source, "subject": subject, "month": month} for source, subject in sorted(wanted)]
    connection.execute(insert(archived_subjects), values)
    for copy, numbers in ((COPY_MESSAGES, seqs), (COPY_DELIVERIES, ids)):
        copy.run(connection, {"into": month, "numbers": listed(connection, numbers)})
    for drop, numbers in ((DROP_DELIVERIES, ids), (DROP_MESSAGES, seqs)):  # a delivery refers to its message
        drop.run(connection, {"numbers": listed(connection, numbers)})


def _asked(connection: Connection, places: Sequence[Place]) -> dict[str, Any]:
    """Rows of other sources with the same subjects are read as well, and left out by whoever asks."""
    return {"subjects": listed(connection, [subject for _, subject in places]), "sources": _sources(connection, places)}


def _sources(connection: Connection, places: Sequence[Place]) -> Any:
    return listed(connection, sorted({source for source, _ in places}))


def _of_subjects(table: Table, *names: str) -> Once:
    def build(dialect: str) -> Select[Any]:
        theirs = among(dialect, table.c.source, "sources"), among(dialect, table.c.subject, "subjects")
        return select(*table.c[*names]).where(*theirs).order_by(table.c[names[0]]).with_for_update()

    return build


def _copy(table: Table, kept: Table, number: str) -> Once:
    names = [column.name for column in table.c]

    def build(dialect: str) -> Insert:
        numbered = among(dialect, table.c[number], "numbers")
        copied = select(bindparam("into", type_=Integer), *table.c[*names]).where(numbered)
        return insert(kept).from_select(["month", *names], copied)

    return build


def _drop(table: Table, number: str) -> Once:
    return lambda dialect: delete(table).where(among(dialect, table.c[number], "numbers"))


DELIVERIES = Prepared(_of_subjects(deliveries, "id", "source", "subject", "is_open"))
MESSAGES = Prepared(_of_subjects(messages, "seq", "source", "subject"))
COPY_DELIVERIES = Prepared(_copy(deliveries, archived_deliveries, "id"))
COPY_MESSAGES = Prepared(_copy(messages, archived_messages, "seq"))
DROP_DELIVERIES = Prepared(_drop(deliveries, "id"))
DROP_MESSAGES = Prepared(_drop(messages, "seq"))


def _as_was(column: Any) -> Any:
    """A body that was forgotten meanwhile is not there to be referred to."""
    if column.name != "payload_id":
        return column
    there = select(payloads.c.id).where(payloads.c.id == column).scalar_subquery()
    return case((column.is_(None), None), else_=there)


def _open_month(connection: Connection, month: int) -> None:
    if connection.dialect.name != "postgresql":
        return
    for table in (archived_messages, archived_deliveries):
        # the name and the value are ours: a table's and a number
        statement = f"CREATE TABLE IF NOT EXISTS {table.name}_{month} PARTITION OF {table.name} FOR VALUES IN ({month})"
        connection.execute(text(statement))


def size(connection: Connection) -> int:
    """How many subjects are here."""
    return connection.execute(select(func.count()).select_from(archived_subjects)).scalar_one()
