"""Orders as a Magento store sends them, made from a seed. Their money holds by the identities of docs/concepts.md."""

from __future__ import annotations

import random
from datetime import datetime
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

CENT = Decimal("0.01")
RATE = Decimal(22)
STAMP = "%Y-%m-%d %H:%M:%S"
KINDS = ("simple", "several", "configurable", "bundle", "virtual", "coupon")
FIRST = ("Anna", "Mario", "Lena", "Ivo", "Chloe", "Pablo")
LAST = ("Rossi", "Weber", "Novak", "Martin", "Silva", "Berg")


def cents(amount: Decimal) -> Decimal:
    """Rounded as the store rounds."""
    return amount.quantize(CENT, ROUND_HALF_UP)


class OrderMaker:
    """Makes one order after the other."""

    def __init__(self, seed: int) -> None:
        self._luck = random.Random(seed)
        self._next_row = 1
        self._carried = Decimal(0)

    def make(self, number: int, now: datetime, kind: str = "") -> dict[str, Any]:
        """The order with entity_id `number`, placed now, of one of KINDS."""
        kind = kind or self._luck.choice(KINDS)
        self._carried = Decimal(0)
        rows = self._rows(kind, number, Decimal(10) if kind == "coupon" else Decimal(0))
        address = self._address(number)
        shipping = Decimal(0) if kind == "virtual" else Decimal(self._luck.choice(("5.00", "7.90", "0.00")))
        order = self._header(number, now, rows, shipping) | {
            "customer_firstname": address["firstname"],
            "customer_lastname": address["lastname"],
            "customer_email": address["email"],
            "is_virtual": int(kind == "virtual"),
            "items": rows,
            "billing_address": address | {"address_type": "billing"},
            "status_histories": [],
        }
        if kind == "coupon":
            order |= {"coupon_code": "TEN", "discount_description": "TEN"}
        order["payment"] = self._payment(order)
        assignment: dict[str, Any] = {"shipping": {"total": {}}, "items": []}
        if kind != "virtual":
            order["shipping_description"] = "Flat Rate - Fixed"
            place = address | {"address_type": "shipping"}
            assignment = {"shipping": {"address": place, "method": "flatrate_flatrate", "total": {}}, "items": rows}
        order["extension_attributes"] = {"shipping_assignments": [assignment]}
        return order

    def _rows(self, kind: str, order: int, percent: Decimal) -> list[dict[str, Any]]:
        if kind == "configurable":
            parent = self._row(order, kind, f"SIM-{self._luck.randint(1, 50):04}", percent)
            return [parent, self._child(parent, parent["sku"])]
        if kind == "bundle":
            parent = self._row(order, kind, f"BUNDLE-{self._luck.randint(1, 9)}", percent)
            return [parent, *(self._child(parent, f"SIM-{self._luck.randint(1, 50):04}") for _ in range(2))]
        count = 3 if kind in {"several", "coupon"} else 1
        row_kind = "virtual" if kind == "virtual" else "simple"
        skus = self._luck.sample(range(1, 51), count)
        return [self._row(order, row_kind, f"SIM-{sku:04}", percent) for sku in skus]

    def _row(self, order: int, kind: str, sku: str, percent: Decimal) -> dict[str, Any]:
        price = Decimal(self._luck.randint(199, 19999)) / 100
        quantity = self._luck.randint(1, 4)
        gross = price * quantity
        discount = cents(gross * percent / 100)
        # the store's default: tax is rounded on the total, and each row carries the last one's remainder on
        exact = (gross - discount) * RATE / 100 + self._carried
        tax = cents(exact)
        self._carried = exact - tax
        money = {
            "price": price,
            "original_price": price,
            "price_incl_tax": cents(price * (100 + RATE) / 100),
            "discount_amount": discount,
            "tax_amount": tax,
            "discount_tax_compensation_amount": Decimal(0),
            # REST sends the row already net of its discount
            "row_total": gross - discount,
            "row_total_incl_tax": gross - discount + tax,
        }
        return (
            self._numbered(order, kind, sku, quantity)
            | money
            | _base(money)
            | {
                "tax_percent": RATE,
                "discount_percent": percent,
            }
        )

    def _child(self, parent: dict[str, Any], sku: str) -> dict[str, Any]:
        row = self._numbered(parent["order_id"], "simple", sku, parent["qty_ordered"])
        zero = dict.fromkeys(("price", "row_total", "tax_amount", "discount_amount"), Decimal(0))
        return row | zero | _base(zero) | {"parent_item_id": parent["item_id"]}

    def _numbered(self, order: int, kind: str, sku: str, quantity: int) -> dict[str, Any]:
        row = {
            "item_id": self._next_row,
            "order_id": order,
            "quote_item_id": self._next_row,
            "product_type": kind,
            "sku": sku,
            "name": f"Product {sku}",
            "qty_ordered": quantity,
            "qty_canceled": 0,
            "qty_invoiced": 0,
            "qty_refunded": 0,
            "qty_shipped": 0,
            "store_id": 1,
            "weight": Decimal("1.5"),
            "is_virtual": int(kind == "virtual"),
        }
        self._next_row += 1
        return row

    def _header(self, number: int, now: datetime, rows: list[dict[str, Any]], shipping: Decimal) -> dict[str, Any]:
        counted = [row for row in rows if "parent_item_id" not in row]
        discount = sum((row["discount_amount"] for row in counted), Decimal(0))
        subtotal = sum((row["row_total"] for row in counted), Decimal(0)) + discount
        tax = sum((row["tax_amount"] for row in counted), Decimal(0))
        total = subtotal - discount + tax + shipping
        money = {
            "subtotal": subtotal,
            "subtotal_incl_tax": subtotal + tax,
            "discount_amount": -discount,
            "tax_amount": tax,
            "discount_tax_compensation_amount": Decimal(0),
            "shipping_amount": shipping,
            "shipping_incl_tax": shipping,
            "shipping_tax_amount": Decimal(0),
            "shipping_discount_amount": Decimal(0),
            "grand_total": total,
            "total_due": total,
        }
        zeros = {
            "shipping_discount_tax_compensation_amount": Decimal(0),
            "base_shipping_discount_tax_compensation_amnt": Decimal(0),
        }
        return (
            money
            | _base(money)
            | zeros
            | {
                "entity_id": number,
                "increment_id": f"{number:09}",
                "state": "new",
                "status": "pending",
                "store_id": 1,
                "created_at": now.strftime(STAMP),
                "updated_at": now.strftime(STAMP),
                "base_currency_code": "EUR",
                "order_currency_code": "EUR",
                "global_currency_code": "EUR",
                "store_currency_code": "EUR",
                "base_to_order_rate": 1,
                "base_to_global_rate": 1,
                "store_to_base_rate": 0,
                "store_to_order_rate": 0,
                "customer_is_guest": 1,
                "customer_group_id": 0,
                "total_item_count": len(counted),
                "quote_id": number,
                "store_name": "Main Website\nMain Website Store\nDefault Store View",
                "billing_address_id": 2 * number,
            }
        )

    def _address(self, number: int) -> dict[str, Any]:
        first, last = self._luck.choice(FIRST), self._luck.choice(LAST)
        return {
            "firstname": first,
            "lastname": last,
            "email": f"{first}.{last}{number}@example.com".lower(),
            "city": "Milano",
            "country_id": "IT",
            "postcode": "20100",
            "region": "Milano",
            "region_code": "MI",
            "region_id": 889,
            "street": ["Via Roma 1", "Scala B"],
            "telephone": "+39 02 123456",
            "entity_id": 2 * number,
            "parent_id": number,
        }

    @staticmethod
    def _payment(order: dict[str, Any]) -> dict[str, Any]:
        return {
            "method": "checkmo",
            "account_status": None,
            "cc_last4": None,
            "additional_information": ["Check / Money order"],
            "amount_ordered": order["grand_total"],
            "base_amount_ordered": order["grand_total"],
            "shipping_amount": order["shipping_amount"],
            "entity_id": order["entity_id"],
            "parent_id": order["entity_id"],
        }


def _base(money: dict[str, Decimal]) -> dict[str, Decimal]:
    return {f"base_{name}": amount for name, amount in money.items()}
