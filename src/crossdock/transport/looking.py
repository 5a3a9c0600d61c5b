"""While a thread only looks, nothing that changes anything goes out: a hard stop below every end.

A request that changes nothing although it is a POST says so itself (`HttpRequest.looks`); a login is `private`.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from crossdock.errors import Rejected
from crossdock.transport.wire import HttpRequest

_LOOKING: ContextVar[bool] = ContextVar("looking", default=False)
HARMLESS = frozenset({"GET", "HEAD", "OPTIONS"})


@contextmanager
def looking() -> Iterator[None]:
    """In this thread, until the end of the block."""
    token = _LOOKING.set(True)
    try:
        yield
    finally:
        _LOOKING.reset(token)


def refuse_writes(request: HttpRequest) -> None:
    """Rejected for a request that may change something, while this thread only looks."""
    if _LOOKING.get() and not (request.method in HARMLESS or request.private or request.looks):
        raise Rejected(f"{request.method} is not sent: this delivery only looks (shadow)")


__all__ = ["looking", "refuse_writes"]
