"""The prices that a store has where an ERP has one: for comparing the two."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import msgspec

from crossdock.errors import Temporary
from crossdock.magento.client import MagentoClient
from crossdock.magento.inventory import Catalog
from crossdock.magento.mapping.prices import PATHS, Told, standing
from crossdock.model.price import Price

TOLD = msgspec.json.Decoder(list[Told])


class Pricelist:
    """Reads only, so many SKUs in a question. Raises DeliveryError."""

    def __init__(self, client: MagentoClient, catalog: Catalog, at_once: int) -> None:
        self._client = client
        self._catalog = catalog
        self._at_once = at_once

    def standing(self, prices: Sequence[Price]) -> list[Price | None]:
        """Of each what the store has in its place; None where the store has no product of its SKU."""
        ghosts = self._catalog.unknown_skus({price.sku for price in prices})
        known = [price for price in prices if price.sku.casefold() not in ghosts]
        found: dict[str, dict[str, list[Told]]] = {}
        for kind in sorted({price.kind for price in known}):
            found[kind] = self._of_kind(
                kind, sorted({self._catalog.spelt(one.sku) for one in known if one.kind == kind})
            )
        return [
            None if price.sku.casefold() in ghosts else standing(found[price.kind].get(price.sku.casefold(), ()), price)
            for price in prices
        ]

    def _of_kind(self, kind: str, skus: Sequence[str]) -> dict[str, list[Told]]:
        by_sku: dict[str, list[Told]] = {}
        for asked in _parts(skus, self._at_once):
            answer = self._client.ask(f"{PATHS[kind]}-information", {"skus": asked})
            try:
                for one in TOLD.decode(answer.body):
                    by_sku.setdefault(one.sku.casefold(), []).append(one)
            except msgspec.DecodeError as error:
                raise Temporary("the store does not tell the prices that it has") from error
        return by_sku


def _parts(skus: Sequence[str], size: int) -> Iterator[Sequence[str]]:
    for start in range(0, len(skus), size):
        yield skus[start : start + size]
