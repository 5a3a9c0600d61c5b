"""How long a sender may take to say what it wants: uvicorn itself would wait for ever for the rest of a request.

Many connections on which little comes, byte by byte, would otherwise hold a process's sockets until none are left.
"""

from __future__ import annotations

import asyncio
from typing import ClassVar

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol


class Patient(HttpToolsProtocol):
    """uvicorn's protocol, with so many seconds for a request to come whole; then the connection is closed.

    They begin with the connection, and on one that is kept with a request's first byte. How long the answer takes is
    not looked at.
    """

    seconds: ClassVar[float] = 60.0
    _ends: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn's
        """The first request is waited for."""
        super().connection_made(transport)
        self._wait()

    def connection_lost(self, exc: Exception | None) -> None:
        """Nothing is."""
        self._came()
        super().connection_lost(exc)

    def on_message_begin(self) -> None:
        """The rest of this one is waited for."""
        super().on_message_begin()
        if self._ends is None:
            self._wait()

    def on_message_complete(self) -> None:
        """All of it is there."""
        self._came()
        super().on_message_complete()

    def _wait(self) -> None:
        self._ends = self.loop.call_later(self.seconds, self._give_up)

    def _came(self) -> None:
        if self._ends is not None:
            self._ends.cancel()
        self._ends = None

    def _give_up(self) -> None:
        self._ends = None
        if self.pipeline:  # it is we who read no further: the request before is not answered yet
            self._wait()
        else:
            self.transport.close()


def patient_for(seconds: float) -> type[Patient]:
    """The protocol with other seconds: uvicorn makes one for each connection, and passes nothing of ours on."""
    return type("Patient", (Patient,), {"seconds": seconds})


__all__ = ["patient_for"]
