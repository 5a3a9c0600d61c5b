"""Prices into a store: /products/base-prices, special-price, tier-prices and cost.

A real 2.4.7 tells failed rows inside a 200 and keeps the others, answers 404 for a whole call of tier prices with one
unknown SKU, and a lock time-out with 400 (recorded): so SKUs and scopes are looked up first, an error is matched to its
row, and where that cannot be done the call is halved until it can. All writes are absolute: again does no harm.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import msgspec

from crossdock.contract.batches import Outcome, bisected
from crossdock.contract.message import Receipt
from crossdock.errors import DeliveryError, OutcomeUnknown, Rejected, Temporary
from crossdock.magento.answers import RowsRejected, clean, describe
from crossdock.magento.client import MagentoClient
from crossdock.magento.inventory import Catalog
from crossdock.magento.mapping.prices import (
    PATHS,
    Row,
    Told,
    blamed,
    holds,
    is_step_of,
    keeps_a_day,
    named,
    refusal,
    removal_of,
    rows_of,
    tier_of,
)
from crossdock.magento.stores import Stores
from crossdock.model.price import Price

TOLD = msgspec.json.Decoder(list[Told])
Sending = Callable[[Sequence[Price]], list[Outcome]]


class PriceSink:
    """The sink of the flow `prices`: a lane brings one kind of price, so one call for all of them."""

    def __init__(self, client: MagentoClient, catalog: Catalog, stores: Stores) -> None:
        self._client = client
        self._catalog = catalog
        self._stores = stores

    def put(self, record: Price, key: str) -> Receipt:
        """One alone. Raises DeliveryError."""
        outcome = self.put_many([(record, key)])[0]
        if isinstance(outcome, Receipt):
            return outcome
        raise outcome

    def find(self, record: Price, key: str) -> Receipt | None:  # noqa: ARG002  the price itself is what is found
        """A receipt where the store holds exactly this price. Raises DeliveryError."""
        if self._catalog.unknown_skus([record.sku]):
            return None
        found = self._information(record.kind, [record])
        return _receipt(record, found=True) if holds(found, record) else None

    def put_many(self, rows: Sequence[tuple[Price, str]]) -> list[Outcome]:
        """One outcome a row. Raises DeliveryError where nothing could be asked."""
        prices = [price for price, _ in rows]
        outcomes: dict[int, Outcome] = self._refused(prices)
        groups: dict[tuple[str, bool], list[int]] = {}
        for place, price in enumerate(prices):
            if place not in outcomes:
                groups.setdefault((price.kind, _removes(price)), []).append(place)
        for (kind, removing), places in groups.items():
            send = self._removing(kind) if removing else self._writing(kind)
            sent = bisected([prices[place] for place in places], send)
            outcomes |= dict(zip(places, sent, strict=True))
        return [outcomes[place] for place in range(len(prices))]

    def preview(self, record: Price) -> dict[str, Any]:
        """The body that it would send."""
        method = "PUT" if record.kind == "ladder" else "POST"
        if _removes(record):
            return {f"POST {PATHS[record.kind]}-delete": {"prices": [removal_of(record, record.sku)]}}
        return {f"{method} {PATHS[record.kind]}": {"prices": rows_of(record, record.sku)}}

    def _refused(self, prices: Sequence[Price]) -> dict[int, Outcome]:
        found = self._misplaced(prices)
        if found:  # before a dead letter is made of it: the store may have changed since it was asked
            found = self._misplaced(prices, again=True)
        ghosts = self._catalog.unknown_skus(price.sku for price in prices)
        for place, price in enumerate(prices):
            if price.sku.casefold() in ghosts:
                found.setdefault(place, Rejected("the store has no product of this SKU"))
        return found

    def _misplaced(self, prices: Sequence[Price], *, again: bool = False) -> dict[int, Outcome]:
        views = self._stores.views(again=again)
        scoped = any(price.scope or any(step.scope for step in price.steps) for price in prices)
        is_global = scoped and self._stores.has_one_price(again=again)
        told = ((place, refusal(price, views, is_global=is_global)) for place, price in enumerate(prices))
        return {place: Rejected(why) for place, why in told if why}

    def _writing(self, kind: str) -> Sending:
        def send(prices: Sequence[Price]) -> list[Outcome]:
            if kind == "special":
                self._clear_days(prices)
            rows = [(place, row) for place, one in enumerate(prices) for row in rows_of(one, self._spelt(one))]
            return self._sent("PUT" if kind == "ladder" else "POST", PATHS[kind], prices, rows)

        return send

    def _removing(self, kind: str) -> Sending:
        def send(prices: Sequence[Price]) -> list[Outcome]:
            if kind == "special":
                rows = [(place, removal_of(one, self._spelt(one))) for place, one in enumerate(prices)]
            else:
                rows = self._standing(kind, prices)
            return self._sent("POST", f"{PATHS[kind]}-delete", prices, rows)

        return send

    def _standing(self, kind: str, prices: Sequence[Price]) -> list[tuple[int, Row]]:
        """The tier prices that are to go, as the store has them: it finds them by their amount too."""
        found = self._information(kind, prices)
        return [
            (place, tier_of(one))
            for place, price in enumerate(prices)
            for one in found
            if one.sku.casefold() == price.sku.casefold() and (kind == "ladder" or is_step_of(one, price))
        ]

    def _clear_days(self, prices: Sequence[Price]) -> None:
        """Without a day the store keeps the one that it has: what has one too many is taken away first."""
        open_ended = [one for one in prices if not (one.begins and one.ends)]
        if not open_ended:
            return
        told = self._information("special", open_ended)
        of_sku: dict[str, list[Told]] = {}
        for one in told:
            of_sku.setdefault(one.sku.casefold(), []).append(one)
        wrong = [one for one in open_ended if keeps_a_day(of_sku.get(one.sku.casefold(), ()), one)]
        if wrong:
            body = {"prices": [removal_of(one, self._spelt(one)) for one in wrong]}
            self._client.post(f"{PATHS['special']}-delete", body)

    def _sent(self, method: str, path: str, prices: Sequence[Price], rows: Sequence[tuple[int, Row]]) -> list[Outcome]:
        """`rows` are the prices' own, each with its price's place. Without any there is nothing to do."""
        outcomes: list[Outcome] = [_receipt(price, found=not rows) for price in prices]
        if not rows:
            return outcomes
        try:
            answer = self._client.fetch(method, path, body={"prices": [row for _, row in rows]}).json()
        except RowsRejected as error:
            for place, failed in _blamed(error, rows, len(prices)).items():
                outcomes[place] = failed
            return outcomes
        if answer != []:  # what a success answers
            raise OutcomeUnknown("the store's answer does not say that the prices were kept")
        return outcomes

    def _information(self, kind: str, prices: Sequence[Price]) -> list[Told]:
        skus = sorted({self._spelt(one) for one in prices})
        answer = self._client.ask(f"{PATHS[kind]}-information", {"skus": skus})
        try:
            return TOLD.decode(answer.body)
        except msgspec.DecodeError as error:
            raise Temporary("the store does not tell the prices that it has") from error

    def _spelt(self, price: Price) -> str:
        return self._catalog.spelt(price.sku)


def _blamed(error: RowsRejected, rows: Sequence[tuple[int, Row]], prices: int) -> dict[int, DeliveryError]:
    """By the place of a price why it failed. Raises the error itself where one cannot be matched: to be halved."""
    if prices == 1:
        return {0: Rejected(_told(error.rows), status=error.status)}
    found = blamed(error.rows, [row for _, row in rows])
    if found is None:
        raise error
    texts: dict[int, list[Any]] = {}
    for at, one in zip(found, error.rows, strict=True):
        texts.setdefault(rows[at][0], []).append(one)
    return {place: Rejected(_told(ones), status=error.status) for place, ones in texts.items()}


def _told(errors: Sequence[Any]) -> str:
    return clean("; ".join(dict.fromkeys(describe(named(one)) for one in errors)))


def _removes(price: Price) -> bool:
    return not price.steps if price.kind == "ladder" else price.amount is None


def _receipt(price: Price, *, found: bool) -> Receipt:
    if _removes(price):
        return Receipt(external_id="", found=found, detail=f"no {price.kind} price at {price.scope}")
    if price.kind == "ladder":
        return Receipt(external_id="", found=found, detail=f"{len(price.steps)} tier prices")
    unit = "%" if price.discount else f" {price.currency}"
    return Receipt(external_id="", found=found, detail=f"{price.amount:f}{unit} at {price.scope}".rstrip())
