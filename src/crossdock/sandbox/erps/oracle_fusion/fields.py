"""The fields that a request may have, with their types: a body with any other is refused.

[O] stands on a page of Oracle's, [P] in a public body for this resource, [U] in neither: named by settings.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

Table = Mapping[str, Any]  # a type, or the table of the rows inside

BILL_TO: Table = {"AccountNumber": str, "SiteUseId": int, "CustomerAccountId": int, "PartyName": str}  # [P]
SHIP_TO: Table = {"PartyId": int, "SiteId": int, "PartyName": str}  # [P]
COMPONENT: Table = {  # [P]; the Header... pair also [O] "Freeze Price on Sales Orders"
    "SourceChargeComponentId": str,
    "PriceElementCode": str,
    "PriceElementUsageCode": str,
    "ChargeCurrencyCode": str,
    "ChargeCurrencyUnitPrice": float,
    "ChargeCurrencyExtendedAmount": float,
    "HeaderCurrencyCode": str,
    "HeaderCurrencyUnitPrice": float,
    "HeaderCurrencyExtendedAmount": float,
    "SequenceNumber": int,
    "RollupFlag": bool,
}
CHARGE: Table = {  # [P]
    "SourceChargeId": str,
    "PriceTypeCode": str,
    "ChargeTypeCode": str,
    "ChargeDefinitionCode": str,
    "ChargeSubtypeCode": str,
    "PricedQuantity": float,
    "PricedQuantityUOMCode": str,
    "ChargeCurrencyCode": str,
    "SequenceNumber": int,
    "PrimaryFlag": bool,
    "RollupFlag": bool,
    "chargeComponents": COMPONENT,
}
LINE: Table = {  # [P]
    "SourceTransactionLineId": str,
    "SourceTransactionLineNumber": str,
    "SourceTransactionScheduleId": str,
    "SourceScheduleNumber": str,
    "TransactionCategoryCode": str,
    "ProductNumber": str,
    "OrderedQuantity": float,
    "OrderedUOMCode": str,
    "RequestedShipDate": datetime,
    "TaxClassificationCode": str,  # [U]
    "charges": CHARGE,
}
ORDER: Table = {  # [O] in part, [P]
    "SourceTransactionNumber": str,
    "SourceTransactionSystem": str,
    "SourceTransactionId": str,
    "TransactionalCurrencyCode": str,
    "BusinessUnitName": str,
    "RequestingBusinessUnitName": str,
    "BuyingPartyNumber": str,
    "TransactionTypeCode": str,
    "TransactionOn": datetime,
    "RequestedShipDate": datetime,
    "RequestedFulfillmentOrganizationCode": str,
    "PaymentTerms": str,
    "CustomerPONumber": str,
    "ShippingCarrier": str,
    "ShippingServiceLevel": str,
    "ShippingMode": str,
    "ShippingInstructions": str,
    "Comments": str,
    "SubmittedFlag": bool,
    "FreezePriceFlag": bool,
    "FreezeShippingChargeFlag": bool,
    "FreezeTaxFlag": bool,
    "billToCustomer": BILL_TO,
    "shipToCustomer": SHIP_TO,
    "lines": LINE,
}
CHANGED_LINE: Table = {"FulfillLineId": int, "OrderedQuantity": float, "CancelReason": str}  # [P]
CHANGE: Table = {"SubmittedFlag": bool, "lines": CHANGED_LINE}  # [P]
HOLD: Table = {"SourceTransactionSystem": str, "SourceTransactionId": str, "HoldCode": str, "HoldComments": str}  # [O]
RELEASE: Table = {  # [O]
    **{name: kind for name, kind in HOLD.items() if name != "HoldComments"},
    "HoldReleaseReasonCode": str,
    "HoldReleaseComments": str,
}
ACTIONS: Mapping[str, Table] = {"applyHold": {"holdRequests": HOLD}, "releaseHold": {"holdRequests": RELEASE}}
ORDER_NEEDS = (
    "SourceTransactionNumber",
    "SourceTransactionSystem",
    "SourceTransactionId",
    "TransactionalCurrencyCode",
    "BusinessUnitName",
    "BuyingPartyNumber",
    "billToCustomer",
    "shipToCustomer",
    "lines",
)


def scalars(table: Table) -> list[str]:
    """The fields that are no rows inside."""
    return [name for name, kind in table.items() if not isinstance(kind, Mapping)]


def problems(body: Any, table: Table, at: str = "") -> Iterator[str]:
    """What is wrong with a body, field by field."""
    if not isinstance(body, dict):
        yield f"{at or 'body'} is no object"
        return
    for name, value in body.items():
        place = f"{at}{name}"
        if name not in table:
            yield f"Unknown attribute {place}"
        elif isinstance(table[name], Mapping):
            yield from _rows(value, table[name], place)
        elif not _fits(value, table[name]):
            yield f"Attribute {place} has a value of a wrong type"


def _rows(value: Any, table: Table, at: str) -> Iterator[str]:
    if not isinstance(value, list):
        yield f"{at} is no list"
        return
    for place, row in enumerate(value):
        yield from problems(row, table, f"{at}[{place}].")


def _fits(value: Any, kind: Any) -> bool:
    if kind is datetime:
        return isinstance(value, str) and _moment(value)
    if kind is float:
        return isinstance(value, int | float) and not isinstance(value, bool)
    return isinstance(value, kind) and (kind is bool or not isinstance(value, bool))


def _moment(value: str) -> bool:
    try:
        return datetime.fromisoformat(value).tzinfo is not None
    except ValueError:
        return False
