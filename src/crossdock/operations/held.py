"""Feeds that a guard has stopped: for a person to decide."""

from __future__ import annotations

from datetime import datetime, timedelta

from crossdock.errors import MappingError, NotNow, NotThere
from crossdock.feeds.levels import Feed, FeedState
from crossdock.operations.desk import Desk, View, line, needs_why

MOST = 1000


class Held(View, frozen=True, kw_only=True):
    """One feed. `changed`: rows that it would change."""

    id: int
    flow: str
    source: str
    target: str
    channel: str
    received_at: datetime
    total: int
    changed: int
    unchanged: int
    stale: int
    rejected: int
    reason: str
    cli: dict[str, str]


class Row(View, frozen=True, kw_only=True):
    """One row of it that is not simply unchanged."""

    number: int
    fate: str
    subject: str
    reference: str
    version: str
    reason: str


class Decided(View, frozen=True, kw_only=True):
    """`changed` is false where another has decided meanwhile."""

    id: int
    approved: bool
    changed: bool
    cli: str


def every(desk: Desk) -> list[Held]:
    """Oldest first, at most a thousand."""
    found = desk.store.levels.feeds_in((FeedState.HELD,), desk.clock() + timedelta(days=1), MOST)
    return [_held(feed) for feed in found]


def rows(desk: Desk, number: int, after: int = -1, limit: int = 100) -> list[Row]:
    """By their place in the feed, behind `after`. Raises NotThere."""
    feed = _feed(desk, number)
    found = desk.store.levels.feed_rows(feed.id, after, limit)
    names = [name for name in Row.__struct_fields__ if name != "fate"]
    return [Row(fate=str(row.fate), **{name: getattr(row, name) for name in names}) for row in found]


def approve(desk: Desk, number: int, by: str, why: str) -> Decided:
    """It goes on: all that it would change and that is not older than what stands by now. Raises NotThere, NotNow."""
    return _decide(desk, number, by, why, approved=True)


def reject(desk: Desk, number: int, by: str, why: str) -> Decided:
    """It is never put in place. Raises NotThere, NotNow."""
    return _decide(desk, number, by, why, approved=False)


def _decide(desk: Desk, number: int, by: str, why: str, *, approved: bool) -> Decided:
    said = needs_why(why)
    feed = _feed(desk, number)
    verb = "approve" if approved else "reject"
    if feed.state is not FeedState.HELD:
        if feed.state is not (FeedState.DONE if approved else FeedState.REFUSED):
            raise NotNow(f"feed {number} is not held: it is {feed.state}")
        return Decided(id=number, approved=approved, changed=False, cli=line("held", verb, number, "--why", said))
    decide = desk.crossdock.feeds.approve if approved else desk.crossdock.feeds.refuse
    changed = decide(feed, by, said)
    desk.acted()
    return Decided(id=number, approved=approved, changed=changed, cli=line("held", verb, number, "--why", said))


def _feed(desk: Desk, number: int) -> Feed:
    if not 0 < number < 2**62:
        raise MappingError("id", "is the number of a feed")
    if (feed := desk.store.levels.feed(number)) is None:
        raise NotThere(f"there is no feed {number}")
    return feed


def _held(feed: Feed) -> Held:
    names = [name for name in Held.__struct_fields__ if name != "cli"]
    verbs = {verb: line("held", verb, feed.id, "--why", "…") for verb in ("approve", "reject")}
    return Held(**{name: getattr(feed, name) for name in names}, cli=verbs)


__all__ = ["Decided", "Held", "Row", "approve", "every", "reject", "rows"]
