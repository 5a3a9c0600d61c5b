"""The wish to be forgotten, carried out in Tryton as its own wizard "Erase Party" does it.

The wizard is not reachable over REST, so the same is written over its interfaces: name, addresses, contacts and
identifiers are emptied and archived, in one request a party; then its notes and attachments are deleted. Like the
wizard it refuses while something of the party is still open. Unlike it, it cannot empty a party that was merged into
another one (Tryton lets nobody change such a party), nor Tryton's history tables.
"""

from __future__ import annotations

from typing import Any

from crossdock.contract.message import Receipt
from crossdock.erp.tryton.client import Query, TrytonClient
from crossdock.erp.tryton.directory import Directory
from crossdock.erp.tryton.holding import ADDRESS, CONTACT, IDENTIFIER, NOTE, PARTY, holding
from crossdock.erp.tryton.mapping import Values
from crossdock.erp.tryton.people import Held, texts_of
from crossdock.erp.tryton.reading import EITHER, every
from crossdock.erp.tryton.settings import TrytonSettings
from crossdock.errors import NotReady, Rejected
from crossdock.model.customer import Erasure

GONE = "****"  # what Tryton's wizard writes where something must stand
ATTACHMENT = "ir.attachment"
ARCHIVED_TOO = {"active_test": False}
EMPTY_ADDRESS: Values = dict.fromkeys(
    (
        *("party_name", "attn", "street_unstructured", "street_name", "building_name", "building_number"),
        *("unit_number", "floor_number", "room_number", "post_box", "private_bag", "post_office"),
        *("postal_code", "city", "country", "subdivision"),
    )
)
EMPTY_CONTACT: Values = {"type": "other", "value": GONE, "name": None, "comment": None}
EMPTY_IDENTIFIER: Values = {"type": None, "code": GONE}
ENDED = ["done", "cancelled"]
OPEN: tuple[tuple[str, str, tuple[str, ...], list[str]], ...] = (
    ("sale", "sale.sale", ("party", "shipment_party"), ENDED),
    ("invoice", "account.invoice", ("party",), ["paid", "cancelled"]),
    ("shipment", "stock.shipment.out", ("customer",), ENDED),
    ("return", "stock.shipment.out.return", ("customer",), ENDED),
)


class ErasureSink:
    """Empties a party, and those that were merged into it."""

    def __init__(self, client: TrytonClient, directory: Directory, settings: TrytonSettings) -> None:
        self._client = client
        self._directory = directory
        self._settings = settings

    def put(self, record: Erasure, key: str) -> Receipt:  # noqa: ARG002  the port's signature
        """Raises NotReady where there is no such party (yet), Rejected while something of it is open."""
        client = self._client.about((), company=self._directory.company()).within(ARCHIVED_TOO)
        parties = self._parties(record, client)
        if not parties:
            raise NotReady("Tryton does not have this customer (yet)")
        for party in parties:
            _refuse_open(client, party)
        for party in parties:
            if not _is_forgotten(party):
                self._empty(client.about(texts_of(party), company=self._directory.company()), party)
            _discard(client, party)
        return Receipt(external_id=parties[0].code, number=parties[0].code)

    def find(self, record: Erasure, key: str) -> Receipt | None:  # noqa: ARG002  the port's signature
        """The party, where nothing of the person is left in it."""
        client = self._client.about((), company=self._directory.company()).within(ARCHIVED_TOO)
        parties = self._parties(record, client)
        if not parties or not all(_is_forgotten(party) and not _beside(client, party) for party in parties):
            return None
        return Receipt(external_id=parties[0].code, number=parties[0].code, found=True)

    def _empty(self, client: TrytonClient, party: Held) -> None:
        """What is archived cannot be changed, not even with the bringing back in one request."""
        if party.replaced_by:
            raise Rejected(
                f"party {party.code} was merged into this one and still has its name: only Tryton's own wizard "
                "(Erase Party) can take it away"
            )
        if archived := brought_back(party):
            client.write(PARTY, party.id, archived)
        client.write(PARTY, party.id, emptied(party))

    def _parties(self, record: Erasure, client: TrytonClient) -> list[Held]:
        """The one that is named, and all that it has taken the place of."""
        code = record.number or f"{self._settings.party.code_prefix}{record.customer_id}"
        found = client.search(Query(model=PARTY, domain=(("code", "=", code), EITHER), fields=("code",))).rows
        idents = [int(row["id"]) for row in found]
        latest = idents
        while latest:
            replaced = (("replaced_by", "in", latest), ("id", "not in", idents), EITHER)
            latest = [int(row["id"]) for row in every(client, PARTY, replaced, ("code",))]
            idents += latest
        held = {one.id: one for one in holding(client, idents)}
        return [held[ident] for ident in idents]


def brought_back(party: Held) -> Values:
    """The change after which none of it is archived; empty where none of it is."""
    moves: Values = {} if party.active else {"active": True}
    for name, rows, _ in _parts(party):
        if archived := [row["id"] for row in rows if not row["active"]]:
            moves[name] = [["write", archived, {"active": True}]]
    return moves


def emptied(party: Held) -> Values:
    """The change that leaves nothing of a person in it but its code."""
    moves = {
        name: [["write", [row["id"] for row in rows], {**values, "active": False}]]
        for name, rows, values in _parts(party)
        if rows
    }
    return {"name": None, "active": False, **moves}


def _parts(party: Held) -> tuple[tuple[str, tuple[dict[str, Any], ...], Values], ...]:
    return (
        ("addresses", party.addresses, EMPTY_ADDRESS),
        ("contact_mechanisms", party.contacts, EMPTY_CONTACT),
        ("identifiers", party.identifiers, EMPTY_IDENTIFIER),
    )


def _is_forgotten(party: Held) -> bool:
    told = [*(row["value"] for row in party.contacts), *(row["code"] for row in party.identifiers)]
    places = [row[field] for row in party.addresses for field in ("party_name", "street", "city", "postal_code")]
    return not party.active and not party.name and not any(places) and all(one == GONE for one in told)


def _refuse_open(client: TrytonClient, party: Held) -> None:
    for name, model, fields, ended in OPEN:
        theirs = ("OR", *((field, "=", party.id) for field in fields))
        domain = (theirs, ("state", "not in", ended))
        if found := client.search(Query(model=model, domain=domain, fields=("state",), limit=10)).rows:
            raise Rejected(
                f"party {party.code} has {len(found)} {name} or more that is not ended yet ({model}): "
                "Tryton does not erase it before that is"
            )


def _beside(client: TrytonClient, party: Held) -> list[tuple[str, int]]:
    """Notes and attachments of the party and of its parts."""
    resources = [f"{PARTY},{party.id}"]
    for model, rows in ((ADDRESS, party.addresses), (CONTACT, party.contacts), (IDENTIFIER, party.identifiers)):
        resources += [f"{model},{row['id']}" for row in rows]
    return [
        (model, int(row["id"]))
        for model in (NOTE, ATTACHMENT)
        for row in every(client, model, (("resource", "in", resources),), ("resource",))
    ]


def _discard(client: TrytonClient, party: Held) -> None:
    for model, ident in _beside(client, party):
        client.delete(model, ident)
