"""Requests and responses without what is about a person. Pure.

Any system may call a name anything, so what is shown is what is known to be harmless, not the other way round: numbers,
truth values, and texts under names such as sku, status or currency. Whatever stands under a name that is about a
person is masked whole, numbers too. What is no JSON cannot be looked into and is not shown.
"""

from __future__ import annotations

import re
from decimal import Decimal, InvalidOperation
from typing import Any

import msgspec

HIDDEN = "***"
DEEPEST = 40
PLACE = re.compile(r"\[\d*\]")
DECODER = msgspec.json.Decoder(float_hook=Decimal)
ENCODER = msgspec.json.Encoder(decimal_format="number")
# compared in small letters, without anything but letters; a name that begins or ends so
PERSONAL = re.compile(
    r"^(customers?|buyer|person|people|contacts?|recipient|consignee|addressee|party|name|note|notes|comments?|remark|"
    r"remarks|message|giftmessage|memo|text|description|signature|token|secret|password|authorization|ip|remoteip|"
    r"xforwardedfor|gender|tel|plz|cap|prefix|suffix|iban|bic|vat|city|town|region|state|county|"
    r"province|zip|company|to|cc|bcc)$|"
    r"address|street|phone|mobile|fax|email|mail|postcode|postalcode|zipcode|firstname|lastname|middlename|surname|"
    r"fullname|customername|contactname|companyname|taxvat|vatid|vatnumber|taxid|taxnumber|ccnumber|ccowner|"
    r"account|card|house|birth|dob$|billto|shipto|soldto"
)
HARMLESS = re.compile(
    r"(sku|skus|status|currency|currencycode|qty|quantity|price|amount|total|subtotal|tax|taxrate|rate|discount|"
    r"ordernumber|orderid|incrementid|entityid|itemid|lineid|id|ids|uuid|guid|number|key|idempotencykey|version|code|"
    r"errorcode|event|kind|type|method|warehouse|source|sourcecode|store|storeid|website|unit|uom|"
    r"createdat|updatedat|placedat|occurredat|asof|date|time|timestamp|country|countrycode|countryid|success|result)$"
)


def masked(body: bytes, *, shown: bool) -> str:
    """As text; whole where it may be shown, else without what is about a person. Empty for no body."""
    if not body:
        return ""
    if shown:
        return body.decode(errors="replace")
    try:
        raw = DECODER.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, InvalidOperation):
        return f"{HIDDEN} {len(body)} bytes that are no JSON: shown to an admin only"
    return ENCODER.encode(_masked(raw, "", 0)).decode()


def _masked(value: Any, name: str, depth: int) -> Any:
    if depth > DEEPEST or is_personal(name):
        return value if value is None or value in ({}, []) else _emptied(value, depth)
    if isinstance(value, dict):
        return {key: _masked(part, key, depth + 1) for key, part in value.items()}
    if isinstance(value, list):
        return [_masked(part, name, depth + 1) for part in value]
    if isinstance(value, str) and not HARMLESS.search(plain(name)):
        return HIDDEN if value else value
    return value


def _emptied(value: Any, depth: int) -> Any:
    """Its shape alone, so that a missing field can still be told from one that is there."""
    if depth > DEEPEST:
        return HIDDEN
    if isinstance(value, dict):
        return {key: _emptied(part, depth + 1) for key, part in value.items()}
    if isinstance(value, list):
        return [_emptied(part, depth + 1) for part in value]
    return value if value is None or value == "" else HIDDEN


def shown(path: str, value: str, *, revealed: bool) -> str:
    """A text that stands at this path of a body, as a body is masked."""
    parts = PLACE.sub("", path).split(".")
    harmless = HARMLESS.search(plain(parts[-1])) and not any(map(is_personal, parts))
    return value if revealed or not value or harmless else HIDDEN


def is_personal(name: str) -> bool:
    """Whether what stands under this name is about a person, as far as a name can tell."""
    return PERSONAL.search(plain(name)) is not None


def plain(name: str) -> str:
    """Small letters alone."""
    return re.sub(r"[^a-z]", "", name.lower())


__all__ = ["HIDDEN", "is_personal", "masked", "shown"]
