"""The business behind the stand-in ERP: it takes stock off for orders, ships, invoices, refunds, cancels, and tells.

It pushes to Crossdock as any ERP would: again and again under the same number until it is taken.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from crossdock.model.base import Record
from crossdock.sandbox.run import ErpServer

Push = Callable[[str, Mapping[str, Any]], int]  # path below /rest, body -> HTTP status; comes back once it is taken
PIECES = 400
CANCELLED, RETURNED = 0.06, 0.12  # shares of all orders
STOCK, PRICES, PRODUCTS = (f"V2/erp/{flow}/update" for flow in ("inventory", "prices", "products"))
NEW = ("SCARF-1", "SCARF-2", "SCARF-3")  # products that the store does not have yet
INITIAL = Decimal("9.90")  # what each product costs at first
PEOPLE = ("Bianchi", "Ferrari", "Esposito")


class Shipped(Record, frozen=True, kw_only=True):
    """One shipment as the ERP has it: pieces by order line."""

    number: str
    order: str
    warehouse: str
    lines: dict[str, int]


class Merchant:
    """One pass of `work` deals with what is new. `warehouses`: its own names, of which the store knows the sources."""

    def __init__(self, erp: ErpServer, push: Push, warehouses: Iterable[str], seed: int) -> None:
        self._erp = erp
        self._push = push
        self._warehouses = tuple(warehouses)
        self._luck = random.Random(seed)
        self._seen: set[str] = set()
        self.stock: dict[tuple[str, str], int] = {}
        self.prices: dict[str, Decimal] = {}
        self.names: dict[str, str] = {}
        self.shipments: list[Shipped] = []
        self.invoiced: set[str] = set()
        self.returned: dict[str, str] = {}  # credit memo -> order
        self.cancelled: set[str] = set()

    def open(self, skus: Iterable[str]) -> None:
        """The morning: what lies where, and what it costs."""
        names = list(skus)
        self.stock = {(sku, place): PIECES for sku in names for place in self._warehouses}
        self.prices = {sku: Decimal(500 + 25 * n).scaleb(-2) for n, sku in enumerate(names)}
        self.names = {sku: f"Article {sku}" for sku in (*names, *NEW)}
        self._tell_products(self.names)
        self._tell_stock(self.stock)
        self._tell_prices(names)
        self.prices |= dict.fromkeys(NEW, INITIAL)  # with the product, until a price of its own is told
        for number, name in enumerate(PEOPLE):
            email = f"{name.lower()}@example.com"
            self._tell_person(f"K-{number}", first_name="Ada", last_name=name, email=email, website="base")

    def work(self) -> int:
        """Every order that has come since; returns how many."""
        fresh = [one for one in self._erp.do(lambda erp: [*erp.orders]) if one["order_number"] not in self._seen]
        for order in fresh:
            if order["order_number"] not in self._seen:
                self._seen.add(order["order_number"])
                self._deal_with(order["order_number"], order["payload"]["items"])
        return len(fresh)

    def reprice(self, share: float) -> None:
        """Some prices change over the day."""
        names = [sku for sku in self.prices if self._luck.random() < share]
        for sku in names:
            self.prices[sku] = (self.prices[sku] * Decimal("1.1")).quantize(Decimal("0.01"))
        self._tell_prices(names)

    def rename(self, share: float) -> None:
        """So do some names of products."""
        names = [sku for sku in self.names if self._luck.random() < share]
        self.names |= {sku: f"{self.names[sku]}, new" for sku in names}
        self._tell_products(names)

    def marry(self) -> None:
        """And one of a customer."""
        self._tell_person("K-0", last_name="Bianchi Rossi")

    def _deal_with(self, order: str, items: list[dict[str, Any]]) -> None:
        if self._luck.random() < CANCELLED:
            self.cancelled.add(order)
            document = {"number": f"UP-{order}", "order": order, "action": "cancel", "comment": "sold out"}
            self._push("V1/erp/order-updates", document)
            return
        self._invoice(order)
        goods = [row for row in items if not row["virtual"] and row["product_type"] != "bundle"]
        if goods:
            self._ship(order, goods)
        plain = [row for row in goods if row["product_type"] == "simple" and not row["parent_line_id"]]
        if plain and self._luck.random() < RETURNED:
            self._take_back(order, plain[0])

    def _invoice(self, order: str) -> None:
        self.invoiced.add(order)
        self._push("V1/erp/invoices", {"number": f"IN-{order}", "order": order})

    def _ship(self, order: str, goods: list[dict[str, Any]]) -> None:
        place = self._luck.choice(self._warehouses)
        lines = {str(row["line_id"]): int(row["qty"]) for row in goods}
        for row in goods:
            self.stock[row["sku"], place] = self.stock.get((row["sku"], place), PIECES) - int(row["qty"])
        moment = datetime.now(UTC).isoformat()
        shipment = Shipped(number=f"SH-{order}", order=order, warehouse=place, lines=lines)
        self.shipments.append(shipment)
        document = {
            "number": shipment.number,
            "order": order,
            "warehouse": place,
            "shipped_at": moment,
            "lines": [{"line": line, "qty": count} for line, count in lines.items()],
            "tracks": [{"number": f"T-{order}", "carrier": "custom", "title": "Courier"}],
        }
        levels = {(row["sku"], place): self.stock[row["sku"], place] for row in goods}
        told: list[Callable[[], Any]] = [
            lambda: self._push("V1/erp/shipments", document),
            lambda: self._tell_stock(levels),
        ]
        self._luck.shuffle(told)  # an ERP tells its level before or after what has left, as it happens
        for tell in told:
            tell()

    def _take_back(self, order: str, row: Mapping[str, Any]) -> None:
        number = f"CM-{order}"
        self.returned[number] = order
        lines = [{"line": row["line_id"], "qty": 1}]
        self._push("V1/erp/credit-memos", {"number": number, "order": order, "lines": lines, "shipping": 0})

    def _tell_stock(self, levels: Mapping[tuple[str, str], int]) -> None:
        moment = datetime.now(UTC).isoformat()
        rows = [
            {"sku": sku, "warehouse": place, "qty": count, "as_of": moment} for (sku, place), count in levels.items()
        ]
        self._push(STOCK, {"items": rows})

    def _tell_prices(self, skus: Iterable[str]) -> None:
        moment = datetime.now(UTC).isoformat()
        rows = [
            {"kind": "base", "sku": sku, "scope": "ALL", "price": str(self.prices[sku]), "as_of": moment}
            for sku in skus
        ]
        if rows:
            self._push(PRICES, {"items": rows})

    def _tell_products(self, skus: Iterable[str]) -> None:
        moment = datetime.now(UTC).isoformat()
        rows = [{"sku": sku, "name": self.names[sku], "price": str(INITIAL), "as_of": moment} for sku in skus]
        if rows:
            self._push(PRODUCTS, {"items": rows})

    def _tell_person(self, number: str, **told: str) -> None:
        self._erp.do(lambda erp: erp.people.edit(number, told))
        self._push("V1/erp/customers", {"number": number, "as_of": datetime.now(UTC).isoformat()} | told)
