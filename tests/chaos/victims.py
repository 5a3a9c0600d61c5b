"""Processes that are killed, and the supervisor that a fleet has: it starts again what ended by itself."""

from __future__ import annotations

import signal
import subprocess
import threading
from collections.abc import Sequence
from typing import Self

LOOK_SECONDS = 0.5


class Victim:
    """A process that is killed and started again."""

    def __init__(self, command: Sequence[str], environ: dict[str, str]) -> None:
        self._command = command
        self._environ = environ
        self._lock = threading.Lock()
        self._wanted = False
        self.kills = self.revivals = 0
        self.start()

    def start(self) -> None:
        with self._lock:
            self._spawn()

    def kill(self) -> None:
        """As kill -9 does; also where it had ended by itself."""
        with self._lock:
            self._wanted = False
            self._running.send_signal(signal.SIGKILL)
            self._running.wait()
            self.kills += 1

    def revive(self) -> None:
        """Start it again where it has ended of its own accord: a role ends when it finds no PostgreSQL at its start."""
        with self._lock:
            if self._wanted and self._running.poll() is not None:
                self._spawn()
                self.revivals += 1

    def _spawn(self) -> None:
        self._running = subprocess.Popen(self._command, env=self._environ, stdout=subprocess.DEVNULL)
        self._wanted = True

    def stop(self) -> None:
        with self._lock:
            self._wanted = False
        self._running.terminate()
        self._running.wait(60)


class Supervisor:
    """What systemd or Kubernetes does for them: looks, twice a second, until its `with` ends."""

    def __init__(self, victims: Sequence[Victim]) -> None:
        self._victims = victims
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)

    def _look(self) -> None:
        while not self._over.wait(LOOK_SECONDS):
            for victim in self._victims:
                victim.revive()

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()
