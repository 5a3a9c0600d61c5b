"""What every sink of batches must do: one outcome a row, and each of them true.

`class TestStock(BatchSinkConformance)` inherits the whole suite; its author overrides the fixtures that raise. What an
outcome says is compared with what the target itself holds.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pytest

from crossdock.conformance.faults import DONE, Fault
from crossdock.contract.connector import BatchSink, Connector
from crossdock.contract.flow import Flow
from crossdock.contract.message import Receipt
from crossdock.errors import DeliveryError, OutcomeUnknown, Rejected

Outcome = Receipt | DeliveryError
SEVERAL = 5
Interrupt = Callable[[int, Fault], bool]


class BatchSinkConformance:
    """The suite. Every test has a new target."""

    @pytest.fixture
    def connector(self) -> Connector:
        """Override me: connected to a new target (a stand-in or a test system)."""
        raise NotImplementedError

    @pytest.fixture
    def flow(self) -> Flow[Any]:
        """Override me: the flow whose sink is tested."""
        raise NotImplementedError

    @pytest.fixture
    def make_record(self) -> Callable[[int, int], Any]:
        """Override me: record `number` in state `turn`, both from 1 on; states differ, subjects too."""
        raise NotImplementedError

    @pytest.fixture
    def bad_record(self) -> Any:
        """Override me: one that the target refuses for what it is (an unknown SKU)."""
        raise NotImplementedError

    @pytest.fixture
    def holds(self) -> Callable[[Any], bool]:
        """Override me: whether the target holds exactly this. Ask the target itself, not the sink."""
        raise NotImplementedError

    @pytest.fixture
    def interrupt(self) -> Interrupt:
        """Override me, where the target can misbehave: after so many further writes, one meets the fault."""
        return lambda _after, _fault: False

    @pytest.fixture
    def rig(
        self,
        connector: Connector,
        flow: Flow[Any],
        make_record: Callable[[int, int], Any],
        holds: Callable[[Any], bool],
    ) -> Batches:
        sink: Any = connector.sink(flow)
        assert isinstance(sink, BatchSink), "the sink has no put_many"
        return Batches(sink, make_record, holds)

    def test_no_rows_are_no_trouble(self, rig: Batches) -> None:
        assert list(rig.sink.put_many([])) == []

    def test_each_row_has_its_outcome_and_is_there(self, rig: Batches) -> None:
        records = rig.records(1)
        assert not any(rig.holds(one) for one in records), "the target holds them before they were put"
        outcomes = rig.put(records)
        assert all(isinstance(one, Receipt) for one in outcomes), outcomes
        assert all(rig.holds(one) for one in records)

    @pytest.mark.parametrize("place", [0, 2, SEVERAL])
    def test_one_bad_row_costs_one_row_and_is_named_by_its_place(
        self, rig: Batches, bad_record: Any, place: int
    ) -> None:
        records = rig.records(1)
        outcomes = rig.put([*records[:place], bad_record, *records[place:]])
        assert [isinstance(one, Receipt) for one in outcomes] == [number != place for number in range(SEVERAL + 1)]
        assert isinstance(outcomes[place], Rejected), outcomes[place]
        assert all(rig.holds(one) for one in records)
        assert not rig.holds(bad_record)

    def test_the_same_rows_twice_are_harmless(self, rig: Batches) -> None:
        records = rig.records(1)
        for _ in range(2):
            assert all(isinstance(one, Receipt) for one in rig.put(records))
        assert all(rig.holds(one) for one in records)

    def test_a_newer_state_takes_the_place_of_the_older_one(self, rig: Batches) -> None:
        rig.put(rig.records(1))
        assert all(isinstance(one, Receipt) for one in rig.put(rig.records(2)))
        assert all(rig.holds(one) for one in rig.records(2))
        assert not any(rig.holds(one) for one in rig.records(1))

    def test_the_order_of_rows_is_nothing_to_the_target(self, rig: Batches) -> None:
        records = rig.records(1)[::-1]
        assert all(isinstance(one, Receipt) for one in rig.put(records))
        assert all(rig.holds(one) for one in records)

    @pytest.mark.parametrize("after", [0, 1, 2])
    @pytest.mark.parametrize("fault", [Fault.UNAVAILABLE, Fault.LIMITED, *DONE])
    def test_what_breaks_in_the_middle_is_told_row_by_row_and_mended(
        self, rig: Batches, interrupt: Interrupt, fault: Fault, after: int
    ) -> None:
        """A receipt is there, a plain failure is not, and of an unknown one nothing is claimed."""
        records = rig.records(1)
        if not interrupt(after, fault):
            pytest.skip(f"this target cannot show {fault}")
        outcomes = rig.put(records)
        assert not any(isinstance(one, Rejected) for one in outcomes), outcomes
        for record, outcome in zip(records, outcomes, strict=True):
            if not isinstance(outcome, OutcomeUnknown):
                assert rig.holds(record) is isinstance(outcome, Receipt), (record, outcome)
        owed = [one for one, outcome in zip(records, outcomes, strict=True) if not isinstance(outcome, Receipt)]
        assert all(isinstance(one, Receipt) for one in rig.put(owed))
        assert all(rig.holds(one) for one in records)


class Batches:
    """The fixtures together."""

    def __init__(
        self, sink: BatchSink[Any], make_record: Callable[[int, int], Any], holds: Callable[[Any], bool]
    ) -> None:
        self.sink = sink
        self.holds = holds
        self._record = make_record

    def records(self, turn: int) -> list[Any]:
        """All in one state."""
        return [self._record(number, turn) for number in range(1, SEVERAL + 1)]

    def put(self, records: Sequence[Any]) -> list[Outcome]:
        """One outcome a record; an error of the whole call is every row's."""
        rows = [(record, f"v1:conformance:{place}:put") for place, record in enumerate(records)]
        try:
            outcomes = list(self.sink.put_many(rows))
        except DeliveryError as error:
            return [error] * len(rows)
        assert len(outcomes) == len(rows), "not one outcome a row"
        return outcomes
