"""An order as both sides mean it."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from crossdock.model.address import Address
from crossdock.model.base import Record
from crossdock.model.money import ZERO, LineAmounts, Totals


class OrderState(StrEnum):
    """Where an order stands in its life, whatever a store calls the status inside that state."""

    NEW = "new"
    PENDING_PAYMENT = "pending_payment"
    PAYMENT_REVIEW = "payment_review"
    PROCESSING = "processing"
    COMPLETE = "complete"
    CLOSED = "closed"
    CANCELED = "canceled"
    HOLDED = "holded"
    UNKNOWN = "unknown"


class AppliedTax(Record, frozen=True, kw_only=True):
    """One tax as applied: rate in percent, amount in the order's and in the base currency."""

    code: str
    rate: Decimal
    amount: Decimal
    base_amount: Decimal


class LineOption(Record, frozen=True, kw_only=True):
    """What the customer chose or typed for a line."""

    label: str
    value: str


class OrderLine(Record, frozen=True, kw_only=True):
    """One line. `id` is the source's own line id, kept for ever: shipments and refunds are matched by it.

    A configurable product is one line (the child's SKU at the parent's price). A bundle is what the configured
    expansion made of it; `parent_id` then names the bundle's own line.
    """

    id: str
    sku: str
    name: str = ""
    kind: str = "simple"  # simple configurable bundle virtual downloadable grouped …
    parent_id: str | None = None
    child_ids: tuple[str, ...] = ()  # source lines that were folded into this one
    quantity: Decimal = ZERO
    quantity_canceled: Decimal = ZERO
    quantity_invoiced: Decimal = ZERO
    quantity_shipped: Decimal = ZERO
    quantity_refunded: Decimal = ZERO
    tax_rate: Decimal = ZERO  # percent
    virtual: bool = False
    weight: Decimal = ZERO
    amounts: LineAmounts = LineAmounts()
    base_amounts: LineAmounts = LineAmounts()
    options: tuple[LineOption, ...] = ()
    taxes: tuple[AppliedTax, ...] = ()
    extra: dict[str, str] = {}  # the source's other scalar attributes of the line, as text


class Payment(Record, frozen=True, kw_only=True):
    """How it is paid. Amounts in the order's currency; `authorized`, `paid` are what really happened so far."""

    method: str
    transaction_id: str = ""
    purchase_order_number: str = ""
    ordered: Decimal = ZERO
    authorized: Decimal = ZERO
    paid: Decimal = ZERO
    refunded: Decimal = ZERO


class Buyer(Record, frozen=True, kw_only=True):
    """Who bought. `id` is empty for a guest."""

    id: str = ""
    email: str = ""
    first_name: str = ""
    last_name: str = ""
    group: str = ""
    vat_id: str = ""
    guest: bool = True


class Order(Record, frozen=True, kw_only=True):
    """One order. `id` is the source's own, `number` the one that people read (unique in one store only)."""

    id: str
    number: str
    state: OrderState
    status: str
    created_at: datetime
    updated_at: datetime
    buyer: Buyer
    lines: tuple[OrderLine, ...]
    totals: Totals
    base_totals: Totals
    payment: Payment
    billing: Address
    shipping: Address | None = None  # None: nothing to ship
    shipping_method: str = ""
    shipping_description: str = ""
    coupon: str = ""
    discount_description: str = ""
    store_id: str = ""
    store_name: str = ""
    website: str = ""
    base_to_order_rate: Decimal = Decimal(1)
    replaces: str | None = None  # number of the order that this one is an edit of
    replaced_by: str | None = None
    external_id: str = ""  # the ERP's number, where the source already knows it
    note: str = ""
    gift_message: str = ""
    taxes: tuple[AppliedTax, ...] = ()
    extra: dict[str, str] = {}  # the source's other scalar attributes, as text: nothing is dropped
