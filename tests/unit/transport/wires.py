"""Servers that break in the ways that networks do."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

LINGER_RESET = b"\x01\x00\x00\x00\x00\x00\x00\x00"


@contextmanager
def raw_server(talk: Callable[[socket.socket], None]) -> Iterator[int]:
    """Every connection is given to `talk` in a thread of its own; closed afterwards. Yields the port."""
    listener = socket.create_server(("127.0.0.1", 0))
    threads: list[threading.Thread] = []

    def run() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            thread = threading.Thread(target=one, args=(connection,), daemon=True)
            threads.append(thread)
            thread.start()

    def one(connection: socket.socket) -> None:
        with connection:
            try:
                talk(connection)
            except OSError:
                return

    acceptor = threading.Thread(target=run, daemon=True)
    acceptor.start()
    try:
        yield listener.getsockname()[1]
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        acceptor.join(60)
        for thread in threads:
            thread.join(60)


def reset_after_reading(connection: socket.socket) -> None:
    connection.recv(65536)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, LINGER_RESET)


def close_after_reading(connection: socket.socket) -> None:
    connection.recv(65536)


def answering(answer: bytes) -> Callable[[socket.socket], None]:
    def talk(connection: socket.socket) -> None:
        connection.recv(65536)
        connection.sendall(answer)

    return talk


def silent(connection: socket.socket) -> None:
    connection.recv(65536)
    connection.settimeout(60)
    connection.recv(1)  # until the client has given up


def dripping(connection: socket.socket) -> None:
    connection.recv(65536)
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n")
    stop = threading.Event()
    for _ in range(100):
        connection.sendall(b"x")
        stop.wait(0.05)
