"""The one place where the parts are put together."""

from __future__ import annotations

import os
import random
import socket
from collections.abc import Callable
from contextlib import ExitStack
from typing import TYPE_CHECKING

import structlog

from crossdock.broken import Broken
from crossdock.clock import utc_now
from crossdock.connections import Connections, connection_of
from crossdock.delivery.batches import Batches, Carrier
from crossdock.delivery.deliver import Deliverer, Limits
from crossdock.delivery.dispatch import Announced, Dispatch
from crossdock.delivery.intake import Intake
from crossdock.delivery.poll import Poller, PollOptions
from crossdock.delivery.records import Delivery, Verdict
from crossdock.delivery.verdict import Policy
from crossdock.delivery.worker import Worker, WorkerOptions
from crossdock.errors import ConfigurationError, StorageError
from crossdock.exchanges import Exchanges
from crossdock.feeds.customers import IncomingCustomers
from crossdock.feeds.documents import Incoming
from crossdock.feeds.feeds import Feeds
from crossdock.feeds.roads import Road
from crossdock.feeds.timetable import Timetable
from crossdock.flows import CUSTOMER_LOOKS, CUSTOMER_PUSHES, CUSTOMERS, FULFILMENTS, LOOKS
from crossdock.gates import Gates
from crossdock.hinting import Hinting
from crossdock.lookups import replay_answered
from crossdock.model.base import settle_types
from crossdock.observed import Observed, ObservedBatches, watch
from crossdock.opening import ALL, Role, broker_of, envelope_of, needed_secrets, open_store
from crossdock.readers import Readers
from crossdock.reconciling.composed import Reconciling
from crossdock.reserved import Reservations
from crossdock.security.envelope import Envelope
from crossdock.security.places import secrets_of
from crossdock.settings import Settings
from crossdock.storage.sql import SqlStore
from crossdock.telemetry.meters import Meters
from crossdock.telemetry.opened import open_tracer
from crossdock.telemetry.spans import Tracer
from crossdock.upkeep import Upkeep

if TYPE_CHECKING:
    from crossdock.broker.fleet import Fleet

__all__ = ["ALL", "Crossdock", "Role", "connection_of", "envelope_of", "needed_secrets", "open_store", "utc_now"]
log = structlog.get_logger("crossdock.app")
WATCH_EVERY = 30.0
A_COPY = (
    "database.url: this is a backup, older than what was done since: say `crossdock restored` first (docs/backup.md)"
)


class Elsewhere:
    """For a process that carries nothing and has no broker: workers find it in the tables within a second."""

    def start(self) -> None:
        """Nothing."""

    def wake(self) -> None:
        """Nothing."""

    def stop(self) -> None:
        """Nothing."""

    def alive(self) -> bool:
        """Always."""
        return True


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
        watch_every: float = WATCH_EVERY,
        meters: Meters | None = None,
        tracer: Tracer | None = None,
    ) -> None:
        self.settings = settings
        self.meters = meters or Meters()
        self.name = f"{socket.gethostname()}-{os.getpid()}"
        self.roles = roles
        self.exchanges = Exchanges(self.meters.answered)
        self.secrets = secrets_of(settings.secrets)
        if problems := self.secrets.missing(needed_secrets(settings, roles)):
            raise ConfigurationError(problems)
        envelope = envelope_of(settings)
        self.connections = Connections(settings, self.exchanges, envelope)
        played = "+".join(sorted(roles))
        self.meters.plays(played)
        self.tracer = tracer or open_tracer(settings.tracing, self.secrets, self.name, played)
        settle_types()  # all ends are loaded, and no thread of ours runs yet
        broker = broker_of(settings) if settings.broker.url else None
        self.store = self._opened(envelope)
        with ExitStack() as broken_off:  # a part that cannot be made leaves no database open
            broken_off.callback(self.store.close)
            self.gates = Gates(self.connections, self.meters.lost)
            self.feeds = Feeds(self.store.levels, self.connections, utc_now, self.wake)
            self.intake = Intake(self.store, self.connections.flow, utc_now, self.wake)
            self.incoming = Incoming(self.store, FULFILMENTS, self.connections.routes, utc_now)
            self.customers = IncomingCustomers(
                self.store, CUSTOMER_PUSHES, self.connections.routes, self.connections.keyed, utc_now
            )
            self._failpoint = failpoint
            self.fleet: Fleet | None = None
            self._dispatch = self._make_dispatch(broker, settled, announced)
            self._batches = self._make_batches(settled) if Role.WORKER in roles else None
            self.pollers = self._make_pollers()
            self.customer_pollers = self._make_customer_pollers()
            self.readers = self._make_readers()
            self.reconciling = self._make_reconciling()
            claim = settings.workers.lease_seconds
            self.hinting = Hinting(self.name, self.connections.by_name, self.store, utc_now, claim=claim)
            self._upkeep = self._make_upkeep(watch_every)
            broken_off.pop_all()

    def start(self) -> None:
        """Work and poll, as far as the roles go."""
        self._upkeep.start()
        self._dispatch.start()
        if self._batches:
            self._batches.start()
        if Role.POLLER in self.roles:
            for poller in self._polling():
                poller.start()
            self.readers.start()
            self.reconciling.start()
        if not self.settings.routes:
            log.warning("no route joins two connections: nothing is carried")
        log.info("started", worker=self.name, roles=sorted(self.roles), connections=sorted(self.connections.by_name))

    def keep_hints(self) -> None:
        """Keep subscriptions, now that those who confirm them are answered."""
        if Role.POLLER in self.roles:
            self.hinting.start()

    def stop(self) -> None:
        """No new work; what is under way is settled, what was heard is committed."""
        self.hinting.stop()
        self.reconciling.stop()  # in every role: a person may have begun something
        self.readers.stop()
        if Role.POLLER in self.roles:
            for poller in self._polling():
                poller.stop()
        if self._batches:
            self._batches.stop()
        self._dispatch.stop()
        self._upkeep.stop()
        self.store.close()
        self.tracer.close()
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
        reading = self.readers.alive() and self.reconciling.alive()
        reading = reading and all(poller.alive() for poller in polling)
        if not (self._dispatch.alive() and batching and reading):
            found["status"] = "threads"
        if self.fleet is not None:
            found["broker"] = "ok" if self.fleet.up else "down"
        return found

    def timetables(self) -> list[Timetable]:
        """Of all that is read, and of all that is compared."""
        return [*self.readers.timetables.values(), *self.reconciling.timetables]

    def _opened(self, envelope: Envelope) -> SqlStore:
        """The database, and what the ends know by it. Raises ConfigurationError for a copy of an older state."""
        store = open_store(self.settings, envelope)
        with ExitStack() as broken_off:
            broken_off.callback(store.close)
            if store.recovery.is_copy():
                raise ConfigurationError([A_COPY])
            watch(store.watched, self.meters, self.tracer)
            store.rereads = self.connections.rereads()
            self.connections.keep_in(store.ledger)
            self.connections.reckon_with(Reservations(store.levels, self.connections.by_name))
            self.connections.remember_in(store)
            self.connections.lookups.added_in(store)
            broken_off.pop_all()
        return store

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
        seen = Observed(deliverer, self.tracer, self.meters.tried)
        targets = tuple(self.connections.targets())
        return Worker(
            self.name, self.store, seen, lambda: targets, self.gates, self._options(), utc_now, settled, announced
        )

    def _make_batches(self, settled: Callable[[Delivery, Verdict], None]) -> Batches | None:
        sizes = self.connections.batches()
        if not sizes:
            return None
        levels = self.store.levels
        carrier = Carrier(
            levels, self.connections, self._policy(), utc_now, random.random, self.store.pause, self._failpoint
        )
        seen = ObservedBatches(carrier, self.tracer, self.meters.tried)
        return Batches(self.name, levels, seen, sizes, self.gates, self._options(), utc_now, self.feeds.resume, settled)

    def _make_readers(self) -> Readers:
        return Readers(
            self.name,
            self.store,
            self.feeds,
            self.incoming,
            self.customers,
            self.connections,
            self.settings.routes,
            claim=self.settings.workers.lease_seconds,
            woken=self.wake,
            failpoint=self._failpoint,
        )

    def _make_reconciling(self) -> Reconciling:
        return Reconciling(
            self.name,
            self.settings,
            self.store,
            self.connections,
            read_again=self._read_again,
            woken=self.wake,
            failpoint=self._failpoint,
        )

    def _make_upkeep(self, watch_every: float) -> Upkeep:
        delivers = Role.WORKER in self.roles
        return Upkeep(
            self.settings,
            self.store,
            self.secrets,
            self.reconciling,
            utc_now,
            Broken(self.name, self.gates.broken, self.store.incidents, utc_now) if delivers else None,
            watch=self._watch,
            watch_every=watch_every,
            seals=self.roles != {Role.API},
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

    def _read_again(self, source: str, target: str, flow: str) -> str:
        """Everything that a source has of a flow; "" or why it could not be read now."""
        name = Road(source=source, target=target, flow=flow)
        timetable = self.readers.timetables.get(name)
        if timetable is None:
            return f"{source} cannot be read for {flow}: it must tell it again by itself"
        tally = timetable.run(full=True)
        if tally is None:
            return f"{name.name()} is being read by another just now"
        return f"{tally.held} of its feeds wait for a person: crossdock held" if tally.held else ""

    def _watch(self) -> None:
        """What was missed by a schedule is an alarm; what waited for a lookup's entry, or for its order, goes on."""
        self.readers.watch()
        self.reconciling.watch()
        now = utc_now()
        again = replay_answered(self.store, self.connections.lookups, "lookups", now)
        if again + self.store.replay_moved_on("crossdock", now):
            self.wake()
