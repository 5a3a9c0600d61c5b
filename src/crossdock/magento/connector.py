"""A Magento store as a connection."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar, cast

import msgspec
from pydantic import ValidationError

from crossdock.contract.capabilities import Capabilities, Evidence, Pace
from crossdock.contract.connector import Health, Sink, Source, Watermark
from crossdock.contract.findings import Duties, Examination
from crossdock.contract.flow import Flow
from crossdock.contract.ledger import BatchState, Ledger
from crossdock.contract.lookups import NO_LOOKUPS, Lookups
from crossdock.contract.message import Message
from crossdock.errors import ConfigurationError, DeliveryError
from crossdock.flows.fulfilment import KINDS
from crossdock.magento.acknowledgements import AcknowledgementSink
from crossdock.magento.auth import choose
from crossdock.magento.bulk import Bulks
from crossdock.magento.census import Census
from crossdock.magento.client import MagentoClient
from crossdock.magento.customers import Customers, CustomerSink, CustomerSource, ErasureSink, PushedSource
from crossdock.magento.directory import Directory
from crossdock.magento.doctor.examined import examinations
from crossdock.magento.fulfilment import FulfilmentSink, FulfilmentSource
from crossdock.magento.inventory import Catalog, InventorySink
from crossdock.magento.mapping.prices import View
from crossdock.magento.orderbook import OrderBook
from crossdock.magento.orders import LOOKS, OrderSource
from crossdock.magento.people import People
from crossdock.magento.pictures import Gallery, Pictures
from crossdock.magento.pricelist import Pricelist
from crossdock.magento.prices import PriceSink
from crossdock.magento.products import ProductSink
from crossdock.magento.reservations import Reservations
from crossdock.magento.search import criteria
from crossdock.magento.settings import MagentoSettings
from crossdock.magento.stocktake import Stocktake
from crossdock.magento.stores import Stores
from crossdock.security.secrets import resolve as resolve_secret
from crossdock.transport.auth import Auth
from crossdock.transport.http import Http
from crossdock.transport.renewal import Resolve
from crossdock.transport.wire import Observer, Sender

R = TypeVar("R")
ACKNOWLEDGEMENTS = "acknowledgements"
INVENTORY = "inventory"
PRICES = "prices"
PRODUCTS = "products"
FULFILMENTS = "fulfilments"
DOCUMENTS = frozenset(KINDS)
CUSTOMER_LOOKS, CUSTOMER_PUSHES = "customer_looks", "customer_pushes"
PEOPLE = frozenset({"customers", "new_customers", "erasures"})
CAPABILITIES = Capabilities(
    reads=frozenset({LOOKS, FULFILMENTS, CUSTOMER_LOOKS, CUSTOMER_PUSHES}),
    writes=frozenset({ACKNOWLEDGEMENTS, INVENTORY, PRICES, PRODUCTS}) | DOCUMENTS | PEOPLE,
    dedupes=frozenset({ACKNOWLEDGEMENTS, INVENTORY, PRICES, PRODUCTS}) | PEOPLE,
    finds=frozenset({ACKNOWLEDGEMENTS, INVENTORY, PRICES, PRODUCTS}) | DOCUMENTS | PEOPLE,
    evidence=Evidence.SIMULATED,
)
FOREVER = datetime(9999, 1, 1, tzinfo=UTC)


class MagentoConnector:
    """The connector for Magento 2 and Adobe Commerce: orders out, what an ERP answers and has in."""

    def __init__(
        self,
        name: str,
        settings: MagentoSettings,
        client: MagentoClient,
        *,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self.name = name
        self.settings = settings
        limits = settings.limits
        pace = Pace(rate=limits.rate_per_s, burst=limits.burst, concurrency=limits.concurrency)
        batches = {
            INVENTORY: settings.inventory.batch_size,
            PRICES: settings.prices.batch_size,
            PRODUCTS: settings.products.batch_size,
        }
        self.capabilities = msgspec.structs.replace(
            CAPABILITIES, pace=pace, batches=batches, settling=settings.settling_s
        )
        if settings.webhooks.payload == "trusted":  # there is no API to read from, nor to write back to
            self.capabilities = msgspec.structs.replace(self.capabilities, rereads=False, writes=frozenset())
        self.client = client
        self.orders = OrderSource(client, settings.polling, name=name, clock=clock)
        self.census = Census(client, settings.polling)
        self.orderbook = OrderBook(client, settings.polling)
        self.acknowledgements = AcknowledgementSink(client, comment=settings.acknowledge_comment)
        self.catalog = Catalog(client)
        self.reserved = Reservations(client)
        self.stocktake = Stocktake(client)
        self.inventory = InventorySink(client, self.catalog, check_skus=settings.inventory.check_skus)
        self._stores = Stores(client)
        self.prices = PriceSink(client, self.catalog, self._stores)
        self.pricelist = Pricelist(client, self.catalog, settings.prices.batch_size)
        everywhere = client.everywhere()
        settling = timedelta(seconds=settings.settling_s + settings.deadlines.total_s)
        gallery = Gallery(everywhere, Pictures(settings.products, settings.ca_file))
        self.bulks = Bulks(everywhere, settings.products, settling, clock=clock)
        self.products = ProductSink(everywhere, Directory(everywhere), self.bulks, gallery)
        codes = [*settings.customers.attributes, settings.customers.number_attribute]
        # a view's own code would hide what belongs to all: customers are read and written everywhere
        self.customers = customers = Customers(everywhere, People(everywhere), tuple(filter(None, codes)))
        self._sources: Mapping[str, Any] = {
            LOOKS: self.orders,
            FULFILMENTS: FulfilmentSource(client, name, clock),
            CUSTOMER_LOOKS: CustomerSource(
                everywhere,
                customers,
                settings.polling,
                number_attribute=settings.customers.number_attribute,
                name=name,
                clock=clock,
            ),
            CUSTOMER_PUSHES: PushedSource(customers, settings.customers, name, clock),
        }
        writer = CustomerSink(customers)
        self._sinks: Mapping[str, Any] = {
            ACKNOWLEDGEMENTS: self.acknowledgements,
            INVENTORY: self.inventory,
            PRICES: self.prices,
            PRODUCTS: self.products,
            **dict.fromkeys(DOCUMENTS, FulfilmentSink(client)),
            "customers": writer,
            "new_customers": writer,
            "erasures": ErasureSink(customers),
        }

    def keep_in(self, ledger: Ledger) -> None:
        """Where bulks are written down."""
        self.bulks.keep_in(ledger)

    def batch_state(self, ticket: str) -> BatchState | None:
        """Of a bulk, by its uuid."""
        return self.bulks.state(ticket)

    def views(self) -> list[View]:
        """The store's views, asked for now. Raises DeliveryError."""
        return self._stores.views(again=True)

    def newest(self, most: int) -> Sequence[Message]:
        """The newest orders, as a look at each would read them, but for their credit memos. Raises DeliveryError."""
        return self.orders.newest(most)

    def examinations(self, duties: Duties) -> Sequence[Examination]:
        """Those of magento.doctor that these routes make matter."""
        return examinations(self, duties)

    @property
    def poll_interval(self) -> float | None:
        """Seconds between two scans; None: it is not polled."""
        return self.settings.polling.interval_s if self.settings.polling.enabled else None

    def created_since(self, since: datetime, watermark: Watermark) -> list[str]:
        """Orders created since then; none of before polling began, which another integration may have carried."""
        reach = self.census.reach(watermark)
        if reach is None or reach.began is None:
            return []
        return [str(one.id) for one in self.census.created(max(since, reach.began), FOREVER)]

    @property
    def webhook_url(self) -> str:
        """Where the store's webhooks go, each event one segment below. Raises ConfigurationError without public_url."""
        base = self.settings.webhooks.public_url.rstrip("/")
        if not base:
            raise ConfigurationError([f"connections.{self.name}.webhooks.public_url: needed for subscriptions"])
        return f"{base}/webhooks/{self.name}"

    def source(self, flow: Flow[R]) -> Source[R]:
        """Raises ConfigurationError for what is not in `capabilities.reads`."""
        if flow.name not in self.capabilities.reads:
            raise ConfigurationError([f"connections.{self.name}: a Magento store has no source for {flow.name}"])
        return cast("Source[R]", self._sources[flow.name])  # the flow's name says what R is

    def sink(self, flow: Flow[R]) -> Sink[R]:
        """Raises ConfigurationError for what is not in `capabilities.writes`."""
        if flow.name not in self.capabilities.writes:
            raise ConfigurationError([f"connections.{self.name}: a Magento store has no sink for {flow.name}"])
        return cast("Sink[R]", self._sinks[flow.name])  # the flow's name says what R is

    def preview(self, flow: Flow[R], record: R) -> Mapping[str, Any]:
        """The bodies that it would send."""
        self.sink(flow)
        found: Mapping[str, Any] = self._sinks[flow.name].preview(record)
        return found

    def probe(self) -> Health:
        """One list of one order id: needs the very right that reading orders needs."""
        if not self.capabilities.rereads:
            return Health(ok=True, detail="is not asked: its webhooks are trusted because it cannot be read")
        query = criteria((), sort=("entity_id",), size=1, fields="items[entity_id],total_count")
        try:
            answer = self.client.fetch("GET", "V1/orders", query)
        except DeliveryError as error:
            return Health(ok=False, detail=f"{error.code}: {error}")
        count = answer.json().get("total_count") if isinstance(answer.json(), dict) else None
        if not isinstance(count, int):
            return Health(ok=False, detail="answers, but not with a list of orders")
        return Health(ok=True, detail=f"{count} orders, answered in {answer.elapsed_ms} ms{_skew(answer.store_time)}")


def build(
    name: str,
    settings: Mapping[str, Any],
    *,
    lookups: Lookups = NO_LOOKUPS,  # noqa: ARG001  every builder's signature
    observe: Observer | None = None,
    http: Sender | None = None,
    auth: Auth | None = None,
    resolve: Resolve = resolve_secret,
    clock: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> MagentoConnector:
    """The connector for the settings of `[connections.NAME]`. Raises ConfigurationError with all problems at once."""
    checked = parse_settings(name, settings)
    sender = http or Http(checked.http_options(), observe)
    client = MagentoClient(
        sender,
        auth or choose(checked, sender, resolve),
        base_url=checked.base_url,
        store_code=checked.store_code,
        saas=checked.auth.scheme == "ims",
    )
    return MagentoConnector(name, checked, client, clock=clock)


def parse_settings(name: str, settings: Mapping[str, Any]) -> MagentoSettings:
    """Checked. The values themselves never stand in an error's text: one may be a secret in the wrong place."""
    try:
        return MagentoSettings.model_validate(dict(settings))
    except ValidationError as error:
        problems = [f"connections.{name}.{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in error.errors()]
        raise ConfigurationError(problems) from None


def _skew(store_time: datetime | None) -> str:
    if store_time is None:
        return ", without its clock"
    seconds = round((store_time - datetime.now(UTC)).total_seconds())
    return f", its clock is {seconds:+d} s from ours" if abs(seconds) > 2 else ""
