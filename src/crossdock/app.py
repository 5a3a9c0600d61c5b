"""The one place where the parts are put together."""

from __future__ import annotations

import os
import random
import socket
import threading
import time
from collections.abc import Callable
from datetime import timedelta
from enum import StrEnum
from typing import TYPE_CHECKING

import structlog
from sqlalchemy.exc import SQLAlchemyError

from crossdock.connections import Connections, Exchanges, Gates, connection_of, utc_now
from crossdock.delivery.batches import Batches, Carrier
from crossdock.delivery.deliver import Deliverer, Limits
from crossdock.delivery.dispatch import Announced, Dispatch, Elsewhere
from crossdock.delivery.intake import Intake
from crossdock.delivery.poll import Poller, PollOptions
from crossdock.delivery.records import Delivery, Verdict
from crossdock.delivery.verdict import Policy
from crossdock.delivery.worker import Worker, WorkerOptions
from crossdock.errors import ConfigurationError, StorageError
from crossdock.feeds.documents import Incoming
from crossdock.feeds.feeds import Feeds
from crossdock.flows import CUSTOMER_LOOKS, CUSTOMERS, FULFILMENTS, LOOKS
from crossdock.model.base import settle_types
from crossdock.readers import Readers
from crossdock.reserved import Reservations
from crossdock.security.envelope import Envelope, master_key_from
from crossdock.security.secrets import resolve_url
from crossdock.settings import Settings
from crossdock.storage.engine import open_engine
from crossdock.storage.migrate import migrate
from crossdock.storage.sql import SqlStore

if TYPE_CHECKING:
    from crossdock.broker.fleet import Fleet

__all__ = ["ALL", "Crossdock", "Role", "connection_of", "fingerprint_of", "open_store", "utc_now"]
log = structlog.get_logger("crossdock.app")
SEAL_EVERY = 1.0
WATCH_EVERY = 30.0
FORGET_EVERY = 3600.0
MOVES_MATTER = timedelta(days=60)  # a level that is older is no level


class Role(StrEnum):
    """What a process does."""

    API = "api"
    WORKER = "worker"
    POLLER = "poller"


ALL = frozenset(Role)


def open_store(settings: Settings) -> SqlStore:
    """The database at this version's tables. Raises ConfigurationError, StorageError."""
    engine = open_engine(resolve_url(settings.database.url))
    try:
        migrate(engine)
    except SQLAlchemyError as error:
        raise StorageError(f"the database cannot be opened: {type(error).__name__}") from error
    return SqlStore(engine, Envelope(master_key_from(settings.security.master_key)))


def fingerprint_of(settings: Settings, text: str) -> str:
    """Under which keyed fingerprint a person is remembered."""
    return Envelope(master_key_from(settings.security.master_key)).fingerprint(text.strip().lower())


def _broker(settings: Settings) -> tuple[type[Fleet], str]:
    """The fleet's dispatch and where its broker is. Raises ConfigurationError."""
    if not resolve_url(settings.database.url).startswith("postgres"):
        raise ConfigurationError(["broker.url: a fleet needs PostgreSQL as its database.url"])
    try:
        from crossdock.broker.fleet import Fleet as Made
    except ModuleNotFoundError as error:
        raise ConfigurationError(["broker.url: needs the extra: pip install 'crossdock[fleet]'"]) from error
    return Made, resolve_url(settings.broker.url, key="broker.url")


class Crossdock:
    """A Crossdock in this process: intake, and by its roles workers, pollers, sealing. HTTP is put before it."""

    def __init__(
        self,
        settings: Settings,
        *,
        roles: frozenset[Role] = ALL,
        settled: Callable[[Delivery, Verdict], None] = lambda _delivery, _verdict: None,
        announced: Callable[[str, int], None] = lambda _target, _count: None,
        failpoint: Callable[[str], None] = lambda _name: None,
    ) -> None:
        self.settings = settings
        self.name = f"{socket.gethostname()}-{os.getpid()}"
        self.roles = roles
        self.exchanges = Exchanges()
        envelope = Envelope(master_key_from(settings.security.master_key))
        self.connections = Connections(settings, self.exchanges, envelope)
        settle_types()  # all ends are loaded, and no thread of ours runs yet
        broker = _broker(settings) if settings.broker.url else None
        self.store = open_store(settings)
        self.connections.keep_in(self.store.ledger)
        self.connections.reckon_with(Reservations(self.store.levels, self.connections.by_name))
        self.connections.remember_in(self.store)
        self.gates = Gates(self.connections)
        self.feeds = Feeds(self.store.levels, self.connections, utc_now, self.wake)
        self.intake = Intake(self.store, self.connections.flow, utc_now, self.wake)
        self.incoming = Incoming(self.store, FULFILMENTS, self.connections.routes, utc_now)
        self._failpoint = failpoint
        self.fleet: Fleet | None = None
        self._dispatch = self._make_dispatch(broker, settled, announced)
        self._batches = self._make_batches(settled) if Role.WORKER in roles else None
        self.pollers = self._make_pollers()
        self.customer_pollers = self._make_customer_pollers()
        claim = settings.workers.lease_seconds
        self.readers = Readers(
            self.name,
            self.store,
            self.feeds,
            self.incoming,
            self.connections,
            settings.routes,
            claim=claim,
            woken=self.wake,
            failpoint=self._failpoint,
        )
        self._forget_at = 0.0
        self._watch_at = 0.0
        self._sealing = threading.Event()
        self._sealer = threading.Thread(target=self._seal, name="seal", daemon=True)

    def start(self) -> None:
        """Work and poll, as far as the roles go."""
        self._dispatch.start()
        if self._batches:
            self._batches.start()
        if self.roles != {Role.API}:
            self._sealer.start()
        if Role.POLLER in self.roles:
            for poller in self._polling():
                poller.start()
            self.readers.start()
        log.info("started", worker=self.name, roles=sorted(self.roles), connections=sorted(self.connections.by_name))

    def stop(self) -> None:
        """No new work; what is under way is settled, what was heard is committed."""
        if Role.POLLER in self.roles:
            self.readers.stop()
            for poller in self._polling():
                poller.stop()
        if self._batches:
            self._batches.stop()
        self._dispatch.stop()
        self._sealing.set()
        if self._sealer.is_alive():
            self._sealer.join()
        self.store.close()
        log.info("stopped", worker=self.name)

    def wake(self) -> None:
        """Something is due."""
        self._dispatch.wake()
        if self._batches:
            self._batches.wake()

    def health(self) -> dict[str, str]:
        """`status` is `ok`, `storage` or `threads`. A broker that is down makes us slower, not unable: told apart."""
        found = {"status": "ok"}
        try:
            self.store.next_due(utc_now())
        except StorageError:
            found["status"] = "storage"
        polling = self._polling() if Role.POLLER in self.roles else ()
        batching = self._batches is None or self._batches.alive()
        reading = self.readers.alive() and all(poller.alive() for poller in polling)
        if not (self._dispatch.alive() and batching and reading):
            found["status"] = "threads"
        if self.fleet is not None:
            found["broker"] = "ok" if self.fleet.up else "down"
        return found

    def _make_dispatch(
        self,
        broker: tuple[type[Fleet], str] | None,
        settled: Callable[[Delivery, Verdict], None],
        counted: Callable[[str, int], None],
    ) -> Dispatch:
        if broker is None:
            return self._make_worker(settled, None) if Role.WORKER in self.roles else Elsewhere()
        fleet, url = broker

        def told(delivery: Delivery, verdict: Verdict) -> None:
            self.wake()  # what a settlement promised is due
            settled(delivery, verdict)

        workers = self.settings.workers
        announced = Announced(workers.threads + workers.batch, workers.look_s)
        worker = self._make_worker(told, announced) if Role.WORKER in self.roles else None
        targets = tuple(self.connections.targets())
        self.fleet = fleet(self.name, url, self.store, targets, utc_now, announced, worker, counted)
        return self.fleet

    def _make_worker(self, settled: Callable[[Delivery, Verdict], None], announced: Announced | None) -> Worker:
        delivery = self.settings.delivery
        deliverer = Deliverer(
            self.store,
            self.connections,
            self._policy(),
            Limits(fresh_for=delivery.fresh_for_s),
            utc_now,
            random.random,
            self._failpoint,
        )
        targets = tuple(self.connections.targets())
        return Worker(
            self.name, self.store, deliverer, lambda: targets, self.gates, self._options(), utc_now, settled, announced
        )

    def _make_batches(self, settled: Callable[[Delivery, Verdict], None]) -> Batches | None:
        sizes = self.connections.batches()
        if not sizes:
            return None
        levels = self.store.levels
        carrier = Carrier(
            levels, self.connections, self._policy(), utc_now, random.random, self.store.pause, self._failpoint
        )
        return Batches(
            self.name, levels, carrier, sizes, self.gates, self._options(), utc_now, self.feeds.resume, settled
        )

    def _policy(self) -> Policy:
        delivery = self.settings.delivery
        return Policy(
            horizon=delivery.horizon_days * 86_400,
            first_pause=delivery.first_pause_s,
            longest_pause=delivery.longest_pause_s,
            unexpected_tries=delivery.unexpected_tries,
        )

    def _options(self) -> WorkerOptions:
        workers = self.settings.workers
        return WorkerOptions(threads=workers.threads, batch=workers.batch, lease_seconds=workers.lease_seconds)

    def _make_pollers(self) -> dict[str, Poller]:
        return {
            name: Poller(
                self.name,
                self.store,
                name,
                LOOKS,
                self.connections.source(name, LOOKS),
                PollOptions(interval=interval, claim=self.settings.workers.lease_seconds),
                utc_now,
                self.wake,
                self._failpoint,
                getattr(self.connections.by_name[name], "created_since", None),
            )
            for name in self.connections.by_name
            if (interval := self._interval(name)) is not None
        }

    def _make_customer_pollers(self) -> dict[str, Poller]:
        """Of stores whose customers a route carries."""
        wanted = {name for name in self.connections.by_name if self.connections.carries(name, CUSTOMERS)}
        return {
            name: Poller(
                self.name,
                self.store,
                name,
                CUSTOMER_LOOKS,
                self.connections.source(name, CUSTOMER_LOOKS),
                PollOptions(interval=interval, claim=self.settings.workers.lease_seconds),
                utc_now,
                self.wake,
                self._failpoint,
                stream=CUSTOMERS.name,
            )
            for name in sorted(wanted)
            if CUSTOMER_LOOKS.name in self.connections.capabilities(name).reads
            and (interval := getattr(self.connections.by_name[name], "poll_interval", None)) is not None
        }

    def _polling(self) -> list[Poller]:
        return [*self.pollers.values(), *self.customer_pollers.values()]

    def _interval(self, name: str) -> float | None:
        """Seconds between two scans, for connections that are read and a route begins at."""
        connector = self.connections.by_name[name]
        polled = getattr(connector, "poll_interval", None)
        return polled if LOOKS.name in connector.capabilities.reads and self.connections.routes(name) else None

    def _forget(self) -> None:
        """What is old, in small steps, once an hour."""
        if time.monotonic() < self._forget_at:
            return
        now, keep = utc_now(), self.settings.audit.keep_days
        bodies = self.store.forget_bodies(now - timedelta(days=keep.payloads))
        bodies += self.store.levels.forget_feeds(now - timedelta(days=keep.payloads))
        self.store.levels.forget_moves(now - MOVES_MATTER)
        rows = self.store.forget_rows(now - timedelta(days=keep.rows), now)
        days = self.settings.archive.after_days
        rows += self.store.put_away(now - timedelta(days=days)) if days else 0
        if not bodies and not rows:
            self._forget_at = time.monotonic() + FORGET_EVERY

    def _watch(self) -> None:
        if time.monotonic() >= self._watch_at:
            self._watch_at = time.monotonic() + WATCH_EVERY
            self.readers.watch()

    def _seal(self) -> None:
        while not self._sealing.wait(SEAL_EVERY):
            try:
                self.store.seal_audit()
                self._forget()
                self._watch()
            except Exception:  # the trail is sealed later, the schedules looked at; nothing is lost by it
                log.exception("cannot seal the audit trail")
