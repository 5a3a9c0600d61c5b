"""An order as Magento's REST sends it, to ours (GET /V1/orders, /V1/orders/{id}; seen on 2.4.7)."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from crossdock.magento.mapping.lines import applied_taxes, parse_lines
from crossdock.magento.mapping.marks import origin_of
from crossdock.magento.mapping.parties import parse_address, parse_buyer, parse_payment, parse_shipping
from crossdock.magento.mapping.refunds import read_refund
from crossdock.magento.mapping.totals import parse_base_totals, parse_totals
from crossdock.magento.mapping.wire import (
    BaseExtraMoney,
    BaseHeaderMoney,
    ExtraMoney,
    HeaderMoney,
    JsonObject,
    branch,
    comments,
    decimal,
    decode,
    moment,
    needed,
    rows,
    scalar,
    text,
    wire_names,
)
from crossdock.model.order import Order, OrderState
from crossdock.model.sighting import Sighting

_ONE = Decimal(1)
_STATES = {state.value: state for state in OrderState}
_MONEY = {
    name for kind in (HeaderMoney, BaseHeaderMoney, ExtraMoney, BaseExtraMoney) for name in wire_names(kind).values()
}
# said by a field of the order already
_MAPPED = frozenset(
    _MONEY
    | {"entity_id", "increment_id", "state", "status", "created_at", "updated_at", "coupon_code"}
    | {"customer_id", "customer_email", "customer_firstname", "customer_lastname", "customer_group_id"}
    | {"customer_taxvat", "customer_is_guest", "customer_note", "discount_description", "store_id", "store_name"}
    | {"order_currency_code", "base_currency_code", "base_to_order_rate", "shipping_description", "ext_order_id"}
    | {"relation_parent_real_id", "relation_child_real_id"}
)
# opens the order's page to anybody who has it
_SECRET = frozenset({"protect_code"})
_PAYMENT_MAPPED = frozenset(
    {"method", "last_trans_id", "po_number", "amount_ordered", "amount_authorized", "amount_paid", "amount_refunded"}
)
_PAYMENT_SECRET = ("cc_", "echeck_", "additional_")


def parse_order(raw: bytes) -> Order:
    """`raw` is one order's JSON. Raises InvalidPayload, MappingError."""
    return read_order(decode(raw))


def parse_sighting(raw: bytes) -> Sighting:
    """`raw` is one order, or `{"order": {...}, "credit_memos": [...]}`. Raises InvalidPayload, MappingError."""
    found = decode(raw)
    if "order" not in found or "increment_id" in found:
        return Sighting(order=read_order(found), cancelled_by=_cancelled_by(found))
    order = read_order(branch(found, "order"))
    # a credit memo repeats a folded child's row at zero: the ERP has no such line
    folded = frozenset(child for line in order.lines for child in line.child_ids)
    memos = (read_refund(memo, order.number, without_lines=folded) for memo in rows(found, "credit_memos"))
    return Sighting(order=order, refunds=tuple(memos), cancelled_by=_cancelled_by(branch(found, "order")))


def _cancelled_by(order: JsonObject) -> tuple[str, ...]:
    return tuple(filter(None, (origin_of(told, "cancel") for told in comments(order, "status_histories"))))


def read_order(found: JsonObject) -> Order:
    """An order out of its JSON object as `wire.decode` reads it. Raises MappingError."""
    lines = parse_lines(found)
    shipping, shipping_method = parse_shipping(found)
    website, _, store_name = text(found, "store_name").partition("\n")
    extension = branch(found, "extension_attributes")
    return Order(
        id=needed(found, "entity_id", "order"),
        number=needed(found, "increment_id", "order"),
        state=_STATES.get(text(found, "state"), OrderState.UNKNOWN),
        status=text(found, "status"),
        created_at=moment(found, "created_at", "order"),
        updated_at=moment(found, "updated_at", "order"),
        buyer=parse_buyer(found),
        lines=lines,
        totals=parse_totals(found, [line.amounts for line in lines]),
        base_totals=parse_base_totals(found, [line.base_amounts for line in lines]),
        payment=parse_payment(found),
        billing=parse_address(branch(found, "billing_address")),
        shipping=shipping,
        shipping_method=shipping_method,
        shipping_description=text(found, "shipping_description"),
        coupon=text(found, "coupon_code") or _coupons(extension),
        discount_description=text(found, "discount_description"),
        store_id=text(found, "store_id"),
        store_name=store_name.replace("\n", " / ") or website,
        website=website,
        base_to_order_rate=decimal(found, "base_to_order_rate", "order", _ONE) or _ONE,
        replaces=text(found, "relation_parent_real_id") or None,
        replaced_by=text(found, "relation_child_real_id") or None,
        external_id=text(found, "ext_order_id"),
        note=text(found, "customer_note"),
        gift_message=text(branch(extension, "gift_message"), "message"),
        taxes=tuple(applied_taxes(rows(extension, "applied_taxes") or rows(extension, "taxes"), "order.applied_taxes")),
        extra=dict(_extra(found)),
    )


def _coupons(extension: JsonObject) -> str:
    """Adobe Commerce takes several coupons on one order."""
    codes = extension.get("coupon_codes")
    return ", ".join(scalar(code) for code in codes) if isinstance(codes, list) else ""


def _extra(found: JsonObject) -> Iterator[tuple[str, str]]:
    """Every other scalar: the order's own, then those of its parts by their path. Card data are left where they are."""
    extension = branch(found, "extension_attributes")
    payment = branch(found, "payment")
    yield from _scalars(found, "", _MAPPED | _SECRET)
    yield from _scalars(extension, "extension_attributes.", frozenset(_MONEY))
    yield from _scalars(branch(extension, "company_order_attributes"), "company.", frozenset())
    yield from _scalars(branch(extension, "gift_message"), "gift_message.", frozenset({"message"}))
    open_part = {name: value for name, value in payment.items() if not name.startswith(_PAYMENT_SECRET)}
    yield from _scalars(open_part, "payment.", _PAYMENT_MAPPED)
    for line in rows(extension, "payment_additional_info"):
        if text(line, "key") == "method_title":
            yield "payment.method_title", text(line, "value")
    for place, card in enumerate(rows(extension, "gift_cards"), start=1):
        yield f"gift_card.{text(card, 'id') or place}", text(card, "amount", "base_amount")


def _scalars(found: JsonObject, prefix: str, without: frozenset[str]) -> Iterator[tuple[str, str]]:
    for name, value in found.items():
        told = "" if name in without else scalar(value)
        if told:
            yield f"{prefix}{name}", told
