"""Comparisons, what they found, what was known of it, and control totals."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import msgspec
from sqlalchemy import bindparam, delete, func, insert, literal_column, select, update
from sqlalchemy.engine import Connection

from crossdock.delivery.records import Attempt, State
from crossdock.delivery.store import Checkpoint
from crossdock.feeds.levels import Fate, FeedState
from crossdock.reconciliation.causes import Standing
from crossdock.reconciliation.drift import Cause, Drift, DriftState, Repair, Run, RunState
from crossdock.reconciliation.totals import Total
from crossdock.storage import streams, trail
from crossdock.storage.dialect import among, listed
from crossdock.storage.payloads import Payloads
from crossdock.storage.prepared import Prepared
from crossdock.storage.reading import ALL
from crossdock.storage.tables import Moment, control_totals, deliveries, drifts, feed_rows, feeds, reconciliations

CHUNK = 500
RUN = list(Run.__struct_fields__)
DRIFT = list(Drift.__struct_fields__)
LONGEST = 400  # characters of a value


def begin(connection: Connection, claimed: Checkpoint, run: Run, now: datetime) -> Run | None:
    """A new run; what its road has left running was interrupted. None, and nothing written, under an older claim."""
    if not streams.holds(connection, claimed):
        return None
    connection.execute(
        update(reconciliations)
        .where(*_of(run), reconciliations.c.state == RunState.RUNNING)
        .values(state=RunState.INTERRUPTED, ended_at=now)
    )
    values = {name: getattr(run, name) for name in ("flow", "store", "erp", "by", "since", "began_at", "state")}
    number = connection.execute(insert(reconciliations).values(values)).inserted_primary_key
    return msgspec.structs.replace(run, id=number[0]) if number else None


def keep(connection: Connection, claimed: Checkpoint, run: Run, found: Sequence[Drift]) -> bool:
    """Some of what it found; False under an older claim."""
    if not streams.holds(connection, claimed):
        return False
    if found:
        connection.execute(insert(drifts), [{"run_id": run.id, **_values(one)} for one in found])
    return True


def end(connection: Connection, claimed: Checkpoint, run: Run) -> Run | None:
    """What it came to, its drifts counted as they are kept; None under an older claim."""
    if not streams.holds(connection, claimed):
        return None
    found = connection.execute(select(func.count()).select_from(drifts).where(drifts.c.run_id == run.id)).scalar()
    done = msgspec.structs.replace(run, drifts=found or 0)
    names = ("state", "ended_at", "compared", "drilled", "drifts", "moving", "detail")
    connection.execute(
        update(reconciliations)
        .where(reconciliations.c.id == run.id)
        .values({name: getattr(done, name) for name in names})
    )
    return done


def runs(connection: Connection, flow: str, limit: int) -> list[Run]:
    """Newest first; "" is every flow."""
    query = select(reconciliations).order_by(reconciliations.c.id.desc()).limit(limit)
    return [_run(row) for row in connection.execute(query.where(reconciliations.c.flow == flow) if flow else query)]


def newest(connection: Connection, states: Iterable[RunState]) -> list[Run]:
    """Of each flow, store and ERP the newest run that has come to one of these, in no order."""
    place = (reconciliations.c.flow, reconciliations.c.store, reconciliations.c.erp)
    ids = select(func.max(reconciliations.c.id)).where(reconciliations.c.state.in_(tuple(states))).group_by(*place)
    rows = connection.execute(select(reconciliations).where(reconciliations.c.id.in_(ids)))
    return [_run(row) for row in rows]


def run_of(connection: Connection, run_id: int) -> Run | None:
    """By its number."""
    row = connection.execute(select(reconciliations).where(reconciliations.c.id == run_id)).one_or_none()
    return None if row is None else _run(row)


def drifts_of(
    connection: Connection, run_id: int, after: int, limit: int, cause: str, state: str, key: str
) -> list[Drift]:
    """Of a run, by number, behind that one; "" is any."""
    query = select(drifts).where(drifts.c.run_id == run_id, drifts.c.number > after)
    for column, wanted in ((drifts.c.cause, cause), (drifts.c.state, state), (drifts.c.key, key)):
        query = query.where(column == wanted) if wanted else query
    return [_drift(row) for row in connection.execute(query.order_by(drifts.c.number).limit(limit))]


def causes(connection: Connection, run_id: int) -> dict[tuple[str, str], int]:
    """How many drifts of a run by cause and state."""
    rows = connection.execute(
        select(drifts.c.cause, drifts.c.state, func.count())
        .where(drifts.c.run_id == run_id)
        .group_by(drifts.c.cause, drifts.c.state)
    )
    return {(cause, state): number for cause, state, number in rows}


def plan(connection: Connection, run_id: int) -> dict[tuple[str, str], int]:
    """How many drifts of a run are still open, by cause and repair."""
    rows = connection.execute(
        select(drifts.c.cause, drifts.c.repair, func.count())
        .where(drifts.c.run_id == run_id, drifts.c.state == DriftState.FOUND)
        .group_by(drifts.c.cause, drifts.c.repair)
    )
    return {(cause, repair): number for cause, repair, number in rows}


def history(connection: Connection, key: str, limit: int) -> list[tuple[Run, Drift]]:
    """Every drift that was ever found at a key, newest first."""
    found = connection.execute(
        select(drifts).where(drifts.c.key == key).order_by(drifts.c.run_id.desc(), drifts.c.number).limit(limit)
    ).all()
    known = {row.run_id: run_of(connection, row.run_id) for row in found}
    return [(run, _drift(row)) for row in found if (run := known[row.run_id]) is not None]


def standings(connection: Connection, target: str, keys: Sequence[str]) -> dict[str, Standing]:
    """By key, our deliveries of states, and the feeds that wait for a person and would change them."""
    held = {row.key: row.feed_id for row in HELD.rows(connection, _keyed(connection, target, keys))}
    found: dict[str, Standing] = {}
    for row in STANDING.rows(connection, _keyed(connection, target, keys)):
        found[row.key] = _standing(row, held.get(row.key))
    return found


def documents(
    connection: Connection, source: str, flow: str, subjects: Sequence[str]
) -> dict[tuple[str, str], Standing]:
    """By (subject, target), our deliveries of one flow from a source, the archived ones too."""
    found: dict[tuple[str, str], Standing] = {}
    for start in range(0, len(subjects), CHUNK):
        rows = connection.execute(
            select(ALL)
            .where(ALL.c.source == source, ALL.c.flow == flow, ALL.c.subject.in_(subjects[start : start + CHUNK]))
            .order_by(ALL.c.id)
        )
        found |= {(row.subject, row.target): _standing(row, None) for row in rows}
    return found


def told(
    connection: Connection, source: str, target: str, flow: str, after: int, limit: int
) -> list[tuple[int, bytes]]:
    """(id, record) of states as their source last told them, by id."""
    rows = connection.execute(
        select(deliveries.c.id, deliveries.c.record)
        .where(
            deliveries.c.source == source,
            deliveries.c.target == target,
            deliveries.c.flow == flow,
            deliveries.c.record.is_not(None),
            deliveries.c.id > after,
        )
        .order_by(deliveries.c.id)
        .limit(limit)
    )
    return [(row.id, row.record) for row in rows]


def owe(
    connection: Connection, payloads: Payloads, run: Run, wanted: Sequence[Drift], by: str, why: str, now: datetime
) -> int:
    """Levels that are owed again, if they still stand as they were judged; with the drift's state and the trail.

    One that was told anew or delivered again since has another fence or another state: it is left alone.
    """
    owed = {}
    for one in wanted:
        if one.delivery not in owed:
            asked = {"wanted_id": one.delivery, "wanted_fence": one.seen, "now": now}
            owed[one.delivery] = connection.execute(OWE, asked).rowcount
    for state in (DriftState.REPAIRED, DriftState.ENDED):
        of_it = [one for one in wanted if bool(owed[one.delivery]) is (state is DriftState.REPAIRED)]
        settle(connection, payloads, run, of_it, state, by, why, now)
    return sum(owed.values())


def settle(
    connection: Connection,
    payloads: Payloads,
    run: Run,
    repaired: Iterable[Drift],
    state: DriftState,
    by: str,
    why: str,
    now: datetime,
) -> int:
    """Found ones become this, each once, with a row in the trail for each key; returns how many."""
    done = 0
    noted: set[str] = set()
    for one in repaired:
        changed = connection.execute(
            update(drifts)
            .where(drifts.c.run_id == run.id, drifts.c.number == one.number, drifts.c.state == DriftState.FOUND)
            .values(state=state, repaired_at=now, repaired_by=by)
        ).rowcount
        done += changed
        if changed and one.key not in noted:
            noted.add(one.key)
            attempt = Attempt(
                operation="reconcile",
                entity=run.flow,
                entity_id=(one.subject or one.key)[:255],
                started_at=now,
                actor=by,
                detail=f"{one.repair} ({one.cause}, run {run.id}): {state}: {why}",
            )
            source = run.store if one.subject else run.erp
            trail.append(connection, payloads, attempt, None, now, source=source, delivery_id=one.delivery)
    return done


def keep_totals(connection: Connection, totals: Sequence[Total], now: datetime) -> None:
    """In the place of all that was summed up for those days before."""
    places = {(one.day.isoformat(), one.flow, one.store, one.erp) for one in totals}
    for place in sorted(places):
        names = ("day", "flow", "store", "erp")
        same = (control_totals.c[name] == value for name, value in zip(names, place, strict=True))
        connection.execute(delete(control_totals).where(*same))
    rows = [msgspec.structs.asdict(one) | {"day": one.day.isoformat(), "amount": str(one.amount)} for one in totals]
    if rows:
        connection.execute(insert(control_totals), [row | {"at": now} for row in rows])


def totals(connection: Connection, since: date, flow: str) -> list[Total]:
    """From that day on; "" is every flow."""
    query = select(control_totals).where(control_totals.c.day >= since.isoformat())
    rows = connection.execute(query.where(control_totals.c.flow == flow) if flow else query)
    return [
        Total(
            day=date.fromisoformat(row.day),
            flow=row.flow,
            store=row.store,
            erp=row.erp,
            side=row.side,
            unit=row.unit,
            amount=Decimal(row.amount),
        )
        for row in rows
    ]


def forget(connection: Connection, before: datetime, limit: int) -> int:
    """Runs that ended before then, with their drifts; returns how many."""
    old = select(reconciliations.c.id).where(reconciliations.c.ended_at < before).limit(limit)
    ids = list(connection.execute(old).scalars())
    connection.execute(delete(drifts).where(drifts.c.run_id.in_(ids)))
    connection.execute(delete(reconciliations).where(reconciliations.c.id.in_(ids)))
    return len(ids)


def _asked(dialect: str) -> Any:
    return select(deliveries).where(
        deliveries.c.target == bindparam("wanted_target"), among(dialect, deliveries.c.key, "keys")
    )


def _held(dialect: str) -> Any:
    """Of each key, the held feeds that would change it, oldest first."""
    return (
        select(feed_rows.c.key, feed_rows.c.feed_id)
        .join(feeds, feeds.c.id == feed_rows.c.feed_id)
        .where(
            feeds.c.state == literal_column(f"'{FeedState.HELD}'"),
            feeds.c.target == bindparam("wanted_target"),
            feed_rows.c.fate == literal_column(f"'{Fate.HELD}'"),
            among(dialect, feed_rows.c.key, "keys"),
        )
        .order_by(feed_rows.c.feed_id)
    )


STANDING = Prepared(_asked)
HELD = Prepared(_held)
# exactly what was judged: delivered, and nothing has become of it since
OWE = (
    update(deliveries)
    .where(
        deliveries.c.id == bindparam("wanted_id"),
        deliveries.c.fence == bindparam("wanted_fence"),
        deliveries.c.state == State.DELIVERED,
        deliveries.c.record.is_not(None),
    )
    .values(
        state=State.PENDING,
        is_open=2,
        generation=deliveries.c.generation + 1,
        attempts=0,
        unexpected=0,
        due_at=bindparam("now", type_=Moment),
        opened_at=bindparam("now", type_=Moment),
        settled_at=literal_column("NULL"),
    )
)


def _keyed(connection: Connection, target: str, keys: Sequence[str]) -> dict[str, Any]:
    return {"wanted_target": target, "keys": listed(connection, keys)}


def _standing(row: Any, held_by: int | None) -> Standing:
    moved = [one for one in (row.opened_at, row.settled_at) if one is not None]
    return Standing(
        id=row.id,
        state=row.state,
        desired=row.desired,
        confirmed=row.content,
        version=row.version,
        fence=row.fence,
        resolved=row.state == State.DEAD and not row.is_open,
        moved_at=max(moved, default=None),
        code=row.code,
        reason=row.reason,
        held_by=held_by,
    )


def _of(run: Run) -> Iterator[Any]:
    return (getattr(reconciliations.c, name) == getattr(run, name) for name in ("flow", "store", "erp"))


def _values(one: Drift) -> dict[str, Any]:
    told = {name: getattr(one, name) for name in DRIFT}
    told |= {name: _plain(told[name])[:LONGEST] for name in ("store_value", "erp_value")}
    return told | {
        "field": one.field[:100],
        "key": _plain(one.key)[:255],
        "why": _plain(one.why),
        "subject": one.subject[:255],
    }


def _plain(text: str) -> str:
    """What no database's text holds is left out."""
    return text.replace("\0", "")


def _run(row: Any) -> Run:
    values = {name: row._mapping[name] for name in RUN}  # noqa: SLF001
    return Run(**values | {"state": RunState(row.state)})


def _drift(row: Any) -> Drift:
    values = {name: row._mapping[name] for name in DRIFT}  # noqa: SLF001
    kinds = {"cause": Cause(row.cause), "repair": Repair(row.repair), "state": DriftState(row.state)}
    return Drift(**values | kinds)
