"""Every comparison that the routes make possible, by name, with its schedule; and what may be done about drifts."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any

import structlog

from crossdock.clock import utc_now
from crossdock.connections import Connections
from crossdock.contract.flow import Route
from crossdock.errors import ConfigurationError, CrossdockError
from crossdock.feeds.errands import Errands
from crossdock.feeds.schedules import Entry
from crossdock.feeds.timetable import Clerk, Timetable
from crossdock.flows import CUSTOMERS, INVENTORY, ORDERS, PRICES, PRODUCTS
from crossdock.magento.connector import MagentoConnector
from crossdock.reconciliation.drift import Run
from crossdock.reconciling.asked import Asked, prices, products
from crossdock.reconciling.customers import Customers
from crossdock.reconciling.inventory import Inventory
from crossdock.reconciling.orders import Orders
from crossdock.reconciling.ports import Comparable, Judging, Pass
from crossdock.reconciling.repairs import Repairs
from crossdock.reconciling.runs import Reconciler
from crossdock.reconciling.shipments import SHIPMENTS, Shipments
from crossdock.reconciling.told import Told
from crossdock.settings import RouteSettings, Settings
from crossdock.storage.sql import SqlStore

log = structlog.get_logger("crossdock.reconcile")
FLOWS = ("orders", "inventory", "prices", "products", "customers", "shipments")
GRACE = 3600.0  # seconds after which a comparison that has not begun is an alarm


class Reconciling:
    """By flow, store and ERP. Nothing is compared before `start`, or by itself where no schedule says so."""

    def __init__(
        self,
        name: str,
        settings: Settings,
        store: SqlStore,
        connections: Connections,
        *,
        read_again: Callable[[str, str, str], str],
        woken: Callable[[], None] = lambda: None,
        failpoint: Callable[[str], None] = lambda _name: None,
    ) -> None:
        self._settings = settings
        self._store = store
        self._connections = connections
        self.reconcilers = [self._reconciler(name, one, failpoint) for one in self._subjects()]
        self.repairs = Repairs(store.reconciliations, store, read_again, utc_now, woken, failpoint)
        self.timetables = [
            Timetable(one, entries, store.schedules, utc_now)
            for one in self.reconcilers
            if (entries := self._entries(one))
        ]
        self._clerks: list[Clerk] = []
        self._errands = Errands()

    def start(self) -> None:
        """Compare when the schedule says so."""
        self._clerks = [Clerk(one) for one in self.timetables]
        for clerk in self._clerks:
            clerk.start()

    def stop(self) -> None:
        """One under way is dropped, and is due again: it has written nothing to either end."""
        for one in self.reconcilers:  # those too that a person has begun and no schedule knows
            one.stopping.set()
        for clerk in self._clerks:
            clerk.stop()
        for timetable in self.timetables:
            timetable.end()
        self._errands.end()

    def alive(self) -> bool:
        """Whether every thread is."""
        return all(clerk.alive() for clerk in self._clerks)

    def watch(self) -> None:
        """Tell of comparisons that did not happen."""
        for timetable in self.timetables:
            timetable.watch()

    def forget(self, now: datetime) -> int:
        """Old runs; returns how many went."""
        return self._store.reconciliations.forget(now - timedelta(days=self._settings.reconcile.keep_days))

    def of(self, flow: str, store: str = "", erp: str = "") -> list[Reconciler]:
        """The comparisons of a flow. Raises ConfigurationError where there is none."""
        found = [
            one
            for one in self.reconcilers
            if one.subject.flow == flow and store in {"", one.subject.store} and erp in {"", one.subject.erp}
        ]
        if not found:
            raise ConfigurationError([f"routes: none carries {flow} between a Magento store and an ERP"])
        return found

    def compare(self, one: Reconciler, by: str, since: datetime | None = None) -> Run | None:
        """Now; None while another compares the same. Raises DeliveryError, LeaseLost."""
        if (claimed := one.claim()) is None:
            return None
        try:
            return one.compare(claimed, by, since)
        finally:
            one.release(claimed)

    def begin(self, one: Reconciler, by: str, since: datetime | None = None) -> Run | None:
        """As `compare`, in a thread of its own; None while another compares the same.

        What goes wrong is told by the run. A process that ends leaves it interrupted.
        """
        if (claimed := one.claim()) is None:
            return None
        try:
            run = one.begin(claimed, by, since)
        except CrossdockError:
            one.release(claimed)
            raise

        def work() -> None:
            try:
                try:
                    one.carry_on(claimed, run)
                finally:
                    one.release(claimed)
            except CrossdockError as error:
                log.warning("could not compare", road=one.road.name(), run=run.id, error=str(error))

        self._errands.begin(one.road.name(), work)
        return run

    def _reconciler(self, name: str, subject: Comparable, failpoint: Callable[[str], None]) -> Reconciler:
        return Reconciler(
            name,
            subject,
            self._store.reconciliations,
            self._store,
            utc_now,
            claim=self._settings.workers.lease_seconds,
            back=timedelta(days=self._settings.reconcile.days),
            settling=timedelta(seconds=self._settings.reconcile.settling_s),
            begin=lambda: self._connections.begin(None),
            failpoint=failpoint,
        )

    def _entries(self, one: Reconciler) -> tuple[Entry, ...]:
        rules = self._settings.reconcile
        if not rules.schedule or one.subject.flow not in rules.flows:
            return ()
        zone = rules.time_zone or self._zone(one.subject)
        return (Entry(cron=rules.schedule, time_zone=zone, full=True, grace=GRACE),)

    def _zone(self, subject: Comparable) -> str:
        """That of the schedules of a route between the two."""
        ends = {subject.store, subject.erp}
        zones = [
            zone for route in self._settings.routes if {route.source, route.target} == ends for zone in _zones(route)
        ]
        return next(iter(zones), "UTC")

    def _subjects(self) -> Iterator[Comparable]:
        for name, connector in self._connections.by_name.items():
            for route in self._connections.routes(name):
                store = self._connections.by_name[route.target]
                if isinstance(store, MagentoConnector) and store.capabilities.rereads:
                    yield from self._states(name, store, route)
                elif isinstance(connector, MagentoConnector) and connector.capabilities.rereads:
                    yield from self._documents(connector, route)

    def _documents(self, store: MagentoConnector, route: Route) -> Iterator[Comparable]:
        book, rounding = self._store.reconciliations, self._settings.reconcile.rounding
        if ORDERS.name in route.flows:
            yield Orders(self._connections, store, route.target, self._store, book, rounding)

    def _states(self, erp: str, store: MagentoConnector, route: Route) -> Iterator[Comparable]:
        book, rounding = self._store.reconciliations, self._settings.reconcile.rounding
        options: Mapping[str, Mapping[str, Any]] = route.states
        ends = self._connections
        if INVENTORY.name in route.flows:
            rules = options.get(INVENTORY.name, {})
            yield Inventory(ends, erp, store.name, store.stocktake, rules, book, rounding)
        if PRICES.name in route.flows:
            rules = options.get(PRICES.name, {})
            yield Asked(ends, prices(store.pricelist), erp, store.name, rules, book, rounding)
        if PRODUCTS.name in route.flows:
            rules = options.get(PRODUCTS.name, {})
            yield Asked(ends, products(store.products), erp, store.name, rules, book, rounding)
        yield from self._told(erp, store, route)

    def _told(self, erp: str, store: MagentoConnector, route: Route) -> Iterator[Comparable]:
        """What only an ERP that can be read tells again."""
        book = self._store.reconciliations
        kinds: dict[str, Callable[[Told, Pass], Judging]] = {SHIPMENTS.name: Shipments, CUSTOMERS.name: Customers}
        for flow in sorted(kinds.keys() & route.flows & self._connections.capabilities(erp).reads):
            rules = route.states.get(flow, {})
            yield Told(flow, kinds[flow], self._connections, erp, store, rules, self._store, book)


def _zones(route: RouteSettings) -> Iterator[str]:
    for several in route.schedules.values():
        yield from (one.time_zone for one in several)
