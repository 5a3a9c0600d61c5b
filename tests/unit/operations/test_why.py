"""Sentences for the night: what holds it, what comes next, what to do."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from crossdock.delivery.records import State
from crossdock.operations.why import Ground, Reason, reasons
from crossdock.storage.listing import DeliveryRow

NOW = datetime(2026, 3, 1, 9, tzinfo=UTC)
GROUND = Ground(paused={}, now=NOW, horizon=3 * 86_400)


def row(state: State, **more: Any) -> DeliveryRow:
    values: dict[str, Any] = {
        "id": 17,
        "flow": "orders",
        "source": "store",
        "target": "erp",
        "subject": "42",
        "reference": "000000042",
        "key": "k",
        "state": state,
        "is_open": int(state in {State.PENDING, State.DEAD, State.LEASED}),
        "attempts": 0,
        "created_at": NOW,
        "opened_at": NOW,
        "due_at": NOW,
        "settled_at": None,
        "maybe_sent": False,
        "code": "",
        "reason": "",
        "owner": "",
        "resolved_why": "",
    }
    return DeliveryRow(**values | more)


def told(*rows: DeliveryRow, ground: Ground = GROUND) -> list[Reason]:
    return reasons(rows, ground, frozenset({"looks"}), frozenset({"acknowledgements"}))


def test_a_dead_letter_says_why_whose_it_is_and_what_to_type() -> None:
    (one,) = told(row(State.DEAD, code="rejected", reason="HTTP 422: no such SKU", owner="business"))
    assert one.why == "The order is not in erp because of rejected: HTTP 422: no such SKU. It is for business."
    assert one.do[:2] == ["crossdock dead show 17", "crossdock dead replay 17 --why …"]
    assert "until a person acts" in one.next


def test_a_missing_lookup_goes_on_by_itself() -> None:
    (one,) = told(row(State.DEAD, code="lookup-missing", reason="lookups.terms: has no entry for 'x'"))
    assert "by itself once the entry is there" in one.next
    assert one.do[0] == "crossdock lookups missing"


def test_what_its_order_does_not_take_yet_goes_on_by_itself() -> None:
    (one,) = told(row(State.DEAD, flow="shipments", target="store", code="not-open", reason="the order is on hold"))
    assert "the order is on hold" in one.why
    assert "by itself once what it is done to has changed in store" in one.next
    assert "crossdock dead show 17" in one.do


def test_a_retry_says_when_and_until_when() -> None:
    due = NOW + timedelta(minutes=5)
    (one,) = told(row(State.PENDING, attempts=3, code="temporary", reason="HTTP 503", due_at=due))
    assert one.why == "The order is not in erp after 3 tries because of temporary: HTTP 503."
    assert one.next == (
        "Tried again by itself in 5 minutes (2026-03-01 09:05:00 UTC); given up at 2026-03-04 09:00:00 UTC."
    )
    assert one.do == []


def test_a_paused_connection_comes_before_any_other_reason() -> None:
    paused = Ground(paused={"erp": ("the ERP is upgraded", NOW)}, now=NOW, horizon=1)
    (one,) = told(row(State.PENDING, code="temporary", reason="HTTP 503"), ground=paused)
    assert one.why.endswith("because erp is paused since 2026-03-01 09:00:00 UTC: the ERP is upgraded.")
    assert one.do == ["crossdock resume erp --why …"]


def test_what_waits_in_its_lane_names_what_it_waits_for() -> None:
    ahead = row(State.DEAD, id=3, code="rejected", reason="no")
    dead, waits = told(ahead, row(State.PENDING, id=4, flow="payments"))
    assert dead.delivery == 3
    assert "waits for the order before it (delivery 3), which is dead" in waits.why
    assert waits.do == ["crossdock dead show 3"]


def test_what_is_done_is_told_after_what_is_not() -> None:
    done = row(State.DELIVERED, id=1, reason="is SO-88", settled_at=NOW)
    shadow = row(State.SHADOWED, id=2, target="next", reason="shadow: equal to what is there", settled_at=NOW)
    ended = row(State.SUPERSEDED, id=4, target="other", reason="goes to erp")
    pending = row(State.PENDING, id=3, flow="payments")
    quiet = row(State.DELIVERED, id=5, flow="acknowledgements", target="store")
    found = told(done, shadow, pending, ended, quiet)
    assert [one.delivery for one in found] == [3, 2, 1, 4]
    assert found[2].why == "The order is in erp (is SO-88), since 2026-03-01 09:00:00 UTC."
    assert "compared with next and not sent: equal to what is there" in found[1].why
    assert found[3].why == "The order is not in other: goes to erp."


def test_what_was_only_looked_at_tells_the_looks_reason() -> None:
    look = row(State.PENDING, flow="looks", target="store", reason="erp: on hold", due_at=NOW + timedelta(hours=1))
    (one,) = told(look)
    assert one.why == "Nothing was sent of it: erp: on hold."
    assert one.next == "Looked at again in 60 minutes (2026-03-01 10:00:00 UTC)."
