"""Each of Magento's bugs that can be switched on, as it shows on the wire, and how the store answers without it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any

import httpx
import pytest

from crossdock.sandbox.faults import Bugs, Faults
from crossdock.sandbox.run import StoreServer
from tests.unit.sandbox.servers import HEADERS, get, ids, listed, post, posted_at_once, shop_with, signed
from tests.walk.world import until

# Switches that only say how much of another one there is.
MEASURES = {"late_commit_s"}
COUNTED = ("qty_invoiced", "qty_shipped", "qty_refunded")


def test_each_switch_is_shown_here() -> None:
    shown = [name.removeprefix("test_") for name in globals() if name.startswith("test_")]
    missing = [one for one in Bugs.__struct_fields__ if not any(name.startswith(one) for name in shown)]
    assert set(missing) == MEASURES


def narrow(number: int) -> tuple[str, Any]:
    return "orders", {"entity": {"entity_id": number, "ext_order_id": "X"}}


@pytest.mark.parametrize("on", [True, False])
def test_last_page_repeats(on: bool) -> None:
    with shop_with(Bugs(last_page_repeats=on)) as shop:
        shop.place(3)
        assert ids(listed(shop, page=2)) == [3]
        assert ids(listed(shop, page=7)) == ([3] if on else [])


@pytest.mark.parametrize("on", [True, False])
def test_pages_from_zero(on: bool) -> None:
    with shop_with(Bugs(pages_from_zero=on)) as shop:
        shop.place(3)
        assert ids(listed(shop, page=0)) == [1, 2]
        assert ids(listed(shop, page=1)) == ([3] if on else [1, 2])


@pytest.mark.parametrize("on", [True, False])
def test_unstable_order_of_equal_keys_loses_rows_between_pages(on: bool) -> None:
    with shop_with(Bugs(unstable_order=on)) as shop:
        shop.clock.stop()
        shop.place(20)
        read = [one for page in range(1, 6) for one in ids(listed(shop, page=page, size=4, sort="updated_at"))]
        assert (sorted(read) == list(range(1, 21))) is not on
        by_id = [one for page in range(1, 6) for one in ids(listed(shop, page=page, size=4))]
        assert by_id == list(range(1, 21))


def test_total_off_by() -> None:
    with shop_with(Bugs(total_off_by=-2)) as shop:
        shop.place(3)
        assert listed(shop).json()["total_count"] == 1


@pytest.mark.parametrize("on", [True, False])
def test_updated_at_stays(on: bool) -> None:
    with shop_with(Bugs(updated_at_stays=on)) as shop:
        (number,) = shop.place()
        before = get(shop, f"orders/{number}").json()["updated_at"]
        shop.clock.shift(60)
        assert post(shop, f"orders/{number}/hold").json() is True
        after = get(shop, f"orders/{number}").json()
        assert after["state"] == "holded"
        assert (after["updated_at"] == before) is on


@pytest.mark.parametrize("bugs", [Bugs(poison_ids=(2,)), Bugs(poison_every=2)])
def test_poison_ids_turn_a_whole_page_into_an_error_and_can_be_read_alone(bugs: Bugs) -> None:
    with shop_with(bugs) as shop:
        shop.place(3)
        broken = listed(shop, size=3)
        assert broken.status_code == 500
        assert 'with the same ID "2" already exists' in broken.json()["message"]
        assert ids(listed(shop, size=1)) == [1]
        assert get(shop, "orders/2").status_code == 200


def test_poison_every_spares_the_rest() -> None:
    with shop_with(Bugs(poison_every=3)) as shop:
        shop.place(3)
        assert ids(listed(shop, size=2)) == [1, 2]
        assert listed(shop, size=3).status_code == 500


def test_late_commits_appear_with_their_old_times() -> None:
    with shop_with(Bugs(late_commits=1, late_commit_s=30)) as shop:
        shop.clock.stop()
        now = shop.clock()
        shop.place(1)
        assert ids(listed(shop)) == []
        assert get(shop, "orders/1").status_code == 404
        shop.set_faults(Faults())
        shop.clock.shift(40)
        shop.place(1)
        assert ids(listed(shop)) == [1, 2]
        assert get(shop, "orders/1").json()["updated_at"] == f"{now:%Y-%m-%d %H:%M:%S}"


def test_stamps_behind_s_makes_the_dates_another_clocks() -> None:
    with shop_with(Bugs(stamps_behind_s=3600)) as shop:
        shop.place()
        answer = get(shop, "orders/1")
        told = datetime.fromisoformat(answer.json()["updated_at"] + "+00:00")
        assert 3590 < (parsedate_to_datetime(answer.headers["date"]) - told).total_seconds() < 3610


@pytest.mark.parametrize("limit", [2, 0])
def test_deadlock_above(limit: int) -> None:
    with shop_with(Bugs(deadlock_above=limit), Faults(latency_s=1)) as shop:
        shop.place(6)
        answers = posted_at_once(shop, [narrow(number) for number in range(1, 7)])
        refused = [body for status, body in answers if status == 400]
        assert len(refused) == (6 - limit if limit else 0)
        assert all(body["code"] == 1213 for body in refused)
        written = shop.do(lambda store: [n for n, one in store.orders.items() if "ext_order_id" in one])
        assert len(written) == 6 - len(refused)  # the one that is told of a deadlock was rolled back


@pytest.mark.parametrize("on", [True, False])
def test_source_items_collide(on: bool) -> None:
    def save(number: int) -> tuple[str, Any]:
        row = {"sku": "SIM-0001", "source_code": "default", "quantity": number, "status": 1}
        return "inventory/source-items", {"sourceItems": [row]}

    with shop_with(Bugs(source_items_collide=on), Faults(latency_s=1)) as shop:
        answers = posted_at_once(shop, [save(number) for number in range(4)])
        refused = [body for status, body in answers if status == 400]
        assert len(refused) == (3 if on else 0)
        assert all(body == {"message": "Could not save Source Item"} for body in refused)


@pytest.mark.parametrize("on", [True, False])
def test_address_edits_unseen(on: bool) -> None:
    def save(customer: dict[str, Any]) -> str:
        answer = httpx.put(f"{shop.url}/rest/V1/customers/2", json={"customer": customer}, headers=HEADERS)
        shop.clock.stop(shop.clock() + timedelta(seconds=5))
        return str(answer.json()["updated_at"])

    with shop_with(Bugs(address_edits_unseen=on)) as shop:
        shop.clock.stop(datetime(2026, 3, 1, 12, tzinfo=UTC))
        kept = get(shop, "customers/2").json()
        named = save({"firstname": "Luigi"})
        moved = save({"addresses": [kept["addresses"][0] | {"city": "Torino"}]})
        assert (moved == named) is on
        assert get(shop, "customers/2").json()["addresses"][0]["city"] == "Torino"
        assert save({"lastname": "Verdi"}) > moved


def test_nonce_deadlock_above() -> None:
    with shop_with(Bugs(nonce_deadlock_above=3)) as shop:
        shop.place(1)
        shop.clock.stop()
        url = f"{shop.url}/rest/V1/orders/1"
        answers = [httpx.get(url, headers=signed(url)) for _ in range(5)]
        assert [one.status_code for one in answers] == [200, 200, 200, 400, 400]
        assert answers[-1].json()["code"] == 1213
        assert get(shop, "orders/1").status_code == 200  # a bearer token has no nonce
        shop.clock.shift(5)
        assert httpx.get(url, headers=signed(url)).status_code == 200


@pytest.mark.parametrize("on", [True, False])
def test_documents_race(on: bool) -> None:
    with shop_with(Bugs(documents_race=on), Faults(latency_s=1)) as shop:
        (number,) = shop.place(1, ["simple"])
        answers = posted_at_once(shop, [(f"order/{number}/invoice", {})] * 4)
        made = [body for status, body in answers if status == 200]
        assert len(made) == (4 if on else 1)  # recorded: of four identical calls exactly one succeeds
        row = get(shop, f"orders/{number}").json()["items"][0]
        assert (row["qty_invoiced"] > row["qty_ordered"]) is on


@pytest.mark.parametrize("on", [True, False])
def test_refund_unchecked(on: bool) -> None:
    with shop_with(Bugs(refund_unchecked=on)) as shop:
        (number,) = shop.place(1, ["simple"])
        assert post(shop, f"order/{number}/invoice").status_code == 200
        row = get(shop, f"orders/{number}").json()["items"][0]
        body = {"items": [{"order_item_id": row["item_id"], "qty": row["qty_ordered"] + 1}]}
        assert post(shop, f"order/{number}/refund", body).status_code == (200 if on else 400)
        order = get(shop, f"orders/{number}").json()
        assert (order.get("total_refunded", 0) > order["total_paid"]) is on


def test_invisible_at_first_s_the_webhook_comes_before_the_commit() -> None:
    with shop_with(Bugs(invisible_at_first_s=30)) as shop:
        shop.clock.stop()
        fired: list[str] = []
        shop.do(lambda store: setattr(store.hooks, "fire", lambda event, _entity: fired.append(event)))
        shop.place()
        assert fired == ["sales.order.created"]
        assert get(shop, "orders/1").status_code == 404
        shop.clock.shift(40)
        assert get(shop, "orders/1").status_code == 200


@pytest.mark.parametrize("on", [True, False])
def test_silent_saves(on: bool) -> None:
    with shop_with(Bugs(silent_saves=on)) as shop:
        shop.place()
        fired: list[str] = []
        shop.do(lambda store: setattr(store.hooks, "fire", lambda event, _entity: fired.append(event)))
        assert post(shop, *narrow(1)).status_code == 200
        assert fired == ([] if on else ["sales.order.created", "sales.order.paid"])


# --- asynchronous calls ---------------------------------------------------------------------------------------------


def shipped_later(shop: StoreServer, number: int = 1) -> str:
    shop.place(1, ["simple"])
    url = f"{shop.url}/rest/async/bulk/V1/order/byOrderId/ship"
    answer = httpx.post(url, json=[{"orderId": number}], headers=HEADERS)
    assert answer.status_code == 202
    return f"bulk/{answer.json()['bulk_uuid']}"


def operation(shop: StoreServer, bulk: str) -> dict[str, Any]:
    found: dict[str, Any] = get(shop, f"{bulk}/detailed-status").json()["operations_list"][0]
    return found


def test_bulk_stays_open_though_it_was_carried_out() -> None:
    with shop_with(Bugs(bulk_stays_open=True), Faults(bulk_s=0.01)) as shop:
        bulk = shipped_later(shop)
        until(lambda: bool(shop.do(lambda store: store.shipments)))
        assert operation(shop, bulk)["status"] == 4
        assert get(shop, f"{bulk}/operation-status/4").json() == 1


def test_bulk_never_starts() -> None:
    with shop_with(Bugs(bulk_never_starts=True), Faults(bulk_s=0.01)) as shop:
        bulk = shipped_later(shop)
        other = shop.do(lambda store: store.schedule(0.05, store.requests.clear))
        assert other
        until(lambda: not shop.do(lambda store: store.requests))  # later things happened, this one did not
        assert shop.do(lambda store: store.shipments) == {}
        assert operation(shop, bulk)["status"] == 4


def test_bulk_lost_every_other_operation() -> None:
    with shop_with(Bugs(bulk_lost_every=2), Faults(bulk_s=0.01)) as shop:
        kept, lost = shipped_later(shop), shipped_later(shop, 2)
        until(lambda: operation(shop, kept)["status"] == 1)
        third = shipped_later(shop, 3)
        until(lambda: operation(shop, third)["status"] == 1)
        assert operation(shop, lost)["status"] == 4, "its consumer went on with the next one"
        assert {one["order_id"] for one in shop.do(lambda store: store.shipments).values()} == {1, 3}


def test_bulk_retriable_every_other_operation() -> None:
    with shop_with(Bugs(bulk_retriable_every=2), Faults(bulk_s=0.01)) as shop:
        done, failed = shipped_later(shop), shipped_later(shop, 2)
        until(lambda: operation(shop, failed)["status"] != 4)
        assert [operation(shop, one)["status"] for one in (done, failed)] == [1, 2]
        assert {one["order_id"] for one in shop.do(lambda store: store.shipments).values()} == {1}


def test_bulk_told_failed_while_it_is_still_running() -> None:
    with shop_with(Bugs(bulk_told_failed=True), Faults(bulk_s=2)) as shop:
        bulk = shipped_later(shop)
        assert operation(shop, bulk)["status"] == 3
        until(lambda: bool(shop.do(lambda store: store.shipments)))
        assert operation(shop, bulk)["status"] == 1


def test_a_bulk_call_without_what_the_path_needs_is_refused_as_a_whole() -> None:
    with shop_with() as shop:
        shop.place(1, ["simple"])
        url = f"{shop.url}/rest/async/bulk/V1/order/byOrderId/ship"
        for body in ([{"orderId": 1}, {}], {"orderId": 1}):
            answer = httpx.post(url, json=body, headers=HEADERS)
            assert (answer.status_code, answer.json()["parameters"]) == (400, {"fieldName": "orderId"})
        assert httpx.post(url, json=[], headers=HEADERS).json()["request_items"] == []
        assert httpx.post(url, json=[], headers={}).status_code == 401
        assert shop.do(lambda store: store.shipments) == {}


def test_a_lock_time_out_of_an_asynchronous_call_is_told_as_failed_for_good() -> None:
    with shop_with(faults=Faults(bulk_s=0.01, classes={"document": {"locked": 1}})) as shop:
        bulk = shipped_later(shop)
        until(lambda: get(shop, f"{bulk}/operation-status/3").json() == 1)
        assert operation(shop, bulk)["error_code"] == 1205
