"""By which feeds a state came, and what feeds of late said of it. Nothing here writes."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import or_, select
from sqlalchemy.engine import Connection

from crossdock.feeds.levels import FeedState
from crossdock.model.base import Record
from crossdock.storage.tables import deliveries, feed_rows, feeds

LATEST = 20  # feeds of a road that are looked into


class FeedWord(Record, frozen=True, kw_only=True):
    """What one feed said of a subject. `came`: what stands now came by it."""

    feed: int
    source: str
    target: str
    flow: str
    channel: str
    state: str
    received_at: datetime
    fate: str = ""
    version: str = ""
    reason: str = ""
    decided_by: str = ""
    came: bool = False


def words(connection: Connection, flow: str, source: str, subject: str) -> list[FeedWord]:
    """Newest first: the feed that what stands came by, and those of the latest in which its row was not unchanged."""
    came = connection.execute(
        select(feeds)
        .join(deliveries, (deliveries.c.message_seq == feeds.c.message_seq) & (deliveries.c.target == feeds.c.target))
        .where(deliveries.c.source == source, deliveries.c.subject == subject, deliveries.c.flow == flow)
    ).all()
    latest = (
        select(feeds.c.id)
        .where(or_(feeds.c.state == FeedState.HELD, feeds.c.flow == flow), feeds.c.source == source)
        .order_by(feeds.c.id.desc())
        .limit(LATEST)
    )
    rows = connection.execute(
        select(feeds, feed_rows.c.fate, feed_rows.c.version, feed_rows.c.reason.label("row_reason"))
        .join(feed_rows, feed_rows.c.feed_id == feeds.c.id)
        .where(feeds.c.id.in_(latest), feeds.c.flow == flow, feed_rows.c.subject == subject)
    ).all()
    shared = ("source", "target", "flow", "channel", "state", "received_at", "decided_by")
    brought = {row.id for row in came}
    found = {
        row.id: FeedWord(
            feed=row.id,
            fate=row.fate,
            version=row.version,
            reason=row.row_reason,
            came=row.id in brought,
            **{name: getattr(row, name) for name in shared},
        )
        for row in rows
    }
    for row in came:
        if row.id not in found:
            found[row.id] = FeedWord(feed=row.id, came=True, **{name: getattr(row, name) for name in shared})
    return sorted(found.values(), key=lambda one: -one.feed)


__all__ = ["FeedWord", "words"]
