"""Group commit at its end: whoever comes while it closes is committed or refused, and never left waiting."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from crossdock.errors import StorageError
from crossdock.storage.committer import Committer
from crossdock.storage.engine import open_engine
from tests.databases import sqlite_url


class Held:
    """A queue whose next write stands still, on its way in, for a moment in which somebody may close it."""

    def __init__(self, real: Any) -> None:
        self._real = real
        self.on_its_way, self.closing = threading.Event(), threading.Event()

    def put(self, item: Any) -> None:
        if item is not None:
            self.on_its_way.set()
            self.closing.wait(0.5)
        self._real.put(item)
        self.closing.set()


def test_a_write_that_comes_while_it_closes_is_answered(tmp_path: Path) -> None:
    engine = open_engine(sqlite_url(tmp_path))
    committer = Committer(engine)
    held = Held(committer._waiting)
    committer._waiting = held  # type: ignore[assignment]
    futures: list[Any] = []
    late = threading.Thread(
        target=lambda: futures.append(committer.submit(lambda c: c.execute(text("SELECT 1")).scalar()))
    )
    late.start()
    assert held.on_its_way.wait(60)
    committer.close()
    late.join()
    assert futures[0].result(60) == 1
    with pytest.raises(StorageError, match="closed"):
        committer.run(lambda _connection: None)
    engine.dispose()
