"""A customer's fields, each with what either side has, whose it is, and whose value stands. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime

from crossdock.flows.agreeing import Decision, decide, owner_of
from crossdock.model.agreement import Agreement, Cell, same
from crossdock.model.customer import Owner
from crossdock.operations.desk import View
from crossdock.operations.masking import shown


class Field(View, frozen=True, kw_only=True):
    """One field of a customer in a store and an ERP. Values are masked unless they may be seen.

    `by`: how what stands came about. Times are when each side's value was made.
    """

    erp: str
    field: str
    owner: str
    store_value: str
    store_at: datetime | None
    erp_value: str
    erp_at: datetime | None
    by: str


def fields(erp: str, agreement: Agreement, owners: Mapping[str, Owner], *, revealed: bool) -> Iterator[Field]:
    """In the order of their names."""
    decision = decide(agreement, owners, new=False, flying=frozenset())
    for name in sorted(agreement.source.keys() | agreement.target.keys()):
        ours, theirs = agreement.source.get(name), agreement.target.get(name)
        yield Field(
            erp=erp,
            field=name,
            owner=owner_of(name, owners),
            store_value=_value(name, ours, revealed=revealed),
            store_at=ours.at if ours else None,
            erp_value=_value(name, theirs, revealed=revealed),
            erp_at=theirs.at if theirs else None,
            by=_by(name, ours, theirs, decision),
        )


def _by(name: str, ours: Cell | None, theirs: Cell | None, decision: Decision) -> str:
    owed = (
        (decision.asks, "changed on both sides: a person must decide"),
        (decision.to_source, "the ERP's stands, and is to be written to the store"),
        (decision.to_target, "the store's stands, and is to be written to the ERP"),
    )
    for names, told in owed:
        if name in names:
            return told
    if ours is None or theirs is None:
        return "only one side has it"
    return _written(ours, theirs) if same(ours.value, theirs.value) else "each side has its own"


def _written(ours: Cell, theirs: Cell) -> str:
    """Of what is alike: which of the two was written last tells whose it was."""
    if theirs.given_at and (not ours.given_at or theirs.given_at >= ours.given_at):
        return f"the store's, written to the ERP at {theirs.given_at:%Y-%m-%d %H:%M:%S} UTC"
    if ours.given_at:
        return f"the ERP's, written to the store at {ours.given_at:%Y-%m-%d %H:%M:%S} UTC"
    return "alike on both sides"


def _value(name: str, cell: Cell | None, *, revealed: bool) -> str:
    return "" if cell is None or cell.value is None else shown(name, str(cell.value), revealed=revealed)


__all__ = ["Field", "fields"]
