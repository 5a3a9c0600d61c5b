"""Parties as customers of the shop.

Who is told: a party of whom the shop has told (it has our note, or the code of a customer of the shop's), and those of
a category. What nobody has changed in Tryton since the shop told it is told in the shop's own words; what was changed
is told as Tryton has it. A party that is archived says nothing. An address that the shop has not told of is told unless
the user of our own key has made it: then it was for an order.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec

from crossdock.erp.tryton.client import TrytonClient
from crossdock.erp.tryton.holding import ADDRESS, CONTACT, IDENTIFIER, PARTY, holding
from crossdock.erp.tryton.memory import Place
from crossdock.erp.tryton.people import FLAGS, Held, email_in, parted, phone_in, split, tax_in
from crossdock.erp.tryton.places import Leg
from crossdock.erp.tryton.reading import EITHER, among
from crossdock.erp.tryton.settings import CustomerSettings, PartySettings
from crossdock.model.base import Record

Raw = dict[str, Any]
NEEDED = ("first_name", "last_name", "street", "city", "country")
EMAIL = re.compile(r"[^\s@]+@[^\s@]+\.[^\s@]+")  # what was kept unchecked may be none, and the shop takes none such
PARTS = (ADDRESS, CONTACT, IDENTIFIER)


class Lands(Record, frozen=True, kw_only=True):
    """Codes of countries by their ids; name and ISO 3166-2 code of subdivisions."""

    countries: dict[int, str] = msgspec.field(default_factory=dict)
    subdivisions: dict[int, tuple[str, str]] = msgspec.field(default_factory=dict)


class Told(Record, frozen=True, kw_only=True):
    """What rows are made with: names of groups and the category, by their ids."""

    party: PartySettings
    groups: dict[int, str] = msgspec.field(default_factory=dict)
    category: int = 0


class Customers:
    """The flow customers. `told` looks up what the settings name."""

    everything = (Leg(model=PARTY),)
    changed = (
        Leg(model=PARTY, stamp="create_date", domain=(EITHER,)),
        *(Leg(model=model, stamp="create_date", link="party", domain=(EITHER,)) for model in PARTS),
        Leg(model=PARTY, stamp="write_date", domain=(EITHER,)),
        *(Leg(model=model, stamp="write_date", link="party", domain=(EITHER,)) for model in PARTS),
    )

    def __init__(self, settings: CustomerSettings, told: Callable[[], Told]) -> None:
        self._settings = settings
        self._told = told

    def rows(self, client: TrytonClient, leg: Leg, links: Sequence[int], at: datetime) -> list[Raw]:  # noqa: ARG002  a row says when it was changed
        """A row for each party that is a customer; of what changed, not those that only our own write has changed."""
        told = self._told()
        held = [one for one in holding(client, links, told.party.fields.values()) if is_customer(one, told)]
        held = [one for one in held if not (leg.stamp and one.is_as_left)]
        lands = _lands(client, held)
        return [row_of(one, lands, told) for one in held]


def is_customer(held: Held, told: Told) -> bool:
    """Whether the shop is told of this party."""
    if not held.active or held.replaced_by or not held.name:
        return False
    if told.category and told.category in held.categories:
        return True
    if held.memory is not None:
        return not held.memory.guest
    return is_ours(held, told)


def is_ours(held: Held, told: Told) -> bool:
    """Whether it has the code of a customer of the shop's."""
    return re.fullmatch(re.escape(told.party.code_prefix) + r"\d+", held.code) is not None


def row_of(held: Held, lands: Lands, told: Told) -> Raw:
    """What `POST /customers` takes. What Tryton has no word of is not spoken of."""
    row: Raw = {"number": held.code, "as_of": held.touched.isoformat() if held.touched else None}
    row |= dict(_scalars(held, told))
    attributes = {}
    for field, target in told.party.fields.items():
        if field.startswith("attributes."):
            attributes[field.removeprefix("attributes.")] = held.values[target]
        else:
            row[field] = held.values[target]
    addresses = list(_addresses(held, lands, told))
    more = ({"attributes": attributes} if attributes else {}) | ({"addresses": addresses} if addresses else {})
    return row | more


def _scalars(held: Held, told: Told) -> Iterator[tuple[str, Any]]:
    known = held.known
    first, last = _names(held, told)
    if last:
        yield from (("first_name", first or None), ("last_name", last))
    email = email_in(held)
    if email is not None and EMAIL.fullmatch(str(email["value"])):
        same = str(email["value"]) == known.kept.get("email")
        yield "email", known.told["email"] if same and known.told.get("email") else str(email["value"])
    tax = tax_in(held)
    if tax is not None and tax["code"] != "":
        same = str(tax["code"]) == known.kept.get("vat_id")
        yield "vat_id", known.told["vat_id"] if same and known.told.get("vat_id") else str(tax["code_compact"])
    elif known.marks.get("vat_id"):
        yield "vat_id", None
    groups = [told.groups[one] for one in held.categories if one in told.groups]
    if len(groups) == 1:
        yield "group", groups[0]


def _names(held: Held, told: Told) -> tuple[str, str]:
    """Nothing where the party's name may be a company's."""
    if held.memory is not None:
        as_told = held.memory.kept.get("name") == held.name
        if as_told and held.memory.told.get("last_name"):
            return held.memory.told.get("first_name", ""), held.memory.told["last_name"]
        return split(held.name, held.memory) if held.memory.personal else ("", "")
    return parted(held.name) if told.category in held.categories else ("", "")


# addresses ----------------------------------------------------------------------------------------------------------


def _addresses(held: Held, lands: Lands, told: Told) -> Iterator[Raw]:
    first = {
        flag: next((row["id"] for row in held.addresses if row["active"] and row[flag]), 0) for flag in FLAGS.values()
    }
    ourselves = held.noted_by or (held.made_by if is_ours(held, told) else 0)
    for row in held.addresses:
        place = held.known.place(int(row["id"]))
        if place is None and ourselves and row["create_uid"] == ourselves:
            continue  # we have made it for an order
        number = place.name if place else str(row["id"])
        if not row["active"]:
            yield {"number": number, "removed": True}
            continue
        found = address_of(row, place or Place(name=number), held, lands)
        if all(found.get(field) for field in NEEDED):
            defaults = {default: True for default, flag in FLAGS.items() if first[flag] == row["id"]}
            yield {"number": number, **{field: value for field, value in found.items() if value}, **defaults}


def address_of(row: Mapping[str, Any], place: Place, held: Held, lands: Lands) -> Raw:
    """The shop's fields of an address: its own words where they still come to what Tryton has."""
    told = place.told
    phone = phone_in(held, int(row["id"]))
    number = str(phone["value"]) if phone else ""
    name, code = lands.subdivisions.get(row["subdivision"] or 0, ("", ""))
    found: Raw = _person(str(row["party_name"] or ""), told, held)
    found |= _region(str(row["street"] or "").splitlines(), name, code, told)
    found |= {
        "city": _word(row["city"], told, "city"),
        "postcode": _word(row["postal_code"], told, "postcode"),
        "country": lands.countries.get(row["country"] or 0, ""),
        "telephone": told.get("telephone") if told.get("telephone") and number == place.phone else number,
        "vat_id": told.get("vat_id"),
    }
    return found


def _word(value: Any, told: Mapping[str, Any], field: str) -> str:
    text = str(value or "")
    return str(told[field]) if str(told.get(field) or "").strip() == text and field in told else text


def _person(text: str, told: Mapping[str, Any], held: Held) -> Raw:
    """Company and names out of `Company - First Last`."""
    fields = ("company", "first_name", "last_name")
    company, first, last = (str(told.get(field) or "").strip() for field in fields)
    person = " ".join(one for one in (first, last) if one)
    if text and text == " - ".join(one for one in (company, person) if one):
        return {field: told.get(field) for field in fields}
    before, dash, after = text.rpartition(" - ")
    named = after if dash else text
    first, last = parted(named, first, last) if named else split(held.name, held.known)
    return {"company": before if dash else "", "first_name": first, "last_name": last}


def _region(lines: list[str], name: str, code: str, told: Mapping[str, Any]) -> Raw:
    """A region that Tryton has no subdivision for stands in the street's last line."""
    street = [str(line).strip() for line in told.get("street") or () if str(line).strip()]
    region = {field: told[field] for field in ("region", "region_code") if told.get(field)}
    if code:
        short = code.partition("-")[2] or code
        same = str(told.get("region_code") or "").upper() == short.upper()
        return {"street": street if lines == street else lines} | (
            region if same else {"region": name, "region_code": short}
        )
    beside = str(told.get("region") or "").strip()
    if beside and lines and lines[-1] == beside:
        rest = lines[:-1]
        return {"street": rest} | region
    return {"street": lines}


def _lands(client: TrytonClient, held: Sequence[Held]) -> Lands:
    rows = [row for one in held for row in one.addresses]
    countries = sorted({int(row["country"]) for row in rows if row["country"]})
    parts = sorted({int(row["subdivision"]) for row in rows if row["subdivision"]})
    return Lands(
        countries={row["id"]: str(row["code"]) for row in among(client, "country.country", "id", countries, ("code",))},
        subdivisions={
            row["id"]: (str(row["name"]), str(row["code"]))
            for row in among(client, "country.subdivision", "id", parts, ("name", "code"))
        },
    )
