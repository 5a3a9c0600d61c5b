"""A customer as a change of a party: only what is told is written, all of it in one request. Pure.

The party's name is the person's, or its company's, and then it stays. An address is known by the shop's name for it
(in the party's note), by Tryton's id, or by its content. Phone numbers belong to their address, and come after it.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec

from crossdock.erp.tryton.mapping import Values, build_address
from crossdock.erp.tryton.memory import Memory
from crossdock.erp.tryton.settings import PartySettings
from crossdock.model.address import Address
from crossdock.model.base import Record
from crossdock.model.customer import CustomerChange

Row = Mapping[str, Any]
ADDRESS = "addresses."
NAMES = ("first_name", "last_name")
FLAGS: Mapping[str, str] = {"default_billing": "invoice", "default_shipping": "delivery"}
PHONES = frozenset({"phone", "mobile"})
PLAIN = "other"  # a kind of contact that Tryton does not check
WRITTEN = ("party_name", "street", "postal_code", "city", "country", "subdivision")
Build = Callable[[Mapping[str, Any]], Values]


class Held(Record, frozen=True, kw_only=True):
    """A party as Tryton has it, archived parts too. `touched`: the newest change of it and of its parts.

    `made_by`, `noted_by`: the users that have made it and our note. `tax`: what Tryton takes for its tax identifier.
    """

    id: int = 0
    code: str = ""
    name: str = ""
    active: bool = True
    replaced_by: int = 0
    made_by: int = 0
    tax: int = 0
    addresses: tuple[dict[str, Any], ...] = ()
    contacts: tuple[dict[str, Any], ...] = ()
    identifiers: tuple[dict[str, Any], ...] = ()
    categories: tuple[int, ...] = ()
    values: dict[str, Any] = msgspec.field(default_factory=dict)
    memory: Memory | None = None
    notes: tuple[int, ...] = ()
    noted_by: int = 0
    noted_at: datetime | None = None
    touched: datetime | None = None

    @property
    def known(self) -> Memory:
        """What its note keeps."""
        return self.memory or Memory()

    @property
    def is_as_left(self) -> bool:
        """Whether nobody has changed anything since Crossdock's own last write, nor before it unheard."""
        if self.memory is None or self.touched is None or self.noted_at is None or self.touched > self.noted_at:
            return False
        return self.memory.seal == seal_of(self)


class Plan(Record, frozen=True, kw_only=True):
    """What to write. `spoken`: parts whose form Tryton may change, so that once written they count as done."""

    values: dict[str, Any] = msgspec.field(default_factory=dict)
    spoken: frozenset[str] = frozenset()


class Rules(Record, frozen=True, kw_only=True):
    """`groups`: the shop's group -> the category's id. `build`: an address's row.

    `plain`: what Tryton is not to check: email, phone, vat_id.
    """

    party: PartySettings
    groups: dict[str, int] = msgspec.field(default_factory=dict)
    build: Build
    plain: frozenset[str] = frozenset()


def seal_of(held: Held) -> str:
    """Names what a party and its parts are now, but for their times."""
    parts = [*held.addresses, *held.contacts, *held.identifiers]
    plain = [
        {name: value for name, value in part.items() if not name.startswith(("create_", "write_"))} for part in parts
    ]
    told = [held.name, held.active, sorted(held.categories), held.values, plain]
    return hashlib.sha256(json.dumps(told, sort_keys=True, default=str).encode()).hexdigest()[:24]


def code_of(change: CustomerChange, settings: PartySettings) -> str:
    """The code that we give: the same as an order's, of its buyer."""
    if change.id:
        return f"{settings.code_prefix}{change.id}"
    return f"{settings.code_prefix}G{hashlib.sha256(change.email.strip().lower().encode()).hexdigest()[:12].upper()}"


def left_out(change: CustomerChange, rules: Rules, held: Held) -> tuple[str, ...]:
    """Fields for which this Tryton has no room."""
    room = {*NAMES, "email", "vat_id", *FLAGS, *rules.party.fields}
    names = [name for name in change.fields if name not in room and not name.startswith(ADDRESS)]
    named = [] if is_personal(change, held) or not set(NAMES) & change.fields.keys() else ["name (it is a company's)"]
    group = change.fields.get("group")
    roomy = {"group"} if group is None or group in rules.groups else set()
    return (*(name for name in sorted(names) if name not in roomy), *named)


def planned(change: CustomerChange, held: Held, rules: Rules, done: frozenset[str] = frozenset()) -> Plan:
    """What of the change is not there yet; no values where all of it is."""
    values: Values = {}
    places = claims(change, held, rules.build)
    if (name := name_of(change, held)) and name != held.name:
        values["name"] = name
    for field, target in rules.party.fields.items():
        if field in change.fields and held.values.get(target) != (change.fields[field] or None):
            values[target] = change.fields[field] or None
    values |= _categories(change, held, rules)
    values |= _listed("addresses", _addresses(change, held, places, rules, done))
    contacts = [*_email(change, held, rules, done)]
    if held.id:
        contacts += _phones(change, held, places, rules, done)
    values |= _listed("contact_mechanisms", contacts)
    values |= _listed("identifiers", _identifier(change, held, rules, done))
    # an address that is archived is brought back first, alone: Tryton changes no field of what is archived
    archived = {row["id"] for row in held.addresses if not row["active"]}
    spoken = {"email", "vat_id", *(f"{ADDRESS}{name}" for name, ident in places.items() if ident not in archived)}
    return Plan(values=values, spoken=frozenset(spoken | {name for name, ident in places.items() if ident}))


# the name -----------------------------------------------------------------------------------------------------------


def name_of(change: CustomerChange, held: Held) -> str:
    """What the party is to be called; "" where its name is not to be touched."""
    if not held.id and (company := _companies(change)):
        return company[0]
    if not set(NAMES) & change.fields.keys() or not is_personal(change, held):
        return "" if held.name or held.id else change.email or "Guest"
    first, last = split(held.name, held.known)
    told = {"first_name": first, "last_name": last} | {
        name: change.fields[name] or "" for name in NAMES if name in change.fields
    }
    return " ".join(part for part in (told["first_name"], told["last_name"]) if part)


def is_personal(change: CustomerChange, held: Held) -> bool:
    """Whether the party is called as the person is: not where its name is that of a company of its addresses."""
    if held.memory is not None and "name" in held.memory.kept:
        return held.memory.personal
    companies = _companies(change)
    if not held.id:
        return not companies
    theirs = [str(row["party_name"] or "") for row in held.addresses]
    return held.name not in companies and not any(one.startswith(f"{held.name} - ") for one in theirs)


def split(name: str, memory: Memory) -> tuple[str, str]:
    """First and last name: as the shop has parted them, as far as either is still there; else at the last blank."""
    first, last = memory.told.get("first_name") or "", memory.told.get("last_name") or ""
    if memory.kept.get("name") == name and memory.personal and (first or last):
        return first, last
    return parted(name, first, last)


def parted(name: str, first: str = "", last: str = "") -> tuple[str, str]:
    """A name in two, where one of the two may be known."""
    if first and name.startswith(f"{first} "):
        return first, name.removeprefix(f"{first} ").strip()
    if last and name.endswith(f" {last}"):
        return name.removesuffix(f" {last}").strip(), last
    before, _, after = name.strip().rpartition(" ")
    return before, after


def _companies(change: CustomerChange) -> list[str]:
    """Of the default billing address first."""
    first = f"{ADDRESS}{change.fields.get('default_billing')}"
    told = {name: value for name, value in change.fields.items() if name.startswith(ADDRESS) and value}
    ordered = sorted(told, key=lambda name: (name != first, name))
    return [company for name in ordered if (company := str(told[name].get("company") or "").strip())]


# addresses ----------------------------------------------------------------------------------------------------------


def address_values(told: Mapping[str, Any], country: int | None, subdivision: int | None) -> Values:
    """One of the shop's addresses as a row of Tryton's, as it keeps it: without blanks around."""
    texts = {name: str(value).strip() for name, value in told.items() if name != "street" and value}
    street = tuple(str(line).strip() for line in told.get("street") or ())
    known = {name: value for name, value in texts.items() if name in Address.__struct_fields__}
    return build_address(Address(**known, street=street), country, subdivision)


def claims(change: CustomerChange, held: Held, build: Build) -> dict[str, int]:
    """The address that each told name means, 0 for one that is to be made; without what is gone anyway."""
    names = sorted(name.removeprefix(ADDRESS) for name in change.fields if name.startswith(ADDRESS))
    names += [str(change.fields[one]) for one in FLAGS if change.fields.get(one)]
    found: dict[str, int] = {}
    for name in dict.fromkeys(names):
        ident = _named(name, held)
        if ident:
            found[name] = ident
    taken = {*found.values(), *(int(one) for one in held.known.places)}
    for name in dict.fromkeys(names):
        value = change.fields.get(f"{ADDRESS}{name}")
        if name in found or value is None:
            continue
        found[name] = _alike((value, change.seen.get(f"{ADDRESS}{name}")), held, taken, build)
        taken.add(found[name])
    return found


def _named(name: str, held: Held) -> int:
    by_name = {place.name: int(ident) for ident, place in held.known.places.items()}
    there = {int(row["id"]) for row in held.addresses}
    ident = by_name.get(name) or (int(name) if name.isdecimal() else 0)
    return ident if ident in there else 0


def _alike(values: Sequence[Mapping[str, Any] | None], held: Held, taken: set[int], build: Build) -> int:
    """An address that says the same and is nobody's yet; an active one first."""
    rows = sorted((row for row in held.addresses if row["id"] not in taken), key=lambda row: not row["active"])
    for value in values:
        wanted = build(value) if value else None
        for row in rows:
            if wanted and all((row.get(field) or None) == wanted[field] for field in WRITTEN):
                return int(row["id"])
    return 0


def _addresses(
    change: CustomerChange, held: Held, places: Mapping[str, int], rules: Rules, done: frozenset[str]
) -> Iterator[Any]:
    flags = {flag: str(change.fields[one]) for one, flag in FLAGS.items() if str(change.fields.get(one)) in places}
    wanted: dict[str, Values] = {}
    for name in places:
        value = change.fields.get(f"{ADDRESS}{name}", {})
        if value != {} and f"{ADDRESS}{name}" not in done:
            wanted[name] = {"active": False} if value is None else rules.build(value) | {"active": True}
    made = [
        values | {flag: True for flag, chosen in flags.items() if chosen == name}
        for name, values in wanted.items()
        if not places[name]
    ]
    if made:
        yield ["create", made]
    names = {ident: name for name, ident in places.items() if ident}
    for row in held.addresses:
        name = names.get(int(row["id"]), "")
        told = wanted.get(name, {}) | {flag: name == chosen for flag, chosen in flags.items()}
        differing = {field: value for field, value in told.items() if (row.get(field) or None) != (value or None)}
        if differing and row["active"]:
            yield ["write", [row["id"]], differing]
        elif differing.get("active"):
            yield ["write", [row["id"]], {"active": True}]


# contacts and the tax identifier ------------------------------------------------------------------------------------


def _email(change: CustomerChange, held: Held, rules: Rules, done: frozenset[str]) -> Iterator[Any]:
    if "email" in change.fields and "email" not in done:
        told = str(change.fields["email"] or "")
        there = email_in(held, told, str(change.seen.get("email") or ""))
        yield from _one(there, "value", told, _kept(held, "email"), _contact("email", told, rules))


def email_in(held: Held, *likely: str) -> Row | None:
    """The contact that is the customer's e-mail address: the one of our note, one that is alike, else the first."""
    found = [row for row in held.contacts if _is(row, "email") and row["active"]]
    mark = [row for row in found if row["id"] == held.known.marks.get("email")]
    alike = [row for one in likely if one for row in found if str(row["value"]).casefold() == one.casefold()]
    return next(iter([*mark, *alike, *(row for row in found if not row["address"]), *found]), None)


def _phones(
    change: CustomerChange, held: Held, places: Mapping[str, int], rules: Rules, done: frozenset[str]
) -> Iterator[Any]:
    for name, ident in places.items():
        value = change.fields.get(f"{ADDRESS}{name}")
        if value is None or not ident or name in done:
            continue
        place = held.known.place(ident)
        told = str(value.get("telephone") or "").strip()
        kept = (str(place.told.get("telephone") or ""), place.phone) if place else ("", "")
        values = _contact("phone", told, rules) | {"address": ident}
        yield from _one(phone_in(held, ident), "value", told, kept, values)


def phone_in(held: Held, address: int) -> Row | None:
    """The phone number of an address."""
    found = (row for row in held.contacts if row["active"] and row["address"] == address)
    return next((row for row in found if _is(row, "phone") or row["type"] in PHONES), None)


def _identifier(change: CustomerChange, held: Held, rules: Rules, done: frozenset[str]) -> Iterator[Any]:
    if "vat_id" in change.fields and "vat_id" not in done:
        told = str(change.fields["vat_id"] or "")
        plain = "vat_id" in rules.plain
        kind = None if plain else rules.party.vat_type or None
        values: Values = {"code": told} | ({"type": kind} if kind or plain else {})
        yield from _one(tax_in(held, told), "code", told, _kept(held, "vat_id"), values)


def tax_in(held: Held, *likely: str) -> Row | None:
    """The tax identifier: the one of our note, one that is alike, else what Tryton takes for it."""
    found = [row for row in held.identifiers if row["active"]]
    mark = [row for row in found if row["id"] == held.known.marks.get("vat_id")]
    alike = [row for one in likely if one for row in found if one in {row["code"], row["code_compact"]}]
    return next(iter([*mark, *alike, *(row for row in found if row["id"] == held.tax)]), None)


def _one(there: Row | None, field: str, told: str, kept: tuple[str, str], values: Values) -> Iterator[Any]:
    """The change of a part that is one text: made, written, or archived where the text is empty."""
    if there is None:
        if told:
            yield ["create", [values]]
    elif not told:
        yield ["write", [there["id"]], {"active": False}]
    elif there[field] != told and (told, there[field]) != kept:
        kind = values.get("type")
        # a kind that a person has chosen stays; one that stood in for a kind that was refused does not
        yield ["write", [there["id"]], values if kind in {None, PLAIN} or there["type"] == PLAIN else {field: told}]


def _contact(kind: str, value: str, rules: Rules) -> Values:
    return {"type": PLAIN, "value": value, "name": kind} if kind in rules.plain else {"type": kind, "value": value}


def _is(row: Row, kind: str) -> bool:
    return bool(row["type"] == kind or (row["type"] == PLAIN and row["name"] == kind))


def _kept(held: Held, name: str) -> tuple[str, str]:
    return held.known.told.get(name, ""), held.known.kept.get(name, "")


def _categories(change: CustomerChange, held: Held, rules: Rules) -> Values:
    group = change.fields.get("group")
    if group not in rules.groups:
        return {}
    wanted, ours = rules.groups[group], set(rules.groups.values())
    gone = [one for one in held.categories if one in ours and one != wanted]
    moves = ([["add", [wanted]]] if wanted not in held.categories else []) + ([["remove", gone]] if gone else [])
    return {"categories": moves} if moves else {}


def _listed(name: str, moves: Iterator[Any] | Sequence[Any]) -> Values:
    found = list(moves)
    return {name: found} if found else {}


# whom it is about ----------------------------------------------------------------------------------------------------


def people_in(change: CustomerChange) -> tuple[str, ...]:
    """Every text about the person: it must not come back in an error."""
    found = [change.email]
    for value in (*change.fields.values(), *change.seen.values()):
        found += _texts(value)
    return tuple(dict.fromkeys(one for one in found if len(re.sub(r"\W", "", one)) > 1))


def texts_of(party: Held) -> tuple[str, ...]:
    """The same of a party that was read."""
    fields = ("party_name", "street", "city", "postal_code", "value", "code")
    rows = (*party.addresses, *party.contacts, *party.identifiers)
    found = [str(row[field]) for row in rows for field in fields if row.get(field)]
    return tuple(dict.fromkeys(line for text in (party.name, *found) for line in (*text.split(), *text.splitlines())))


def _texts(value: Any) -> list[str]:
    if isinstance(value, Mapping):
        return [text for name, one in value.items() if name not in {"country", "region_code"} for text in _texts(one)]
    if isinstance(value, list | tuple):
        return [text for one in value for text in _texts(one)]
    return [value] if isinstance(value, str) else []
