"""Adobe's public keys: from one fixed host, each at most once a day, and never at a stranger's pace.

A sender names the key by a path, and anybody may send. So the path must look like Adobe's own (`PATH`), the host is
ours to say, only real keys are remembered for long, a failed path rests, and all unproven paths together share one
small budget of requests. A key that was good before is outside that budget: a stranger cannot stop its renewal.
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

from crossdock.errors import DeliveryError, SignatureError, Temporary
from crossdock.magento.adobe import PATH
from crossdock.security.signatures import read_rsa_key
from crossdock.transport.http import Http, HttpOptions
from crossdock.transport.throttle import Bucket
from crossdock.transport.wire import HttpRequest, Sender

V = TypeVar("V")
HOST = "https://static.adobeioevents.com"
LIFETIME = 23 * 3600.0  # seconds; Adobe: not more than 24 h
REST = 30.0  # seconds that a path is left alone after a failure
MOST_KEYS = 64
MOST_RESTING = 1024
FETCHES = Bucket(rate=0.2, burst=20, tokens=20)
# two keys one after the other must fit into the 10 s that Adobe waits for an answer
OPTIONS = HttpOptions(connect_timeout=1.5, read_timeout=3, total_timeout=4, max_response_bytes=16_384, pool_size=4)


class KeyUnavailable(Temporary):
    """A key that a signature names could not be fetched: nothing is known of the sender yet."""

    code = "key-unavailable"


class KeyRing:
    """Keys by path. Safe for threads; `ask` never waits."""

    def __init__(self, http: Sender, *, host: str = HOST, clock: Callable[[], float] = time.monotonic) -> None:
        self._http = http
        self._host = host
        self._clock = clock
        self._lock = threading.Lock()
        self._keys: OrderedDict[str, tuple[float, RSAPublicKey]] = OrderedDict()
        self._resting: OrderedDict[str, float] = OrderedDict()
        self._running: dict[str, Future[RSAPublicKey]] = {}
        self._budget = FETCHES.filled(clock())
        self._threads = ThreadPoolExecutor(max_workers=4, thread_name_prefix="adobe-keys")

    def held(self, path: str) -> RSAPublicKey | None:
        """Without any request; None where it is not known or too old."""
        with self._lock:
            return self._fresh(path)

    def ask(self, path: str) -> Future[RSAPublicKey]:
        """The key, or KeyUnavailable; one request however many ask. `path` must match PATH. Raises KeyUnavailable."""
        with self._lock:
            if (key := self._fresh(path)) is not None:
                known: Future[RSAPublicKey] = Future()
                known.set_result(key)
                return known
            running = self._running.get(path)
            if running is not None and not running.cancelled():
                return running
            self._refuse_hurry(path)
            self._running[path] = self._threads.submit(self._fetch, path)
            return self._running[path]

    def _fresh(self, path: str) -> RSAPublicKey | None:
        fetched_at, key = self._keys.get(path, (0.0, None))
        return key if key is not None and self._clock() - fetched_at < LIFETIME else None

    def _refuse_hurry(self, path: str) -> None:
        now = self._clock()
        if self._resting.get(path, now) > now:
            raise KeyUnavailable("this key could not be fetched a moment ago")
        if path in self._keys:  # it was good before
            return
        self._budget = self._budget.filled(now)
        if self._budget.wait():
            raise KeyUnavailable("too many unknown keys were asked for")
        self._budget = self._budget.spent()

    def _fetch(self, path: str) -> RSAPublicKey:
        try:
            key = self._read(path)
        except Exception:
            with self._lock:
                _put(self._resting, path, self._clock() + REST, MOST_RESTING)
            raise
        else:
            with self._lock:
                _put(self._keys, path, (self._clock(), key), MOST_KEYS)
            return key
        finally:
            with self._lock:
                self._running.pop(path, None)

    def _read(self, path: str) -> RSAPublicKey:
        if not PATH.fullmatch(path):
            raise KeyUnavailable("not a path of a key")
        try:
            answer = self._http.send(HttpRequest(method="GET", url=f"{self._host}{path}"))
        except DeliveryError as error:
            raise KeyUnavailable(f"no key came: {error}") from error
        if answer.status != 200:
            raise KeyUnavailable(f"the host of the keys answered {answer.status}", status=answer.status)
        try:
            return read_rsa_key(answer.body)
        except SignatureError as error:
            raise KeyUnavailable(f"the host of the keys answered with {error}") from error


def open_ring(*, ca_file: str = "", system_proxy: bool = False) -> KeyRing:
    """The keys of Adobe itself."""
    options = HttpOptions(
        connect_timeout=OPTIONS.connect_timeout,
        read_timeout=OPTIONS.read_timeout,
        total_timeout=OPTIONS.total_timeout,
        max_response_bytes=OPTIONS.max_response_bytes,
        pool_size=OPTIONS.pool_size,
        ca_file=ca_file,
        system_proxy=system_proxy,
    )
    return KeyRing(Http(options))


def _put(table: OrderedDict[str, V], path: str, value: V, most: int) -> None:
    table[path] = value
    table.move_to_end(path)
    while len(table) > most:
        table.popitem(last=False)
