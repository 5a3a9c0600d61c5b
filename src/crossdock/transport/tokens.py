"""Tokens that are fetched, live for a while and are fetched anew."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from crossdock.model.base import Record
from crossdock.transport.auth import with_headers
from crossdock.transport.wire import HttpRequest

# A token younger than this was fetched by another thread that met the same 401: it is tried before fetching once more.
YOUNG_SECONDS = 10.0


class Token(Record, frozen=True, kw_only=True):
    """A token and for how many seconds it is good."""

    value: str
    lifetime: float


class FetchedToken:
    """Bearer with a token from `fetch`: the first use fetches it, and so does its age or a 401; one thread at a time.

    `margin` is the share of its lifetime after which it is renewed before anybody complains.
    """

    def __init__(
        self,
        fetch: Callable[[], Token],
        *,
        extra: dict[str, str] | None = None,
        clock: Callable[[], float] = time.monotonic,
        margin: float = 0.9,
    ) -> None:
        self._fetch = fetch
        self._extra = extra or {}
        self._clock = clock
        self._margin = margin
        self._lock = threading.Lock()
        self._token: Token | None = None
        self._fetched_at = 0.0

    def apply(self, request: HttpRequest) -> HttpRequest:
        """With `Authorization: Bearer` and the extra headers. Raises what `fetch` raises."""
        with self._lock:
            token = self._current()
        return with_headers(request, {"Authorization": f"Bearer {token.value}", **self._extra})

    def refresh(self) -> bool:
        """Forgets the token, unless it is so young that another thread has just fetched it."""
        with self._lock:
            if self._clock() - self._fetched_at > YOUNG_SECONDS:
                self._token = None
        return True

    def _current(self) -> Token:
        if self._token is None or self._clock() - self._fetched_at > self._token.lifetime * self._margin:
            self._token = self._fetch()
            self._fetched_at = self._clock()
        return self._token
