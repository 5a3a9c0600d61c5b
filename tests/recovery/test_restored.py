"""A backup is restored: what was sent since is not sent again, what came since is not lost. As a user does it, by processes."""

from __future__ import annotations

import os
import shutil
import signal
import sqlite3
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import datetime
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import text
from typer.testing import CliRunner

from crossdock.cli.main import app
from crossdock.storage.engine import open_engine
from tests.databases import ADMIN, missing, postgres_url, sqlite_url
from tests.fleet.town import SECRET, Town, town_in
from tests.material import needs_shared
from tests.recovery.archived import Cluster, cluster
from tests.walk.world import until

pytestmark = needs_shared


def said(town: Town, verb: str, *arguments: str) -> str:
    """What a verb prints; it must end well."""
    environ = {"TOWN_DATABASE": town.database, "TOWN_TOKEN": "t", "TOWN_SECRET": SECRET}
    done = CliRunner().invoke(app, [verb, *arguments, "-c", str(town.config)], env=environ)
    assert done.exit_code == 0, done.output
    return done.output


class OnSqlite:
    def __init__(self, town: Town) -> None:
        self.town = town
        self.kept = town.folder / "backups" / "kept.sqlite"
        self.kept.parent.mkdir()

    def back_up(self) -> None:
        assert "whole" in said(self.town, "backup", str(self.kept))
        assert self.kept.stat().st_mode & 0o077 == 0

    def restore(self) -> None:
        for file in self.town.folder.glob("crossdock.sqlite*"):
            file.unlink()
        shutil.copy(self.kept, self.town.folder / "crossdock.sqlite")
        refused = self.town.start("run", "--port", "0")
        assert refused.running.wait(60) == 2, "it starts from a copy of which nobody has said that it is restored"
        assert "crossdock restored" in refused.log.read_text()


class OnPostgres:
    def __init__(self, town: Town) -> None:
        self.town = town
        self.kept = town.folder / "kept.dump"
        if shutil.which("pg_dump") is None:
            missing("pg_dump")

    def back_up(self) -> None:
        self._run("pg_dump", "--format=custom", f"--file={self.kept}", f"--dbname={self.town.database}")

    def restore(self) -> None:
        name = self.town.database.rsplit("/", 1)[1]
        with psycopg.connect(ADMIN, autocommit=True) as admin:
            admin.execute(f'DROP DATABASE "{name}" WITH (FORCE)'.encode())
            admin.execute(f'CREATE DATABASE "{name}"'.encode())
        self._run("pg_restore", "--exit-on-error", "--no-owner", f"--dbname={self.town.database}", str(self.kept))

    def _run(self, *command: str) -> None:
        subprocess.run(command, check=True, capture_output=True, timeout=120)


class OnArchive:
    """PostgreSQL once more, by its log: the base backup is of before the first order."""

    def __init__(self, town: Town, own: Cluster) -> None:
        self.town, self.own = town, own
        said(town, "migrate")
        own.back_up()
        self.kept: datetime | None = None

    def back_up(self) -> None:
        self.kept = self.own.moment()

    def restore(self) -> None:
        self.own.archive_all()
        self.own.lose()
        self.own.recover(self.kept)


Storage = OnSqlite | OnPostgres | OnArchive


@contextmanager
def on_sqlite(folder: Path) -> Iterator[Storage]:
    with town_in(folder, sqlite_url(folder)) as town:
        yield OnSqlite(town)


@contextmanager
def on_postgres(folder: Path) -> Iterator[Storage]:
    with postgres_url() as database, town_in(folder, database) as town:
        yield OnPostgres(town)


@contextmanager
def on_archive(folder: Path) -> Iterator[Storage]:
    with cluster() as own, town_in(folder, own.url) as town:
        town.configure("")
        yield OnArchive(town, own)


@pytest.fixture(
    params=[
        pytest.param(on_sqlite, id="sqlite"),
        pytest.param(on_postgres, id="postgresql", marks=pytest.mark.services),
        pytest.param(on_archive, id="to-a-moment", marks=pytest.mark.services),
    ]
)
def storage(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Storage]:
    opened: Callable[..., Iterator[Storage]] = request.param
    with opened(tmp_path) as found:  # type: ignore[attr-defined]  # a context manager, whatever its decorator says
        found.town.configure("")
        yield found


def delivered(town: Town) -> int:
    """Orders of which this database knows that the ERP has them, and the store their numbers."""
    engine = open_engine(town.database)
    with engine.connect() as connection:
        query = "SELECT count(*) FROM deliveries WHERE flow = 'acknowledgements' AND state = 'delivered'"
        found: int = connection.execute(text(query)).scalar_one()
    engine.dispose()
    return found


def owed(town: Town) -> int:
    engine = open_engine(town.database)
    with engine.connect() as connection:
        query = "SELECT count(*) FROM deliveries WHERE flow = 'orders' AND state = 'pending'"
        found: int = connection.execute(text(query)).scalar_one()
    engine.dispose()
    return found


def up_to_a_backup_and_on(storage: Storage) -> None:
    """Five orders are through and three are owed when the backup is made; then these, and four more, go through."""
    town = storage.town
    running = town.start("run", "--port", "0")
    running.url()
    town.place(5)
    until(lambda: delivered(town) == 5, 120)
    said(town, "pause", "erp", "--why", "its own backup")
    town.place(3)
    until(lambda: owed(town) == 3, 60)
    storage.back_up()
    said(town, "resume", "erp")
    town.place(4)
    until(lambda: delivered(town) == 12, 120)
    assert running.ended() == 0


def test_each_order_is_in_the_erp_once_after_a_backup_was_restored(storage: Storage) -> None:
    town = storage.town
    up_to_a_backup_and_on(storage)
    town.place(2)  # while nothing runs
    storage.restore()
    assert "3 deliveries that were owed" in said(town, "restored", "--why", "the disk is gone")
    said(town, "resume", "erp")
    town.start("run", "--port", "0").url()
    town.place(3)
    until(lambda: delivered(town) == 17, 120)
    town.arrived(17)


@pytest.mark.skipif(os.environ.get("CROSSDOCK_LONG") != "1", reason="it shows a fault, not its absence: long runs")
@pytest.mark.parametrize("storage", [pytest.param(on_postgres, marks=pytest.mark.services)], indirect=True)
def test_whoever_does_not_say_so_sends_twice(storage: Storage) -> None:
    """Why the verb is there: the ERP of these tests takes an order as often as it is sent."""
    town = storage.town
    up_to_a_backup_and_on(storage)
    storage.restore()
    said(town, "resume", "erp")
    town.start("run", "--port", "0").url()
    until(lambda: delivered(town) == 12, 120)
    assert len(town.erp.kept) == 12 + 7


def test_a_backup_is_whole_while_orders_stream_in(tmp_path: Path) -> None:
    with on_sqlite(tmp_path) as storage:
        town, copied = storage.town, threading.Event()
        town.configure("")
        town.start("run", "--port", "0").url()
        streaming = threading.Thread(target=lambda: all(town.place(1) for _ in iter(lambda: copied.wait(0.1), True)))
        streaming.start()
        try:
            until(lambda: delivered(town) > 2, 60)
            storage.back_up()
            before = len(town.shop.orders)
            until(lambda: len(town.shop.orders) > before, 60)
        finally:
            copied.set()
            streaming.join()
        town.arrived(len(town.shop.orders))
        assert isinstance(storage, OnSqlite)
        with closing(sqlite3.connect(storage.kept)) as copy:
            (known,) = copy.execute("SELECT count(DISTINCT subject) FROM messages WHERE flow = 'orders'").fetchone()
        assert 2 < known < len(town.shop.orders)


@pytest.mark.services
def test_what_the_archive_had_not_got_yet_is_neither_lost_nor_doubled(tmp_path: Path) -> None:
    """The power goes while orders stream in, and the disk with it: the last commits are nowhere any more."""
    with on_archive(tmp_path) as storage:
        town, over = storage.town, threading.Event()
        assert isinstance(storage, OnArchive)
        town.start("run", "--port", "0").url()
        streaming = threading.Thread(target=lambda: all(town.place(1) for _ in iter(lambda: over.wait(0.2), True)))
        streaming.start()
        try:
            until(lambda: delivered(town) > 10, 60)
            storage.own.archive_all()
            storage.own.archive_no_more()
            sent = len(town.erp.kept)
            until(lambda: len(town.erp.kept) > sent + 3, 60)
            storage.own.lose()
        finally:
            over.set()
            streaming.join()
        town.processes[-1].ended(signal.SIGKILL)
        storage.own.recover(None)
        known = delivered(town)
        assert 10 < known < len(town.erp.kept), "nothing was lost: this shows nothing"
        said(town, "restored", "--why", "the disk is gone")
        town.start("run", "--port", "0").url()
        until(lambda: delivered(town) == len(town.shop.orders), 120)
        town.arrived(len(town.shop.orders))
