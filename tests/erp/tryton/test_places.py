"""Where a scan begins again, whatever clocks and gaps there are."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest

from crossdock.contract.connector import Watermark
from crossdock.erp.tryton.places import SEEN, Leg, Place, Spot, begun, ended, hash_of, moved
from crossdock.erp.tryton.reading import Found
from crossdock.errors import Misconfigured

NOON = datetime(2026, 11, 25, 12, tzinfo=UTC)
TEN = timedelta(minutes=10)
MOVES = Leg(model="stock.move", stamp="write_date", link="product")


def after(newest: datetime | None, head: datetime = NOON) -> datetime | None:
    place = begun(Place(full=True), newest, head)
    return ended(moved(place, Spot(leg=1), (), ()), TEN).since


def test_a_scan_begins_behind_the_newest_stamp() -> None:
    assert after(NOON - TEN) == NOON - 2 * TEN


def test_a_stamp_from_the_future_does_not_move_it_beyond_the_servers_clock() -> None:
    assert after(NOON + timedelta(days=9)) == NOON - TEN


def test_after_a_long_silence_it_goes_on_with_the_clock() -> None:
    """Else what was changed last before a holiday would be read again and again."""
    assert after(NOON - timedelta(days=9)) == NOON - timedelta(hours=1) - TEN


def test_where_nothing_ever_changed_everything_is_read() -> None:
    assert after(None) is None


def test_a_place_survives_being_stored() -> None:
    place = moved(begun(Place(), None, NOON), Spot(leg=1, at=NOON, id=7), [NOON], ["abc"])
    value = json.loads(json.dumps(place.watermark().value))
    assert Place.of(Watermark(value=value)) == place


def test_what_is_remembered_is_bounded_and_the_newest() -> None:
    place = moved(Place(), Spot(), (), [str(number) for number in range(SEEN + 5)])
    assert len(place.seen) == SEEN
    assert place.seen[-1] == str(SEEN + 4)


def test_ties_on_one_stamp_are_parted_by_their_ids() -> None:
    assert MOVES.behind(Spot(at=NOON, id=7), None) == (
        ("OR", ("write_date", ">", NOON), (("write_date", "=", NOON), ("id", ">", 7))),
    )


def test_what_our_user_may_not_see_is_no_empty_field() -> None:
    with pytest.raises(Misconfigured, match="may not see"):
        Found.of({"id": 1, "write_date": NOON}, MOVES)
    assert Found.of({"id": 1, "write_date": NOON, "product": None}, MOVES).link == 0


def test_another_change_of_one_record_has_another_name() -> None:
    names = {hash_of(MOVES, 1, NOON), hash_of(MOVES, 2, NOON), hash_of(MOVES, 1, NOON + timedelta(microseconds=1))}
    assert len(names) == 3
