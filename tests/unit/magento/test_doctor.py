"""A store's checks, over HTTP against the sandbox store: each seen to fail, and seen to be content."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import msgspec
import pytest

from crossdock.contract.findings import Duties, Finding, Level
from crossdock.contract.flow import Route
from crossdock.doctor.report import chosen, run
from crossdock.magento.connector import MagentoConnector, build
from crossdock.magento.doctor import queues, rights, setup
from crossdock.magento.doctor.setup import Limits, Row
from crossdock.sandbox.faults import Bugs, Faults
from crossdock.sandbox.house import House
from crossdock.sandbox.run import StoreServer
from crossdock.sandbox.store import Store

NOW = datetime(2026, 11, 26, 12, 0, tzinfo=UTC)
STATES: Mapping[str, Mapping[str, Any]] = {
    "inventory": {"warehouses": {"MI": "wh_milan"}},
    "prices": {"currency": "EUR", "tax": "excluded", "scopes": {"retail": {"store": 0, "website": 0}}},
}
INTO = (
    "inventory",
    "prices",
    "products",
    "shipments",
    "tracks",
    "invoices",
    "credit_memos",
    "order_updates",
    "customers",
)
HOOKS = {
    "enabled": True,
    "format": "async-events",
    "secrets": ["env:STORE_TOKEN"],
    "public_url": "https://crossdock.example",
    "events": ["sales.order.created"],
}


def duties(*into: str, out: tuple[str, ...] = ("orders", "customers"), **changed: Any) -> Duties:
    states = {name: {**table, **changed} for name, table in STATES.items()}
    return Duties(
        out=(Route(source="store", target="erp", flows=frozenset(out)),) if out else (),
        into=(Route(source="erp", target="store", flows=frozenset(into), states=states),) if into else (),
    )


ALL = duties(*INTO)


@pytest.fixture
def shop() -> Iterator[StoreServer]:
    server = StoreServer(seed=3)
    server.start()
    try:
        yield server
    finally:
        server.stop()


class Looking:
    """The connector to the sandbox store, and what its checks say."""

    def __init__(self, shop: StoreServer) -> None:
        self.shop = shop

    def store(self, **more: Any) -> MagentoConnector:
        auth = more.pop("auth", {"scheme": "bearer", "token": "env:STORE_TOKEN"})
        return build("store", {"kind": "magento", "base_url": self.shop.url, "auth": auth, **more})

    def house(self, **set_up: Any) -> None:
        self.shop.set_faults(Faults(house=House(**set_up)))

    def found(self, check: str, duties: Duties = ALL, **more: Any) -> list[Finding]:
        examinations = chosen(self.store(**more).examinations(duties), [check])
        assert examinations, f"{check} is not looked at"
        return list(run(examinations, NOW).findings)

    def level(self, check: str, duties: Duties = ALL, **more: Any) -> Level:
        (found,) = self.found(check, duties, **more)
        return found.level


@pytest.fixture
def look(shop: StoreServer, monkeypatch: pytest.MonkeyPatch) -> Looking:
    monkeypatch.setenv("STORE_TOKEN", "sandbox")
    return Looking(shop)


# --- rights ---------------------------------------------------------------------------------------------------------


def test_magento_rights_fails_by_the_name_of_each_missing_one(look: Looking) -> None:
    look.house(denied=["Magento_Sales::ship", "Magento_InventoryApi::stock_source_item_assign"])
    first, second = look.found("magento-rights")
    assert first.what == (
        "Magento_InventoryApi::stock_source_item_assign is missing, for inventory (POST /V1/inventory/source-items)"
    )
    assert second.what == "Magento_Sales::ship is missing, for shipments (POST /V1/order/0/ship)"
    assert (
        second.mend == "System > Integrations > ours > API: tick Sales > Operations > Orders > Actions > Ship, and save"
    )


@pytest.mark.parametrize(
    ("right", "flows"),
    [
        ("Magento_Sales::actions_view", "orders"),
        ("Magento_Sales::create", "acknowledgements"),
        ("Magento_Sales::comment", "acknowledgements"),
        ("Magento_Sales::sales_creditmemo", "orders"),
        ("Magento_Sales::invoice", "invoices"),
        ("Magento_Sales::creditmemo", "credit_memos"),
        ("Magento_Sales::shipment", "shipments"),
        ("Magento_Sales::hold", "order_updates"),
        ("Magento_Catalog::products", "inventory, prices, products"),
        ("Magento_Catalog::catalog", "prices"),
        ("Magento_Catalog::sets", "products"),
        ("Magento_Customer::manage", "customers"),
        ("Magento_Logging::system_magento_logging_bulk_operations", "products"),
    ],
)
def test_magento_rights_fails_for_each_right_that_a_flow_needs(look: Looking, right: str, flows: str) -> None:
    look.house(denied=[right])
    (found,) = look.found("magento-rights")
    assert found.level is Level.ERROR
    assert found.what.startswith(f"{right} is missing, for {flows}")


def test_magento_rights_fails_as_a_whole_where_the_store_does_not_know_us(
    look: Looking, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STORE_TOKEN", "someone else's")
    (found,) = look.found("magento-rights")
    assert found.level is Level.ERROR
    assert "does not know our login" in found.what


def test_magento_rights_fails_where_a_module_is_not_there(look: Looking) -> None:
    call = rights.Call(method="GET", path="V1/nothing/here", for_what="inventory")
    (found,) = rights.rights(rights.tried(look.store().client, [call]), admin=False)
    assert "the store has no GET /V1/nothing/here" in found.what


def test_magento_rights_is_satisfied_and_changes_nothing(look: Looking) -> None:
    look.shop.place(3)

    def all_of_it(store: Store) -> str:
        kept = [store.orders, store.invoices, store.shipments, store.memos, store.comments, store.source_items]
        return repr([*kept, store.catalog.rows, store.prices.kept, store.customers, store.jobs.all_operations()])

    before = look.shop.do(all_of_it)
    assert look.level("magento-rights") is Level.OK
    assert look.level("magento-limits") is Level.OK
    assert look.shop.do(all_of_it) == before
    asked = look.shop.do(lambda store: [one for one in store.requests if not one.startswith("GET")])
    assert len(asked) > 10, "rights to write are tried"


def test_only_what_the_routes_need_is_asked_for(look: Looking) -> None:
    settings = look.store().settings
    calls = {one.name() for one in rights.needed(duties(out=("orders",)), settings)}
    assert calls == {"GET /V1/orders", "GET /V1/creditmemos", "POST /V1/orders", "POST /V1/orders/0/comments"}
    assert rights.needed(Duties(), settings) == []


# --- setup ----------------------------------------------------------------------------------------------------------


def test_magento_login_fails_for_logins_that_do_not_last(look: Looking) -> None:
    assert look.level("magento-login") is Level.WARNING
    admin = {"scheme": "admin", "username": "env:STORE_TOKEN", "password": "env:STORE_TOKEN"}
    assert look.level("magento-login", auth=admin) is Level.WARNING


def test_magento_login_is_satisfied_with_signed_calls(look: Looking) -> None:
    keys = dict.fromkeys(("consumer_key", "consumer_secret", "token", "token_secret"), "env:STORE_TOKEN")
    assert look.level("magento-login", auth={"scheme": "oauth1", **keys}) is Level.OK


def test_magento_subscriptions_fails_where_one_is_missing_or_off(look: Looking) -> None:
    (found,) = look.found("magento-subscriptions", webhooks=HOOKS)
    assert (found.level, found.mend) == (Level.ERROR, "crossdock store subscribe")
    assert "sales.order.created" in found.what


def test_magento_subscriptions_is_satisfied(look: Looking) -> None:
    address = "https://crossdock.example/webhooks/store/sales.order.created"
    look.shop.subscribe({"event_name": "sales.order.created", "recipient_url": address, "verification_token": "x"})
    assert look.level("magento-subscriptions", webhooks=HOOKS) is Level.OK


@pytest.mark.parametrize(("seconds", "level"), [(-400, Level.ERROR), (400, Level.ERROR), (60, Level.WARNING)])
def test_magento_clock_fails_where_the_two_are_apart(look: Looking, seconds: float, level: Level) -> None:
    look.shop.do(lambda store: store.clock.shift(seconds))
    assert look.level("magento-clock") is level


def test_magento_clock_fails_without_a_date() -> None:
    (found,) = setup.clock(None, NOW, NOW)
    assert found.level is Level.UNSEEN


def test_magento_clock_is_satisfied(look: Looking) -> None:
    assert look.level("magento-clock") is Level.OK


def test_magento_limits_fails_where_our_calls_are_too_large(look: Looking) -> None:
    look.house(page_limit=300, rows_limit=20)
    (found,) = look.found("magento-limits")
    assert found.level is Level.ERROR
    assert "lists of at most 20, and we have inventory.batch_size = 500, prices.batch_size = 500" in found.what


def test_magento_limits_fails_by_inference_without_the_right_to_ship(look: Looking) -> None:
    look.house(page_limit=300, rows_limit=20, denied=["Magento_Sales::ship"])
    (found,) = look.found("magento-limits", duties("inventory"))
    assert found.level is Level.WARNING
    assert "unless that was changed" in found.what


def test_magento_limits_is_satisfied_with_small_calls(look: Looking) -> None:
    look.house(page_limit=300, rows_limit=100)
    small: dict[str, Any] = {"inventory": {"batch_size": 100}, "prices": {"batch_size": 20}}
    assert look.level("magento-limits", ALL, **small) is Level.OK
    look.house(page_limit=300)
    assert look.level("magento-limits") is Level.OK
    assert setup.limits(Limits(), {"inventory.batch_size": 500})[0].level is Level.OK


def test_magento_modules_fails_where_one_is_absent(look: Looking) -> None:
    look.house(absent_modules=["Magento_InventoryApi", "MageOS_AsyncEvents"])
    found = look.found("magento-modules", webhooks=HOOKS)
    assert {one.mend for one in found} == {
        "bin/magento module:enable Magento_InventoryApi",
        "bin/magento module:enable MageOS_AsyncEvents",
    }


def test_magento_modules_is_satisfied_or_not_asked_of_an_integration_with_few_rights(look: Looking) -> None:
    assert look.level("magento-modules", webhooks=HOOKS) is Level.OK
    look.house(denied=["Magento_Backend::admin"])
    (found,) = look.found("magento-modules")
    assert found.by_hand


def test_magento_sources_fails_where_a_source_is_not_sold(look: Looking) -> None:
    told = [one.what for one in look.found("magento-sources", duties("inventory", warehouses={"X": "wh_closed"}))]
    assert "source wh_closed is disabled: what lies there is not sold" in told
    assert look.level("magento-sources", duties("inventory", warehouses={"X": "nope"})) is Level.ERROR


def test_magento_sources_is_satisfied(look: Looking) -> None:
    both = {"MI": "wh_milan", "RM": "wh_rome"}
    assert look.level("magento-sources", duties("inventory", warehouses=both)) is Level.OK


def test_magento_products_fails_where_no_level_reaches_them(look: Looking) -> None:
    (found,) = look.found("magento-products")
    assert found.level is Level.ERROR
    assert "50 of the 50 newest products" in found.what


def test_magento_products_is_satisfied(look: Looking) -> None:
    def stock(store: Store) -> None:
        for row in store.catalog.rows.values():
            level = {"sku": row["sku"], "source_code": "wh_milan", "quantity": 1, "status": 1}
            store.source_items[row["sku"], "wh_milan"] = level

    look.shop.do(stock)
    assert look.level("magento-products") is Level.OK


def test_magento_product_types_fails_for_kinds_that_nobody_tried(look: Looking) -> None:
    look.house(types={"giftcard": 3, "subscription": 2})
    gifts, subscriptions = look.found("magento-product-types")
    assert gifts.what == "3 products of the kind giftcard"
    assert subscriptions.what == "2 products of the kind subscription, which is no kind of Magento's own"
    assert gifts.level is Level.WARNING


def test_magento_product_types_is_satisfied(look: Looking) -> None:
    (found,) = look.found("magento-product-types")
    assert (found.level, found.what) == (Level.OK, "120 simple")


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"currency": "USD"}, "prices come in USD, store 0 has EUR"),
        ({"scopes": {"retail": {"store": 7}}}, "the store has no store 7"),
        ({"scopes": {"retail": {"website": 3}}}, "the store has no website 3"),
        ({"scopes": {}}, "names no scope"),
    ],
)
def test_magento_currencies_fails_where_a_scope_does_not_fit(look: Looking, changed: dict[str, Any], told: str) -> None:
    found = look.found("magento-currencies", duties("prices", **changed))
    assert found[0].level is Level.ERROR
    assert told in found[0].what


def test_magento_currencies_fails_in_a_store_of_another_currency(look: Looking) -> None:
    look.house(base_currency="CHF")
    assert "has CHF" in look.found("magento-currencies")[0].what


def test_magento_currencies_is_satisfied(look: Looking) -> None:
    assert look.level("magento-currencies") is Level.OK


def test_magento_tax_fails_where_the_orders_show_the_contrary(look: Looking) -> None:
    look.shop.place(3, ["simple"])
    (found,) = look.found("magento-tax", duties("prices", tax="included"))
    assert found.level is Level.ERROR
    assert "show catalog prices with tax excluded, and a route says included" in found.what


def test_magento_tax_is_satisfied_or_looked_at_by_hand(look: Looking) -> None:
    assert look.found("magento-tax")[0].by_hand, "there is no order yet"
    look.shop.place(3, ["simple"])
    assert look.level("magento-tax") is Level.OK
    assert look.found("magento-tax", duties("prices", tax=""))[0].by_hand


def test_prices_that_contradict_each_other_tell_nothing() -> None:
    net = Row(original=Decimal(10), net=Decimal(10), gross=Decimal("12.2"))
    gross = Row(original=Decimal("12.2"), net=Decimal(10), gross=Decimal("12.2"))
    special = Row(original=Decimal(11), net=Decimal(10), gross=Decimal("12.2"))
    free = Row(original=Decimal(10), net=Decimal(10), gross=Decimal(10))
    assert setup.seen_in([net, special, free]) == "excluded"
    assert setup.seen_in([gross]) == "included"
    assert setup.seen_in([net, gross]) == setup.seen_in([free, special]) == ""


# --- queues ---------------------------------------------------------------------------------------------------------


def sent(look: Looking, count: int = 2) -> None:
    bodies = [{"product": {"sku": f"BULK-{n}", "name": "x", "attribute_set_id": 4, "price": 1}} for n in range(count)]
    look.store().client.bulk("V1/products", bodies)


def until_open(look: Looking, count: int) -> None:
    """The server's own thread has carried out what it will."""
    for _ in range(400):
        if look.shop.do(lambda store: sum(one["status"] == 4 for one in store.jobs.all_operations())) == count:
            return
    pytest.fail("the operations did not end")


def test_magento_consumers_fails_where_operations_wait_and_none_is_carried_out(look: Looking) -> None:
    look.shop.set_faults(Faults(bugs=Bugs(bulk_never_starts=True)))
    sent(look)
    assert look.level("magento-consumers") is Level.OK, "they have only just come"
    look.shop.do(lambda store: store.clock.shift(20 * 60))
    (found,) = look.found("magento-consumers")
    assert found.level is Level.ERROR
    assert "2 operations waiting" in found.what
    assert "queue:consumers:start async.operations.all" in found.mend


def test_magento_consumers_fails_less_where_only_some_were_lost() -> None:
    begun = NOW - timedelta(hours=3)
    told = queues.Queue(now=NOW, open=1, oldest_open=begun, last_done=begun + timedelta(hours=1))
    (found,) = queues.consumers(told, NOW)
    assert found.level is Level.WARNING
    assert "magento2#28288" in found.mend


def test_magento_consumers_is_satisfied_when_they_carry_out_or_says_that_nothing_shows_it(look: Looking) -> None:
    assert look.found("magento-consumers")[0].by_hand, "nothing was ever sent"
    look.shop.set_faults(Faults(bulk_s=0.0))
    sent(look)
    until_open(look, 0)
    look.shop.do(lambda store: store.clock.shift(20 * 60))
    assert look.level("magento-consumers") is Level.OK


def test_magento_cron_fails_where_unpaid_orders_are_never_ended(look: Looking) -> None:
    look.house(unpaid_for_h=72)
    look.shop.place(2)
    (found,) = look.found("magento-cron")
    assert found.level is Level.WARNING
    assert found.what.startswith("2 orders waiting for payment")


def test_magento_cron_is_satisfied_with_nothing_that_speaks_against_it(look: Looking) -> None:
    look.house(unpaid_for_h=2)
    look.shop.place(2)
    (found,) = look.found("magento-cron")
    assert found.by_hand
    assert "cron_schedule" in found.mend


def test_magento_index_fails_where_what_is_there_cannot_be_bought(look: Looking) -> None:
    look.house(index_late=True)
    assert look.level("magento-index") is Level.WARNING
    look.house(index_stays=True)
    (found,) = look.found("magento-index")
    assert found.level is Level.ERROR
    assert "its stock index is old" in found.what


def test_magento_index_is_looked_at_by_hand_without_the_right_to_see_it(look: Looking) -> None:
    look.house(denied=["Magento_InventorySalesApi::stock"])
    assert look.found("magento-index")[0].by_hand
    assert look.level("magento-rights") is Level.OK, "no route needs it"
    (found,) = look.found("magento-rights", duties("inventory", meaning="available"))
    assert found.what.startswith("Magento_InventorySalesApi::stock is missing, for inventory")
    look.house()
    assert look.level("magento-rights", duties("inventory", meaning="available")) is Level.OK


def test_magento_index_is_satisfied(look: Looking) -> None:
    look.shop.place(3, ["simple"])
    assert look.level("magento-index") is Level.OK
    assert queues.index([])[0].by_hand


def test_a_store_that_cannot_be_read_is_not_asked(look: Looking) -> None:
    hooks = {"enabled": True, "format": "magento", "payload": "trusted", "secrets": ["env:STORE_TOKEN"]}
    assert look.store(webhooks=hooks, polling={"enabled": False}).examinations(ALL) == []


def test_the_newest_orders_are_shown_as_a_look_reads_them(look: Looking) -> None:
    numbers = look.shop.place(5)
    store = look.store()
    found = store.newest(2)
    assert [one.subject for one in found] == [str(number) for number in sorted(numbers)[:-3:-1]]
    assert store.orders.parse(found[0]).order.number
    assert msgspec.json.decode(found[0].payload)["credit_memos"] == []
