"""What was received, decided and said of a subject, for a replay of a past period. Nothing here writes."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import func, or_, select
from sqlalchemy.engine import Connection

from crossdock.contract.message import Message
from crossdock.delivery.store import DeliveryView
from crossdock.model.base import Record
from crossdock.storage.inbox import DUTY
from crossdock.storage.payloads import Payloads
from crossdock.storage.reading import ALL, HEARD, HEARD_COLUMNS
from crossdock.storage.rows import EDITED, decode_memo, message_of, view_of
from crossdock.storage.tables import audit
from crossdock.transport.kept import NOTHING, Beside, parted

Place = tuple[str, str]  # source and subject
BEFORE, AFTER = timedelta(days=1), timedelta(hours=1)
MOST_ALIKE = 1000


class Row(Record, frozen=True, kw_only=True):
    """One row of the trail: an exchange, or what an attempt came to with what it was decided upon (`response`)."""

    delivery: int
    at: datetime
    operation: str
    status: int | None
    error: str
    request: bytes
    response: bytes
    mapping: str
    beside: Beside = NOTHING
    forgotten: bool = False  # a body that it had is not there any more

    @property
    def tells(self) -> bool:
        """Whether it is an answer to what was asked: being busy is none, "not there" is one."""
        return self.status is not None and not self.forgotten and (200 <= self.status < 300 or self.status == 404)


class Question(Record, frozen=True, kw_only=True):
    """What a target is asked without changing anything. `asked`: see `transport.kept`."""

    target: str
    operation: str
    asked: str
    request: bytes

    def is_of(self, row: Row) -> bool:
        """Whether the row answers it."""
        same = (row.operation, row.beside.asked, row.request) == (self.operation, self.asked, self.request)
        return same and row.tells


class Promised(Record, frozen=True, kw_only=True):
    """A delivery, the look itself too, with its record as it was promised (or corrected: `edited`)."""

    view: DeliveryView
    memo: dict[str, str]
    one_row: bool
    edited: bool
    record: bytes


class History(Record, frozen=True, kw_only=True):
    """All of one subject, oldest first. `newest`: the newest message that has its body still."""

    promised: tuple[Promised, ...]
    rows: tuple[Row, ...]
    newest: Message | None = None


def places(
    connection: Connection, flow: str, since: datetime, until: datetime, after: int, limit: int
) -> list[tuple[int, Place]]:
    """Subjects of a LOOK flow of which something was promised or looked at in the period: (the look's id, place)."""
    active = (
        select(ALL.c.id)
        .where(ALL.c.created_at >= since, ALL.c.created_at < until)
        .with_only_columns(ALL.c.source, ALL.c.subject)
        .distinct()
        .subquery()
    )
    looked = (ALL.c.settled_at >= since) & (ALL.c.settled_at < until)
    query = (
        select(ALL.c.id, ALL.c.source, ALL.c.subject)
        .join(active, (active.c.source == ALL.c.source) & (active.c.subject == ALL.c.subject), isouter=True)
        .where(ALL.c.flow == flow, ALL.c.one_row, ALL.c.id > after, or_(active.c.subject.is_not(None), looked))
    )
    rows = connection.execute(query.order_by(ALL.c.id).limit(limit))
    return [(row.id, (row.source, row.subject)) for row in rows]


def owed(
    connection: Connection, flows: Sequence[str], since: datetime, until: datetime, after: int, limit: int
) -> list[tuple[int, Place]]:
    """Deliveries of these flows that were promised in the period, behind that id."""
    query = select(ALL.c.id, ALL.c.source, ALL.c.subject).where(
        ALL.c.flow.in_(flows), ALL.c.created_at >= since, ALL.c.created_at < until, ALL.c.id > after
    )
    rows = connection.execute(query.order_by(ALL.c.id).limit(limit))
    return [(row.id, (row.source, row.subject)) for row in rows]


def promised(connection: Connection, since: datetime, until: datetime) -> dict[tuple[str, str], int]:
    """How many deliveries were promised in the period, by flow and target; looks are none."""
    query = (
        select(ALL.c.flow, ALL.c.target, func.count())
        .where(ALL.c.created_at >= since, ALL.c.created_at < until, or_(~ALL.c.one_row, ALL.c.record.is_not(None)))
        .group_by(ALL.c.flow, ALL.c.target)
    )
    return {(flow, target): number for flow, target, number in connection.execute(query)}


def answered(connection: Connection, payloads: Payloads, question: Question, at: datetime) -> Row | None:
    """What any delivery was told to the same question: the newest before that moment, else the first after it.

    It is looked for within a day before and an hour after, among so many rows at most.
    """
    when = audit.c.created_at
    alike = select(audit).where(audit.c.operation_type == question.operation, audit.c.delivery_id.is_not(None))
    before = alike.where(when <= at, when > at - BEFORE).order_by(when.desc(), audit.c.id.desc())
    after = alike.where(when > at, when < at + AFTER).order_by(when, audit.c.id)
    for query in (before, after):
        for one in connection.execute(query.limit(MOST_ALIKE)).all():
            row = _row(payloads, connection, one)
            if question.is_of(row) and _target(connection, row.delivery) == question.target:
                return row
    return None


def _target(connection: Connection, delivery: int) -> str | None:
    found: str | None = connection.execute(select(ALL.c.target).where(ALL.c.id == delivery)).scalar_one_or_none()
    return found


def history(connection: Connection, payloads: Payloads, flow: str, source: str, subject: str) -> History:
    """Of one subject; bodies that were forgotten or erased are empty."""
    owed = connection.execute(
        select(ALL).where(ALL.c.source == source, ALL.c.subject == subject).order_by(ALL.c.id)
    ).all()
    # by themselves: joined to all that are kept, they would be looked for among all of the archive
    columns = (HEARD.c.seq, HEARD.c.channel, HEARD.c.payload_id)
    told = select(*columns).where(HEARD.c.source == source, HEARD.c.subject == subject)
    heard = {row.seq: row for row in connection.execute(told)}
    ids = [row.id for row in owed]
    rows = connection.execute(
        select(audit)
        .where(audit.c.source == source, audit.c.entity_id == subject, audit.c.delivery_id.in_(ids))
        .order_by(audit.c.id)
    ).all()
    return History(
        promised=tuple(_promised(payloads, connection, row, heard.get(row.message_seq)) for row in owed),
        rows=tuple(_row(payloads, connection, row) for row in rows),
        newest=_newest(connection, payloads, flow, source, subject),
    )


def _promised(payloads: Payloads, connection: Connection, row: Any, heard: Any) -> Promised:
    return Promised(
        view=view_of(row),
        memo=decode_memo(row.memo),
        one_row=row.one_row,
        edited=heard is not None and heard.channel == EDITED,
        record=b"" if heard is None else payloads.read(connection, heard.payload_id),
    )


def _row(payloads: Payloads, connection: Connection, row: Any) -> Row:
    request = payloads.read(connection, row.request_id)
    kept = payloads.read(connection, row.response_id)
    beside, response = parted(kept)
    return Row(
        delivery=row.delivery_id,
        at=row.created_at,
        operation=row.operation_type,
        status=row.status_code,
        error=row.error_message,
        request=request,
        response=response,
        mapping=row.mapping,
        beside=beside,
        forgotten=(not request and row.request_hash != "") or (not kept and row.response_hash != ""),
    )


def _newest(connection: Connection, payloads: Payloads, flow: str, source: str, subject: str) -> Message | None:
    query = (
        select(*HEARD_COLUMNS)
        .where(HEARD.c.source == source, HEARD.c.subject == subject, HEARD.c.flow == flow)
        .where(HEARD.c.payload_id.is_not(None), HEARD.c.channel != DUTY)
        .order_by(HEARD.c.seq.desc())
        .limit(1)
    )
    row = connection.execute(query).one_or_none()
    found = None if row is None else message_of(row, payloads.read(connection, row.m_payload_id))
    return found if found is not None and found.payload else None


__all__ = ["History", "Place", "Promised", "Question", "Row", "answered", "history", "owed", "places", "promised"]
