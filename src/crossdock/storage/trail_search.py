"""Searching the audit trail: newest first, by keyset, in steps that each look at a bounded number of rows."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Executable,
    Select,
    String,
    bindparam,
    func,
    literal_column,
    or_,
    select,
    tuple_,
    type_coerce,
)
from sqlalchemy.engine import Connection

from crossdock.model.base import Record
from crossdock.storage.dialect import among, listed
from crossdock.storage.listing import LARGEST, LAST, Spot
from crossdock.storage.payloads import Payloads
from crossdock.storage.prepared import Prepared
from crossdock.storage.tables import EPOCH, audit, micros
from crossdock.transport.kept import parted

OURSELVES = "crossdock"
LOOKED_AT = 5000  # rows in one step
LOOKED_AT_BRIEFLY = 50_000  # of which only the index is read


class AuditRow(Record, frozen=True, kw_only=True):
    """One line of the trail, without its bodies. `position` is its place in the chain; None until it is sealed."""

    id: int
    position: int | None
    delivery_id: int | None
    source: str
    operation_type: str
    entity_type: str
    entity_id: str
    idempotency_key: str
    request_id: int | None
    response_id: int | None
    status_code: int | None
    error_message: str
    detail: str
    actor: str
    duration_ms: int
    created_at: datetime
    mapping: str


class AuditFilter(Record, frozen=True, kw_only=True):
    """Every given part must match. `people`: only what people did; a given actor or operation of theirs is quick so."""

    subject: str = ""
    actor: str = ""
    operation: str = ""
    people: bool = False
    since: datetime = EPOCH
    until: datetime = LAST
    before: Spot = (LARGEST, LARGEST)
    limit: int = 50


class Found(Record, frozen=True, kw_only=True):
    """A step: what was found, and the spot from which to go on; None at the end."""

    rows: tuple[AuditRow, ...]
    next: Spot | None


COLUMNS = audit.c[*AuditRow.__struct_fields__]
AT = type_coerce(audit.c.created_at, BigInteger)
ORDER = (audit.c.created_at, audit.c.id)
DOWN = [column.desc() for column in ORDER]
BEHIND = tuple_(*ORDER) < tuple_(bindparam("at", type_=BigInteger), bindparam("number", type_=BigInteger))
IN_TIME = bindparam("since", type_=BigInteger) <= AT
BY_PEOPLE = audit.c.actor != literal_column("'crossdock'")


def _of_subject(dialect: str) -> Select[Any]:
    here = among(dialect, audit.c.source, "sources"), audit.c.entity_id == bindparam("wanted_subject")
    return select(*COLUMNS).where(*here, IN_TIME, BEHIND).order_by(*DOWN).limit(bindparam("most"))


def _by_ids(dialect: str) -> Executable:
    return select(*COLUMNS).where(among(dialect, audit.c.id, "ids")).order_by(*DOWN)


def _step(*only: ColumnElement[bool]) -> Select[Any]:
    """The lines that one step looks at, newest first."""
    looked = (AT.label("at"), audit.c.id, audit.c.actor, audit.c.operation_type)
    return select(*looked).where(*only, IN_TIME, BEHIND).order_by(*DOWN)


def _fit(*only: ColumnElement[bool]) -> Select[Any]:
    """Those of them that fit. The beginning of an operation is compared as it is: no sign in it means another."""
    step = _step(*only).limit(bindparam("most")).subquery()
    actor, operation = bindparam("actor", type_=String), bindparam("operation", type_=String)
    begins = func.substr(step.c.operation_type, 1, func.length(operation)) == operation
    return (
        select(step.c.at, step.c.id)
        .where(or_(actor == literal_column("''"), step.c.actor == actor), begins)
        .order_by(step.c.at.desc(), step.c.id.desc())
        .limit(bindparam("limit"))
    )


OF_SUBJECT = Prepared(_of_subject)
BY_IDS = Prepared(_by_ids)
FIT = {False: Prepared(_fit()), True: Prepared(_fit(BY_PEOPLE))}
LAST_LOOKED_AT = {
    narrow: Prepared(_step(*only).limit(literal_column("1")).offset(bindparam("passed")))
    for narrow, only in ((False, ()), (True, (BY_PEOPLE,)))
}
OF_DELIVERY = Prepared(
    select(*COLUMNS)
    .where(
        audit.c.source == bindparam("wanted_source"),
        audit.c.entity_id == bindparam("wanted_subject"),
        audit.c.delivery_id == bindparam("wanted"),
    )
    .order_by(audit.c.id.desc())
    .limit(bindparam("most"))
)


def search(connection: Connection, which: AuditFilter, names: Sequence[str]) -> Found:
    """One step. A page may be short, or empty, and not the last: `next` tells. `names`: of the connections."""
    at, number = min(which.before, (micros(which.until), -1))
    asked = {"at": at, "number": number, "since": micros(which.since)}
    if which.subject:
        subject = {"wanted_subject": which.subject, "sources": listed(connection, ["", *names]), "most": LOOKED_AT}
        return _within(OF_SUBJECT.rows(connection, asked | subject), which)
    narrow = which.people or which.actor not in {"", OURSELVES}
    most = LOOKED_AT_BRIEFLY if narrow else LOOKED_AT
    parts = {"most": most, "actor": which.actor, "operation": which.operation, "limit": which.limit}
    fit = FIT[narrow].rows(connection, asked | parts)
    full = BY_IDS.rows(connection, {"ids": listed(connection, [row.id for row in fit])}) if fit else []
    last = (
        fit[-1] if len(fit) == which.limit else LAST_LOOKED_AT[narrow].first(connection, asked | {"passed": most - 1})
    )
    return Found(rows=tuple(map(_row, full)), next=(last.at, last.id) if last is not None else None)


def of_delivery(
    connection: Connection, payloads: Payloads, source: str, subject: str, delivery_id: int, most: int
) -> list[tuple[AuditRow, bytes, bytes]]:
    """Tries of one delivery and what was done about it, oldest first, with requests and responses; the newest ones."""
    asked = {"wanted_source": source, "wanted_subject": subject, "wanted": delivery_id, "most": most}
    rows = OF_DELIVERY.rows(connection, asked)[::-1]
    read = payloads.read
    return [(_row(row), read(connection, row.request_id), parted(read(connection, row.response_id))[1]) for row in rows]


def _within(rows: Sequence[Any], which: AuditFilter) -> Found:
    """A subject has few lines: all of them were read, up to a bound."""
    fit = [row for row in rows if _fits(row, which)]
    page = fit[: which.limit]
    last = page[-1] if len(fit) > len(page) else rows[-1] if len(rows) == LOOKED_AT else None
    return Found(rows=tuple(map(_row, page)), next=(micros(last.created_at), last.id) if last is not None else None)


def _fits(row: Any, which: AuditFilter) -> bool:
    by_people = row.actor != OURSELVES or not which.people
    return by_people and which.actor in {"", row.actor} and row.operation_type.startswith(which.operation)


def _row(row: Any) -> AuditRow:
    return AuditRow(**row._asdict())


__all__ = ["AuditFilter", "AuditRow", "Found", "of_delivery", "search"]
