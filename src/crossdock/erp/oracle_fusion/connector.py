"""Oracle Fusion Cloud SCM as a connection."""

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
from crossdock.erp.oracle_fusion.catalog import Catalog, Prices
from crossdock.erp.oracle_fusion.changes import CancellationSink, HoldSink
from crossdock.erp.oracle_fusion.client import FusionClient, Query, utc_now
from crossdock.erp.oracle_fusion.levels import Levels
from crossdock.erp.oracle_fusion.orders import OrderSink
from crossdock.erp.oracle_fusion.reading import FusionRows, Telling
from crossdock.erp.oracle_fusion.rights import WHERE, questions
from crossdock.erp.oracle_fusion.sales import ORDERS
from crossdock.erp.oracle_fusion.settings import READS, FlowName, FusionSettings, ReadSettings
from crossdock.errors import ConfigurationError, DeliveryError
from crossdock.model.change import OrderChange
from crossdock.model.order import Order
from crossdock.security.secrets import resolve as resolve_secret
from crossdock.transport.connection import check_settings
from crossdock.transport.http import Http
from crossdock.transport.oauth2 import auth_of
from crossdock.transport.wire import Observer, Sender

R = TypeVar("R")
SETTINGS = FusionSettings
ABILITIES = Capabilities(
    reads=frozenset(READS),
    writes=frozenset(get_args(FlowName)),
    finds=frozenset(get_args(FlowName)),
    evidence=Evidence.SIMULATED,
)
Resolve = Callable[[str], str]


class FusionConnector:
    """Orders, holds and cancellations in; stock, items and prices out."""

    def __init__(self, name: str, settings: FusionSettings, client: FusionClient, tables: Named) -> None:
        self.name = name
        self.settings = settings
        self.capabilities = capabilities_of(settings)
        self._client = client
        self._orders = OrderSink(client, tables, settings)
        self._holds = HoldSink(client, settings)
        self._cancellations = CancellationSink(client, settings)
        self._sinks: dict[str, Sink[Any]] = {
            "orders": self._orders,
            "holds": self._holds,
            "cancellations": self._cancellations,
        }

    def source(self, flow: Flow[R]) -> Source[R]:
        """Raises ConfigurationError: what is read from Oracle comes as rows."""
        raise no_source(self.name, "Oracle Fusion", flow)

    def rows(self, flow: str) -> RowSource:
        """Raises ConfigurationError for a flow that is not in the settings' `reads`."""
        return FusionRows(self._client, telling(flow, self.settings), self._read(flow))

    def rows_every(self, flow: str) -> float:
        """As the settings say."""
        return self._read(flow).interval_s

    def _read(self, flow: str) -> ReadSettings:
        return asked_for(self.name, flow, self.settings.reads.asked())

    def sink(self, flow: Flow[R]) -> Sink[R]:
        """Raises ConfigurationError for a flow that is not among the settings' `flows`."""
        return sink_for(self.name, flow, self.capabilities.writes, self._sinks)

    def preview(self, flow: Flow[R], record: R) -> Mapping[str, Any]:
        """What `put` would send, without asking Oracle. Raises MappingError, MissingEntry, Rejected."""
        self.sink(flow)
        if isinstance(record, Order):
            return self._orders.body(record, "")[1]
        if flow.name == "holds":
            return self._holds.body(cast("OrderChange", record))
        return self._cancellations.body([{"FulfillLineId": 0}])  # which lines there are is asked when it is sent

    def examinations(self, duties: Duties) -> Sequence[Examination]:
        """Its rights, one by one."""
        return [rights(self.name, questions(self._client, duties), WHERE)]

    def probe(self) -> Health:
        """Whether Oracle answers, knows us, and lets us see orders."""
        try:
            self._client.listed(ORDERS, Query(limit=1, fields=("HeaderId",)))
        except DeliveryError as error:
            return Health(ok=False, detail=f"{error.code}: {error}")
        return Health(ok=True, detail=f"orders of {self.settings.source_system} for {self.settings.business_unit}")


def build(
    name: str,
    settings: Mapping[str, Any],
    *,
    lookups: Lookups = NO_LOOKUPS,
    observe: Observer | None = None,
    http: Sender | None = None,
    resolve: Resolve = resolve_secret,
    clock: Callable[[], datetime] = utc_now,
) -> FusionConnector:
    """The connector for the settings of `[connections.NAME]`. Raises ConfigurationError with all problems at once."""
    checked = check_settings(FusionSettings, name, settings)
    sender = http or Http(checked.http_options(resolve), observe)
    client = FusionClient(
        sender,
        auth_of(checked.auth, sender, resolve),
        root=f"{checked.url}{checked.resources}",
        version=checked.framework_version,
        clock=clock,
    )
    return FusionConnector(name, checked, client, Named(lookups, checked.lookups))


def telling(flow: str, settings: FusionSettings) -> Telling:
    """What is particular about a flow that is read. Raises ConfigurationError for one that nothing is known of."""
    reads = settings.reads
    if flow == "inventory" and reads.inventory:
        return Levels(reads.inventory)
    if flow == "products" and reads.products:
        return Catalog(reads.products)
    if flow == "prices" and reads.prices:
        return Prices(reads.prices)
    raise ConfigurationError([f"reads: has no {flow}"])


def capabilities_of(settings: FusionSettings) -> Capabilities:
    """Every flow can be looked up; nothing public says that Oracle keeps an order single by itself."""
    return Capabilities(
        reads=frozenset(settings.reads.asked()),
        writes=frozenset(settings.flows),
        finds=frozenset(settings.flows),
        settling=settings.settling_s,
        evidence=Evidence.SIMULATED,
        pace=settings.limits.pace(),
    )
