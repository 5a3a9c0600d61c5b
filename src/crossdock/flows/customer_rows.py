"""A customer as an ERP tells of it, read strictly: from a push, a page of a poll or a line of a file. Pure.

What a row does not speak of stays as it is: nothing is wiped by being left out. `null` or an empty text empties a
field; an address goes by `removed`. No error names a value: these are people.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

import msgspec

from crossdock.errors import MappingError
from crossdock.model.customer import Customer

Raw = Mapping[str, Any]
LONGEST = 255
NUMBER = 64
TEXTS = ("first_name", "last_name", "middle_name", "prefix", "suffix", "vat_id", "group", "birthday")
ADDRESS_TEXTS = (
    "first_name",
    "last_name",
    "company",
    "city",
    "region",
    "region_code",
    "postcode",
    "country",
    "telephone",
    "vat_id",
)
FLAGS = ("removed", "default_billing", "default_shipping")
ADDRESS_NEEDED = ("first_name", "last_name", "city", "country")
KNOWN = frozenset({*TEXTS, "number", "as_of", "website", "email", "subscribed", "attributes", "addresses"})
ADDRESS_KNOWN = frozenset({*ADDRESS_TEXTS, *FLAGS, "number", "street"})
EMAIL = re.compile(r"[^\s@]+@[^\s@]+\.[^\s@]+")
NAME = re.compile(r"[A-Za-z0-9_-]{1,60}")
DAY = re.compile(r"\d{4}-\d\d-\d\d")


def read(raw: Raw, website: str, now: datetime) -> Customer:
    """The customer that a row tells of. `website`: where it belongs if the row does not say. Raises MappingError.

    `now` is the time of what does not say `as_of`.
    """
    _refuse_unknown(raw, KNOWN, "")
    return Customer(
        number=number_of(raw),
        website=_text(raw, "website", "") or website,
        changed_at=as_of(raw) or now,
        fields=_scalars(raw) | _attributes(raw) | _addresses(raw),
    )


def number_of(raw: Raw) -> str:
    """The ERP's own number of it. Raises MappingError."""
    number = raw.get("number")
    text = str(number) if isinstance(number, int) and not isinstance(number, bool) else number
    if not isinstance(text, str) or not text.strip():
        raise MappingError("number", "is missing")
    if len(text.strip()) > NUMBER or not text.isprintable() or any(one in text for one in "#:%"):
        raise MappingError("number", f"is longer than {NUMBER} characters, or has one of # : % in it")
    return text.strip()


def as_of(raw: Raw) -> datetime | None:
    """When it was so, by the ERP's clock; None where the row does not say. Raises MappingError."""
    told = raw.get("as_of")
    if told in (None, ""):
        return None
    try:
        moment = datetime.fromisoformat(str(told))
    except ValueError:
        raise MappingError("as_of", "is no ISO 8601 time") from None
    if moment.tzinfo is None:
        raise MappingError("as_of", "has no time zone")
    return moment.astimezone(UTC)


def message_id(store: str, raw: Raw, keyed: Callable[[str], str]) -> str:
    """Under which a row is heard once: by its `as_of`, else by its content. Raises MappingError.

    `keyed`: a hash that nobody can check a guess with, 16 characters at least.
    """
    moment = as_of(raw)
    told = moment.isoformat() if moment else content(raw)
    return f"{store}:customers:{number_of(raw)}#{keyed(told)[:16]}"


def next_id(named: str, newest: str, keyed: Callable[[str], str]) -> str:
    """Under which a row without a time is heard: what the newest one said is the newest one, sent again.

    An older one's words after another's are news: a name that was changed and changed back. `named` is `message_id`'s,
    `newest` the id of what was heard last of this customer, or "".
    """
    if not newest or newest == named or newest.startswith(f"{named}~"):
        return newest or named
    return f"{named}~{keyed(newest)[:8]}"


def word_id(store: str, raw: Raw, moment: datetime | None, keyed: Callable[[str], str]) -> str:
    """Under which a row that was read, or comes from a file, is heard once: by its time and by what it says.

    Not by its time alone: a push under the same `as_of` may tell less of the same state. `moment`: of a row without a
    time of its own; None where it must have one. Raises MappingError.
    """
    told = as_of(raw) or moment
    if told is None:
        raise MappingError("as_of", "is missing")
    return f"{store}:customers:{number_of(raw)}#{keyed(f'{told.isoformat()} {content(raw)}')[:16]}"


def content(raw: Raw) -> str:
    """What a row says, as one text: only ever put through a keyed hash."""
    return msgspec.json.encode(raw, order="sorted").decode()


def spoken(raw: Raw) -> dict[str, Any]:
    """Without what is null: a path that leads nowhere, or an empty cell, empties no field of anybody."""
    said = {name: value for name, value in raw.items() if value is not None}
    if isinstance(attributes := said.get("attributes"), Mapping):
        said["attributes"] = {code: value for code, value in attributes.items() if value is not None}
    return said


def _scalars(raw: Raw) -> dict[str, Any]:
    fields: dict[str, Any] = {name: _text(raw, name, "") or None for name in TEXTS if name in raw}
    if fields.get("birthday") and not DAY.fullmatch(fields["birthday"]):
        raise MappingError("birthday", "is no day written as 2026-11-25")
    if "email" in raw:
        email = _text(raw, "email", "").lower()
        if not EMAIL.fullmatch(email):
            raise MappingError("email", "is no e-mail address")
        fields["email"] = email
    if "subscribed" in raw:
        fields["subscribed"] = _flag(raw, "subscribed", "")
    return fields


def _attributes(raw: Raw) -> dict[str, Any]:
    told = raw.get("attributes", {})
    if not isinstance(told, Mapping):
        raise MappingError("attributes", "is no object")
    fields: dict[str, Any] = {}
    for code in told:
        if not NAME.fullmatch(code):
            raise MappingError("attributes", "has a code that is none")
        fields[f"attributes.{code}"] = _text(told, code, "attributes.") or None
    return fields


def _addresses(raw: Raw) -> dict[str, Any]:
    rows = raw.get("addresses", [])
    if not isinstance(rows, list) or not all(isinstance(row, Mapping) for row in rows):
        raise MappingError("addresses", "is no list of addresses")
    fields: dict[str, Any] = {}
    for place, row in enumerate(rows):
        where = f"addresses[{place}]."
        _refuse_unknown(row, ADDRESS_KNOWN, where)
        name = _text(row, "number", where)
        if not NAME.fullmatch(name):
            raise MappingError(f"{where}number", "is missing, or has other characters than letters, digits, - and _")
        if f"addresses.{name}" in fields:
            raise MappingError(f"{where}number", "stands here twice")
        flags = {flag: row.get(flag) is not None and _flag(row, flag, where) for flag in FLAGS}
        fields[f"addresses.{name}"] = None if flags["removed"] else _address(row, where)
        fields |= {default: name for default in FLAGS[1:] if flags[default]}
    return fields


def _address(row: Raw, where: str) -> dict[str, Any]:
    """Whole: an address is one value, changed and kept as one."""
    told = {name: text for name in ADDRESS_TEXTS if (text := _text(row, name, where))}
    street = row.get("street")
    if street is None:
        raise MappingError(f"{where}street", "is missing")
    lines = [street] if isinstance(street, str) else street
    if not isinstance(lines, list) or not all(isinstance(line, str | None) for line in lines):
        raise MappingError(f"{where}street", "is no list of lines")
    told_lines = [line.strip() for line in lines if line and line.strip()]
    missing = [name for name in ADDRESS_NEEDED if name not in told] + ([] if told_lines else ["street"])
    if missing:
        raise MappingError(f"{where}{missing[0]}", "is missing")
    if len(told["country"]) != 2:
        raise MappingError(f"{where}country", "is no code of two letters")
    return told | {"street": told_lines}


def _text(raw: Raw, name: str, where: str) -> str:
    value = raw.get(name)
    if value is None:
        return ""
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise MappingError(f"{where}{name}", "is no text")
    text = str(value).strip()
    if len(text) > LONGEST:
        raise MappingError(f"{where}{name}", f"is longer than {LONGEST} characters")
    if not text.isprintable():
        raise MappingError(f"{where}{name}", "has control characters in it")
    return text


def _flag(raw: Raw, name: str, where: str) -> bool:
    value = raw.get(name, False)
    if not isinstance(value, bool):
        raise MappingError(f"{where}{name}", "is neither true nor false")
    return value


def _refuse_unknown(raw: Raw, known: frozenset[str], where: str) -> None:
    """A field that nobody reads is a mistake that nobody would see."""
    if unknown := sorted(str(name)[:40] for name in raw.keys() - known):
        raise MappingError(f"{where}{unknown[0]}", "there is no such field")
