"""Every kind of gap is told apart."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from crossdock.delivery.records import State
from crossdock.delivery.store import DeliveryView
from crossdock.magento.census import Counted, Reach
from crossdock.operations.coverage import closed
from crossdock.operations.gaps import Examined, account, missed

HOUR = datetime(2026, 11, 23, 5, tzinfo=UTC)
REACH = Reach(
    read_up_to=HOUR + timedelta(minutes=40),
    again_from=HOUR + timedelta(minutes=20),
    began=HOUR - timedelta(days=1),
)


def order(number: int, minute: int = 10, changed: datetime | None = None, **more: Any) -> Counted:
    created = HOUR + timedelta(minutes=minute)
    return Counted(id=number, number=f"{number:09}", created_at=created, updated_at=changed or created, **more)


def look(number: int, state: State = State.DELIVERED, **more: Any) -> DeliveryView:
    return DeliveryView(
        id=number + 100,
        flow="looks",
        source="store",
        target="store",
        subject=str(number),
        reference="",
        key="",
        state=state,
        attempts=1,
        created_at=HOUR,
        due_at=HOUR,
        **more,
    )


def examined(orders: list[Counted], looks: list[DeliveryView], reach: Reach | None = REACH, **more: Any) -> Examined:
    return Examined(since=HOUR, orders=orders, looks={one.subject: one for one in looks}, reach=reach, **more)


def only(found: Examined) -> tuple[str, str]:
    (hour,) = account(found)
    (gap,) = hour.gaps
    assert hour.existing - hour.seen == (0 if gap.kind in {"gone", "elsewhere"} else 1)
    return gap.kind, gap.why


@pytest.mark.parametrize("state", [State.PENDING, State.LEASED, State.DELIVERED])
def test_what_was_heard_of_is_seen(state: State) -> None:
    (hour,) = account(examined([order(1)], [look(1, state)]))
    assert (hour.hour, hour.existing, hour.seen, hour.gaps) == (HOUR, 1, 1, ())


@pytest.mark.parametrize(
    ("changed", "reach", "kind", "said"),
    [
        (10, REACH, "missed", "MISSED"),
        (20, REACH, "waiting", "in the overlap"),
        (40, REACH, "waiting", "in the overlap"),
        (41, REACH, "waiting", "not polled yet: read up to 2026-11-23 05:40:00"),
        (10, None, "waiting", "never polled"),
        (-1441, REACH, "before", "before the first scan"),
    ],
)
def test_what_exists_unseen_is_told_by_the_watermark(changed: int, reach: Reach | None, kind: str, said: str) -> None:
    found = only(examined([order(1, changed=HOUR + timedelta(minutes=changed))], [], reach))
    assert found[0] == kind
    assert said in found[1]


def test_given_up_as_gone_and_there_after_all_is_missed() -> None:
    assert only(examined([order(1)], [look(1, State.SUPERSEDED)]))[0] == "missed"


def test_a_parked_poison_order_is_named_with_its_letter() -> None:
    kind, why = only(examined([order(1)], [look(1, State.DEAD, code="mapping", reason="no currency")]))
    assert kind == "parked"
    assert "dead letter 101, mapping: no currency" in why
    assert "by hand" in only(examined([order(1)], [look(1, State.DEAD, resolved="entered by hand")]))[1]


def test_one_that_breaks_the_list_is_in_the_hour_of_the_one_before_and_never_excused() -> None:
    hours = account(examined([Counted(id=1), order(2, 70), Counted(id=3)], [look(2)]))
    assert [(one.hour.hour, [gap.ids for gap in one.gaps]) for one in hours] == [(5, ["1"]), (6, ["3"])]
    assert [gap.ids for gap in missed(hours)] == ["1", "3"]


def test_ids_that_the_store_does_not_have_are_told_as_runs() -> None:
    found = examined(
        [order(5), order(12)], [look(5), look(12), look(9)], runs=[(3, 4), (6, 11)], unlisted=[order(8, listed=True)]
    )
    (hour,) = account(found)
    assert [(gap.ids, gap.kind) for gap in hour.gaps] == [("3-4", "gone"), ("6-7", "gone"), ("9-11", "gone")]
    assert "seen before it went: 9" in hour.gaps[2].why
    assert missed([hour]) == []


@pytest.mark.parametrize(("minute", "open_still"), [(19, False), (20, True)])
def test_an_id_just_before_a_young_order_may_still_come(minute: int, open_still: bool) -> None:
    _, why = only(examined([order(5), order(7, minute)], [look(5), look(7)], runs=[(6, 6)]))
    assert ("still open" in why) is open_still


def test_an_order_outside_of_what_the_connection_is_shown_is_named_with_its_store_view() -> None:
    away = order(6, listed=False, store_view="3")
    kind, why = only(examined([order(5), order(7)], [look(5), look(7)], runs=[(6, 6)], unlisted=[away]))
    assert kind == "elsewhere"
    assert "store view 3" in why


def test_only_whole_hours_that_are_over_count() -> None:
    now = HOUR + timedelta(hours=3, minutes=20)
    assert closed((None, None, 2), now) == (HOUR + timedelta(hours=1), HOUR + timedelta(hours=3))
    naive = HOUR.replace(tzinfo=None, minute=30)
    assert closed((naive, naive + timedelta(days=9), 2), now) == (HOUR, HOUR + timedelta(hours=3))
    assert closed((None, naive + timedelta(hours=2), 1), now) == (HOUR + timedelta(hours=1), HOUR + timedelta(hours=2))
