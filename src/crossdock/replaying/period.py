"""A period replayed without sending anything: what today's mapping and settings make of what was received then.

What was received is taken as it was then: the source's own words that each decision stood on are kept with the attempt.
What the targets answered then answers now. The network cannot be reached meanwhile (transport.tape).
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any, Protocol

import msgspec

from crossdock.connections import Connections
from crossdock.contract.connector import Sink
from crossdock.contract.flow import Duty, Flow
from crossdock.contract.message import Message
from crossdock.contract.shadow import SHADOW
from crossdock.errors import CrossdockError, MessageError
from crossdock.flows import CUSTOMER_LOOKS, LOOKS
from crossdock.model.base import Record
from crossdock.replaying import then
from crossdock.replaying.differences import Now, Outcome, Replayed, judged, together
from crossdock.replaying.heard import Heard, Trail
from crossdock.replaying.tape import NotRecorded, Recording
from crossdock.replaying.then import Ground, Tried
from crossdock.storage.replays import History, Place, Promised
from crossdock.transport.tape import played

STEP = 2000  # places in memory at a time; of each, the history of one subject
DOCUMENTS = ("orders", "payments", "holds", "refunds", "cancellations", "new_customers")
PEOPLE = ("customers", "erasures")
REPLAYABLE = (*DOCUMENTS, *PEOPLE)
DECIDED_ANEW = "it was decided anew before it was sent, and what both sides had by then is not kept"


class Archive(Trail, Protocol):
    """What was kept."""

    def places(self, flow: str, since: datetime, until: datetime, after: int, limit: int) -> list[tuple[int, Place]]:
        """Subjects of which something happened in the period, behind the look with the id `after`."""

    def owed(
        self, flows: Sequence[str], since: datetime, until: datetime, after: int, limit: int
    ) -> list[tuple[int, Place]]:
        """Deliveries of these flows that were promised in the period, behind that id."""

    def promised(self, since: datetime, until: datetime) -> dict[tuple[str, str], int]:
        """How many deliveries were promised in the period, by flow and target."""

    def history(self, flow: str, source: str, subject: str) -> History:
        """All of one."""


class Period(Record, frozen=True, kw_only=True):
    """From `since` to before `until`; empty names are all."""

    since: datetime
    until: datetime
    flow: str = ""
    target: str = ""

    def takes(self, flow: str, target: str) -> bool:
        """Whether it is asked for."""
        return self.flow in {"", flow} and self.target in {"", target}


class Stopped(Exception):
    """Today it would not be sent."""


class Replay:
    """Of one period, of any length in the same memory; not for several threads."""

    def __init__(self, archive: Archive, ends: Connections, period: Period) -> None:
        self._archive = archive
        self._ends = ends
        self._period = period
        self._heard = Heard(archive)

    def run(self) -> Iterator[Replayed]:
        """Every delivery that was promised in the period, and what would have been promised and was not."""
        if self._period.flow not in PEOPLE:
            yield from self._orders()
        yield from self._people()

    def left_out(self) -> dict[tuple[str, str], int]:
        """Deliveries of the period that cannot be replayed, by flow and target."""
        counts = self._archive.promised(self._period.since, self._period.until)
        meant = {place: number for place, number in counts.items() if self._period.takes(*place)}
        return {place: number for place, number in sorted(meant.items()) if not self._replays(*place)}

    def _replays(self, flow: str, target: str) -> bool:
        """What a store is told stands on what was known of both sides then, and that is not kept."""
        known = target in self._ends.by_name
        return flow in REPLAYABLE and not (known and LOOKS.name in self._ends.capabilities(target).reads)

    def _people(self) -> Iterator[Replayed]:
        """Each from the record that was promised: what both sides had by then, which it was made of, is not kept."""
        period, after = self._period, 0
        while page := self._archive.owed(PEOPLE, period.since, period.until, after, STEP):
            for after, (source, subject) in page:
                history = self._archive.history(CUSTOMER_LOOKS.name, source, subject)
                for one in history.promised:
                    if one.view.id == after and self._is_meant(one):
                        yield self._person(history, one)

    def _person(self, history: History, one: Promised) -> Replayed:
        self._remember(history, one)
        return self._delivery(history, one)

    def _orders(self) -> Iterator[Replayed]:
        after = 0
        while page := self._archive.places(LOOKS.name, self._period.since, self._period.until, after, STEP):
            later: list[tuple[Place, Replayed]] = []
            for _, place in page:
                if place[0] not in self._ends.by_name:
                    continue
                for found in self._subject(*place):
                    if found.outcome is Outcome.UNKNOWN:
                        later.append((place, found))
                    else:
                        yield found
            yield from itertools.starmap(self._once_more, later)
            after = page[-1][0]

    def _once_more(self, place: Place, found: Replayed) -> Replayed:
        """What did not ask for something then, since others had, may find it remembered now that others have."""
        history = self._archive.history(LOOKS.name, *place)
        mine = next((one for one in history.promised if one.view.id == found.delivery), None)
        return found if mine is None else self._delivery(history, mine)

    def _subject(self, source: str, subject: str) -> Iterator[Replayed]:
        history = self._archive.history(LOOKS.name, source, subject)
        mine = [one for one in history.promised if self._is_meant(one)]
        for one in mine:
            self._remember(history, one)
            yield self._delivery(history, one)
        yield from self._started(history, source, subject)

    def _is_meant(self, one: Promised) -> bool:
        view, period = one.view, self._period
        in_time = period.since <= view.created_at < period.until
        asked_for = period.takes(view.flow, view.target) and self._replays(view.flow, view.target)
        return in_time and not one.one_row and asked_for

    def _remember(self, history: History, one: Promised) -> None:
        self._heard.take(one.view.target, then.exchanges(then.rows_of(history, one)))

    # --- what was promised then -----------------------------------------------------------------------------------

    def _delivery(self, history: History, one: Promised) -> Replayed:
        rows = then.rows_of(history, one)
        told = Replayed(
            delivery=one.view.id,
            reference=one.view.reference or one.view.subject,
            flow=one.view.flow,
            target=one.view.target,
            outcome=Outcome.SAME,
            mapped_by=next((row.mapping for row in reversed(rows) if row.mapping), ""),
        )
        return together([self._attempt(told, history, one, attempt) for attempt in then.tried(rows)])

    def _attempt(self, told: Replayed, history: History, one: Promised, tried: Tried) -> Replayed:
        told = msgspec.structs.replace(told, bytes_compared=sum(len(said.body) for said in tried.sent))
        if tried.forgotten:
            return msgspec.structs.replace(told, outcome=Outcome.UNKNOWN, why="what was said was forgotten, or erased")
        try:
            record = self._record(history, one, tried)
        except Stopped as stopped:
            outcome = Outcome.STOPS if tried.sent else Outcome.SAME
            return msgspec.structs.replace(told, outcome=outcome, why=str(stopped))
        except NotRecorded as unknown:
            return msgspec.structs.replace(told, outcome=Outcome.UNKNOWN, why=str(unknown))
        found = self._twice(told, one, record, tried)
        if one.view.flow in PEOPLE and tried.again is not None and found.outcome is not Outcome.SAME:
            return msgspec.structs.replace(told, outcome=Outcome.UNKNOWN, why=DECIDED_ANEW)
        return found

    def _twice(self, told: Replayed, one: Promised, record: Any, tried: Tried) -> Replayed:
        """By ends that remember what they have looked up, as those of then did; where it is not the same, by new ones.

        What is remembered here may be of another hour than what was remembered then.
        """
        target, at = one.view.target, tried.at or one.view.created_at
        if target not in self._ends.by_name:
            outcome = Outcome.STOPS if tried.sent else Outcome.SAME
            return msgspec.structs.replace(told, outcome=outcome, why="there is no such connection")
        flow = self._ends.flow(one.view.flow)
        tape = Recording(tried.rows, tried.more, lambda said: self._heard.at_any_time(target, said, at))
        found = judged(told, one.view, tried, _put(tape, self._ends.sink(target, flow), record, one.view.key))
        if found.outcome is Outcome.SAME:
            return found
        tape = Recording(tried.rows, tried.more, lambda said: self._heard.at_about(target, said, at))
        anew = judged(told, one.view, tried, _put(tape, self._ends.anew(target).sink(flow), record, one.view.key))
        return found if anew.outcome is Outcome.UNKNOWN else anew

    def _record(self, history: History, one: Promised, tried: Tried) -> Any:
        """What today's rules make of what was received. Raises Stopped, NotRecorded."""
        flow = self._ends.flow(one.view.flow)
        kept = one.edited or one.view.flow in PEOPLE
        ground = None if kept else then.ground_of(history, one, tried, LOOKS.name)
        if ground is None:
            if not one.record:
                raise NotRecorded("its record was forgotten, or erased")
            return msgspec.json.decode(one.record, type=flow.record)
        # what was looked at again before it was sent is looked at without itself
        duties = self._duties(one.view.source, one.view.subject, history, ground, exclude=one.view.key)
        return _owed(duties, one.view.target, one.view.key, flow)

    def _duties(
        self, source: str, subject: str, history: History, ground: Ground, *, exclude: str = ""
    ) -> tuple[Duty, ...]:
        message = Message(
            id=f"replay:{subject}",
            source=source,
            flow=LOOKS.name,
            subject=subject,
            occurred_at=ground.at,
            read_at=ground.at,
            payload=ground.payload,
        )
        try:
            record = self._ends.completed(LOOKS, message, self._ends.source(source, LOOKS).parse(message))
            known = then.known_at(history, ground.at, exclude)
            return tuple(LOOKS.look(message, record, known, self._ends.routes(source)) if LOOKS.look else ())
        except MessageError as error:
            raise Stopped(f"{error.code}: {error}") from error

    # --- what was not promised then -------------------------------------------------------------------------------

    def _started(self, history: History, source: str, subject: str) -> Iterator[Replayed]:
        """Once each: what a look of the period would promise today and nobody promised."""
        promised = {(one.view.target, one.view.key) for one in history.promised}
        for ground in self._grounds(history):
            try:
                duties = self._duties(source, subject, history, ground)
            except Stopped:
                continue  # it is told where it stops what was promised
            for duty in duties:
                if duty.payload is None or (duty.target, duty.key) in promised or SHADOW in duty.memo or duty.park:
                    continue
                promised.add((duty.target, duty.key))
                if self._period.takes(duty.flow, duty.target):
                    yield Replayed(
                        delivery=None,
                        reference=_reference(history, subject),
                        flow=duty.flow,
                        target=duty.target,
                        outcome=Outcome.STARTS,
                        why="it was not owed then",
                    )

    def _grounds(self, history: History) -> list[Ground]:
        """The looks of the period; of a subject that never came to anything, its newest message."""
        period = self._period
        found = [one for one in then.looks(history, LOOKS.name) if period.since <= one.at < period.until]
        idle = all(one.one_row for one in history.promised)
        if found or not idle or history.newest is None:
            return found
        return [Ground(at=history.newest.read_at or history.newest.occurred_at, payload=history.newest.payload)]


def _put(tape: Recording, sink: Sink[Any], record: Any, key: str) -> Now:
    """What would be said to the target, and how that ends."""
    try:
        with played(tape):
            sink.put(record, key)
    except NotRecorded as unknown:
        return Now(sent=tuple(tape.sent), unanswered=str(unknown))
    except CrossdockError as error:
        return Now(sent=tuple(tape.sent), refused=f"{error.code}: {error}")
    return Now(sent=tuple(tape.sent))


def _owed(duties: tuple[Duty, ...], target: str, key: str, flow: Flow[Any]) -> Any:
    mine = next((duty for duty in duties if (duty.target, duty.key) == (target, key)), None)
    if mine is None or mine.payload is None:
        reasons = [duty.reason for duty in duties if duty.target == target and duty.reason]
        raise Stopped("; ".join(reasons) or "there is no such route, or it is not owed any more")
    if SHADOW in mine.memo:
        raise Stopped("it would only be compared (shadow)")
    if mine.park:
        raise Stopped(f"parked: {mine.reason}")
    return msgspec.json.decode(mine.payload, type=flow.record)


def _reference(history: History, subject: str) -> str:
    return next((one.view.reference for one in history.promised if one.view.reference), subject)


__all__ = ["REPLAYABLE", "Archive", "Period", "Replay"]
