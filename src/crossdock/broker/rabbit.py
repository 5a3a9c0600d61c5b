"""RabbitMQ, as delivery.dispatch.Broker asks for it.

One durable queue a connection, publisher confirms, no delays, no dead letters, no retries: those are in the tables. An
announcement that nobody took is thrown away by RabbitMQ when its row would be announced again, so that a queue never
holds more than is due within that time.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from typing import Any

import pika
import pika.exceptions
import structlog
from dramatiq import Consumer, Message
from dramatiq.brokers.rabbitmq import RabbitmqBroker
from dramatiq.errors import BrokerConnectionError

from crossdock.errors import BrokerDown, ConfigurationError

log = structlog.get_logger("crossdock.broker")
ACTOR = "announced"
LIVES_MS = 30_000  # part of the queues' definition: queues that are there already keep theirs
FAILED = (BrokerConnectionError, pika.exceptions.AMQPError, OSError)


def queue_of(target: str) -> str:
    """A connection's queue."""
    return f"crossdock.{target}"


class Announcements(RabbitmqBroker):
    """Dramatiq's broker without its delay queues and dead letters, and with deadlines for everything."""

    def __init__(self, url: str) -> None:
        super().__init__(url=url, confirm_delivery=True, middleware=[])
        for name, seconds in (
            ("heartbeat", 15),
            ("blocked_connection_timeout", 10),
            ("socket_timeout", 3),
            ("stack_timeout", 5),
        ):
            setattr(self.parameters, name, seconds)

    def declare_queue(self, queue_name: str, *, ensure: bool = False) -> None:
        """As Dramatiq's, but for the delay queue."""
        if queue_name not in self.queues:
            self.queues.add(queue_name)
            self.queues_pending.add(queue_name)
            self.emit_after("declare_queue", queue_name)
        if ensure:
            self._ensure_queue(queue_name)  # type: ignore[no-untyped-call]  # Dramatiq's own

    def consume(self, queue_name: str, prefetch: int = 1, timeout: int = 5000) -> Consumer:
        """As Dramatiq's, without keeping the connection that declared the queue: nobody would answer its heartbeats."""
        consumer = super().consume(queue_name, prefetch, timeout)
        del self.connection
        return consumer

    def _build_queue_arguments(self, queue_name: str) -> dict[str, Any]:  # noqa: ARG002  Dramatiq's signature
        return {"x-message-ttl": LIVES_MS}

    def _declare_dq_queue(self, queue_name: str) -> None:
        pass

    def _declare_xq_queue(self, queue_name: str) -> None:
        pass


def quiet() -> None:
    """One event an outage is ours to write; the libraries write several a second."""
    if logging.getLogger().getEffectiveLevel() > logging.DEBUG:
        for name in ("dramatiq", "pika"):
            logging.getLogger(name).setLevel(logging.CRITICAL + 1)


def opened(url: str) -> Announcements:
    """Connects to nothing yet. Raises ConfigurationError."""
    quiet()
    try:
        return Announcements(url)
    except (ValueError, TypeError, KeyError) as error:
        raise ConfigurationError(["broker.url: not an AMQP URL"]) from error


class Rabbit:
    """The publishing side. All but `up` is used by one thread: pika's connections belong to theirs."""

    def __init__(self, url: str, retry_seconds: float = 1.0) -> None:
        self._broker = opened(url)
        self._retry = retry_seconds
        self._retry_at = 0.0
        self._down_since: float | None = None

    @property
    def up(self) -> bool:
        """As of the last thing that was asked of it."""
        return self._down_since is None

    def ready(self) -> bool:
        """Heartbeats are answered here: the thread that owns the connection has to."""
        if self._down_since is not None and time.monotonic() < self._retry_at:
            return False
        try:
            self._broker.connection.process_data_events(0)
        except FAILED as error:
            self._lost(error)
            return False
        self._found()
        return True

    def publish(self, target: str, ids: Sequence[int]) -> None:
        """After RabbitMQ's confirm. Raises BrokerDown."""
        message: Message[None] = Message(queue_of(target), ACTOR, (target, list(ids)), {}, {})
        try:
            self._broker.enqueue(message)
        except FAILED as error:
            self._lost(error)
            raise BrokerDown("the broker took no announcement") from error
        self._found()

    def close(self) -> None:
        """By the thread that used it."""
        self._broker.close()

    def _lost(self, error: Exception) -> None:
        del self._broker.connection
        self._retry_at = time.monotonic() + self._retry
        if self._down_since is None:
            self._down_since = time.monotonic()
            log.error("broker down: work is found in the tables, more slowly", error=type(error).__name__)

    def _found(self) -> None:
        if self._down_since is not None:
            log.info("broker is back", seconds=round(time.monotonic() - self._down_since, 1))
            self._down_since = None


def version_of(url: str) -> str:
    """RabbitMQ's own word for its version, asked now. Raises ConfigurationError, BrokerDown."""
    parameters = opened(url).parameters
    try:
        connection = pika.BlockingConnection(parameters)
    except FAILED as error:
        raise BrokerDown(f"RabbitMQ does not let us in: {type(error).__name__}") from error
    try:
        told = connection._impl.server_properties or {}  # noqa: SLF001  pika's blocking connection does not pass it on
        return str(told.get("version", ""))
    finally:
        connection.close()
