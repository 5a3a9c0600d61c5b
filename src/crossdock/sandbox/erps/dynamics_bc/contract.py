"""The sets, fields and types of API v2.0 that Crossdock uses, and the company that stands in."""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from crossdock.sandbox.erps.odata import Refusal, Row

ROOT = "/v2.0/tenant/sandbox/api/v2.0"
OWN = "/v2.0/tenant/sandbox/api/contoso/stock/v1.0"
CODES = frozenset(
    {
        *("externalDocumentNumber", "customerNumber", "number", "lineObjectNumber", "currencyCode", "taxCode"),
        *("sellToCountry", "sellToPostCode", "shipToCountry", "shipToPostCode"),
    }
)
COMPANY, COMPANY_NAME = "11111111-2222-4333-8444-555555555555", "CRONUS"
TOKEN_PATH = "/tenant/oauth2/v2.0/token"  # noqa: S105  an address
CLIENT, SECRET, TOKEN = "crossdock", "sandbox", "sandbox-token"
CENT = Decimal("0.01")
RATES = ("0", "4", "7", "8.25", "10", "19", "20", "22")
EXTRAS = {"shipping": "6710", "discount": "6720", "fpt": "6730", "fee": "6740", "credit": "6750", "rounding": "6760"}
TEXT, NUMBER, FLAG, GUID, DATE, TIME, WHOLE = "text", "number", "flag", "guid", "date", "time", "whole"
Fields = Mapping[str, tuple[str, int]]


def texts(**lengths: int) -> dict[str, tuple[str, int]]:
    """Fields of text with their lengths."""
    return {name: (TEXT, length) for name, length in lengths.items()}


def kinds(kind: str, *names: str) -> dict[str, tuple[str, int]]:
    """Fields of one other type."""
    return dict.fromkeys(names, (kind, 0))


def places(*prefixes: str) -> dict[str, tuple[str, int]]:
    """A document's addresses."""
    told: dict[str, tuple[str, int]] = {}
    for prefix in prefixes:
        parts = {"AddressLine1": 100, "AddressLine2": 50, "City": 30, "Country": 10, "State": 30, "PostCode": 20}
        told |= {f"{prefix}{name}": (TEXT, length) for name, length in parts.items()}
    return told


STAMP = kinds(TIME, "lastModifiedDateTime")
CODED = kinds(GUID, "id") | texts(code=10, displayName=100) | STAMP
TAKEN: dict[str, dict[str, tuple[str, int]]] = {
    "customers": texts(number=20, displayName=100, type=20, addressLine1=100, addressLine2=50, city=30, state=30)
    | texts(country=10, postalCode=20, phoneNumber=30, email=80, taxRegistrationNumber=20, currencyCode=10)
    | texts(blocked=20),
    "salesOrders": texts(externalDocumentNumber=35, customerNumber=20, shipToName=100, shipToContact=100)
    | texts(currencyCode=10, phoneNumber=30, email=80)
    | places("sellTo", "shipTo")
    | kinds(DATE, "orderDate", "postingDate", "requestedDeliveryDate")
    | kinds(GUID, "customerId", "paymentTermsId", "shipmentMethodId")
    | kinds(FLAG, "pricesIncludeTax"),
    "salesOrderLines": texts(lineType=20, lineObjectNumber=20, description=100, description2=50, taxCode=20)
    | kinds(NUMBER, "quantity", "unitPrice", "discountAmount")
    | kinds(WHOLE, "sequence")
    | kinds(GUID, "locationId"),
    "subscriptions": texts(notificationUrl=1000, resource=1000, clientState=2048),
}
SHOWN: Mapping[str, Fields] = {
    "companies": kinds(GUID, "id") | texts(name=30, displayName=250),
    "items": kinds(GUID, "id")
    | texts(number=20, displayName=100, displayName2=50, type=20, gtin=14, taxGroupCode=20, baseUnitOfMeasureCode=10)
    | texts(itemCategoryCode=20)
    | kinds(NUMBER, "inventory", "unitPrice", "unitCost")
    | kinds(FLAG, "blocked", "priceIncludesTax")
    | STAMP,
    "customers": TAKEN["customers"] | kinds(GUID, "id") | kinds(NUMBER, "balanceDue") | STAMP,
    "salesOrders": TAKEN["salesOrders"]
    | kinds(GUID, "id")
    | texts(number=20, status=20)
    | kinds(NUMBER, "discountAmount", "totalAmountExcludingTax", "totalTaxAmount", "totalAmountIncludingTax")
    | kinds(FLAG, "fullyShipped")
    | STAMP,
    "salesOrderLines": TAKEN["salesOrderLines"] | kinds(GUID, "id", "documentId"),
    "salesInvoices": {name: kind for name, kind in TAKEN["salesOrders"].items() if name != "orderDate"}
    | kinds(GUID, "id", "orderId")
    | texts(number=20, orderNumber=20, status=20)
    | kinds(NUMBER, "totalAmountExcludingTax", "totalTaxAmount", "totalAmountIncludingTax")
    | STAMP,
    "salesInvoiceLines": TAKEN["salesOrderLines"] | kinds(GUID, "id", "documentId"),
    "salesShipmentLines": texts(lineType=20, lineObjectNumber=20, description=100, description2=50)
    | kinds(GUID, "id", "documentId")
    | kinds(NUMBER, "quantity")
    | kinds(WHOLE, "sequence"),
    "salesShipments": kinds(GUID, "id")
    | texts(number=20, externalDocumentNumber=35, orderNumber=20)
    | kinds(DATE, "postingDate")
    | STAMP,
    "itemLedgerEntries": kinds(GUID, "id")
    | kinds(WHOLE, "entryNumber")
    | texts(itemNumber=20)
    | kinds(NUMBER, "quantity")
    | STAMP,
    # an API page of the company's own, beside v2.0
    "entries": kinds(WHOLE, "entryNumber") | texts(itemNumber=20, locationCode=10) | kinds(NUMBER, "quantity"),
    "paymentTerms": CODED,
    "shipmentMethods": CODED,
    "locations": CODED,
    "subscriptions": TAKEN["subscriptions"] | texts(subscriptionId=100) | kinds(TIME, "expirationDateTime") | STAMP,
}
BLANKS: Mapping[str, Any] = {
    TEXT: "",
    NUMBER: 0,
    WHOLE: 0,
    FLAG: False,
    DATE: "0001-01-01",
    TIME: "0001-01-01T00:00:00Z",
    GUID: "00000000-0000-0000-0000-000000000000",
}
LINES = {"salesOrders": "salesOrderLines", "salesShipments": "salesShipmentLines", "salesInvoices": "salesInvoiceLines"}


def checked(table: str, values: Any) -> Row:
    """The values of a write, each known and of its type. Raises Refusal."""
    if not isinstance(values, dict):
        raise Refusal(400, "BadRequest", "Invalid Request Body")
    lines = values.get(LINES.get(table, ""))
    for name, value in values.items():
        if name == LINES.get(table):
            continue
        if name not in TAKEN[table]:
            raise Refusal(400, "BadRequest", f"The property '{name}' does not exist on type '{table}'.")
        check(name, value, *TAKEN[table][name])
    kept = {name: value.strip().upper() if name in CODES else value for name, value in values.items()}
    if lines is None:
        return kept
    return kept | {LINES[table]: [checked(LINES[table], line) for line in lines]}


def check(name: str, value: Any, kind: str, length: int) -> None:
    """Raises Refusal for a value that is not of its type."""
    whole = isinstance(value, int) and not isinstance(value, bool)
    right = {
        TEXT: isinstance(value, str),
        NUMBER: whole or isinstance(value, float | Decimal),
        WHOLE: whole,
        FLAG: isinstance(value, bool),
        GUID: isinstance(value, str) and re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", value) is not None,
        DATE: isinstance(value, str) and re.fullmatch(r"\d{4}-\d\d-\d\d", value) is not None,
        TIME: False,
    }[kind]
    if not right:
        raise Refusal(400, "BadRequest", f"Unable to convert the value of '{name}'")
    if kind == TEXT and len(value) > length:
        message = (
            f"The length of the string is {len(value)}, but it must be less than or equal to {length}. Value: {value}"
        )
        raise Refusal(400, "Application_StringExceededLength", message)
