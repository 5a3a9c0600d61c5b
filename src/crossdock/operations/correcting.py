"""Correcting a dead letter's record without seeing what is about a person, and only into what its flow can read.

Who is no admin is shown `***` for what is about a person. What comes back with `***` keeps what stands there: so a
wrong SKU can be put right by somebody who must not see whose order it is.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from crossdock.errors import MappingError, NotNow, NotThere, Stale
from crossdock.flows import FLOWS, ORDERS
from crossdock.flows.proof import describe_difference, prove
from crossdock.model.order import Order
from crossdock.operations import dead
from crossdock.operations.desk import Desk, View, line, needs_why
from crossdock.operations.masking import DECODER, ENCODER, HIDDEN, masked

ABSENT = object()


class Draft(View, frozen=True, kw_only=True):
    """A dead letter's record, to be corrected. `version`: give it back with it. `masked`: parts are `***`."""

    id: int
    flow: str
    reference: str
    version: str
    record: str
    masked: bool
    cli: str


def draft(desk: Desk, number: int, *, admin: bool) -> Draft:
    """Raises NotThere, and NotNow for what is no dead letter whose record can be corrected."""
    version, flow, reference, stored = _letter(desk, number)
    return Draft(
        id=number,
        flow=flow,
        reference=reference,
        version=version,
        record=msgspec.json.format(masked(stored, shown=admin).encode(), indent=2).decode(),
        masked=not admin,
        cli=line("dead", "edit", number, "record.json", "--why", "…"),
    )


def correct(desk: Desk, number: int, text: bytes, by: str, why: str, over: str) -> dead.Done:
    """Tried again under the same key. Raises MappingError for what the flow cannot read, else as `dead.edit` does."""
    needs_why(why)
    version, flow, _, stored = _letter(desk, number)
    if version != over:
        raise Stale(f"delivery {number}: its record was changed or tried again meanwhile")
    fresh = ENCODER.encode(restored(_read(text), _read(stored), ""))
    check(flow, fresh, stored)
    return dead.edit(desk, number, fresh, by, why, over)


def restored(edited: Any, stored: Any, path: str) -> Any:
    """Pure: what is hidden is put back from where it was. Raises MappingError where there was nothing.

    Parts of a list that have an id are known by it, others by their place.
    """
    if edited == HIDDEN:
        if stored is ABSENT:
            raise MappingError(path, f"is {HIDDEN}, and nothing stood there before")
        return stored
    if isinstance(edited, dict):
        before: Mapping[str, Any] = stored if isinstance(stored, dict) else {}
        return {
            name: restored(part, before.get(name, ABSENT), f"{path}.{name}"[-200:]) for name, part in edited.items()
        }
    if isinstance(edited, list):
        return _restored_list(edited, stored if isinstance(stored, list) else [], path)
    return edited


def _restored_list(edited: Sequence[Any], stored: Sequence[Any], path: str) -> list[Any]:
    named = {one["id"]: one for one in stored if isinstance(one, dict) and isinstance(one.get("id"), str | int)}
    by_id = len(named) == len(stored) > 0
    if not by_id and len(edited) != len(stored) and HIDDEN in ENCODER.encode(edited).decode():
        raise MappingError(path, f"has another number of parts than before: what is {HIDDEN} in it cannot be put back")
    found = []
    for place, part in enumerate(edited):
        known = named.get(part.get("id"), ABSENT) if by_id and isinstance(part, dict) else ABSENT
        if not by_id:
            known = stored[place] if place < len(stored) else ABSENT
        found.append(restored(part, known, f"{path}[{place}]"))
    return found


def check(flow: str, fresh: bytes, stored: bytes) -> None:
    """Pure. Raises MappingError: the flow cannot read it, or money that added up would not any more."""
    try:
        record = msgspec.json.decode(fresh, type=FLOWS[flow].record)
    except (msgspec.ValidationError, msgspec.DecodeError) as error:
        raise MappingError(f"the record of {flow}", f"cannot be read: {error}") from error
    if flow == ORDERS.name and not (proof := prove(record)).holds and _held(stored):
        raise MappingError("totals", f"do not fit the lines any more: {describe_difference(proof)}")


def _held(stored: bytes) -> bool:
    """Whether the money of the order added up before. What could not be read at all did not."""
    try:
        return prove(msgspec.json.decode(stored, type=Order)).holds
    except (msgspec.ValidationError, msgspec.DecodeError):
        return False


def _letter(desk: Desk, number: int) -> tuple[str, str, str, bytes]:
    """Version, flow, reference and record."""
    if (found := desk.store.delivery(number)) is None:
        raise NotThere(f"there is no delivery {number}")
    view, message = found
    version = desk.store.record_version(number)
    if not version or view.flow not in FLOWS or not message.payload:
        raise NotNow(f"delivery {number} is no dead letter whose record can be corrected here")
    return version, view.flow, view.reference or view.subject, message.payload


def _read(text: bytes) -> Any:
    try:
        found = DECODER.decode(text)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, ArithmeticError) as error:
        raise MappingError("record", f"is no JSON: {error}"[:300]) from error
    if not isinstance(found, dict):
        raise MappingError("record", "is not a JSON object")
    return found


__all__ = ["Draft", "check", "correct", "draft", "restored"]
