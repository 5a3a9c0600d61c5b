"""Tryton as a connection."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import Any, TypeVar, cast, get_args

from crossdock.contract.capabilities import Capabilities, Evidence
from crossdock.contract.choices import asked_for, no_source, sink_for
from crossdock.contract.connector import Health, OrderLister, RowSource, Sink, Source
from crossdock.contract.findings import Duties, Examination, rights
from crossdock.contract.flow import Flow
from crossdock.contract.lookups import NO_LOOKUPS
from crossdock.contract.lookups import Lookups as Tables
from crossdock.erp.tryton.cancellations import CancellationSink
from crossdock.erp.tryton.catalog import Catalog, Prices
from crossdock.erp.tryton.client import RestWire, RpcWire, Session, TrytonClient, utc_now
from crossdock.erp.tryton.credit_notes import CreditNotes
from crossdock.erp.tryton.customer_rows import Customers, Told
from crossdock.erp.tryton.customers import CustomerSink
from crossdock.erp.tryton.directory import Directory
from crossdock.erp.tryton.erasures import ErasureSink
from crossdock.erp.tryton.fulfilments import Invoices, Shipments
from crossdock.erp.tryton.levels import Levels
from crossdock.erp.tryton.listing import SaleList
from crossdock.erp.tryton.mapping import Customer, Lookups, Product, build_sale
from crossdock.erp.tryton.orders import OrderSink
from crossdock.erp.tryton.parcels import Parcels
from crossdock.erp.tryton.parties import Parties
from crossdock.erp.tryton.price_lists import ListPrices
from crossdock.erp.tryton.pricing import price_order
from crossdock.erp.tryton.reading import Telling, TrytonRows
from crossdock.erp.tryton.refunds import RefundSink
from crossdock.erp.tryton.return_sale import return_number
from crossdock.erp.tryton.rights import WHERE, questions
from crossdock.erp.tryton.settings import (
    READS,
    CustomerSettings,
    FlowName,
    PriceSettings,
    ReadSettings,
    SessionLogin,
    TrytonSettings,
)
from crossdock.errors import ConfigurationError, DeliveryError
from crossdock.model.customer import CustomerChange, Erasure
from crossdock.model.order import Order
from crossdock.model.refund import Refund
from crossdock.security.secrets import resolve as resolve_secret
from crossdock.transport.auth import Auth, Bearer
from crossdock.transport.connection import check_settings
from crossdock.transport.http import Http
from crossdock.transport.renewal import Renewing
from crossdock.transport.wire import Observer, Sender

R = TypeVar("R")
SETTINGS = TrytonSettings
PEOPLE = frozenset({"customers", "new_customers", "erasures"})
ABILITIES = Capabilities(
    reads=frozenset(READS),
    writes=frozenset(get_args(FlowName)) | PEOPLE,
    dedupes=frozenset({"orders"}),
    finds=frozenset(get_args(FlowName)) | PEOPLE,
    evidence=Evidence.SANDBOX,
)
Resolve = Callable[[str], str]


class TrytonConnector:
    """The connector for Tryton: orders in; stock, prices, products, and what becomes of orders out."""

    def __init__(self, name: str, settings: TrytonSettings, client: TrytonClient) -> None:
        self.name = name
        self.settings = settings
        self.capabilities = capabilities_of(settings)
        self._client = client
        self._directory = Directory(client, settings)
        parties = Parties(self._directory, settings)
        self._customers = CustomerSink(client, self._directory, settings)
        self._sinks: dict[str, Sink[Any]] = {
            "orders": OrderSink(client, self._directory, parties, settings),
            "cancellations": CancellationSink(client, self._directory, settings),
            "customers": self._customers,
            "new_customers": self._customers,
            "erasures": ErasureSink(client, self._directory, settings),
            "refunds": RefundSink(client, self._directory, settings),
        }

    def source(self, flow: Flow[R]) -> Source[R]:
        """Raises ConfigurationError: what is read from Tryton comes as rows."""
        raise no_source(self.name, "Tryton", flow)

    def rows(self, flow: str) -> RowSource:
        """Raises ConfigurationError for a flow that is not in the settings' `reads`."""
        return TrytonRows(self._inside, telling(flow, self.settings, self._directory), self._read(flow))

    def rows_every(self, flow: str) -> float:
        """As the settings say."""
        return self._read(flow).interval_s

    def _read(self, flow: str) -> ReadSettings:
        return asked_for(self.name, flow, self.settings.reads.asked())

    def order_lister(self) -> OrderLister:
        """Of our sales."""
        return SaleList(self._inside, self._directory.company, self.settings)

    def _inside(self) -> TrytonClient:
        return self._client.about((), company=self._directory.company())

    def sink(self, flow: Flow[R]) -> Sink[R]:
        """Raises ConfigurationError for a flow that is not among the settings' `flows`."""
        return sink_for(self.name, flow, self.capabilities.writes, self._sinks)

    def preview(self, flow: Flow[R], record: R) -> Mapping[str, Any]:
        """What `put` would send, without asking Tryton: its ids are 0, taxes are rounded as the settings say."""
        self.sink(flow)
        if isinstance(record, CustomerChange):
            return self._customers.preview(record)
        if isinstance(record, Erasure):
            return {"active": False, "name": None}
        if isinstance(record, Refund):
            return {"reference": return_number(record), "total_amount": str(-record.totals.grand_total)}
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

    def examinations(self, duties: Duties) -> Sequence[Examination]:
        """Its rights, one by one."""
        return [rights(self.name, questions(self._client, self._directory, duties), WHERE)]

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
    lookups: Tables = NO_LOOKUPS,  # noqa: ARG001  every builder's signature
    observe: Observer | None = None,
    http: Sender | None = None,
    resolve: Resolve = resolve_secret,
    clock: Callable[[], datetime] = utc_now,
) -> TrytonConnector:
    """The connector for the settings of `[connections.NAME]`. Raises ConfigurationError with all problems at once."""
    checked = check_settings(TrytonSettings, name, settings)
    sender = http or Http(checked.http_options(resolve), observe)
    login = checked.auth
    auth: Auth
    wire: RestWire | RpcWire
    if isinstance(login, SessionLogin):
        wire = RpcWire(checked.url, checked.database)
        session = partial(Session, sender, checked.url, checked.database, login.username)
        auth = Renewing(lambda known: session(known(login.password)), resolve)
    else:
        wire, auth = RestWire(checked.url, checked.database), Renewing(lambda known: Bearer(known(login.key)), resolve)
    client = TrytonClient(sender, auth, wire, duplicate=checked.duplicate_text, clock=clock)
    return TrytonConnector(name, checked, client)


def telling(flow: str, settings: TrytonSettings, directory: Directory) -> Telling:
    """What is particular about a flow that is read. Raises ConfigurationError for one that nothing is known of."""
    reads = settings.reads
    makers: dict[str, Callable[[], Telling]] = {
        "shipments": partial(Shipments, settings, directory.called),
        "invoices": partial(Invoices, settings),
        "credit_memos": partial(CreditNotes, settings),
    }
    if reads.inventory:
        makers["inventory"] = partial(Levels, reads.inventory, directory.told_places)
    if reads.prices:
        makers["prices"] = partial(_prices, reads.prices, directory)
    if reads.products:
        makers["products"] = partial(Catalog, reads.products)
    if reads.tracks:
        makers["tracks"] = partial(Parcels, reads.tracks, settings)
    if reads.customers:
        makers["customers"] = partial(
            Customers, reads.customers, partial(told_of, settings, reads.customers, directory)
        )
    if flow not in makers:
        raise ConfigurationError([f"reads: has no {flow}"])
    return makers[flow]()


def _prices(settings: PriceSettings, directory: Directory) -> Telling:
    if settings.price_list or settings.tiers:
        return ListPrices(settings, directory.currency, directory.price_list)
    return Prices(settings, directory.currency)


def told_of(settings: TrytonSettings, customers: CustomerSettings, directory: Directory) -> Told:
    """Raises Misconfigured where Tryton does not have what the settings name."""
    return Told(
        party=settings.party,
        groups={directory.category(name): group for group, name in settings.party.groups.items()},
        category=directory.category(customers.category) if customers.category else 0,
    )


def capabilities_of(settings: TrytonSettings) -> Capabilities:
    """Every flow can be looked up; Tryton itself keeps orders single only with the unique module."""
    once = {"orders"} if settings.unique_references else set()
    taken = frozenset[str](settings.flows) | (PEOPLE if "customers" in settings.flows else frozenset())
    return Capabilities(
        reads=frozenset(settings.reads.asked()),
        writes=taken,
        dedupes=frozenset(once) & settings.flows,
        finds=taken,
        settling=settings.settling_s,
        evidence=Evidence.SANDBOX,
        pace=settings.limits.pace(),
    )
