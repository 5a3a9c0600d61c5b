"""A customer as Magento's REST tells and takes it, and as we mean it. Pure.

Recorded from a 2.4.7: a PUT keeps what it does not speak of, addresses too; but a list of addresses is all of them, and
an address that is missing in it goes. So whatever is sent is the customer as it was read, with the changes in it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from crossdock.errors import Rejected
from crossdock.magento.mapping.wire import JsonObject, branch, flag, moment, rows, scalar, text
from crossdock.model.agreement import same
from crossdock.model.customer import Customer

SCALARS: Mapping[str, str] = {
    "email": "email",
    "first_name": "firstname",
    "last_name": "lastname",
    "middle_name": "middlename",
    "prefix": "prefix",
    "suffix": "suffix",
    "birthday": "dob",
    "vat_id": "taxvat",
}
ADDRESS: Mapping[str, str] = {
    "first_name": "firstname",
    "last_name": "lastname",
    "company": "company",
    "city": "city",
    "postcode": "postcode",
    "country": "country_id",
    "telephone": "telephone",
    "vat_id": "vat_id",
}
DEFAULTS = ("default_billing", "default_shipping")
READ_ONLY = frozenset({"created_at", "updated_at", "created_in"})
ADDRESSES, ATTRIBUTES = "addresses.", "attributes."

Region = Callable[[str, str, str], JsonObject]  # country, region, its code -> Magento's region


def parse_customer(
    found: JsonObject, groups: Mapping[str, str], websites: Mapping[str, str], attributes: Sequence[str]
) -> Customer:
    """As the store has it: addresses are named `m` and their id. `groups`, `websites`: id -> code.

    Raises MappingError.
    """
    fields: dict[str, Any] = {name: value for name, theirs in SCALARS.items() if (value := text(found, theirs))}
    if "email" in fields:
        fields["email"] = fields["email"].lower()
    if group := groups.get(text(found, "group_id")):
        fields["group"] = group
    if "is_subscribed" in branch(found, "extension_attributes"):
        fields["subscribed"] = flag(branch(found, "extension_attributes"), "is_subscribed")
    custom = {text(row, "attribute_code"): scalar(row.get("value")) for row in rows(found, "custom_attributes")}
    fields |= {f"{ATTRIBUTES}{code}": custom[code] for code in attributes if custom.get(code)}
    fields |= {f"{ADDRESSES}m{text(row, 'id')}": parse_place(row) for row in rows(found, "addresses")}
    fields |= {
        name: f"m{place}" for name in DEFAULTS if (place := text(found, name)) and f"{ADDRESSES}m{place}" in fields
    }
    return Customer(
        id=text(found, "id"),
        website=websites.get(text(found, "website_id"), ""),
        changed_at=_changed_at(found),
        fields=fields,
    )


def parse_place(row: JsonObject) -> dict[str, Any]:
    """One address; what is empty is left out."""
    told: dict[str, Any] = {name: value for name, theirs in ADDRESS.items() if (value := text(row, theirs))}
    street = row.get("street")
    told["street"] = [line for line in street if isinstance(line, str) and line.strip()] if street else []
    region = branch(row, "region")
    told |= {name: value for name in ("region", "region_code") if (value := text(region, name))}
    return told


def build_customer(
    current: JsonObject,
    fields: Mapping[str, Any],
    places: Mapping[str, str],
    groups: Mapping[str, str],
    region: Region,
) -> JsonObject:
    """The customer as it was read with these fields changed. `places`: names of addresses -> ids; `groups`: code -> id.

    Raises Rejected for a group that the store does not have.
    """
    body: JsonObject = {name: value for name, value in current.items() if name not in READ_ONLY}
    for name, value in fields.items():
        if name in SCALARS:
            body[SCALARS[name]] = value if value is not None else ""
        elif name == "group":
            body["group_id"] = int(_of(groups, value))
        elif name == "subscribed":
            body["extension_attributes"] = {**branch(body, "extension_attributes"), "is_subscribed": bool(value)}
    if any(name.startswith(ATTRIBUTES) for name in fields):
        body["custom_attributes"] = _custom(body, fields)
    if any(name.startswith(ADDRESSES) or name in DEFAULTS for name in fields):
        _set_addresses(body, fields, places, region)
    return body


def matching(current: JsonObject, fields: Mapping[str, Any], places: Mapping[str, str]) -> dict[str, str]:
    """Addresses under a name that the store has not been told, and that are there by their content: name -> id."""
    taken = set(places.values())
    free = {text(row, "id"): parse_place(row) for row in rows(current, "addresses") if text(row, "id") not in taken}
    found: dict[str, str] = {}
    for field, value in fields.items():
        name = field.removeprefix(ADDRESSES)
        if field.startswith(ADDRESSES) and value is not None and place_of(name, places) == "":
            match = next((one for one, there in free.items() if same(there, value)), "")
            if match:
                found[name] = match
                free.pop(match)
    return found


def place_of(name: str, places: Mapping[str, str]) -> str:
    """The store's id of an address; "" where it has none."""
    if name in places:
        return places[name]
    return name[1:] if name.startswith("m") and name[1:].isdecimal() else ""


def _set_addresses(body: JsonObject, fields: Mapping[str, Any], places: Mapping[str, str], region: Region) -> None:
    kept = {text(row, "id"): dict(row) for row in rows(body, "addresses")}
    fresh: dict[str, JsonObject] = {}
    for field, value in fields.items():
        if not field.startswith(ADDRESSES):
            continue
        name = field.removeprefix(ADDRESSES)
        place = place_of(name, places)
        if value is None:
            kept.pop(place, None)
        elif place in kept:
            kept[place] = _built(kept[place], value, region)
        else:
            fresh[name] = _built({}, value, region)
    for default in DEFAULTS:
        if default in fields:
            _set_default(body, default, fields[default], places, kept, fresh)
        elif text(body, default) not in kept:
            body.pop(default, None)
    body["addresses"] = [*kept.values(), *fresh.values()]


def _set_default(
    body: JsonObject,
    default: str,
    name: str | None,
    places: Mapping[str, str],
    kept: Mapping[str, JsonObject],
    fresh: Mapping[str, JsonObject],
) -> None:
    """Told twice, as the store tells it: at the customer by id, and at the address."""
    place = place_of(name or "", places)
    for one, row in kept.items():
        row[default] = one == place
    if place in kept:
        body[default] = place
    else:
        body.pop(default, None)
    if name is not None and name in fresh:
        fresh[name][default] = True


def _built(row: JsonObject, value: Mapping[str, Any], region: Region) -> JsonObject:
    told = {theirs: value.get(name, "") for name, theirs in ADDRESS.items() if name in value or theirs in row}
    built = {**row, **told, "street": list(value.get("street") or ())}
    before = parse_place(row)
    names = ("country", "region", "region_code")
    if any(value.get(name, "") != before.get(name, "") for name in names):
        if same(_only(value, names), _only(before, names)):
            return built
        found = region(value.get("country", ""), value.get("region", ""), value.get("region_code", ""))
        built |= {"region": found, "region_id": found["region_id"]}
    return built


def _only(value: Mapping[str, Any], names: Sequence[str]) -> dict[str, Any]:
    return {name: value[name] for name in names if value.get(name)}


def _custom(body: JsonObject, fields: Mapping[str, Any]) -> list[JsonObject]:
    told = {name.removeprefix(ATTRIBUTES): value for name, value in fields.items() if name.startswith(ATTRIBUTES)}
    kept = [row for row in rows(body, "custom_attributes") if text(row, "attribute_code") not in told]
    return [*kept, *({"attribute_code": code, "value": value or ""} for code, value in told.items())]


def _of(groups: Mapping[str, str], code: Any) -> str:
    for known, number in groups.items():
        if known.casefold() == str(code or "General").casefold():
            return number
    raise Rejected("the store has no customer group of this code")


def _changed_at(found: JsonObject) -> datetime:
    return moment(found, "updated_at" if text(found, "updated_at") else "created_at", "customer")
