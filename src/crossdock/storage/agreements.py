"""What two ends are known to have of one subject: read and moved on under the row's lock, encrypted in between."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import bindparam, select, update
from sqlalchemy.engine import Connection

from crossdock.delivery.records import Agreed, State
from crossdock.model.agreement import Agreement, Side
from crossdock.model.base import Record
from crossdock.storage.dialect import insert_once
from crossdock.storage.payloads import Payloads
from crossdock.storage.prepared import Prepared
from crossdock.storage.rows import payload_subject
from crossdock.storage.tables import agreements, deliveries, people, subject_keys

NEW = Prepared(insert_once(agreements))
THIS = (
    agreements.c.source == bindparam("wanted_source"),
    agreements.c.subject == bindparam("wanted_subject"),
    agreements.c.target == bindparam("wanted_target"),
)
HELD = Prepared(select(agreements).where(*THIS).with_for_update())
MOVED = Prepared(update(agreements).where(*THIS))
OF_SUBJECT = Prepared(
    select(agreements).where(
        agreements.c.source == bindparam("wanted_source"), agreements.c.subject == bindparam("wanted_subject")
    )
)
OF_NUMBER = Prepared(
    select(agreements.c.subject)
    .where(
        agreements.c.source == bindparam("wanted_source"),
        agreements.c.target == bindparam("wanted_target"),
        agreements.c.external_id == bindparam("wanted_id"),
    )
    .order_by(agreements.c.changed_at)
)
KEY = Prepared(
    select(subject_keys.c.wrapped, subject_keys.c.erased_at).where(subject_keys.c.subject == bindparam("wanted"))
)


class Standing(Record, frozen=True, kw_only=True):
    """One subject and one target: the target's id of it, "" where none is known."""

    target: str
    external_id: str = ""
    agreement: Agreement = Agreement()


def keep(connection: Connection, payloads: Payloads, agreed: Agreed, now: datetime) -> bool:
    """Puts the news in, whatever else has come in meanwhile; of a subject that was erased nothing is kept.

    False, and nothing is put in, where the target has the subject under another id.
    """
    row = _locked(connection, agreed.source, agreed.subject, agreed.target, now)
    if agreed.external_id and row.external_id not in {"", agreed.external_id}:
        return False
    before = _opened(connection, payloads, agreed.source, agreed.subject, row.body)
    after = before
    for news in agreed.news:
        after = after.after(news)
    after = msgspec.structs.replace(after, places={**after.places, **agreed.places})
    _put(connection, payloads, row, after, row.external_id or agreed.external_id, now)
    return True


def side_with(
    connection: Connection, payloads: Payloads, source: str, subject: str, target: str, side: Side, now: datetime
) -> bool:
    """From now on what the other side has counts as old; False where the two are not known to be one."""
    row = HELD.first(connection, _place(source, subject, target))
    if row is None or row.body is None:
        return False
    found = _opened(connection, payloads, source, subject, row.body)
    other = found.target if side is Side.SOURCE else found.source
    base = {**found.base, **{name: cell.value for name, cell in other.items()}}
    _put(connection, payloads, row, msgspec.structs.replace(found, base=base), row.external_id, now)
    return True


def standings(connection: Connection, payloads: Payloads, source: str, subject: str) -> list[Standing]:
    """By target."""
    rows = OF_SUBJECT.rows(connection, {"wanted_source": source, "wanted_subject": subject})
    return [
        Standing(
            target=row.target,
            external_id=row.external_id,
            agreement=_opened(connection, payloads, source, subject, row.body),
        )
        for row in rows
    ]


def subject_of(connection: Connection, source: str, target: str, external_id: str) -> str:
    """Whom a target's id is of; "" where that is not known."""
    place = {"wanted_source": source, "wanted_target": target, "wanted_id": external_id}
    return str(OF_NUMBER.scalar(connection, place) or "") if external_id else ""


def is_erased(connection: Connection, source: str, subject: str) -> bool:
    """Whether that subject's bodies can never be read nor kept again."""
    row = KEY.first(connection, {"wanted": payload_subject(source, subject)})
    return row is not None and row.wrapped is None


def is_making(connection: Connection, source: str, target: str, flow: str, fingerprint: str) -> bool:
    """Whether something of this flow about this person is under way from there to the target."""
    mine = f"{source}:"
    about = connection.execute(select(people.c.subject).where(people.c.fingerprint == fingerprint)).scalars()
    subjects = [one.removeprefix(mine) for one in about if one.startswith(mine)]
    query = select(deliveries.c.id).where(
        deliveries.c.source == source,
        deliveries.c.subject.in_(subjects),
        deliveries.c.target == target,
        deliveries.c.flow == flow,
        deliveries.c.state.in_((State.PENDING, State.LEASED)),
    )
    return bool(subjects) and connection.execute(query.limit(1)).first() is not None


def _locked(connection: Connection, source: str, subject: str, target: str, now: datetime) -> Any:
    place = {"source": source, "subject": subject, "target": target}
    NEW.run(connection, place | {"external_id": "", "body": None, "changed_at": now})
    return HELD.first(connection, _place(source, subject, target))


def _place(source: str, subject: str, target: str) -> dict[str, str]:
    return {"wanted_source": source, "wanted_subject": subject, "wanted_target": target}


def _opened(connection: Connection, payloads: Payloads, source: str, subject: str, body: bytes | None) -> Agreement:
    name = payload_subject(source, subject)
    key = KEY.first(connection, {"wanted": name})
    plain = payloads.opened(key.wrapped if key else None, name, body)
    return msgspec.json.decode(plain, type=Agreement) if plain else Agreement()


def _put(
    connection: Connection, payloads: Payloads, row: Any, agreement: Agreement, external_id: str, now: datetime
) -> None:
    body = payloads.sealed(connection, payload_subject(row.source, row.subject), msgspec.json.encode(agreement), now)
    values = {"external_id": external_id, "body": body, "changed_at": now}
    MOVED.run(connection, _place(row.source, row.subject, row.target) | values)
