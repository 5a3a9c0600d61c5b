"""A real Tryton for tests: installed and filled once, a fresh copy of its database for each server."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

from crossdock.erp.tryton.answers import encode
from crossdock.erp.tryton.client import Query, RestWire, Row, TrytonClient
from crossdock.erp.tryton.settings import DUPLICATE
from crossdock.errors import Misconfigured
from crossdock.sandbox import tryton
from crossdock.sandbox.tryton import KEY, TrytonServer
from crossdock.transport.auth import Bearer
from crossdock.transport.http import Http
from tests.databases import missing

KEY_NAME = "CROSSDOCK_TEST_TRYTON_KEY"
PASSWORD_NAME = "CROSSDOCK_TEST_TRYTON_PASSWORD"
COMPANY = 1


class Tryton:
    """A running server, and what tests ask it directly."""

    def __init__(self, server: TrytonServer) -> None:
        self.url = server.url
        self.database = server.database
        wire = RestWire(server.url, server.database)
        self.client = TrytonClient(Http(), Bearer(KEY), wire, duplicate=DUPLICATE).about((), company=COMPANY)
        self._unit = 0

    def settings(self, **more: Any) -> dict[str, Any]:
        """A connection's table."""
        return tryton.settings(self.url, f"env:{KEY_NAME}") | {"database": self.database, "settling_s": 1} | more

    def session_settings(self, **more: Any) -> dict[str, Any]:
        """The same over JSON-RPC."""
        login = {"scheme": "session", "username": "admin", "password": f"env:{PASSWORD_NAME}"}
        return self.settings(auth=login, **more)

    def rows(self, model: str, domain: Sequence[Any], *fields: str) -> list[dict[str, Any]]:
        """What it has."""
        return list(self.client.search(Query(model=model, domain=tuple(domain), fields=fields)).rows)

    def write(self, model: str, ident: int, **values: Any) -> None:
        """Changes a record, as a person would."""
        wire = RestWire(self.url, self.database)
        request = wire._request("PUT", f"{model}/{ident}", {"company": COMPANY}, body=encode(values))
        self.client._call(request, writes=True)

    def product(self, sku: str) -> dict[str, Any]:
        """Its id and its template's."""
        (found,) = self.rows("product.product", [("code", "=", sku)], "template", "code")
        return found

    def count_stock(self, sku: str, quantity: int, warehouse: str = "WH") -> None:
        """A stock-taking: so many lie in the warehouse's storage."""
        domain = [("type", "=", "warehouse"), ("code", "=", warehouse)]
        (place,) = self.rows("stock.location", domain, "storage_location")
        line = {"product": self.product(sku)["id"], "quantity": quantity}
        taken = {"location": place["storage_location"], "lines": [["create", [line]]]}
        self.client.press("stock.inventory", self.client.create("stock.inventory", taken), "confirm")

    def shipments(self, reference: str) -> list[dict[str, Any]]:
        """Every shipment for the sales under a reference."""
        moves = self.rows("stock.move", [("sale.reference", "=", reference)], "shipment")
        idents = {int(str(row["shipment"]).partition(",")[2]) for row in moves if row["shipment"]}
        return self.rows("stock.shipment.out", [("id", "in", sorted(idents))], "number", "state")

    def ship(self, reference: str) -> str:
        """Sends off what waits for an order; the shipment's number."""
        (waiting,) = [row for row in self.shipments(reference) if row["state"] == "waiting"]
        for button in ("assign_force", "pick", "pack", "do"):
            self.client.press("stock.shipment.out", waiting["id"], button)
        return str(waiting["number"])

    def post_invoice(self, reference: str) -> str:
        """Posts the one invoice of an order, over the warning that its taxes are not the products' own; its number."""
        (draft,) = self.invoices(reference)
        self.client.within({"_skip_warnings": True}).press("account.invoice", draft["id"], "post")
        (posted,) = self.rows("account.invoice", [("id", "=", draft["id"])], "number")
        return str(posted["number"])

    def sales(self, reference: str) -> list[dict[str, Any]]:
        """Every sale under a reference."""
        fields = ("number", "state", "comment", "party", "untaxed_amount", "tax_amount", "total_amount")
        return self.rows("sale.sale", [("reference", "=", reference)], *fields)

    def invoices(self, reference: str) -> list[dict[str, Any]]:
        """Every invoice made for the sales under a reference."""
        return self.rows("account.invoice", [("sales.reference", "=", reference)], "state")

    def add_products(self, skus: Sequence[str]) -> None:
        """Those that are not there yet, counted with four decimals."""
        there = {row["code"] for row in self.rows("product.product", [("code", "in", list(skus))], "code")}
        for sku in dict.fromkeys(skus):
            if sku not in there:
                self.client.create("product.template", self._template(sku))

    def add_country(self, code: str) -> None:
        if not self.rows("country.country", [("code", "=", code)], "code"):
            self.client.create("country.country", {"name": code, "code": code})

    def add_tax(self, rate: Decimal) -> None:
        """A tax of so many percent, like the ones there are."""
        if self.rows("account.tax", [("rate", "=", rate / 100)], "id"):
            return
        model = self.rows("account.tax", [], "invoice_account", "credit_note_account")[0]
        accounts = {name: model[name] for name in ("invoice_account", "credit_note_account")}
        named = {"name": f"VAT {rate} %", "description": f"VAT {rate} %", "company": COMPANY}
        self.client.create("account.tax", named | {"type": "percentage", "rate": rate / 100} | accounts)

    def _template(self, sku: str) -> Row:
        category = self.rows("product.category", [("accounting", "=", True)], "id")[0]["id"]
        return {
            "name": sku,
            "type": "goods",
            "default_uom": self._fine_unit(),
            "sale_uom": self._fine_unit(),
            "salable": True,
            "account_category": category,
            "products": [["create", [{"suffix_code": sku, "list_price": Decimal(10)}]]],
        }

    def _fine_unit(self) -> int:
        if not self._unit:
            (unit,) = self.rows("product.uom", [("name", "=", "Unit")], "category")
            values = {"name": "Fine", "symbol": "f", "category": unit["category"], "rate": 1, "factor": 1}
            self._unit = self.client.create("product.uom", values | {"rounding": 0.0001, "digits": 4})
        return self._unit


@contextmanager
def start_tryton(folder: Path, *, unique: bool = False, more: bool = False, postgres: str = "") -> Iterator[Tryton]:
    """A server of its own, ended afterwards. Skips loudly, or fails, where Tryton cannot be had."""
    environ: Mapping[str, str] = {KEY_NAME: KEY, PASSWORD_NAME: tryton.PASSWORD}
    os.environ.update(environ)
    server = TrytonServer(folder, unique=unique, more=more, postgres=postgres)
    try:
        server.start()
    except Misconfigured as error:
        missing(f"Tryton ({str(error)[:120]})")
    try:
        yield Tryton(server)
    finally:
        server.stop()
