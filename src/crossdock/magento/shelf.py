"""Products as the store has them now, many in a question."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from crossdock.errors import MappingError, Temporary
from crossdock.magento.client import MagentoClient, segment
from crossdock.magento.inventory import asked_together
from crossdock.magento.mapping.products import DECODER, Standing, parse_product
from crossdock.magento.search import criteria, where

PRODUCTS = "V1/products"


class Shelf:
    """Reads only; remembers nothing. Raises DeliveryError."""

    def __init__(self, client: MagentoClient) -> None:
        self._client = client

    def all_of(self, skus: Iterable[str]) -> dict[str, Standing]:
        """By SKU in small letters, those that there are. Says nothing of variants nor of positions in categories."""
        wanted = {sku.casefold(): sku for sku in skus}
        found: dict[str, Standing] = {}
        for asked in asked_together(sorted(wanted.values())):
            condition = where("sku", "eq", asked[0]) if len(asked) == 1 else where("sku", "in", ",".join(asked))
            query = criteria(((condition,),), sort=("entity_id",), size=len(asked))
            body = DECODER.decode(self._client.fetch("GET", PRODUCTS, query).body)
            rows = body.get("items") if isinstance(body, dict) else None
            read = [_read(row) for row in rows or ()]
            found |= {one.sku.casefold(): one for one in read}
        return found

    def one(self, sku: str) -> Standing | None:
        """Whole: its variants and its positions too."""
        answer = self._client.find(f"{PRODUCTS}/{segment(sku)}")
        return None if answer is None else _read(DECODER.decode(answer.body))


def _read(row: Any) -> Standing:
    try:
        return parse_product(row)
    except MappingError as error:
        raise Temporary("the store tells a product in an unknown form") from error
