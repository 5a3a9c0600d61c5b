"""SAP S/4HANA as a connection."""

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
from crossdock.erp.sap_s4.catalog import Catalog, Prices
from crossdock.erp.sap_s4.changes import CancellationSink, HoldSink
from crossdock.erp.sap_s4.client import SapClient, utc_now
from crossdock.erp.sap_s4.customers import CustomerSink, People
from crossdock.erp.sap_s4.levels import Levels
from crossdock.erp.sap_s4.mapping.customers import build_partner
from crossdock.erp.sap_s4.mapping.orders import build_order
from crossdock.erp.sap_s4.mapping.pricing import price_order
from crossdock.erp.sap_s4.orders import ORDERS, SERVICE, OrderSink, refuse_difference
from crossdock.erp.sap_s4.parties import known
from crossdock.erp.sap_s4.reading import SapRows, Telling
from crossdock.erp.sap_s4.rights import WHERE, questions
from crossdock.erp.sap_s4.settings import READS, FlowName, ReadSettings, SapS4Settings
from crossdock.errors import ConfigurationError, DeliveryError
from crossdock.model.change import OrderChange
from crossdock.model.customer import CustomerChange
from crossdock.model.order import Order
from crossdock.security.secrets import resolve as resolve_secret
from crossdock.transport.connection import check_settings
from crossdock.transport.http import Http
from crossdock.transport.oauth2 import auth_of
from crossdock.transport.wire import Observer, Sender

R = TypeVar("R")
SETTINGS = SapS4Settings
Resolve = Callable[[str], str]
TAKEN = frozenset({*get_args(FlowName), "new_customers"})
ABILITIES = Capabilities(
    reads=frozenset(READS),
    writes=TAKEN,
    dedupes=frozenset({"orders"}),
    finds=TAKEN,
    evidence=Evidence.SIMULATED,
)


class SapS4Connector:
    """The connector for S/4HANA: orders and what becomes of them in; stock, prices, products, customers out."""

    def __init__(self, name: str, settings: SapS4Settings, client: SapClient, lookups: Lookups) -> None:
        self.name = name
        self.settings = settings
        self.capabilities = capabilities_of(settings)
        self._client = client
        self._lookups = lookups
        self._sinks: dict[str, Sink[Any]] = {
            "orders": OrderSink(client, settings, lookups),
            "cancellations": CancellationSink(client, settings),
            "holds": HoldSink(client, settings),
        }
        self._sinks |= dict.fromkeys(("customers", "new_customers"), CustomerSink(client, settings))

    def source(self, flow: Flow[R]) -> Source[R]:
        """Raises ConfigurationError: what is read from SAP comes as rows."""
        raise no_source(self.name, "SAP", flow)

    def rows(self, flow: str) -> RowSource:
        """Raises ConfigurationError for a flow that is not in the settings' `reads`."""
        return SapRows(self._client, telling(flow, self.settings), self._read(flow))

    def rows_every(self, flow: str) -> float:
        """As the settings say."""
        return self._read(flow).interval_s

    def _read(self, flow: str) -> ReadSettings:
        return asked_for(self.name, flow, self.settings.reads.asked())

    def sink(self, flow: Flow[R]) -> Sink[R]:
        """Raises ConfigurationError for a flow that is not among the settings' `flows`."""
        return sink_for(self.name, flow, self.capabilities.writes, self._sinks)

    def preview(self, flow: Flow[R], record: R) -> Mapping[str, Any]:
        """What `put` would send, without asking SAP: a customer that is searched for is empty.

        Raises MappingError, MissingEntry, and Rejected where the sums would not be the order's.
        """
        self.sink(flow)
        if isinstance(record, OrderChange):
            return {"PurchaseOrderByCustomer": f"{self.settings.reference_prefix}{record.order_number}"}
        if isinstance(record, CustomerChange):
            return build_partner(record, self.settings.partner, self.settings.sold_to)
        order = cast("Order", record)  # the flow's record type is checked by its decoder
        items = price_order(order, self.settings)
        refuse_difference(order, items, self.settings)
        party = known(order, self.settings, self._lookups) or ""
        return build_order(order, items, party, self.settings, self._lookups)

    def examinations(self, duties: Duties) -> Sequence[Examination]:
        """Its rights, one by one."""
        return [rights(self.name, questions(self._client, self.settings, duties), WHERE)]

    def probe(self) -> Health:
        """Whether SAP answers, knows us, and lets us read orders."""
        try:
            self._client.rows(SERVICE, ORDERS, (("$top", "1"), ("$select", "SalesOrder")))
        except DeliveryError as error:
            return Health(ok=False, detail=f"{error.code}: {error}")
        return Health(ok=True, detail=f"answers for {SERVICE}")


def build(
    name: str,
    settings: Mapping[str, Any],
    *,
    lookups: Lookups = NO_LOOKUPS,
    observe: Observer | None = None,
    http: Sender | None = None,
    resolve: Resolve = resolve_secret,
    clock: Callable[[], datetime] = utc_now,
) -> SapS4Connector:
    """The connector for the settings of `[connections.NAME]`. Raises ConfigurationError with all problems at once."""
    checked = check_settings(SapS4Settings, name, settings)
    sender = http or Http(checked.http_options(resolve), observe)
    client = SapClient(
        sender,
        auth_of(checked.auth, sender, resolve),
        root=checked.base_url,
        sap_client=checked.sap_client,
        passing=checked.passing,
        clock=clock,
    )
    return SapS4Connector(name, checked, client, Named(lookups, checked.lookups))


def telling(flow: str, settings: SapS4Settings) -> Telling:
    """What is particular about a flow that is read. Raises ConfigurationError for one that nothing is known of."""
    reads = settings.reads
    if flow == "inventory" and reads.inventory:
        return Levels(reads.inventory)
    if flow == "prices" and reads.prices:
        return Prices(reads.prices, settings.sales)
    if flow == "products" and reads.products:
        return Catalog(reads.products)
    if flow == "customers" and reads.customers:
        return People(reads.customers)
    raise ConfigurationError([f"reads: has no {flow}"])


def capabilities_of(settings: SapS4Settings) -> Capabilities:
    """Every flow can be looked up; SAP itself keeps orders single only where their number is the shop's."""
    taken = frozenset[str](settings.flows) | ({"new_customers"} if "customers" in settings.flows else frozenset())
    return Capabilities(
        reads=frozenset(settings.reads.asked()),
        writes=taken,
        dedupes=frozenset({"orders"} if settings.own_numbers else set[str]()) & taken,
        finds=taken,
        settling=settings.settling_s,
        evidence=Evidence.SIMULATED,
        pace=settings.limits.pace(),
    )
