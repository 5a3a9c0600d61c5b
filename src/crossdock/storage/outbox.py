"""Leasing what is due and settling what came of it."""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Integer,
    Select,
    Update,
    and_,
    bindparam,
    case,
    func,
    literal_column,
    or_,
    select,
    update,
)
from sqlalchemy.engine import Connection, Row

from crossdock.delivery.records import Arrival, Attempt, Delivery, Owner, Promise, Settlement, State, Verdict
from crossdock.errors import Unreadable
from crossdock.storage import agreements, archive, shadows, stock, trail
from crossdock.storage.dialect import insert_once
from crossdock.storage.inbox import DUTY, insert_delivery, keep_message, record
from crossdock.storage.payloads import Payloads
from crossdock.storage.prepared import Prepared
from crossdock.storage.rows import delivery_of, message_of, payload_subject
from crossdock.storage.tables import ASIDE, Moment, connections, deliveries, is_open, links, messages

SOMEBODY_ELSES = {
    "state": State.DEAD,
    "is_open": ASIDE,
    "code": "conflict",
    "reason": "done there, but what it was done to is known to the other end under another id",
    "owner": "business",
}
LOOK_AGAIN = timedelta(seconds=5)
MESSAGE_COLUMNS = [
    column.label(f"m_{column.name}")
    for column in messages.c
    if column.name not in {"seq", "fingerprint", "received_at"}
]


def is_head() -> ColumnElement[bool]:
    """Nothing in its lane comes before it."""
    # asked for each candidate by the lane's index: as NOT EXISTS, PostgreSQL without statistics joins all with all
    lane = deliveries.alias("lane")
    first = select(func.min(lane.c.id)).where(
        lane.c.lane == deliveries.c.lane, lane.c.target == deliveries.c.target, is_open(lane)
    )
    return deliveries.c.id == first.scalar_subquery()


def is_ready() -> ColumnElement[bool]:
    """Due at the parameter `now`, or its lease ran out before then."""
    now = bindparam("now", type_=Moment)
    ready = or_(
        deliveries.c.state == literal_column("'pending'"),
        and_(deliveries.c.state == literal_column("'leased'"), deliveries.c.leased_until < now),
    )
    # what is leased was due: asked of both, the index answers it, and rows that wait for later are not read at all
    return and_(deliveries.c.due_at <= now, ready)


def _due_statement(*, doubtful: bool = False) -> Select[Any]:
    which = [and_(deliveries.c.maybe_sent)] if doubtful else []
    return (
        select(deliveries.c.id)
        .where(deliveries.c.target == bindparam("wanted"), is_open(), is_ready(), is_head(), *which)
        .order_by(deliveries.c.due_at if doubtful else deliveries.c.priority, deliveries.c.due_at)
        .limit(bindparam("most", type_=Integer))
        .with_for_update(skip_locked=True)
    )


def _claim_statement() -> Update:
    ran_out = deliveries.c.state == literal_column("'leased'")
    return (
        update(deliveries)
        .where(deliveries.c.id.in_(bindparam("ids", expanding=True)))
        .values(
            # a lease that ran out means "maybe sent", up to the moment at which it ran out
            maybe_sent=or_(deliveries.c.maybe_sent, ran_out),
            sent_at=case((ran_out, deliveries.c.leased_until), else_=deliveries.c.sent_at),
            state=literal_column("'leased'"),
            fence=deliveries.c.fence + 1,
            leased_until=bindparam("until", type_=Moment),
            leased_by=bindparam("worker"),
        )
    )


# Built once: making a statement costs more than running it.
DUE = Prepared(_due_statement())
DOUBTFUL = Prepared(_due_statement(doubtful=True))
CLAIM = _claim_statement()
PAUSED = Prepared(select(connections.c.name).where(connections.c.paused_at.is_not(None)))
LOADED = (
    select(deliveries, *MESSAGE_COLUMNS)
    .join(messages, messages.c.seq == deliveries.c.message_seq)
    .where(deliveries.c.id.in_(bindparam("ids", expanding=True)))
    .order_by(deliveries.c.priority, deliveries.c.due_at, deliveries.c.id)
)
FENCED = Prepared(
    select(deliveries.c.generation, deliveries.c.one_row, deliveries.c.reference)
    .where(
        deliveries.c.id == bindparam("wanted"),
        deliveries.c.fence == bindparam("held"),
        deliveries.c.state == literal_column("'leased'"),
    )
    .with_for_update()
)
SETTLED = Prepared(update(deliveries).where(deliveries.c.id == bindparam("wanted")))
END = Prepared(
    update(deliveries)
    .where(
        deliveries.c.target == bindparam("wanted_target"),
        deliveries.c.key == bindparam("wanted_key"),
        deliveries.c.state == State.PENDING,
        deliveries.c.maybe_sent.is_(False),
    )
    .values(state=State.SUPERSEDED, is_open=0, settled_at=bindparam("now"), reason=bindparam("why"))
)
END_DEAD = Prepared(
    update(deliveries)
    .where(
        deliveries.c.target == bindparam("wanted_target"),
        deliveries.c.key == bindparam("wanted_key"),
        deliveries.c.state == State.DEAD,
        deliveries.c.is_open != 0,
        deliveries.c.maybe_sent.is_(False),
    )
    .values(state=State.SUPERSEDED, is_open=0, settled_at=bindparam("now"), reason=bindparam("why"))
)
LINK = Prepared(insert_once(links))


def lease(
    connection: Connection,
    payloads: Payloads,
    worker: str,
    now: datetime,
    until: datetime,
    limits: Mapping[str, int],
    limit: int,
    rereads: Container[str] = (),
) -> list[Delivery]:
    """Heads of lanes that are due, target by target, paused ones left out."""
    paused = set(PAUSED.scalars(connection, {}))
    ids: list[int] = []
    for target, slots in limits.items():
        room = min(slots, limit - len(ids))
        if target not in paused and room > 0:
            values = {"wanted": target, "now": now, "most": room}
            # where one may go (a breaker that is half open), it is best one that only needs to be looked for: its find
            # shows whether the target answers, and sends nothing
            first = DOUBTFUL.scalars(connection, values) if slots == 1 else []
            ids += first or DUE.scalars(connection, values)
    if not ids:
        return []
    connection.execute(CLAIM, {"ids": ids, "until": until, "worker": worker})
    return loaded(connection, payloads, ids, now, rereads)


def loaded(
    connection: Connection, payloads: Payloads, ids: Sequence[int], now: datetime, rereads: Container[str]
) -> list[Delivery]:
    """What was claimed, with its bodies. One whose body does not open is a dead letter: it holds up nobody else.

    A look at what its own source is asked for by the subject alone goes on without it. `rereads`: such sources.
    """
    found = []
    for row in connection.execute(LOADED, {"ids": ids}).all():
        try:
            body = payloads.read(connection, row.m_payload_id)
        except Unreadable as error:
            unread = delivery_of(row, message_of(row, b""))
            if row.one_row and row.source == row.target and row.target in rereads:
                _let_go(connection, payloads, unread, row, error, now)
                found.append(unread)
            else:
                settle(connection, payloads, unread, _unread(unread, error, now), now)
        else:
            found.append(delivery_of(row, message_of(row, body)))
    return found


def _let_go(
    connection: Connection, payloads: Payloads, look: Delivery, row: Row[Any], error: Unreadable, now: datetime
) -> None:
    """With the claim, or not at all: the body is its look's no more, and the trail says so once."""
    connection.execute(update(messages).where(messages.c.seq == row.message_seq).values(payload_id=None))
    told = Attempt(
        operation="look",
        entity=look.flow,
        entity_id=look.subject,
        key=look.key,
        started_at=now,
        error=str(error),
        detail=f"looked at afresh, without the kept body {row.m_payload_id}",
    )
    trail.append(connection, payloads, told, look, now)


def _unread(delivery: Delivery, error: Unreadable, now: datetime) -> Settlement:
    verdict = Verdict(
        state=State.DEAD,
        due_at=now,
        attempts=delivery.attempts,
        code=error.code,
        reason=str(error),
        owner=Owner.DEVOPS,
        maybe_sent=delivery.maybe_sent,
    )
    told = Attempt(
        operation=State.DEAD,
        entity=delivery.flow,
        entity_id=delivery.subject,
        key=delivery.key,
        started_at=now,
        error=str(error),
    )
    return Settlement(verdict=verdict, attempts=(told,))


def settle(
    connection: Connection, payloads: Payloads, delivery: Delivery, settlement: Settlement, now: datetime
) -> bool:
    """All of it, or False and nothing when the fence has moved on."""
    row = FENCED.first(connection, {"wanted": delivery.id, "held": delivery.fence})
    if row is None:
        return False
    kept_all = end(connection, settlement.ends, now)
    free = end(connection, settlement.instead_of, now, END_DEAD)
    for promise in settlement.promises if free else ():
        if promise.message.subject != delivery.subject:  # whose own rows are here: it has an open one
            archive.bring_back(connection, promise.message.source, promise.message.subject)
        owe(connection, payloads, promise, now)
    put_in = [agreements.keep(connection, payloads, agreed, now) for agreed in settlement.agreed]
    fits = all(put_in)
    values = _settled(row, delivery, settlement, now, look_again=not (kept_all and free and fits))
    if not (fits or row.one_row):  # a look is done again, and sees it
        values |= SOMEBODY_ELSES
    SETTLED.run(connection, values | {"wanted": delivery.id})
    if settlement.reserved is not None:
        stock.keep(connection, delivery.source, delivery.subject, settlement.reserved, now)
    if settlement.moved is not None:
        stock.move(connection, delivery, settlement.moved, now)
    if settlement.compared is not None:
        shadows.keep(connection, payloads, delivery, settlement.compared, now)
    _link(connection, settlement, now)
    subject = payload_subject(delivery.source, delivery.subject)
    payloads.about(connection, subject, settlement.subjects)
    for attempt in settlement.attempts:
        trail.append(connection, payloads, attempt, delivery, now)
    return True


def _settled(
    row: Any, delivery: Delivery, settlement: Settlement, now: datetime, *, look_again: bool
) -> dict[str, Any]:
    verdict = settlement.verdict
    values: dict[str, Any] = {
        "state": verdict.state,
        "is_open": ASIDE if settlement.aside else int(verdict.state in {State.PENDING, State.DEAD}),
        "due_at": verdict.due_at,
        "attempts": verdict.attempts,
        "unexpected": verdict.unexpected,
        "maybe_sent": verdict.maybe_sent,
        "sent_at": _sent_at(verdict, delivery, now),
        "code": verdict.code or ("final" if settlement.final else ""),
        "reason": verdict.reason,
        "owner": verdict.owner or "",
        "leased_until": None,
        "leased_by": None,
        "settled_at": None if verdict.state == State.PENDING else now,
        "reference": settlement.reference or row.reference,
    }
    if verdict.state == State.DELIVERED or settlement.content:
        values["content"] = settlement.content
    if row.one_row and verdict.state != State.LEASED and (row.generation != delivery.generation or look_again):
        values |= {"state": State.PENDING, "is_open": 1, "settled_at": None}
        values["due_at"] = now + LOOK_AGAIN if look_again else min(verdict.due_at, now)
        values["opened_at"] = now
    return values


def _sent_at(verdict: Verdict, delivery: Delivery, now: datetime) -> datetime | None:
    # only an attempt that ended in doubt moves the moment: waiting for it to pass must not
    doubtful = verdict.maybe_sent and verdict.attempts != delivery.attempts
    return now if doubtful else delivery.sent_at


def end(connection: Connection, ends: Sequence[tuple[str, str, str]], now: datetime, statement: Prepared = END) -> bool:
    """Supersede promises that were not kept yet; False where one is not as it was any more."""
    ended = True
    for target, key, reason in ends:
        done = statement.run(connection, {"wanted_target": target, "wanted_key": key, "now": now, "why": reason})
        ended = ended and done == 1
    return ended


def owe(connection: Connection, payloads: Payloads, promise: Promise, now: datetime) -> None:
    """A promise with its message, once."""
    if promise.one_row:
        arrival = Arrival(
            message=promise.message,
            flow=promise.flow,
            target=promise.target,
            key=promise.key,
            lane=promise.lane,
            one_row=True,
            priority=promise.priority,
            channel=DUTY,
        )
        record(connection, payloads, arrival, now)
        return
    kept = keep_message(connection, payloads, promise.message, now, channel=DUTY)
    insert_delivery(connection, promise, kept.seq, now)


def _link(connection: Connection, settlement: Settlement, now: datetime) -> None:
    for link in settlement.links:
        values = {
            "source": link.source,
            "subject": link.subject,
            "target": link.target,
            "part": link.part,
            "external_id": link.external_id,
            "number": link.number,
            "created_at": now,
        }
        LINK.later(connection, values)


def give_back(connection: Connection, leased: Sequence[Delivery], now: datetime) -> None:
    """Due again at once, with nothing changed: it was never begun."""
    for delivery in leased:
        connection.execute(
            update(deliveries)
            .where(
                deliveries.c.id == delivery.id,
                deliveries.c.fence == delivery.fence,
                deliveries.c.state == State.LEASED,
            )
            .values(state=State.PENDING, due_at=now, leased_until=None, leased_by=None)
        )
