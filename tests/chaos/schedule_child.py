"""A process that keeps a schedule on a clock that runs fast: a minute lasts a second. Each run writes when it was.

Run: python -m tests.chaos.schedule_child DATABASE FILE EPOCH [die]. EPOCH is when the clock began to run fast. A run
reads three pages, and
writes one line as it begins and one as it ends. With `die` it ends by kill -9 in its first run.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from crossdock.contract.connector import RowPage, Watermark
from crossdock.delivery.store import Checkpoint
from crossdock.feeds.polling import Road, RowReader, Tally
from crossdock.feeds.schedules import Entry
from crossdock.feeds.timetable import Timetable
from crossdock.security.envelope import Envelope
from crossdock.storage.engine import open_engine
from crossdock.storage.migrate import migrate
from crossdock.storage.sql import SqlStore

FAST = 60.0
# In seconds of the fast clock. Whoever dies is made up for when its claim has run out; whoever lives, on however slow a
# machine, must have ended before.
CLAIM = {True: 2.0 * FAST, False: 60.0 * FAST}
ROAD = Road(source="erp", target="store", flow="levels")
ENTRY = Entry(cron="* * * * *", grace=1e9)


class Slow:
    """Three pages, each a moment after the other."""

    def __init__(self, file: str, *, die: bool) -> None:
        self._file = file
        self._die = die

    def changes(self, since: Watermark | None) -> Iterator[RowPage]:
        self._write("begin")
        if self._die:
            os.kill(os.getpid(), signal.SIGKILL)
        for number in range(3):
            time.sleep(0.1)
            if number == 2:
                self._write("end")
            yield RowPage(rows=({"sku": "A"},), watermark=Watermark(value={"n": number}), complete=number == 2)

    def _write(self, word: str) -> None:
        with open(self._file, "a", encoding="utf-8") as file:  # noqa: PTH123  one short line is written as a whole
            file.write(f"{os.getpid()} {word}\n")


class Kept:
    """Only the watermark."""

    def __init__(self, store: SqlStore, now: object) -> None:
        self._store = store
        self._now = now

    def finish(self, road: Road) -> None:
        """Nothing is left behind."""

    def keep(self, road: Road, reached: Checkpoint, page: RowPage, number: int) -> Tally:
        self._store.record_page(reached, [], datetime.now(UTC), complete=page.complete)
        return Tally(pages=1, rows=1, complete=page.complete)


def clock_of(epoch: float) -> datetime:
    return datetime.fromtimestamp(epoch, UTC) + timedelta(seconds=(time.time() - epoch) * FAST)


def main() -> None:
    database, file, epoch = sys.argv[1], sys.argv[2], float(sys.argv[3])
    engine = open_engine(database)
    migrate(engine)
    store = SqlStore(engine, Envelope(b"k" * 32))

    def now() -> datetime:
        return clock_of(epoch)

    die = "die" in sys.argv
    source = Slow(file, die=die)
    reader = RowReader(f"p{os.getpid()}", ROAD, source, store, Kept(store, now), now, claim=CLAIM[die])
    timetable = Timetable(reader, [ENTRY], store.schedules, now)
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    print("ready", flush=True)
    while not stop.is_set():
        stop.wait(min(0.02, timetable.tick()))
    store.close()


if __name__ == "__main__":
    main()
