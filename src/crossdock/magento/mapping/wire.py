"""Orders and credit memos as Magento's REST sends them, and how its JSON is read.

Numbers are taken from the JSON text itself: ints, floats and exponents mix under one key, and PHP leaves noise such as
`1.4210854715202e-14` behind. The store keeps four decimals, so an amount is rounded to four and is exact then. Null and
an empty string mean "absent"; an empty PHP array may stand where an object belongs.

Each amount comes twice, in the order's currency and (`base_`) in the store's: one Struct a meaning, and its twin that
reads the other keys of the same JSON object.
"""

from __future__ import annotations

import html
from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Any, ClassVar, TypeVar

import msgspec

from crossdock.errors import InvalidPayload, MappingError
from crossdock.model.money import ZERO

JsonObject = dict[str, Any]
W = TypeVar("W", bound=msgspec.Struct)

_FOUR_DECIMALS = Decimal("0.0001")
_LARGEST = Decimal(10) ** 16  # decimal(20,4) in the store's tables
_DECODER = msgspec.json.Decoder(float_hook=Decimal)


class RowMoney(msgspec.Struct, frozen=True, kw_only=True):
    """An order row in the order's currency. `row_total` is net of the discount and never below zero."""

    price: Decimal = ZERO
    price_incl_tax: Decimal = ZERO
    row_total: Decimal = ZERO
    row_total_incl_tax: Decimal = ZERO
    discount_amount: Decimal = ZERO
    tax_amount: Decimal = ZERO
    discount_tax_compensation_amount: Decimal = ZERO
    weee_tax_applied_amount: Decimal = ZERO
    weee_tax_applied_row_amount: Decimal = ZERO


class HeaderMoney(msgspec.Struct, frozen=True, kw_only=True):
    """A document's amounts in the order's currency. `discount_amount` is below zero as a rule."""

    subtotal: Decimal = ZERO
    discount_amount: Decimal = ZERO
    tax_amount: Decimal = ZERO
    discount_tax_compensation_amount: Decimal = ZERO
    shipping_amount: Decimal = ZERO
    shipping_discount_amount: Decimal = ZERO
    shipping_tax_amount: Decimal = ZERO
    shipping_discount_tax_compensation_amount: Decimal = ZERO
    grand_total: Decimal = ZERO
    total_paid: Decimal = ZERO
    total_refunded: Decimal = ZERO
    total_canceled: Decimal = ZERO
    total_due: Decimal = ZERO


class ExtraMoney(msgspec.Struct, frozen=True, kw_only=True):
    """What Adobe Commerce adds to a document, in the order's currency; `gw_` is gift wrapping, without its tax."""

    gift_cards_amount: Decimal = ZERO
    customer_balance_amount: Decimal = ZERO
    reward_currency_amount: Decimal = ZERO
    gw_price: Decimal = ZERO
    gw_items_price: Decimal = ZERO
    gw_card_price: Decimal = ZERO


_ODD_BASE_NAMES = {
    "shipping_discount_tax_compensation_amount": "base_shipping_discount_tax_compensation_amnt",
    "weee_tax_applied_row_amount": "base_weee_tax_applied_row_amnt",
    "gw_price": "gw_base_price",
    "gw_items_price": "gw_items_base_price",
    "gw_card_price": "gw_card_base_price",
}


def base_name(name: str) -> str:
    """The key of an amount's twin in the store's base currency."""
    return _ODD_BASE_NAMES.get(name, f"base_{name}")


class BaseRowMoney(RowMoney, frozen=True, kw_only=True):
    """The same row in the base currency."""

    in_base: ClassVar[bool] = True


class BaseHeaderMoney(HeaderMoney, frozen=True, kw_only=True):
    """The same document in the base currency."""

    in_base: ClassVar[bool] = True


class BaseExtraMoney(ExtraMoney, frozen=True, kw_only=True):
    """The same additions in the base currency."""

    in_base: ClassVar[bool] = True


def wire_names(kind: type[msgspec.Struct]) -> dict[str, str]:
    """Our field's name -> the JSON key that it is read from.

    Not by msgspec's `rename`: that leaves inherited fields alone, and the base currency would be the order's.
    """
    in_base = getattr(kind, "in_base", False)
    return {name: base_name(name) if in_base else name for name in kind.__struct_fields__}


def decode(raw: bytes) -> JsonObject:
    """The JSON object in `raw`, its fractions as Decimal. Raises InvalidPayload."""
    try:
        found = _DECODER.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, InvalidOperation) as problem:
        raise InvalidPayload("not JSON that can be read") from problem
    if not isinstance(found, dict):
        raise InvalidPayload("a JSON object is expected")
    return found


def take(kind: type[W], found: Mapping[str, Any], where: str) -> W:
    """One of the structs above out of a JSON object. Raises MappingError, with `where` in its field."""
    return kind(**{name: decimal(found, key, where) for name, key in wire_names(kind).items()})


def decimal(found: Mapping[str, Any], name: str, where: str, default: Decimal = ZERO) -> Decimal:
    """One number by its key; absent, null and empty give the default. Raises MappingError."""
    value = found.get(name)
    if value is None or value == "":
        return default
    if isinstance(value, bool) or not isinstance(value, int | str | Decimal):
        raise MappingError(f"{where}.{name}", "not a number")
    try:
        return _to_four_decimals(Decimal(value), f"{where}.{name}")
    except InvalidOperation as problem:
        raise MappingError(f"{where}.{name}", "not a number") from problem


def _to_four_decimals(value: Decimal, field: str) -> Decimal:
    if not value.is_finite() or abs(value) >= _LARGEST:
        raise MappingError(field, "not a number that the store can hold")
    exponent = value.as_tuple().exponent
    if isinstance(exponent, int) and exponent < -4:
        value = value.quantize(_FOUR_DECIMALS).normalize()
        return value + ZERO if value else ZERO
    return value or ZERO


def text(found: Mapping[str, Any], *names: str) -> str:
    """The first of these keys that has a text or a number, as text; empty where none has."""
    for name in names:
        value = scalar(found.get(name))
        if value:
            return value
    return ""


def scalar(value: object) -> str:
    """A scalar as text (true and false as 1 and 0, as Magento has them); empty for anything else."""
    if isinstance(value, bool):
        return "1" if value else "0"
    if isinstance(value, Decimal):
        return f"{value:f}" if -20 < value.adjusted() < 20 else str(value)
    return str(value) if isinstance(value, int | str) else ""


def needed(found: Mapping[str, Any], name: str, where: str) -> str:
    """A text that must be there. Raises MappingError."""
    value = text(found, name)
    if not value:
        raise MappingError(f"{where}.{name}", "is missing")
    return value


def flag(found: Mapping[str, Any], name: str) -> bool:
    """Magento's 0, 1, "0", "1", true, false."""
    return text(found, name) not in {"", "0", "false"}


def branch(found: Mapping[str, Any], *names: str) -> JsonObject:
    """The object at the end of this path; empty where there is none (null, an empty PHP array)."""
    for name in names:
        inner = found.get(name)
        if not isinstance(inner, dict):
            return {}
        found = inner
    return dict(found)


def rows(found: Mapping[str, Any], name: str) -> list[JsonObject]:
    """The objects of a list; none where there is no list."""
    listed = found.get(name)
    return [row for row in listed if isinstance(row, dict)] if isinstance(listed, list) else []


def comments(found: Mapping[str, Any], name: str = "comments") -> list[str]:
    """The texts of a document's comments or of an order's history, without Magento's escaping."""
    return [html.unescape(text(one, "comment")).strip() for one in rows(found, name)]


def moment(found: Mapping[str, Any], name: str, where: str) -> datetime:
    """`YYYY-MM-DD HH:MM:SS`, which is UTC whatever the store's own time zone. Raises MappingError."""
    try:
        told = datetime.fromisoformat(needed(found, name, where))
        return told.replace(tzinfo=UTC) if told.tzinfo is None else told.astimezone(UTC)
    except (ValueError, OverflowError) as problem:
        raise MappingError(f"{where}.{name}", "not a time") from problem
