"""The end of a merchant's day: what the store has and what the ERP has, thing by thing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

from crossdock.model.base import Record
from crossdock.sandbox.merchant import Merchant
from crossdock.sandbox.run import ErpServer
from crossdock.sandbox.store import Store

PLACES = {"MI": "wh_milan", "RM": "wh_rome"}


class Side(Record, frozen=True, kw_only=True):
    """One thing that both sides count, and how far they differ."""

    what: str
    erp: int
    store: int
    differing: tuple[str, ...] = ()


def sides_of(store: Store, erp: ErpServer, merchant: Merchant) -> tuple[Side, ...]:
    """Thing by thing, what the ERP has and what the store has."""
    by_id = {order["entity_id"]: order["increment_id"] for order in store.orders.values()}
    there = [one["order_number"] for one in erp.erp.orders]
    shipped = {
        f"{by_id[one['order_id']]} from {one['extension_attributes']['source_code']}"
        for one in store.shipments.values()
    }
    wanted = [f"{one.order} from {PLACES[one.warehouse]}" for one in merchant.shipments]
    ours = [memo for memo in store.memos.values() if "crossdock" in str(memo["comments"])]
    own = [memo for memo in store.memos.values() if memo not in ours]
    refunds = [one.order_number for one in erp.erp.effects if one.name == "refunds"]
    cancelled = {order["increment_id"] for order in store.orders.values() if order["state"] == "canceled"}
    levels = {
        f"{sku} at {code}": row["quantity"] for (sku, code), row in store.source_items.items() if code != "default"
    }
    told = {f"{sku} at {PLACES[place]}": count for (sku, place), count in merchant.stock.items()}
    prices = {
        row["sku"]: Decimal(str(row["price"])) for row in store.prices.kept["base"].values() if not row["store_id"]
    }
    names = {row["sku"]: row["name"] for row in store.catalog.rows.values()}
    people = {row["email"]: row["lastname"] for row in store.customers.values()}
    known = {row.get("email", number): row["customer"].get("last_name") for number, row in erp.erp.people.kept.items()}
    told_of = {email: known.get(email) for email in people | known}
    return (
        _side("orders", there, [*by_id.values()]),
        _side("shipments", wanted, shipped),
        _side("invoices", merchant.invoiced, [by_id[one["order_id"]] for one in store.invoices.values()]),
        _side("credit memos of the ERP", merchant.returned.values(), [by_id[one["order_id"]] for one in ours]),
        _side("credit memos of the store", refunds, [by_id[one["order_id"]] for one in own]),
        _side("cancelled orders", merchant.cancelled, cancelled),
        Side(what="stock levels", erp=len(told), store=len(levels), differing=_unlike(told, levels)),
        Side(what="products", erp=len(merchant.names), store=len(names), differing=_unlike(merchant.names, names)),
        Side(what="customers", erp=len(known), store=len(people), differing=_unlike(told_of, people)),
        Side(what="prices", erp=len(merchant.prices), store=len(prices), differing=_unlike(merchant.prices, prices)),
    )


def _side(what: str, erp: Iterable[str], store: Iterable[str]) -> Side:
    """Names on both sides; a name twice on one of them differs too."""
    left, right = Counter(erp), Counter(store)
    differing = tuple(sorted(name for name in left | right if left[name] != right[name]))
    return Side(what=what, erp=left.total(), store=right.total(), differing=differing)


def _unlike(told: Mapping[str, Any], kept: Mapping[str, Any]) -> tuple[str, ...]:
    names = sorted(name for name in told if kept.get(name) != told[name])
    return tuple(f"{name}: {told[name]} in the ERP, {kept.get(name)} in the store" for name in names)
