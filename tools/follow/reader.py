"""A reader who does what a page says, in a directory and with variables of their own."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

from tools.follow.match import differs
from tools.follow.page import FIRST, Command, Step, Stop, Write, steps
from tools.follow.terminal import Terminal

PATIENCE = 90.0  # seconds for a command to end, or to be so when looked at again
LONG_PATIENCE = 1_800.0  # for what installs or builds
SLOW = ("pip install", "make ", "test -x .venv")
PAUSE = 2.0  # seconds until a reader looks again


class Untrue(Exception):
    """Where a page does not say what is so: its name, the line, and what was seen."""

    def __init__(self, page: str, line: int, what: str) -> None:
        super().__init__(f"{page}:{line}: {what}")


class Reader:
    """Follows pages one after another in the same terminals.

    `instead` are words of the pages that stand for the reader's own (an address), `ports` those that are free here, and
    `passed_over` commands that are not run here, each with its reason.
    """

    def __init__(
        self,
        folder: Path,
        environment: Mapping[str, str],
        instead: Mapping[str, str] | None = None,
        ports: Mapping[str, str] | None = None,
        passed_over: Mapping[str, str] | None = None,
    ) -> None:
        self._folder = folder
        self._notes = Path(tempfile.mkdtemp(prefix="notes-", dir=folder.parent))
        self._environment = environment
        self._instead = {**(instead or {}), **(ports or {})}
        self._passed_over = passed_over or {}
        self._terminals: dict[str, Terminal] = {}
        self.done = 0  # commands that were run

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        for terminal in self._terminals.values():
            terminal.close()

    def follow(self, name: str, text: str) -> None:
        """Do everything that the page `name` says; `Untrue` at the first thing that is not so."""
        for step in steps(text):
            try:
                self._do(step)
            except _Seen as seen:
                raise Untrue(name, step.line, str(seen)) from None

    def _do(self, step: Step) -> None:
        match step:
            case Write():
                self._write(step)
            case Stop():
                if not self._terminal(step.terminal).interrupt():
                    raise _Seen("Ctrl-C does not stop it")
            case Command() if step.text.splitlines()[0].split("  #")[0].strip() not in self._passed_over:
                self._again(step) if step.again else self._run(step)
                self.done += 1
            case Command():
                pass

    def _write(self, step: Write) -> None:
        path = self._folder / step.name
        before = path.read_text("utf-8") + "\n" if step.append else ""
        path.write_text(before + self._own(step.text), "utf-8")

    def _again(self, step: Command) -> None:
        until = time.monotonic() + PATIENCE
        while True:
            try:
                return self._run(step)
            except _Seen:
                if time.monotonic() > until:
                    raise
                time.sleep(PAUSE)

    def _run(self, step: Command) -> None:
        terminal = self._terminal(step.terminal)
        terminal.type(self._own(step.text))
        shown = None if step.shown is None else [self._own(line) for line in step.shown]
        enough = (lambda printed: not differs(shown, printed, so_far=True)) if step.may_stay and shown else None
        ended = terminal.wait(LONG_PATIENCE if step.text.startswith(SLOW) else PATIENCE, enough)
        code, printed = terminal.exit_code(), terminal.printed()
        if not ended:
            difference = differs(shown, printed, so_far=True) if shown else ""
            raise _Seen(f"`{step.text}` does not end.\n  {difference}\nAll that it printed:\n{printed}")
        if code is not None and code != step.exit_code:
            raise _Seen(f"`{step.text}` ended with exit code {code}:\n{printed}")
        difference = differs(shown, printed, so_far=code is None) if shown is not None else ""
        if difference:
            raise _Seen(f"`{step.text}`\n  {difference}\nAll that it printed:\n{printed}")

    def _terminal(self, name: str) -> Terminal:
        if name not in self._terminals:
            self._terminals[name] = Terminal(name, self._folder, self._environment, self._notes)
        return self._terminals[name]

    def _own(self, text: str) -> str:
        for word, own in self._instead.items():
            text = text.replace(word, own)
        return text


class _Seen(Exception):
    """What was seen in the place of what is shown."""


__all__ = ["FIRST", "Reader", "Untrue"]
