"""What codes are called in this company: its id, terms, methods, locations, items.

Answers are remembered for some minutes; what was not found is asked for again each time, since a person may be putting
it in. What is missing from the settings is Misconfigured, what an order asks for in vain is Rejected by name.
"""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable, Iterable
from typing import Any

from crossdock.contract.lookups import Lookups
from crossdock.erp.dynamics_bc.client import BcClient, chunks
from crossdock.erp.dynamics_bc.mapping import Names, object_of, tax_code_of
from crossdock.erp.dynamics_bc.settings import BcSettings
from crossdock.errors import Misconfigured, Rejected
from crossdock.flows.parts import Priced
from crossdock.model.order import Order
from crossdock.transport.odata import Query, Row, any_of, eq, exactly

REMEMBERED_S = 300.0
MOST_NAMED = 5
GUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")


class Directory:
    """Looks things up, each once. Safe between threads."""

    def __init__(
        self,
        client: BcClient,
        settings: BcSettings,
        lookups: Lookups,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._client = client
        self._settings = settings
        self._lookups = lookups
        self._clock = clock
        self._lock = threading.Lock()
        self._known: dict[tuple[str, str], tuple[float, str]] = {}

    def company(self) -> str:
        """The company's path: `companies(ID)`."""
        named = self._settings.company
        if GUID.fullmatch(named):
            return f"companies({named})"
        return f"companies({self._remembered(('companies', named), self._company)})"

    def path(self, name: str) -> str:
        """A set of the company."""
        return f"{self.company()}/{name}"

    def names(self, order: Order, customer: str) -> Names:
        """Everything that the header names, but for the customer. Raises MissingEntry, Rejected, Misconfigured."""
        translate = self.translate
        terms = translate("payment_terms", order.payment.method)
        method = translate("shipping_methods", order.shipping_method) if order.shipping_method else None
        return Names(
            customer=customer,
            currency=translate("currencies", order.totals.currency) or order.totals.currency,
            payment_terms_id=self._id("paymentTerms", terms) if terms else "",
            shipment_method_id=self._id("shipmentMethods", method) if method else "",
            location_id=self.location() if self._settings.location else "",
            countries=self.countries(order),
        )

    def countries(self, order: Order) -> dict[str, str]:
        """What the order's countries are called there."""
        codes = {order.billing.country, order.shipping.country if order.shipping else ""} - {""}
        return {code: self.translate("countries", code) or code for code in codes}

    def translate(self, table: str, value: str) -> str | None:
        """A lookup; None where there is no such table."""
        return self._lookups.find(table, value) if value else None

    def tax_code(self, line: Priced) -> str:
        """The line's tax code, "" where none is said."""
        return tax_code_of(line, self._settings, self.translate)

    def location(self) -> str:
        """The id of the settings' location."""
        try:
            return self._id("locations", self._settings.location)
        except Rejected as error:
            raise Misconfigured(f"location: {error}") from error

    def refuse_unknown(self, lines: Iterable[Priced]) -> None:
        """Raises Rejected with the items that are not there or blocked: Business Central itself names none."""
        objects = [object_of(line, self._settings) for line in lines]
        wanted = list(dict.fromkeys(code for kind, code in objects if kind == "Item"))
        # all of them or none: a replay asks the same, whatever other orders had been looked up for by then
        asked = any(not self._fresh(("items", code)) for code in wanted)
        for some in chunks(wanted, "number") if asked else ():
            query = Query(where=any_of("number", some), select=("id", "number", "blocked"))
            for row in self._client.every(self.path("items"), query):
                if not row.get("blocked"):
                    self._remember(("items", str(row["number"]).upper()), str(row["id"]))
        missing = [code for code in wanted if not self._fresh(("items", code))]
        if missing:
            named = ", ".join(missing[:MOST_NAMED])
            raise Rejected(f"Business Central has no item {named}, or it is blocked")

    def check(self) -> None:
        """Raises a DeliveryError where something that the settings name is not there."""
        self._client.page(self.path("salesOrders"), Query(select=("id",), size=1, where=eq("number", "-")))
        if self._settings.location:
            self.location()

    def _company(self) -> str:
        name = self._settings.company
        rows = exactly(self._client.page("companies", Query(where=eq("name", name))).rows, "name", name)
        if not rows:
            raise Misconfigured(f"company: Business Central shows our user no company {name}")
        return str(rows[0]["id"])

    def _id(self, entity: str, code: str) -> str:
        def look() -> str:
            query = Query(where=eq("code", code), select=("id", "code"))
            rows = exactly(self._client.page(self.path(entity), query).rows, "code", code)
            if not rows:
                raise Rejected(f"Business Central has no {code} among its {entity}")
            return str(rows[0]["id"])

        return self._remembered((entity, code), look)

    def _remembered(self, what: tuple[str, str], look: Callable[[], str]) -> str:
        if found := self._fresh(what):
            return found
        return self._remember(what, look())

    def _fresh(self, what: tuple[str, str]) -> str:
        kind, name = what
        with self._lock:
            at, found = self._known.get((kind, name.upper()), (0.0, ""))
        return found if found and self._clock() - at < REMEMBERED_S else ""

    def _remember(self, what: tuple[str, str], found: str) -> str:
        kind, name = what
        with self._lock:
            self._known[kind, name.upper()] = (self._clock(), found)
        return found


def text_in(row: Row, field: str) -> str:
    """A field as text; "" for none."""
    value: Any = row.get(field)
    return "" if value is None else str(value)


__all__ = ["Directory", "text_in"]
