"""What an order's codes are called in this Tryton: company, warehouse, taxes, products, countries.

Answers are remembered for some minutes; what was not found is asked for again each time, since a person may be putting
it in. What is missing from the settings is Misconfigured, what an order asks for in vain is Rejected by name.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Sequence
from decimal import Decimal
from typing import Any, cast

from crossdock.erp.tryton.client import Query, Row, TrytonClient
from crossdock.erp.tryton.mapping import Lookups, Product
from crossdock.erp.tryton.price_lists import PriceList
from crossdock.erp.tryton.settings import TrytonSettings
from crossdock.errors import Misconfigured, Rejected
from crossdock.flows.parts import HUNDRED, Priced, Role, plain_rate
from crossdock.flows.quotes import Rounding
from crossdock.model.address import Address
from crossdock.model.order import Order

REMEMBERED_S = 300.0
MOST_NAMED = 5
LOCATION = "stock.location"


class Directory:
    """Looks things up, each once. Safe between threads."""

    def __init__(
        self, client: TrytonClient, settings: TrytonSettings, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._client = client
        self._settings = settings
        self._clock = clock
        self._lock = threading.Lock()
        self._known: dict[Query, tuple[float, Row]] = {}

    def company(self) -> int:
        """The company's id."""
        name = self._settings.company
        domain: tuple[Any, ...] = (("party.name", "=", name),) if name else ()
        return self._only("company.company", domain, "company")

    def rounding(self) -> Rounding:
        """How the company rounds taxes, as it is configured now."""
        if self._settings.tax_rounding != "ask":
            return self._settings.tax_rounding
        query = Query(model="account.configuration", domain=(), fields=("tax_rounding",))
        found = self._one(query, lambda: Misconfigured("tax_rounding cannot be read: set it in the settings"))
        if found["tax_rounding"] not in {"document", "line"}:
            raise Misconfigured("Tryton rounds taxes in a way that is not known here")
        return cast("Rounding", found["tax_rounding"])  # just compared

    def lookups(self, order: Order, lines: Sequence[Priced]) -> Lookups:
        """Everything that the sale's lines and header name, but for the customer's own records."""
        return Lookups(
            company=self.company(),
            currency=self.currency_id(order.totals.currency),
            warehouse=self._warehouse(),
            payment_term=self._payment_term() if self._settings.payment_term else None,
            products=self.products(lines),
            taxes={(line.rate, line.codes): self._tax(line.rate, line.codes) for line in lines if line.rate},
        )

    def currency(self) -> str:
        """The company's own, by its ISO code: list prices are in it."""
        company = self._one(
            Query(model="company.company", domain=(("id", "=", self.company()),), fields=("currency",)),
            lambda: Misconfigured("the company cannot be read"),
        )
        query = Query(model="currency.currency", domain=(("id", "=", company["currency"]),), fields=("code",))
        return str(self._one(query, lambda: Misconfigured("the company's currency cannot be read"))["code"])

    def told_places(self) -> dict[str, int]:
        """The warehouses whose levels are read, by what the settings call them, else by code or name."""
        levels = self._settings.reads.inventory
        names = (levels.warehouses if levels else ()) or (
            (self._settings.warehouse,) if self._settings.warehouse else ()
        )
        if names:
            return {name: self._place(name) for name in names}
        return {name: ident for ident, name in self._places().items()}

    def called(self) -> dict[int, str]:
        """What rows call each warehouse, by its id."""
        return self._places() | {ident: name for name, ident in self.told_places().items()}

    def _places(self) -> dict[int, str]:
        query = Query(model=LOCATION, domain=(("type", "=", "warehouse"),), fields=("code", "name"))
        found = self._client.about((), company=self.company()).search(query).rows
        return {int(row["id"]): str(row["code"] or row["name"]) for row in found}

    def check(self) -> None:
        """Raises Misconfigured or Rejected where something that the settings name is not there."""
        if "orders" in self._settings.flows:
            self._warehouse()
        if self._settings.reads.asked():
            self.told_places()
        if self._settings.payment_term:
            self._payment_term()
        for code in self._settings.products.model_dump().values():
            if code and self._product(code) is None:
                raise Misconfigured(f"products: Tryton has no product {code}")

    def products(self, lines: Iterable[Priced]) -> dict[str, Product]:
        """By code. Raises Rejected with the SKUs that are not there."""
        wanted = dict.fromkeys(self.code_of(line) for line in lines)
        found = {code: product for code in wanted if (product := self._product(code)) is not None}
        missing = [code for code in wanted if code not in found]
        standing_in = self._settings.products.placeholder if self._settings.unknown_sku == "placeholder" else ""
        if missing and standing_in:
            product = self._product(standing_in)
            if product is None:
                raise Misconfigured(f"products.placeholder: Tryton has no product {standing_in}")
            return found | dict.fromkeys(missing, product)
        if missing:
            raise Rejected(f"Tryton has no product with the code {', '.join(missing[:MOST_NAMED])}")
        return found

    def code_of(self, line: Priced) -> str:
        """The product's code for a line. Raises Rejected where the settings name none."""
        if line.role is Role.GOODS:
            return line.sku
        code = str(getattr(self._settings.products, line.role)) or (line.sku if line.role is Role.ROUNDING else "")
        if not code:
            raise Rejected(f"the order has a line for {line.role}, and products.{line.role} names no product")
        return code

    def country(self, code: str) -> int:
        """By ISO code."""
        query = Query(model="country.country", domain=(("code", "=", code.upper()),), fields=("code",))
        wrong = f"Tryton has no country {code}: import the countries (trytond_import_countries)"
        return int(self._one(query, lambda: Rejected(wrong))["id"])

    def subdivision(self, address: Address) -> int | None:
        """By ISO 3166-2 code; None where Tryton does not have it."""
        if not address.region_code:
            return None
        code = f"{address.country}-{address.region_code}".upper()
        query = Query(model="country.subdivision", domain=(("code", "=", code),), fields=("code",))
        found = self._maybe(query)
        return int(found["id"]) if found else None

    def category(self, name: str) -> int:
        """A party category's id."""
        query = Query(model="party.category", domain=(("name", "=", name),), fields=("name",))
        return int(self._one(query, lambda: Misconfigured(f"Tryton has not one single party category {name}"))["id"])

    def price_list(self, name: str) -> PriceList:
        """One of the company's."""
        domain = (("name", "=", name), ("company", "=", self.company()))
        query = Query(model="product.price_list", domain=domain, fields=("tax_included",))
        found = self._one(query, lambda: Misconfigured(f"Tryton has not one single price list {name}"))
        return PriceList(id=int(found["id"]), with_tax=bool(found["tax_included"]))

    def currency_id(self, code: str) -> int:
        """By the shop's code."""
        theirs = self._settings.currencies.get(code, code)
        query = Query(model="currency.currency", domain=(("code", "=", theirs),), fields=("code",))
        return int(self._one(query, lambda: Rejected(f"Tryton has no currency {theirs}"))["id"])

    def _warehouse(self) -> int:
        return self._place(self._settings.warehouse)

    def _place(self, name: str) -> int:
        domain: tuple[Any, ...] = (("type", "=", "warehouse"),)
        if name:
            domain = (*domain, ("OR", ("code", "=", name), ("name", "=", name)))
        return self._only(LOCATION, domain, "warehouse")

    def _payment_term(self) -> int:
        domain = (("name", "=", self._settings.payment_term),)
        return self._only("account.invoice.payment_term", domain, "payment_term")

    def _tax(self, rate: Decimal, codes: Sequence[str]) -> int:
        named = self._settings.taxes
        name = next((named[code] for code in codes if code in named), named.get(plain_rate(rate), ""))
        shown = plain_rate(rate)
        domain: tuple[Any, ...] = (("company", "=", self.company()), ("parent", "=", None))
        if name:
            query = Query(model="account.tax", domain=(*domain, ("name", "=", name)), fields=("type", "rate"))
            found = self._one(query, lambda: Misconfigured(f"taxes: Tryton has no single tax {name}"))
            if found["type"] == "percentage" and found["rate"] * HUNDRED != rate:
                raise Misconfigured(f"taxes: {name} is not a tax of {shown} %")
            return int(found["id"])
        by_rate = (*domain, ("type", "=", "percentage"), ("rate", "=", rate / HUNDRED))
        kinds = ("OR", ("group", "=", None), ("group.kind", "in", ("sale", "both")))
        query = Query(model="account.tax", domain=(*by_rate, kinds), fields=("name",))
        wrong = f"Tryton has not one single tax of {shown} %: name it in taxes"
        return int(self._one(query, lambda: Rejected(wrong))["id"])

    def _product(self, code: str) -> Product | None:
        query = Query(model="product.product", domain=(("code", "=", code),), fields=("code", "default_uom"))
        found = self._maybe(query)
        return Product(id=int(found["id"]), unit=int(found["default_uom"])) if found else None

    def _only(self, model: str, domain: tuple[Any, ...], setting: str) -> int:
        wrong = f"Tryton has not one single {setting} that fits the settings"
        return int(self._one(Query(model=model, domain=domain, fields=("id",)), lambda: Misconfigured(wrong))["id"])

    def _one(self, query: Query, wrong: Callable[[], Exception]) -> Row:
        found = self._maybe(query)
        if found is None:
            raise wrong()
        return found

    def _maybe(self, query: Query) -> Row | None:
        """The one row; None where there are none or several."""
        with self._lock:
            at, row = self._known.get(query, (0.0, None))
        if row is not None and self._clock() - at < REMEMBERED_S:
            return row
        # the company's own settings are seen from within it only
        inside = query.model != "company.company"
        client = self._client.about((), company=self.company()) if inside else self._client
        rows = client.search(query).rows
        if len(rows) != 1:
            return None
        with self._lock:
            self._known[query] = (self._clock(), rows[0])
        return rows[0]
