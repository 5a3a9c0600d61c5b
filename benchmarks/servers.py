"""PostgreSQL and RabbitMQ for a benchmark, where they answer; their addresses are the tests' unless told otherwise."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from urllib.parse import urlsplit

import pika
import pika.exceptions
import psycopg

from tests.databases import ADMIN as POSTGRES
from tests.rabbit import ADMIN as RABBIT
from tests.rabbit import virtual_host

__all__ = ["POSTGRES", "RABBIT", "broker_on", "database_at"]


def database_at(server: str) -> str:
    """The server where it answers, else ""."""
    try:
        psycopg.connect(server, connect_timeout=5).close()
    except psycopg.OperationalError:
        return ""
    return server


@contextmanager
def broker_on(server: str) -> Iterator[str]:
    """A virtual host that nobody else uses: the one named, or a new one, deleted afterwards; "" where none is."""
    named = urlsplit(server).path.strip("/")
    if not _answers(server if named else f"{server.rstrip('/')}/%2F"):
        yield ""
    elif named:
        yield server
    else:
        with ExitStack() as stack:
            try:
                url = stack.enter_context(virtual_host())
            except (OSError, subprocess.SubprocessError):  # rabbitmqctl is not there, or not ours to use
                url = ""
            yield url


def _answers(url: str) -> bool:
    try:
        pika.BlockingConnection(pika.URLParameters(url)).close()
    except (pika.exceptions.AMQPError, OSError):
        return False
    return True
