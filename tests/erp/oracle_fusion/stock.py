"""Items, balances and prices of the stand-in, as tests change them."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from crossdock.sandbox.erps.oracle_fusion import StandIn

ORG, MASTER, LIST = "V1", "MST", 300
READS: dict[str, Any] = {
    "inventory": {"organizations": [ORG, "V2"]},
    "products": {"organization": MASTER, "status_field": "ItemStatusValue"},
    "prices": {"price_list": LIST, "scope": "STD", "currency": "EUR"},
}


def sku(number: int) -> str:
    return f"SIM-{number:04}"


def paged(size: int) -> dict[str, Any]:
    return {flow: one | {"page_size": size} for flow, one in READS.items()}


def set_item(
    server: StandIn, number: int, name: str, *, org: str = MASTER, at: datetime | None = None
) -> dict[str, Any]:
    """One item of one organization, changed now."""
    stamp = (at or server.clock()).isoformat(timespec="seconds")
    row = {
        "ItemId": 1000 + number,
        "ItemNumber": sku(number),
        "OrganizationCode": org,
        "ItemDescription": name,
        "ItemStatusValue": "Active",
        "LastUpdateDateTime": stamp,
    }
    kept = [one for one in server.items if (one["ItemId"], one["OrganizationCode"]) != (row["ItemId"], org)]
    server.items[:] = [*kept, row]
    return row


def set_level(server: StandIn, number: int, *quantities: float, org: str = ORG) -> None:
    """An item of an organization with a balance for each of these quantities."""
    set_item(server, number, "Shirt", org=org)
    kept = [one for one in server.balances if (one["ItemNumber"], one["OrganizationCode"]) != (sku(number), org)]
    server.balances[:] = kept + [
        {
            "InventoryItemId": 1000 + number,
            "ItemNumber": sku(number),
            "OrganizationCode": org,
            "SubinventoryCode": f"S{place}",
            "SummaryLevel": "Subinventory",
            "PrimaryQuantity": quantity,
        }
        for place, quantity in enumerate(quantities)
    ]


def charge(price: float, **more: Any) -> dict[str, Any]:
    return {
        "PricingChargeDefinitionCode": "QP_SALE_PRICE",
        "BasePrice": price,
        "StartDate": None,
        "EndDate": None,
    } | more


def set_price(server: StandIn, number: int, *charges: dict[str, Any]) -> None:
    rows = server.prices.setdefault(LIST, [])
    rows[:] = [row for row in rows if row["Item"] != sku(number)] + [
        {
            "PriceListItemId": 5000 + number,
            "Item": sku(number),
            "PricingUOMCode": "Ea",
            "charges": {"items": list(charges), "hasMore": False},
        }
    ]
