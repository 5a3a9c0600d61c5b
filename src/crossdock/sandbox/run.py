"""The two stand-ins as servers, for tests, the demo and the command line."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from typing import TypeVar

from crossdock.sandbox.clock import Clock
from crossdock.sandbox.erp import Dedupe, Erp
from crossdock.sandbox.faults import NONE, Faults
from crossdock.sandbox.oauth import Credentials
from crossdock.sandbox.store import Store
from crossdock.sandbox.wire import WireServer

T = TypeVar("T")
WAIT_SECONDS = 30


class StoreServer:
    """A store over HTTP. `do` runs something on it in its own thread, where nothing races."""

    def __init__(
        self,
        *,
        port: int = 0,
        seed: int = 1,
        faults: Faults = NONE,
        token: str = "sandbox",
        credentials: Credentials | None = None,
    ) -> None:
        self.clock = Clock()
        self.store = Store(self.clock, seed=seed, token=token, faults=faults, credentials=credentials)
        self._server = WireServer(self.store.answer, self.clock, port)
        self.store.schedule = self._server.loop.call_later
        self.url = self._server.url

    def start(self) -> str:
        """Begin to serve; the address."""
        self.store.hooks.start()
        self._server.start()
        return self.url

    def stop(self) -> None:
        """Break what is open."""
        self._server.stop()
        self.store.hooks.stop()

    def subscribe(self, wanted: Mapping[str, str]) -> None:
        """Send these events there from now on."""
        self.do(lambda store: store.hooks.subscribe(wanted, store.stamp()))

    def place(self, count: int = 1, kinds: Sequence[str] = ()) -> list[int]:
        """So many orders, of these kinds in turn (any, where none is named); their entity ids."""
        names = [*kinds] or [""]
        return self.do(lambda store: [store.place(names[n % len(names)]) for n in range(count)])

    def set_faults(self, faults: Faults) -> None:
        """From the next request on."""
        self.do(lambda store: setattr(store.lottery, "faults", faults))

    def do(self, act: Callable[[Store], T]) -> T:
        """The result of `act(store)`."""
        return _ask(self._server, lambda: act(self.store))


class ErpServer:
    """An ERP over HTTP."""

    def __init__(
        self,
        *,
        port: int = 0,
        seed: int = 1,
        faults: Faults = NONE,
        token: str = "sandbox",
        dedupe: Dedupe = "none",
        path: str = "/orders",
        signed_with: str = "",
        gives_back: bool = False,
    ) -> None:
        self.clock = Clock()
        self.erp = Erp(
            self.clock,
            seed=seed,
            token=token,
            faults=faults,
            dedupe=dedupe,
            path=path,
            signed_with=signed_with,
            gives_back=gives_back,
        )
        self._server = WireServer(self.erp.answer, self.clock, port)
        self.url = self._server.url

    def start(self) -> str:
        """Begin to serve; the address."""
        self._server.start()
        return self.url

    def stop(self) -> None:
        """Break what is open."""
        self._server.stop()

    def set_faults(self, faults: Faults) -> None:
        """From the next request on."""
        self.do(lambda erp: setattr(erp.lottery, "faults", faults))

    def do(self, act: Callable[[Erp], T]) -> T:
        """The result of `act(erp)`."""
        return _ask(self._server, lambda: act(self.erp))


def _ask(server: WireServer, act: Callable[[], T]) -> T:
    done: Future[T] = Future()

    def run() -> None:
        try:
            done.set_result(act())
        except Exception as error:  # noqa: BLE001  the caller gets it
            done.set_exception(error)

    server.loop.call_soon_threadsafe(run)
    return done.result(WAIT_SECONDS)
