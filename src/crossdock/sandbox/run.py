"""The two stand-ins as servers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import Future
from datetime import UTC, datetime
from typing import TypeVar

from crossdock.sandbox.erp import Erp
from crossdock.sandbox.faults import NONE, Faults
from crossdock.sandbox.store import Store
from crossdock.sandbox.wire import WireServer

T = TypeVar("T")


def utc_now() -> datetime:
    """The wall clock."""
    return datetime.now(UTC)


class StoreServer:
    """A store over HTTP. `do` runs something on it in its own thread, where nothing races."""

    def __init__(self, *, port: int = 0, seed: int = 1, faults: Faults = NONE, token: str = "sandbox") -> None:
        self.store = Store(utc_now, seed=seed, token=token, faults=faults)
        self._server = WireServer(self.store.answer, utc_now, port)
        self.url = self._server.url

    def start(self) -> None:
        """Begin to serve."""
        self.store.hooks.start()
        self._server.start()

    def stop(self) -> None:
        """Break what is open."""
        self._server.stop()
        self.store.hooks.stop()

    def subscribe(self, wanted: Mapping[str, str]) -> None:
        """Send these events there from now on."""
        self.do(lambda store: store.hooks.subscribe(wanted, ""))

    def do(self, act: Callable[[Store], T]) -> T:
        """The result of `act(store)`."""
        done: Future[T] = Future()

        def run() -> None:
            try:
                done.set_result(act(self.store))
            except Exception as error:  # noqa: BLE001  the caller gets it
                done.set_exception(error)

        self._server.loop.call_soon_threadsafe(run)
        return done.result(30)


class ErpServer:
    """An ERP over HTTP."""

    def __init__(
        self,
        *,
        port: int = 0,
        seed: int = 1,
        faults: Faults = NONE,
        token: str = "sandbox",
        dedupes: bool = False,
    ) -> None:
        self.erp = Erp(utc_now, seed=seed, token=token, faults=faults, dedupes=dedupes)
        self._server = WireServer(self.erp.answer, utc_now, port)
        self.url = self._server.url

    def start(self) -> None:
        """Begin to serve."""
        self._server.start()

    def stop(self) -> None:
        """Break what is open."""
        self._server.stop()
