"""A TCP proxy that can fail: servers of this machine stay up, the way to them goes down."""

from __future__ import annotations

import socket
import threading
from contextlib import suppress
from types import TracebackType
from typing import Self


class Proxy:
    """127.0.0.1:`port` -> the target. `down` cuts every connection and refuses new ones until `up`."""

    def __init__(self, host: str, port: int) -> None:
        self._target = (host, port)
        self._lock = threading.Lock()
        self._pairs: set[tuple[socket.socket, socket.socket]] = set()
        # bound, and never listening: while it is down nobody else gets the port, and whoever knocks is refused
        self._kept = _bound(0)
        self.port: int = self._kept.getsockname()[1]
        self._listener: socket.socket | None = None
        self.accepted = 0
        self.up()

    def down(self) -> None:
        with self._lock:
            if self._listener is not None:
                _end(self._listener)
            self._listener = None
            for pair in self._pairs:
                for end in pair:
                    _end(end)
            self._pairs.clear()

    def up(self) -> None:
        listener = _bound(self.port)
        listener.listen(64)
        with self._lock:
            self._listener = listener
        threading.Thread(target=self._accept, args=(listener,), daemon=True).start()

    def _accept(self, listener: socket.socket) -> None:
        while True:
            try:
                near, _ = listener.accept()
            except OSError:
                return
            self.accepted += 1
            try:
                far = socket.create_connection(self._target, 10)
            except OSError:  # the server itself is down: hang up, and go on listening
                _end(near)
                continue
            far.settimeout(None)  # that was for connecting: a server that has nothing to say is not gone
            pair = (near, far)
            with self._lock:
                if self._listener is not listener:  # it went down meanwhile, and this one would outlive that
                    _end(near)
                    _end(far)
                    return
                self._pairs.add(pair)
            for one, other in (pair, pair[::-1]):
                threading.Thread(target=self._pump, args=(one, other, pair), daemon=True).start()

    def _pump(self, one: socket.socket, other: socket.socket, pair: tuple[socket.socket, socket.socket]) -> None:
        try:
            while data := one.recv(65_536):
                other.sendall(data)
        except OSError:
            pass  # cut: the other side learns it right below
        with self._lock:
            self._pairs.discard(pair)
        _end(one)
        _end(other)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.down()
        self._kept.close()


def _bound(port: int) -> socket.socket:
    made = socket.socket()
    made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    made.bind(("127.0.0.1", port))
    return made


def _end(end: socket.socket) -> None:
    with suppress(OSError):  # it was not connected any more
        end.shutdown(socket.SHUT_RDWR)
    end.close()
