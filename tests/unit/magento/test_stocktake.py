"""Every source item of a source once, whatever is added meanwhile, asked of the sandbox store over real HTTP."""

from __future__ import annotations

import random
from collections.abc import Iterator

import pytest

from crossdock.errors import DeliveryError
from crossdock.magento.client import MagentoClient
from crossdock.magento.stocktake import Piece, Stocktake
from crossdock.sandbox.faults import Bugs, Faults
from crossdock.sandbox.run import StoreServer
from crossdock.sandbox.store import Store
from crossdock.transport.auth import Bearer
from crossdock.transport.http import Http, HttpOptions

SKUS = ["A-1", "a-2", "B 1", "b,2", "C&3", "ö-1", "Z_9", "0", "10", "9"]


def stocked(store: Store, skus: list[str], place: str = "wh_milan") -> None:
    for number, sku in enumerate(random.Random(2).sample(skus, len(skus))):
        row = {"sku": sku, "source_code": place, "quantity": number + 0.25, "status": 1}
        store.source_items[sku, place] = row


@pytest.fixture
def shop() -> Iterator[tuple[StoreServer, MagentoClient]]:
    server = StoreServer(seed=1)
    server.start()
    http = Http(HttpOptions())
    server.do(lambda store: store.source_items.clear())
    server.do(lambda store: stocked(store, SKUS))
    server.do(lambda store: stocked(store, ["A-1", "OTHER"], "wh_rome"))
    try:
        yield server, MagentoClient(http, Bearer("sandbox"), base_url=server.url)
    finally:
        http.close()
        server.stop()


@pytest.mark.parametrize("page", [1, 3, 10, 300])
def test_every_piece_of_a_source_comes_once_whatever_the_page(
    shop: tuple[StoreServer, MagentoClient], page: int
) -> None:
    found = list(Stocktake(shop[1], page).of_source("wh_milan"))
    assert sorted(one.sku for one in found) == sorted(SKUS)
    assert {one.source_code for one in found} == {"wh_milan"}
    kept = shop[0].do(
        lambda store: {sku: row["quantity"] for (sku, code), row in store.source_items.items() if code == "wh_milan"}
    )
    assert {one.sku: float(one.quantity) for one in found} == kept


def test_what_is_added_while_it_is_listed_shifts_nothing(shop: tuple[StoreServer, MagentoClient]) -> None:
    server, client = shop
    seen: list[Piece] = []
    for place, piece in enumerate(Stocktake(client, 2).of_source("wh_milan")):
        seen.append(piece)
        if place == 3:
            server.do(lambda store: stocked(store, ["0-NEW"]))  # sorts before what was read
    assert {one.sku for one in seen} >= set(SKUS)
    assert len(seen) == len({one.sku for one in seen})


def test_pages_that_repeat_or_lie_about_their_total_end_all_the_same(shop: tuple[StoreServer, MagentoClient]) -> None:
    server, client = shop
    bugs = Bugs(last_page_repeats=True, total_off_by=1000)
    server.do(lambda store: setattr(store.lottery, "faults", Faults(bugs=bugs)))
    assert len(list(Stocktake(client, 3).of_source("wh_milan"))) == len(SKUS)


def test_only_what_is_asked_for_is_told(shop: tuple[StoreServer, MagentoClient]) -> None:
    found = Stocktake(shop[1]).of_skus("wh_milan", ["A-1", "b,2", "NOBODY"])
    assert sorted(one.sku for one in found) == ["A-1", "b,2"]
    assert list(Stocktake(shop[1]).of_source("nowhere")) == []


def test_a_store_that_cannot_tell_is_an_error(shop: tuple[StoreServer, MagentoClient]) -> None:
    shop[0].do(lambda store: setattr(store.lottery, "faults", Faults(down=1.0)))
    with pytest.raises(DeliveryError):
        list(Stocktake(shop[1]).of_source("wh_milan"))
