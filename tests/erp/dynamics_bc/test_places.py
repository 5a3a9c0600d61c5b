"""How far ledger entries were read: a gap is looked for again, as long as a scan looks back to it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from crossdock.erp.dynamics_bc.places import Place, begun, ended, entries_read, entries_there, first_entry, moved

NOW = datetime(2026, 11, 26, 12, tzinfo=UTC)


def test_a_full_run_remembers_what_is_missing_of_the_last_entries() -> None:
    place = entries_there(Place(full=True), [95, 96, 98, 99], 5)
    assert (place.entry, place.gaps) == (99, (97,))
    assert entries_there(Place(full=True), [], 5).entry == 0
    assert entries_there(Place(full=True), [99], 0).gaps == ()


def test_a_gap_that_is_filled_is_fresh_and_what_was_told_is_not() -> None:
    place = Place(entry=99, gaps=(97,))
    assert first_entry(place, 5) == 94
    place, fresh = entries_read(begun(place, NOW), [95, 96, 97, 98, 99, 100, 103], 5)
    assert fresh == {97, 100, 103}
    assert (place.entry, place.cursor, place.gaps) == (103, 103, (101, 102))


def test_a_gap_is_forgotten_beyond_the_overlap() -> None:
    place, _ = entries_read(begun(Place(entry=10, gaps=(9,)), NOW), [11, 20], 5)
    assert place.gaps == (16, 17, 18, 19)


def test_pages_of_one_scan_go_on_behind_one_another() -> None:
    place, fresh = entries_read(begun(Place(entry=10), NOW), [8, 9, 10], 5)
    assert (first_entry(place, 5), fresh) == (10, frozenset[int]())
    place, fresh = entries_read(place, [11, 12], 5)
    assert (place.entry, fresh) == (12, frozenset({11, 12}))
    place, fresh = entries_read(place, [], 5)
    assert fresh == frozenset()


def test_a_scan_begins_behind_the_newest_stamp_or_the_servers_clock() -> None:
    overlap = timedelta(minutes=10)
    place = begun(Place(full=True), NOW)
    assert ended(moved(place, [NOW - timedelta(minutes=5)], []), overlap).at == NOW - timedelta(minutes=15)
    ahead = ended(moved(place, [NOW + timedelta(minutes=5)], []), overlap)
    assert ahead.at == NOW - overlap, "a stamp of the future does not carry the scan past what comes before it"
    quiet = ended(moved(place, [NOW - timedelta(days=9)], []), overlap)
    assert quiet.at == NOW - timedelta(hours=1) - overlap, "nothing older is read again for ever"
    assert Place.of(ahead.watermark()) == ahead
