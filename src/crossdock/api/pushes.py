"""Records pushed by an ERP: taken durably, compared, and answered with what the target did."""

from __future__ import annotations

import hashlib
import time
import uuid
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import msgspec

from crossdock.contract.flow import Route
from crossdock.contract.message import Message
from crossdock.errors import ConfigurationError, InvalidPayload, StorageError
from crossdock.feeds.feeds import Feeds, read_rows
from crossdock.feeds.levels import Fate, Feed, FeedState, LevelStore, NewFeed, Row
from crossdock.identity.refusals import told
from crossdock.model.base import Record

FIRST_LOOK, LONGEST_LOOK = 0.01, 0.25  # seconds between two looks at what became of it
PAGE = 1000
RUNNING = timedelta(seconds=60)  # beyond the wait: then whoever was to answer is gone


class Answer(Record, frozen=True, kw_only=True):
    """An HTTP status with its JSON."""

    status: int
    body: dict[str, Any]


class Asked(Record, frozen=True, kw_only=True):
    """One push. `target` may be left out where only one route carries the flow."""

    client: str
    connection: str
    flow: str
    body: bytes
    key: str = ""
    target: str = ""


class Pushes:
    """Safe for many threads; each waits in its own."""

    def __init__(
        self,
        feeds: Feeds,
        store: LevelStore,
        routes: Callable[[str], Sequence[Route]],
        clock: Callable[[], datetime],
        *,
        wait_s: float,
        rows_at_once: int,
    ) -> None:
        self._feeds = feeds
        self._store = store
        self._routes = routes
        self._clock = clock
        self._wait_s = wait_s
        self._rows_at_once = rows_at_once

    def first(self, asked: Asked) -> Answer:
        """The first version: counts of what the target did, whatever the size."""
        taken = self._taken(asked, most=None)
        if isinstance(taken, Answer):
            return _as_first(taken)
        feed = self._feeds.compare(taken, read_rows(asked.body))
        kept, outcomes, _ = self._settled(feed)
        return self._tell(feed, Answer(status=200, body=_counted(feed, kept, outcomes)))

    def second(self, asked: Asked) -> Answer:
        """The second version: row by row, or 202 with a job."""
        taken = self._taken(asked, most=self._rows_at_once)
        if isinstance(taken, Answer):
            return taken
        if taken.state is FeedState.QUEUED:
            self._feeds.wake()
            return self._tell(taken, Answer(status=202, body=_job(taken)))
        rows = read_rows(asked.body)
        feed = self._feeds.compare(taken, rows)
        kept, outcomes, settled = self._settled(feed)
        if not settled:
            return self._tell(feed, Answer(status=202, body=_job(feed)))
        named = [str(row.get("sku", "")) if isinstance(row, Mapping) else "" for row in rows]
        told = {"job": str(feed.id), "state": feed.state, "rows": _row_by_row(named, kept, outcomes)}
        return self._tell(feed, Answer(status=200, body=told | {"counts": _counts(feed, outcomes)}))

    def job(self, connection: str, flow: str, job: str, after: int, limit: int) -> Answer:
        """How far a push has come, and what became of its rows but for those that asked for nothing new."""
        feed = self._store.feed(int(job)) if job.isdecimal() and len(job) < 19 else None
        if feed is None or feed.source != connection or feed.flow != flow:
            return problem(404, "there is no such job")
        counts = Counter(word for page in self._pages(feed) for word, _ in self._store.outcomes(feed, page))
        counts["unchanged"] += feed.unchanged
        rows = self._store.feed_rows(feed.id, after, limit)
        outcomes = self._store.outcomes(feed, rows)
        found = _job(feed) | {
            "reason": feed.reason,
            "counts": dict(counts),
            "done": feed.state not in {FeedState.TAKEN, FeedState.QUEUED} and not counts["pending"],
            "rows": [_row(row, outcome) for row, outcome in zip(rows, outcomes, strict=True)],
            "next": rows[-1].number if len(rows) == limit else None,
        }
        return Answer(status=200, body=found)

    def _taken(self, asked: Asked, *, most: int | None) -> Feed | Answer:
        """Stored, and nobody's yet; or the answer that there is without any more work."""
        try:
            count = len(read_rows(asked.body))
            feed = self._feeds.take(self._feed(asked, queued=most is not None and count > most))
        except InvalidPayload as error:
            return problem(400 if "Invalid payload" in str(error) else 422, str(error))
        except ConfigurationError as error:
            return problem(422, "; ".join(error.problems))
        except StorageError:
            return problem(503, "not stored: send it again")
        if feed.answer:  # the same request, once more
            return msgspec.json.decode(feed.answer, type=Answer)
        late = self._clock() > feed.received_at + timedelta(seconds=self._wait_s) + RUNNING
        if feed.known and not late:
            return problem(409, "the same request is being worked on")
        return feed

    def _feed(self, asked: Asked, *, queued: bool) -> NewFeed:
        name = asked.key or uuid.uuid4().hex
        message = Message(
            id=f"push:{asked.client}:{asked.flow}:{hashlib.sha256(name.encode()).hexdigest()[:40]}",
            source=asked.connection,
            flow=asked.flow,
            subject="feed",
            occurred_at=self._clock(),
            payload=asked.body,
        )
        return NewFeed(
            message=message,
            flow=asked.flow,
            target=target_of(self._routes(asked.connection), asked),
            channel="push",
            fingerprint=hashlib.sha256(asked.body).hexdigest(),
            queued=queued,
        )

    def _tell(self, feed: Feed, answer: Answer) -> Answer:
        self._store.answer_feed(feed, msgspec.json.encode(answer).decode())
        return answer

    def _settled(self, feed: Feed) -> tuple[list[Row], list[tuple[str, str]], bool]:
        """The rows that were not simply unchanged, with their outcomes once none is pending, or the wait is over."""
        rows = [row for page in self._pages(feed) for row in page]
        until, pause = time.monotonic() + self._wait_s, FIRST_LOOK
        while True:
            outcomes = self._store.outcomes(feed, rows)
            settled = all(word != "pending" for word, _ in outcomes)
            if settled or time.monotonic() >= until:
                return rows, outcomes, settled
            time.sleep(pause)
            pause = min(LONGEST_LOOK, pause * 1.5)

    def _pages(self, feed: Feed) -> list[list[Row]]:
        pages: list[list[Row]] = []
        after = -1
        while page := self._store.feed_rows(feed.id, after, PAGE):
            pages.append(page)
            after = page[-1].number
        return pages


def target_of(routes: Sequence[Route], asked: Asked) -> str:
    """The one connection that takes it. Raises ConfigurationError."""
    targets = [route.target for route in routes if asked.flow in route.flows]
    wanted = [name for name in targets if asked.target in {"", name}]
    if len(wanted) == 1:
        return wanted[0]
    if len(targets) > 1:
        raise ConfigurationError([f"several stores take {asked.flow}: name one of {', '.join(targets)} as ?store="])
    raise ConfigurationError([f"no route carries {asked.flow} from {asked.connection}"])


def problem(status: int, detail: str) -> Answer:
    """RFC 9457."""
    return Answer(status=status, body=told(status, detail))


def _as_first(answer: Answer) -> Answer:
    """As the first version puts it."""
    if "detail" not in answer.body:
        return answer
    return Answer(status=answer.status, body={"success": False, "message": answer.body["detail"]})


GOOD = {"applied", "unchanged"}
EXPLAINED = {"pending": "not confirmed yet: it will be delivered", "held": "waits for approval"}


def _counted(feed: Feed, rows: Sequence[Row], outcomes: Sequence[tuple[str, str]]) -> dict[str, Any]:
    errors = [
        {"sku": row.reference or "unknown", "error": reason or EXPLAINED.get(word, word)}
        for row, (word, reason) in zip(rows, outcomes, strict=True)
        if word not in GOOD
    ]
    result = {"success_count": feed.total - len(errors), "error_count": len(errors), "errors": errors}
    return {"success": not errors, "result": result}


def _counts(feed: Feed, outcomes: Sequence[tuple[str, str]]) -> dict[str, int]:
    found = Counter(word for word, _ in outcomes)
    found["unchanged"] += feed.unchanged
    return {str(word): count for word, count in found.items() if count}


def _row_by_row(named: Sequence[str], rows: Sequence[Row], outcomes: Sequence[tuple[str, str]]) -> list[dict[str, Any]]:
    known = {row.number: (row, outcome) for row, outcome in zip(rows, outcomes, strict=True)}
    return [
        _row(*known[number]) if number in known else {"row": number, "sku": name, "outcome": Fate.UNCHANGED}
        for number, name in enumerate(named)
    ]


def _row(row: Row, outcome: tuple[str, str]) -> dict[str, Any]:
    word, reason = outcome
    told = {"row": row.number, "sku": row.reference, "outcome": word}
    return told | ({"reason": reason} if reason else {})


def _job(feed: Feed) -> dict[str, Any]:
    return {"job": str(feed.id), "state": feed.state, "total": feed.total}
