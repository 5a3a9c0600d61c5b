"""Incidents over their time, on a real database: kept, told once, by one process of several."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import pytest

from crossdock.incidents.records import Fate, Notice, Transition
from crossdock.operations import dead, incidents
from crossdock.operations.dead import Choice
from tests.unit.notifying.desks import CHAT, OPS, Tower
from tests.walk.world import until


def test_letters_are_one_message_with_their_money_and_a_few_numbers_then_resolved_with_what_was_done(
    either: Tower,
) -> None:
    at = either
    watch = at.watch(public_url="https://crossdock.example")
    for number in range(1, 8):
        at.dead(number, total="100.10")
    at.opened(watch)
    ((_, title, body),) = at.ears.heard
    assert title == "[Crossdock] error: 7 dead letters of orders to erp (rejected)"
    assert "Money at risk: 700.70 EUR" in body
    assert "For example: 000000001, 000000002, 000000003" in body
    assert "Look: crossdock dead list --flow orders --target erp --code rejected" in body
    assert re.search(r"Open: https://crossdock\.example/console/incidents/\d+$", body, re.MULTILINE)
    assert "Acknowledged" not in body

    (one,) = incidents.every(at.desk)
    assert (one.state, one.count, one.told) == ("open", 7, ["ops"])
    (letter,) = dead.causes(at.desk).causes
    dead.resolve(at.desk, Choice(ids=(1, 2)), "user:ada", "entered by hand")
    dead.replay(at.desk, Choice(cause=letter.id), "user:ada", "the SKU is known")
    at.round(watch)
    assert incidents.every(at.desk)[0].state == "clearing"
    at.round(watch, 300)
    assert at.ears.titles()[1:] == ["resolved: 7 dead letters of orders to erp (rejected)"]
    assert "Done: replay 5, resolve 2" in at.ears.heard[1][2]
    assert "It lasted 45 s." in at.ears.heard[1][2]
    assert at.ears.kinds == ["failure", "success"]
    assert incidents.every(at.desk) == []
    (over,) = incidents.every(at.desk, "resolved")
    assert (over.peak, over.done) == (7, "replay 5, resolve 2")
    assert [one.transition for one in incidents.one(at.desk, over.id).messages] == ["opened", "resolved"]


def test_of_two_processes_one_looks_and_the_other_takes_over_once_it_is_gone(either: Tower) -> None:
    at = either
    first, second = at.watch("first"), at.watch("second")
    at.dead(1)
    for _ in range(5):
        assert at.round(first)
        assert not at.round(second, 0)
    assert len(at.ears.heard) == 1
    assert at.round(second, 3600)  # the first has not renewed its claim
    assert not at.round(first, 0)
    assert not at.round(first, 0)
    assert len(at.ears.heard) == 1


def test_a_process_that_stops_gives_it_to_another_at_once(at: Tower) -> None:
    first, second = at.watch("first"), at.watch("second")
    assert at.round(first)
    first.stop()
    assert at.round(second, 0)


def test_a_target_that_takes_nothing_is_tried_again_and_keeps_no_other_from_hearing(at: Tower) -> None:
    watch = at.watch(audiences={"ops": {"targets": [OPS, CHAT]}, "others": {"targets": [CHAT]}})
    at.ears.deaf = {OPS}
    at.dead(1)
    at.opened(watch)
    assert [where for where, _, _ in at.ears.heard] == [CHAT, CHAT]
    (one,) = incidents.every(at.desk)
    failing, taken = incidents.one(at.desk, one.id).messages
    assert (failing.state, failing.tries, failing.error) == ("pending", 1, f"{OPS}: nobody listens")
    assert taken.state == "sent"
    at.round(watch, 29)
    assert len(at.ears.heard) == 2
    at.ears.deaf = set()
    at.round(watch, 15)
    assert [where for where, _, _ in at.ears.heard] == [CHAT, CHAT, OPS]


def test_a_target_that_hangs_keeps_no_other_audience_from_hearing(at: Tower) -> None:
    watch = at.watch(audiences={"ops": {"targets": [OPS]}, "others": {"targets": [CHAT]}})
    at.ears.slow = {OPS}
    at.dead(1)
    for _ in range(3):
        at.clock.forward(seconds=15)
        watch.round()
    until(lambda: at.ears.titles(CHAT) != [])
    assert at.ears.titles() == []
    assert watch.round(), "looks go on"
    at.ears.go.set()
    until(lambda: at.ears.titles() != [])


def test_what_no_target_takes_for_a_day_is_given_up_and_counted(at: Tower) -> None:
    watch = at.watch()
    at.ears.deaf = {OPS}
    at.dead(1)
    at.opened(watch)
    for _ in range(30):
        at.round(watch, 3600)
    assert at.store.incidents.fates() == {("ops", "failed"): 1}
    at.ears.deaf = set()
    at.round(watch, 3600)
    assert at.ears.heard == []


def test_what_was_held_back_is_not_what_a_target_has_refused(at: Tower) -> None:
    """Of one incident: what is pressing goes before what waits for the morning."""
    watch = at.watch()
    at.round(watch)
    claimed, now = watch._claimed, at.clock.now
    assert claimed is not None
    held = Notice(
        audience="ops",
        incident_id=1,
        transition=Transition.OPENED,
        at=now,
        due_at=now + timedelta(hours=9),
        title="held",
    )
    pressing = Notice(
        audience="ops", incident_id=1, transition=Transition.GROWING, at=now, due_at=now, title="pressing"
    )
    at.store.incidents.keep(claimed, now, [], [held, pressing])
    at.round(watch)
    assert at.ears.titles() == ["pressing"]


def test_what_is_owed_to_an_audience_that_is_gone_is_not_told_as_sent(at: Tower) -> None:
    watch = at.watch(audiences={"ops": {"targets": [OPS]}, "gone": {"targets": [CHAT]}})
    at.ears.deaf = {OPS, CHAT}
    at.dead(1)
    at.opened(watch)
    watch.stop()
    at.ears.deaf = set()
    at.round(at.watch(), 60)
    assert at.store.incidents.fates() == {("ops", "sent"): 1, ("gone", "skipped"): 1}
    assert at.ears.titles(CHAT) == []


def test_that_it_is_over_is_not_told_before_that_it_began_and_one_target_waits_for_no_other(at: Tower) -> None:
    watch = at.watch(audiences={"ops": {"targets": [OPS, CHAT]}})
    at.ears.deaf = {OPS}
    at.dead(1)
    at.opened(watch)
    dead.resolve(at.desk, Choice(ids=(1,)), "user:ada", "by hand")
    at.round(watch, 1)
    at.round(watch, 300)
    assert [title.split(":")[0] for title in at.ears.titles(CHAT)] == ["error", "resolved"]
    at.ears.deaf = set()
    for _ in range(9):
        at.round(watch, 30)
        at.round(watch, 0)
    assert [title.split(":")[0] for title in at.ears.titles(OPS)] == ["error", "resolved"]
    assert len(at.ears.titles(CHAT)) == 2
    assert at.store.incidents.fates() == {("ops", "sent"): 2}


def test_what_waits_for_the_morning_keeps_nothing_urgent_back(at: Tower) -> None:
    quiet = {"begin": "00:00", "end": "00:00"}
    watch = at.watch(audiences={"ops": {"targets": [OPS], "quiet": [quiet]}})
    at.store.pause("erp", "misconfigured: HTTP 301", "crossdock", at.clock.now)
    at.opened(watch)
    assert at.ears.heard == []
    at.store.resume("erp", "user:ada", at.clock.now, "mended")
    at.store.pause("erp", "unauthorized: HTTP 401", "crossdock", at.clock.now)
    at.round(watch)
    at.round(watch)
    assert at.ears.titles() == ["critical: erp does not know us any more: it is paused"]


@pytest.mark.parametrize("where", ["notices-owed", "notice-sent"])
def test_a_process_that_ends_there_costs_no_message(at: Tower, where: str) -> None:
    """As if killed: between the commit and the sending, or between the sending and its mark."""

    def end(name: str) -> None:
        if name == where and at.store.incidents.fates():
            raise SystemExit

    first = at.watch("first", failpoint=end)
    at.dead(1)
    at.round(first)
    if where == "notices-owed":
        with pytest.raises(SystemExit):
            at.round(first, 30)
    else:
        at.round(first, 30)
    assert len(at.ears.heard) == (where == "notice-sent")
    second = at.watch("second")
    at.round(second, 3600)
    at.round(second)
    refs = {re.search(r"Ref: (\w+)", body)[1] for _, _, body in at.ears.heard}  # type: ignore[index]
    assert len(refs) == 1, "the same message, by its reference"
    assert len(at.ears.heard) == (2 if where == "notice-sent" else 1)


def test_what_comes_up_at_night_is_one_message_in_the_morning(at: Tower) -> None:
    quiet = {"begin": "22:00", "end": "07:00"}
    audience = {"targets": [OPS], "time_zone": "Europe/Rome", "quiet": [quiet]}
    watch = at.watch(audiences={"ops": audience})
    at.clock.now = datetime(2026, 11, 26, 23, 0, tzinfo=UTC)
    at.dead(1)
    at.opened(watch)
    at.dead(2, flow="refunds", code="mapping", reason="no such tax")
    at.opened(watch)
    dead.resolve(at.desk, Choice(ids=(1,)), "user:ada", "by hand")
    at.round(watch)
    at.round(watch, 400)
    assert at.ears.heard == []
    at.clock.now = datetime(2026, 11, 27, 5, 59, tzinfo=UTC)
    at.round(watch, 0)
    assert at.ears.heard == []
    at.round(watch, 61)
    ((_, title, body),) = at.ears.heard
    assert title == "[Crossdock] 2 messages while it was quiet"
    assert "- resolved: 1 dead letter of orders to erp" in body
    assert "- error: 1 dead letter of refunds to erp" in body
    assert body.count("orders to erp") == 1, "of each incident the last word"


def test_what_is_urgent_is_told_at_night(at: Tower) -> None:
    quiet = {"begin": "00:00", "end": "00:00"}
    watch = at.watch(audiences={"ops": {"targets": [OPS], "quiet": [quiet]}})
    at.store.pause("erp", "unauthorized: HTTP 401", "crossdock", at.clock.now)
    at.round(watch)
    at.round(watch)
    assert at.ears.titles() == ["critical: erp does not know us any more: it is paused"]
    assert "crossdock resume erp" in at.ears.heard[0][2]
    at.store.resume("erp", "user:ada", at.clock.now, "new password")
    at.round(watch)
    at.round(watch, 300)
    assert "Done: resume 1" in at.ears.heard[1][2]


def test_a_digest_tells_once_what_is_open_and_what_was_resolved_since(either: Tower) -> None:
    at = either
    audience = {"targets": [OPS], "digest": "0 10 * * *", "only_digest": True}
    watch = at.watch(audiences={"ops": audience})
    at.dead(1)
    at.dead(2, flow="refunds", code="mapping", reason="no such tax")
    at.opened(watch)
    dead.resolve(at.desk, Choice(ids=(1,)), "user:ada", "by hand")
    at.round(watch)
    at.round(watch, 400)
    assert at.ears.heard == []
    for minute in range(20):
        at.clock.now = datetime(2026, 11, 26, 9, 50, tzinfo=UTC) + timedelta(minutes=minute)
        at.round(watch, 0)
    ((_, title, body),) = at.ears.heard
    assert title == "[Crossdock] 1 open, 1 resolved"
    assert "resolved after 45 s: 1 dead letter of orders to erp" in body
    assert "1 dead letter of refunds to erp" in body
    at.clock.forward(days=1)
    at.round(watch)
    assert at.ears.titles()[1:] == ["1 open, 0 resolved"]
    dead.resolve(at.desk, Choice(ids=(2,)), "user:ada", "by hand")
    at.round(watch)
    at.round(watch, 400)
    at.clock.forward(days=1)
    at.round(watch)
    assert at.ears.titles()[2:] == ["0 open, 1 resolved"]
    at.clock.forward(days=1)
    at.round(watch)
    assert len(at.ears.heard) == 3, "of nothing nothing is told"


def test_what_nobody_is_at_is_passed_on_and_what_somebody_is_at_is_not(at: Tower) -> None:
    ops = {"targets": [OPS], "escalate_after_minutes": 60, "escalate_to": "boss"}
    watch = at.watch(audiences={"ops": ops, "boss": {"targets": [CHAT], "min_severity": "critical"}})
    at.dead(1)
    at.opened(watch)
    at.dead(2, flow="refunds", code="mapping", reason="no such tax")
    at.opened(watch)
    first, second = sorted(one.id for one in incidents.every(at.desk))
    done = incidents.acknowledge(at.desk, second, "user:ada", "on it")
    assert done.changed
    assert not incidents.acknowledge(at.desk, second, "user:bob", "me too").changed
    at.round(watch, 3600)
    (title,) = at.ears.titles(CHAT)
    assert title == "unresolved for 1 h 1 min: 1 dead letter of orders to erp (rejected)"
    assert incidents.one(at.desk, second).incident.acknowledged_by == "user:ada"
    assert incidents.one(at.desk, first).incident.told == ["ops", "boss"]


def test_old_ones_are_forgotten_and_a_digest_is_due_no_sooner_for_it(either: Tower) -> None:
    at = either
    watch = at.watch(keep_days=1, audiences={"ops": {"targets": [OPS], "digest": "0 10 * * *"}})
    at.dead(1)
    at.opened(watch)
    dead.resolve(at.desk, Choice(ids=(1,)), "user:ada", "by hand")
    at.round(watch)
    at.round(watch, 400)
    at.clock.forward(days=5)
    at.round(watch)
    at.round(watch, 3601)
    assert incidents.every(at.desk, "all") == []
    assert {state for _, state in at.store.incidents.fates()} <= {str(Fate.SKIPPED), str(Fate.SENT)}
    assert at.store.incidents.digests()["ops"] > at.clock.now - timedelta(days=2)
