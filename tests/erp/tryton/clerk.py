"""A person who works in Tryton, with a user of her own."""

from __future__ import annotations

import itertools
from typing import Any

from crossdock.erp.tryton.client import Query, RpcWire, Session, TrytonClient
from crossdock.erp.tryton.settings import DUPLICATE
from crossdock.transport.http import Http
from tests.tryton_server import COMPANY, Tryton

BOTH = ("active", "in", [True, False])
hired = itertools.count(1)


class Clerk:
    """`party` is the id of a party, `code` its number."""

    def __init__(self, tryton: Tryton) -> None:
        self._by_key = tryton.client  # warnings can be passed over by REST only
        number = next(hired)
        groups = [row["id"] for row in tryton.rows("res.group", [], "name")]
        login, password = f"clerk{number}", f"a-long-Phrase-{number}-of-hers"
        tryton.client.create(
            "res.user",
            {
                "name": f"Clerk {number}",
                "login": login,
                "password": password,
                "groups": [["add", groups]],
                "companies": [["add", [COMPANY]]],
                "company": COMPANY,
            },
        )
        session = Session(Http(), tryton.url, tryton.database, login, password)
        self._wire = RpcWire(tryton.url, tryton.database)
        self.client = TrytonClient(Http(), session, self._wire, duplicate=DUPLICATE).about((), company=COMPANY)

    def rows(self, model: str, domain: list[Any], *fields: str) -> list[dict[str, Any]]:
        return list(self.client.search(Query(model=model, domain=tuple(domain), fields=fields)).rows)

    def merge(self, code: str, into: str) -> None:
        """With Tryton's wizard, which only a session can use."""
        both = {"source": self.party(code)["id"], "destination": self.party(into)["id"]}
        self._wizard("party.replace", both, "replace")

    def erase(self, code: str) -> None:
        """The same."""
        self._wizard("party.erase", {"party": self.party(code)["id"]}, "erase")

    def credit(self, invoice: int) -> int:
        """All of an invoice; the credit note in draft."""
        told = {"with_refund": False, "with_refund_allowed": True, "invoice_date": None}
        self._wizard("account.invoice.credit", told, "credit", "start", ("account.invoice", invoice))
        rows = self.rows(
            "account.invoice.line", [("origin.invoice.id", "=", invoice, "account.invoice.line")], "invoice"
        )
        return int(rows[-1]["invoice"])

    def return_sale(self, sale: int) -> int:
        """The return in draft."""
        self._wizard("sale.return_sale", {}, "return_", "start", ("sale.sale", sale))
        (row,) = self.rows("sale.sale", [("origin", "=", f"sale.sale,{sale}"), ("state", "=", "draft")], "number")
        return int(row["id"])

    def post(self, invoice: int) -> str:
        """Over the warning that taxes are not the products' own; its number."""
        self._by_key.within({"_skip_warnings": True}).press("account.invoice", invoice, "post")
        (row,) = self.rows("account.invoice", [("id", "=", invoice)], "number")
        return str(row["number"])

    def _wizard(
        self, name: str, told: dict[str, Any], button: str, state: str = "ask", record: tuple[str, int] | None = None
    ) -> None:
        about = {"active_model": record[0], "active_id": record[1], "active_ids": [record[1]]} if record else {}
        session = self._call(f"wizard.{name}.create", [], about)[0]
        self._call(f"wizard.{name}.execute", [session, {state: told}, button], about)

    def _call(self, method: str, params: list[Any], about: dict[str, Any]) -> Any:
        request = self._wire._request(method, params, {"company": COMPANY, **about})
        return self._wire.result(self.client._call(request, writes=True))

    def party(self, code: str) -> dict[str, Any]:
        fields = ("name", "active", "write_date", "email", "tax_identifier", "categories", "replaced_by")
        (found,) = self.rows("party.party", [("code", "=", code), BOTH], *fields)
        return found

    def parts(self, model: str, code: str, *fields: str) -> list[dict[str, Any]]:
        """Of a party, archived ones too, oldest first."""
        return self.rows(f"party.{model}", [("party.code", "=", code), BOTH], "active", *fields)

    def addresses(self, code: str) -> list[dict[str, Any]]:
        fields = ("party_name", "street", "postal_code", "city", "country", "invoice", "delivery", "write_date")
        return self.parts("address", code, *fields)

    def contacts(self, code: str) -> list[dict[str, Any]]:
        return self.parts("contact_mechanism", code, "type", "value", "name", "address", "comment")

    def country(self, code: str) -> int:
        (found,) = self.rows("country.country", [("code", "=", code)], "code")
        return int(found["id"])

    def category(self, name: str) -> int:
        found = self.rows("party.category", [("name", "=", name)], "name")
        return int(found[0]["id"]) if found else self.client.create("party.category", {"name": name})
