"""The ledger behind states of how much is there: what a store keeps aside for its subjects, and what has left it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import bindparam, case, delete, insert, literal_column, select, union, update
from sqlalchemy.engine import Connection

from crossdock.delivery.records import Delivery, Moved, Reserved, State
from crossdock.storage.dialect import among, insert_once, listed
from crossdock.storage.prepared import Prepared
from crossdock.storage.tables import Moment, deliveries, moves, reservations

OF_SUBJECT = Prepared(
    select(reservations.c.name, reservations.c.quantity).where(
        reservations.c.source == bindparam("wanted_source"), reservations.c.subject == bindparam("wanted_subject")
    )
)
MOVED = Prepared(insert_once(moves))
ZERO = Decimal(0)
IS_LEASED = deliveries.c.state == literal_column("'leased'")


def _stirred(dialect: str) -> Any:
    return (
        update(deliveries)
        .where(
            deliveries.c.target == bindparam("wanted_target"),
            among(dialect, deliveries.c.key, "keys"),
            deliveries.c.record.is_not(None),
            deliveries.c.state.in_((literal_column("'delivered'"), literal_column("'leased'"))),
        )
        .values(
            generation=deliveries.c.generation + 1,
            state=case((IS_LEASED, deliveries.c.state), else_=literal_column("'pending'")),
            due_at=case((IS_LEASED, deliveries.c.due_at), else_=bindparam("now", type_=Moment)),
            is_open=literal_column("2"),
        )
    )


STIRRED = Prepared(_stirred)


def keep(connection: Connection, source: str, subject: str, reserved: Reserved, now: datetime) -> None:
    """The subject's rows as they are now; states that are reckoned with what has changed are due again."""
    asked = {"wanted_source": source, "wanted_subject": subject}
    before = {row.name: Decimal(row.quantity) for row in OF_SUBJECT.rows(connection, asked)}
    changed = {
        name for name in before.keys() | reserved.amounts.keys() if before.get(name) != reserved.amounts.get(name)
    }
    if not changed:
        return
    here = (reservations.c.source == source, reservations.c.subject == subject)
    connection.execute(delete(reservations).where(*here, reservations.c.name.in_(sorted(changed))))
    rows = [
        {"source": source, "subject": subject, "name": name, "quantity": str(reserved.amounts[name])}
        for name in sorted(changed)
        if name in reserved.amounts
    ]
    if rows:
        connection.execute(insert(reservations), rows)
    # of what is newly kept aside no target knows yet, so that nothing is reckoned with it
    less = [name for name in changed if reserved.amounts.get(name, ZERO) < before.get(name, ZERO)]
    _stir(connection, source, [key for name in less for key in reserved.stirs.get(name, ())], now)


def move(connection: Connection, delivery: Delivery, moved: Moved, now: datetime) -> None:
    """What left the target's stock, once a delivery."""
    for name, quantity in moved.amounts.items():
        values = {"source": delivery.target, "delivery_id": delivery.id, "name": name, "place": moved.place}
        values |= {"origin": delivery.source, "subject": delivery.subject, "quantity": str(quantity), "at": moved.at}
        MOVED.run(connection, values)
    _stir(connection, delivery.target, moved.stirs, now)


def _stir(connection: Connection, target: str, keys: Sequence[str], now: datetime) -> None:
    if keys:
        STIRRED.run(connection, {"wanted_target": target, "keys": listed(connection, sorted(set(keys))), "now": now})


def forget(connection: Connection, before: datetime) -> int:
    """What left before then: every level since has lacked it."""
    return connection.execute(delete(moves).where(moves.c.at < before)).rowcount


def left(
    connection: Connection, source: str, target: str, flow: str, names: Sequence[str]
) -> list[tuple[str, str, Decimal, datetime, datetime | None]]:
    """(name, place, quantity, when, since when the target has its subject's document of this flow) of what has left."""
    document = deliveries.alias("document")
    rows = connection.execute(
        select(moves.c.name, moves.c.place, moves.c.quantity, moves.c.at, document.c.settled_at)
        .outerjoin(
            document,
            (document.c.source == moves.c.source)
            & (document.c.subject == moves.c.subject)
            & (document.c.target == target)
            & (document.c.flow == flow)
            & (document.c.state == State.DELIVERED),
        )
        .where(moves.c.source == source, moves.c.origin == target, moves.c.name.in_(names))
        .order_by(moves.c.delivery_id, moves.c.name)
    )
    return [(row.name, row.place, Decimal(row.quantity), row.at, row.settled_at) for row in rows]


def kept(
    connection: Connection, source: str, target: str, flow: str, names: Sequence[str]
) -> list[tuple[str, str, Decimal, datetime]]:
    """(name, reference, quantity, since when) of subjects whose document of this flow the target has."""
    rows = connection.execute(
        select(reservations.c.name, reservations.c.quantity, deliveries.c.reference, deliveries.c.settled_at)
        .join(
            deliveries,
            (deliveries.c.source == reservations.c.source) & (deliveries.c.subject == reservations.c.subject),
        )
        .where(
            reservations.c.source == source,
            reservations.c.name.in_(names),
            deliveries.c.target == target,
            deliveries.c.flow == flow,
            deliveries.c.state == State.DELIVERED,
        )
        .order_by(reservations.c.name, deliveries.c.id)
    )
    return [(row.name, row.reference, Decimal(row.quantity), row.settled_at) for row in rows]


def unsettled(connection: Connection, source: str, target: str, after: datetime) -> frozenset[str]:
    """Names that something is kept aside of, or of which something left after then."""
    aside = select(reservations.c.name).where(reservations.c.source == source)
    gone = select(moves.c.name).where(moves.c.source == source, moves.c.origin == target, moves.c.at >= after)
    return frozenset(connection.execute(union(aside, gone)).scalars())
