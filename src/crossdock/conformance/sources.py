"""What every source must do: nothing that changed is passed over, however it falls between pages and scans.

`class TestLooks(SourceConformance)` inherits the suite; its author overrides `source`, `world` and `flow`. The
source should read small pages (2 or 3 messages), or there is nothing between pages to be seen.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from typing import Any, Protocol

import msgspec
import pytest

from crossdock.contract.connector import Page, Source, Watermark
from crossdock.contract.flow import Flow
from crossdock.contract.message import Message

MOST_PAGES = 200  # a source that goes round in circles is stopped here


class World(Protocol):
    """The system behind the source, as its author's stand-in lets us change it."""

    def add(self, count: int, *, same_moment: bool = False) -> Sequence[str]:
        """New subjects, oldest first, visible to a scan that starts now; all at one time stamp if so asked."""

    def touch(self, subject: str) -> None:
        """Changes one, later than everything before."""

    def rest(self) -> None:
        """Lets the world's clock go on beyond the source's lag."""


class SourceConformance:
    """The suite. Every test has a new, empty world."""

    @pytest.fixture
    def world(self) -> World:
        """Override me."""
        raise NotImplementedError

    @pytest.fixture
    def source(self, world: World) -> Source[Any]:
        """Override me: reads `world`."""
        raise NotImplementedError

    @pytest.fixture
    def flow(self) -> Flow[Any]:
        """Override me: the flow that is read."""
        raise NotImplementedError

    @pytest.fixture
    def start(self, world: World, source: Source[Any]) -> Watermark:
        """From here on everything counts: the end of a scan of the world with one subject in it."""
        world.add(1)
        world.rest()
        return scan(source, None)[-1].watermark

    def test_everything_new_is_seen(self, world: World, source: Source[Any], start: Watermark) -> None:
        added = world.add(7)
        world.rest()
        assert missed(added, scan(source, start)) == []

    def test_ties_on_one_time_stamp_are_all_seen(self, world: World, source: Source[Any], start: Watermark) -> None:
        added = world.add(7, same_moment=True)
        world.rest()
        assert missed(added, scan(source, start)) == []

    def test_a_tie_with_the_watermark_is_seen(self, world: World, source: Source[Any], start: Watermark) -> None:
        """Rows of one moment, of which the first scan ends in the middle."""
        added = world.add(7, same_moment=True)
        world.rest()
        first = next(source.changes(start))
        later = scan(source, first.watermark)
        assert missed(added, [first, *later]) == []

    def test_each_page_can_be_gone_on_from(self, world: World, source: Source[Any], start: Watermark) -> None:
        """Whatever page the last checkpoint was at, the rest comes after it."""
        added = world.add(7)
        world.rest()
        pages = scan(source, start)
        for number in range(len(pages)):
            resumed = scan(source, pages[number].watermark)
            assert missed(added, [*pages[: number + 1], *resumed]) == []

    def test_the_next_scan_sees_what_came_since(self, world: World, source: Source[Any], start: Watermark) -> None:
        world.add(3)
        world.rest()
        middle = scan(source, start)[-1].watermark
        added = world.add(3)
        world.rest()
        assert missed(added, scan(source, middle)) == []

    def test_a_change_is_seen_again(self, world: World, source: Source[Any], start: Watermark) -> None:
        first, *_ = world.add(3)
        world.rest()
        pages = scan(source, start)
        before = {message.id for message in messages(pages) if message.subject == first}
        world.touch(first)
        world.rest()
        after = [one for one in messages(scan(source, pages[-1].watermark)) if one.subject == first]
        assert [one for one in after if one.id not in before], "a change came under the id of the state before it"

    def test_a_change_between_two_pages_loses_nothing(
        self, world: World, source: Source[Any], start: Watermark
    ) -> None:
        """Rows that move to the end while we read: neither they nor their neighbours are passed over."""
        added = world.add(7)
        world.rest()
        pages: list[Page] = []
        for page in bounded(source.changes(start)):
            pages.append(page)
            if len(pages) == 1:
                world.touch(added[0])
                world.touch(added[-1])
        known = {message.id for message in messages(pages[:1])}
        world.rest()
        pages += scan(source, pages[-1].watermark)
        assert missed(added, pages) == []
        again = [one for one in messages(pages) if one.subject == added[0] and one.id not in known]
        assert again, "the change that was made during the scan was never seen"

    def test_a_scan_ends_and_says_so(self, world: World, source: Source[Any], start: Watermark) -> None:
        world.add(5)
        world.rest()
        pages = scan(source, start)
        assert [page.complete for page in pages] == [False] * (len(pages) - 1) + [True]

    def test_a_scan_of_nothing_new_goes_on_from_where_it_was(
        self, world: World, source: Source[Any], start: Watermark
    ) -> None:
        quiet = scan(source, start)
        assert quiet, "a scan gives at least one page, so that its watermark is kept"
        added = world.add(1)
        world.rest()
        assert missed(added, scan(source, quiet[-1].watermark)) == []

    def test_watermarks_survive_being_stored(self, source: Source[Any], start: Watermark) -> None:
        """As JSON: that is how the spine keeps them."""
        stored = msgspec.json.encode(start.value)
        assert msgspec.json.decode(stored) == start.value
        assert scan(source, Watermark(value=msgspec.json.decode(stored)))

    def test_the_same_state_has_the_same_id(self, world: World, source: Source[Any], start: Watermark) -> None:
        """Scans overlap: by its id the inbox tells a repetition from news."""
        added = world.add(4)
        world.rest()
        first, second = ({one.id for one in messages(scan(source, start)) if one.subject in added} for _ in range(2))
        assert first == second

    def test_messages_name_their_flow_and_subject(
        self, world: World, source: Source[Any], flow: Flow[Any], start: Watermark
    ) -> None:
        world.add(2)
        world.rest()
        for message in messages(scan(source, start)):
            assert message.flow == flow.name
            assert message.id
            assert message.source
            assert message.subject
            assert message.occurred_at.utcoffset() is not None, "a time without its zone"

    def test_what_is_there_can_be_read_and_parsed(self, world: World, source: Source[Any], flow: Flow[Any]) -> None:
        (subject,) = world.add(1)
        read = source.read(hint(flow, subject))
        assert read is not None
        assert read.subject == subject
        assert read.read_at is not None, "what was read afresh says when"
        assert isinstance(source.parse(read), flow.record)

    def test_what_is_not_there_is_none(self, world: World, source: Source[Any], flow: Flow[Any]) -> None:
        world.add(1)
        assert source.read(hint(flow, "987654321")) is None


def hint(flow: Flow[Any], subject: str) -> Message:
    """Somebody said that something happened to `subject`."""
    now = datetime(2026, 1, 5, 12, tzinfo=UTC)
    return Message(id=f"hint:{subject}", source="conformance", flow=flow.name, subject=subject, occurred_at=now)


def scan(source: Source[Any], since: Watermark | None) -> list[Page]:
    """One whole scan."""
    return list(bounded(source.changes(since)))


def bounded(pages: Iterable[Page]) -> Iterator[Page]:
    """The pages, as long as they come to an end at all."""
    for number, page in enumerate(pages):
        assert number < MOST_PAGES, "the scan does not end"
        yield page


def messages(pages: Iterable[Page]) -> list[Message]:
    """Of all pages, in order."""
    return [message for page in pages for message in page.messages]


def missed(subjects: Iterable[str], pages: Iterable[Page]) -> list[str]:
    """Those that no page shows; an id given as poison was seen too."""
    listed = list(pages)
    seen = {message.subject for message in messages(listed)} | {one for page in listed for one in page.poison}
    return [subject for subject in subjects if subject not in seen]
