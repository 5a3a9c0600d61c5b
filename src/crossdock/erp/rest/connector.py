"""A custom ERP as a connection."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, TypeVar, cast

from pydantic import BaseModel, ValidationError

from crossdock.contract.capabilities import Capabilities, Evidence
from crossdock.contract.connector import Health, RowSource, Sink, Source
from crossdock.contract.flow import Flow
from crossdock.erp.rest.changes import ChangeSink
from crossdock.erp.rest.client import RestClient, fill, utc_now
from crossdock.erp.rest.customers import CustomerSink, ErasureSink
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
    BasicLogin,
    BearerLogin,
    HeaderLogin,
    HmacLogin,
    Login,
    ReadSettings,
    RestSettings,
)
from crossdock.errors import ConfigurationError, DeliveryError
from crossdock.model.change import OrderChange
from crossdock.model.customer import CustomerChange, Erasure
from crossdock.model.order import Order
from crossdock.model.refund import Refund
from crossdock.security.secrets import resolve as resolve_secret
from crossdock.transport.auth import Auth, Basic, Bearer, HmacBody, NoAuth, with_headers
from crossdock.transport.http import Http
from crossdock.transport.wire import HttpRequest, Observer, Sender

R = TypeVar("R")
Model = TypeVar("Model", bound=BaseModel)
Resolve = Callable[[str], str]
PROBE = "crossdock-probe"
PEOPLE = frozenset({"customers", "new_customers", "erasures"})
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

    def __init__(self, name: str, settings: RestSettings, client: RestClient) -> None:
        self.name = name
        self.settings = settings
        self.capabilities = capabilities_of(settings)
        self._client = client
        changes = ChangeSink(client, settings)
        self._sinks: dict[str, Sink[Any]] = dict.fromkeys(CHANGES, changes)
        customers = CustomerSink(client, settings)
        self._sinks |= {"customers": customers, "new_customers": customers, "erasures": ErasureSink(client, settings)}
        self._sinks |= {"orders": OrderSink(client, settings), "refunds": RefundSink(client, settings)}

    def source(self, flow: Flow[R]) -> Source[R]:
        """Raises ConfigurationError: no documents are read from a custom ERP."""
        raise ConfigurationError([f"connections.{self.name}: a custom ERP has no source for {flow.name}"])

    def rows(self, flow: str) -> RowSource:
        """Raises ConfigurationError for a flow that is not in the settings' `reads`."""
        return PagedRows(self._client, self._read(flow))

    def rows_every(self, flow: str) -> float:
        """As the settings say."""
        return self._read(flow).interval_s

    def sink(self, flow: Flow[R]) -> Sink[R]:
        """Raises ConfigurationError for a flow that is not among the settings' `flows`."""
        if flow.name not in self.capabilities.writes:
            raise ConfigurationError([f"connections.{self.name}: {flow.name} is not among its flows"])
        return self._sinks[flow.name]

    def _read(self, flow: str) -> ReadSettings:
        for name, settings in self.settings.reads.items():
            if name == flow:
                return settings
        raise ConfigurationError([f"connections.{self.name}.reads: has no {flow}"])

    def preview(self, flow: Flow[R], record: R) -> Mapping[str, Any]:
        """The body that `put` would send; its key is left empty."""
        self.sink(flow)
        return preview_of(record, "")

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
    observe: Observer | None = None,
    http: Sender | None = None,
    resolve: Resolve = resolve_secret,
    clock: Callable[[], datetime] = utc_now,
) -> RestConnector:
    """The connector for the settings of `[connections.NAME]`. Raises ConfigurationError with all problems at once."""
    checked = check_settings(RestSettings, name, settings)
    client = RestClient(
        http or Http(checked.http_options(), observe),
        login(checked.auth, resolve),
        checked.answers,
        root=checked.base_url,
        key_header=checked.key_header,
        clock=clock,
    )
    return RestConnector(name, checked, client)


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


def login(auth: Login, resolve: Resolve) -> Auth:
    """The scheme that the settings ask for, with its secrets resolved."""
    if isinstance(auth, BearerLogin):
        return Bearer(resolve(auth.token))
    if isinstance(auth, BasicLogin):
        return Basic(resolve(auth.username), resolve(auth.password))
    if isinstance(auth, HmacLogin):
        return HmacBody(resolve(auth.secret), auth.header, auth.prefix)
    if isinstance(auth, HeaderLogin):
        return ApiKey(auth.header, resolve(auth.value))
    return NoAuth()


def check_settings(model: type[Model], name: str, settings: Mapping[str, Any]) -> Model:
    """Checked. The values themselves never stand in an error's text: one may be a secret in the wrong place."""
    try:
        return model.model_validate(dict(settings))
    except ValidationError as error:
        problems = [
            f"{'.'.join(map(str, ('connections', name, *one['loc'])))}: {one['msg'].removeprefix('Value error, ')}"
            for one in error.errors(include_input=False, include_url=False)
        ]
        raise ConfigurationError(problems) from None


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
