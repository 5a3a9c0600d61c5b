"""Feeds of states: compared with what stands, guarded, and put in place.

The comparison writes nothing; only once the guard has let the whole feed pass are its changes put in place, some
thousand rows a transaction. A process that dies between two of them leaves the feed TAKEN: it is compared anew, and
what was put in place already is then unchanged.
"""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from itertools import islice
from types import TracebackType
from typing import Any, NamedTuple, Self

import msgspec

from crossdock.contract.flow import Flow, Route
from crossdock.contract.state import StateRules
from crossdock.delivery.ends import Ends
from crossdock.errors import ConfigurationError, InvalidPayload, MappingError
from crossdock.feeds.levels import Fate, Feed, FeedState, Level, LevelStore, NewFeed, Row, compare
from crossdock.flows.cells import exact

CHUNK = 2000  # rows compared, or put in place, at a time
IN_MEMORY = 8_000_000  # bytes of changes, before they go to a temporary file
ABANDONED = timedelta(seconds=120)  # after which a feed that is only TAKEN is compared by somebody else
FILE = "file"  # the channel of rows whose body is not kept
NEWEST = 2**62  # later than whatever came
BODY = msgspec.json.Decoder(float_hook=exact)  # 19.990 stays what it says
Raw = Mapping[str, Any]


class Feeds:
    """Takes feeds and compares them. Safe for many threads."""

    def __init__(self, store: LevelStore, ends: Ends, clock: Callable[[], datetime], woken: Callable[[], None]) -> None:
        self._store = store
        self._ends = ends
        self._clock = clock
        self._woken = woken

    def take(self, new: NewFeed) -> Feed:
        """Stored durably, not compared yet."""
        return self._store.take_feed(new, self._clock())

    def compare(self, feed: Feed, raws: Iterable[Raw]) -> Feed:
        """Compare all rows and put in place what the guard lets pass; the feed as it stands then."""
        flow = self._ends.flow(feed.flow)
        options = self._options(feed)
        found = _Found()
        with _Changes() as changes:
            for chunk in _chunks(_read(flow, feed, raws, options, found), CHUNK):
                self._compare(feed, flow, chunk, options, found, changes)
                self._keep(feed, found)
            self._keep(feed, found)
            reason = _rules(flow).guard(found.alarms, found.total, options)
            for changed in _chunks(iter(changes), CHUNK):
                if reason:
                    self._store.keep_rows(feed, [_kept(level, Fate.HELD, reason) for level in changed])
                else:
                    self._store.merge(feed, changed, flow.priority, self._clock())
        state = FeedState.HELD if reason else FeedState.DONE
        closed = self._store.close_feed(feed, state, found.total, reason)
        self._woken()
        return closed

    def approve(self, feed: Feed, by: str, why: str) -> bool:
        """Go on with a held one: what it would have changed and is not older than what stands by now."""
        flow = self._ends.flow(feed.flow)
        # first the levels: were the process to end before the word is kept, approving again finds them in place
        for chunk in _chunks((row for row in self._rows(feed) if row.fate is Fate.HELD), CHUNK):
            self._store.merge(feed, [_level(row) for row in chunk], flow.priority, self._clock())
        decided = self._store.decide_feed(feed, FeedState.DONE, by, why, self._clock())
        self._woken()
        return decided

    def wake(self) -> None:
        """A queued one waits."""
        self._woken()

    def refuse(self, feed: Feed, by: str, why: str) -> bool:
        """It will never be put in place."""
        return self._store.decide_feed(feed, FeedState.REFUSED, by, why, self._clock())

    def resume(self, limit: int = 10) -> int:
        """Compare what is queued, and what a process that ended has left behind; returns how many feeds."""
        now = self._clock()
        queued = self._store.feeds_in((FeedState.QUEUED,), now, limit)
        left = self._store.feeds_in((FeedState.TAKEN,), now - ABANDONED, limit)
        left = [feed for feed in left if feed.channel != FILE]  # its rows are not kept: whoever imports it goes on
        for feed in (*queued, *left):
            try:
                self.compare(feed, read_rows(self._store.feed_body(feed)))
            except InvalidPayload as error:
                self._store.close_feed(feed, FeedState.REFUSED, 0, str(error))
        return len(queued) + len(left)

    def preview(self, new: NewFeed, raws: Iterable[Raw]) -> Iterator[Difference]:
        """What a feed would change, and what of it cannot be read. Nothing is kept."""
        flow = self._ends.flow(new.flow)
        options = options_of(route_of(self._ends.routes(new.message.source), new.target, new.flow), new.flow)
        feed = Feed(
            id=0,
            seq=NEWEST,
            source=new.message.source,
            target=new.target,
            flow=new.flow,
            channel=new.channel,
            state=FeedState.TAKEN,
            received_at=self._clock(),
        )
        found = _Found()
        for chunk in _chunks(_read(flow, feed, raws, options, found), CHUNK):
            known = self._store.standings(feed.target, [one.key for one in chunk])
            for one in chunk:
                standing = known.get(one.key)
                fate = compare(one.content, one.version, standing, feed.seq)
                if fate is not Fate.UNCHANGED:
                    before = standing.content if standing else ""
                    named = _rules(flow).reference(one.record)
                    yield Difference(one.number, named, one.subject, fate, before, one.content)
            yield from _refused(found)
        yield from _refused(found)

    def _compare(
        self, feed: Feed, flow: Flow[Any], chunk: list[_Read], options: Raw, found: _Found, changes: _Changes
    ) -> None:
        known = self._store.standings(feed.target, [one.key for one in chunk])
        unsettled = self._ends.unsettled(flow, feed.source, feed.target)
        rules = _rules(flow)
        moved: list[Level] = []
        changed: list[_Read] = []
        for one in chunk:
            standing = known.get(one.key)
            again = bool(unsettled) and rules.reference(one.record).casefold() in unsettled
            fate = compare(one.content, one.version, standing, feed.seq, unsettled=again)
            if fate is Fate.CHANGED:
                changed.append(one)
            elif fate is Fate.STALE:
                found.rows.append(_kept(_level_of(feed, flow, one), fate, "something newer is known"))
            elif standing is not None and one.version > standing.version:
                moved.append(_level_of(feed, flow, one))
        if changed:
            self._alarm(feed, flow, changed, options, found)
            changes.add([_level_of(feed, flow, one, unsettled) for one in changed])
        if moved:  # the same content under a newer version: only the version moves on
            self._store.merge(feed, moved, flow.priority, self._clock())

    def _alarm(self, feed: Feed, flow: Flow[Any], changed: list[_Read], options: Raw, found: _Found) -> None:
        before = self._store.records(feed.target, [one.key for one in changed])
        for one in changed:
            was = before.get(one.key)
            record = msgspec.json.decode(was, type=flow.record) if was else None
            if alarm := _rules(flow).alarm(one.record, record, options):
                found.alarms[alarm] += 1

    def _keep(self, feed: Feed, found: _Found) -> None:
        if found.rows:
            self._store.keep_rows(feed, found.rows)
            found.rows.clear()

    def _options(self, feed: Feed) -> Raw:
        return options_of(route_of(self._ends.routes(feed.source), feed.target, feed.flow), feed.flow)

    def _rows(self, feed: Feed) -> Iterator[Row]:
        after = -1
        while page := self._store.feed_rows(feed.id, after, CHUNK):
            yield from page
            after = page[-1].number


class Difference(NamedTuple):
    """A row of a preview that is not simply unchanged."""

    number: int
    reference: str
    subject: str
    fate: Fate
    before: str
    after: str


def read_rows(body: bytes) -> list[Raw]:
    """The rows of a request's or a page's body, `{"items": [...]}`. Raises InvalidPayload."""
    try:
        found = BODY.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise InvalidPayload("Invalid payload: not JSON") from error
    rows = found.get("items") if isinstance(found, dict) else None
    if not isinstance(rows, list):
        raise InvalidPayload("Invalid payload: missing items array")
    return rows


def route_of(routes: Iterable[Route], target: str, flow: str) -> Route:
    """The one that carries the flow there. Raises ConfigurationError."""
    for route in routes:
        if route.target == target and flow in route.flows:
            return route
    raise ConfigurationError([f"routes: none carries {flow} to {target}"])


def options_of(route: Route, flow: str) -> Raw:
    """The part of a route's options that is the flow's."""
    found: Raw = route.states.get(flow) or {}
    return found


class _Found:
    """What a comparison came to so far; `rows` are not kept yet."""

    def __init__(self) -> None:
        self.total = 0
        self.alarms: Counter[str] = Counter()
        self.rows: list[Row] = []


class _Changes:
    """Levels to be put in place, in the order in which they came; many of them lie in a temporary file."""

    def __init__(self) -> None:
        self._file = tempfile.SpooledTemporaryFile(IN_MEMORY)  # noqa: SIM115  closed by __exit__

    def add(self, levels: list[Level]) -> None:
        """Some more. What is written is about no person (flows of states hold none)."""
        self._file.writelines(msgspec.json.encode(level) + b"\n" for level in levels)

    def __iter__(self) -> Iterator[Level]:
        self._file.seek(0)
        decoder = msgspec.json.Decoder(Level)
        return (decoder.decode(line) for line in self._file)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()


def _rules(flow: Flow[Any]) -> StateRules[Any]:
    if flow.state is None:
        raise ConfigurationError([f"{flow.name} is no flow of states"])
    return flow.state


class _Read(msgspec.Struct, frozen=True, gc=False):
    """A row, read: only what is compared, since most rows of a large feed ask for nothing.

    A million of them are made for a large feed: hence no Record, and nothing that Python's search for cycles visits.
    """

    number: int
    key: str
    subject: str
    content: str
    version: str
    record: Any


def _read(flow: Flow[Any], feed: Feed, raws: Iterable[Raw], options: Raw, found: _Found) -> Iterator[_Read]:
    rules = _rules(flow)
    read, subject_of, content_of, version_of = rules.reader(options), rules.subject, rules.content, rules.version
    prefix = f"v1:{feed.source}:{flow.name}:"
    number = -1
    for number, raw in enumerate(raws):
        try:
            record = read(raw if isinstance(raw, dict) else {})
        except MappingError as error:
            found.rows.append(Row(number=number, fate=Fate.REJECTED, reference=_named(raw), reason=str(error)))
            continue
        subject = subject_of(record)
        yield _Read(number, prefix + subject, subject, content_of(record), version_of(record), record)
    found.total = number + 1


def _level_of(feed: Feed, flow: Flow[Any], one: _Read, unsettled: frozenset[str] = frozenset()) -> Level:
    rules = _rules(flow)
    reference = rules.reference(one.record)
    return Level(
        number=one.number,
        subject=one.subject,
        reference=reference,
        unsettled=bool(unsettled) and reference.casefold() in unsettled,
        key=one.key,
        lane=f"{feed.target}:{flow.name}:{rules.lane(one.record)}",
        content=one.content,
        record=msgspec.json.encode(one.record),
        version=one.version,
    )


def _refused(found: _Found) -> Iterator[Difference]:
    for row in found.rows:
        yield Difference(row.number, row.reference, "", row.fate, "", row.reason)
    found.rows.clear()


def _named(raw: Any) -> str:
    """What a row that cannot be read calls itself; without what no database's text holds."""
    name = str(raw.get("sku") or "") if isinstance(raw, Mapping) else ""
    return "".join(one for one in name if one.isprintable())[:64]


def _kept(level: Level, fate: Fate, reason: str = "") -> Row:
    return Row(
        number=level.number,
        fate=fate,
        subject=level.subject,
        reference=level.reference,
        key=level.key,
        content=level.content,
        version=level.version,
        lane=level.lane,
        reason=reason,
        record=level.record if fate is Fate.HELD else b"",
    )


def _level(row: Row) -> Level:
    return Level(
        number=row.number,
        subject=row.subject,
        reference=row.reference,
        key=row.key,
        lane=row.lane,
        content=row.content,
        record=row.record,
        version=row.version,
    )


def _chunks(rows: Iterator[Any], size: int) -> Iterator[list[Any]]:
    while chunk := list(islice(rows, size)):
        yield chunk
