"""Messages in, once each, with the delivery that each of them promises, in one transaction."""

from __future__ import annotations

from datetime import datetime

import msgspec
from sqlalchemy import bindparam, delete, select, update
from sqlalchemy.engine import Connection, Row

from crossdock.contract.message import Message
from crossdock.delivery.records import Arrival, Attempt, Promise, Recorded, State
from crossdock.model.base import Record
from crossdock.storage import archive, trail
from crossdock.storage.dialect import insert_once
from crossdock.storage.payloads import Payloads
from crossdock.storage.prepared import Prepared
from crossdock.storage.recovery import doubted_since
from crossdock.storage.rows import encode_memo, message_values, payload_subject
from crossdock.storage.tables import audit, deliveries, messages

KEPT = Prepared(
    select(messages.c.seq, messages.c.fingerprint).where(
        messages.c.source == bindparam("wanted_source"), messages.c.id == bindparam("wanted_id")
    )
)
KEEP = Prepared(insert_once(messages, "seq"))
LOOKED = Prepared(insert_once(deliveries))
DOUBTED_SINCE = doubted_since("doubted_now")
# after a restored backup a new promise may be an old one, kept by a life that this database does not remember
PROMISE = Prepared(insert_once(deliveries, maybe_sent=DOUBTED_SINCE.is_not(None), sent_at=DOUBTED_SINCE))
OF_KEY = select(deliveries).where(
    deliveries.c.target == bindparam("wanted_target"), deliveries.c.key == bindparam("wanted_key")
)
LOOKED_AT = Prepared(OF_KEY)
HELD = Prepared(OF_KEY.with_for_update())
RENEW = Prepared(update(deliveries).where(deliveries.c.id == bindparam("wanted")))

NOTED = select(audit.c.id).where(
    audit.c.idempotency_key == bindparam("wanted_key"),
    audit.c.operation_type == "conflict",
    audit.c.detail == bindparam("wanted_detail"),
    audit.c.source == bindparam("noted_source"),
)


DUTY = "duty"  # what a look promises: told before only where two looks race


class Kept(Record, frozen=True, kw_only=True):
    """A message's row number, and whether it was there before with the same content."""

    seq: int
    new: bool
    same: bool = True


def record(connection: Connection, payloads: Payloads, arrival: Arrival, now: datetime) -> Recorded:
    """One arrival. The inbox's gate stops the same event twice; the outbox's key the same fact on two roads."""
    message = arrival.message
    kept = keep_message(connection, payloads, message, now, fingerprint=arrival.fingerprint, channel=arrival.channel)
    if not kept.new:
        came_back = bool(kept.same and _came_back(connection, arrival) and _renew(connection, arrival, kept.seq, now))
        if not kept.same:
            _note_conflict(connection, payloads, arrival, now)
            if arrival.keeps_conflicts:
                _keep_beside(connection, payloads, arrival, now)
        known = "duplicate" if kept.same else "conflict"
        return Recorded(id=message.id, outcome="new" if came_back else known)
    payloads.about(connection, payload_subject(message.source, message.subject), arrival.about)
    return (
        Recorded(id=message.id, outcome="new")
        if not arrival.owed
        else _owe(connection, payloads, arrival, kept.seq, now)
    )


def _owe(connection: Connection, payloads: Payloads, arrival: Arrival, seq: int, now: datetime) -> Recorded:
    """The delivery that a new message promises."""
    message = arrival.message
    promise = Promise(
        message=message,
        flow=arrival.flow,
        target=arrival.target,
        key=arrival.key,
        lane=arrival.lane,
        priority=arrival.priority,
        park=bool(arrival.park),
        reason=arrival.park,
    )
    if insert_delivery(connection, promise, seq, now, one_row=arrival.one_row):
        if archive.is_archived(connection, message.source, message.subject):
            return _again(connection, payloads, arrival, seq, now)
        return Recorded(id=message.id, outcome="new")
    if arrival.one_row:
        renewed = _renew(connection, arrival, seq, now)
        if renewed is None:  # archived between the two statements
            return _again(connection, payloads, arrival, seq, now)
        return Recorded(id=message.id, outcome="new" if renewed else "unchanged")
    return Recorded(id=message.id, outcome="unchanged")


def _again(connection: Connection, payloads: Payloads, arrival: Arrival, seq: int, now: datetime) -> Recorded:
    """Of an archived subject: what we have just put in goes, its rows come back, and it arrives once more."""
    mine = (deliveries.c.target == arrival.target, deliveries.c.key == arrival.key, deliveries.c.message_seq == seq)
    connection.execute(delete(deliveries).where(*mine))
    connection.execute(delete(messages).where(messages.c.seq == seq))
    archive.bring_back(connection, arrival.message.source, arrival.message.subject)
    return record(connection, payloads, arrival, now)


def _note_conflict(connection: Connection, payloads: Payloads, arrival: Arrival, now: datetime) -> None:
    """One row in the trail for each other content, however often it is sent again."""
    message, detail = arrival.message, f"refused: {arrival.fingerprint[:16]}"
    place = {"wanted_key": message.id, "wanted_detail": detail, "noted_source": message.source}
    known = connection.execute(NOTED, place).first()
    if known is None:
        attempt = Attempt(
            operation="conflict",
            entity=arrival.flow,
            entity_id=message.subject,
            key=message.id,
            started_at=now,
            error=f"{message.id} came before with another content",
            detail=detail,
        )
        trail.append(connection, payloads, attempt, None, now, source=message.source)


def _keep_beside(connection: Connection, payloads: Payloads, arrival: Arrival, now: datetime) -> None:
    """Another content under a known id, once: a dead letter in a lane of its own, so that nothing waits for it."""
    mark = f"!{arrival.fingerprint[:16]}"
    name = arrival.message.id + mark
    beside = msgspec.structs.replace(
        arrival,
        message=msgspec.structs.replace(arrival.message, id=name, subject=name),
        key=arrival.key + mark,
        lane=arrival.lane + mark,
        park="its number came before with another content",
        keeps_conflicts=False,
    )
    record(connection, payloads, beside, now)


def keep_message(
    connection: Connection,
    payloads: Payloads,
    message: Message,
    now: datetime,
    *,
    fingerprint: str = "",
    channel: str = "",
) -> Kept:
    """The message once; the body only where it is new."""
    place = {"wanted_source": message.source, "wanted_id": message.id}
    # a body is stored before its message: only where there is one is it worth asking first
    found = KEPT.first(connection, place) if message.payload and channel != DUTY else None
    if found is None:
        seq = _insert_message(connection, payloads, message, now, fingerprint, channel)
        if seq is not None:
            return Kept(seq=seq, new=True)
        found = KEPT.first(connection, place)
    same = not fingerprint or not found.fingerprint or found.fingerprint == fingerprint
    return Kept(seq=found.seq, new=False, same=same)


def _insert_message(
    connection: Connection, payloads: Payloads, message: Message, now: datetime, fingerprint: str, channel: str
) -> int | None:
    payload_id = payloads.keep(connection, payload_subject(message.source, message.subject), message.payload, now)
    values = message_values(message) | {
        "received_at": now,
        "payload_id": payload_id,
        "fingerprint": fingerprint,
        "channel": channel,
    }
    seq: int | None = KEEP.scalar(connection, values)
    return seq


def insert_delivery(
    connection: Connection, promise: Promise, seq: int, now: datetime, *, one_row: bool = False
) -> bool:
    """Promise a delivery; False where its (target, key) was promised before."""
    message = promise.message
    state = State.DEAD if promise.park else State.PENDING
    values = {
        "message_seq": seq,
        "flow": promise.flow,
        "source": message.source,
        "target": promise.target,
        "subject": message.subject,
        "reference": message.reference,
        "key": promise.key,
        "lane": promise.lane,
        "priority": promise.priority,
        "state": state,
        "is_open": 1,
        "one_row": one_row,
        "version": message.version,
        "created_at": now,
        "opened_at": now,
        "due_at": now,
        "code": "parked" if promise.park else "",
        "reason": promise.reason,
        "owner": "business" if promise.park else "",
        "memo": encode_memo(promise.memo),
    }
    if one_row:
        return LOOKED.run(connection, values) == 1
    return PROMISE.run(connection, values | {"doubted_now": now}) == 1


def _renew(connection: Connection, arrival: Arrival, seq: int, now: datetime) -> bool | None:
    """A newer state of a subject that has its row: one row a subject, however often it changes. None: it has none."""
    row = HELD.first(connection, {"wanted_target": arrival.target, "wanted_key": arrival.key})
    if row is None:
        return None
    if _nothing_new(row, arrival.message):
        return False
    changes = {
        "message_seq": seq,
        "version": arrival.message.version or row.version,
        "generation": row.generation + 1,
        "reference": arrival.message.reference or row.reference,
    }
    if row.state != State.LEASED:  # a leased one is seen to be out of date when it settles
        changes |= {"state": State.PENDING, "is_open": 1, "due_at": now, "resolved_at": None}
        if row.state != State.PENDING:
            changes |= {"attempts": 0, "unexpected": 0, "opened_at": now}
    RENEW.run(connection, changes | {"wanted": row.id})
    return True


def _came_back(connection: Connection, arrival: Arrival) -> bool:
    """A state that was seen before, with another one looked at since: held and released within one second, say."""
    if not (arrival.one_row and arrival.message.content) or arrival.message.version:
        return False  # what came with its body is that state once more, late, and not the newest one
    place = {"wanted_target": arrival.target, "wanted_key": arrival.key}
    row = LOOKED_AT.first(connection, place)
    return row is not None and row.state == State.DELIVERED and row.content not in {"", arrival.message.content}


def _nothing_new(row: Row[tuple[object, ...]], message: Message) -> bool:
    if message.version and row.version:
        # of two states with one version (a second's resolution, say) only their content tells which is which
        told_apart = message.version == row.version and message.content
        if message.version < row.version or (message.version == row.version and not told_apart):
            return True
    return bool(message.content) and row.content == message.content and row.state == State.DELIVERED
