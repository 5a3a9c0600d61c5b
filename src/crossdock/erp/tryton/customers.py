"""Customers into Tryton: parties, and the wish to be forgotten.

A put reads the party, writes in one request what is not there yet, reads it again and leaves in the party's note what
the shop calls things. It can be repeated from wherever it was cut off: what is there already is not written, so `find`
asks whether anything is left to do. Nothing in Tryton keeps two at once from making an address twice: the customer's
lane does.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from crossdock.contract.message import Receipt
from crossdock.contract.shadow import Shown
from crossdock.erp.tryton.client import Query, TrytonClient
from crossdock.erp.tryton.directory import Directory
from crossdock.erp.tryton.holding import NOTE, PARTY, holding
from crossdock.erp.tryton.mapping import Values
from crossdock.erp.tryton.memory import Memory, build_note
from crossdock.erp.tryton.parties import matching
from crossdock.erp.tryton.people import (
    Held,
    Rules,
    address_values,
    code_of,
    left_out,
    people_in,
    planned,
)
from crossdock.erp.tryton.reading import EITHER
from crossdock.erp.tryton.remembering import is_remembered, remembered
from crossdock.erp.tryton.settings import Match, TrytonSettings
from crossdock.erp.tryton.showing_people import shown_party
from crossdock.errors import Rejected
from crossdock.model.address import Address
from crossdock.model.customer import CustomerChange

ROUNDS = 3
KINDS = {"phone number": "phone", "email": "email"}  # what is refused -> what it is; all else is an identifier
UNCHECKED = ("is not valid", "not one of the allowed options")  # an address, a number or a kind that Tryton refuses


class CustomerSink:
    """Writes a customer as a party."""

    def __init__(self, client: TrytonClient, directory: Directory, settings: TrytonSettings) -> None:
        self._client = client
        self._directory = directory
        self._settings = settings

    def put(self, change: CustomerChange, key: str) -> Receipt:  # noqa: ARG002  the port's signature
        """Its party's code is the ERP's number. Raises Rejected where it may not be made, or is archived or merged."""
        client, rules = self._inside(change), self._rules(change)
        held = self._found(change, client) or Held()
        before, done, new = held, frozenset[str](), not held.id
        left = left_out(change, rules, held)
        for _ in range(ROUNDS):
            plan = planned(change, held, rules, done)
            if held.id and not plan.values:
                break
            held = self._written(client, change, held, rules, done)
            done |= plan.spoken
        self._note(client, held, remembered(change, held, rules, before))
        detail = f"not kept in Tryton: {', '.join(left)}" if left else ""
        return Receipt(external_id=held.code, number=held.code, found=not new, detail=detail)

    def find(self, change: CustomerChange, key: str) -> Receipt | None:  # noqa: ARG002  the port's signature
        """The party, where all that is told stands there and is remembered: whoever has put it there."""
        client, rules = self._inside(change), self._rules(change)
        held = self._found(change, client)
        if held is None or planned(change, held, rules).values or not is_remembered(change, held, rules):
            return None
        return Receipt(external_id=held.code, number=held.code, found=True)

    def show(self, change: CustomerChange, key: str) -> Shown | None:  # noqa: ARG002  the port's signature
        """The party, by whatever a put would know it, else by its e-mail address: by whomever it was made."""
        client, rules = self._inside(change), self._rules(change)
        ident = _by_code(client, change.number) if change.number else self._ident(change, client)
        ident = ident or matching(client, "email", change.email)
        return shown_party(change, self._whole(ident, client), rules) if ident else None

    def preview(self, change: CustomerChange) -> Mapping[str, Any]:
        """What would be written of somebody new, with ISO codes in the place of ids."""
        groups = dict.fromkeys(self._settings.party.groups, 0)
        rules = Rules(party=self._settings.party, groups=groups, build=lambda told: address_values(told, None, None))
        values = planned(change, Held(), rules).values
        return values | {"code": change.number or code_of(change, self._settings.party)}

    def _inside(self, change: CustomerChange) -> TrytonClient:
        return self._client.about(people_in(change), company=self._directory.company())

    def _rules(self, change: CustomerChange) -> Rules:
        wanted = change.fields.get("group")
        groups = self._settings.party.groups
        known = {group: self._directory.category(name) for group, name in groups.items()} if wanted else {}
        return Rules(party=self._settings.party, groups=known, build=self._build)

    def _build(self, told: Mapping[str, Any]) -> Values:
        country = str(told.get("country") or "")
        place = Address(country=country, region_code=str(told.get("region_code") or ""))
        return address_values(
            told, self._directory.country(country) if country else None, self._directory.subdivision(place)
        )

    def _found(self, change: CustomerChange, client: TrytonClient) -> Held | None:
        ident = self._ident(change, client)
        return None if ident is None else self._whole(ident, client)

    def _whole(self, ident: int, client: TrytonClient) -> Held:
        """Raises Rejected where it is not a party any more."""
        (held,) = holding(client, [ident], self._settings.party.fields.values())
        if held.replaced_by:
            raise Rejected(f"party {held.code} was replaced by another in Tryton: a person must say which one counts")
        if not held.active:
            raise Rejected(f"party {held.code} is archived in Tryton: a person must say whether it comes back")
        return held

    def _ident(self, change: CustomerChange, client: TrytonClient) -> int | None:
        if change.number:
            found = _by_code(client, change.number)
            if found is None:
                raise Rejected(f"Tryton has no party with the code {change.number[:40]}")
            return found
        code = code_of(change, self._settings.party)
        wanted: dict[Match, str] = {
            "code": code,
            "email": change.email,
            "tax_identifier": str(change.fields.get("vat_id") or ""),
        }
        for way in self._settings.party.match:
            ident = _by_code(client, code) if way == "code" else matching(client, way, wanted[way])
            if ident is not None:
                return ident
        return _by_code(client, code)

    def _written(
        self, client: TrytonClient, change: CustomerChange, held: Held, rules: Rules, done: frozenset[str]
    ) -> Held:
        """What Tryton checks and refuses is written once more, as a kind that it does not check."""
        while True:
            values = planned(change, held, rules, done).values
            try:
                ident = self._write(client, change, held, values)
            except Rejected as refused:
                kind = _unchecked(str(refused))
                if not kind or kind in rules.plain:
                    raise
                rules = msgspec.structs.replace(rules, plain=rules.plain | {kind})
            else:
                (found,) = holding(client, [ident], self._settings.party.fields.values())
                return found

    def _write(self, client: TrytonClient, change: CustomerChange, held: Held, values: Values) -> int:
        if held.id:
            client.write(PARTY, held.id, values)
            return held.id
        if not self._settings.party.create:
            raise Rejected("Tryton does not have this customer, and party.create is off")
        return client.create(PARTY, values | {"code": code_of(change, self._settings.party)})

    def _note(self, client: TrytonClient, held: Held, memory: Memory) -> None:
        """The new one first: there is never none, and of several the newest counts."""
        if memory == held.memory and len(held.notes) == 1:
            return
        if memory != held.memory:
            client.create(NOTE, {"resource": f"{PARTY},{held.id}", "message": build_note(memory)})
        for old in held.notes if memory != held.memory else held.notes[:-1]:
            client.delete(NOTE, old)


def _unchecked(refusal: str) -> str:
    """Which kind was refused for its form alone, "" for none."""
    if not any(words in refusal for words in UNCHECKED):
        return ""
    return next((kind for words, kind in KINDS.items() if words in refusal.lower()), "vat_id")


def _by_code(client: TrytonClient, code: str) -> int | None:
    """Archived ones too: a code is never free again."""
    query = Query(model=PARTY, domain=(("code", "=", code), EITHER), fields=("code",))
    rows = client.search(query).rows
    return int(rows[0]["id"]) if rows else None
