"""What `crossdock doctor` says of products that no stock level reaches, over HTTP."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from crossdock.magento.connector import MagentoConnector, build
from crossdock.magento.shelved import newest
from crossdock.sandbox.run import StoreServer


@pytest.fixture
def shop() -> Iterator[StoreServer]:
    shop = StoreServer(seed=3)
    shop.start()
    yield shop
    shop.stop()


@pytest.fixture
def store(shop: StoreServer, monkeypatch: pytest.MonkeyPatch) -> MagentoConnector:
    monkeypatch.setenv("STORE_TOKEN", "sandbox")
    return build(
        "store", {"kind": "magento", "base_url": shop.url, "auth": {"scheme": "bearer", "token": "env:STORE_TOKEN"}}
    )


def put(store: MagentoConnector, sku: str, **stock_item: object) -> None:
    body = {"product": {"sku": sku, "extension_attributes": {"stock_item": stock_item}}}
    store.client.fetch("PUT", f"V1/products/{sku}", body=body)


def test_the_newest_products_tell_their_sources_and_whether_they_are_counted(
    shop: StoreServer, store: MagentoConnector
) -> None:
    skus = [one.sku for one in newest(store.client, 3)]
    assert len(skus) == 3
    level = {"sku": skus[0], "source_code": "wh_milan", "quantity": 4, "status": 1}
    shop.do(lambda store: store.source_items.update({(skus[0], "wh_milan"): level}))
    put(store, skus[1], use_config_manage_stock=False, manage_stock=False)
    put(store, skus[2], use_config_manage_stock=True, manage_stock=False)
    found = {one.sku: one for one in newest(store.client, 3)}
    assert "wh_milan" in found[skus[0]].sources
    assert [found[sku].counted for sku in skus] == [True, False, True]
