"""Our records to the documented payloads of a custom ERP: pure.

The fields of the spec's `buildPayload` are there under their own names, nested as there; fields are only ever added.
The spec's amounts stay JSON numbers (Decimal here, written digit by digit by `encode`, never through a float). Every
added amount is a decimal string. What each field means is written in docs/reference/schemas/*.schema.json.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import msgspec

from crossdock.errors import MappingError
from crossdock.model.address import Address
from crossdock.model.change import OrderChange
from crossdock.model.customer import CustomerChange, Erasure
from crossdock.model.money import LineAmounts, Totals
from crossdock.model.order import AppliedTax, Buyer, Order, OrderLine, Payment
from crossdock.model.refund import Refund, RefundLine

VERSION = "1"
Payload = dict[str, Any]
_ENCODER = msgspec.json.Encoder(decimal_format="number")


def encode(payload: Mapping[str, Any]) -> bytes:
    """The bytes that are sent and signed: UTF-8 JSON, in the fields' own order."""
    return _ENCODER.encode(payload)


def build_order_payload(order: Order, key: str) -> Payload:
    """The body of `POST /orders`. Raises MappingError where an amount is no number."""
    return {
        "order_number": order.number,
        "customer": _customer(order.buyer),
        "billing_address": _address(order.billing),
        "shipping_address": _address(order.shipping) if order.shipping else None,
        "items": [_line(line) for line in order.lines],
        "totals": _totals(order.totals) | {"order": _money(order.totals), "base": _money(order.base_totals)},
        "payment": _payment(order.payment, order.totals),
        "shipping": {"method": order.shipping_method or None, "description": order.shipping_description or None},
        "status": order.status,
        "created_at": f"{order.created_at.astimezone(UTC):%Y-%m-%d %H:%M:%S}",
        "metadata": _metadata(order),
        "payload_version": VERSION,
        "idempotency_key": key,
        "state": str(order.state),
        "placed_at": _moment(order.created_at),
        "updated_at": _moment(order.updated_at),
        "base_to_order_rate": _text(order.base_to_order_rate),
        "coupon": order.coupon or None,
        "discount_description": order.discount_description or None,
        "note": order.note or None,
        "gift_message": order.gift_message or None,
        "replaces": order.replaces,
        "replaced_by": order.replaced_by,
        "taxes": _taxes(order.taxes),
    }


def build_change_payload(change: OrderChange, key: str) -> Payload:
    """The body of a cancel, hold, unhold or payment call."""
    paid = {"amount": _text(change.paid), "currency": change.currency, "transaction_id": change.transaction_id or None}
    return {
        "event": str(change.kind),
        "order_number": change.order_number,
        "occurred_at": _moment(change.occurred_at),
        "payment": paid if change.kind == "payment" else None,
        "metadata": {"magento_order_id": _id(change.order_id)},
        "payload_version": VERSION,
        "idempotency_key": key,
    }


def build_refund_payload(refund: Refund, key: str) -> Payload:
    """The body of a refund call: one credit memo."""
    return {
        "refund_number": refund.number,
        "order_number": refund.order_number,
        "created_at": _moment(refund.created_at),
        "items": [_refund_line(line) for line in refund.lines],
        "totals": {
            "order": _money(refund.totals),
            "base": _money(refund.base_totals),
            "adjustment_refund": _text(refund.adjustment_positive),
            "adjustment_fee": _text(refund.adjustment_negative),
        },
        "metadata": {"magento_order_id": _id(refund.order_id), "magento_refund_id": _id(refund.id)},
        "payload_version": VERSION,
        "idempotency_key": key,
    }


def build_customer_payload(change: CustomerChange, key: str) -> Payload:
    """The body of `POST /customers`: the fields that are told, and no others; what is not there has not changed."""
    scalars = {
        name: value
        for name, value in change.fields.items()
        if "." not in name and name not in {"default_billing", "default_shipping"}
    }
    attributes = {
        name.removeprefix("attributes."): value
        for name, value in change.fields.items()
        if name.startswith("attributes.")
    }
    return {
        "customer_number": change.number or None,
        "reference": change.id or None,
        "website": change.website,
        "email": change.email,
        "new": change.new,
        "guest": change.guest,
        "customer": scalars | ({"attributes": attributes} if attributes else {}),
        "addresses": _told_addresses(change),
        "changed_at": _moment(max(change.at.values())) if change.at else None,
        "metadata": {"magento_customer_id": _id(change.id)},
        "payload_version": VERSION,
        "idempotency_key": key,
    }


def build_erasure_payload(erasure: Erasure, key: str) -> Payload:
    """The body of an erasure call: no word about the person."""
    return {
        "customer_number": erasure.number or None,
        "reference": erasure.customer_id or None,
        "requested_at": _moment(erasure.asked_at),
        "payload_version": VERSION,
        "idempotency_key": key,
    }


def _told_addresses(change: CustomerChange) -> list[Payload]:
    """Those that are told, each whole, or `removed`; a default alone goes with its address's name only."""
    rows: dict[str, Payload] = {}
    for name, value in change.fields.items():
        if name.startswith("addresses."):
            number = name.removeprefix("addresses.")
            rows[number] = {"number": number} | ({"removed": True} if value is None else dict(value))
    for default in ("default_billing", "default_shipping"):
        if place := change.fields.get(default):
            rows.setdefault(place, {"number": place})[default] = True
    return [rows[number] for number in sorted(rows)]


def build_event_payload(order: Order, key: str) -> Payload:
    """The body of the webhook `order.placed`: the spec's observer's fields, and those of the order payload.

    Where both have a name the observer's form wins: `street` is a list in its addresses.
    """
    return build_order_payload(order, key) | {
        "order_id": _id(order.id),
        "increment_id": order.number,
        "customer_email": order.buyer.email or None,
        "grand_total": _number(order.totals.grand_total),
        "billing_address": _event_address(order.billing),
        "shipping_address": _event_address(order.shipping) if order.shipping else None,
    }


def _customer(buyer: Buyer) -> Payload:
    return {
        "email": buyer.email or None,
        "first_name": buyer.first_name or None,
        "last_name": buyer.last_name or None,
        "customer_id": _id(buyer.id),
        "guest": buyer.guest,
        "group": buyer.group or None,
        "vat_id": buyer.vat_id or None,
    }


def _address(address: Address) -> Payload:
    return {
        "first_name": address.first_name or None,
        "last_name": address.last_name or None,
        "company": address.company or None,
        "street": ", ".join(address.street),
        "city": address.city or None,
        "region": address.region or None,
        "postcode": address.postcode or None,
        "country": address.country or None,
        "telephone": address.telephone or None,
        "street_lines": list(address.street),
        "region_code": address.region_code or None,
        "email": address.email or None,
        "vat_id": address.vat_id or None,
    }


def _event_address(address: Address) -> Payload:
    return _address(address) | {
        "firstname": address.first_name or None,
        "lastname": address.last_name or None,
        "street": list(address.street),
        "country_id": address.country or None,
    }


def _line(line: OrderLine) -> Payload:
    amounts = line.amounts
    return {
        "sku": line.sku,
        "name": line.name,
        "qty": _number(line.quantity),
        "price": _number(amounts.price),
        "tax": _number(amounts.tax),
        "discount": _number(amounts.discount),
        "row_total": _number(amounts.gross),  # the spec's meaning: before discount, where REST's own is after it
        "product_type": line.kind,
        "line_id": line.id,
        "parent_line_id": line.parent_id,
        "child_line_ids": list(line.child_ids),
        "quantities": _quantities(line),
        "tax_rate": _text(line.tax_rate),
        "virtual": line.virtual,
        "weight": _text(line.weight),
        "amounts": _amounts(amounts),
        "base_amounts": _amounts(line.base_amounts),
        "options": [{"label": option.label, "value": option.value} for option in line.options],
        "taxes": _taxes(line.taxes),
    }


def _quantities(line: OrderLine) -> Payload:
    return {
        "ordered": _text(line.quantity),
        "canceled": _text(line.quantity_canceled),
        "invoiced": _text(line.quantity_invoiced),
        "shipped": _text(line.quantity_shipped),
        "refunded": _text(line.quantity_refunded),
    }


def _refund_line(line: RefundLine) -> Payload:
    return {
        "line_id": line.id,
        "order_line_id": line.order_line_id,
        "sku": line.sku,
        "qty": _text(line.quantity),
        "amounts": _amounts(line.amounts),
        "base_amounts": _amounts(line.base_amounts),
    }


def _totals(totals: Totals) -> Payload:
    return {
        "subtotal": _number(totals.subtotal),
        "shipping": _number(totals.shipping),
        "tax": _number(totals.tax),
        "discount": _number(totals.discount),
        "grand_total": _number(totals.grand_total),
    }


def _payment(payment: Payment, totals: Totals) -> Payload:
    return {
        "method": payment.method,
        "amount": _number(totals.grand_total),
        "currency": totals.currency,
        "transaction_id": payment.transaction_id or None,
        "purchase_order_number": payment.purchase_order_number or None,
        "ordered": _text(payment.ordered),
        "authorized": _text(payment.authorized),
        "paid": _text(payment.paid),
        "refunded": _text(payment.refunded),
    }


def _metadata(order: Order) -> Payload:
    return {
        "store_id": _id(order.store_id),
        "magento_order_id": _id(order.id),
        "store_name": order.store_name or None,
        "website": order.website or None,
    }


def _taxes(taxes: Sequence[AppliedTax]) -> list[Payload]:
    return [
        {
            "code": tax.code,
            "rate": _text(tax.rate),
            "amount": _text(tax.amount),
            "base_amount": _text(tax.base_amount),
        }
        for tax in taxes
    ]


def _amounts(amounts: LineAmounts) -> Payload:
    return {name: _text(getattr(amounts, name)) for name in LineAmounts.__struct_fields__}


def _money(totals: Totals) -> Payload:
    """Every amount of the model by its name there, so that a new one cannot be forgotten."""
    money: Payload = {}
    for name in Totals.__struct_fields__:
        value = getattr(totals, name)
        money[name] = _text(value) if isinstance(value, Decimal) else value
    return money | {"fees": {name: _text(fee) for name, fee in totals.fees.items()}}


def _number(value: Decimal) -> Decimal:
    """A JSON number without an exponent."""
    return Decimal(_text(value))


def _text(value: Decimal) -> str:
    if not value.is_finite():
        raise MappingError("amount", "is no number")
    return f"{value:f}"


def _moment(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _id(text: str) -> int | str | None:
    """Magento's ids are whole numbers, and the spec sends them so."""
    return int(text) if text.isascii() and text.isdigit() and str(int(text)) == text else text or None
