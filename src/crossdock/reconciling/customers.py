"""Customers: what the ERP tells of each that is paired with one of the store's, field by field.

Nothing of a person is kept of it: drifts hold the names of fields, and keyed hashes in the place of values.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import Any

import msgspec

from crossdock.errors import MappingError
from crossdock.flows import CUSTOMERS
from crossdock.flows.agreeing import owner_of
from crossdock.flows.customer_rows import number_of, read, spoken
from crossdock.flows.customers import named
from crossdock.model.agreement import Agreement, Cell, same
from crossdock.model.base import Record
from crossdock.reconciliation.buckets import Entry, Pair
from crossdock.reconciliation.causes import CellFacts, Judged, Standing, of_customer
from crossdock.reconciliation.drift import ABSENT, Cause, Drift, Repair
from crossdock.reconciliation.totals import Sums
from crossdock.reconciling.ports import Pass, Stored, Verdicts
from crossdock.reconciling.told import Told, drift_of, is_before

HASH = 16  # characters of a keyed hash
ONE = Decimal(1)
ENCODER = msgspec.json.Encoder(order="sorted")


class _Differing(Record, frozen=True, kw_only=True):
    """A field, both values as keyed hashes, and what that follows from."""

    field: str
    store: str
    erp: str
    facts: CellFacts


class Customers:
    """See ports.Judging. Customers whom only the store has are not compared; whoever differs is kept by the number."""

    def __init__(self, owner: Told, one: Pass) -> None:
        self._owner = owner
        self._pass = one
        self._told: dict[str, dict[str, Any]] = {}
        self._found: dict[str, tuple[str, list[_Differing]]] = {}
        self._sums = {owner.erp: Sums(), owner.store: Sums()}

    def erp_side(self) -> Iterator[Entry]:
        """Those changed in the period, under the ERP's number; a row that cannot be read is a dead letter already."""
        website = str(self._owner.rules.get("website", ""))
        for raw in self._owner.rows():
            try:
                customer = read(spoken(raw), website, self._pass.began)
                number = number_of(raw)
            except MappingError:
                continue
            if is_before(customer.changed_at, self._pass.since):
                continue
            self._told[number] = dict(customer.fields)
            self._sums[self._owner.erp].add(self._pass.began.date(), "customers", ONE)
            yield Entry(number, ("as told",))

    def store_side(self, told: Stored) -> Iterator[Entry]:
        """The store's customer behind each number, read now."""
        for entry in told():
            subject = self._owner.spine.subject_of(self._owner.store, self._owner.erp, entry.key)
            if not subject:
                continue
            if self._owner.spine.is_erased(self._owner.store, subject):
                yield Entry(entry.key, ("as told",))
                continue
            found = self._owner.shop.customers.one(subject.partition(":")[2])
            if found is None:
                self._found[entry.key] = (subject, [])
                continue
            self._sums[self._owner.store].add(self._pass.began.date(), "customers", ONE)
            differing = self._differing(entry.key, subject, found)
            if differing:
                self._found[entry.key] = (subject, differing)
            yield Entry(entry.key, (f"{len(differing)} differ" if differing else "as told",))

    def judged(self, pairs: Sequence[Pair]) -> Verdicts:
        """Field by field."""
        drifts: list[Drift] = []
        moving = 0
        for pair in pairs:
            subject, differing = self._found.get(pair.key, ("", []))
            write = self._write(subject) if subject else None
            if self._pass.when().is_moving(write):
                moving += 1
                continue
            name = f"customer {pair.key}"
            if not differing:
                values = (ABSENT, "there")
                drifts.append(drift_of(name, "customer", values, _absent(subject), subject, write))
            for one in differing:
                facts = msgspec.structs.replace(one.facts, write=write)
                judged = of_customer(facts)
                drifts.append(drift_of(name, one.field, (one.store, one.erp), judged, subject, write))
        return Verdicts(drifts=tuple(drifts), moving=moving)

    def asides(self) -> Verdicts:
        """None."""
        return Verdicts()

    def sums(self) -> dict[str, Sums]:
        """How many."""
        return self._sums

    def _differing(self, number: str, subject: str, found: Any) -> list[_Differing]:
        agreement = self._agreement(subject)
        fields, _ = named(self._owner.shop.customers.parsed(found), agreement)
        owners = self._owner.rules.get("owners", {})
        return [
            _Differing(
                field=name,
                store=self._hashed(fields.get(name)),
                erp=self._hashed(value),
                facts=CellFacts(
                    erp_as_known=_as_known(agreement.target.get(name), value),
                    store_as_known=_as_known(agreement.source.get(name), fields.get(name)),
                    store_owns=owner_of(name, owners) != "erp",
                ),
            )
            for name, value in sorted(self._told.pop(number, {}).items())
            if not same(value, fields.get(name))
        ]

    def _agreement(self, subject: str) -> Agreement:
        known = self._owner.spine.standings(self._owner.store, subject)
        return next((one.agreement for one in known if one.target == self._owner.erp), Agreement())

    def _write(self, subject: str) -> Standing | None:
        """The newest write to either side."""
        found = self._owner.book.documents(self._owner.store, CUSTOMERS.name, [subject])
        mine = [one for (_, target), one in found.items() if target in {self._owner.store, self._owner.erp}]
        return max(mine, key=lambda one: one.id, default=None)

    def _hashed(self, value: Any) -> str:
        return ABSENT if value is None else self._owner.connections.keyed(ENCODER.encode(value).decode())[:HASH]


def _as_known(cell: Cell | None, value: Any) -> bool:
    return cell is not None and same(cell.value, value)


def _absent(subject: str) -> Judged:
    if subject:
        return Judged(cause=Cause.OVERWRITTEN, repair=Repair.NONE, why="the store has this customer no more")
    return Judged(
        cause=Cause.NEVER_CAPTURED, repair=Repair.READ, why="the ERP has it, and no customer of the store is it"
    )
