"""Finance and Operations as a connection."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, TypeVar, cast

from crossdock.contract.capabilities import Capabilities, Evidence
from crossdock.contract.choices import asked_for, no_source, sink_for
from crossdock.contract.connector import Health, RowSource, Sink, Source
from crossdock.contract.findings import Duties, Examination, rights
from crossdock.contract.flow import Flow
from crossdock.contract.lookups import NO_LOOKUPS, Lookups, Named
from crossdock.erp.dynamics_fo.buyers import Buyers
from crossdock.erp.dynamics_fo.client import FoClient, utc_now
from crossdock.erp.dynamics_fo.customers import CustomerSink
from crossdock.erp.dynamics_fo.holds import HoldSink
from crossdock.erp.dynamics_fo.mapping import NO, YES, Names, build_header, build_lines
from crossdock.erp.dynamics_fo.orders import OrderSink
from crossdock.erp.dynamics_fo.people import build_changes
from crossdock.erp.dynamics_fo.reading import WholeRows, telling_of
from crossdock.erp.dynamics_fo.rights import WHERE, questions
from crossdock.erp.dynamics_fo.settings import READS, FoSettings, ReadSettings
from crossdock.errors import ConfigurationError, DeliveryError
from crossdock.model.change import ChangeKind, OrderChange
from crossdock.model.customer import CustomerChange
from crossdock.model.order import Order
from crossdock.security.secrets import resolve as resolve_secret
from crossdock.transport.connection import check_settings
from crossdock.transport.http import Http
from crossdock.transport.oauth2 import auth_of
from crossdock.transport.odata import Query, eq
from crossdock.transport.wire import Observer, Sender

R = TypeVar("R")
SETTINGS = FoSettings
Resolve = Callable[[str], str]
PEOPLE = frozenset({"customers", "new_customers"})
TAKEN = frozenset({"orders", "holds"}) | PEOPLE
ABILITIES = Capabilities(reads=frozenset(READS), writes=TAKEN, dedupes=TAKEN, finds=TAKEN, evidence=Evidence.SIMULATED)


class FoConnector:
    """The connector for Finance and Operations."""

    def __init__(self, name: str, settings: FoSettings, client: FoClient, lookups: Lookups) -> None:
        self.name = name
        self.settings = settings
        self.capabilities = capabilities_of(settings)
        self._client = client
        self._buyers = Buyers(settings, lookups)
        self._orders = OrderSink(client, self._buyers, settings)
        customers = CustomerSink(client, settings, lambda code: self._buyers.translate("countries", code))
        self._sinks: dict[str, Sink[Any]] = {
            "orders": self._orders,
            "holds": HoldSink(client, settings),
            "customers": customers,
            "new_customers": customers,
        }

    def source(self, flow: Flow[R]) -> Source[R]:
        """Raises ConfigurationError: what is read comes as rows."""
        raise no_source(self.name, "Finance and Operations", flow)

    def rows(self, flow: str) -> RowSource:
        """Raises ConfigurationError for a flow that is not in the settings' `reads`."""
        settings, telling = self._read(flow), telling_of(flow, self.settings)
        if telling is None:
            raise ConfigurationError([f"connections.{self.name}.reads: has no {flow}"])
        return WholeRows(self._client, telling, settings)

    def rows_every(self, flow: str) -> float:
        """As the settings say."""
        return self._read(flow).interval_s

    def _read(self, flow: str) -> ReadSettings:
        return asked_for(self.name, flow, self.settings.reads.asked())

    def sink(self, flow: Flow[R]) -> Sink[R]:
        """Raises ConfigurationError for a flow that is not among the settings' `flows`."""
        return sink_for(self.name, flow, self.capabilities.writes, self._sinks)

    def preview(self, flow: Flow[R], record: R) -> Mapping[str, Any]:
        """What `put` would send, without asking anybody."""
        self.sink(flow)
        if isinstance(record, CustomerChange):
            return build_changes(record, None, lambda _: None)
        if isinstance(record, OrderChange):
            return {"IsSalesProcessingStopped": YES if record.kind is ChangeKind.HOLD else NO}
        order = cast("Order", record)
        names = Names(customer=self.settings.customer.account, currency=order.totals.currency)
        quote = self._orders.quote(order)
        head = build_header(order, names, self.settings, with_tax=quote.with_tax)
        number = str(head.get("SalesOrderNumber", ""))
        lines = build_lines(order, quote, number, self.settings, self._buyers.tax_code)
        return {"header": head, "lines": lines}

    def examinations(self, duties: Duties) -> Sequence[Examination]:
        """Its rights, one by one."""
        return [rights(self.name, questions(self._client, self.settings.sets, duties), WHERE)]

    def probe(self) -> Health:
        """Whether it answers, knows us, and has the sets that the settings name."""
        sets = self.settings.sets
        try:
            for entity in (sets.headers, sets.lines):
                self._client.page(entity, Query(where=eq("SalesOrderNumber", "-"), select=("SalesOrderNumber",)))
        except DeliveryError as error:
            return Health(ok=False, detail=f"{error.code}: {error}")
        return Health(ok=True, detail=f"company {self.settings.company}")


def build(
    name: str,
    settings: Mapping[str, Any],
    *,
    lookups: Lookups = NO_LOOKUPS,
    observe: Observer | None = None,
    http: Sender | None = None,
    resolve: Resolve = resolve_secret,
    clock: Callable[[], datetime] = utc_now,
) -> FoConnector:
    """The connector for the settings of `[connections.NAME]`. Raises ConfigurationError with all problems at once."""
    checked = check_settings(FoSettings, name, settings)
    sender = http or Http(checked.http_options(resolve), observe)
    auth = auth_of(checked.auth, sender, resolve)
    client = FoClient(sender, auth, checked.url, checked.company, duplicate=checked.duplicate_text, clock=clock)
    return FoConnector(name, checked, client, Named(lookups, checked.lookups))


def capabilities_of(settings: FoSettings) -> Capabilities:
    """Everything can be looked up. A number or an account of ours is taken once; a hold set twice is set."""
    flows = frozenset(settings.flows) | (PEOPLE if "customers" in settings.flows else frozenset())
    once = flows if settings.order_numbers == "ours" else flows - {"orders"}
    return Capabilities(
        reads=frozenset(settings.reads.asked()),
        writes=flows,
        dedupes=once,
        finds=flows,
        settling=settings.settling_s,
        evidence=ABILITIES.evidence,
        pace=settings.limits.pace(),
    )
