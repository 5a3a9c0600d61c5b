"""A desk with a watch over it whose targets are lists, and a clock that a test moves."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from crossdock.notifying.composed import watch_of
from crossdock.notifying.targets import Target
from crossdock.notifying.watch import Watch
from crossdock.settings import NotificationSettings
from tests.unit.operations.desks import Bench, bench
from tests.walk.world import until

OPS, CHAT = "json://127.0.0.1:9/ops", "json://127.0.0.1:9/chat"
CALM = {"coverage_hours": 0, "doctor_schedule": "", "audit_schedule": ""}


class Ears:
    """What targets have heard. `deaf`: those that take nothing; `slow`: those that wait for `go`."""

    def __init__(self) -> None:
        self.heard: list[tuple[str, str, str]] = []
        self.kinds: list[str] = []
        self.deaf: set[str] = set()
        self.slow: set[str] = set()
        self.go = threading.Event()

    def tell(self, target: Target, title: str, body: str, kind: str) -> str:
        if target.ref in self.slow:
            assert self.go.wait(30)
        if target.ref in self.deaf:
            return "nobody listens"
        self.heard.append((target.ref, title, body))
        self.kinds.append(kind)
        return ""

    def titles(self, ref: str = OPS) -> list[str]:
        return [title.removeprefix("[Crossdock] ") for where, title, _ in self.heard if where == ref]


class Tower(Bench):
    """Rounds of a watch, seconds apart."""

    def __init__(self, desk: Bench) -> None:
        self.__dict__.update(desk.__dict__)
        self.ears = Ears()
        self.watches: list[Watch] = []

    def watch(self, name: str = "one", failpoint: Callable[[str], None] = lambda _name: None, **told: Any) -> Watch:
        rules = NotificationSettings.model_validate(CALM | {"audiences": {"ops": {"targets": [OPS]}}} | told)
        object.__setattr__(
            self.crossdock, "settings", self.crossdock.settings.model_copy(update={"notifications": rules})
        )
        made = watch_of(self.crossdock, name=name, tells=self.ears, clock=self.clock, failpoint=failpoint)
        self.watches.append(made)
        return made

    def round(self, watch: Watch, after: float = 15) -> bool:
        """Some seconds later; what is sent of it is sent."""
        self.clock.forward(seconds=after)
        done = watch.round()
        until(lambda: not watch._posts.is_busy())
        return done

    def opened(self, watch: Watch, **more: Any) -> None:
        for after in (15, 30):
            self.round(watch, after)


@contextmanager
def tower(folder: Path, database: str = "") -> Iterator[Tower]:
    with bench(folder, database) as desk:
        made = Tower(desk)
        try:
            yield made
        finally:
            made.ears.go.set()
            for watch in made.watches:
                watch._looker.close()  # what it asks aside asks a database that is closed next
                watch._posts.close()
