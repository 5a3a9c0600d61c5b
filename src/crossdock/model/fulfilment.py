"""What an ERP did with an order of the store: shipped, invoiced, refunded, stopped or spoke of it."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any

from crossdock.model.base import Record
from crossdock.model.money import ZERO


class FulfilledLine(Record, frozen=True, kw_only=True):
    """How much of which line of the order: `line` is its id at the store, else `sku` names it."""

    quantity: Decimal
    line: str = ""
    sku: str = ""
    back_to_stock: bool = False  # credit memos: whether it is there to be sold again


class Track(Record, frozen=True, kw_only=True):
    """A parcel. `carrier` is Magento's code for it; `custom` is any other, which `title` then names."""

    number: str
    carrier: str = "custom"
    title: str = ""


class Fulfilment(Record, frozen=True, kw_only=True):
    """What each of the documents has. `number` is the ERP's own: with it the document is found again at the store.

    No `lines` means all that is open. `origin` is the connection that told of it.
    """

    number: str
    origin: str
    order_id: str
    order_number: str
    lines: tuple[FulfilledLine, ...] = ()
    comment: str = ""
    notify: bool = False


class Shipment(Fulfilment, frozen=True, kw_only=True):
    """Goods that left one place, the store's source of that code, at that moment by the ERP's books."""

    place: str
    shipped_at: datetime | None = None
    tracks: tuple[Track, ...] = ()


class Tracking(Fulfilment, frozen=True, kw_only=True):
    """Parcels of a shipment that was told before; `number` is that shipment's."""

    tracks: tuple[Track, ...] = ()


class Invoice(Fulfilment, frozen=True, kw_only=True):
    """`capture` asks the payment method for the money; else it is invoiced as paid outside."""

    capture: bool = False


class CreditMemo(Fulfilment, frozen=True, kw_only=True):
    """Money given back, in the order's base currency. `shipping` None: all that is open of it.

    `online` asks the payment method to give it back; it needs the order to have exactly one invoice.
    """

    shipping: Decimal | None = None
    adjustment_positive: Decimal = ZERO
    adjustment_negative: Decimal = ZERO
    online: bool = False


class Action(StrEnum):
    """What can be asked of an order as a whole."""

    CANCEL = "cancel"
    HOLD = "hold"
    UNHOLD = "unhold"
    COMMENT = "comment"


class OrderUpdate(Fulfilment, frozen=True, kw_only=True):
    """An action on the order, or a comment. `status` belongs to the order's present state; the store refuses others."""

    action: Action
    status: str = ""
    visible: bool = False


class Taken(Record, frozen=True, kw_only=True):
    """A promise under a document's number that came of another content, and where it stands."""

    key: str
    state: str
    maybe_sent: bool = False


class Resolved(Record, frozen=True, kw_only=True):
    """A document as it came, and the order of the store that it is about.

    `beside`: names a version that was kept beside the first of its number, and that a person wants to be tried;
    `taken`: what the others of that number have come to. `shadowed`: that ERP's order is another's work.
    """

    flow: str
    store: str  # the store's connection
    order_id: str
    order_number: str
    document: dict[str, Any]
    beside: str = ""
    taken: tuple[Taken, ...] = ()
    shadowed: bool = False
