"""NetSuite as a connection."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, TypeVar, cast, get_args

from crossdock.contract.capabilities import Capabilities, Evidence
from crossdock.contract.choices import asked_for, no_source, sink_for
from crossdock.contract.connector import Health, RowSource, Sink, Source
from crossdock.contract.findings import Duties, Examination, rights
from crossdock.contract.flow import Flow
from crossdock.contract.lookups import NO_LOOKUPS, Lookups, Named
from crossdock.erp.netsuite.cancellations import CancellationSink
from crossdock.erp.netsuite.catalog import Catalog, People, Prices
from crossdock.erp.netsuite.client import NetsuiteClient, build_auth, utc_now
from crossdock.erp.netsuite.customers import CustomerSink
from crossdock.erp.netsuite.directory import Directory
from crossdock.erp.netsuite.entities import Entities
from crossdock.erp.netsuite.fulfilments import INVOICES, SHIPMENTS, Documents
from crossdock.erp.netsuite.levels import Levels
from crossdock.erp.netsuite.mapping.amounts import lines_of
from crossdock.erp.netsuite.mapping.orders import build_order
from crossdock.erp.netsuite.orders import OrderSink
from crossdock.erp.netsuite.reading import NetsuiteRows, Telling
from crossdock.erp.netsuite.rights import WHERE, questions
from crossdock.erp.netsuite.settings import READS, FlowName, NetsuiteSettings, ReadSettings
from crossdock.errors import ConfigurationError, DeliveryError
from crossdock.model.order import Order
from crossdock.security.secrets import resolve as resolve_secret
from crossdock.transport.connection import check_settings
from crossdock.transport.http import Http
from crossdock.transport.renewal import Renewing
from crossdock.transport.wire import Observer, Sender

R = TypeVar("R")
SETTINGS = NetsuiteSettings
Resolve = Callable[[str], str]
PEOPLE = frozenset({"customers", "new_customers"})
ABILITIES = Capabilities(
    reads=frozenset(READS),
    writes=frozenset(get_args(FlowName)) | PEOPLE,
    dedupes=PEOPLE | {"orders"},
    finds=frozenset(get_args(FlowName)) | PEOPLE,
    evidence=Evidence.SIMULATED,
)


class NetsuiteConnector:
    """The connector for NetSuite."""

    def __init__(self, name: str, settings: NetsuiteSettings, client: NetsuiteClient, lookups: Named) -> None:
        self.name = name
        self.settings = settings
        self.capabilities = capabilities_of(settings)
        self._client = client
        self._lookups = lookups
        self._directory = Directory(settings, lookups)
        customers = CustomerSink(client, self._directory, settings)
        self._sinks: dict[str, Sink[Any]] = {
            "orders": OrderSink(client, self._directory, Entities(settings), settings),
            "cancellations": CancellationSink(client, settings),
            "customers": customers,
            "new_customers": customers,
        }

    def source(self, flow: Flow[R]) -> Source[R]:
        """Raises ConfigurationError: what is read from NetSuite comes as rows."""
        raise no_source(self.name, "NetSuite", flow)

    def rows(self, flow: str) -> RowSource:
        """Raises ConfigurationError for a flow that is not in the settings' `reads`."""
        read = self._read(flow)
        return NetsuiteRows(self._client, telling(flow, self.settings, self._lookups), read)

    def rows_every(self, flow: str) -> float:
        """As the settings say."""
        return self._read(flow).interval_s

    def _read(self, flow: str) -> ReadSettings:
        return asked_for(self.name, flow, self.settings.reads.asked())

    def sink(self, flow: Flow[R]) -> Sink[R]:
        """Raises ConfigurationError for a flow that is not among the settings' `flows`."""
        return sink_for(self.name, flow, self.capabilities.writes, self._sinks)

    def preview(self, flow: Flow[R], record: R) -> Mapping[str, Any]:
        """What `put` would send, without asking NetSuite: an item is its SKU, a tax its rate, the customer is 0."""
        self.sink(flow)
        if not isinstance(record, Order):
            return {"flow": flow.name}
        lines = lines_of(cast("Order", record), self.settings.taxes.mode)
        ids = self._directory.preview_ids(record, lines)
        return build_order(record, "", lines, ids, self.settings)

    def examinations(self, duties: Duties) -> Sequence[Examination]:
        """Its rights, one by one."""
        return [rights(self.name, questions(self._client, duties), WHERE)]

    def probe(self) -> Health:
        """Whether NetSuite answers, knows us, and lets us query items."""
        try:
            self._client.query("SELECT id FROM item WHERE id = 0", 1)
        except DeliveryError as error:
            return Health(ok=False, detail=f"{error.code}: {error}")
        return Health(ok=True, detail=f"account {self.settings.account}")


def build(
    name: str,
    settings: Mapping[str, Any],
    *,
    lookups: Lookups = NO_LOOKUPS,
    observe: Observer | None = None,
    http: Sender | None = None,
    resolve: Resolve = resolve_secret,
    clock: Callable[[], datetime] = utc_now,
) -> NetsuiteConnector:
    """The connector for the settings of `[connections.NAME]`. Raises ConfigurationError with all problems at once."""
    checked = check_settings(NetsuiteSettings, name, settings)
    sender = http or Http(checked.http_options(resolve), observe)
    auth = Renewing(lambda known: build_auth(checked, sender, known), resolve)
    client = NetsuiteClient(sender, auth, checked, clock=clock)
    return NetsuiteConnector(name, checked, client, Named(lookups, checked.lookups))


def telling(flow: str, settings: NetsuiteSettings, lookups: Named) -> Telling:
    """What is particular about a flow that is read. Raises ConfigurationError for one that nothing is known of."""
    reads, sku = settings.reads, settings.items.sku_field
    if flow == "inventory" and reads.inventory:
        return Levels(reads.inventory, sku, lookups)
    if flow == "prices" and reads.prices:
        return Prices(reads.prices, sku)
    if flow == "products" and reads.products:
        return Catalog(reads.products, sku)
    if flow == "customers" and reads.customers:
        return People(reads.customers, settings.time_zone)
    if flow == "shipments" and reads.shipments:
        return Documents(SHIPMENTS, reads.shipments, settings, lookups)
    if flow == "invoices" and reads.invoices:
        return Documents(INVOICES, reads.invoices, settings, lookups)
    raise ConfigurationError([f"reads: has no {flow}"])


def capabilities_of(settings: NetsuiteSettings) -> Capabilities:
    """Every flow can be looked up; the external id keeps orders and new customers single.

    A cancellation is not declared so: closing twice is closing once, but its lines are looked at first.
    """
    taken = frozenset(settings.flows) | (PEOPLE if "customers" in settings.flows else frozenset())
    return Capabilities(
        reads=frozenset(settings.reads.asked()),
        writes=taken,
        dedupes=taken & ABILITIES.dedupes,
        finds=taken,
        settling=settings.settling_s,
        evidence=Evidence.SIMULATED,
        pace=settings.limits.pace(),
    )
