"""The checks that matter for one store, by what its routes ask of it: here the store is asked, there it is decided."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from crossdock.contract.findings import Check, Duties, Examination, Finding
from crossdock.errors import DeliveryError, Rejected, Unauthorized
from crossdock.magento import shelved, subscriptions, topology
from crossdock.magento.client import MagentoClient
from crossdock.magento.doctor import queues, rights, setup
from crossdock.magento.doctor.setup import Limits, Row
from crossdock.magento.mapping.wire import decimal, decode, rows, text
from crossdock.magento.reservations import Sold
from crossdock.magento.search import criteria, where

if TYPE_CHECKING:
    from crossdock.magento.connector import MagentoConnector

CHECKS: tuple[Check, ...] = (
    rights.RIGHTS,
    setup.ACCOUNT,
    setup.SUBSCRIPTIONS,
    setup.CLOCK,
    setup.LIMITS,
    setup.MODULES,
    queues.CONSUMERS,
    queues.CRON,
    setup.SOURCES,
    setup.PRODUCTS,
    queues.INDEX,
    setup.TYPES,
    setup.CURRENCIES,
    setup.TAX,
)
LOOKED_AT = 50  # products, a question each
COMPARED, PLACES = 5, 3  # SKUs of so many sources, two questions each
HUGE = 100_000  # rows of a page that no store with limits allows; of a list that is empty
PRICED = 20  # orders
LINES = "items[items[base_original_price,base_price,base_price_incl_tax]]"
HOW_MODULES = "bin/magento module:status"
HOW_TYPES = "Catalog > Products, filtered by Type"
Looks = Callable[[], Sequence[Finding]]


def examinations(shop: MagentoConnector, duties: Duties) -> list[Examination]:
    """Nothing is asked yet. A store that cannot be read has none: its webhooks are trusted instead."""
    if not shop.capabilities.rereads:
        return []
    pairs = [*_always(shop, duties), *_of_queues(shop, duties), *_of_stock(shop, duties), *_of_prices(shop, duties)]
    return [Examination(check=check, subject=shop.name, look=look) for check, look in pairs]


def _always(shop: MagentoConnector, duties: Duties) -> Iterator[tuple[Check, Looks]]:
    scheme, hooks, client = shop.settings.auth.scheme, shop.settings.webhooks, shop.client
    needs = [*sorted(duties.takes), *(["subscriptions"] if hooks.format == "async-events" and hooks.enabled else [])]
    yield setup.ACCOUNT, lambda: setup.login(scheme)
    yield rights.RIGHTS, lambda: _rights(shop, duties)
    yield setup.CLOCK, lambda: _clock(client)
    yield setup.LIMITS, lambda: setup.limits(_limits(client, _largest(shop)), _batches(shop, duties))
    yield setup.MODULES, _if_told(setup.MODULES, lambda: setup.modules(_modules(client), needs), HOW_MODULES)
    if hooks.format == "async-events" and hooks.enabled:
        yield setup.SUBSCRIPTIONS, lambda: _subscriptions(shop)
    if "orders" in duties.gives or duties.takes & rights.ANY_ORDER:
        yield queues.CRON, lambda: queues.cron(queues.unpaid(client, _now()))
    if "orders" in duties.gives:
        yield setup.TYPES, _if_told(setup.TYPES, lambda: setup.types(_types(client)), HOW_TYPES)


def _if_told(check: Check, look: Looks, how: str) -> Looks:
    """For what no route needs a right to: an integration with few rights is a good one."""

    def looked() -> Sequence[Finding]:
        try:
            return look()
        except Unauthorized as error:
            return [check.look_by_hand(f"no route needs to see it, and we may not: {error}", how)]

    return looked


def _of_queues(shop: MagentoConnector, duties: Duties) -> Iterator[tuple[Check, Looks]]:
    if "products" in duties.takes and shop.settings.products.bulk_from:
        yield queues.CONSUMERS, lambda: queues.consumers(queues.queue(shop.client), _now())


def _of_stock(shop: MagentoConnector, duties: Duties) -> Iterator[tuple[Check, Looks]]:
    tables = [option.get("warehouses") or {} for option in duties.options("inventory")]
    places = frozenset(str(place) for table in tables for place in table.values())
    if places:
        yield (
            setup.SOURCES,
            lambda: setup.sources(topology.lint(shop.reserved.topology(), places), places),
        )
        yield (
            setup.PRODUCTS,
            lambda: setup.products(topology.lint_products(shelved.newest(shop.client, LOOKED_AT), places)),
        )
        compared = _if_told(queues.INDEX, lambda: queues.index(_sold(shop, sorted(places))), queues.HOW_INDEX)
        yield queues.INDEX, compared


def _of_prices(shop: MagentoConnector, duties: Duties) -> Iterator[tuple[Check, Looks]]:
    options = duties.options("prices")
    if options:
        yield setup.CURRENCIES, lambda: setup.currencies(shop.views(), options)
        said = [str(option.get("tax") or "") for option in options]
        yield setup.TAX, lambda: setup.tax(said, _priced(shop.client))


def _rights(shop: MagentoConnector, duties: Duties) -> list[Finding]:
    calls = rights.needed(duties, shop.settings)
    return rights.rights(rights.tried(shop.client, calls), admin=shop.settings.auth.scheme == "admin")


def _clock(client: MagentoClient) -> list[Finding]:
    before = _now()
    answer = client.fetch("GET", "V1/orders", _one())
    return setup.clock(answer.store_time, before, _now())


def _limits(client: MagentoClient, largest: int) -> Limits:
    """By questions for nothing: a page of orders with the id 0, then a shipment of the order 0 with many rows."""
    none = ((where("entity_id", "eq", "0"),),)
    page = None
    try:
        client.fetch("GET", "V1/orders", criteria(none, sort=rights.ENTITY, size=HUGE, fields="total_count"))
    except Rejected as error:
        page = _number(setup.PAGE_MOST, error)
        if page is None:
            raise
    if page is None:
        return Limits()
    try:
        client.fetch("POST", f"V1/{rights.NUMBER}/ship", body={"items": [{"order_item_id": 0, "qty": 1}] * largest})
    except Rejected as error:
        return Limits(page=page, rows=_number(setup.MOST, error) or largest)
    except DeliveryError:  # without the right to ship there is no harmless way to ask
        return Limits(page=page)
    return Limits(page=page, rows=largest)


def _number(pattern: Any, error: Rejected) -> int | None:
    found = pattern.search(str(error))
    return int(found[1]) if found else None


def _batches(shop: MagentoConnector, duties: Duties) -> dict[str, int]:
    sizes = {"inventory": shop.settings.inventory.batch_size, "prices": shop.settings.prices.batch_size}
    return {f"{flow}.batch_size": size for flow, size in sizes.items() if flow in duties.takes}


def _largest(shop: MagentoConnector) -> int:
    return max(setup.DEFAULT_ROWS + 1, shop.settings.inventory.batch_size, shop.settings.prices.batch_size)


def _modules(client: MagentoClient) -> list[str]:
    told = client.get("V1/modules")
    return [str(one) for one in told] if isinstance(told, list) else []


def _subscriptions(shop: MagentoConnector) -> list[Finding]:
    wanted = shop.settings.webhooks.events
    return setup.subscriptions(subscriptions.missing(shop.client, wanted, shop.webhook_url), len(wanted))


def _types(client: MagentoClient) -> dict[str, int]:
    told = client.get("V1/products/types")
    names = [text(row, "name") for row in told if isinstance(row, dict)] if isinstance(told, list) else []
    return {name: _count(client, name) for name in names}


def _count(client: MagentoClient, kind: str) -> int:
    query = criteria(((where("type_id", "eq", kind),),), sort=rights.ENTITY, size=1, fields="items[sku],total_count")
    told = client.get("V1/products", query)
    return int(told.get("total_count") or 0) if isinstance(told, dict) else 0


def _sold(shop: MagentoConnector, places: Sequence[str]) -> list[Sold]:
    stocks = shop.reserved.topology()
    return [sold for place in places[:PLACES] for sold in queues.sold(shop.client, stocks, place, COMPARED)]


def _priced(client: MagentoClient) -> list[Row]:
    answer = client.fetch("GET", "V1/orders", criteria((), sort=("-entity_id",), size=PRICED, fields=LINES))
    lines = [line for order in rows(decode(answer.body), "items") for line in rows(order, "items")]
    found = [
        Row(original=_of("original_price", one), net=_of("price", one), gross=_of("price_incl_tax", one))
        for one in lines
    ]
    return [one for one in found if one.original]


def _of(name: str, line: dict[str, Any]) -> Any:
    return decimal(line, f"base_{name}", "order line")


def _one() -> Any:
    return criteria((), sort=rights.ENTITY, size=1, fields="items[entity_id],total_count")


def _now() -> datetime:
    return datetime.now(UTC)
