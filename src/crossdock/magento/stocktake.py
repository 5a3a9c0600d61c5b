"""What lies in a source, SKU after SKU: by keyset, for comparing it with what an ERP has."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import Decimal

import msgspec

from crossdock.errors import DeliveryError, Temporary
from crossdock.magento.answers import page_size_limit
from crossdock.magento.client import MagentoClient
from crossdock.magento.inventory import PATH, asked_together
from crossdock.magento.search import criteria, where

PAGE = 300  # what Adobe Commerce lets a page have at most (web API input limits)
FIELDS = "items[sku,source_code,quantity,status]"


class Piece(msgspec.Struct, frozen=True):
    """One source item."""

    sku: str
    source_code: str
    quantity: Decimal = Decimal(0)
    status: int = 0


class _Page(msgspec.Struct):
    items: list[Piece] | None = None


LISTED = msgspec.json.Decoder(_Page)


class Stocktake:
    """Reads only. Raises DeliveryError.

    No page is numbered: each begins behind the SKU that the last one ended with, as the store's own collation sorts
    them, so what is added or taken away meanwhile shifts nothing.
    """

    def __init__(self, client: MagentoClient, page: int = PAGE) -> None:
        self._client = client
        self._page = page

    def of_source(self, place: str) -> Iterator[Piece]:
        """Every source item of it."""
        last = ""
        while True:
            page = self._read(place, last)
            fresh = [piece for piece in page if piece.source_code == place and piece.sku != last]
            yield from fresh
            if len(page) < self._page or not fresh:
                return
            last = fresh[-1].sku

    def of_skus(self, place: str, skus: Sequence[str]) -> Iterator[Piece]:
        """Those of these SKUs that lie there."""
        for asked in asked_together(sorted(skus)):
            condition = where("sku", "eq", asked[0]) if len(asked) == 1 else where("sku", "in", ",".join(asked))
            groups = ((where("source_code", "eq", place),), (condition,))
            query = criteria(groups, sort=("sku",), size=len(asked), fields=FIELDS)
            yield from _pieces(self._client.fetch("GET", PATH, query).body)

    def _read(self, place: str, last: str) -> list[Piece]:
        behind = ((where("sku", "gt", last),),) if last else ()
        groups = ((where("source_code", "eq", place),), *behind)
        try:
            query = criteria(groups, sort=("sku",), size=self._page, fields=FIELDS)
            return _pieces(self._client.fetch("GET", PATH, query).body)
        except DeliveryError as error:
            limit = page_size_limit(error)
            if limit is None or not 1 <= limit < self._page:
                raise
            self._page = limit
            return self._read(place, last)


def _pieces(body: bytes) -> list[Piece]:
    try:
        return LISTED.decode(body).items or []
    except msgspec.DecodeError as error:
        raise Temporary("source items in an unknown form") from error
