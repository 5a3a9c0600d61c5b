"""The newest products that are sold in pieces: which sources they are in, and whether their stock is counted."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from crossdock.magento.client import MagentoClient, segment
from crossdock.magento.inventory import asked_together
from crossdock.magento.mapping.wire import branch, decode, flag, rows, text
from crossdock.magento.search import criteria, where
from crossdock.magento.topology import Shelved

PIECES = "simple,virtual,downloadable"
ENABLED = "1"
STOCK_ITEM = "sku,extension_attributes[stock_item[use_config_manage_stock,manage_stock]]"
SOURCES_EACH = 50  # source items asked for are this many a product at most


def newest(client: MagentoClient, most: int) -> list[Shelved]:
    """Enabled ones, at most `most`; one question for each of them. Raises DeliveryError."""
    groups = ((where("type_id", "in", PIECES),), (where("status", "eq", ENABLED),))
    query = criteria(groups, sort=("-entity_id",), size=most, fields="items[sku]")
    skus = [text(one, "sku") for one in rows(decode(client.fetch("GET", "V1/products", query).body), "items")]
    sources = dict(_assigned(client, skus))
    nowhere: frozenset[str] = frozenset()
    return [
        Shelved(sku=sku, sources=sources.get(sku.casefold(), nowhere), counted=_counted(client, sku)) for sku in skus
    ]


def _assigned(client: MagentoClient, skus: Sequence[str]) -> Iterator[tuple[str, frozenset[str]]]:
    found: dict[str, set[str]] = {}
    for asked in asked_together(sorted(skus)):
        wanted = where("sku", "in", ",".join(asked)) if len(asked) > 1 else where("sku", "eq", asked[0])
        query = criteria(((wanted,),), sort=("source_code",), size=len(asked) * SOURCES_EACH)
        for one in rows(decode(client.fetch("GET", "V1/inventory/source-items", query).body), "items"):
            found.setdefault(text(one, "sku").casefold(), set()).add(text(one, "source_code"))
    return ((sku, frozenset(places)) for sku, places in found.items())


def _counted(client: MagentoClient, sku: str) -> bool:
    answer = client.find(f"V1/products/{segment(sku)}", (("fields", STOCK_ITEM),))
    stock = {} if answer is None else branch(decode(answer.body), "extension_attributes", "stock_item")
    return not stock or flag(stock, "use_config_manage_stock") or flag(stock, "manage_stock")
