"""SAP Business One as a connection."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, TypeVar, cast, get_args

from crossdock.contract.capabilities import Capabilities, Evidence
from crossdock.contract.choices import no_source, sink_for
from crossdock.contract.connector import Health, RowSource, Sink, Source
from crossdock.contract.findings import Duties, Examination, rights
from crossdock.contract.flow import Flow
from crossdock.contract.lookups import NO_LOOKUPS, Lookups, Named
from crossdock.erp.sap_b1.client import B1Client, Login, Session, utc_now
from crossdock.erp.sap_b1.levels import Levels
from crossdock.erp.sap_b1.mapping import build_order, customer_of, price_order, reference_of
from crossdock.erp.sap_b1.orders import ORDERS, CancellationSink, OrderSink, refuse_difference
from crossdock.erp.sap_b1.rights import WHERE, questions
from crossdock.erp.sap_b1.settings import FlowName, LevelSettings, SapB1Settings
from crossdock.errors import ConfigurationError, DeliveryError
from crossdock.model.change import OrderChange
from crossdock.model.order import Order
from crossdock.security.secrets import resolve as resolve_secret
from crossdock.transport.connection import check_settings
from crossdock.transport.http import Http
from crossdock.transport.wire import Observer, Sender

R = TypeVar("R")
SETTINGS = SapB1Settings
Resolve = Callable[[str], str]
TAKEN = frozenset(get_args(FlowName))
ABILITIES = Capabilities(reads=frozenset({"inventory"}), writes=TAKEN, finds=TAKEN, evidence=Evidence.SIMULATED)


class SapB1Connector:
    """The connector for Business One: orders and their cancellation in, stock out."""

    def __init__(self, name: str, settings: SapB1Settings, client: B1Client, lookups: Lookups) -> None:
        self.name = name
        self.settings = settings
        self.capabilities = capabilities_of(settings)
        self._client = client
        self._lookups = lookups
        self._sinks: dict[str, Sink[Any]] = {
            "orders": OrderSink(client, settings, lookups),
            "cancellations": CancellationSink(client, settings),
        }

    def source(self, flow: Flow[R]) -> Source[R]:
        """Raises ConfigurationError: what is read from Business One comes as rows."""
        raise no_source(self.name, "Business One", flow)

    def rows(self, flow: str) -> RowSource:
        """Raises ConfigurationError for a flow that is not in the settings' `reads`."""
        return Levels(self._client, self._read(flow))

    def rows_every(self, flow: str) -> float:
        """As the settings say."""
        return self._read(flow).interval_s

    def _read(self, flow: str) -> LevelSettings:
        if flow == "inventory" and self.settings.reads.inventory:
            return self.settings.reads.inventory
        raise ConfigurationError([f"connections.{self.name}.reads: has no {flow}"])

    def sink(self, flow: Flow[R]) -> Sink[R]:
        """Raises ConfigurationError for a flow that is not among the settings' `flows`."""
        return sink_for(self.name, flow, self.capabilities.writes, self._sinks)

    def preview(self, flow: Flow[R], record: R) -> Mapping[str, Any]:
        """What `put` would send. Raises MappingError, MissingEntry, and Rejected where its sums would be others."""
        self.sink(flow)
        if isinstance(record, OrderChange):
            return {self.settings.reference_field: reference_of(record.order_number, self.settings)}
        order = cast("Order", record)  # the flow's record type is checked by its decoder
        lines = price_order(order, self.settings, self._lookups)
        refuse_difference(order, lines, self.settings)
        customer = customer_of(order, self.settings, self._lookups)
        return build_order(order, lines, customer, self.settings, self._lookups)

    def examinations(self, duties: Duties) -> Sequence[Examination]:
        """Its rights, one by one."""
        return [rights(self.name, questions(self._client, duties), WHERE)]

    def probe(self) -> Health:
        """Whether it lets us in and read orders."""
        try:
            self._client.rows(ORDERS, (("$top", "1"), ("$select", "DocEntry")), 1)
        except DeliveryError as error:
            return Health(ok=False, detail=f"{error.code}: {error}")
        return Health(ok=True, detail=f"answers for {self.settings.company}")


def build(
    name: str,
    settings: Mapping[str, Any],
    *,
    lookups: Lookups = NO_LOOKUPS,
    observe: Observer | None = None,
    http: Sender | None = None,
    resolve: Resolve = resolve_secret,
    clock: Callable[[], datetime] = utc_now,
) -> SapB1Connector:
    """The connector for the settings of `[connections.NAME]`. Raises ConfigurationError with all problems at once."""
    checked = check_settings(SapB1Settings, name, settings)
    sender = http or Http(checked.http_options(resolve), observe)
    who = Login(
        company=checked.company,
        username=resolve(checked.auth.username),
        password=resolve(checked.auth.password),
    )
    session = Session(sender, checked.base_url, who)
    client = B1Client(sender, session, root=checked.base_url, passing=checked.passing, clock=clock)
    return SapB1Connector(name, checked, client, Named(lookups, checked.lookups))


def capabilities_of(settings: SapB1Settings) -> Capabilities:
    """Every flow can be looked up; Business One itself keeps nothing single."""
    taken = frozenset[str](settings.flows)
    return Capabilities(
        reads=frozenset({"inventory"} if settings.reads.inventory else set[str]()),
        writes=taken,
        finds=taken,
        settling=settings.settling_s,
        evidence=Evidence.SIMULATED,
        pace=settings.limits.pace(),
    )
