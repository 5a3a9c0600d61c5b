"""What a party's note keeps of a customer: the shop's own words, beside what Tryton had made of them. Pure.

Tryton has one name where the shop has two, writes phone numbers and tax identifiers its own way, and has no field for
the shop's name of an address. What nobody has changed in Tryton since is told to the shop as it came from there.
"""

from __future__ import annotations

from typing import Any

import msgspec

from crossdock.model.base import Record

MARK = "crossdock party: "
HEAD = "Crossdock keeps here what the shop calls things. Leave it as it is, please."


class Place(Record, frozen=True, kw_only=True):
    """One address: the shop's name of it, its own words, and the phone number as Tryton has written it."""

    name: str
    told: dict[str, Any] = msgspec.field(default_factory=dict)
    phone: str = ""


class Memory(Record, frozen=True, kw_only=True):
    """`told`: the shop's field -> its word. `kept`: `name`, `email`, `vat_id` as Tryton had them right after.

    `marks`: the ids of the records that hold the e-mail address and the tax identifier. `places`: by address's id.
    `personal`: the party's name is the person's, no company's. `seal`: what the party was when the note was left, ""
    where it had been changed by somebody else before, whom nobody may have heard yet.
    """

    told: dict[str, str] = msgspec.field(default_factory=dict)
    kept: dict[str, str] = msgspec.field(default_factory=dict)
    marks: dict[str, int] = msgspec.field(default_factory=dict)
    places: dict[str, Place] = msgspec.field(default_factory=dict)
    personal: bool = True
    guest: bool = False
    seal: str = ""

    def place(self, ident: int) -> Place | None:
        """Of an address."""
        return self.places.get(str(ident))


def build_note(memory: Memory) -> str:
    """The note's text."""
    return f"{HEAD}\n{MARK}{msgspec.json.encode(memory, order='sorted').decode()}"


def parse_note(text: str | None) -> Memory | None:
    """None where it is no note of ours, or one that somebody has edited beyond reading."""
    found = [line.removeprefix(MARK) for line in (text or "").splitlines() if line.startswith(MARK)]
    try:
        return msgspec.json.decode(found[-1], type=Memory) if found else None
    except msgspec.DecodeError:
        return None
