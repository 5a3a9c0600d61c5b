"""What was said to the ends: kept for each attempt, the raw matter of the audit trail."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import TypeVar

from crossdock.clock import utc_now
from crossdock.delivery.records import Attempt
from crossdock.transport.http import Exchange
from crossdock.transport.kept import NOTHING, joined
from crossdock.transport.wire import Observer, parse_http_date

LARGEST_READ = 200_000  # bytes
Answered = Callable[[str, str, float], None]  # connection, outcome, seconds
T = TypeVar("T")


class Exchanges:
    """What each thread has said to the outside since it was last asked: the raw matter of the audit trail."""

    def __init__(self, answered: Answered = lambda _connection, _outcome, _seconds: None) -> None:
        self._said = threading.local()
        self._answered = answered

    def listen(self) -> None:
        """An attempt begins in this thread: what was said before is not its own."""
        self._said.rows = []

    def observer(self, connection: str, *, keeps_reads: bool) -> Observer:
        """Called by the transport in the thread that sends. Who only reads, outside an attempt, is not listened to.

        `keeps_reads`: what a GET answered is kept too, up to a bound, and what a replay needs beside the bodies. A
        source's is not, since what an attempt saw of its source is kept anyhow.
        """

        def observe(exchange: Exchange) -> None:
            rows: list[Attempt] | None = getattr(self._said, "rows", None)
            if rows is not None:
                rows.append(_attempt(exchange, keeps_reads=keeps_reads))
            if (dates := getattr(self._said, "dates", None)) is not None:
                dates[connection] = exchange.date
            self._answered(connection, outcome_of(exchange), exchange.elapsed_ms / 1000)

        return observe

    def clock_of(self, connection: str, ask: Callable[[], T]) -> tuple[T, datetime | None]:
        """What is answered, and the other side's clock as of its last answer to this; None where none tells it."""
        self._said.dates = dates = dict[str, str]()
        try:
            answer = ask()
        finally:
            self._said.dates = None
        return answer, parse_http_date(dates.get(connection, ""))

    def taken(self) -> Sequence[Attempt]:
        """What was said, once; the attempt is over."""
        rows: list[Attempt] = getattr(self._said, "rows", None) or []
        self._said.rows = None
        return rows


def outcome_of(exchange: Exchange) -> str:
    """The class of its answer, or the code of the error where none came."""
    return exchange.error.partition(":")[0] if exchange.status is None else f"{exchange.status // 100}xx"


def _attempt(exchange: Exchange, *, keeps_reads: bool) -> Attempt:
    answer = exchange.response_body or b""
    kept = exchange.method != "GET" or (keeps_reads and len(answer) <= LARGEST_READ)
    beside = exchange.beside if keeps_reads else NOTHING
    return Attempt(
        operation=operation_of(exchange.method, exchange.url_path),
        started_at=utc_now(),
        duration_ms=exchange.elapsed_ms,
        status=exchange.status,
        error=exchange.error,
        request=exchange.request_body or b"",
        response=joined(beside, answer) if kept else b"",
    )


def operation_of(method: str, path: str) -> str:
    """How a request is called in the trail."""
    return f"{method} {path}"[:50]


__all__ = ["Exchanges", "operation_of", "outcome_of"]
