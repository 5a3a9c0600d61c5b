"""A terminal: one shell whose directory and variables last, with one command at a time in its foreground."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path

LOOK_EVERY = 0.05  # seconds
GRACE = 60.0  # seconds until what does not stop is killed
PRESSED_EVERY = 5.0  # seconds


class Terminal:
    """`environment` is all that the shell knows of the world, `folder` where it begins, `notes` where its files go."""

    def __init__(self, name: str, folder: Path, environment: Mapping[str, str], notes: Path) -> None:
        self._notes = notes / f"terminal-{name}"
        self._notes.mkdir(parents=True)
        self._count = 0
        self._shell = subprocess.Popen(
            ["/bin/bash", "--noprofile", "--norc"],
            cwd=folder,
            env=dict(environment),
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,  # a command writes into its own file
            start_new_session=True,
            text=True,
        )
        self._tell("trap : INT")  # Ctrl-C is for the command, not for the shell

    def type(self, command: str) -> None:
        """Enter a command. Whatever was in the foreground must have ended."""
        self._count += 1
        script = self._file("command")
        script.write_text(command + "\n", "utf-8")
        out, done = self._file("out"), self._file("done")
        out.touch()
        self._tell(f". '{script}' </dev/null >'{out}' 2>&1; echo $? >'{done}.new'; mv '{done}.new' '{done}'")

    def wait(self, seconds: float, enough: Callable[[str], bool] | None = None) -> bool:
        """True once the command has ended, or `enough` of what it printed; False: neither within `seconds`."""
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            if self.exit_code() is not None or (enough is not None and enough(self.printed())):
                return True
            time.sleep(LOOK_EVERY)
        return False

    def printed(self) -> str:
        """All that the last command has printed, so far."""
        return self._file("out").read_text("utf-8", "replace") if self._count else ""

    def exit_code(self) -> int | None:
        """Of the last command; None: it is still running."""
        done = self._file("done")
        return int(done.read_text("utf-8")) if done.exists() else None

    def interrupt(self) -> bool:
        """Ctrl-C, and whether the command ended.

        Once more where nothing comes of it: it goes to nobody while the shell is between two programs of a command.
        """
        until = time.monotonic() + GRACE
        while time.monotonic() < until:
            os.killpg(self._shell.pid, signal.SIGINT)
            if self.wait(PRESSED_EVERY):
                return True
        return False

    def close(self) -> None:
        """The window is closed, and what ran in it ends."""
        with suppress(ProcessLookupError):
            if self._count and self.exit_code() is None:
                self.interrupt()
            os.killpg(self._shell.pid, signal.SIGKILL)
        self._shell.wait()
        if self._shell.stdin is not None:
            self._shell.stdin.close()

    def _file(self, what: str) -> Path:
        return self._notes / f"{self._count:03}.{what}"

    def _tell(self, line: str) -> None:
        if self._shell.stdin is None:
            raise OSError("the shell has no standard input")
        self._shell.stdin.write(line + "\n")
        self._shell.stdin.flush()
