"""What shadows found, however much of it there is: a page at a time; and what is asked for is done to the last of them."""

from __future__ import annotations

import tracemalloc
from datetime import timedelta

import pytest
from sqlalchemy import insert

from crossdock.contract.message import Message
from crossdock.contract.shadow import SHADOW, Compared, Fate, Unlike
from crossdock.delivery.records import Attempt, Promise, Settlement, State, Verdict
from crossdock.errors import MappingError
from crossdock.operations import shadow
from crossdock.storage import archive
from crossdock.storage.engine import open_engine
from crossdock.storage.shadows import ShadowFilter
from crossdock.storage.tables import shadows
from tests.unit.operations.desks import Bench

EVERY = ShadowFilter()
PRICE = (Unlike(field="items[0].price", ours="1", theirs="2"), Unlike(field="items[1].price", ours="1", theirs="2"))
DIFFERENT = Compared(fate=Fate.DIFFERENT, number="SO-1", compared=7, unlike=PRICE, uncompared=("note",))
EQUAL = Compared(fate=Fate.EQUAL, compared=7, uncompared=("note", "coupon"))
MISSING = Compared(fate=Fate.MISSING, reason="the target does not have it")


def owed(at: Bench, first: int, many: int) -> None:
    """Shadow deliveries of so many orders."""
    promises = [
        Promise(
            message=Message(
                id=f"duty:{number}",
                source="store",
                flow="orders",
                subject=str(number),
                reference=f"{number:09}",
                occurred_at=at.clock.now,
                payload=b"{}",
            ),
            flow="orders",
            target="erp",
            key=f"v1:store:order:{number}:place",
            lane=f"order:{number}",
            memo={SHADOW: "1"},
        )
        for number in range(first, first + many)
    ]
    at.store.owe(promises, [], Attempt(operation="test", started_at=at.clock.now, actor="test"), at.clock.now)


def compared(at: Bench, found: Compared) -> int:
    """Whatever is due comes to this; how many."""
    done = 0
    while leased := at.store.lease("w", at.clock.now, at.clock.now + timedelta(minutes=9), {"erp": 1000}, limit=1000):
        for one in leased:
            verdict = Verdict(state=State.SHADOWED, due_at=at.clock.now, attempts=1, reason=found.told())
            at.store.settle(one, Settlement(verdict=verdict, compared=found), at.clock.now)
        done += len(leased)
    return done


def told(at: Bench, first: int, many: int, found: Compared) -> None:
    owed(at, first, many)
    assert compared(at, found) == many


def test_a_report_counts_fields_and_names_the_newest(at: Bench) -> None:
    told(at, 1, 7, DIFFERENT)
    told(at, 8, 3, EQUAL)
    told(at, 11, 2, MISSING)
    found = shadow.report(at.store.shadows, EVERY)
    (road,) = found.roads
    assert (road.different, road.equal, road.missing, road.refused, road.unseen) == (7, 3, 2, 0, 0)
    (field,) = found.fields  # two entries of a list are one field
    assert (field.field, field.count) == ("items[].price", 7)
    assert field.examples == [f"{number:09}" for number in (7, 6, 5, 4, 3)]
    assert found.uncompared == {"erp": ["coupon", "note"]}
    assert [one.reference for one in found.examples][:3] == ["000000012", "000000011", "000000007"]
    assert shadow.report(at.store.shadows, ShadowFilter(flow="refunds")).roads == []


def test_a_list_goes_on_behind_the_last_one_and_misses_none(at: Bench) -> None:
    told(at, 1, 7, DIFFERENT)
    told(at, 8, 4, EQUAL)
    seen: list[str] = []
    after: int | None = 0
    while after is not None:
        page = shadow.listing(at.store.shadows, EVERY, after, 3)
        assert len(page.rows) <= 3
        seen += [row.reference for row in page.rows]
        after = page.after
    assert seen == [f"{number:09}" for number in range(1, 12)]
    equal = shadow.listing(at.store.shadows, ShadowFilter(fate="equal"), 0, 4)
    assert ([row.fate for row in equal.rows], equal.after) == (["equal"] * 4, None)
    assert equal.cli == "crossdock shadow list --fate equal"
    with pytest.raises(MappingError, match="limit"):
        shadow.listing(at.store.shadows, EVERY, 0, 501)


def test_a_report_of_many_holds_a_page_of_them(at: Bench) -> None:
    row: dict[str, object] = {
        "flow": "orders",
        "source": "store",
        "target": "erp",
        "fate": "different",
        "fields": '["total"]',
    }
    row |= {"reason": "x" * 2000, "at": at.clock.now}
    engine = open_engine(at.crossdock.settings.database.url)
    with engine.begin() as connection:
        connection.execute(insert(shadows), [row | {"delivery_id": n, "subject": str(n)} for n in range(1, 4001)])
    engine.dispose()
    tracemalloc.start()
    try:
        found = shadow.report(at.store.shadows, EVERY)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert [(one.count, one.examples[0]) for one in found.fields] == [(4000, "4000")]
    assert peak < 4_000_000  # the reasons alone are twice that


def test_what_is_asked_for_again_is_asked_for_once_however_fast_it_is_compared(at: Bench) -> None:
    told(at, 1, 7, MISSING)
    first = shadow.again(at.desk, EVERY, "ann", "mended", most=3)
    assert (first.deliveries, first.left) == (3, 4)
    assert compared(at, MISSING) == 3  # a running Crossdock does that meanwhile, and they fit once more
    second = shadow.again(at.desk, EVERY, "ann", "mended", first.after or 0, most=3)
    assert (second.deliveries, second.left) == (3, 1)
    third = shadow.again(at.desk, EVERY, "ann", "mended", second.after or 0, most=3)
    assert (third.deliveries, third.left, third.after) == (1, 0, None)
    assert shadow.again(at.desk, EVERY, "ann", "mended").deliveries == 3  # the others are under way


def test_everything_is_sent_though_some_of_it_is_being_compared(at: Bench) -> None:
    told(at, 1, 5, MISSING)
    assert shadow.again(at.desk, EVERY, "ann", "mended", most=3).deliveries == 3
    first = shadow.send(at.desk, EVERY, "ann", "it is ours now", most=1)
    assert (first.deliveries, first.left) == (1, 1)
    assert (shadow.send(at.desk, EVERY, "ann", "it is ours now").deliveries) == 1
    assert shadow.send(at.desk, EVERY, "ann", "it is ours now").deliveries == 0
    assert compared(at, MISSING) == 5  # those that are sent are due as well


def test_what_was_archived_is_compared_again_too(at: Bench) -> None:
    told(at, 1, 1, MISSING)
    engine = open_engine(at.crossdock.settings.database.url)
    with engine.begin() as connection:
        archive._open_month(connection, 202611)
        archive._move(connection, 202611, [("store", "1")])
        assert archive.size(connection) == 1
    engine.dispose()
    assert shadow.again(at.desk, EVERY, "ann", "mended").deliveries == 1
    assert compared(at, EQUAL) == 1
