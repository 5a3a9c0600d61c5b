"""Parties with all that belongs to them, read a hundred at a time."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from crossdock.erp.tryton.client import Row, TrytonClient
from crossdock.erp.tryton.memory import Memory, parse_note
from crossdock.erp.tryton.people import WRITTEN, Held
from crossdock.erp.tryton.reading import EITHER, among
from crossdock.model.base import Record

PARTY, ADDRESS, CONTACT, IDENTIFIER, NOTE = (
    "party.party",
    "party.address",
    "party.contact_mechanism",
    "party.identifier",
    "ir.note",
)
STAMPS = ("create_date", "write_date")
OWN = ("code", "name", "active", "replaced_by", "create_uid", "tax_identifier", "categories", *STAMPS)
PARTS: dict[str, tuple[str, ...]] = {
    ADDRESS: ("party", "active", "invoice", "delivery", "create_uid", *WRITTEN, *STAMPS),
    CONTACT: ("party", "active", "type", "value", "name", "address", *STAMPS),
    IDENTIFIER: ("party", "active", "type", "code", "code_compact", *STAMPS),
}


class Kept(Record, frozen=True, kw_only=True):
    """One note of ours, and the user that has left it: ours."""

    id: int
    by: int
    at: datetime
    memory: Memory


def holding(client: TrytonClient, idents: Sequence[int], more: Iterable[str] = ()) -> list[Held]:
    """The parties of these ids, archived ones too; `more` are further fields of theirs."""
    fields = tuple(more)
    rows = list(among(client, PARTY, "id", idents, (*OWN, *fields), (EITHER,)))
    parts = {model: _parts(client, model, idents) for model in PARTS}
    notes = _notes(client, idents)
    return [_held(row, parts, notes[int(row["id"])], fields) for row in rows]


def _parts(client: TrytonClient, model: str, idents: Sequence[int]) -> dict[int, list[dict[str, Any]]]:
    found: dict[int, list[dict[str, Any]]] = defaultdict(list)
    for row in among(client, model, "party", idents, PARTS[model], (EITHER,)):
        found[int(row["party"])].append(dict(row))
    return found


def _notes(client: TrytonClient, idents: Sequence[int]) -> dict[int, list[Kept]]:
    """Those of ours, oldest first: a note cannot be changed, so the newest counts."""
    found: dict[int, list[Kept]] = defaultdict(list)
    fields = ("resource", "message", "create_uid", "create_date")
    for row in among(client, NOTE, "resource", [f"{PARTY},{ident}" for ident in idents], fields):
        if (memory := parse_note(row["message"])) is not None:
            kept = Kept(id=int(row["id"]), by=row["create_uid"] or 0, at=row["create_date"], memory=memory)
            found[int(str(row["resource"]).partition(",")[2])].append(kept)
    return found


def _held(
    row: Row,
    parts: dict[str, dict[int, list[dict[str, Any]]]],
    notes: Sequence[Kept],
    fields: Sequence[str],
) -> Held:
    ident = int(row["id"])
    own = {model: tuple(sorted(found[ident], key=lambda one: int(one["id"]))) for model, found in parts.items()}
    stamps = [one[stamp] for rows in ((row,), *own.values()) for one in rows for stamp in STAMPS]
    return Held(
        id=ident,
        code=str(row["code"]),
        name=str(row["name"] or ""),
        active=bool(row["active"]),
        replaced_by=row["replaced_by"] or 0,
        made_by=row["create_uid"] or 0,
        tax=row["tax_identifier"] or 0,
        addresses=own[ADDRESS],
        contacts=own[CONTACT],
        identifiers=own[IDENTIFIER],
        categories=tuple(row["categories"] or ()),
        values={field: row[field] for field in fields},
        memory=notes[-1].memory if notes else None,
        notes=tuple(one.id for one in notes),
        noted_by=notes[-1].by if notes else 0,
        noted_at=notes[-1].at if notes else None,
        touched=max((one for one in stamps if one), default=None),
    )
