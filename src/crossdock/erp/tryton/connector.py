"""Tryton as a connection."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, TypeVar, cast

from pydantic import ValidationError

from crossdock.contract.capabilities import Capabilities, Evidence, Pace
from crossdock.contract.connector import Health, RowSource, Sink, Source
from crossdock.contract.flow import Flow
from crossdock.erp.tryton.cancellations import CancellationSink
from crossdock.erp.tryton.catalog import Catalog, Prices
from crossdock.erp.tryton.client import RestWire, RpcWire, Session, TrytonClient, utc_now
from crossdock.erp.tryton.directory import Directory
from crossdock.erp.tryton.fulfilments import Invoices, Shipments
from crossdock.erp.tryton.levels import Levels
from crossdock.erp.tryton.mapping import Customer, Lookups, Product, build_sale
from crossdock.erp.tryton.orders import OrderSink
from crossdock.erp.tryton.parties import Parties
from crossdock.erp.tryton.pricing import price_order
from crossdock.erp.tryton.reading import Telling, TrytonRows
from crossdock.erp.tryton.settings import ReadSettings, SessionLogin, TrytonSettings
from crossdock.errors import ConfigurationError, DeliveryError
from crossdock.model.order import Order
from crossdock.security.secrets import resolve as resolve_secret
from crossdock.transport.auth import Auth, Bearer
from crossdock.transport.http import Http
from crossdock.transport.wire import Observer, Sender

R = TypeVar("R")
Resolve = Callable[[str], str]
PACE = Pace(concurrency=4)  # a server process does 2 to 3 processed sales a second


class TrytonConnector:
    """The connector for Tryton: orders in; stock, prices, products, and what becomes of orders out."""

    def __init__(self, name: str, settings: TrytonSettings, client: TrytonClient) -> None:
        self.name = name
        self.settings = settings
        self.capabilities = capabilities_of(settings)
        self._client = client
        self._directory = Directory(client, settings)
        parties = Parties(self._directory, settings)
        self._sinks: dict[str, Sink[Any]] = {
            "orders": OrderSink(client, self._directory, parties, settings),
            "cancellations": CancellationSink(client, self._directory, settings),
        }

    def source(self, flow: Flow[R]) -> Source[R]:
        """Raises ConfigurationError: what is read from Tryton comes as rows."""
        raise ConfigurationError([f"connections.{self.name}: Tryton has no source for {flow.name}"])

    def rows(self, flow: str) -> RowSource:
        """Raises ConfigurationError for a flow that is not in the settings' `reads`."""
        return TrytonRows(self._inside, telling(flow, self.settings, self._directory), self._read(flow))

    def rows_every(self, flow: str) -> float:
        """As the settings say."""
        return self._read(flow).interval_s

    def _read(self, flow: str) -> ReadSettings:
        if found := self.settings.reads.asked().get(flow):
            return found
        raise ConfigurationError([f"connections.{self.name}.reads: has no {flow}"])

    def _inside(self) -> TrytonClient:
        return self._client.about((), company=self._directory.company())

    def sink(self, flow: Flow[R]) -> Sink[R]:
        """Raises ConfigurationError for a flow that is not among the settings' `flows`."""
        if flow.name not in self.capabilities.writes:
            raise ConfigurationError([f"connections.{self.name}: {flow.name} is not among its flows"])
        return self._sinks[flow.name]

    def preview(self, flow: Flow[R], record: R) -> Mapping[str, Any]:
        """What `put` would send, without asking Tryton: its ids are 0, taxes are rounded as the settings say."""
        self.sink(flow)
        if not isinstance(record, Order):
            return {"button": "cancel"}
        asked = self.settings.tax_rounding
        lines = price_order(cast("Order", record), "document" if asked == "ask" else asked)
        codes = {self._directory.code_of(line): Product(id=0, unit=0) for line in lines}
        nothing = Lookups(
            company=0,
            currency=0,
            warehouse=0,
            products=codes,
            taxes={(line.rate, line.codes): 0 for line in lines},
        )
        nobody = Customer(party=0, invoice_address=0, shipment_address=0)
        sale = build_sale(record, "", lines, nothing, nobody, self.settings, self._directory.code_of)
        for sent, line in zip(sale["lines"][0][1], lines, strict=True):
            sent |= {"product": self._directory.code_of(line), "taxes": [f"{line.rate} %"] if line.rate else []}
            sent["unit_price"] = str(line.unit_price)
        return sale

    def probe(self) -> Health:
        """Whether Tryton answers, knows us, and has what the settings name."""
        try:
            company, rounding = self._directory.company(), self._directory.rounding()
            self._directory.check()
        except DeliveryError as error:
            return Health(ok=False, detail=f"{error.code}: {error}")
        return Health(ok=True, detail=f"company {company}, taxes are rounded by {rounding}")


def build(
    name: str,
    settings: Mapping[str, Any],
    *,
    observe: Observer | None = None,
    http: Sender | None = None,
    resolve: Resolve = resolve_secret,
    clock: Callable[[], datetime] = utc_now,
) -> TrytonConnector:
    """The connector for the settings of `[connections.NAME]`. Raises ConfigurationError with all problems at once."""
    checked = check_settings(name, settings)
    sender = http or Http(checked.http_options(), observe)
    login = checked.auth
    auth: Auth
    wire: RestWire | RpcWire
    if isinstance(login, SessionLogin):
        wire = RpcWire(checked.url, checked.database)
        auth = Session(sender, checked.url, checked.database, login.username, resolve(login.password))
    else:
        wire, auth = RestWire(checked.url, checked.database), Bearer(resolve(login.key))
    client = TrytonClient(sender, auth, wire, duplicate=checked.duplicate_text, clock=clock)
    return TrytonConnector(name, checked, client)


def telling(flow: str, settings: TrytonSettings, directory: Directory) -> Telling:
    """What is particular about a flow that is read. Raises ConfigurationError for one that nothing is known of."""
    reads = settings.reads
    if flow == "inventory" and reads.inventory:
        return Levels(reads.inventory, directory.told_places)
    if flow == "prices" and reads.prices:
        return Prices(reads.prices, directory.currency)
    if flow == "products" and reads.products:
        return Catalog(reads.products)
    if flow == "shipments":
        return Shipments(settings, directory.called)
    if flow == "invoices":
        return Invoices(settings)
    raise ConfigurationError([f"reads: has no {flow}"])


def capabilities_of(settings: TrytonSettings) -> Capabilities:
    """Every flow can be looked up; Tryton itself keeps orders single only with the unique module."""
    once = {"orders"} if settings.unique_references else set()
    return Capabilities(
        reads=frozenset(settings.reads.asked()),
        writes=frozenset(settings.flows),
        dedupes=frozenset(once) & settings.flows,
        finds=frozenset(settings.flows),
        settling=settings.settling_s,
        evidence=Evidence.SANDBOX,
        pace=PACE,
    )


def check_settings(name: str, settings: Mapping[str, Any]) -> TrytonSettings:
    """Checked. The values themselves never stand in an error's text: one may be a secret in the wrong place."""
    try:
        return TrytonSettings.model_validate(dict(settings))
    except ValidationError as error:
        problems = [
            f"{'.'.join(map(str, ('connections', name, *one['loc'])))}: {one['msg'].removeprefix('Value error, ')}"
            for one in error.errors(include_input=False, include_url=False)
        ]
        raise ConfigurationError(problems) from None
