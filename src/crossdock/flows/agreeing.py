"""Both sides' values of a customer's fields: whose field it is, and what each side is to be told. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from crossdock.model.agreement import Agreement, Cell, Side, same
from crossdock.model.base import Record
from crossdock.model.customer import Owner

ADDRESS = "addresses."
DEFAULTS = ("default_billing", "default_shipping")
OWNERS: Mapping[str, Owner] = {"email": "store", "group": "erp"}


class Decision(Record, frozen=True, kw_only=True):
    """What each side is to be told: value and when it was made, by field. `asks`: fields that a person must decide."""

    to_target: dict[str, Cell] = {}
    to_source: dict[str, Cell] = {}
    asks: tuple[str, ...] = ()


def owner_of(name: str, owners: Mapping[str, Owner]) -> Owner:
    """Whose field it is: by its own name, else by its kind, else whoever changed it last."""
    kind = "addresses" if name.startswith(ADDRESS) or name in DEFAULTS else name.partition(".")[0]
    return owners.get(name) or owners.get(kind) or OWNERS.get(name, "newest")


def decide(agreement: Agreement, owners: Mapping[str, Owner], *, new: bool, flying: frozenset[str]) -> Decision:
    """Of every field that one side has and the other has not, or not surely, or otherwise.

    `new`: the ERP is not known to have this customer: it is told everything. `flying`: fields of writes to the ERP
    that are under way, so that what it has is not known.
    """
    to_target: dict[str, Cell] = {}
    to_source: dict[str, Cell] = {}
    asks: list[str] = []
    for name in sorted(agreement.source.keys() | agreement.target.keys()):
        owner = owner_of(name, owners)
        ours, theirs = agreement.source.get(name), agreement.target.get(name)
        if theirs is None:
            if (
                ours is not None
                and not same(ours.value, None)
                and (new or (owner != "erp" and ours.value is not False))
            ):
                to_target[name] = ours
        elif ours is not None and same(ours.value, theirs.value):
            if not theirs.sure or name in flying:
                to_target[name] = max(ours, theirs, key=lambda cell: cell.at)
        elif (winner := _winner(name, owner, agreement)) is Side.SOURCE:
            to_target |= {name: _over(ours, theirs)} if ours is not None else {}
        elif winner is Side.TARGET:
            to_source[name] = _over(theirs, ours)
            if not theirs.sure or name in flying:
                to_target[name] = theirs
        else:
            asks.append(name)
    return Decision(to_target=to_target, to_source=to_source, asks=tuple(asks))


def _over(cell: Cell, other: Cell | None) -> Cell:
    """A value that was chosen is as new as what it takes the place of: else an owner's old one would never stand."""
    return cell if other is None else msgspec.structs.replace(cell, at=max(cell.at, other.at))


def _winner(name: str, owner: Owner, agreement: Agreement) -> Side | None:
    """None where a person must say."""
    ours, theirs = agreement.source.get(name), agreement.target[name]
    if ours is None:  # the store has never had it
        return Side.TARGET if owner != "store" and theirs.value is not None else Side.SOURCE
    if owner in {"store", "erp"}:
        return Side.SOURCE if owner == "store" else Side.TARGET
    if name in agreement.base:
        base = agreement.base[name]
        if same(base, ours.value):
            return Side.TARGET
        if same(base, theirs.value):
            return Side.SOURCE
    if owner == "ask":
        return None
    return Side.SOURCE if ours.at >= theirs.at else Side.TARGET


def decided(agreement: Agreement, side: Side) -> dict[str, Any]:
    """The base after a person has said that this side's values stand: the other one's count as old."""
    other = agreement.target if side is Side.SOURCE else agreement.source
    return {**agreement.base, **{name: cell.value for name, cell in other.items()}}


__all__ = ["ADDRESS", "DEFAULTS", "Decision", "decide", "decided", "owner_of"]
