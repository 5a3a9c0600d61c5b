"""What doctor says of sources and stocks."""

from __future__ import annotations

from crossdock.magento.reservations import Topology
from crossdock.magento.topology import Shelved, lint, lint_products

GOOD = Topology(
    sources=frozenset({"default", "wh_closed", "wh_lost", "wh_milan", "wh_rome"}),
    enabled=frozenset({"default", "wh_lost", "wh_milan", "wh_rome"}),
    stocks={1: ("default",), 2: ("wh_milan", "wh_rome")},
)


def test_a_store_whose_sources_are_told_of_has_no_findings() -> None:
    assert lint(GOOD, {"wh_milan", "wh_rome"}) == []


def test_each_fault_is_named() -> None:
    assert lint(GOOD, {"nope", "wh_closed", "wh_lost"}) == [
        "the store has no source nope",
        "source wh_closed is disabled: what lies there is not sold",
        "source wh_lost is in no stock: what lies there is not sold",
    ]


def test_a_source_in_several_stocks_is_sold_twice() -> None:
    twice = Topology(sources=GOOD.sources, enabled=GOOD.enabled, stocks={1: ("default", "wh_milan"), 2: ("wh_milan",)})
    assert lint(twice, {"wh_milan", "default"}) == [
        "source wh_milan is in stocks 1, 2: each of them sells the same pieces"
    ]


def test_a_source_of_which_nobody_tells_is_named() -> None:
    assert lint(GOOD, {"wh_milan"}) == ["stock 2 also sells from wh_rome, of which no warehouse tells"]


def test_products_that_no_level_reaches_are_named() -> None:
    products = [
        Shelved(sku="GOOD", sources=frozenset({"wh_milan"})),
        Shelved(sku="LOST", sources=frozenset({"default"})),
        Shelved(sku="FREE", sources=frozenset({"wh_milan"}), counted=False),
    ]
    assert lint_products(products, {"wh_milan"}) == [
        "stock management is off, whatever level is told: FREE (1 of the 3 newest products)",
        "in none of the sources that are told of: LOST (1 of the 3 newest products)",
    ]
    assert lint_products(products[:1], {"wh_milan"}) == []


def test_of_many_products_some_are_named() -> None:
    products = [Shelved(sku=f"S{number:02}") for number in range(12)]
    (told,) = lint_products(products, {"wh_milan"})
    assert told.endswith("S09 and 2 more (12 of the 12 newest products)")
