"""One attempt at one delivery: look or put, judge, settle. The only place that talks to the ends."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import msgspec
import structlog

from crossdock.contract.flow import Duty, Flow, Kind, Route
from crossdock.contract.message import Message, Receipt
from crossdock.contract.shadow import PARKED, SHADOW
from crossdock.delivery.ends import Ends
from crossdock.delivery.records import (
    Attempt,
    Delivery,
    Link,
    Promise,
    Settlement,
    State,
    Verdict,
)
from crossdock.delivery.store import Store
from crossdock.delivery.verdict import Policy, delivered, judge, postponed, shadowed, superseded
from crossdock.errors import Conflict, CrossdockError, InvalidPayload, LeaseLost, NotReady, Rejected
from crossdock.model.base import Record

log = structlog.get_logger("crossdock.delivery")


class Waiting(Exception):
    """A find would prove nothing yet. `until` is when it will."""

    def __init__(self, until: datetime, reason: str = "waiting until a lost request can no longer take effect") -> None:
        super().__init__(reason)
        self.until = until


class Overtaken(Exception):
    """A fresh look says that this need not be done any more."""


class Limits(Record, frozen=True, kw_only=True):
    """Ages in seconds: `fresh_for` of a payload before it is read again, `absent_for` before a subject is given up."""

    fresh_for: float = 30.0
    absent_for: float = 600.0


class Deliverer:
    """Carries leased deliveries. Safe for many threads; holds no state of its own."""

    def __init__(
        self,
        store: Store,
        ends: Ends,
        policy: Policy,
        limits: Limits,
        clock: Callable[[], datetime],
        luck: Callable[[], float],
        failpoint: Callable[[str], None] = lambda _name: None,
    ) -> None:
        self._store = store
        self._ends = ends
        self._policy = policy
        self._limits = limits
        self._clock = clock
        self._luck = luck
        self._failpoint = failpoint

    def carry(self, delivery: Delivery) -> Verdict | None:
        """One attempt; the verdict as settled, or None when another worker has taken over meanwhile."""
        self._ends.begin(delivery.leased_until)
        started = self._clock()
        settlement = self._attempt(delivery, started)
        self._failpoint("before-settle")
        try:
            self._store.settle(delivery, settlement, self._clock())
        except LeaseLost:
            log.warning("lease lost", delivery=delivery.id, flow=delivery.flow, target=delivery.target)
            return None
        self._failpoint("after-settle")
        if settlement.verdict.pause and self._store.pause(
            delivery.target, settlement.verdict.pause, "crossdock", self._clock()
        ):
            log.error("connection paused", connection=delivery.target, reason=settlement.verdict.pause)
        return settlement.verdict

    def _attempt(self, delivery: Delivery, started: datetime) -> Settlement:
        flow, seen = self._ends.flow(delivery.flow), [b""]  # what it is decided upon: kept, for replays
        try:
            settlement = self._look(delivery, flow, seen) if flow.kind is Kind.LOOK else self._put(delivery, flow, seen)
        except Waiting as waiting:
            return Settlement(verdict=postponed(delivery, waiting.until, str(waiting)))
        except Overtaken as overtaken:
            settlement = Settlement(verdict=superseded(delivery, self._clock(), str(overtaken)))
        except Exception as failure:  # noqa: BLE001  the worker is the one place that catches wide
            settlement = self._failed(delivery, failure)
        return msgspec.structs.replace(settlement, attempts=self._tried(delivery, settlement, started, seen[-1]))

    def _failed(self, delivery: Delivery, failure: Exception) -> Settlement:
        policy = msgspec.structs.replace(self._policy, settling=self._settling(delivery))
        verdict = judge(delivery, failure, policy, self._clock(), self._luck())
        ours = isinstance(failure, CrossdockError)
        log.log(
            30 if ours else 40,
            "attempt failed",
            delivery=delivery.id,
            flow=delivery.flow,
            target=delivery.target,
            code=verdict.code,
            state=verdict.state,
            attempts=verdict.attempts,
            exc_info=None if ours else failure,
        )
        aside = verdict.state == State.DEAD and self._ends.flow(delivery.flow).steps_aside
        return Settlement(verdict=verdict, aside=aside)

    def _settling(self, delivery: Delivery) -> float:
        """Seconds until absence is proven; none where the target takes one key once, or is only read."""
        capabilities = self._ends.capabilities(delivery.target)
        looked_at = self._ends.flow(delivery.flow).kind is Kind.LOOK and delivery.flow in capabilities.reads
        harmless = delivery.flow in capabilities.dedupes or looked_at
        return 0.0 if harmless else capabilities.settling

    def _tried(self, delivery: Delivery, settlement: Settlement, started: datetime, seen: bytes) -> tuple[Attempt, ...]:
        """The exchanges with the outside, and one row for what it came to, with what it was decided upon."""
        verdict = settlement.verdict
        took = (self._clock() - started) // timedelta(milliseconds=1)
        mapping = self._ends.mapping(delivery.source, delivery.target)

        def named(attempt: Attempt) -> Attempt:
            about = {"entity": delivery.flow, "entity_id": delivery.subject, "key": delivery.key}
            return msgspec.structs.replace(attempt, mapping=mapping, **about)

        exchanges = [named(one) for one in self._ends.exchanges()]
        # an order that still waits for its payment is looked at every hour: the same reason is told once
        if verdict.state == State.PENDING and not verdict.code and verdict.reason == delivery.reason:
            return tuple(exchanges)
        summary = Attempt(
            operation=verdict.state,
            started_at=self._clock(),
            duration_ms=took,
            error=verdict.reason if verdict.code else "",
            detail="" if verdict.code else verdict.reason,
            response=seen,
        )
        return (*exchanges, named(summary))

    # --- looking: read the source afresh, decide what is owed -----------------------------------------------------

    def _look(self, delivery: Delivery, flow: Flow[Any], seen: list[bytes]) -> Settlement:
        message, duties, record = self._see(delivery.message, flow, connection=delivery.target, exclude="")
        if message is None:
            return self._absent(delivery)
        promises = tuple(self._promise(message, duty) for duty in duties if duty.payload is not None)
        seen.append(message.payload if promises else b"")
        ends = tuple((duty.target, key, duty.reason) for duty in duties for key in duty.supersedes)
        replaced = tuple((duty.target, key, "another version is tried") for duty in duties for key in duty.instead_of)
        skips = [f"{duty.target}: {duty.reason}" for duty in duties if duty.payload is None and duty.reason]
        verdict = delivered(delivery, self._clock(), "; ".join(skips))
        again = [duty.again_in for duty in duties if duty.again_in is not None]
        if again:
            until = self._clock() + timedelta(seconds=min(again))
            verdict = msgspec.structs.replace(verdict, state=State.PENDING, due_at=until, attempts=0)
        return Settlement(
            verdict=verdict,
            promises=promises,
            ends=ends,
            instead_of=tuple(dict.fromkeys(replaced)),
            content=message.content,
            final=flow.is_final is not None and flow.is_final(record),
            reference=message.reference,
            subjects=self._ends.people(flow, record),
            reserved=self._ends.reserved(flow, message.source, record),
            agreed=self._ends.agreed(flow, message, delivery.target, record, None),
        )

    def _see(
        self, message: Message, flow: Flow[Any], *, connection: str, exclude: str
    ) -> tuple[Message | None, tuple[Duty, ...], Any]:
        source = self._ends.source(connection, flow)
        seen: Message | None = message
        self._failpoint("before-look")
        if not self._ends.capabilities(connection).rereads:
            if not message.payload:
                raise Overtaken("nothing is said of it here, and its source cannot be read")
        elif not self._is_fresh(message):
            seen = source.read(message)
        self._failpoint("after-look")
        if seen is None:
            return None, (), None
        record = self._ends.completed(flow, seen, source.parse(seen))
        known = [one for one in self._store.known(seen.source, seen.subject) if one.key != exclude]
        routes: list[Route] = list(self._ends.routes(seen.source))
        if flow.look is None:
            raise InvalidPayload(f"flow {flow.name} cannot be looked at")
        return seen, tuple(flow.look(seen, record, known, routes)), record

    def _is_fresh(self, message: Message) -> bool:
        if message.read_at is None or not message.payload:
            return False
        return (self._clock() - message.read_at).total_seconds() < self._limits.fresh_for

    def _absent(self, delivery: Delivery) -> Settlement:
        """Announced but not there: not committed yet, or rolled back for good (flaw 15)."""
        age = (self._clock() - delivery.opened_at).total_seconds()
        if age < self._limits.absent_for:
            raise NotReady("the source does not have it (yet)")
        return Settlement(verdict=superseded(delivery, self._clock(), "the source never had it: rolled back there"))

    def _promise(self, message: Message, duty: Duty) -> Promise:
        flow = self._ends.flow(duty.flow)
        subject = duty.subject or message.subject
        looks = flow.kind is Kind.LOOK
        told = Message(
            id=f"look:{message.id}"[:255] if looks else f"duty:{duty.target}:{duty.key}",
            source=duty.source or message.source,
            flow=duty.flow,
            subject=subject,
            reference=duty.reference or ("" if looks else message.reference),
            occurred_at=message.occurred_at,
            read_at=message.read_at,
            payload=duty.payload or b"",
        )
        return Promise(
            message=told,
            flow=duty.flow,
            target=duty.target,
            key=flow.key(told) if looks else duty.key,
            lane=duty.lane or flow.ordering_key(told),
            priority=flow.priority,
            park=duty.park,
            reason=duty.reason,
            memo=duty.memo,
            one_row=looks,
        )

    # --- putting: find what may be there, then put ----------------------------------------------------------------

    def _put(self, delivery: Delivery, flow: Flow[Any], seen: list[bytes]) -> Settlement:
        record = self._decode(delivery.message, flow)
        if SHADOW in delivery.memo:
            return self._compare(delivery, flow, self._renewed(delivery, flow, record, seen))
        receipt = self._find_first(delivery, flow, record)
        if receipt is None:
            record = self._renewed(delivery, flow, record, seen)
            receipt = self._send(delivery, flow, record)
        return self._received(delivery, flow, receipt, record)

    def _compare(self, delivery: Delivery, flow: Flow[Any], record: Any) -> Settlement:
        """In the place of sending: the ends give something that cannot write. The source is not told."""
        onlooker = self._ends.onlooker(delivery.target, flow)
        found = onlooker.compare(record, delivery.key, delivery.memo, delivery.opened_at, self._clock())
        if found.again_at is not None:
            raise Waiting(found.again_at, found.told())
        return Settlement(verdict=shadowed(delivery, self._clock(), found.told()), compared=found)

    def _decode(self, message: Message, flow: Flow[Any]) -> Any:
        try:
            return msgspec.json.decode(message.payload, type=flow.record)
        except msgspec.DecodeError as error:
            raise InvalidPayload(f"the {flow.name} payload cannot be read") from error

    def _find_first(self, delivery: Delivery, flow: Flow[Any], record: Any) -> Receipt | None:
        """An attempt that may have got through is looked up before anything is sent again (flaw 25)."""
        if not delivery.maybe_sent:
            return None
        capabilities = self._ends.capabilities(delivery.target)
        if flow.name in capabilities.finds:
            receipt = self._ends.sink(delivery.target, flow).find(record, delivery.key)
            if receipt is None:
                self._wait_out(delivery, self._settling(delivery))
            return receipt
        if flow.name in capabilities.dedupes:
            return None
        raise Rejected("may have been sent, and the target can neither find nor dedupe it: a person must look")

    def _wait_out(self, delivery: Delivery, settling: float) -> None:
        """Absence is proven only once a lost request can no longer be under way."""
        settled = (delivery.sent_at or delivery.opened_at) + timedelta(seconds=settling)
        if self._clock() < settled:
            raise Waiting(settled)

    def _renewed(self, delivery: Delivery, flow: Flow[Any], record: Any, note: list[bytes]) -> Any:
        """Too old a payload is looked at again: the source may have changed its mind meanwhile."""
        looks = self._ends.looks(flow)
        reread = looks is not None and not delivery.edited and self._ends.capabilities(delivery.source).rereads
        if looks is None or not reread or self._is_fresh(delivery.message):
            return record
        hint = msgspec.structs.replace(delivery.message, payload=b"", read_at=None, flow=looks.name)
        seen, duties, _ = self._see(hint, looks, connection=delivery.source, exclude=delivery.key)
        if seen is None:
            raise Rejected("the source does not have it any more")
        note.append(seen.payload)
        mine = next((duty for duty in duties if duty.target == delivery.target and duty.key == delivery.key), None)
        if mine is not None and mine.payload is not None:
            if (mine.park or PARKED in mine.memo) and SHADOW not in delivery.memo:
                raise Rejected(mine.reason)
            return msgspec.json.decode(mine.payload, type=flow.record)
        reasons = [duty.reason for duty in duties if duty.target == delivery.target and duty.reason]
        raise Overtaken("; ".join(reasons) or "not owed any more")

    def _send(self, delivery: Delivery, flow: Flow[Any], record: Any) -> Receipt:
        sink = self._ends.sink(delivery.target, flow)
        if delivery.leased_until is not None and self._clock() >= delivery.leased_until:
            raise Waiting(self._clock(), "the lease ran out before anything was sent")
        self._failpoint("before-send")
        try:
            receipt = sink.put(record, delivery.key)
        except Conflict as conflict:
            found = sink.find(record, delivery.key)
            if found is None:
                raise Rejected(f"the target has something else under this reference: {conflict}") from conflict
            return found
        self._failpoint("after-send")
        return receipt

    def _received(self, delivery: Delivery, flow: Flow[Any], receipt: Receipt, record: Any) -> Settlement:
        duty = flow.acknowledge(delivery.message, delivery.target, receipt) if flow.acknowledge else None
        abilities = self._ends.capabilities(duty.target) if duty else None
        if duty and abilities and duty.flow not in abilities.writes | abilities.reads:
            duty = None  # a source that takes no acknowledgements is not told
        return Settlement(
            verdict=delivered(delivery, self._clock(), _what(receipt)),
            promises=(self._promise(delivery.message, duty),) if duty else (),
            links=_links(delivery, receipt),
            moved=self._ends.moved(flow, delivery.message, delivery.target, record, receipt),
            agreed=self._ends.agreed(flow, delivery.message, delivery.target, record, receipt),
        )


def _what(receipt: Receipt) -> str:
    name = receipt.number or receipt.external_id
    return f"{'found there as' if receipt.found else 'is'} {name}" if name else receipt.detail


def _links(delivery: Delivery, receipt: Receipt) -> tuple[Link, ...]:
    def link(external_id: str, part: str, number: str) -> Link:
        return Link(
            source=delivery.source,
            subject=delivery.subject,
            target=delivery.target,
            external_id=external_id,
            part=part,
            number=number,
        )

    if not receipt.external_id:
        return ()
    # the subject's own number comes from its document; what follows (a payment, a refund) is a part of it
    part = "" if receipt.number else delivery.key[-100:]
    whole = link(receipt.external_id, part, receipt.number)
    return (whole, *(link(theirs, f"line:{ours}", "") for ours, theirs in receipt.links.items()))
