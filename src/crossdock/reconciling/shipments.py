"""Shipments: those that the ERP tells of a period, what became of each, and whether the store still has it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

import msgspec

from crossdock.errors import MappingError
from crossdock.flows import FLOWS
from crossdock.flows.documents import LOOK, order_of
from crossdock.flows.fulfilment import message_id, number_of
from crossdock.flows.keys import effect_key
from crossdock.model.fulfilment import Shipment
from crossdock.reconciliation.buckets import Entry, Pair
from crossdock.reconciliation.causes import Standing, of_document
from crossdock.reconciliation.drift import ABSENT, Drift
from crossdock.reconciliation.totals import Sums
from crossdock.reconciling.ports import Pass, Stored, Verdicts
from crossdock.reconciling.told import Told, drift_of, is_before, standing_of

SHIPMENTS = FLOWS["shipments"]
THERE = "there"
ONE = Decimal(1)


class Shipments:
    """See ports.Judging. A note of the ERP's entry is its order's number."""

    def __init__(self, owner: Told, one: Pass) -> None:
        self._owner = owner
        self._pass = one
        self._sums = {owner.erp: Sums(), owner.store: Sums()}
        self._refused: list[Drift] = []

    def erp_side(self) -> Iterator[Entry]:
        """Those of the period; one without a time is of every period."""
        for raw in self._owner.rows():
            if is_before(_moment(raw.get("shipped_at")), self._pass.since):
                continue
            try:
                name = number_of(raw)
            except MappingError:
                continue  # it is a dead letter under a name of its own
            self._sums[self._owner.erp].add(self._pass.began.date(), "shipments", ONE)
            yield Entry(name, (THERE,), order_of(raw))

    def store_side(self, told: Stored) -> Iterator[Entry]:
        """Of what was carried, that which the store still has: it is asked for each by its mark."""
        sink: Any = self._owner.connections.sink(self._owner.store, SHIPMENTS)
        for entry in told():
            done = [one for one in self._promised(entry.key, entry.note) if one.state == "delivered"]
            records = [self._record(one) for one in done]
            if done and all(record is None or sink.find(record, "") is not None for record in records):
                self._sums[self._owner.store].add(self._pass.began.date(), "shipments", ONE)
                yield Entry(entry.key, (THERE,))

    def judged(self, pairs: Sequence[Pair]) -> Verdicts:
        """What was heard of it, and what that promised."""
        erp, store = self._owner.erp, self._owner.store
        subjects = {pair.key: message_id(store, self._owner.flow, {"number": pair.key}) for pair in pairs}
        looks = self._owner.book.documents(erp, LOOK, [*subjects.values()])
        drifts: list[Drift] = []
        moving = 0
        for pair in pairs:
            look = looks.get((subjects[pair.key], store))
            promised = self._promised(pair.key, pair.left.note if pair.left else "")
            if any(self._pass.when().is_moving(one) for one in (look, *promised)):
                moving += 1
            elif (judged := of_document(look, promised, there=pair.right is not None)) is not None:
                known = next((one for one in (look, *promised) if one is not None and one.state == "dead"), look)
                drifts.append(drift_of(pair.key, "shipment", (ABSENT, THERE), judged, known=known))
        return Verdicts(drifts=tuple(drifts), moving=moving)

    def asides(self) -> Verdicts:
        """None."""
        return Verdicts()

    def sums(self) -> dict[str, Sums]:
        """How many."""
        return self._sums

    def _promised(self, number: str, order: str) -> list[Standing]:
        key = effect_key(self._owner.erp, self._owner.flow, number, "make")
        found = self._owner.spine.promised(self._owner.erp, self._owner.flow, order, key)
        return [standing_of(one) for one in found if one.target == self._owner.store]

    def _record(self, one: Standing) -> Shipment | None:
        found = self._owner.spine.delivery(one.id)
        payload = found[1].payload if found else b""
        return msgspec.json.decode(payload, type=Shipment) if payload else None


def _moment(value: Any) -> datetime | None:
    try:
        found = datetime.fromisoformat(str(value)) if value else None
    except ValueError:
        return None
    return found if found is not None and found.tzinfo is not None else None
