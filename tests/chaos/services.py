"""A PostgreSQL cluster and a RabbitMQ node of a storm's own, so that they can be crashed: the machine's are everybody's.

Both lie in a folder of their own, listen on a port of their own and on 127.0.0.1 only, and are gone with the `with`.
A crash is what a power cut leaves of a process: `pg_ctl stop -m immediate` writes no checkpoint, so that the cluster
comes back by recovery from its log (fsync is on); RabbitMQ is killed with signal 9, so that what it had not written
is gone. PostgreSQL refuses to run as root: there it runs as the user `postgres`.
"""

from __future__ import annotations

import os
import pwd
import re
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Protocol

import pika
import pika.exceptions

from tools.follow.machine import free_ports

PATIENCE = 120.0
FAILURES = (AssertionError, OSError, KeyError, subprocess.SubprocessError)
POSTGRES_PLACES = ("/usr/lib/postgresql/*/bin", "/usr/pgsql-*/bin", "/opt/homebrew/opt/postgresql*/bin")
RABBIT_PLACES = ("/usr/lib/rabbitmq/lib/*/sbin", "/usr/local/sbin", "/opt/homebrew/sbin")
CLUSTER = """
listen_addresses = '127.0.0.1'
port = {port}
unix_socket_directories = '{folder}'
fsync = on
synchronous_commit = on
full_page_writes = on
max_connections = 200
"""


class Crashable(Protocol):
    """A service that is crashed and started again."""

    name: str
    url: str
    restarts: int

    def crash(self) -> None:
        """At once, whatever it is at."""

    def start(self) -> None:
        """Returns when it answers."""


class Cluster:
    """A PostgreSQL cluster, initialised and running."""

    name = "postgres"

    def __init__(self, binaries: Path, stack: ExitStack) -> None:
        self._binaries, self.restarts = binaries, 0
        self._folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="storm-pg-")))
        self._user = "postgres" if os.geteuid() == 0 else None
        if self._user:
            told = pwd.getpwnam(self._user)
            os.chown(self._folder, told.pw_uid, told.pw_gid)
        self._data = self._folder / "data"
        words = ("--username=postgres", "--auth=trust", "--encoding=UTF8")
        made = self._run("initdb", "--pgdata", str(self._data), *words)
        assert made == 0, f"initdb ended with {made}"
        port = free_port()
        with (self._data / "postgresql.conf").open("a") as settings:
            settings.write(CLUSTER.format(port=port, folder=self._folder))
        self.url = f"postgresql://postgres@127.0.0.1:{port}/postgres"
        stack.callback(self._end)
        self._begin()

    def crash(self) -> None:
        assert self._end() == 0, "PostgreSQL was not running"

    def start(self) -> None:
        self._begin()
        self.restarts += 1

    def recoveries(self) -> int:
        """How often it came back from a crash, by its own account."""
        return (self._folder / "log").read_text().count("database system was not properly shut down")

    def _begin(self) -> None:
        log = str(self._folder / "log")
        words = ("--log", log, "--wait", f"--timeout={PATIENCE:.0f}", "--silent")
        begun = self._run("pg_ctl", "--pgdata", str(self._data), *words, "start")
        assert begun == 0, f"pg_ctl start ended with {begun}"

    def _end(self) -> int:
        return self._run("pg_ctl", "--pgdata", str(self._data), "--mode=immediate", "--wait", "stop")

    def _run(self, program: str, *words: str) -> int:
        command = [str(self._binaries / program), *words]
        return subprocess.run(
            command,
            user=self._user,
            cwd=self._folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,  # a pipe would be the server's, too, and never end
            stderr=subprocess.DEVNULL,
            timeout=PATIENCE + 10,
            check=False,
        ).returncode


class Node:
    """A RabbitMQ node, and the Erlang port mapper that it is known by, both running."""

    name = "rabbit"

    def __init__(self, script: Path, stack: ExitStack) -> None:
        self.restarts, self._script = 0, script
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="storm-mq-")))
        self._log = folder / "out"
        (folder / "empty").touch()
        (folder / "plugins").write_text("[].\n")
        port, mapper = free_port(), free_port()
        self.url = f"amqp://guest:guest@127.0.0.1:{port}"
        self._environ = {name: value for name, value in os.environ.items() if not name.startswith("RABBITMQ_")} | {
            "HOME": str(folder),
            "ERL_EPMD_PORT": str(mapper),
            "ERL_EPMD_ADDRESS": "127.0.0.1",
            "RABBITMQ_NODENAME": f"storm_{port}@localhost",
            "RABBITMQ_NODE_IP_ADDRESS": "127.0.0.1",
            "RABBITMQ_NODE_PORT": str(port),
            "RABBITMQ_DIST_PORT": str(free_port()),
            "RABBITMQ_MNESIA_BASE": str(folder / "mnesia"),
            "RABBITMQ_LOG_BASE": str(folder / "log"),
            "RABBITMQ_PID_FILE": str(folder / "pid"),
            "RABBITMQ_CONFIG_FILE": str(folder / "none"),
            "RABBITMQ_ADVANCED_CONFIG_FILE": str(folder / "none"),
            "RABBITMQ_CONF_ENV_FILE": str(folder / "empty"),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(folder / "plugins"),
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "-kernel inet_dist_use_interface {127,0,0,1}",
        }
        if ports := shutil.which("epmd"):  # else Erlang starts one, which then outlives the storm
            known_by = self._started(ports, "-port", str(mapper))
            stack.callback(known_by.wait)
            stack.callback(known_by.kill)
        self._running: subprocess.Popen[bytes] | None = None
        stack.callback(self.crash)
        self._begin()

    def crash(self) -> None:
        if self._running is not None:
            os.killpg(self._running.pid, signal.SIGKILL)
            self._running.wait()
            self._running = None

    def stop(self) -> None:
        """In order: all that was declared is on disk by the end."""
        if self._running is not None:
            os.killpg(self._running.pid, signal.SIGTERM)
            self._running.wait(PATIENCE)
            self._running = None

    def start(self) -> None:
        self._begin()
        self.restarts += 1

    def _begin(self) -> None:
        self._running = self._started(str(self._script))
        deadline = time.monotonic() + PATIENCE
        while not self._answers():
            assert self._running.poll() is None, f"RabbitMQ ended by itself: {self._log.read_text()[-2000:]}"
            assert time.monotonic() < deadline, "RabbitMQ did not start"
            time.sleep(0.2)

    def _answers(self) -> bool:
        try:
            pika.BlockingConnection(pika.URLParameters(f"{self.url}/%2F")).close()
        except (pika.exceptions.AMQPError, OSError):
            return False
        return True

    def _started(self, *command: str) -> subprocess.Popen[bytes]:
        with self._log.open("ab") as log:
            return subprocess.Popen(
                command,
                env=self._environ,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,  # a group of its own, which is killed whole
            )


def own_postgres(stack: ExitStack) -> Cluster | None:
    """None where this machine has no PostgreSQL programs, or none that we may run."""
    found = place("initdb", POSTGRES_PLACES)
    try:
        return Cluster(found, stack) if found else None
    except FAILURES as error:
        print(f"a PostgreSQL of its own cannot be started: {error}")
        return None


def own_rabbit(stack: ExitStack) -> Node | None:
    """None where this machine has no RabbitMQ, or none that we may run."""
    found = place("rabbitmq-server", RABBIT_PLACES)
    try:
        return Node(found / "rabbitmq-server", stack) if found else None
    except FAILURES as error:
        print(f"a RabbitMQ of its own cannot be started: {error}")
        return None


def place(program: str, places: Sequence[str]) -> Path | None:
    """The newest folder with this program; the one on PATH is often a wrapper for one user."""
    found = [Path(path).parent for place in places for path in _matching(f"{place}/{program}")]
    if found:
        return max(found, key=lambda one: [int(number) for number in re.findall(r"\d+", str(one))])
    on_path = shutil.which(program)
    return Path(on_path).parent if on_path else None


def _matching(pattern: str) -> list[str]:
    return [str(one) for one in Path("/").glob(pattern.lstrip("/"))]


def free_port() -> int:
    """One that nobody listens at; the system gives it to nobody else until whoever wanted it has started."""
    return int(free_ports(["0"])["0"])
