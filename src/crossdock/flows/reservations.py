"""Reservations: what a store keeps aside for orders that it has not shipped. Pure.

Magento's salable quantity is what its sources hold less what its open orders reserve. An ERP's `available` quantity
already lacks the orders that the ERP knows: written as it is, they would be taken off twice (flaw 43,
magento/inventory#2269). So to it is added what the store still reserves for orders that the ERP had taken off by then.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from decimal import Decimal

import msgspec

from crossdock.model.base import Record
from crossdock.model.inventory import StockLevel
from crossdock.model.money import ZERO
from crossdock.model.order import Order, OrderLine

NOT_STOCKED = frozenset({"bundle"})  # its parts are


class Held(Record, frozen=True, kw_only=True):
    """What one order still keeps aside of one SKU, and since when the ERP has that order."""

    order: str
    quantity: Decimal
    known_at: datetime


def held(order: Order) -> dict[str, Decimal]:
    """By SKU in small letters, what the store still reserves for this order.

    Shipping takes it from the source, cancelling gives it back; what is virtual goes with its invoice.
    """
    by_id = {line.id: line for line in order.lines}
    found: dict[str, Decimal] = {}
    for line in order.lines:
        if line.kind in NOT_STOCKED:
            continue
        if (left := _left(line, by_id.get(line.parent_id or ""))) > 0:
            name = line.sku.strip().casefold()
            found[name] = found.get(name, ZERO) + left
    return found


def _left(line: OrderLine, parent: OrderLine | None) -> Decimal:
    gone = line.quantity_invoiced if line.virtual else line.quantity_shipped
    if parent is not None and parent.quantity and not line.virtual:  # the parts of a bundle may ship as the bundle
        gone = max(gone, line.quantity * parent.quantity_shipped / parent.quantity)
    unshipped_refund = max(ZERO, line.quantity_refunded - gone)
    return line.quantity - line.quantity_canceled - gone - unshipped_refund


class Gone(Record, frozen=True, kw_only=True):
    """What left the store's source by a shipment that the ERP told of.

    `at`: when it left by the ERP's books. `known_at`: since when the ERP has its order; None: it has it no more.
    """

    place: str
    quantity: Decimal
    at: datetime
    known_at: datetime | None = None


def deducted(orders: Iterable[Held], as_of: datetime) -> Decimal:
    """Of what is kept aside, that of orders which the ERP had by then."""
    return sum((one.quantity for one in orders if one.known_at <= as_of), ZERO)


def departed(level: StockLevel, shipments: Iterable[Gone], as_of: datetime) -> StockLevel:
    """The level less what has left the source since the ERP told it: written over it, those pieces would come back.

    An `available` quantity lacks a piece since the ERP has its order, one `on_hand` only since it left.
    """
    gone = ZERO
    for one in shipments:
        since = one.known_at if level.meaning == "available" and one.known_at else one.at
        if one.place == level.place and since > as_of:
            gone += one.quantity
    if not gone:
        return level
    quantity = max(ZERO, level.quantity - gone)
    return msgspec.structs.replace(level, quantity=quantity, in_stock=level.in_stock and quantity > 0)


def reckoned(level: StockLevel, taken: Decimal, reserved: Decimal) -> StockLevel:
    """The level as it is to be written: `taken` off by the ERP, of it at most what the store says that it reserves."""
    more = min(taken, max(reserved, ZERO))
    if level.meaning != "available" or more <= 0:
        return level
    # what is left for open orders alone can still be shipped; nothing of it can be sold
    in_stock = level.in_stock if level.quantity > 0 else True
    return msgspec.structs.replace(level, quantity=level.quantity + more, in_stock=in_stock)


def home(options: Mapping[str, object]) -> str:
    """The source whose level carries the reservations of its stock: Magento keeps them by stock, not by source."""
    named = options.get("reserve_at")
    if isinstance(named, str) and named:
        return named
    warehouses = options.get("warehouses")
    return str(next(iter(warehouses.values()), "")) if isinstance(warehouses, Mapping) else ""
