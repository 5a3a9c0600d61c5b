"""A scheme whose secrets may be changed where they are kept, while we run.

What was resolved is used until the other side refuses it: a vault may know a new password before the other side takes
it. Then every secret is asked for anew, and where one is another one, the scheme is made again.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import structlog

from crossdock.errors import ConfigurationError, Unauthorized
from crossdock.transport.auth import Auth
from crossdock.transport.wire import HttpRequest

Resolve = Callable[[str], str]
log = structlog.get_logger("crossdock.transport")
YOUNG_SECONDS = 10.0  # secrets that another thread renewed less than this ago are tried before the refusal is believed


class Renewing:
    """The scheme that `make` makes of a resolver. `resolve.again`, where there is one, reads past any cache."""

    def __init__(
        self, make: Callable[[Resolve], Auth], resolve: Resolve, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._make = make
        self._again: Resolve = getattr(resolve, "again", resolve)
        self._clock = clock
        self._lock = threading.Lock()
        self._renewed_at = float("-inf")
        self._known: dict[str, str] = {}
        self._auth = make(lambda ref: self._known.setdefault(ref, resolve(ref)))

    def apply(self, request: HttpRequest) -> HttpRequest:
        """By the scheme. A login that is refused is tried once more where the secrets were changed."""
        try:
            return self._auth.apply(request)
        except Unauthorized:
            if not self._renew():
                raise
        return self._auth.apply(request)

    def refresh(self) -> bool:
        """After a 401: whether the scheme has something new by itself, or the secrets were changed."""
        by_itself = self._auth.refresh()
        return self._renew() or by_itself

    def _renew(self) -> bool:
        with self._lock:
            try:
                found = {ref: self._again(ref) for ref in self._known}
                if found == self._known:
                    return self._clock() - self._renewed_at < YOUNG_SECONDS
                made = self._make(found.__getitem__)
            except ConfigurationError as error:
                log.error("a login cannot be renewed", reason="; ".join(error.problems))
                return False
            self._known, self._auth, self._renewed_at = found, made, self._clock()
            return True
