"""Work that a person has begun: each piece in a thread of its own, none of which outlives what it writes to."""

from __future__ import annotations

import threading
from collections.abc import Callable


class Errands:
    """Safe for many threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._threads: list[threading.Thread] = []

    def begin(self, name: str, work: Callable[[], None]) -> None:
        """In the background; those that have ended are forgotten."""
        thread = threading.Thread(target=work, name=name, daemon=True)
        with self._lock:
            self._threads = [*(one for one in self._threads if one.is_alive()), thread]
            thread.start()

    def end(self) -> None:
        """Wait for what is under way; it must have been told to stop."""
        with self._lock:
            under_way = [*self._threads]
        for thread in under_way:
            thread.join()
