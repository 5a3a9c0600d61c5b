"""What a Tryton and a store say of the same things, and where they differ."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Mapping
from decimal import Decimal
from typing import Any

from crossdock.erp.tryton.mapping import MARK, RETURN_MARK, key_in, line_in
from crossdock.sandbox.store import Store
from tests.acceptance.clerks_day import SHOP
from tests.erp.tryton.clerk import Clerk
from tests.tryton_server import Tryton

Side = Mapping[str, Mapping[str, Any]]  # what it is -> its name -> what is said of it
WAREHOUSE, SOURCE = "WH", "wh_milan"
CENT = Decimal("0.01")


def differing(left: Side, right: Side) -> dict[str, list[str]]:
    """By thing, in words, where there is a difference."""
    found: dict[str, list[str]] = {}
    for what in left:
        names = sorted(left[what].keys() | right[what].keys())
        unlike = [name for name in names if left[what].get(name) != right[what].get(name)]
        if unlike:
            found[what] = [f"{name}: {left[what].get(name)} | {right[what].get(name)}" for name in unlike]
    return found


def of_tryton(tryton: Tryton, clerk: Clerk, store_lines: Mapping[str, tuple[str, Decimal]]) -> Side:
    """`store_lines`: the id of an order's line -> that of the one that the store ships, and how many make one of it."""
    heads = tryton.rows("sale.sale", [("state", "!=", "cancelled")], "reference", "comment", "total_amount", "origin")
    orders = {row["id"]: str(row["reference"]) for row in heads if key_in(row["comment"], MARK) and not row["origin"]}
    refunds = [row for row in heads if key_in(row["comment"], RETURN_MARK)]
    return {
        "orders": {orders[row["id"]]: row["total_amount"] for row in heads if row["id"] in orders},
        "refunds of the store": _summed((str(row["reference"])[:9], -row["total_amount"]) for row in refunds),
        "shipped lines": _shipped(tryton, orders, store_lines),
        **_invoices(tryton, orders, {row["id"] for row in refunds}),
        **_goods(tryton),
        "customers": _customers(tryton, clerk),
    }


def of_store(store: Store, never: Collection[str], codes: Collection[str]) -> Side:
    """`never`: the orders that were cancelled before anybody heard of them. `codes`: the goods of Tryton."""
    numbers = {order["entity_id"]: str(order["increment_id"]) for order in store.orders.values()}
    ours = [memo for memo in store.memos.values() if "crossdock" in str(memo["comments"])]
    own = [memo for memo in store.memos.values() if memo not in ours]
    lines: Counter[str] = Counter()
    for one in store.shipments.values():
        for line in one["items"]:
            lines[f"{numbers[one['order_id']]}/{line['order_item_id']}"] += line["qty"]
    levels = {sku: Decimal(str(row["quantity"])) for (sku, code), row in store.source_items.items() if code == SOURCE}
    prices = {row["sku"]: row["price"] for row in store.prices.kept["base"].values() if not row["store_id"]}
    return {
        "orders": {
            numbers[entity]: money(order["grand_total"])
            for entity, order in store.orders.items()
            if numbers[entity] not in never
        },
        "refunds of the store": _summed((numbers[one["order_id"]], money(one["grand_total"])) for one in own),
        "shipped lines": {name: Decimal(count) for name, count in lines.items()},
        "parcels": {
            numbers[one["order_id"]]: sorted(track["track_number"] for track in one["tracks"])
            for one in store.shipments.values()
        },
        "invoices": _summed((numbers[one["order_id"]], money(one["grand_total"])) for one in store.invoices.values()),
        "credit memos of Tryton": _summed((numbers[one["order_id"]], money(one["grand_total"])) for one in ours),
        "stock levels": {sku: levels.get(sku) for sku in codes},
        "prices": {sku: money(prices.get(sku, 0)) for sku in codes},
        "product names": {sku: (store.catalog.find(sku) or {}).get("name") for sku in codes},
        "customers": {
            row["email"]: (
                f"{row['firstname']} {row['lastname']}",
                [one["city"] for one in row["addresses"] if one.get("default_billing")],
            )
            for row in store.customers.values()
        },
    }


def lines_of(store: Store) -> dict[str, tuple[str, Decimal]]:
    """A line that is a part of another is shipped with it."""
    found = {}
    for order in store.orders.values():
        by_id = {row["item_id"]: row for row in order["items"]}
        for row in order["items"]:
            top = by_id.get(row.get("parent_item_id"), row)
            per = Decimal(row["qty_ordered"]) / Decimal(top["qty_ordered"])
            found[str(row["item_id"])] = (str(top["item_id"]), per)
    return found


def money(value: Any) -> Decimal:
    return Decimal(str(value)).quantize(CENT)


def _summed(rows: Any) -> dict[str, list[Decimal]]:
    """All amounts of each: two of ten are not one of twenty."""
    found: dict[str, list[Decimal]] = defaultdict(list)
    for name, amount in rows:
        found[name].append(amount)
    return {name: sorted(amounts) for name, amounts in found.items()}


def _shipped(
    tryton: Tryton, orders: Mapping[int, str], store_lines: Mapping[str, tuple[str, Decimal]]
) -> dict[str, Decimal]:
    left = [("state", "=", "done"), ("to_location.type", "=", "customer"), ("origin", "like", "sale.line,%")]
    moves = tryton.rows("stock.move", left, "origin", "quantity")
    idents = sorted({int(str(row["origin"]).partition(",")[2]) for row in moves})
    lines = {row["id"]: row for row in tryton.rows("sale.line", [("id", "in", idents)], "sale", "note")}
    parts: dict[str, dict[str, Decimal]] = defaultdict(lambda: defaultdict(Decimal))
    for row in moves:
        line = lines[int(str(row["origin"]).partition(",")[2])]
        ours = line_in(line["note"])
        top, per = store_lines[ours]
        parts[f"{orders[line['sale']]}/{top}"][ours] += Decimal(str(row["quantity"])) / per
    for name, counts in parts.items():
        assert len(set(counts.values())) == 1, f"{name}: its parts were not sent together: {counts}"
    return {name: next(iter(counts.values())) for name, counts in parts.items()}


def _invoices(tryton: Tryton, orders: Mapping[int, str], refunds: Collection[int]) -> dict[str, dict[str, Any]]:
    """Those of orders; and credit notes that did not come of the store's refunds."""
    posted = [("type", "=", "out"), ("state", "in", ["posted", "paid"])]
    rows = tryton.rows("account.invoice", posted, "total_amount", "lines")
    lines = {
        row["id"]: str(row["origin"])
        for row in tryton.rows("account.invoice.line", [("invoice.type", "=", "out")], "origin")
    }
    sales = {row["id"]: row["sale"] for row in tryton.rows("sale.line", [], "sale")}
    first = {row["id"]: row["origin"] for row in tryton.rows("sale.sale", [("origin", "!=", None)], "origin")}
    made: list[tuple[str, Decimal]] = []
    credited: list[tuple[str, Decimal]] = []
    for row in rows:
        origin = lines[row["lines"][0]]
        if origin.startswith("account.invoice.line"):
            origin = lines[int(origin.partition(",")[2])]
        sale = sales[int(origin.partition(",")[2])]
        if sale in refunds:
            continue
        named = orders[int(str(first[sale]).partition(",")[2]) if sale in first else sale]
        (made if row["total_amount"] >= 0 else credited).append((named, abs(row["total_amount"])))
    return {"invoices": _summed(made), "credit memos of Tryton": _summed(credited)}


def _goods(tryton: Tryton) -> dict[str, dict[str, Any]]:
    (place,) = tryton.rows("stock.location", [("type", "=", "warehouse"), ("code", "=", WAREHOUSE)], "id")
    inside = Tryton.__new__(Tryton)
    inside.client = tryton.client.within({"locations": [place["id"]], "with_childs": True})
    fields = ("code", "quantity", "list_price_used", "name")
    rows = inside.rows("product.product", [("type", "=", "goods")], *fields)
    packed = tryton.rows("stock.package", [("shipping_reference", "!=", None)], "shipping_reference")
    return {
        "parcels": {str(row["shipping_reference"])[2:]: [row["shipping_reference"]] for row in packed},
        "stock levels": {row["code"]: Decimal(str(row["quantity"])) for row in rows},
        "prices": {row["code"]: money(row["list_price_used"]) for row in rows},
        "product names": {row["code"]: row["name"] for row in rows},
    }


def _customers(tryton: Tryton, clerk: Clerk) -> dict[str, Any]:
    rows = tryton.rows("party.party", [], "code", "name", "email", "categories")
    shop = clerk.category(SHOP)
    theirs = [row for row in rows if shop in row["categories"] or _is_customer(str(row["code"]))]
    return {
        row["email"]: (row["name"], [one["city"] for one in clerk.addresses(row["code"]) if one["invoice"]])
        for row in theirs
    }


def _is_customer(code: str) -> bool:
    return code[:1] == "M" and code[1:].isdecimal()
