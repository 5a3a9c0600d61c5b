"""Feeds: rows that came together, and what became of each."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import Executable, bindparam, delete, func, select, update
from sqlalchemy.engine import Connection
from sqlalchemy.engine import Row as DbRow

from crossdock.delivery.records import State
from crossdock.errors import InvalidPayload
from crossdock.feeds.levels import Fate, Feed, FeedState, NewFeed, Row
from crossdock.storage.dialect import among, insert_once, listed
from crossdock.storage.inbox import keep_message
from crossdock.storage.payloads import Payloads
from crossdock.storage.prepared import Prepared
from crossdock.storage.tables import deliveries, feed_rows, feeds, messages

KEEP_ROW = Prepared(insert_once(feed_rows))
CHUNK = 2000
SETTLED_BAD = {"rejected": "rejected", "mapping": "rejected", "message": "rejected"}


def _of_keys(dialect: str) -> Executable:
    names = ("key", "state", "is_open", "desired", "code", "reason", "content", "maybe_sent")
    columns = [deliveries.c[name] for name in names]
    return select(*columns).where(
        deliveries.c.target == bindparam("wanted_target"), among(dialect, deliveries.c.key, "keys")
    )


OF_KEYS = Prepared(_of_keys)


def take(connection: Connection, payloads: Payloads, new: NewFeed, now: datetime) -> Feed:
    """Store it, once: the same id brings the first one back. Raises InvalidPayload where its content is another."""
    kept = keep_message(connection, payloads, new.message, now, fingerprint=new.fingerprint, channel=new.channel)
    if not kept.same:
        raise InvalidPayload(f"{new.message.id} came before with another content")
    if not kept.new and (found := _first(connection, kept.seq, new.target)) is not None:
        return msgspec.structs.replace(_feed(found), known=True)
    values = {
        "message_seq": kept.seq,
        "source": new.message.source,
        "target": new.target,
        "flow": new.flow,
        "channel": new.channel,
        "state": FeedState.QUEUED if new.queued else FeedState.TAKEN,
        "received_at": now,
    }
    connection.execute(feeds.insert().values(values))
    return _feed(_first(connection, kept.seq, new.target))


def _first(connection: Connection, seq: int, target: str) -> DbRow[Any] | None:
    return connection.execute(select(feeds).where(feeds.c.message_seq == seq, feeds.c.target == target)).one_or_none()


def close(connection: Connection, feed: Feed, state: FeedState, total: int, reason: str) -> Feed:
    """What its comparison came to; the counts are those of the rows that were kept."""
    query = select(feed_rows.c.fate, func.count()).where(feed_rows.c.feed_id == feed.id).group_by(feed_rows.c.fate)
    by_fate = {row[0]: row[1] for row in connection.execute(query)}
    changed = by_fate.get(Fate.CHANGED, 0) + by_fate.get(Fate.HELD, 0)
    stale, rejected = by_fate.get(Fate.STALE, 0), by_fate.get(Fate.REJECTED, 0)
    counts = {"total": total, "changed": changed, "stale": stale, "rejected": rejected}
    counts["unchanged"] = total - changed - stale - rejected
    connection.execute(update(feeds).where(feeds.c.id == feed.id).values(state=state, reason=reason, **counts))
    closed = read(connection, feed.id)
    return feed if closed is None else closed


def keep(connection: Connection, feed_id: int, rows: Sequence[Row]) -> None:
    """Rows of a feed."""
    KEEP_ROW.many(connection, [{"feed_id": feed_id, **msgspec.structs.asdict(row)} for row in rows])


def read(connection: Connection, feed_id: int) -> Feed | None:
    """By its number."""
    row = connection.execute(select(feeds).where(feeds.c.id == feed_id)).one_or_none()
    return None if row is None else _feed(row)


def body(connection: Connection, payloads: Payloads, feed: Feed) -> bytes:
    """As it came; empty once it was forgotten."""
    payload_id = connection.execute(select(messages.c.payload_id).where(messages.c.seq == feed.seq)).scalar_one()
    return payloads.read(connection, payload_id)


def latest(connection: Connection, flow: str, least_rejected: int, limit: int) -> list[Feed]:
    """Newest first, those with so many refused rows at least; "" is every flow."""
    query = select(feeds).where(feeds.c.rejected >= least_rejected)
    query = query.where(feeds.c.flow == flow) if flow else query
    return [_feed(row) for row in connection.execute(query.order_by(feeds.c.id.desc()).limit(limit))]


def waiting(connection: Connection, states: Sequence[FeedState], before: datetime, limit: int) -> list[Feed]:
    """Those in one of these states, taken before then, oldest first."""
    query = select(feeds).where(feeds.c.state.in_(states), feeds.c.received_at < before)
    return [_feed(row) for row in connection.execute(query.order_by(feeds.c.id).limit(limit))]


def decide(connection: Connection, feed_id: int, state: FeedState, by: str, why: str) -> bool:
    """A held one goes on, or never will; False where it is not held any more."""
    done = connection.execute(
        update(feeds)
        .where(feeds.c.id == feed_id, feeds.c.state == FeedState.HELD)
        .values(state=state, decided_by=by, reason=feeds.c.reason + (f" ({why})" if why else ""))
    )
    if done.rowcount == 1 and state is FeedState.DONE:
        held = (feed_rows.c.feed_id == feed_id) & (feed_rows.c.fate == Fate.HELD)
        connection.execute(update(feed_rows).where(held).values(fate=Fate.CHANGED, record=None, reason=""))
    return done.rowcount == 1


def answer(connection: Connection, feed_id: int, text: str) -> None:
    """What its sender is told, whenever it asks again."""
    connection.execute(update(feeds).where(feeds.c.id == feed_id).values(answer=text))


def rows_of(connection: Connection, feed_id: int, after: int, limit: int) -> list[Row]:
    """Its rows behind that number."""
    query = select(feed_rows).where(feed_rows.c.feed_id == feed_id, feed_rows.c.number > after)
    found = connection.execute(query.order_by(feed_rows.c.number).limit(limit))
    return [_row(one) for one in found]


def outcomes(connection: Connection, feed: Feed, rows: Sequence[Row]) -> list[tuple[str, str]]:
    """Of each row: applied, unchanged, stale, held, rejected, failed or pending, and why."""
    keys = [row.key for row in rows if row.fate is Fate.CHANGED]
    there: dict[str, Any] = {}
    for chunk in _chunks(keys):
        asked = {"wanted_target": feed.target, "keys": listed(connection, chunk)}
        there |= {row.key: row for row in OF_KEYS.rows(connection, asked)}
    return [_outcome(row, there.get(row.key)) if row.fate is Fate.CHANGED else (row.fate, row.reason) for row in rows]


def _outcome(row: Row, delivery: Any) -> tuple[str, str]:
    if delivery is None:
        return "pending", ""
    if delivery.desired != row.content:
        return Fate.STALE, "a newer one has taken its place"
    if delivery.state == State.DELIVERED:
        return "applied", ""
    if delivery.state == State.DEAD:
        return SETTLED_BAD.get(delivery.code, "failed"), delivery.reason
    return "pending", delivery.reason


def _chunks(keys: Sequence[str]) -> Iterator[Sequence[str]]:
    for start in range(0, len(keys), CHUNK):
        yield keys[start : start + CHUNK]


def _feed(row: Any) -> Feed:
    return Feed(
        id=row.id,
        seq=row.message_seq,
        source=row.source,
        target=row.target,
        flow=row.flow,
        channel=row.channel,
        state=FeedState(row.state),
        total=row.total,
        changed=row.changed,
        unchanged=row.unchanged,
        stale=row.stale,
        rejected=row.rejected,
        reason=row.reason,
        received_at=row.received_at,
        decided_by=row.decided_by,
        answer=row.answer,
    )


def _row(row: Any) -> Row:
    values = {name: row._mapping[name] for name in Row.__struct_fields__}  # noqa: SLF001
    return Row(**values | {"fate": Fate(row.fate), "record": row.record or b""})


def forget(connection: Connection, before: datetime, limit: int) -> int:
    """Rows of feeds that are decided and older than this; returns how many feeds went."""
    old = (
        select(feeds.c.id)
        .where(feeds.c.received_at < before, feeds.c.state.in_((FeedState.DONE, FeedState.REFUSED)))
        .limit(limit)
    )
    ids = list(connection.execute(old).scalars())
    connection.execute(delete(feed_rows).where(feed_rows.c.feed_id.in_(ids)))
    connection.execute(delete(feeds).where(feeds.c.id.in_(ids)))
    return len(ids)
