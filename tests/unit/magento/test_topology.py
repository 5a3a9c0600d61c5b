"""What doctor says of sources and stocks."""

from __future__ import annotations

from crossdock.magento.reservations import Topology
from crossdock.magento.topology import lint

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
