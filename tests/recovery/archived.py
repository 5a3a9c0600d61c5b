"""A PostgreSQL cluster that archives its log, and can be put back to a moment, by the steps of docs/backup.md."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

import psycopg

from tests.chaos.services import POSTGRES_PLACES, free_port, place
from tests.databases import missing
from tests.walk.world import until

# archive_timeout is a minute in the document: nothing else differs in kind
SETTINGS = """
listen_addresses = '127.0.0.1'
port = {port}
unix_socket_directories = '{folder}'
archive_mode = on
archive_command = 'test ! -f {archive}/%f && cp %p {archive}/%f.part && mv {archive}/%f.part {archive}/%f'
archive_timeout = 1
"""
RECOVERY = """
restore_command = 'cp {archive}/%f %p'
recovery_target_time = '{moment}'
recovery_target_action = 'promote'
"""


class Cluster:
    """Running, with an empty database `crossdock`. It runs as `postgres` where we are root: as root it refuses to."""

    def __init__(self, binaries: Path, folder: Path) -> None:
        self._binaries, self._folder = binaries, folder
        self._user = "postgres" if os.geteuid() == 0 else None
        self._data, self._archive, self._base = folder / "data", folder / "archive", folder / "base"
        self._own(folder)
        self._archive.mkdir()
        self._own(self._archive)
        port = free_port()
        # small segments: a folder for seconds
        self._run("initdb", f"--pgdata={self._data}", "--username=postgres", "--auth=trust", "--wal-segsize=1")
        with (self._data / "postgresql.conf").open("a") as settings:
            settings.write(SETTINGS.format(port=port, folder=folder, archive=self._archive))
        self.url = f"postgresql://postgres@127.0.0.1:{port}/crossdock"
        self._server = self.url.replace("/crossdock", "/postgres")
        self._start()
        self._do("CREATE DATABASE crossdock")

    def back_up(self) -> None:
        """All of the cluster as of now, beside processes that write."""
        self._run("pg_basebackup", f"--dbname={self._server}", f"--pgdata={self._base}", "--checkpoint=fast")

    def moment(self) -> datetime:
        """Now, by its own clock. It can be recovered to once the archive has a commit after it."""
        found = self._asked("SELECT clock_timestamp()")
        assert isinstance(found, datetime)
        return found

    def archive_all(self) -> None:
        """Wait until all that is committed by now lies in the archive: at the latest after `archive_timeout`."""
        wanted = str(self._asked("SELECT pg_walfile_name(pg_current_wal_lsn())"))
        self._do("CREATE TABLE IF NOT EXISTS ticks ()")  # something is written, so that the segment is switched
        until((self._archive / wanted).exists, 60)

    def archive_no_more(self) -> None:
        """What is committed from now on is lost with the disk."""
        self._archive.chmod(0o500)

    def lose(self) -> None:
        """Cut the power, and burn the disk. The archive and the base backup lie elsewhere."""
        self.end()
        shutil.rmtree(self._data)

    def recover(self, moment: datetime | None) -> None:
        """Put the base backup in place and play the archive, up to the moment or to its end."""
        self._archive.chmod(0o700)
        shutil.copytree(self._base, self._data)
        told = RECOVERY.format(archive=self._archive, moment=moment)
        lines = [line for line in told.splitlines() if moment or not line.startswith("recovery_target")]
        with (self._data / "postgresql.auto.conf").open("a") as settings:
            settings.write("\n".join([*lines, ""]))
        (self._data / "recovery.signal").touch()
        self._own(self._data)
        self._start()
        until(lambda: self._asked("SELECT pg_is_in_recovery()") is False, 120)

    def end(self) -> None:
        if (self._data / "postmaster.pid").exists():
            self._run("pg_ctl", f"--pgdata={self._data}", "--mode=immediate", "--wait", "stop")

    def _start(self) -> None:
        self._data.chmod(0o700)
        self._run(
            "pg_ctl",
            f"--pgdata={self._data}",
            f"--log={self._folder}/log",
            "--wait",
            "--timeout=120",
            "--silent",
            "start",
        )

    def _own(self, folder: Path) -> None:
        if self._user:
            told = pwd.getpwnam(self._user)
            for one in (folder, *folder.rglob("*")):
                os.chown(one, told.pw_uid, told.pw_gid, follow_symlinks=False)

    def _do(self, statement: str) -> None:
        with psycopg.connect(self._server, autocommit=True) as connection:
            connection.execute(statement.encode())

    def _asked(self, query: str) -> object:
        with psycopg.connect(self._server) as connection:
            row = connection.execute(query.encode()).fetchone()
        return row[0] if row else None

    def _run(self, program: str, *words: str) -> None:
        command = [str(self._binaries / program), *words]
        with (self._folder / "said").open("ab") as said:  # a pipe would be the server's, too, and never end
            done = subprocess.run(
                command,
                user=self._user,
                cwd=self._folder,
                stdin=subprocess.DEVNULL,
                stdout=said,
                stderr=said,
                timeout=150,
                check=False,
            )
        log = self._folder / "log"
        assert done.returncode == 0, (
            f"{program}: {(log if log.exists() else self._folder / 'said').read_text()[-2000:]}"
        )


@contextmanager
def cluster() -> Iterator[Cluster]:
    """Gone with the `with`. Skipped loudly where there are no programs of the server."""
    binaries = place("initdb", POSTGRES_PLACES)
    if binaries is None:
        missing("PostgreSQL's programs of a server")
        return
    with tempfile.TemporaryDirectory(prefix="crossdock-pitr-") as folder:
        found = Cluster(binaries, Path(folder))
        try:
            yield found
        finally:
            found.end()
