"""Business Central as a connection."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, TypeVar, cast

from crossdock.contract.capabilities import Capabilities, Evidence
from crossdock.contract.choices import asked_for, no_source, sink_for
from crossdock.contract.connector import Health, RowSource, Sink, Source
from crossdock.contract.findings import Duties, Examination, rights
from crossdock.contract.flow import Flow
from crossdock.contract.hints import Hint
from crossdock.contract.lookups import NO_LOOKUPS, Lookups, Named
from crossdock.erp.dynamics_bc.buyers import Buyers
from crossdock.erp.dynamics_bc.catalog import Catalog, People, Prices
from crossdock.erp.dynamics_bc.client import BcClient, utc_now
from crossdock.erp.dynamics_bc.customers import CustomerSink
from crossdock.erp.dynamics_bc.directory import Directory
from crossdock.erp.dynamics_bc.documents import Invoices, Shipments
from crossdock.erp.dynamics_bc.levels import Levels
from crossdock.erp.dynamics_bc.mapping import Names, build_order
from crossdock.erp.dynamics_bc.orders import OrderSink
from crossdock.erp.dynamics_bc.people import build_changes
from crossdock.erp.dynamics_bc.reading import StampedRows, Telling
from crossdock.erp.dynamics_bc.rights import WHERE, questions
from crossdock.erp.dynamics_bc.settings import (
    READS,
    BcSettings,
    CatalogSettings,
    LevelSettings,
    PeopleSettings,
    PriceSettings,
    ReadSettings,
)
from crossdock.erp.dynamics_bc.subscribing import Subscriber
from crossdock.erp.dynamics_bc.subscriptions import due_flows, handshake, notices_in
from crossdock.errors import DeliveryError, SignatureError
from crossdock.model.customer import CustomerChange
from crossdock.model.order import Order
from crossdock.security.secrets import resolve as resolve_secret
from crossdock.transport.connection import check_settings
from crossdock.transport.http import Http
from crossdock.transport.oauth2 import auth_of
from crossdock.transport.odata import Query
from crossdock.transport.wire import Observer, Sender

R = TypeVar("R")
SETTINGS = BcSettings
Resolve = Callable[[str], str]
PEOPLE = frozenset({"customers", "new_customers"})
TAKEN = frozenset({"orders"}) | PEOPLE
ABILITIES = Capabilities(reads=frozenset(READS), writes=TAKEN, dedupes=PEOPLE, finds=TAKEN, evidence=Evidence.SIMULATED)


class BcConnector:
    """The connector for Business Central."""

    def __init__(
        self,
        name: str,
        settings: BcSettings,
        client: BcClient,
        lookups: Lookups,
        resolve: Resolve = resolve_secret,
        clock: Callable[[], datetime] = utc_now,
    ) -> None:
        self.name = name
        self._resolve = resolve
        self._clock = clock
        self.settings = settings
        self.capabilities = capabilities_of(settings)
        self._client = client
        self._directory = Directory(client, settings, lookups)
        self._orders = OrderSink(client, self._directory, Buyers(self._directory, settings), settings)
        customers = CustomerSink(client, self._directory, settings)
        self._sinks: dict[str, Sink[Any]] = {
            "orders": self._orders,
            "customers": customers,
            "new_customers": customers,
        }

    def source(self, flow: Flow[R]) -> Source[R]:
        """Raises ConfigurationError: what is read from Business Central comes as rows."""
        raise no_source(self.name, "Business Central", flow)

    def rows(self, flow: str) -> RowSource:
        """Raises ConfigurationError for a flow that is not in the settings' `reads`."""
        settings = self._read(flow)
        if isinstance(settings, LevelSettings):
            return Levels(self._client, self._directory, settings)
        return StampedRows(self._client, self._directory, self._telling(flow), settings)

    def rows_every(self, flow: str) -> float:
        """As the settings say."""
        return self._read(flow).interval_s

    def _read(self, flow: str) -> ReadSettings:
        return asked_for(self.name, flow, self.settings.reads.asked())

    def _telling(self, flow: str) -> Telling:
        settings = self._read(flow)
        if isinstance(settings, PriceSettings):
            return Prices(settings)
        if isinstance(settings, CatalogSettings):
            return Catalog(settings)
        if isinstance(settings, PeopleSettings):
            return People(settings)
        return Shipments(self.settings) if flow == "shipments" else Invoices(self.settings, self._directory)

    def sink(self, flow: Flow[R]) -> Sink[R]:
        """Raises ConfigurationError for a flow that is not among the settings' `flows`."""
        return sink_for(self.name, flow, self.capabilities.writes, self._sinks)

    def subscriber(self) -> Subscriber | None:
        """What keeps its notifications coming; None where the settings ask for none."""
        wish = self.settings.subscription
        if wish is None:
            return None
        reads = sorted(self.capabilities.reads)
        return Subscriber(self._client, self._directory, wish, self._resolve(wish.secret), reads, self._clock)

    def hint(self, query: Mapping[str, str], body: bytes) -> Hint:
        """A handshake, or notifications. Raises SignatureError, InvalidPayload; also where none are wanted."""
        if (wish := self.settings.subscription) is None:
            raise SignatureError("this connection has no subscription")
        if (token := handshake(query)) is not None:
            return Hint(answer=token)
        notices = notices_in(body, self._resolve(wish.secret))
        return Hint(flows=due_flows(notices, sorted(self.capabilities.reads)))

    def keep_hints(self) -> float | None:
        """As the settings want it."""
        subscriber = self.subscriber()
        return None if subscriber is None else subscriber.keep()

    def preview(self, flow: Flow[R], record: R) -> Mapping[str, Any]:
        """What `put` would send, without asking Business Central: its ids are left out."""
        self.sink(flow)
        if isinstance(record, CustomerChange):
            return build_changes(record, None, str)
        order = cast("Order", record)
        names = Names(customer=self.settings.customer.number, currency=order.totals.currency)
        return build_order(order, self._orders.quote(order), names, self.settings, self._directory.tax_code)

    def examinations(self, duties: Duties) -> Sequence[Examination]:
        """Its rights, one by one."""
        return [rights(self.name, questions(self._client, self._directory, duties), WHERE)]

    def probe(self) -> Health:
        """Whether Business Central answers, knows us, and has what the settings name."""
        try:
            company = self._directory.company()
            self._directory.check()
            for flow, settings in self.settings.reads.asked().items():
                levels = isinstance(settings, LevelSettings)
                path = "itemLedgerEntries" if levels else self._telling(flow).path
                self._client.page(self._directory.path(path), Query(size=1))
        except DeliveryError as error:
            return Health(ok=False, detail=f"{error.code}: {error}")
        return Health(ok=True, detail=company)


def build(
    name: str,
    settings: Mapping[str, Any],
    *,
    lookups: Lookups = NO_LOOKUPS,
    observe: Observer | None = None,
    http: Sender | None = None,
    resolve: Resolve = resolve_secret,
    clock: Callable[[], datetime] = utc_now,
) -> BcConnector:
    """The connector for the settings of `[connections.NAME]`. Raises ConfigurationError with all problems at once."""
    checked = check_settings(BcSettings, name, settings)
    sender = http or Http(checked.http_options(resolve), observe)
    client = BcClient(sender, auth_of(checked.auth, sender, resolve), checked.url, clock=clock)
    return BcConnector(name, checked, client, Named(lookups, checked.lookups), resolve, clock)


def capabilities_of(settings: BcSettings) -> Capabilities:
    """Everything can be looked up. Business Central keeps customers' numbers single, and no order's reference."""
    flows = frozenset(settings.flows) | (PEOPLE if "customers" in settings.flows else frozenset())
    return Capabilities(
        reads=frozenset(settings.reads.asked()),
        writes=flows,
        dedupes=flows & PEOPLE if settings.customer.numbers == "ours" else frozenset(),
        finds=flows,
        settling=settings.settling_s,
        evidence=ABILITIES.evidence,
        pace=settings.limits.pace(),
    )
