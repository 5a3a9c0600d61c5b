"""Stock levels reckoned with what their store still reserves and what has left it: the ledger of our own deliveries."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, Protocol

import structlog

from crossdock.contract.connector import Connector
from crossdock.contract.flow import Route
from crossdock.contract.message import Message, Receipt
from crossdock.delivery.ends import Told
from crossdock.delivery.records import Moved, Reserved
from crossdock.flows import INVENTORY, ORDERS
from crossdock.flows.reservations import Gone, Held, deducted, departed, held, home, reckoned
from crossdock.magento.connector import MagentoConnector
from crossdock.model.fulfilment import Shipment
from crossdock.model.inventory import StockLevel
from crossdock.model.sighting import Sighting

OF_LATE = timedelta(days=2)  # longer than a source takes to tell its levels again
log = structlog.get_logger("crossdock.reserved")


class Ledger(Protocol):
    """What is kept aside for orders, and what was shipped of them."""

    def reserved(
        self, source: str, target: str, flow: str, names: Sequence[str]
    ) -> list[tuple[str, str, Decimal, datetime]]:
        """(SKU, order, quantity, since when the target has the order)."""

    def left(
        self, source: str, target: str, flow: str, names: Sequence[str]
    ) -> list[tuple[str, str, Decimal, datetime, datetime | None]]:
        """(SKU, place, quantity, when it left, since when the target has the order)."""

    def unsettled(self, source: str, target: str, after: datetime) -> frozenset[str]:
        """SKUs that something is kept aside of, or that left after then."""


class Reservations:
    """Safe for many threads."""

    def __init__(self, ledger: Ledger, connectors: Mapping[str, Connector]) -> None:
        self._ledger = ledger
        self._connectors = connectors

    def reckoned(self, routes: Sequence[Route], source: str, target: str, told: Sequence[Told]) -> list[StockLevel]:
        """The levels as they are to be written now. Raises DeliveryError where the store must be asked and cannot."""
        levels = self._departed(source, target, told)
        place = next((home(options) for options in _options(routes, target)), "")
        asked = {
            level.sku.casefold(): level.sku for level in levels if level.meaning == "available" and level.place == place
        }
        orders = self.orders(source, target, list(asked))
        there = self._there(target, place, [asked[name] for name in orders])
        return [
            self._one(level, moment, orders[level.sku.casefold()], there)
            if level.place == place and level.sku.casefold() in orders
            else level
            for level, (_, moment) in zip(levels, told, strict=True)
        ]

    def orders(self, source: str, target: str, names: Sequence[str]) -> dict[str, list[Held]]:
        """By SKU in small letters, the orders of a store that an ERP has and that are not shipped yet."""
        found: dict[str, list[Held]] = {}
        rows = self._ledger.reserved(target, source, ORDERS.name, names) if names else []
        for name, order, quantity, since in rows:
            found.setdefault(name, []).append(Held(order=order, quantity=quantity, known_at=since))
        return found

    def unsettled(self, source: str, target: str, now: datetime) -> frozenset[str]:
        """SKUs whose levels are reckoned with an order or a shipment of late: told anew they are written anew."""
        return self._ledger.unsettled(target, source, now - OF_LATE)

    def _departed(self, source: str, target: str, told: Sequence[Told]) -> list[StockLevel]:
        names = sorted({level.sku.casefold() for level, _ in told})
        gone: dict[str, list[Gone]] = {}
        for name, place, quantity, at, since in self._ledger.left(target, source, ORDERS.name, names):
            gone.setdefault(name, []).append(Gone(place=place, quantity=quantity, at=at, known_at=since))
        return [departed(level, gone.get(level.sku.casefold(), ()), level.as_of or moment) for level, moment in told]

    def _there(self, target: str, place: str, skus: Sequence[str]) -> Mapping[str, Decimal]:
        connector = self._connectors[target]
        return connector.reserved.of(place, skus) if isinstance(connector, MagentoConnector) and skus else {}

    @staticmethod
    def _one(level: StockLevel, moment: datetime, orders: Sequence[Held], there: Mapping[str, Decimal]) -> StockLevel:
        taken = deducted(orders, level.as_of or moment)
        reserved = there.get(level.sku.casefold(), taken)
        if reserved < taken:
            # an order that was shipped since it was last looked at, or an index that lags: the smaller one is safe
            log.info("the store reserves less than the ledger", place=level.place, ledger=taken, store=reserved)
        return reckoned(level, taken, reserved)


def of_look(routes: Sequence[Route], record: Any) -> Reserved | None:
    """What an order keeps aside, and the levels that are reckoned with it; None where no level is."""
    told = [
        (route.source, home(options))
        for route in routes
        for options in _options((route,), route.target)
        if options.get("meaning") == "available"
    ]
    if not told or not isinstance(record, Sighting):
        return None
    skus = {line.sku.strip().casefold() for line in record.order.lines}
    stirs = {sku: tuple(_key(source, place, sku) for source, place in told if place) for sku in skus}
    return Reserved(amounts=held(record.order), stirs=stirs)


def of_put(routes: Sequence[Route], message: Message, target: str, record: Any, receipt: Receipt) -> Moved | None:
    """What a shipment took off its source; None where no route tells levels of it."""
    if not isinstance(record, Shipment) or not receipt.moved or not _options(routes, target):
        return None
    return Moved(
        place=record.place,
        at=record.shipped_at or message.occurred_at,
        amounts=receipt.moved,
        stirs=tuple(_key(message.source, record.place, sku) for sku in receipt.moved),
    )


def _key(source: str, place: str, sku: str) -> str:
    """Of the level's one row."""
    return f"v1:{source}:{INVENTORY.name}:{place}/{sku}"


def _options(routes: Sequence[Route], target: str) -> list[Mapping[str, Any]]:
    return [
        route.states.get(INVENTORY.name, {})
        for route in routes
        if route.target == target and INVENTORY.name in route.flows
    ]
