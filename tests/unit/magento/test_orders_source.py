from __future__ import annotations

import copy
import json
import random
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crossdock.contract.connector import Page, Watermark
from crossdock.contract.message import Message
from crossdock.errors import InvalidPayload, Misconfigured, RateLimited, Temporary
from crossdock.magento.client import MagentoClient
from crossdock.magento.content import content_hash
from crossdock.magento.orders import OrderSource
from crossdock.magento.settings import PollingSettings
from crossdock.transport.auth import Bearer
from crossdock.transport.http import Http
from tests.material import SHARED, needs_shared
from tests.recorded_server import Asked, Reply, against_contract, serve
from tests.unit.magento.fake_store import NOW, FakeStore, running

PAUSED: list[float] = []
START = NOW.date() - timedelta(days=1)


def polling(**more: Any) -> PollingSettings:
    return PollingSettings.model_validate({"start": START, "overlap_s": 0, "page_size": 3} | more)


def source_of(client: MagentoClient, **more: Any) -> OrderSource:
    return OrderSource(client, polling(**more), name="shop", clock=lambda: NOW, pause=PAUSED.append)


def ids(pages: list[Page]) -> list[int]:
    return [int(message.subject) for page in pages for message in page.messages]


def hint(subject: str) -> Message:
    return Message(id="w1", source="shop", flow="looks", subject=subject, occurred_at=NOW)


# --- changes --------------------------------------------------------------------------------------------------------


def test_every_order_comes_once_in_order_over_many_pages_with_ties() -> None:
    store = FakeStore()
    for number in range(1, 11):
        store.place(number, ago=3600 if number % 2 else 1800)  # two crowds within one second each
    with running(store) as (client, server):
        pages = list(source_of(client).changes(None))
    assert ids(pages) == [1, 3, 5, 7, 9, 2, 4, 6, 8, 10]
    assert [page.complete for page in pages] == [False, False, False, True]
    assert pages[-1].watermark.value == {
        "updated_at": "2026-11-23 05:30:00",
        "entity_id": 10,
        "began": f"{START} 00:00:00",
    }
    assert pages[-1].source_time == NOW
    assert not any("searchCriteria[currentPage]" in one.query for one in server.asked)


@settings(max_examples=15, deadline=None)
@given(st.lists(st.integers(10, 14), min_size=1, max_size=9), st.integers(1, 4), st.sampled_from([0, 2, 1200]))
def test_a_scan_cut_after_each_page_goes_on_without_loss_or_repetition(
    ages: list[int], size: int, overlap: int
) -> None:
    store = FakeStore()
    for number, age in enumerate(ages, start=1):
        store.place(number, ago=age)
    found: list[int] = []
    since: Watermark | None = None
    with running(store) as (client, _):
        for _ in range(len(ages) + 1):  # each time the process dies after one page
            page = next(source_of(client, page_size=size, overlap_s=overlap).changes(since))
            since = Watermark(value=json.loads(json.dumps(page.watermark.value)))
            found += ids([page])
            if page.complete:
                break
    assert page.complete
    assert sorted(found) == list(range(1, len(ages) + 1))


def test_what_was_committed_late_while_a_scan_was_cut_is_found_by_the_next_one() -> None:
    store = FakeStore()
    for number in (1, 2, 4, 5):
        store.place(number, ago=600 - number)
    with running(store) as (client, _):
        source = source_of(client, page_size=2, overlap_s=1200)
        cut = next(source.changes(None))
        assert ids([cut]) == [1, 2]
        store.place(3, ago=900)  # behind the place where the scan stands
        store.now += timedelta(seconds=3600)
        store.place(6, ago=100)  # so that an overlap of the last row alone would not reach it
        rest = list(source.changes(cut.watermark))
        assert ids(rest) == [4, 5, 6]
        following = list(source.changes(rest[-1].watermark))
        assert ids(following) == [3, 1, 2, 4, 5, 6]
        assert ids(list(source.changes(following[-1].watermark))) == [6]


def test_a_long_backfill_that_is_cut_is_not_read_twice() -> None:
    store = FakeStore()
    for number in range(1, 7):
        store.place(number, ago=80_000 - number)
    with running(store) as (client, _):
        source = source_of(client, page_size=2, overlap_s=60)
        cut = next(source.changes(None))
        rest = list(source.changes(cut.watermark))
        assert ids([cut, *rest]) == [1, 2, 3, 4, 5, 6]
        assert "floor" not in rest[-1].watermark.value


def test_a_scan_ends_behind_the_stores_own_clock_not_ours() -> None:
    store = FakeStore()
    store.now = NOW + timedelta(hours=3)  # our clock is hours off
    store.place(1, ago=60)
    store.place(2, ago=4)
    with running(store) as (client, _):
        pages = list(source_of(client).changes(None))
        assert ids(pages) == [1]
        assert pages[-1].complete
        store.now += timedelta(seconds=10)
        assert ids(list(source_of(client).changes(pages[-1].watermark))) == [1, 2]  # the last second is read again


def test_the_overlap_finds_an_order_whose_transaction_ended_late() -> None:
    store = FakeStore()
    store.place(5, ago=600)
    with running(store) as (client, _):
        source = source_of(client, overlap_s=1200)
        last = list(source.changes(None))[-1].watermark
        store.place(4, ago=900)  # committed only now, behind the watermark
        pages = list(source.changes(last))
        assert ids(pages) == [4, 5]
        assert pages[-1].watermark == last  # and it never goes back
        repeated = list(source.changes(last))
    assert [one.id for page in repeated for one in page.messages] == [one.id for page in pages for one in page.messages]


def test_without_a_start_the_first_scan_begins_at_the_stores_now() -> None:
    store = FakeStore()
    store.place(1, ago=86_400)
    store.place(2, ago=60)
    with running(store) as (client, _):
        assert ids(list(source_of(client, start=None, overlap_s=1200).changes(None))) == [2]


def test_nothing_new_keeps_the_watermark() -> None:
    with running(FakeStore()) as (client, _):
        (page,) = source_of(client).changes(None)
    assert page.complete
    start = f"{START} 00:00:00"
    assert page.watermark.value == {"updated_at": start, "entity_id": 0, "began": start}


def test_a_watermark_of_another_kind_is_refused() -> None:
    with running(FakeStore()) as (client, _), pytest.raises(InvalidPayload):
        list(source_of(client).changes(Watermark(value={"lsn": 7})))


def test_a_store_that_ignores_the_filter_ends_the_scan() -> None:
    store = FakeStore()
    store.ignores_filters = True
    for number in range(1, 9):
        store.place(number)
    with running(store) as (client, server):
        pages = list(source_of(client).changes(None))
    assert pages[-1].complete
    assert len(server.asked) < 5


def test_a_store_that_does_not_sort_is_not_read_on() -> None:
    store = FakeStore()
    store.unsorted = True
    for number in range(1, 4):
        store.place(number)
    with running(store) as (client, _), pytest.raises(Misconfigured, match="sort"):
        list(source_of(client).changes(None))


def test_the_stores_own_page_limit_is_kept() -> None:
    store = FakeStore()
    store.limit = 2
    for number in range(1, 6):
        store.place(number)
    with running(store) as (client, server):
        assert ids(list(source_of(client, page_size=100).changes(None))) == [1, 2, 3, 4, 5]
    sizes = [one.query["searchCriteria[pageSize]"] for one in server.asked]
    assert sizes == ["100", "2", "2", "2"]


@pytest.mark.parametrize("poison", [{1}, {4}, {10}, {3, 4}, {1, 2, 3}])
def test_an_order_that_breaks_the_list_is_named_and_the_rest_comes(poison: set[int]) -> None:
    store = FakeStore()
    store.poison = poison
    for number in range(1, 11):
        store.place(number, ago=3600 - number)
    with running(store) as (client, server):
        pages = list(source_of(client, page_size=8).changes(None))
    assert sorted(ids(pages)) == sorted(set(range(1, 11)) - poison)
    assert {int(one) for page in pages for one in page.poison} == poison
    assert len(server.asked) < 110


@pytest.mark.parametrize("seed", range(4))
def test_a_broken_order_is_found_though_every_fourth_request_fails(seed: int) -> None:
    """Dozens of requests search for it: none of them may spoil the search, nor lead it to a sound order."""
    luck = random.Random(seed)
    store = FakeStore()
    store.poison = {7}
    for number in range(1, 21):
        store.place(number, ago=3600 - number)
    passing = [Reply(503), Reply(429, {"message": "slow down"}, {"Retry-After": "1"}), Reply(500, b"<html>oops</html>")]

    def answer(one: Asked) -> Reply:
        return luck.choice(passing) if luck.random() < 0.25 else store.answer(one)

    found: dict[str, Any] = {"ids": set(), "poison": set()}
    since: Watermark | None = None
    with serve(answer) as server:
        source = source_of(MagentoClient(Http(), Bearer("t"), base_url=server.url), page_size=8)
        for _ in range(20):
            try:
                for page in source.changes(since):
                    since = page.watermark
                    found["ids"] |= set(ids([page]))
                    found["poison"] |= set(page.poison)
            except Temporary:
                continue
            if page.complete:
                break
    assert page.complete
    assert found == {"ids": set(range(1, 21)) - {7}, "poison": {"7"}}


def test_a_store_that_asks_for_a_long_pause_while_a_broken_order_is_sought_gets_it() -> None:
    store = FakeStore()
    store.poison = {1}
    store.place(1)
    long = Reply(429, {"message": "slow down"}, {"Retry-After": "900"})
    with serve(lambda one: long if len(server.asked) > 1 else store.answer(one)) as server:
        source = source_of(MagentoClient(Http(), Bearer("t"), base_url=server.url))
        with pytest.raises(RateLimited):
            list(source.changes(None))
    assert len(server.asked) == 2


def test_a_poison_order_is_left_out_of_the_next_scans_and_told_again_after_an_hour() -> None:
    store = FakeStore()
    store.poison = {2}
    for number in (1, 2, 3):
        store.place(number, ago=600)
    clock = [NOW]
    with running(store) as (client, server):
        source = OrderSource(client, polling(overlap_s=1200), name="shop", clock=lambda: clock[0], pause=PAUSED.append)
        mark = list(source.changes(None))[-1].watermark
        assert set(mark.value["poison"]) == {"2"}
        before = len(server.asked)
        again = list(source.changes(mark))
        assert (ids(again), again[0].poison) == ([1, 3], ())
        assert len(server.asked) - before == 1
        clock[0] += timedelta(hours=2)
        store.poison = set()
        healed = list(source.changes(again[-1].watermark))
    assert ids(healed) == [1, 2, 3]
    assert healed[0].poison == ("2",)
    assert "poison" not in healed[-1].watermark.value


def test_a_store_that_is_down_is_no_poison() -> None:
    store = FakeStore()
    store.place(1)
    store.down = True
    with running(store) as (client, server), pytest.raises(Temporary):
        list(source_of(client).changes(None))
    assert len(server.asked) == 3


def test_a_list_of_unknown_form_is_temporary() -> None:
    with serve(lambda one: Reply(200, {"items": [{"sku": "x"}]})) as server:
        pages = source_of(MagentoClient(Http(), Bearer("t"), base_url=server.url)).changes(None)
        with pytest.raises(Temporary):
            next(pages)


def test_a_row_is_a_fresh_look_unless_there_may_be_refunds() -> None:
    store = FakeStore()
    store.place(1)
    store.place(2, total_refunded=5)
    store.place(3, total_refunded=0)
    store.place(4, state="closed")
    with running(store) as (client, _):
        messages = [one for page in source_of(client).changes(None) for one in page.messages]
    assert [one.read_at is not None for one in messages] == [True, False, False, False]
    first = messages[0]
    assert (first.flow, first.source, first.reference) == ("looks", "shop", "000000001")
    assert first.occurred_at == NOW - timedelta(hours=1)
    assert msgspec.json.decode(first.payload) == {"order": store.orders[1], "credit_memos": []}
    assert b"10.1" in first.payload


def test_held_and_released_is_a_message_of_its_own_though_the_content_is_the_old_one() -> None:
    store = FakeStore()
    store.place(1, ago=100)
    with running(store) as (client, _):
        source = source_of(client)
        seen = [next(iter(source.changes(None))).messages[0]]
        for state, ago in (("holded", 90), ("new", 80)):
            store.place(1, ago=ago, state=state, created_at="2026-11-23 05:58:20")
            seen.append(next(iter(source.changes(None))).messages[0])
    assert len({one.id for one in seen}) == 3
    assert seen[0].content == seen[2].content != seen[1].content


# --- read -----------------------------------------------------------------------------------------------------------


def test_an_order_is_read_with_all_its_credit_memos() -> None:
    store = FakeStore()
    store.place(7, total_refunded=3)
    store.memos = [{"entity_id": number, "order_id": 7 if number % 2 else 8} for number in range(1, 240)]
    with running(store) as (client, server):
        found = source_of(client).read(hint("7"))
    assert found is not None
    payload = msgspec.json.decode(found.payload)
    assert payload["order"] == store.orders[7]
    assert [memo["entity_id"] for memo in payload["credit_memos"]] == list(range(1, 240, 2))
    assert (found.id, found.reference, found.read_at) == ("w1", "000000007", NOW)
    assert found.content == content_hash(store.orders[7])
    assert server.named() == ["GET /rest/all/V1/orders/7", *["GET /rest/all/V1/creditmemos"] * 2]


def test_an_order_without_refunds_costs_one_request_and_an_absent_one_is_none() -> None:
    store = FakeStore()
    store.place(7)
    with running(store) as (client, server):
        assert source_of(client).read(hint("7")) is not None
        assert source_of(client).read(hint("8")) is None
    assert len(server.asked) == 2


def test_the_sweep_reads_orders_and_leaves_out_what_is_gone() -> None:
    store = FakeStore()
    store.place(7)
    with running(store) as (client, _):
        found = list(source_of(client).orders(["7", "8"]))
    assert [(one.subject, one.id) for one in found] == [("7", f"sweep:7:{NOW.isoformat()}")]


def test_the_first_scan_begins_although_the_first_order_breaks_the_list() -> None:
    store = FakeStore()
    store.place(1, ago=864_000)
    store.place(2, ago=60)
    store.poison = {1}
    with running(store) as (client, _):
        source = OrderSource(client, PollingSettings(), name="shop", clock=lambda: NOW)
        assert ids(list(source.changes(None))) == [2]


# --- content --------------------------------------------------------------------------------------------------------


def order_of(path: str) -> dict[str, Any]:
    found = json.loads((SHARED / "magento" / path).read_bytes())
    body: dict[str, Any] = found.get("response_body") or found.get("data") or found
    return body


@needs_shared
def test_our_own_write_back_does_not_move_the_content() -> None:
    before = order_of("recordings/order_customer_get.json")
    after = order_of("recordings/order_post_partial_update_after.json")
    assert before.get("ext_order_id") is None
    assert after["ext_order_id"] == "ERP-1"
    assert content_hash(before) == content_hash(after)
    created = order_of("webhooks/42_sales.order.created_429_try4_ok.body")
    told_again = order_of("webhooks/47_sales.order.created_FALSE_unpaid_pending_order.body")
    assert content_hash(created) == content_hash(told_again)


@needs_shared
def test_what_really_happened_moves_the_content() -> None:
    hold, cancel, created = (
        order_of("webhooks/08_sales.order.holded.body"),
        order_of("webhooks/38_sales.order.updated_overtakes_retry.body"),
        order_of("webhooks/37_sales.order.created_answered_500.body"),
    )
    assert content_hash(created) == content_hash(
        order_of("webhooks/40_sales.order.created_retry_STALE_after_cancelled.body")
    )
    assert content_hash(cancel) != content_hash(created)
    assert content_hash(hold) != content_hash(order_of("webhooks/03_sales.order.created_customer.body"))


@needs_shared
def test_no_two_recorded_orders_share_their_content() -> None:
    names = [one["file"] for one in json.loads((SHARED / "magento" / "orders" / "manifest.json").read_bytes())]
    hashes = {content_hash(order_of(f"orders/{name}")) for name in names}
    assert len(hashes) == len(set(names)) > 200


def test_a_comment_a_null_and_the_writing_of_a_number_do_not_count() -> None:
    order = {"entity_id": 1, "grand_total": 10.0, "state": "new", "items": [{"qty": 1, "updated_at": "x"}]}
    same = {"entity_id": 1, "grand_total": 10, "state": "new", "items": [{"qty": 1.0, "updated_at": "y"}], "hold": None}
    same |= {"status_histories": [{"comment": "x"}], "updated_at": "z", "email_sent": 1, "ext_order_id": "SO-1"}
    assert content_hash(order) == content_hash(same)
    changes: list[dict[str, Any]] = [{"grand_total": 10.01}, {"state": "holded"}, {"items": []}, {"is_virtual": True}]
    for change in changes:
        assert content_hash(order | change) != content_hash(order)


@needs_shared
def test_a_recorded_order_is_parsed_from_what_was_read() -> None:
    order = order_of("orders/205_lc_incl_part_refund_3.json")
    memos = [
        order_of(f"orders/205_lc_incl_part_refund_3.creditmemo_{number}.json")
        for number in (1, 2, 3)
        if (SHARED / "magento" / "orders" / f"205_lc_incl_part_refund_3.creditmemo_{number}.json").exists()
    ]
    store = FakeStore()
    store.orders[373] = copy.deepcopy(order)
    store.memos = [memo | {"order_id": 373} for memo in memos]
    with running(store) as (client, _):
        source = source_of(client)
        found = source.read(hint("373"))
        assert found is not None
        sighting = source.parse(found)
    assert sighting.order.number == "000000373"
    assert len(sighting.refunds) == len(memos) > 0
    assert sighting.order.updated_at == datetime(2026, 11, 23, 5, 47, 38, tzinfo=UTC)


def test_the_contract_check_can_fail() -> None:
    with serve(lambda one: Reply(200, {})) as server:
        MagentoClient(Http(), Bearer("t"), base_url=server.url).get("V1/orders", [("searchcriteria[page]", "1")])
    if (SHARED / "testbed").is_dir():
        assert against_contract(server.asked) == ["unknown query searchcriteria[page]"]
