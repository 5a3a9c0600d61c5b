"""RabbitMQ for tests: a virtual host of their own on this machine's server, so that nobody else's queues are touched."""

from __future__ import annotations

import os
import subprocess
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache

import pika
import pika.exceptions

from tests.databases import missing

ADMIN = os.environ.get("CROSSDOCK_TEST_RABBITMQ", "amqp://guest:guest@127.0.0.1:5672")


def _control(*arguments: str) -> None:
    subprocess.run(["rabbitmqctl", "-q", *arguments], check=True, capture_output=True, timeout=120)


@cache
def _answers() -> bool:
    try:
        pika.BlockingConnection(pika.URLParameters(f"{ADMIN}/%2F")).close()
    except (pika.exceptions.AMQPError, OSError):
        return False
    return True


@contextmanager
def virtual_host() -> Iterator[str]:
    """Its URL; deleted afterwards with all that is in it."""
    if not _answers():
        missing("RabbitMQ")
    name = f"crossdock_test_{uuid.uuid4().hex[:12]}"
    user = ADMIN.split("://")[1].split(":")[0]
    _control("add_vhost", name)
    try:
        _control("set_permissions", "-p", name, user, ".*", ".*", ".*")
        yield f"{ADMIN}/{name}"
    finally:
        _control("delete_vhost", name)


def forget_queues(url: str, *targets: str) -> None:
    """So that the next test begins without the last one's announcements."""
    connection = pika.BlockingConnection(pika.URLParameters(url))
    for target in targets:
        connection.channel().queue_delete(f"crossdock.{target}")
    connection.close()


@contextmanager
def traced(url: str) -> Iterator[Callable[[], list[bytes]]]:
    """All that the virtual host carries meanwhile: properties and body of each message, as far as it came by now."""
    host = url.rpartition("/")[2]
    connection = pika.BlockingConnection(pika.URLParameters(url))
    channel = connection.channel()
    queue = channel.queue_declare("", exclusive=True).method.queue
    channel.queue_bind(queue, "amq.rabbitmq.trace", "#")
    _control("trace_on", "-p", host)
    found: list[bytes] = []

    def carried() -> list[bytes]:
        while (got := channel.basic_get(queue, auto_ack=True))[0] is not None:
            found.append(repr(got[1].headers).encode() + got[2])
        return found

    try:
        yield carried
    finally:
        _control("trace_off", "-p", host)
        connection.close()
