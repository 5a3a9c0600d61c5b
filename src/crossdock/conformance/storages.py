"""What every storage must do, whatever it stands on: `class TestMine(StorageConformance)` with a `store` fixture."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest

from crossdock.contract.connector import Watermark
from crossdock.contract.message import Message
from crossdock.delivery.records import (
    Arrival,
    Attempt,
    Delivery,
    Link,
    Promise,
    Settlement,
    State,
    Verdict,
)
from crossdock.delivery.store import Checkpoint, DeadFilter, Store
from crossdock.errors import LeaseLost

NOW = datetime(2026, 1, 5, 12, tzinfo=UTC)
LEASE = timedelta(seconds=60)
ALL = {"erp": 100, "store": 100}


def hint(number: int = 1, *, event: str = "", payload: bytes = b"", content: str = "") -> Message:
    """Something was heard of order `number`."""
    return Message(
        id=event or f"event-{number}",
        source="store",
        flow="looks",
        subject=str(number),
        reference=f"{number:09}",
        occurred_at=NOW,
        payload=payload,
        content=content,
    )


def arrival(message: Message, *, fingerprint: str = "") -> Arrival:
    """It leads to one look, one row a subject."""
    return Arrival(
        message=message,
        flow="looks",
        target="store",
        key=f"look:{message.subject}",
        lane=f"look:{message.subject}",
        one_row=True,
        fingerprint=fingerprint,
    )


def promise(number: int = 1, operation: str = "place", **changes: Any) -> Promise:
    """A document owed to the ERP, in its order's lane."""
    key = f"{number}:{operation}"
    message = Message(
        id=f"duty:{key}",
        source="store",
        flow="orders",
        subject=str(number),
        reference=f"{number:09}",
        occurred_at=NOW,
        payload=b'{"n":1}',
    )
    values = {"flow": "orders", "target": "erp", "key": key, "lane": f"order:{number}"} | changes
    return Promise(message=message, **values)


def verdict(state: State, due: datetime = NOW, **changes: Any) -> Verdict:
    """A verdict with one attempt."""
    return Verdict(state=state, due_at=due, attempts=1, **changes)


def lease(
    store: Store, now: datetime = NOW, worker: str = "w1", limits: dict[str, int] | None = None
) -> list[Delivery]:
    """Lease all that is due."""
    return store.lease(worker, now, now + LEASE, limits or ALL, limit=100)


def instead(done: Verdict) -> Settlement:
    """A look that promises `1:another` in the place of `1:place`."""
    return Settlement(
        verdict=done, promises=(promise(1, "another"),), instead_of=(("erp", "1:place", "another version is tried"),)
    )


class StorageConformance:
    """The suite. `store` is a new, empty one for every test."""

    @pytest.fixture
    def store(self) -> Store:
        """Override me."""
        raise NotImplementedError

    def promised(self, store: Store, *promises: Promise) -> None:
        """Promise documents the way a look does."""
        store.record([arrival(hint(99, event="for-" + ",".join(one.key for one in promises)))], NOW)
        (looked,) = [one for one in lease(store, limits={"store": 1}) if one.subject == "99"]
        store.settle(looked, Settlement(verdict=verdict(State.DELIVERED), promises=promises), NOW)

    def test_an_event_is_recorded_once(self, store: Store) -> None:
        first, second = store.record([arrival(hint()), arrival(hint())], NOW)
        assert (first.outcome, second.outcome) == ("new", "duplicate")
        assert len(lease(store)) == 1

    def test_the_same_id_with_another_content_is_a_conflict(self, store: Store) -> None:
        outcomes = store.record(
            [arrival(hint(), fingerprint="a"), arrival(hint(), fingerprint="b"), arrival(hint(), fingerprint="a")], NOW
        )
        assert [one.outcome for one in outcomes] == ["new", "conflict", "duplicate"]

    def test_a_conflict_leaves_one_row_in_the_trail(self, store: Store) -> None:
        store.record([arrival(hint(), fingerprint="a")], NOW)
        for _ in range(2):
            store.record([arrival(hint(), fingerprint="b")], NOW)
        texts = [one.text for one in store.timeline("store", "1") if one.text.startswith("conflict")]
        assert texts == ["conflict event-1 came before with another content refused: b"]

    def test_another_content_is_kept_beside_the_first_where_nobody_waits_to_be_told(self, store: Store) -> None:
        first, other = (
            msgspec.structs.replace(arrival(hint(payload=body), fingerprint=print_of), keeps_conflicts=True)
            for body, print_of in ((b"1", "a"), (b"2", "b"))
        )
        for _ in range(2):
            store.record([first, other], NOW)
        (letter,) = store.dead(DeadFilter())
        assert (letter.subject, letter.code, letter.owner) == ("event-1!b", "parked", "business")
        found = store.delivery(letter.id)
        assert found is not None
        assert found[1].payload == b"2"
        assert [one.subject for one in lease(store)] == ["1"], "the first one goes on"

    def test_what_is_parked_is_a_dead_letter_from_birth_and_can_be_replayed(self, store: Store) -> None:
        parked = msgspec.structs.replace(arrival(hint()), park="warehouse: is missing", lane="of its own")
        assert [one.outcome for one in store.record([parked, parked], NOW)] == ["new", "duplicate"]
        (letter,) = store.dead(DeadFilter())
        assert (letter.reason, lease(store)) == ("warehouse: is missing", [])
        assert store.replay([letter.id], "me", NOW) == 1
        assert [one.id for one in lease(store)] == [letter.id]

    def test_what_is_only_kept_makes_no_work_and_can_be_seen(self, store: Store) -> None:
        message = msgspec.structs.replace(hint(7, event="rma", payload=b"{7}"), flow="kept", reference="")
        kept = msgspec.structs.replace(arrival(message), flow="kept", owed=False)
        assert [one.outcome for one in store.record([kept, kept], NOW)] == ["new", "duplicate"]
        assert lease(store) == []
        assert store.counts() == {}
        assert store.known("store", "7") == []
        assert store.dead(DeadFilter()) == []
        assert store.seen("store", ["7"]) == set()
        assert store.find_subjects("7") == [("store", "7")]
        assert [(one.kind, one.flow, one.text) for one in store.timeline("store", "7")] == [
            ("heard", "kept", "by webhook: rma")
        ]

    def test_several_events_of_one_subject_make_one_look(self, store: Store) -> None:
        store.record([arrival(hint(event="created")), arrival(hint(event="paid"))], NOW)
        (looked,) = lease(store)
        assert looked.message.id == "paid"

    def test_an_event_during_the_look_makes_another_look(self, store: Store) -> None:
        store.record([arrival(hint(event="one"))], NOW)
        (looked,) = lease(store)
        store.record([arrival(hint(event="two"))], NOW)
        assert lease(store) == []
        store.settle(looked, Settlement(verdict=verdict(State.DELIVERED)), NOW)
        (again,) = lease(store)
        assert again.message.id == "two"

    def test_content_that_was_looked_at_makes_no_work(self, store: Store) -> None:
        store.record([arrival(hint(event="one"))], NOW)
        (looked,) = lease(store)
        store.settle(looked, Settlement(verdict=verdict(State.DELIVERED), content="c1"), NOW)
        same, other = store.record(
            [arrival(hint(event="echo", content="c1")), arrival(hint(event="change", content="c2"))], NOW
        )
        assert (same.outcome, other.outcome) == ("unchanged", "new")

    def test_a_state_that_came_back_is_looked_at_although_its_event_is_known(self, store: Store) -> None:
        for event, content in (("a", "c1"), ("b", "c2")):
            store.record([arrival(hint(event=event, content=content))], NOW)
            (looked,) = lease(store)
            store.settle(looked, Settlement(verdict=verdict(State.DELIVERED), content=content), NOW)
        (again,) = store.record([arrival(hint(event="a", content="c1"))], NOW)
        assert again.outcome == "new"
        assert len(lease(store)) == 1

    def test_a_late_copy_of_what_came_with_its_version_is_no_news(self, store: Store) -> None:
        """Two states within one second, the first of them sent once more: its body is the older one."""
        first, second = (
            msgspec.structs.replace(hint(event=event, content=content, payload=b"{}"), version="06:00:00")
            for event, content in (("a", "c1"), ("b", "c2"))
        )
        for one in (first, second):
            assert store.record([arrival(one)], NOW)[0].outcome == "new"
            (looked,) = lease(store)
            store.settle(looked, Settlement(verdict=verdict(State.DELIVERED), content=one.content), NOW)
        assert store.record([arrival(first)], NOW)[0].outcome == "duplicate"
        assert lease(store) == []

    def test_a_payload_comes_back_as_it_went_in(self, store: Store) -> None:
        store.record([arrival(hint(payload=b'{"a":"\xc3\xa9"}'))], NOW)
        (looked,) = lease(store)
        assert looked.message.payload == b'{"a":"\xc3\xa9"}'
        assert looked.message.occurred_at == NOW

    def test_a_leased_delivery_is_not_leased_again(self, store: Store) -> None:
        store.record([arrival(hint())], NOW)
        assert len(lease(store)) == 1
        assert lease(store, NOW + LEASE / 2, "w2") == []

    def test_a_lease_that_ran_out_means_maybe_sent_and_is_fenced(self, store: Store) -> None:
        store.record([arrival(hint())], NOW)
        (first,) = lease(store)
        (second,) = lease(store, NOW + 2 * LEASE, "w2")
        assert (first.maybe_sent, second.maybe_sent) == (False, True)
        assert second.sent_at == NOW + LEASE
        with pytest.raises(LeaseLost):
            store.settle(first, Settlement(verdict=verdict(State.DELIVERED)), NOW)
        store.settle(second, Settlement(verdict=verdict(State.DELIVERED)), NOW)

    def test_a_fenced_settlement_writes_nothing(self, store: Store) -> None:
        store.record([arrival(hint())], NOW)
        (first,) = lease(store)
        lease(store, NOW + 2 * LEASE, "w2")
        with pytest.raises(LeaseLost):
            store.settle(first, Settlement(verdict=verdict(State.DELIVERED), promises=(promise(),)), NOW)
        assert store.known("store", "1") == []

    def test_deliveries_of_one_lane_go_one_at_a_time_and_in_order(self, store: Store) -> None:
        self.promised(store, promise(1, "place"), promise(1, "cancel"), promise(2, "place"))
        first = lease(store, limits={"erp": 10})
        assert [one.key for one in first] == ["1:place", "2:place"]
        assert lease(store, limits={"erp": 10}) == []
        store.settle(first[0], Settlement(verdict=verdict(State.DELIVERED)), NOW)
        assert [one.key for one in lease(store, limits={"erp": 10})] == ["1:cancel"]

    def test_a_retry_holds_its_lane(self, store: Store) -> None:
        self.promised(store, promise(1, "place"), promise(1, "cancel"))
        (first,) = lease(store)
        later = NOW + timedelta(hours=1)
        store.settle(first, Settlement(verdict=verdict(State.PENDING, later)), NOW)
        assert lease(store) == []
        assert [one.key for one in lease(store, later)] == ["1:place"]

    def test_a_dead_letter_holds_its_lane_until_a_person_resolves_it(self, store: Store) -> None:
        self.promised(store, promise(1, "place"), promise(1, "cancel"))
        (first,) = lease(store)
        store.settle(first, Settlement(verdict=verdict(State.DEAD, code="rejected", reason="no such SKU")), NOW)
        assert lease(store) == []
        (letter,) = store.dead(DeadFilter())
        assert (letter.key, letter.code, letter.reason) == ("1:place", "rejected", "no such SKU")
        assert store.resolve([letter.id], "ann", "typed in by hand", NOW) == 1
        assert store.dead(DeadFilter()) == []
        assert [one.key for one in lease(store)] == ["1:cancel"]

    def test_a_replay_keeps_the_key_and_the_doubt(self, store: Store) -> None:
        self.promised(store, promise())
        (first,) = lease(store)
        store.settle(first, Settlement(verdict=verdict(State.DEAD, code="outcome-unknown", maybe_sent=True)), NOW)
        assert store.replay([first.id], "ann", NOW + LEASE) == 1
        assert store.replay([first.id], "ann", NOW + LEASE) == 0
        (again,) = lease(store, NOW + LEASE)
        assert (again.key, again.maybe_sent, again.opened_at) == (first.key, True, NOW + LEASE)

    def test_what_its_subject_did_not_take_is_tried_again_once_a_change_that_is_heard_of(self, store: Store) -> None:
        self.promised(store, promise(1, "ship", target="store"), promise(2, "ship", target="store"))
        for one in lease(store):
            code = "not-open" if one.subject == "1" else "rejected"
            store.settle(one, Settlement(verdict=verdict(State.DEAD, code=code)), NOW)
        assert store.replay_moved_on("me", NOW + LEASE) == 0, "nothing was heard of it since it was due"
        store.record([arrival(hint(1)), arrival(hint(2))], NOW + LEASE)
        assert store.replay_moved_on("me", NOW + LEASE * 2) == 1
        (again,) = [one for one in lease(store, NOW + LEASE * 2) if one.flow == "orders"]
        assert again.key == "1:ship"
        store.settle(again, Settlement(verdict=verdict(State.DEAD, code="not-open")), NOW + LEASE * 2)
        assert store.replay_moved_on("me", NOW + LEASE * 3) == 0, "of that change it was tried already"

    def test_what_we_did_to_its_subject_is_a_change_too(self, store: Store) -> None:
        self.promised(store, promise(1, "ship", target="store"), promise(1, "unhold", target="store", lane="its own"))
        ship, unhold = lease(store)
        store.settle(ship, Settlement(verdict=verdict(State.DEAD, code="not-open")), NOW)
        assert store.replay_moved_on("me", NOW + LEASE) == 0
        store.settle(unhold, Settlement(verdict=verdict(State.DELIVERED)), NOW + LEASE)
        assert store.replay_moved_on("me", NOW + LEASE * 2) == 1

    def test_an_edited_letter_goes_with_its_new_payload(self, store: Store) -> None:
        self.promised(store, promise())
        (first,) = lease(store)
        store.settle(first, Settlement(verdict=verdict(State.DEAD, code="rejected")), NOW)
        assert store.edit(first.id, b'{"n":2}', "ann", "wrong n", NOW)
        (again,) = lease(store)
        assert again.message.payload == b'{"n":2}'

    def test_a_promise_is_made_once(self, store: Store) -> None:
        self.promised(store, promise(), promise())
        self.promised(store, promise(1, "place"), promise(1, "cancel"))
        assert [known.key for known in store.known("store", "1")] == ["1:place", "1:cancel"]

    def test_what_was_not_begun_can_be_superseded(self, store: Store) -> None:
        self.promised(store, promise())
        store.record([arrival(hint())], NOW)
        (looked,) = lease(store, limits={"store": 5})
        ending = Settlement(verdict=verdict(State.DELIVERED), ends=(("erp", "1:place", "canceled"),))
        store.settle(looked, ending, NOW)
        assert lease(store, NOW + timedelta(hours=1)) == []
        assert [known.state for known in store.known("store", "1")] == ["superseded"]

    def test_what_got_under_way_meanwhile_makes_the_look_come_again(self, store: Store) -> None:
        self.promised(store, promise())
        store.record([arrival(hint())], NOW)
        (looked,) = lease(store, limits={"store": 5})
        (placing,) = lease(store, limits={"erp": 5})
        ending = Settlement(verdict=verdict(State.DELIVERED), ends=(("erp", "1:place", "canceled"),))
        store.settle(looked, ending, NOW)
        store.settle(placing, Settlement(verdict=verdict(State.DELIVERED)), NOW)
        assert [one.flow for one in lease(store, NOW + timedelta(minutes=1))] == ["looks"]

    def test_what_takes_the_place_of_a_dead_letter_ends_it(self, store: Store) -> None:
        self.promised(store, promise())
        (first,) = lease(store)
        store.settle(first, Settlement(verdict=verdict(State.DEAD, code="rejected")), NOW)
        store.record([arrival(hint())], NOW)
        (looked,) = lease(store, limits={"store": 5})
        store.settle(looked, instead(verdict(State.DELIVERED)), NOW)
        assert [(one.key, one.state) for one in store.known("store", "1")] == [
            ("1:place", "superseded"),
            ("1:another", "pending"),
        ]
        assert store.dead(DeadFilter()) == []

    @pytest.mark.parametrize("maybe_sent", [False, True])
    def test_what_is_not_dead_any_more_or_may_be_there_keeps_its_place(self, store: Store, maybe_sent: bool) -> None:
        self.promised(store, promise())
        (first,) = lease(store)
        store.settle(first, Settlement(verdict=verdict(State.DEAD, code="rejected", maybe_sent=maybe_sent)), NOW)
        if not maybe_sent:
            assert store.replay([first.id], "ann", NOW) == 1
        store.record([arrival(hint())], NOW)
        (looked,) = lease(store, limits={"store": 5})
        store.settle(looked, instead(verdict(State.DELIVERED)), NOW)
        assert [one.key for one in store.known("store", "1")] == ["1:place"]
        again = lease(store, NOW + timedelta(minutes=1), limits={"store": 5})
        assert [one.flow for one in again] == ["looks"], "it is looked at once more"

    def test_priority_and_limits(self, store: Store) -> None:
        self.promised(store, promise(1, priority=5), promise(2, priority=1), promise(3, priority=5))
        assert [one.subject for one in lease(store, limits={"erp": 2})] == ["2", "1"]

    def test_where_one_may_go_it_is_one_that_only_needs_to_be_looked_for(self, store: Store) -> None:
        """A breaker that is half open lets one through: a find tells whether the target answers, and sends nothing."""
        self.promised(store, promise(2), promise(1, priority=1))
        first, second = sorted(lease(store), key=lambda one: one.subject)
        store.settle(second, Settlement(verdict=verdict(State.PENDING, NOW, maybe_sent=True)), NOW)
        store.give_back([first], NOW)
        assert [one.subject for one in lease(store, limits={"erp": 1})] == ["2"]
        assert [one.subject for one in lease(store, limits={"erp": 1})] == ["1"]

    def test_a_paused_connection_gets_nothing(self, store: Store) -> None:
        self.promised(store, promise())
        assert store.pause("erp", "login broken", "crossdock", NOW)
        assert not store.pause("erp", "again", "crossdock", NOW)
        assert lease(store) == []
        assert [(one.connection, one.reason) for one in store.paused()] == [("erp", "login broken")]
        assert store.resume("erp", "ann", NOW)
        assert len(lease(store)) == 1

    def test_given_back_is_due_again_without_doubt(self, store: Store) -> None:
        self.promised(store, promise())
        store.give_back(lease(store), NOW)
        (again,) = lease(store)
        assert (again.maybe_sent, again.attempts) == (False, 0)

    def test_doubt_and_its_moment_survive_until_it_is_found(self, store: Store) -> None:
        self.promised(store, promise())
        (first,) = lease(store)
        later = NOW + timedelta(seconds=30)
        store.settle(first, Settlement(verdict=verdict(State.PENDING, later, maybe_sent=True)), NOW)
        (again,) = lease(store, later)
        assert (again.maybe_sent, again.sent_at, again.attempts) == (True, NOW, 1)

    def test_one_reader_of_a_stream(self, store: Store) -> None:
        first = store.claim_stream("store", "changes", "p1", NOW, NOW + LEASE)
        assert first is not None
        assert store.claim_stream("store", "changes", "p2", NOW, NOW + LEASE) is None
        second = store.claim_stream("store", "changes", "p2", NOW + 2 * LEASE, NOW + 3 * LEASE)
        assert second is not None
        with pytest.raises(LeaseLost):
            self.page(store, first, 1)
        assert store.seen("store", ["1"]) == set()
        self.page(store, second, 1)
        assert store.seen("store", ["1", "2"]) == {"1"}

    def test_the_watermark_is_stored_with_its_page(self, store: Store) -> None:
        claimed = store.claim_stream("store", "changes", "p1", NOW, NOW + LEASE)
        assert claimed is not None
        self.page(store, claimed, 1)
        store.release_stream(claimed, NOW)
        again = store.claim_stream("store", "changes", "p2", NOW, NOW + LEASE)
        assert again is not None
        assert again.watermark == Watermark(value={"at": 1})
        assert again.read_at == NOW

    def page(self, store: Store, claimed: Checkpoint, number: int) -> None:
        """One page with one order."""
        read = Checkpoint(
            source=claimed.source,
            stream=claimed.stream,
            fence=claimed.fence,
            watermark=Watermark(value={"at": number}),
        )
        store.record_page(read, [arrival(hint(number))], NOW, complete=True)

    def test_where_looks_stand_and_what_was_given_up_counts_as_unseen(self, store: Store) -> None:
        store.record([arrival(hint(1)), arrival(hint(2)), arrival(hint(3))], NOW)
        first, second, _ = lease(store)
        store.settle(first, Settlement(verdict=verdict(State.DEAD, code="mapping", reason="no currency")), NOW)
        store.settle(second, Settlement(verdict=verdict(State.SUPERSEDED)), NOW)
        found = store.looks_at("store", "looks", ["1", "2", "3", "4"])
        states = {subject: view.state for subject, view in found.items()}
        assert states == {"1": State.DEAD, "2": State.SUPERSEDED, "3": State.LEASED}
        assert (found["1"].code, found["1"].reason) == ("mapping", "no currency")
        assert store.looks_at("elsewhere", "looks", ["1"]) == {}
        assert store.seen("store", ["1", "2", "3", "4"]) == {"1", "3"}

    def announced(
        self, store: Store, now: datetime = NOW, before: datetime | None = None, limit: int = 100
    ) -> list[int]:
        """All that is announced now."""
        found = store.announce(tuple(ALL), now, before=before, limit=limit)
        return [one for ids in found.values() for one in ids]

    def test_what_is_announced_is_what_would_be_leased(self, store: Store) -> None:
        self.promised(store, promise(1, "place"), promise(1, "cancel"), promise(2, "place"), promise(3, "place"))
        (first, *_) = lease(store, limits={"erp": 1})
        store.settle(first, Settlement(verdict=verdict(State.PENDING, NOW + LEASE)), NOW)
        store.record([arrival(hint(7))], NOW)
        found = store.announce(("erp",), NOW, before=None, limit=100)
        assert list(found) == ["erp"]
        assert self.announced(store) == [one.id for one in lease(store, limits={"store": 9})]
        assert found["erp"] == [one.id for one in lease(store, limits={"erp": 9})]
        assert len(found["erp"]) == 2

    def test_it_is_announced_once_until_it_was_claimed_or_forgotten(self, store: Store) -> None:
        self.promised(store, promise(1), promise(2))
        first = self.announced(store)
        assert len(first) == 2
        assert self.announced(store) == []
        assert self.announced(store, NOW + LEASE, before=NOW) == []
        assert self.announced(store, NOW + LEASE, before=NOW + LEASE) == first
        (claimed,) = store.lease_announced("w1", NOW, NOW + LEASE, first[:1])
        store.settle(claimed, Settlement(verdict=verdict(State.PENDING, NOW)), NOW)
        assert self.announced(store) == first[:1]

    def test_a_lease_that_ran_out_is_announced(self, store: Store) -> None:
        self.promised(store, promise())
        (claimed,) = store.lease_announced("w1", NOW, NOW + LEASE, self.announced(store))
        assert self.announced(store, NOW + LEASE / 2) == []
        assert self.announced(store, NOW + 2 * LEASE) == [claimed.id]
        (again,) = store.lease_announced("w2", NOW + 2 * LEASE, NOW + 3 * LEASE, [claimed.id])
        assert (again.maybe_sent, again.fence) == (True, claimed.fence + 1)

    def test_a_doubled_late_or_made_up_announcement_leases_nothing(self, store: Store) -> None:
        self.promised(store, promise(1, "place"), promise(1, "cancel"))
        (due,) = self.announced(store)
        claimed = store.lease_announced("w1", NOW, NOW + LEASE, [due, due])
        assert [one.key for one in claimed] == ["1:place"]
        assert store.lease_announced("w2", NOW, NOW + LEASE, [due, due + 1, 987_654]) == []
        store.settle(claimed[0], Settlement(verdict=verdict(State.DELIVERED)), NOW)
        assert store.lease_announced("w2", NOW, NOW + LEASE, [due]) == []
        assert self.announced(store) == [due + 1]

    def test_nothing_is_announced_for_a_paused_connection(self, store: Store) -> None:
        self.promised(store, promise(1), promise(2))
        early = self.announced(store, limit=1)
        store.pause("erp", "login broken", "crossdock", NOW)
        assert self.announced(store) == []
        assert store.lease_announced("w1", NOW, NOW + LEASE, early) == []
        store.resume("erp", "ann", NOW)
        assert len(self.announced(store)) == 1
        assert len(store.lease_announced("w1", NOW, NOW + LEASE, early)) == 1

    def test_given_back_is_announced_again(self, store: Store) -> None:
        self.promised(store, promise())
        due = self.announced(store)
        store.give_back(store.lease_announced("w1", NOW, NOW + LEASE, due), NOW)
        assert self.announced(store) == due

    def test_links_and_numbers_lead_to_the_subject(self, store: Store) -> None:
        self.promised(store, promise())
        (first,) = lease(store)
        link = Link(source="store", subject="1", target="erp", external_id="88", number="SO-88")
        store.settle(first, Settlement(verdict=verdict(State.DELIVERED), links=(link,)), NOW)
        assert store.links("store", "1") == [link]
        assert store.find_subjects("SO-88") == [("store", "1")]
        assert store.find_subjects("000000001") == [("store", "1")]
        assert store.find_subjects("nothing") == []

    def test_the_timeline_tells_all(self, store: Store) -> None:
        self.promised(store, promise())
        (first,) = lease(store)
        attempt = Attempt(
            operation="POST /orders", entity="orders", entity_id="1", key="1:place", started_at=NOW, status=201
        )
        store.settle(first, Settlement(verdict=verdict(State.DELIVERED, reason="is SO-88"), attempts=(attempt,)), NOW)
        texts = [(one.kind, one.text) for one in store.timeline("store", "1")]
        assert ("promised", "under 1:place") in texts
        assert ("attempt", "POST /orders HTTP 201") in texts
        assert ("state", "delivered: is SO-88") in texts

    def test_next_due(self, store: Store) -> None:
        assert store.next_due(NOW) is None
        self.promised(store, promise())
        (first,) = lease(store)
        later = NOW + timedelta(minutes=7)
        store.settle(first, Settlement(verdict=verdict(State.PENDING, later)), NOW)
        assert store.next_due(NOW) == later

    def test_the_sweep_finds_what_was_not_looked_at_for_long(self, store: Store) -> None:
        store.record([arrival(hint(1)), arrival(hint(2))], NOW)
        open_one, final_one = lease(store)
        store.settle(open_one, Settlement(verdict=verdict(State.DELIVERED)), NOW)
        store.settle(final_one, Settlement(verdict=verdict(State.DELIVERED), final=True), NOW)
        assert store.open_subjects("store", "looks", NOW, 10) == []
        assert store.open_subjects("store", "looks", NOW + LEASE, 10) == [open_one.subject]
