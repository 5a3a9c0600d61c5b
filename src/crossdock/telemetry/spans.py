"""What is being done in this thread, or task, as a span; and the port to whoever records spans.

Where nothing records, a span is a context that is passed on: it costs a variable.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from contextvars import ContextVar
from enum import StrEnum
from typing import Protocol

import msgspec

from crossdock.contract.message import Message
from crossdock.telemetry import traces

Value = str | int | float | bool | Sequence[str]
Attributes = Mapping[str, Value]


class Role(StrEnum):
    """What a span is to the one before it (OpenTelemetry's span kinds)."""

    SERVER = "server"
    CONSUMER = "consumer"
    CLIENT = "client"


class Span(Protocol):
    """One thing that is done. `trace` is its context, as a message keeps it."""

    @property
    def trace(self) -> str:
        """Kept with what is promised meanwhile; "" where there is none."""

    def child(self, name: str, attributes: Attributes) -> AbstractContextManager[Span]:
        """A request to the outside that is part of it."""

    def headers(self) -> Mapping[str, str]:
        """What such a request bears, so that the other side can go on with the trace."""

    def told(self, attributes: Attributes, *, failed: str = "") -> None:
        """What it came to; `failed` names the kind of failure."""


class Tracer(Protocol):
    """Records spans, or lets them pass."""

    def span(
        self, name: str, trace: str, role: Role, attributes: Attributes, *, links: Sequence[str] = ()
    ) -> AbstractContextManager[Span]:
        """In this thread from now on, until the block ends; `trace` came before it, `links` have to do with it."""

    def root(self, name: str, trace: str, attributes: Attributes) -> None:
        """The root of a trace that began with us, now that it is known to have begun."""

    def close(self) -> None:
        """What is recorded is sent."""


class Passing:
    """A span that nobody records: the context that came is passed on, to messages but to no other system."""

    __slots__ = ("trace",)

    def __init__(self, trace: str = "") -> None:
        self.trace = trace

    def child(self, name: str, attributes: Attributes) -> AbstractContextManager[Span]:  # noqa: ARG002  the port's signature
        """Itself."""
        return nullcontext(self)

    def headers(self) -> Mapping[str, str]:
        """None."""
        return {}

    def told(self, attributes: Attributes, *, failed: str = "") -> None:
        """Nobody listens."""


_CURRENT: ContextVar[Span] = ContextVar("span", default=Passing())  # noqa: B039  it holds nothing that changes


def current() -> Span:
    """What is being done here; one without a trace where nothing was begun."""
    return _CURRENT.get()


@contextmanager
def entered(span: Span) -> Iterator[Span]:
    """It is the current one until the block ends."""
    token = _CURRENT.set(span)
    try:
        yield span
    finally:
        _CURRENT.reset(token)


class Untraced:
    """Records nothing."""

    def span(
        self,
        name: str,  # noqa: ARG002  the port's signature
        trace: str,
        role: Role,  # noqa: ARG002
        attributes: Attributes,  # noqa: ARG002
        *,
        links: Sequence[str] = (),  # noqa: ARG002
    ) -> AbstractContextManager[Span]:
        """What came is passed on."""
        return entered(Passing(trace))

    def root(self, name: str, trace: str, attributes: Attributes) -> None:
        """Nothing."""

    def close(self) -> None:
        """Nothing."""


def traced(message: Message) -> Message:
    """With the context that it came under; a trace begins with what came under none."""
    if message.trace:
        return message
    return msgspec.structs.replace(message, trace=current().trace or traces.begun())
