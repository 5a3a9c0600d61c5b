"""Waiting until all rows of a feed are settled: a bar, and then what became of them."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import islice

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from crossdock.app import Crossdock
from crossdock.cli.common import complaints, plain, say
from crossdock.feeds.levels import Fate, Feed, Row

EVERY_S = 0.5
PAGE = 1000
SHOWN = 20
PENDING = "pending"
BAD = frozenset({"rejected", "failed"})
Outcome = tuple[Row, str, str]


def wait(crossdock: Crossdock, feed: Feed) -> int:
    """Until none is pending; how many were rejected or failed. It only watches: a worker has to run somewhere."""
    pending = [row for row in _rows(crossdock, feed) if row.fate is Fate.CHANGED]
    settled: list[Outcome] = []
    words = (TextColumn("settled"), MofNCompleteColumn(), BarColumn(), TimeRemainingColumn())
    with Progress(*words, console=complaints, disable=not complaints.is_terminal, transient=True) as progress:
        task = progress.add_task("rows", total=len(pending))
        while pending:
            pending, more = _looked(crossdock, feed, pending)
            settled += more
            progress.update(task, completed=len(settled))
            if pending:
                time.sleep(EVERY_S)
    return _told(settled)


def _rows(crossdock: Crossdock, feed: Feed) -> Iterator[Row]:
    after = -1
    while page := crossdock.store.levels.feed_rows(feed.id, after, PAGE):
        yield from page
        after = page[-1].number


def _looked(crossdock: Crossdock, feed: Feed, rows: Sequence[Row]) -> tuple[list[Row], list[Outcome]]:
    """What is pending yet, and what is not any more."""
    found = zip(rows, crossdock.store.levels.outcomes(feed, rows), strict=True)
    told = [(row, word, reason) for row, (word, reason) in found]
    return [row for row, word, _ in told if word == PENDING], [one for one in told if one[1] != PENDING]


def _told(settled: Sequence[Outcome]) -> int:
    counts = Counter(word for _, word, _ in settled)
    if counts:
        say("settled: " + ", ".join(f"{count} {word}" for word, count in counts.most_common()))
    bad = [one for one in settled if one[1] in BAD]
    for row, word, reason in islice(bad, SHOWN):
        say(f"{row.reference}: {word}: ", plain(reason, "red"))
    if len(bad) > SHOWN:
        say(f"… and {len(bad) - SHOWN} more: `crossdock dead list` shows them all")
    return len(bad)
