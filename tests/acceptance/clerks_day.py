"""A day of the people who work in Tryton: what arrives is shipped, invoiced, credited; goods and customers change."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from decimal import Decimal
from typing import Any

from crossdock.erp.tryton.mapping import RETURN_MARK, key_in
from crossdock.errors import DeliveryError, Temporary
from tests.erp.tryton.clerk import Clerk
from tests.tryton_server import Tryton

PIECES = 400
SERVICES = ("VIRT-", "BUNDLE-")  # of these nothing lies on a shelf
SHOP, CARRIER = "Shop", "Pigeon"
TO_PACK = {"waiting": "assign_force", "assigned": "pick"}
TO_SEND = {"picked": "pack", "packed": "do"}
PATIENCE = 60.0


class Business:
    """One pass of `work` deals with the orders that have come since. `left_alone`: references of those that nobody touches.

    On SQLite one writes at a time, and Tryton refuses the others: then a person presses the button again.
    """

    def __init__(self, tryton: Tryton, clerk: Clerk, left_alone: Collection[str]) -> None:
        self._tryton, self._clerk = tryton, clerk
        self._left_alone = left_alone
        self._pressing = tryton.client.within({"_skip_warnings": True})  # REST only
        self._box = 0
        self.done: list[str] = []

    def open(self) -> list[str]:
        """The morning: what is a service, what lies where, what it costs, what it is called; the codes of the goods."""
        for row in self._tryton.rows("product.product", [], "code", "template"):
            if str(row["code"]).startswith(SERVICES):
                self._write("product.template", row["template"], {"type": "service"})
        goods = [str(row["code"]) for row in self._tryton.rows("product.product", [("type", "=", "goods")], "code")]
        self.reprice(goods[20:], Decimal("5.00"))
        self.count(goods, PIECES)
        self._box = self._tryton.client.create("stock.package.type", {"name": "Box"})
        return goods

    def work(self, most: int = 3) -> int:
        """At most so many orders; how many have been dealt with so far."""
        domain = [("state", "in", ["processing", "done"])]
        for sale in self._tryton.rows("sale.sale", domain, "reference", "comment", "invoices", "origin"):
            named = str(sale["reference"])
            fresh = named not in self.done and named not in self._left_alone and not sale["origin"]
            if fresh and key_in(sale["comment"]) and most:
                most -= 1
                self.done.append(named)
                self._ship(named)
                for invoice in sale["invoices"]:
                    self._post(invoice)
        return len(self.done)

    def give_back(self, credited: str, returned: str) -> None:
        """One order's invoice is credited, and another one is returned."""
        (sale,) = self._tryton.rows("sale.sale", [("reference", "=", credited)], "invoices")
        self._post(self._again(lambda: self._clerk.credit(sale["invoices"][0])))
        (sale,) = self._tryton.rows("sale.sale", [("reference", "=", returned)], "invoices")
        back = self._again(lambda: self._clerk.return_sale(sale["id"]))
        self._until("sale.sale", back, {"draft": "quote", "quotation": "confirm"}, "processing")
        (made,) = self._tryton.rows("sale.sale", [("id", "=", back)], "invoices")
        self._post(made["invoices"][0])

    def post_refunds(self) -> None:
        """The credit notes in draft that came of the shop's own refunds."""
        for sale in self._tryton.rows("sale.sale", [("origin", "like", "sale.sale,%")], "comment", "invoices"):
            if key_in(sale["comment"], RETURN_MARK):
                for invoice in sale["invoices"]:
                    self._post(invoice)

    def count(self, codes: Sequence[str], quantity: int) -> None:
        """A stock-taking."""
        (place,) = self._tryton.rows("stock.location", [("type", "=", "warehouse")], "storage_location")
        products = self._tryton.rows("product.product", [("code", "in", list(codes))], "id")
        lines = [{"product": row["id"], "quantity": quantity} for row in products]
        taken = {"location": place["storage_location"], "lines": [["create", lines]]}
        ident = self._again(lambda: self._clerk.client.create("stock.inventory", taken))
        self._until("stock.inventory", ident, {"draft": "confirm"}, "done")

    def reprice(self, codes: Sequence[str], first: Decimal) -> None:
        """List prices, each a quarter above the one before."""
        for place, sku in enumerate(codes):
            price = first + Decimal("0.25") * place
            self._write("product.template", self._tryton.product(sku)["template"], {"list_price": price})

    def rename(self, codes: Sequence[str], word: str) -> None:
        """Names of products."""
        for sku in codes:
            self._write("product.template", self._tryton.product(sku)["template"], {"name": f"{word} {sku}"})

    def welcome(self, code: str, name: str, city: str) -> None:
        """Somebody who buys by telephone, and is to be a customer of the shop's too."""
        place = {"street": "Via Roma 1", "city": city, "postal_code": "20100", "country": self._clerk.country("IT")}
        email = {"type": "email", "value": f"{code.lower()}@example.com"}
        told = {
            "name": name,
            "code": code,
            "categories": [["add", [self._clerk.category(SHOP)]]],
            "addresses": [["create", [place | {"invoice": True, "delivery": True}]]],
            "contact_mechanisms": [["create", [email]]],
        }
        self._again(lambda: self._clerk.client.create("party.party", told))

    def move(self, code: str, city: str) -> None:
        """A customer has moved to another city."""
        self._write("party.address", self._clerk.addresses(code)[0]["id"], {"city": city})

    def marry(self, code: str, name: str) -> None:
        """A customer is called otherwise."""
        self._write("party.party", self._clerk.party(code)["id"], {"name": name})

    def _ship(self, named: str) -> None:
        for waiting in self._tryton.shipments(named):
            self._until("stock.shipment.out", waiting["id"], TO_PACK, "picked")
            self._pack(waiting["id"], named)
            self._until("stock.shipment.out", waiting["id"], TO_SEND, "done")

    def _pack(self, shipment: int, named: str) -> None:
        of_it = [("shipment", "=", f"stock.shipment.out,{shipment}"), ("to_location.type", "=", "customer")]
        moves = self._tryton.rows("stock.move", of_it, "package")
        if any(row["package"] for row in moves):
            return
        values = {"shipment": f"stock.shipment.out,{shipment}", "type": self._box, "company": 1}
        own = {"moves": [["add", [row["id"] for row in moves]]], "shipping_reference": f"T-{named}"}
        self._again(lambda: self._clerk.client.create("stock.package", values | own))

    def _post(self, invoice: int) -> None:
        self._until("account.invoice", invoice, {"draft": "post"}, "posted")

    def _until(self, model: str, ident: int, buttons: Mapping[str, str], wanted: str) -> None:
        """Presses what each state has; whatever a button says, the state is looked at afterwards."""
        until = time.monotonic() + PATIENCE
        while (state := self._tryton.rows(model, [("id", "=", ident)], "state")[0]["state"]) != wanted:
            assert time.monotonic() < until, f"{model} {ident} stays {state}"
            with contextlib.suppress(DeliveryError):
                if state in buttons:
                    self._pressing.press(model, ident, buttons[state])
                    continue
            time.sleep(0.2)

    def _write(self, model: str, ident: int, values: dict[str, Any]) -> None:
        self._again(lambda: self._clerk.client.write(model, ident, values))

    def _again(self, act: Callable[[], Any]) -> Any:
        until = time.monotonic() + PATIENCE
        while True:
            try:
                return act()
            except Temporary:
                if time.monotonic() > until:
                    raise
                time.sleep(0.2)
