"""Orders as a Magento store sends them, made from a seed. Their money holds by the identities of docs/concepts.md."""

from __future__ import annotations

import random
from datetime import datetime
from decimal import Decimal
from typing import Any

from crossdock.model.base import Record
from crossdock.sandbox import extras
from crossdock.sandbox.amounts import NOTHING, ZERO, Amounts, Carry, Taxing, add, cents, compute
from crossdock.sandbox.rows import FREE, Money, Product, plain, priced, row, summed, unpriced

RATE = Decimal(22)
DOLLAR = Decimal("1.0837")
STAMP = "%Y-%m-%d %H:%M:%S"
FIRST = ("Anna", "Mario", "Lena", "Ivo", "Chloé", "Pablo")
LAST = ("Rossi", "Weber", "Nováková", "Martin", "Silva", "Berg")
PLACES = (
    {"city": "Milano", "country_id": "IT", "postcode": "20100", "region": "Milano", "region_code": "MI"}
    | {"region_id": 889, "street": ["Via Roma 1", "Scala B"], "telephone": "+39 02 123456"},
    {"city": "Köln", "country_id": "DE", "postcode": "50667", "region": "Nordrhein-Westfalen", "region_code": "NRW"}
    | {"region_id": 88, "street": ["Domstraße 7"], "telephone": "+49 221 123456", "company": "Berg & Söhne GmbH"},
    {"city": "Wellington", "country_id": "NZ", "postcode": "6011", "street": ["1 Cuba St"], "telephone": "+64 4 1234"},
)
SIMPLE, VIRTUAL = 50, 9  # so many of each
COLOURS = ("BLUE", "RED", "GREEN")
SKUS = (
    *(f"SIM-{number:04}" for number in range(1, SIMPLE + 1)),
    *(f"VIRT-{number}" for number in range(1, VIRTUAL + 1)),
    *(f"TSHIRT-{colour}" for colour in COLOURS),
    "BUNDLE-FIX",
    "BUNDLE-DYN",
)


class Recipe(Record, frozen=True, kw_only=True):
    """What goes into one kind of order."""

    products: tuple[str, ...] = ("simple",)
    inclusive: bool = False
    percent: int = 0
    shipping_percent: int = 0
    shipping_taxed: bool = False
    dollars: bool = False
    customer: bool = False


SOME = ("simple", "simple", "simple")
RECIPES = {
    "simple": Recipe(),
    "several": Recipe(products=SOME),
    "configurable": Recipe(products=("configurable",)),
    "mixed": Recipe(products=("simple", "configurable")),
    "bundle": Recipe(products=("bundle",)),
    "dynamic_bundle": Recipe(products=("dynamic", "simple")),
    "virtual": Recipe(products=("virtual",)),
    "coupon": Recipe(products=SOME, percent=10),
    "bundle_coupon": Recipe(products=("bundle", "dynamic", "configurable"), percent=15, shipping_taxed=True),
    "inclusive": Recipe(products=SOME, inclusive=True),
    "inclusive_coupon": Recipe(products=("simple", "dynamic", "configurable"), inclusive=True, percent=33),
    "shipping_coupon": Recipe(products=SOME, inclusive=True, percent=15, shipping_percent=15),
    "dollars": Recipe(products=("simple", "configurable"), dollars=True, shipping_taxed=True),
    "dollars_coupon": Recipe(products=("dynamic", "simple"), dollars=True, percent=10, inclusive=True),
    "customer": Recipe(products=("simple", "virtual"), customer=True),
}
KINDS = tuple(RECIPES)


class OrderMaker:
    """Makes one order after the other; an order depends on the seed and its number alone (item ids on those before)."""

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._next_row = 1

    def make(self, number: int, now: datetime, kind: str = "") -> dict[str, Any]:
        """The order with entity_id `number`, placed now, of one of KINDS. Raises KeyError for another kind."""
        luck = random.Random(f"{self._seed} {number}")
        drawn = luck.choice(KINDS)
        basket = Basket(luck, RECIPES[kind or drawn], number, now.strftime(STAMP), self._next_row)
        self._next_row += len(basket.rows)
        made: dict[str, Any] = plain(basket.order())
        made["extension_attributes"] = extras.attributes(made)
        return made


class Basket:
    """One order in the making."""

    def __init__(self, luck: random.Random, recipe: Recipe, number: int, stamp: str, first_row: int) -> None:
        self._luck, self._recipe, self._number, self._stamp = luck, recipe, number, stamp
        self._next_row = first_row
        self._store = 2 if recipe.dollars else 1
        self._paid: list[Money] = []  # of the rows that count
        self._carries = (Carry(), Carry())  # order and base currency
        self.rows: list[dict[str, Any]] = []
        for kind in recipe.products:
            self._add(kind)
        self._virtual = all(one["is_virtual"] for one in self.rows)
        self._shipping = FREE if self._virtual else self._ship()

    def order(self) -> dict[str, Any]:
        """As REST sends it, without extension_attributes."""
        person = self._person()
        order = self._header() | self._money("", 0) | self._money("base_", 1) | self._promotion()
        order |= {
            "items": self.rows,
            "billing_address": person | {"address_type": "billing", "entity_id": 2 * self._number},
            "customer_email": person["email"],
            "customer_firstname": person["firstname"],
            "customer_lastname": person["lastname"],
            "customer_is_guest": int(not self._recipe.customer),
            "customer_group_id": int(self._recipe.customer),
            "status_histories": [],
        }
        if self._recipe.customer:
            order["customer_id"] = self._number % 50 + 1
        if not self._virtual:
            order["shipping_description"] = "Flat Rate - Fixed"
        return order | {"payment": self._payment(order)}

    def _add(self, kind: str) -> None:
        quantity = self._luck.randint(1, 4)
        add_one = {"configurable": self._configurable, "bundle": self._bundle, "dynamic": self._dynamic}.get(kind)
        if add_one:
            add_one(quantity)
            return
        number = self._luck.randint(1, VIRTUAL if kind == "virtual" else SIMPLE)
        sku = f"VIRT-{number}" if kind == "virtual" else f"SIM-{number:04}"
        self._sold(self._row(Product(number, sku, f"Product {sku}", kind), quantity))

    def _configurable(self, quantity: int) -> None:
        colour = self._luck.choice(COLOURS)
        option = {"configurable_item_options": [{"option_id": "93", "option_value": self._luck.randint(4, 9)}]}
        parent = self._row(Product(54, f"TSHIRT-{colour}", "T-Shirt", "configurable", Decimal("0.3")), quantity)
        parent = self._sold(parent | {"product_option": {"extension_attributes": option}})
        child = Product(60, f"TSHIRT-{colour}", f"T-Shirt {colour.title()}", "simple", Decimal("0.3"))
        self._under(parent, unpriced(self._row(child, quantity)))

    def _bundle(self, quantity: int) -> None:
        parent = self._sold(self._row(_kit("BUNDLE-FIX"), quantity) | _options(1))
        for number in self._luck.sample(range(1, SIMPLE + 1), 2):
            self._under(parent, unpriced(self._row(_part(number), quantity)))

    def _dynamic(self, quantity: int) -> None:
        parent = self._row(_kit("BUNDLE-DYN"), quantity) | _options(20)
        self.rows.append(parent)
        first = len(self._paid)
        for each in (2, 1):
            child = self._row(_part(self._luck.randint(1, SIMPLE)), quantity * each)
            self._sold(child | {"parent_item_id": parent["item_id"], "parent_item": parent})
        parent.update(summed(parent, self._paid[first:], quantity))

    def _row(self, product: Product, quantity: int) -> dict[str, Any]:
        place = {
            "item_id": self._next_row,
            "order_id": self._number,
            "store_id": self._store,
            "created_at": self._stamp,
        }
        self._next_row += 1
        return row(product, quantity, place)

    def _sold(self, made: dict[str, Any]) -> dict[str, Any]:
        price = Decimal(self._luck.randint(199, 19999)) / 100
        taxing = Taxing(RATE, Decimal(self._recipe.percent), self._recipe.inclusive)
        money = self._both(price, made["qty_ordered"], taxing, self._carries)
        self._paid.append(money)
        self.rows.append(priced(made, money, rate=RATE, percent=Decimal(self._recipe.percent)))
        return self.rows[-1]

    def _under(self, parent: dict[str, Any], child: dict[str, Any]) -> None:
        self.rows.append(child | {"parent_item_id": parent["item_id"], "parent_item": parent})

    def _both(self, price: Decimal, quantity: int, taxing: Taxing, carries: tuple[Carry, Carry]) -> Money:
        here = cents(price * (DOLLAR if self._recipe.dollars else 1))
        return Money(compute(here, quantity, taxing, carries[0]), compute(price, quantity, taxing, carries[1]))

    def _ship(self) -> Money:
        price = Decimal(self._luck.choice(("5.00", "7.90", "10.00")))
        taxed = self._recipe.inclusive or self._recipe.shipping_taxed
        taxing = Taxing(RATE if taxed else ZERO, Decimal(self._recipe.shipping_percent), self._recipe.inclusive)
        return self._both(price, 1, taxing, (Carry(), Carry()))  # the store computes shipping by itself

    def _money(self, prefix: str, which: int) -> dict[str, Any]:
        rows = add([one[which] for one in self._paid]) if self._paid else NOTHING
        return totals(prefix, rows, self._shipping[which])

    def _promotion(self) -> dict[str, Any]:
        name = {0: "", 10: "TEN"}.get(self._recipe.percent, f"PCT{self._recipe.percent}")
        return {"coupon_code": name, "discount_description": name, "applied_rule_ids": "1"} if name else {}

    def _person(self) -> dict[str, Any]:
        first, last = self._luck.choice(FIRST), self._luck.choice(LAST)
        who = "customer" if self._recipe.customer else "guest"
        name = {"firstname": first, "lastname": last, "email": f"{who}{self._number}@example.com"}
        return name | self._luck.choice(PLACES) | {"parent_id": self._number}

    def _header(self) -> dict[str, Any]:
        tops = [one for one in self.rows if "parent_item_id" not in one]
        order_currency = "USD" if self._recipe.dollars else "EUR"
        view = "US View" if self._recipe.dollars else "Default Store View"
        return {
            "entity_id": self._number,
            "increment_id": f"{'2' if self._recipe.dollars else ''}{self._number:09}",
            "state": "new",
            "status": "pending",
            "store_id": self._store,
            "store_name": f"Main Website\nMain Website Store\n{view}",
            "created_at": self._stamp,
            "updated_at": self._stamp,
            "base_currency_code": "EUR",
            "global_currency_code": "EUR",
            "store_currency_code": "EUR",
            "order_currency_code": order_currency,
            "base_to_global_rate": 1,
            "base_to_order_rate": DOLLAR if self._recipe.dollars else 1,
            "store_to_base_rate": 0,
            "store_to_order_rate": 0,
            "billing_address_id": 2 * self._number,
            "customer_note_notify": 1,
            "is_virtual": int(self._virtual),
            "protect_code": f"{self._luck.getrandbits(128):032x}",
            "quote_id": self._number,
            "remote_ip": "127.0.0.1",
            "total_item_count": len(tops),
            "total_qty_ordered": sum(one["qty_ordered"] for one in tops),
            "weight": sum(one["row_weight"] for one in tops),
        }

    def _payment(self, order: dict[str, Any]) -> dict[str, Any]:
        return {
            "account_status": None,
            "additional_information": ["Check / Money order"],
            "amount_ordered": order["grand_total"],
            "base_amount_ordered": order["base_grand_total"],
            "base_shipping_amount": order["base_shipping_amount"],
            "cc_last4": None,
            "entity_id": self._number,
            "method": "checkmo",
            "parent_id": self._number,
            "shipping_amount": order["shipping_amount"],
        }


def totals(prefix: str, rows: Amounts, shipping: Amounts) -> dict[str, Any]:
    """In one currency: grand_total = subtotal + discount_amount + tax + both compensations + shipping."""
    due = rows.due + shipping.due
    compensation = "discount_tax_compensation_amount"
    told = {
        "subtotal": rows.net,
        "subtotal_incl_tax": rows.gross,
        "discount_amount": -(rows.discount + shipping.discount),
        "tax_amount": rows.tax + shipping.tax,
        compensation: rows.compensation,
        "shipping_amount": shipping.net,
        "shipping_incl_tax": shipping.gross,
        "shipping_tax_amount": shipping.tax,
        "shipping_discount_amount": shipping.discount,
        "grand_total": due,
        "total_due": due,
    }
    # the base currency's name for it is cut off in the database, and so on the wire
    name = "base_shipping_discount_tax_compensation_amnt" if prefix else f"shipping_{compensation}"
    return {f"{prefix}{key}": value for key, value in told.items()} | {name: shipping.compensation}


def _kit(sku: str) -> Product:
    return Product(611, sku, "Bundle", "bundle", ZERO)


def _part(number: int) -> Product:
    return Product(number, f"SIM-{number:04}", f"Simple {number}", "simple", Decimal(1))


def _options(first: int) -> dict[str, Any]:
    chosen = [{"option_id": first + n, "option_qty": 1, "option_selections": [35 + n]} for n in range(2)]
    return {"product_option": {"extension_attributes": {"bundle_options": chosen}}}
