"""Recorded answers in the place of the network: while a tape is played in a thread, nothing of it is sent."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Protocol

from crossdock.transport.wire import HttpRequest, HttpResponse


class Tape(Protocol):
    """Answers requests from memory."""

    def answer(self, request: HttpRequest) -> HttpResponse:
        """Raises DeliveryError as the network would."""


_PLAYED: ContextVar[Tape | None] = ContextVar("played", default=None)


@contextmanager
def played(tape: Tape) -> Iterator[None]:
    """In this thread, until the end of the block."""
    token = _PLAYED.set(tape)
    try:
        yield
    finally:
        _PLAYED.reset(token)


def playing() -> Tape | None:
    """What answers in this thread instead of the network."""
    return _PLAYED.get()


__all__ = ["Tape", "played", "playing"]
