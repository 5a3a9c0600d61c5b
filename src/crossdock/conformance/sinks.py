"""What every sink must do, whatever it writes into.

`class TestOrders(SinkConformance)` inherits the whole suite; its author overrides the fixtures that raise. What a
connector does not declare, and what a stand-in cannot show, is skipped with its reason; a sink of documents that can
neither dedupe nor find fails.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import msgspec
import pytest

from crossdock.conformance.faults import DONE, RETRY_AFTER, Fault, Inject
from crossdock.contract.connector import Connector, Sink
from crossdock.contract.flow import Flow, Kind
from crossdock.contract.message import Receipt
from crossdock.errors import (
    ConfigurationError,
    DeliveryError,
    Misconfigured,
    OutcomeUnknown,
    RateLimited,
    Rejected,
    Temporary,
    Unauthorized,
)

RACERS = 8


class SinkConformance:
    """The suite. Every test has a new, empty target.

    `names_ids` False: the target need not name an id of its own for what it took (a cancellation).
    `reads_answers` False: the target's answers mean nothing but their status (a webhook's receiver).
    """

    names_ids = True
    reads_answers = True

    @pytest.fixture
    def connector(self) -> Connector:
        """Override me: connected to a new, empty target (a stand-in or a test system)."""
        raise NotImplementedError

    @pytest.fixture
    def flow(self) -> Flow[Any]:
        """Override me: the flow whose sink is tested."""
        raise NotImplementedError

    @pytest.fixture
    def make_record(self) -> Callable[[int], Any]:
        """Override me: record number n of the flow; the same n gives the same record."""
        raise NotImplementedError

    @pytest.fixture
    def count(self) -> Callable[[Any, str], int]:
        """Override me: how often the target really has (record, key). Ask the target itself, not the sink."""
        raise NotImplementedError

    @pytest.fixture
    def make_key(self, flow: Flow[Any]) -> Callable[[int], str]:
        """The key of record number n."""
        return lambda number: f"v1:conformance:{flow.name}:{number}:put"

    @pytest.fixture
    def inject(self) -> Inject:
        """Override me, where the target can misbehave on demand: the next write meets the fault. False: it cannot."""
        return lambda _fault: False

    @pytest.fixture
    def settle(self) -> Callable[[], None]:
        """Override me, where a write may still take effect after its connection broke: waits that out."""
        return lambda: None

    @pytest.fixture
    def personal(self) -> Sequence[str]:
        """Override me: texts about people in the records; the target quotes them when it refuses."""
        return ()

    @pytest.fixture
    def sink(self, connector: Connector, flow: Flow[Any]) -> Sink[Any]:
        return connector.sink(flow)

    # --- what is declared -----------------------------------------------------------------------------------------

    def test_the_flow_is_declared(self, connector: Connector, flow: Flow[Any]) -> None:
        assert flow.name in connector.capabilities.writes, "capabilities.writes does not name the flow"

    def test_a_document_can_be_deduped_or_found(self, connector: Connector, flow: Flow[Any]) -> None:
        if flow.kind is not Kind.DOCUMENT:
            pytest.skip("not a flow of documents")
        able = connector.capabilities.dedupes | connector.capabilities.finds
        assert flow.name in able, "after an unknown outcome nobody could tell whether it is there: dedupe or find"

    def test_nothing_is_declared_that_is_not_written(self, connector: Connector) -> None:
        abilities = connector.capabilities
        assert (abilities.dedupes | abilities.finds) <= abilities.writes
        assert abilities.settling >= 0

    def test_an_undeclared_flow_has_no_sink(self, connector: Connector, flow: Flow[Any]) -> None:
        stranger = msgspec.structs.replace(flow, name="a-flow-that-nobody-has")
        with pytest.raises(ConfigurationError):
            connector.sink(stranger)

    def test_the_probe_answers(self, connector: Connector) -> None:
        health = connector.probe()
        assert health.ok, health.detail

    def test_a_preview_sends_nothing(
        self,
        connector: Connector,
        flow: Flow[Any],
        make_record: Callable[[int], Any],
        make_key: Callable[[int], str],
        count: Callable[[Any, str], int],
    ) -> None:
        assert isinstance(connector.preview(flow, make_record(1)), Mapping)
        assert count(make_record(1), make_key(1)) == 0

    # --- putting and finding --------------------------------------------------------------------------------------

    def test_put_once_is_there_once(self, rig: Rig) -> None:
        receipt = rig.put(1)
        assert rig.count(1) == 1
        assert isinstance(receipt, Receipt)
        assert not self.names_ids or receipt.external_id

    def test_two_records_are_two(self, rig: Rig) -> None:
        first, second = rig.put(1), rig.put(2)
        assert (rig.count(1), rig.count(2)) == (1, 1)
        assert not self.names_ids or first.external_id != second.external_id

    def test_put_twice_under_one_key_is_there_once(self, rig: Rig) -> None:
        rig.needs("dedupes")
        first, second = rig.put(1), rig.put(1)
        assert rig.count(1) == 1
        assert first.external_id == second.external_id

    def test_racing_puts_under_one_key_are_there_once(self, rig: Rig) -> None:
        """Only the target can hold this, where it dedupes; without that, lanes and leases keep racers apart."""
        rig.needs("dedupes")
        with ThreadPoolExecutor(RACERS) as pool:
            list(pool.map(lambda _: rig.try_put(1), range(RACERS)))
        assert rig.count(1) == 1

    def test_nothing_is_found_before_it_is_put(self, rig: Rig) -> None:
        rig.needs("finds")
        assert rig.find(1) is None
        assert rig.count(1) == 0, "a find has put something"

    def test_what_was_put_is_found(self, rig: Rig) -> None:
        rig.needs("finds")
        put = rig.put(1)
        found = rig.find(1)
        assert found is not None
        assert found.found, "a found receipt says so"
        assert not self.names_ids or found.external_id == put.external_id
        assert rig.count(1) == 1

    def test_another_record_is_not_found(self, rig: Rig) -> None:
        rig.needs("finds")
        rig.put(1)
        assert rig.find(2) is None

    # --- what may have been done is never done twice --------------------------------------------------------------

    @pytest.mark.parametrize("fault", DONE)
    def test_an_unknown_outcome_is_told_and_mended(self, rig: Rig, fault: Fault) -> None:
        """Done, but not said so: OutcomeUnknown. Then find before put, and it is there once."""
        if fault is Fault.NAMELESS and not self.names_ids:
            pytest.skip("this target need not name an id")
        if fault is Fault.GARBAGE and not self.reads_answers:
            pytest.skip("this target's answers are not read")
        rig.inject(fault)
        with pytest.raises(OutcomeUnknown):
            rig.put(1)
        assert rig.count(1) == 1, "the stand-in did not do what the fault promises"
        assert rig.once_more(1) is not None
        assert rig.count(1) == 1

    # --- what was not done is told by what must happen next -------------------------------------------------------

    def test_refused_data_is_rejected(self, rig: Rig) -> None:
        rig.inject(Fault.REFUSED)
        rig.fails(1, Rejected)

    def test_a_refused_login_is_unauthorized(self, rig: Rig) -> None:
        rig.inject(Fault.UNAUTHORIZED)
        rig.fails(1, Unauthorized)

    def test_a_redirect_is_misconfigured(self, rig: Rig) -> None:
        rig.inject(Fault.REDIRECT)
        rig.fails(1, Misconfigured)

    def test_a_limit_says_when_to_come_back(self, rig: Rig) -> None:
        rig.inject(Fault.LIMITED)
        error = rig.fails(1, RateLimited)
        assert isinstance(error, RateLimited)
        assert error.retry_after == pytest.approx(RETRY_AFTER, abs=2)

    def test_what_passes_is_temporary(self, rig: Rig) -> None:
        rig.inject(Fault.UNAVAILABLE)
        rig.fails(1, Temporary)
        rig.put(1)
        assert rig.count(1) == 1

    def test_errors_name_no_person(self, rig: Rig, personal: Sequence[str]) -> None:
        if not personal:
            pytest.skip("the author names no personal texts")
        rig.inject(Fault.REFUSED)
        text = str(rig.fails(1, Rejected)).lower()
        assert [one for one in personal if one.lower() in text] == []

    @pytest.fixture
    def rig(
        self,
        connector: Connector,
        flow: Flow[Any],
        sink: Sink[Any],
        make_record: Callable[[int], Any],
        make_key: Callable[[int], str],
        count: Callable[[Any, str], int],
        inject: Inject,
        settle: Callable[[], None],
    ) -> Rig:
        return Rig(connector, flow, sink, make_record, make_key, count, inject, settle)


class Rig:
    """The fixtures together, by record number."""

    def __init__(
        self,
        connector: Connector,
        flow: Flow[Any],
        sink: Sink[Any],
        make_record: Callable[[int], Any],
        make_key: Callable[[int], str],
        count: Callable[[Any, str], int],
        inject: Inject,
        settle: Callable[[], None],
    ) -> None:
        self._connector = connector
        self._flow = flow
        self._sink = sink
        self._record = make_record
        self._key = make_key
        self._count = count
        self._inject = inject
        self._settle = settle

    def can(self, ability: str) -> bool:
        """Whether `dedupes` or `finds` is declared for the flow."""
        return self._flow.name in getattr(self._connector.capabilities, ability)

    def needs(self, ability: str) -> None:
        """Skips the test, visibly, where the ability is not declared."""
        if not self.can(ability):
            pytest.skip(f"{self._connector.name} does not declare {ability} for {self._flow.name}")

    def inject(self, fault: Fault) -> None:
        """The next write meets the fault; skips the test where the target cannot show it."""
        if not self._inject(fault):
            pytest.skip(f"this target cannot show {fault}")

    def put(self, number: int) -> Receipt:
        """Puts record `number`."""
        return self._sink.put(self._record(number), self._key(number))

    def try_put(self, number: int) -> DeliveryError | None:
        """Puts record `number`; an error of ours is an answer too."""
        try:
            self.put(number)
        except DeliveryError as error:
            return error
        return None

    def find(self, number: int) -> Receipt | None:
        """Looks for record `number`."""
        return self._sink.find(self._record(number), self._key(number))

    def count(self, number: int) -> int:
        """How often the target has record `number`."""
        return self._count(self._record(number), self._key(number))

    def once_more(self, number: int) -> Receipt:
        """What the spine does after an unknown outcome: wait it out, find where that is possible, else put again."""
        self._settle()
        found = self.find(number) if self.can("finds") else None
        return found or self.put(number)

    def fails(self, number: int, kind: type[DeliveryError]) -> DeliveryError:
        """A put that must fail so, with nothing done."""
        with pytest.raises(kind) as caught:
            self.put(number)
        assert self.count(number) == 0
        return caught.value
