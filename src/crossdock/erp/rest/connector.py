"""A custom ERP as a connection."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, TypeVar, cast, get_args

from pydantic import BaseModel

from crossdock.contract.capabilities import Capabilities, Evidence
from crossdock.contract.choices import no_source, sink_for
from crossdock.contract.connector import Health, OrderLister, RowSource, Sink, Source
from crossdock.contract.flow import Flow
from crossdock.contract.lookups import NO_LOOKUPS, Lookups, Named
from crossdock.erp.rest.changes import ChangeSink
from crossdock.erp.rest.client import RestClient, fill, utc_now
from crossdock.erp.rest.customers import CustomerSink, ErasureSink
from crossdock.erp.rest.listing import PagedOrders
from crossdock.erp.rest.mapping import (
    build_change_payload,
    build_customer_payload,
    build_erasure_payload,
    build_order_payload,
    build_refund_payload,
)
from crossdock.erp.rest.orders import OrderSink
from crossdock.erp.rest.refunds import RefundSink
from crossdock.erp.rest.rows import PagedRows
from crossdock.erp.rest.settings import (
    FlowName,
    HeaderLogin,
    HmacLogin,
    Login,
    NoLogin,
    PayloadSettings,
    ReadFlow,
    ReadSettings,
    RestSettings,
)
from crossdock.erp.rest.shaping import Build, shaped
from crossdock.errors import ConfigurationError, DeliveryError
from crossdock.model.change import OrderChange
from crossdock.model.customer import CustomerChange, Erasure
from crossdock.model.order import Order
from crossdock.model.refund import Refund
from crossdock.security.secrets import resolve as resolve_secret
from crossdock.transport.auth import Auth, HmacBody, NoAuth, with_headers
from crossdock.transport.connection import check_settings
from crossdock.transport.http import Http
from crossdock.transport.oauth2 import scheme_of
from crossdock.transport.renewal import Renewing, Resolve
from crossdock.transport.wire import HttpRequest, Observer, Sender

R = TypeVar("R")
SETTINGS = RestSettings
Model = TypeVar("Model", bound=BaseModel)
PROBE = "crossdock-probe"
PEOPLE = frozenset({"customers", "new_customers", "erasures"})
ABILITIES = Capabilities(
    reads=frozenset(get_args(ReadFlow)),
    writes=frozenset(get_args(FlowName)) | PEOPLE,
    dedupes=frozenset(get_args(FlowName)) | PEOPLE,
    finds=(frozenset(get_args(FlowName)) | PEOPLE) - {"erasures"},
    evidence=Evidence.SIMULATED,
)
SHAPED_AS = {"new_customers": "customers"}
CHANGES = frozenset({"cancellations", "holds", "payments"})


class ApiKey(NoAuth):
    """A fixed secret in a header of its own."""

    def __init__(self, header: str, value: str) -> None:
        self._headers = {header: value}

    def apply(self, request: HttpRequest) -> HttpRequest:
        """With the key."""
        return with_headers(request, self._headers)


class RestConnector:
    """The connector for a custom ERP: documents in, states out."""

    def __init__(self, name: str, settings: RestSettings, client: RestClient, lookups: Lookups = NO_LOOKUPS) -> None:
        self.name = name
        self.settings = settings
        self.capabilities = capabilities_of(settings)
        self._client = client
        words = Named(lookups, settings.lookups)
        payloads: dict[str, PayloadSettings] = {name: one for name, one in settings.payloads.items()}  # noqa: C416  widens its keys
        self._builders: dict[str, Build[Any]] = {
            flow: shaped(preview_of, payloads.get(SHAPED_AS.get(flow, flow)), words)
            for flow in self.capabilities.writes
        }
        self._sinks: dict[str, Sink[Any]] = {flow: self._sink(flow, build) for flow, build in self._builders.items()}

    def _sink(self, flow: str, build: Build[Any]) -> Sink[Any]:
        if flow == "orders":
            return OrderSink(self._client, self.settings, build)
        if flow == "refunds":
            return RefundSink(self._client, self.settings, build)
        if flow in CHANGES:
            return ChangeSink(self._client, self.settings, build)
        if flow == "erasures":
            return ErasureSink(self._client, self.settings)
        return CustomerSink(self._client, self.settings, build)

    def source(self, flow: Flow[R]) -> Source[R]:
        """Raises ConfigurationError: no documents are read from a custom ERP."""
        raise no_source(self.name, "a custom ERP", flow)

    def rows(self, flow: str) -> RowSource:
        """Raises ConfigurationError for a flow that is not in the settings' `reads`."""
        return PagedRows(self._client, self._read(flow))

    def rows_every(self, flow: str) -> float:
        """As the settings say."""
        return self._read(flow).interval_s

    def order_lister(self) -> OrderLister | None:
        """By the settings' `order_list`."""
        listed = self.settings.order_list
        return PagedOrders(self._client, listed) if listed else None

    def sink(self, flow: Flow[R]) -> Sink[R]:
        """Raises ConfigurationError for a flow that is not among the settings' `flows`."""
        return sink_for(self.name, flow, self.capabilities.writes, self._sinks)

    def _read(self, flow: str) -> ReadSettings:
        for name, settings in self.settings.reads.items():
            if name == flow:
                return settings
        raise ConfigurationError([f"connections.{self.name}.reads: has no {flow}"])

    def preview(self, flow: Flow[R], record: R) -> Mapping[str, Any]:
        """The body that `put` would send; its key is left empty."""
        self.sink(flow)
        return self._builders[flow.name](record, "")

    def probe(self) -> Health:
        """Asks `paths.probe`, or for an order that nobody has."""
        paths = self.settings.paths
        try:
            if paths.probe:
                return Health(ok=True, detail=f"answers HTTP {self._client.ask(fill(paths.probe)).status}")
            if not self.settings.finds:
                return Health(ok=True, detail="not asked: there is neither paths.probe nor a find")
            self._client.look(fill(paths.find, number=PROBE, order_number=PROBE, id=PROBE, key=PROBE))
        except DeliveryError as error:
            return Health(ok=False, detail=f"{error.code}: {error}")
        return Health(ok=True, detail="answers when asked for an order")


def build(
    name: str,
    settings: Mapping[str, Any],
    *,
    lookups: Lookups = NO_LOOKUPS,
    observe: Observer | None = None,
    http: Sender | None = None,
    resolve: Resolve = resolve_secret,
    clock: Callable[[], datetime] = utc_now,
) -> RestConnector:
    """The connector for the settings of `[connections.NAME]`. Raises ConfigurationError with all problems at once."""
    checked = check_settings(RestSettings, name, settings)
    sender = http or Http(checked.http_options(resolve), observe)
    client = RestClient(
        sender,
        Renewing(lambda known: login(checked.auth, sender, known), resolve),
        checked.answers,
        root=checked.base_url,
        key_header=checked.key_header,
        clock=clock,
    )
    return RestConnector(name, checked, client, lookups)


def capabilities_of(settings: RestSettings) -> Capabilities:
    """What the settings declare; nobody but the ERP's maker can know better."""
    findable = {"orders"} if settings.finds else set()
    findable |= {"refunds"} if settings.paths.find_refund else set()
    findable |= CHANGES if settings.paths.find_change else set()
    findable |= {"customers", "new_customers"} if settings.paths.find_customer else set()
    taken = frozenset(settings.flows) | (PEOPLE if "customers" in settings.flows else frozenset())
    return Capabilities(
        reads=frozenset(settings.reads),
        writes=taken,
        dedupes=taken if settings.dedupes else frozenset(),
        finds=frozenset(findable) & taken,
        settling=settings.settling_s,
        evidence=Evidence.SIMULATED,
        pace=settings.limits.pace(),
    )


def login(auth: Login, sender: Sender, resolve: Resolve) -> Auth:
    """The scheme that the settings ask for, with its secrets resolved."""
    if isinstance(auth, HmacLogin):
        return HmacBody(resolve(auth.secret), auth.header, auth.prefix)
    if isinstance(auth, HeaderLogin):
        return ApiKey(auth.header, resolve(auth.value))
    return NoAuth() if isinstance(auth, NoLogin) else scheme_of(auth, sender, resolve)


def preview_of(record: Any, key: str) -> Mapping[str, Any]:
    """The payload by the record's own type."""
    if isinstance(record, OrderChange):
        return build_change_payload(record, key)
    if isinstance(record, Refund):
        return build_refund_payload(record, key)
    if isinstance(record, CustomerChange):
        return build_customer_payload(record, key)
    if isinstance(record, Erasure):
        return build_erasure_payload(record, key)
    return build_order_payload(cast("Order", record), key)  # the flow's record type is checked by its decoder
