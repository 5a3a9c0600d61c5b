"""The customer in Tryton: found, or made once.

The party's code is made of the shop's customer id, so Tryton's own constraint on codes keeps two workers from making
it twice. Addresses have no such constraint: two orders of one customer at one moment may leave the same address twice.
"""

from __future__ import annotations

from typing import Any

from crossdock.erp.tryton.client import Query, TrytonClient
from crossdock.erp.tryton.directory import Directory
from crossdock.erp.tryton.mapping import (
    Customer,
    Values,
    build_address,
    build_party,
    party_code,
    same_address,
)
from crossdock.erp.tryton.settings import Match, TrytonSettings
from crossdock.errors import Rejected, Temporary
from crossdock.model.address import Address
from crossdock.model.order import Order

ADDRESS = ("party_name", "street", "postal_code", "city", "country", "subdivision")


class Parties:
    """Finds or makes an order's party and addresses."""

    def __init__(self, directory: Directory, settings: TrytonSettings) -> None:
        self._directory = directory
        self._settings = settings

    def customer(self, order: Order, client: TrytonClient) -> Customer:
        """The order's party with its invoice and shipment address. Raises Rejected where it may not or cannot be made.

        An order with nothing to ship goes to the invoice address: Tryton wants one.
        """
        invoice = self._address(order.billing)
        shipment = self._address(order.shipping) if order.shipping else invoice
        party = self._find(order, client)
        if party is None:
            party = self._make(order, client, [invoice] if invoice == shipment else [invoice, shipment])
        query = Query(model="party.address", domain=(("party", "=", party),), fields=ADDRESS)
        there = list(client.search(query).rows)
        return Customer(
            party=party,
            invoice_address=self._own(party, invoice, there, client),
            shipment_address=self._own(party, shipment, there, client),
        )

    def _find(self, order: Order, client: TrytonClient) -> int | None:
        for way in self._settings.party.match:
            if (found := matching(client, way, self._wanted(way, order))) is not None:
                return found
        # what an earlier try made is found by its code, whatever else is looked at
        return None if "code" in self._settings.party.match else self._by_code(order, client)

    def _by_code(self, order: Order, client: TrytonClient) -> int | None:
        return matching(client, "code", party_code(order, self._settings))

    def _wanted(self, way: Match, order: Order) -> str:
        if way == "code":
            return party_code(order, self._settings)
        if way == "email":
            return order.buyer.email or order.billing.email
        return order.buyer.vat_id or order.billing.vat_id

    def _make(self, order: Order, client: TrytonClient, addresses: list[Values]) -> int:
        if not self._settings.party.create:
            raise Rejected("Tryton does not have this customer, and party.create is off")
        code = party_code(order, self._settings)
        try:
            return client.create("party.party", build_party(order, code, addresses, plain=False))
        except Temporary:
            found = self._by_code(order, client)  # another worker's, made at the same moment
            if found is None:
                raise
            return found
        except Rejected:  # Tryton checks e-mail addresses and phone numbers; a shop may not
            return client.create("party.party", build_party(order, code, addresses, plain=True))

    def _own(self, party: int, wanted: Values, there: list[dict[str, Any]], client: TrytonClient) -> int:
        for row in there:
            if same_address(row, wanted):
                return int(row["id"])
        made = client.create("party.address", {"party": party, **wanted})
        there.append({"id": made, **wanted})
        return made

    def _address(self, address: Address) -> Values:
        country = self._directory.country(address.country) if address.country else None
        return build_address(address, country, self._directory.subdivision(address))


def matching(client: TrytonClient, way: Match, text: str) -> int | None:
    """The one active party that has this code, e-mail address or tax identifier. Raises Rejected where several have."""
    domains: dict[Match, tuple[Any, ...]] = {
        "code": (("code", "=", text),),
        "email": (("contact_mechanisms", "where", [("type", "=", "email"), ("value", "ilike", _literal(text))]),),
        "tax_identifier": (("OR", ("identifiers.code", "=", text), ("identifiers.code_compact", "=", text)),),
    }
    found = client.search(Query(model="party.party", domain=domains[way], fields=("code",))).rows if text else ()
    if len(found) > 1:
        raise Rejected(f"Tryton has {len(found)} parties with this customer's {way.replace('_', ' ')}")
    return int(found[0]["id"]) if found else None


def _literal(text: str) -> str:
    """For `ilike`, without its wildcards."""
    return text.replace("\\", "\\\\").replace("%", r"\%").replace("_", r"\_")
