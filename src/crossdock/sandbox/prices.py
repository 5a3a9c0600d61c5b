"""The stand-in store's prices: base, special and tier prices and costs, as recorded, with their errors inside a 200.

Of costs nothing was recorded: they follow Magento's source (Catalog/Model/Product/Price/CostStorage.php).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import TYPE_CHECKING, Any

from crossdock.sandbox import shop
from crossdock.sandbox.wire import Answer

if TYPE_CHECKING:
    from crossdock.sandbox.routes import Call
    from crossdock.sandbox.store import Store

Row = dict[str, Any]
Key = tuple[Any, ...]
Errors = list[Row]
FIRST_PRICE = 10
STAMP = "%Y-%m-%d %H:%M:%S"
EVERYBODY = "all groups"
BY_FIELD = "Invalid attribute %fieldName = %fieldValue."
NO_PRODUCT = "The product that was requested doesn't exist. Verify the product and try again."
OF_SPECIAL = "Row ID: SKU = {}, Store ID: {}, Price From: {}, Price To: {}."
OF_TIER = "Row ID: SKU = %SKU, Website ID: %websiteId, Customer Group: %customerGroup, Quantity: %qty."
INTERFACES = {"base": "BasePrice", "special": "SpecialPrice", "tier": "TierPrice", "cost": "Cost"}


class PriceBook:
    """What each product costs. `scope` is the store's setting: global, or website. `most`: rows in a call; 0: any."""

    def __init__(self, skus: Iterable[str]) -> None:
        self.kept: dict[str, dict[Key, Row]] = {kind: {} for kind in INTERFACES}
        self.scope = "global"
        self.most = 0
        for sku in skus:
            self.kept["base"][sku.casefold(), 0] = {"price": FIRST_PRICE, "store_id": 0, "sku": sku}

    def of(self, kind: str, sku: str) -> list[Row]:
        """All of one SKU."""
        return [row for key, row in self.kept[kind].items() if key[0] == sku.strip().casefold()]


def save_base(store: Store, call: Call) -> Answer:
    """Where the scope is global a price for a store view becomes everybody's, without a word (Magento's source)."""

    def check(row: Row) -> Errors:
        found = _unless(_known(store, row), BY_FIELD, "SKU", row.get("sku"))
        found += _unless(_is_amount(row.get("price")), BY_FIELD, "Price", row.get("price"))
        return found + _of_store(row)

    def keep(row: Row) -> None:
        number = 0 if store.prices.scope == "global" else row["store_id"]
        for place in [number] if not number else _views_beside(number):
            _keep(store, "base", (place,), row, {"price": row["price"], "store_id": place})

    return _saved(store, call, "base", check, keep)


def save_special(store: Store, call: Call) -> Answer:
    """A day that is left out stays as it was."""

    def keep(row: Row) -> None:
        known = store.prices.kept["special"].get((_name(row), row["store_id"]), {})
        days = {day: row.get(day) or known.get(day) for day in ("price_from", "price_to")}
        _keep(store, "special", (row["store_id"],), row, {"price": row["price"], "store_id": row["store_id"], **days})

    return _saved(store, call, "special", lambda row: _of_special(store, row), keep)


def delete_special(store: Store, call: Call) -> Answer:
    """By SKU and store view; one that is not there is gone already (recorded)."""

    def drop(row: Row) -> None:
        store.prices.kept["special"].pop((_name(row), row["store_id"]), None)

    return _saved(store, call, "special", lambda row: _of_special(store, row), drop)


def save_tiers(store: Store, call: Call) -> Answer:
    """POST adds and changes, PUT takes all others of its SKUs away (recorded)."""
    rows = _rows(call)
    replaces = call.asked.method == "PUT"

    def check(row: Row) -> Errors:
        standing = () if replaces else store.prices.of("tier", str(row.get("sku", "")))
        return _of_tier(store, row, rows, standing)

    if (refused := _unknown_tiers(store, rows)) is not None:
        return refused
    cleared: set[str] = set()

    def keep(row: Row) -> None:
        if replaces and _name(row) not in cleared:
            cleared.add(_name(row))
            for key in [key for key in store.prices.kept["tier"] if key[0] == _name(row)]:
                del store.prices.kept["tier"][key]
        _keep(store, "tier", _tier_place(row), row, _tier_row(row))

    return _saved(store, call, "tier", check, keep)


def delete_tiers(store: Store, call: Call) -> Answer:
    """One is found by its amount too; another one stays, without a word (recorded of one that is not there)."""
    rows = _rows(call)
    if (refused := _unknown_tiers(store, rows)) is not None:
        return refused

    def drop(row: Row) -> None:
        key = (_name(row), *_tier_place(row))
        known = store.prices.kept["tier"].get(key, {})
        if (known.get("price"), known.get("price_type")) == (row["price"], row["price_type"]):
            del store.prices.kept["tier"][key]

    return _saved(store, call, "tier", lambda row: _of_tier(store, row, rows, ()), drop)


def save_cost(store: Store, call: Call) -> Answer:
    """Unlike base prices it stays where it was said to be."""

    def check(row: Row) -> Errors:
        found = _unless(_known(store, row), BY_FIELD, "SKU", row.get("sku"))
        cost, sku, number = (_php(row.get(name)) for name in ("cost", "sku", "store_id"))
        text = f"Invalid attribute Cost = {cost or ''}. Row ID: SKU = {sku}, Store ID: {number}."
        return found + _unless(_is_amount(row.get("cost")), text, cost, sku, number) + _of_store(row)

    def keep(row: Row) -> None:
        _keep(store, "cost", (row["store_id"],), row, {"cost": row["cost"], "store_id": row["store_id"]})

    return _saved(store, call, "cost", check, keep)


def delete_cost(store: Store, call: Call) -> Answer:
    """In every scope."""
    for sku in call.body.get("skus") or ():
        for key in [key for key in store.prices.kept["cost"] if key[0] == str(sku).strip().casefold()]:
            del store.prices.kept["cost"][key]
    return Answer(body=True)


def information(kind: str) -> Callable[[Store, Call], Answer]:
    """What there is of these SKUs; unknown ones are left out (recorded)."""

    def tell(store: Store, call: Call) -> Answer:
        rows = [row for sku in call.body.get("skus") or () for row in store.prices.of(kind, str(sku))]
        return Answer(body=[{name: value for name, value in row.items() if value is not None} for row in rows])

    return tell


def _saved(store: Store, call: Call, kind: str, check: Callable[[Row], Errors], act: Callable[[Row], None]) -> Answer:
    """What is right is done, what is wrong is told, all in a 200."""
    rows = _rows(call)
    if store.prices.most and len(rows) > store.prices.most:
        told = {"type": rf"\Magento\Catalog\Api\Data\{INTERFACES[kind]}Interface", "max": store.prices.most}
        return Answer(status=400, body={"message": 'Maximum items of type "%type" is %max', "parameters": told})
    for row in rows:
        for name in {"price", "cost", "quantity"} & row.keys():
            if not _is_number(row[name]):
                text = f'Error occurred during "{name}" processing. The "{row[name]}" value\'s type is invalid. '
                text += 'The "float" type was expected. Verify and try again.'
                return Answer(status=400, body={"message": text})
    errors: Errors = []
    right: list[Row] = []
    for row in rows:
        wrong = check(row)
        errors += wrong
        right += [] if wrong else [row]
    for row in right:
        act(row)
    return Answer(body=errors)


def _rows(call: Call) -> list[Row]:
    return [row for row in call.body.get("prices") or () if isinstance(row, dict)]


def _keep(store: Store, kind: str, place: Key, row: Row, told: Row) -> None:
    sku = store.catalog.rows[_name(row)]["sku"]
    store.prices.kept[kind][_name(row), *place] = {**told, "sku": sku}


def _name(row: Row) -> str:
    return str(row.get("sku", "")).strip().casefold()


def _known(store: Store, row: Row) -> bool:
    found = store.catalog.rows.get(_name(row))
    return found is not None and found["type_id"] != "configurable"  # one has no price of its own (recorded)


def _unless(right: bool, text: str, *parameters: Any) -> Errors:
    return [] if right else [{"message": text, "parameters": [_php(one) for one in parameters]}]


def _of_store(row: Row) -> Errors:
    sku, number = _php(row.get("sku")), _php(row.get("store_id"))
    text = f"Requested store is not found. Row ID: SKU = {sku}, Store ID: {number or ''}."
    return _unless(row.get("store_id") in {one["id"] for one in shop.VIEWS}, text, sku, number)


def _of_special(store: Store, row: Row) -> Errors:
    place = [_php(row.get(name)) for name in ("sku", "store_id", "price_from", "price_to")]
    ending = OF_SPECIAL.format(*(one or "" for one in place))
    found = _unless(_known(store, row), f"{NO_PRODUCT} {ending}", *place)
    everywhere = store.prices.scope != "global" or row.get("store_id") == 0
    found += _unless(everywhere, f"Could not change non global Price when price scope is global. {ending}", *place)
    is_view = row.get("store_id") in {one["id"] for one in shop.VIEWS}
    found += _unless(is_view, f"Requested store is not found. {ending}", *place)
    price = _php(row.get("price"))
    found += _unless(_is_amount(row.get("price")), f"Invalid attribute Price = {price}. {ending}", price, *place)
    for name, label in (("price_from", "Price From"), ("price_to", "Price To")):
        # both texts hold the last day: so it was recorded
        text = f"Invalid attribute {label} = {place[3]}. {ending}"
        found += _unless(_is_stamp(row.get(name)), text, label, *place)
    return found


def _unknown_tiers(store: Store, rows: list[Row]) -> Answer | None:
    """One unknown SKU, and the whole call is a 404 (recorded)."""
    known = all(_name(row) in store.catalog.rows for row in rows)
    return None if known else Answer(status=404, body={"message": NO_PRODUCT})


def _of_tier(store: Store, row: Row, rows: list[Row], standing: Iterable[Row]) -> Errors:
    place = [_php(row.get(name)) for name in ("sku", "website_id", "customer_group", "quantity")]
    price, kind, number = row.get("price"), row.get("price_type"), row.get("website_id")
    found = _unless(_known(store, row), f"Invalid attribute SKU = %SKU. {OF_TIER}", *place)
    fits = _is_amount(price) and (kind != "discount" or float(str(price)) <= 100)
    found += _unless(fits, f"Invalid attribute Price = %price. {OF_TIER}", price, *place)
    found += _unless(
        kind in {"fixed", "discount"}, f"Invalid attribute Price Type = %priceType. {OF_TIER}", kind, *place
    )
    found += _unless((row.get("quantity") or 0) >= 1, f"Invalid attribute Quantity = %qty. {OF_TIER}", *place)
    website = number == 0 or (store.prices.scope != "global" and number in {one["id"] for one in shop.WEBSITES})
    found += _unless(website, f"Invalid attribute Website ID = %websiteId. {OF_TIER}", *place)
    twins = [other for other in rows if other is not row and _name(other) == _name(row) and _same_step(other, row)]
    twins += [other for other in standing if _same_step(other, row) and _half_everywhere(other, row)]
    double = "We found a duplicate website, tier price, customer group and quantity: "
    double += "Customer Group = %customerGroup, Website ID = %websiteId, Quantity = %qty. "
    found += _unless(not twins, double + OF_TIER, *place)
    group = _group(row) in {EVERYBODY, *(str(one["code"]).casefold() for one in shop.CUSTOMER_GROUPS)}
    return found + _unless(group, f"No such entity with Customer Group = %customerGroup. {OF_TIER}", *place)


def _same_step(one: Row, other: Row) -> bool:
    everywhere = 0 in {one.get("website_id"), other.get("website_id")}
    same_place = everywhere or one.get("website_id") == other.get("website_id")
    return same_place and _group(one) == _group(other) and one.get("quantity") == other.get("quantity")


def _half_everywhere(one: Row, other: Row) -> bool:
    return one.get("website_id") != other.get("website_id")


def _group(row: Row) -> str:
    return str(row.get("customer_group", "")).casefold()


def _tier_place(row: Row) -> Key:
    return row["website_id"], _group(row), row["quantity"]


def _tier_row(row: Row) -> Row:
    """Everybody is told in small letters, other groups as they are written (recorded)."""
    codes = {str(one["code"]).casefold(): one["code"] for one in shop.CUSTOMER_GROUPS}
    told = {name: row[name] for name in ("price", "price_type", "website_id", "quantity")}
    return told | {"customer_group": codes.get(_group(row), EVERYBODY)}


def _views_beside(number: int) -> list[int]:
    """Where the scope is website, a view's price is that of all views of its website."""
    website = next(one["website_id"] for one in shop.VIEWS if one["id"] == number)
    return [one["id"] for one in shop.VIEWS if one["website_id"] == website]  # type: ignore[misc]  # ids are numbers


def _is_number(value: Any) -> bool:
    if value is None:
        return True  # what is missing is told of its row
    try:
        float(value)
    except (TypeError, ValueError):
        return False
    return not isinstance(value, bool)


def _is_amount(value: Any) -> bool:
    number: float = value if isinstance(value, int | float) else -1
    return number >= 0


def _is_stamp(value: Any) -> bool:
    """Empty, or exactly `Y-m-d H:i:s`."""
    if not value:
        return True
    try:
        return datetime.strptime(str(value), STAMP).strftime(STAMP) == str(value)  # noqa: DTZ007  a wall clock's
    except ValueError:
        return False


def _php(value: Any) -> str | None:
    """As PHP makes a text of it: 5.0 is 5."""
    if value is None or isinstance(value, str):
        return value
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)
