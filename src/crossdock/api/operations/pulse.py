"""GET /api/v1/events: what changed, told as it happens. One look a second at the database, however many listen."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import suppress

import anyio.to_thread
import msgspec
import structlog
from litestar.response.sse import ServerSentEventMessage

from crossdock.errors import CrossdockError
from crossdock.operations.overview import Count

log = structlog.get_logger("crossdock.api")
EVERY_S = 1.0
HEARTBEAT_S = 15.0
MOST_LISTENERS = 200
Counts = dict[tuple[str, str], Count]


class Crowded(CrossdockError):
    """As many listen as may."""

    code = "not-now"


class Pulse:
    """Lives in the event loop, but for `close`. A listener holds no thread: one look is made for all of them."""

    def __init__(
        self,
        look: Callable[[], Sequence[Count]],
        *,
        every_s: float = EVERY_S,
        heartbeat_s: float = HEARTBEAT_S,
        most: int = MOST_LISTENERS,
    ) -> None:
        self._look = look
        self._every, self._heartbeat, self._most = every_s, heartbeat_s, most
        self._counts: Counts = {}
        self._turn = 0
        self._turned: asyncio.Event | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._looking: asyncio.Task[None] | None = None
        self._listeners = 0
        self._closed = False

    def is_full(self) -> bool:
        """Whether no more may listen."""
        return self._listeners >= self._most

    def close(self) -> None:
        """Every listener is told goodbye; safe from any thread."""
        self._closed = True
        if self._loop is not None:
            with suppress(RuntimeError):  # the loop has ended: nobody listens
                self._loop.call_soon_threadsafe(self._wake)

    async def listen(self) -> AsyncIterator[ServerSentEventMessage]:
        """How things stand, then what changed, at most once in `every_s`; a comment where nothing did for long."""
        self._begin()
        try:
            told: Counts = {}
            yield ServerSentEventMessage(event="hello", data="{}", retry=5000)
            while not self._closed:
                turn, turned = self._turn, self._turned
                if changed := differing(told, self._counts):
                    told = self._counts
                    yield ServerSentEventMessage(
                        event="counts", id=str(turn), data=msgspec.json.encode(changed).decode()
                    )
                elif not await self._waited(turned):
                    yield ServerSentEventMessage(comment="still here", data=None)
        finally:
            self._end()

    async def _waited(self, turned: asyncio.Event | None) -> bool:
        if turned is None:
            return False
        try:
            await asyncio.wait_for(turned.wait(), self._heartbeat)
        except TimeoutError:
            return False
        return True

    def _begin(self) -> None:
        self._listeners += 1
        if self._looking is None or self._looking.done():
            self._loop = asyncio.get_running_loop()
            self._turned = asyncio.Event()
            self._looking = self._loop.create_task(self._watch())

    def _end(self) -> None:
        self._listeners -= 1
        if not self._listeners and self._looking is not None:
            self._looking.cancel()
            self._looking = None
            self._counts = {}

    async def _watch(self) -> None:
        while not self._closed:
            try:
                found = await anyio.to_thread.run_sync(self._look)
                counts = {(one.flow, one.target): one for one in found}
            except CrossdockError as error:
                log.warning("cannot look at how things stand", code=error.code)
                counts = self._counts
            if counts != self._counts:
                self._counts = counts
                self._turn += 1
                self._wake()
            await asyncio.sleep(self._every)

    def _wake(self) -> None:
        if self._turned is not None:
            self._turned.set()
            self._turned = asyncio.Event()


def differing(told: Counts, now: Counts) -> list[Count]:
    """Pure: what is another than it was told; what is no more counts nothing."""
    gone = [Count(flow=flow, target=target, waiting=0, dead=0) for flow, target in told.keys() - now.keys()]
    return [*(one for place, one in now.items() if told.get(place) != one), *sorted(gone, key=lambda one: one.flow)]


__all__ = ["Crowded", "Pulse", "differing"]
