"""An order as a sales order of Oracle's Order Hub. Pure.

Field names: Oracle's page `op-salesordersfororderhub-post` and public bodies for it; README.md says which is which.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from crossdock.erp.oracle_fusion.money import Part
from crossdock.erp.oracle_fusion.settings import ChargeSettings, FusionSettings
from crossdock.erp.oracle_fusion.terms import Terms
from crossdock.errors import MappingError
from crossdock.flows.parts import cents
from crossdock.model.address import Address
from crossdock.model.money import ZERO
from crossdock.model.order import Order

MARK = "crossdock: "
LONGEST_NOTE = 800
Values = dict[str, Any]
REFERENCE = re.compile(r"[A-Za-z0-9_.-]+")


def reference_of(number: str, settings: FusionSettings) -> str:
    """SourceTransactionId of an order. Raises MappingError for a number that would break an address or a query."""
    if not REFERENCE.fullmatch(number):
        raise MappingError("number", "has characters that stand for something else in Oracle's addresses")
    return f"{settings.reference_prefix}{number}"


def order_key(number: str, settings: FusionSettings) -> str:
    """OrderKey: always the latest version of the order."""
    return f"{settings.source_system}:{reference_of(number, settings)}"


def build_order(order: Order, key: str, parts: Sequence[Part], terms: Terms, settings: FusionSettings) -> Values:
    """The sales order as a draft, whole."""
    reference, moment = reference_of(order.number, settings), iso(order.created_at)
    ship_to: Values = {"SiteId": terms.ship_site}
    if terms.ship_party is not None:
        ship_to = {"PartyId": terms.ship_party} | ship_to
    return {
        "SourceTransactionNumber": reference,
        "SourceTransactionSystem": settings.source_system,
        "SourceTransactionId": reference,
        "TransactionalCurrencyCode": terms.currency,
        "BusinessUnitName": terms.business_unit,
        "RequestingBusinessUnitName": terms.business_unit,
        "BuyingPartyNumber": terms.buyer,
        "TransactionOn": moment,
        "RequestedShipDate": moment,
        "SubmittedFlag": False,
        "FreezePriceFlag": True,
        "FreezeShippingChargeFlag": True,
        "FreezeTaxFlag": settings.freeze_tax,
        **_optional(order, key, terms, settings),
        "billToCustomer": [{"AccountNumber": terms.account, "SiteUseId": terms.bill_site_use}],
        "shipToCustomer": [ship_to],
        "lines": [_line(place, part, terms, settings) for place, part in enumerate(parts, 1)],
    }


def _optional(order: Order, key: str, terms: Terms, settings: FusionSettings) -> Values:
    named = {
        "TransactionTypeCode": settings.transaction_type,
        "RequestedFulfillmentOrganizationCode": settings.warehouse,
        "PaymentTerms": terms.payment_terms,
        "CustomerPONumber": order.payment.purchase_order_number[:50],
        "Comments": build_comments(order, key if settings.key_field else ""),
        "ShippingInstructions": address_text(order.shipping or order.billing) if settings.address_in else "",
    }
    return {name: value for name, value in named.items() if value} | terms.shipping


def build_comments(order: Order, key: str) -> str:
    """What the customer wrote, and our key in a line of its own: a find knows the order by it."""
    said = (cut(order.note), f"Gift message: {cut(order.gift_message)}" if order.gift_message else "")
    return "\n".join([*(one for one in said if one), *([f"{MARK}{key}"] if key else [])])


def cut(text: str) -> str:
    """What fits beside our key: a field that is cut short by Oracle would lose it, and with it the order."""
    return text if len(text) <= LONGEST_NOTE else f"{text[: LONGEST_NOTE - 1]}…"


def key_in(comments: Any) -> str:
    """The key that an order was made under, "" where it was not made by us. The last line of ours counts."""
    lines = [line.strip() for line in str(comments or "").splitlines()]
    return next((line.removeprefix(MARK) for line in reversed(lines) if line.startswith(MARK)), "")


def address_text(address: Address) -> str:
    """An address as people read it."""
    town = " ".join(part for part in (address.postcode, address.city, address.region, address.country) if part)
    lines = (address.company, address.name, *address.street, town, address.telephone)
    return ", ".join(part for part in lines if part)


def _line(place: int, part: Part, terms: Terms, settings: FusionSettings) -> Values:
    unit = terms.units[part.id]
    tax = {settings.tax_field: terms.taxes[part.id]} if settings.tax_field and part.id in terms.taxes else {}
    return {
        "SourceTransactionLineId": part.id,
        "SourceTransactionLineNumber": str(place),
        "SourceTransactionScheduleId": part.id,
        "SourceScheduleNumber": "1",
        "TransactionCategoryCode": "ORDER",
        "ProductNumber": terms.items[part.id],
        "OrderedQuantity": number(part.quantity),
        "OrderedUOMCode": unit,
        **tax,
        "charges": [_charge(part, unit, terms.currency, settings.charges)],
    }


def _charge(part: Part, unit: str, currency: str, codes: ChargeSettings) -> Values:
    return {
        "SourceChargeId": part.id,
        "PriceTypeCode": codes.price_type,
        "ChargeTypeCode": codes.charge_type,
        "ChargeDefinitionCode": codes.definition,
        "ChargeSubtypeCode": codes.subtype,
        "PricedQuantity": number(part.quantity),
        "PricedQuantityUOMCode": unit,
        "ChargeCurrencyCode": currency,
        "SequenceNumber": 1,
        "PrimaryFlag": True,
        "RollupFlag": False,
        "chargeComponents": list(_components(part, currency, codes)),
    }


def _components(part: Part, currency: str, codes: ChargeSettings) -> Iterator[Values]:
    """Extended amounts are the order's own, to the cent; what one piece costs is only said."""
    discount = part.net - part.before
    elements = (
        (codes.list_price, "LIST_PRICE", part.before, True),
        (codes.discount, "PRICE_ADJUSTMENT", discount, bool(discount)),
        (codes.net, "NET_PRICE", part.net, True),
        (codes.tax, "EXCLUSIVE_TAX", part.tax, True),
        (codes.gross, "NET_PRICE_PLUS_TAX", part.gross, True),
    )
    wanted = [(code, usage, amount) for code, usage, amount, there in elements if code and there]
    for place, (code, usage, amount) in enumerate(wanted, 1):
        unit = per_piece(amount, part.quantity, codes.price_decimals)
        yield {
            "SourceChargeComponentId": f"{part.id}-{place}",
            "PriceElementCode": code,
            "PriceElementUsageCode": usage,
            "ChargeCurrencyCode": currency,
            "ChargeCurrencyUnitPrice": unit,
            "ChargeCurrencyExtendedAmount": cents(amount),
            "HeaderCurrencyCode": currency,
            "HeaderCurrencyUnitPrice": unit,
            "HeaderCurrencyExtendedAmount": cents(amount),
            "SequenceNumber": place,
            "RollupFlag": False,
        }


def per_piece(amount: Decimal, quantity: Decimal, decimals: int) -> Decimal:
    """What one costs, without trailing noughts."""
    price = ((amount / quantity) if quantity else ZERO).quantize(Decimal(1).scaleb(-decimals))
    return cents(price) if price == cents(price) else price.normalize()


def number(quantity: Decimal) -> int | Decimal:
    """A quantity as JSON says it."""
    return int(quantity) if quantity == quantity.to_integral_value() else quantity.normalize()


def iso(moment: datetime) -> str:
    """As Oracle writes a time: with its offset, in seconds."""
    return moment.astimezone(UTC).isoformat(timespec="seconds")
