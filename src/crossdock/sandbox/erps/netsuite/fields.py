"""The fields that NetSuite's records have, as far as an integration like ours sends them: names and kinds.

From property tables of the REST API Browser. A field that is not here is unknown to the stand-in, which refuses it as
NetSuite does with `X-NetSuite-PropertyNameValidation: Error`. Fields that NetSuite fills itself are in READ_ONLY.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

Kinds = Mapping[str, str]  # ref string number integer boolean date, or the name of a table below
ADDRESS: Kinds = {
    **dict.fromkeys(
        ("addr1", "addr2", "addr3", "addrPhone", "addressee", "attention", "city", "state", "zip"), "string"
    ),
    "country": "ref",
    "override": "boolean",
}
ITEM_LINE: Kinds = {
    **dict.fromkeys(("item", "price", "location", "department", "class", "taxCode"), "ref"),
    **dict.fromkeys(("quantity", "rate", "amount", "grossAmt", "tax1Amt", "taxRate1"), "number"),
    **dict.fromkeys(("description", "units", "taxDetailsReference"), "string"),
    "line": "integer",
    "isClosed": "boolean",
}
TAX_LINE: Kinds = {
    **dict.fromkeys(("taxBasis", "taxRate", "taxAmount", "netAmount"), "number"),
    **dict.fromkeys(("taxCode", "taxDetailsReference"), "ref"),
    "taxType": "string",
}
SALES_ORDER: Kinds = {
    **dict.fromkeys(("entity", "currency", "subsidiary", "location", "department", "class"), "ref"),
    **dict.fromkeys(("terms", "shipMethod", "orderStatus"), "ref"),
    **dict.fromkeys(("externalId", "otherRefNum", "memo", "email"), "string"),
    "tranDate": "date",
    "shippingCost": "number",
    "taxDetailsOverride": "boolean",
    "billingAddress": "address",
    "shippingAddress": "address",
    "item": "items",
    "taxDetails": "taxes",
}
CUSTOMER: Kinds = {
    **dict.fromkeys(("email", "firstName", "middleName", "lastName", "salutation", "companyName", "phone"), "string"),
    **dict.fromkeys(("externalId", "vatRegNumber", "entityId", "comments"), "string"),
    **dict.fromkeys(("isPerson", "unsubscribe", "isInactive"), "boolean"),
    **dict.fromkeys(("subsidiary", "category", "terms", "currency"), "ref"),
}
RECORDS: Mapping[str, Kinds] = {"salesOrder": SALES_ORDER, "customer": CUSTOMER}
INNER: Mapping[str, Kinds] = {"address": ADDRESS, "items": ITEM_LINE, "taxes": TAX_LINE}
LISTS = frozenset({"items", "taxes"})
CUSTOM: Mapping[str, str] = {"salesOrder": "custbody", "items": "custcol", "customer": "custentity"}
UNKNOWN = "Unknown field name in the request"
DATE = re.compile(r"\d{4}-\d\d-\d\d")


def problems(record: str, values: Mapping[str, Any], custom: frozenset[str]) -> Iterator[tuple[str, str]]:
    """Where a body is wrong and how; `custom` are the account's own fields."""
    yield from _of(record, RECORDS[record], values, custom, "")


def _of(table: str, kinds: Kinds, values: Any, custom: frozenset[str], where: str) -> Iterator[tuple[str, str]]:
    if not isinstance(values, dict):
        yield where, "is no object"
        return
    for name, value in values.items():
        at = f"{where}{name}"
        if name in custom and name.startswith(CUSTOM.get(table, "\0")):
            continue
        if name not in kinds:
            yield at, f"{UNKNOWN}: {name}"
        elif kinds[name] in INNER:
            yield from _inner(kinds[name], value, custom, at)
        elif value is not None and not _fits(kinds[name], value):
            yield at, f"Invalid value for the field {name}, which is a {kinds[name]}"


def _inner(table: str, value: Any, custom: frozenset[str], at: str) -> Iterator[tuple[str, str]]:
    if table not in LISTS:
        yield from _of(table, INNER[table], value, custom, f"{at}.")
        return
    rows = value.get("items") if isinstance(value, dict) else None
    if not isinstance(rows, list):
        yield at, "a sublist has items"
        return
    for place, row in enumerate(rows):
        yield from _of(table, INNER[table], row, custom, f"{at}.items[{place}].")


def _fits(kind: str, value: Any) -> bool:
    if kind == "ref":
        return (
            isinstance(value, dict)
            and bool({"id", "externalId"} & value.keys())
            and value.keys() <= {"id", "externalId"}
        )
    if kind == "string":
        return isinstance(value, str) and value != ""
    if kind == "boolean":
        return isinstance(value, bool)
    if kind == "date":
        return isinstance(value, str) and DATE.fullmatch(value) is not None
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
        return False
    return kind != "integer" or isinstance(value, int)


def number(value: Any) -> Decimal:
    """As it was written; 0 for what is none."""
    try:
        return Decimal(str(value))
    except InvalidOperation:
        return Decimal(0)
