"""What operators do over the API: once, with who and why, and never over what another has changed."""

from __future__ import annotations

import json
from datetime import timedelta

from tests.unit.api.operations.doors import Door
from tests.unit.operations.records import order


def test_a_cause_is_foreseen_replayed_and_not_twice(door: Door) -> None:
    for number in (1, 2):
        door.at.dead(number)
    door.at.clock.forward(seconds=1)
    listed = door.get("/dead")
    (cause,) = listed["causes"]
    assert (cause["count"], cause["reason"]) == (2, "HTTP 422: unknown SKU #")
    assert [one["id"] for one in door.get(f"/dead/{cause['id']}")] == [1, 2]
    choice = {"cause": cause["id"], "before": listed["as_of"], "why": "the SKU is known"}
    assert door.post("/dead/preview", choice, by="viewer")["letters"] == 2
    assert door.post("/dead/replay", choice)["done"] == 2
    assert door.post("/dead/replay", choice)["done"] == 0


def test_an_action_without_a_reason_or_a_choice_is_refused(door: Door) -> None:
    letter = door.at.dead(1)
    assert door.post("/dead/replay", {"ids": [letter]}, status=400)["code"] == "mapping"
    assert door.post("/dead/replay", {"why": "x"}, status=400)["code"] == "mapping"
    assert door.post("/connections/erp/pause", {}, status=400)["errors"]
    assert door.post("/connections/erp/pause", {"why": " "}, status=400)["code"] == "mapping"


def test_a_letter_is_resolved(door: Door) -> None:
    letter = door.at.dead(1)
    assert door.post("/dead/resolve", {"ids": [letter], "why": "by hand"})["done"] == 1
    (row,) = door.get("/deliveries?state=resolved")["rows"]
    assert row["resolved_why"] == "by hand"


def test_a_record_is_corrected_only_over_the_version_that_was_seen(door: Door) -> None:
    letter = door.at.dead(1)
    path = f"/deliveries/{letter}/record"
    seen = door.ask("GET", path)
    fixed = json.dumps(seen.json() | {"note": "x"})
    for headers, status in (({}, 428), ({"If-Match": '"other"'}, 412), ({"If-Match": seen.headers["etag"]}, 200)):
        answer = door.ask("PUT", path, by="operator", headers=headers, params={"why": "renamed"}, content=fixed)
        assert answer.status_code == status, answer.text
    late = door.ask("PUT", path, headers={"If-Match": "*"}, params={"why": "renamed"}, content=fixed)
    assert late.status_code == 404  # it is no dead letter any more
    (row,) = door.get("/audit?operation=edit&people=true")["rows"]
    assert (row["actor"], row["detail"]) == ("user:operator", "renamed")


def test_a_record_is_corrected_by_who_may_not_see_it_whole(door: Door) -> None:
    letter = door.at.dead(1, record=order(1, "A-OLD"))
    path = f"/deliveries/{letter}/draft"
    assert door.ask("GET", path, by="viewer").status_code == 403
    seen = door.ask("GET", path, by="operator")
    record = json.loads(seen.json()["record"])
    assert record["buyer"]["email"] == "***"
    record["lines"][0]["sku"] = "A-NEW"
    for headers, status in (({}, 428), ({"If-Match": '"other"'}, 412), ({"If-Match": seen.headers["etag"]}, 200)):
        answer = door.ask("PUT", path, by="operator", headers=headers, params={"why": "renamed"}, json=record)
        assert answer.status_code == status, answer.text
    after = door.ask("GET", f"/deliveries/{letter}/record", by="admin").json()
    assert (after["buyer"]["email"], after["lines"][0]["sku"]) == ("ada@example.com", "A-NEW")
    assert door.ask("GET", path, by="operator").status_code == 409  # it is under way


def test_a_record_that_its_flow_cannot_read_is_refused(door: Door) -> None:
    letter = door.at.dead(1, record=order(1))
    answer = door.ask(
        "PUT",
        f"/deliveries/{letter}/draft",
        by="operator",
        headers={"If-Match": "*"},
        params={"why": "x"},
        json={"id": "1"},
    )
    assert (answer.status_code, answer.json()["code"]) == (400, "mapping")
    assert "number" in answer.json()["detail"]


def test_a_number_in_a_corrected_record_passes_through_no_float(door: Door) -> None:
    letter = door.at.dead(1)
    path = f"/deliveries/{letter}/record"
    body = '{"id":"1","price":19.990,"big":12345678901234567890.12}'
    tag = door.ask("GET", path).headers["etag"]
    assert door.ask("PUT", path, headers={"If-Match": tag}, params={"why": "x"}, content=body).status_code == 200
    assert door.ask("GET", path).text == body


def test_a_connection_is_paused_and_goes_on_and_asking_twice_changes_nothing(door: Door) -> None:
    why = {"why": "upgrade"}
    assert [door.post("/connections/erp/pause", why)["changed"] for _ in range(2)] == [True, False]
    assert door.get("/connections/erp")["paused"]["why"] == "upgrade"
    assert [door.post("/connections/erp/resume", why)["changed"] for _ in range(2)] == [True, False]
    assert door.post("/connections/nobody/pause", why, status=404)["code"] == "not-there"
    rows = door.get("/audit?people=true")["rows"]
    assert [(row["operation"], row["detail"]) for row in rows[:2]] == [("resume", "upgrade"), ("pause", "upgrade")]


def test_of_two_who_change_an_entry_the_second_is_told(door: Door) -> None:
    path = "/lookups/payment_terms/entry"
    value = {"value": "paypal"}
    body = {"entry": "PREPAID", "why": "agreed"}

    def put(headers: dict[str, str], entry: str = "PREPAID") -> int:
        answer = door.ask("PUT", path, by="operator", params=value, json=body | {"entry": entry}, headers=headers)
        return int(answer.status_code)

    assert put({}) == 428
    assert put({"If-None-Match": "*"}) == 200
    assert put({"If-None-Match": "*"}) == 412
    tag = door.ask("GET", path, params=value).headers["etag"]
    assert put({"If-Match": tag}, "NET10") == 200
    assert put({"If-Match": tag}, "NET20") == 412
    fresh = door.ask("GET", path, params=value)
    assert fresh.json()["entry"] == "NET10"
    assert door.ask("GET", path, params=value, headers={"If-None-Match": fresh.headers["etag"]}).status_code == 304
    assert door.ask("DELETE", path, params=value | {"why": "x"}, headers={"If-Match": tag}).status_code == 412
    gone = door.ask("DELETE", path, params=value | {"why": "x"}, headers={"If-Match": fresh.headers["etag"]})
    assert (gone.status_code, gone.json()["changed"]) == (200, True)


def test_an_entry_of_the_file_is_changed_over_its_own_version(door: Door) -> None:
    path, value = "/lookups/payment_terms/entry", {"value": "checkmo"}
    seen = door.ask("GET", path, params=value)
    assert (seen.json()["entry"], seen.json()["added"]) == ("NET30", False)
    body = {"entry": "NET60", "why": "agreed"}
    answer = door.ask("PUT", path, params=value, json=body, headers={"If-Match": seen.headers["etag"]})
    assert answer.status_code == 200
    assert door.ask("PUT", path, params=value, json=body, headers={"If-Match": seen.headers["etag"]}).status_code == 412


def test_what_waited_for_an_entry_is_tried_again(door: Door) -> None:
    reason = "lookups.payment_terms: has no entry for 'paypal'"
    door.at.dead(1, reason=reason, code="lookup-missing")
    assert door.get("/lookups/missing") == [{"reason": reason, "count": 1, "table": "payment_terms", "value": "paypal"}]
    body = {"entry": "PREPAID", "why": "agreed"}
    answer = door.ask(
        "PUT", "/lookups/payment_terms/entry", params={"value": "paypal"}, json=body, headers={"If-None-Match": "*"}
    )
    assert answer.json()["again"] == 1
    assert door.get("/lookups/missing") == []
    assert [one["entry"] for one in door.get("/lookups") if one["value"] == "paypal"] == ["PREPAID"]


def test_what_died_after_the_list_was_made_is_left_alone(door: Door) -> None:
    door.at.dead(1)
    moment = door.at.clock.forward(seconds=1)
    door.at.clock.forward(seconds=1)
    door.at.dead(2)
    (cause,) = door.get("/dead")["causes"]
    choice = {"cause": cause["id"], "before": (moment + timedelta(0)).isoformat(), "why": "x"}
    assert door.post("/dead/replay", choice)["done"] == 1
    assert [one["id"] for one in door.get(f"/dead/{cause['id']}")] == [2]
