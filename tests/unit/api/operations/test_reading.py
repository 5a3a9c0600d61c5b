"""What the operations API shows, to whom, and how it says no."""

from __future__ import annotations

import json

import pytest

from crossdock.delivery.records import Attempt, State
from tests.unit.api.operations.doors import Door
from tests.unit.operations.desks import NOW

BODY = b'{"order_number": "000000001", "customer": {"email": "ada@example.com", "first_name": "Ada"}, "total": 19.90}'
TRY = Attempt(operation="POST /orders", started_at=NOW, status=422, request=BODY, response=b'{"error": "no Ada here"}')


def test_an_overview(door: Door) -> None:
    door.at.dead(1)
    told = door.get("/overview")
    assert told["lines"][0]["dead"] == 1
    assert told["at_risk"]["money"] == [{"currency": "EUR", "amount": "10.00", "orders": 1}]
    assert told["cli"] == "crossdock status"


def test_lists_go_page_by_page(door: Door) -> None:
    for number in range(1, 6):
        door.at.order(number)
        door.at.clock.forward(seconds=1)
    first = door.get("/deliveries?limit=3&state=pending")
    rest = door.get("/deliveries", params={"limit": 3, "cursor": first["next"]})
    assert [row["reference"] for row in first["rows"] + rest["rows"]] == [f"{n:09}" for n in (5, 4, 3, 2, 1)]
    assert rest["next"] is None


def test_a_delivery_is_told_whole_and_only_an_admin_sees_the_person(door: Door) -> None:
    number = door.at.order(1)
    door.at.settle(State.DEAD, code="rejected", reason="HTTP 422", attempts=(TRY,))
    for by, seen in (("viewer", False), ("operator", False), ("admin", True)):
        answer = door.ask("GET", f"/deliveries/{number}", by=by)
        assert answer.status_code == 200
        (sent,) = [one for one in answer.json()["tries"] if one["operation"] == "POST /orders"]
        assert ("ada@example.com" in answer.text) is seen
        assert ("Ada" in answer.text) is seen
        assert "000000001" in sent["request"]
        assert "19.90" in sent["request"]
    told = door.get(f"/deliveries/{number}")
    assert told["delivery"]["state"] == "dead"
    assert told["timeline"][0]["kind"] == "promised"
    assert told["masked"] is True
    assert told["cli"] == "crossdock explain order 000000001"


def test_a_record_is_an_admins_and_has_its_version(door: Door) -> None:
    number = door.at.dead(1, email="ada@example.com")
    assert door.ask("GET", f"/deliveries/{number}/record", by="operator").status_code == 403
    found = door.ask("GET", f"/deliveries/{number}/record", by="admin")
    assert found.json()["buyer"]["email"] == "ada@example.com"
    tag = found.headers["etag"]
    again = door.ask("GET", f"/deliveries/{number}/record", by="admin", headers={"If-None-Match": tag})
    assert (again.status_code, again.content) == (304, b"")


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/deliveries/99", 404),
        ("/deliveries/0", 400),
        ("/deliveries/x", 404),
        ("/deliveries?cursor=zzz", 400),
        ("/deliveries?limit=0", 400),
        ("/deliveries?since=yesterday", 400),
        ("/deliveries?since=2026-01-01T00:00:00", 400),
        ("/deliveries?state=lost", 400),
        ("/connections/nobody", 404),
        ("/nothing", 404),
        ("/lookups/nowhere/entry?value=x", 404),
        ("/held/7/rows", 404),
        ("/bulks/erp/abc", 404),
    ],
)
def test_every_refusal_is_a_problem(door: Door, path: str, status: int) -> None:
    answer = door.ask("GET", path)
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    told = answer.json()
    assert told["status"] == status
    assert told["title"]


def test_who_is_not_known_or_not_allowed_is_told_so_and_nothing_else(door: Door) -> None:
    unknown = door.ask("GET", "/overview", by="")
    assert (unknown.status_code, unknown.headers["www-authenticate"]) == (401, "Bearer")
    assert unknown.headers["content-type"] == "application/problem+json"
    assert door.ask("GET", "/settings", by="operator").status_code == 403
    assert door.ask("POST", "/dead/replay", by="viewer", json={"ids": [1], "why": "x"}).status_code == 403
    assert door.ask("POST", "/held/1/approve", by="operator", json={"why": "x"}).status_code == 403
    assert door.ask("POST", "/overview").status_code == 405
    assert door.ask("POST", "/overview").headers["content-type"] == "application/problem+json"


def test_the_trail_is_searched_and_taken_out(door: Door) -> None:
    letter = door.at.dead(1)
    door.post("/dead/replay", {"ids": [letter], "why": "again"})
    (row,) = door.get("/audit?people=true&operation=replay")["rows"]
    assert (row["actor"], row["detail"], row["subject"]) == ("user:operator", "again", "1")
    assert door.get("/audit?subject=1")["rows"][0]["operation"] == "replay"
    assert door.get("/audit?actor=user:nobody")["rows"] == []
    lines = door.ask("GET", "/audit/export?people=true").text.splitlines()
    assert [json.loads(line)["operation"] for line in lines].count("replay") == 1
    everything = door.ask("GET", "/audit/export").text.splitlines()
    paged: list[int] = []
    after = ""
    while True:
        page = door.get("/audit", params={"limit": 1, "cursor": after})
        paged += [one["id"] for one in page["rows"]]
        if page["next"] is None:
            break
        after = page["next"]
    assert paged == [json.loads(line)["id"] for line in everything]


def test_settings_are_shown_without_secrets(door: Door) -> None:
    told = door.get("/settings", by="admin")
    assert "erp" in told["settings"]["connections"]
    assert "t0ken" not in json.dumps(told)


def test_connections_are_shown_and_asked(door: Door) -> None:
    names = [one["name"] for one in door.get("/connections")]
    assert names == ["erp", "store"]
    told = door.get("/connections/erp")
    assert (told["kind"], told["gate"]["breaker"], told["paused"]) == ("rest", "closed", None)
    probed = door.post("/connections/erp/probe", by="viewer")
    assert (probed["ok"], probed["name"]) == (False, "erp")  # nothing listens there


def test_a_store_that_does_not_answer_cannot_be_counted(door: Door) -> None:
    answer = door.ask("GET", "/coverage?hours=2")
    assert (answer.status_code, answer.json()["code"]) == (502, "unreachable")


def test_what_is_held_read_and_under_way(door: Door) -> None:
    assert door.get("/held") == []
    assert door.get("/bulks") == []
    assert [one["route"] for one in door.get("/schedules")] == ["store (orders)"]


def test_the_doctor_is_asked_by_an_admin_and_remembers_what_it_found(door: Door) -> None:
    for method in ("GET", "POST"):
        assert door.ask(method, "/doctor", by="operator").status_code == 403
    before = door.get("/doctor", by="admin")
    assert (before["at"], before["findings"], before["cli"]) == (None, [], "crossdock doctor")
    door.at.dead(1)
    asked = door.ask("POST", "/doctor", by="admin").json()
    assert asked["at"] == NOW.isoformat().replace("+00:00", "Z")
    levels = [one["level"] for one in asked["findings"] if not one["by_hand"]]
    counted = {"errors": "error", "warnings": "warning", "unseen": "unseen"}
    assert {name: levels.count(word) for name, word in counted.items()} == {name: asked[name] for name in counted}
    (dead,) = [one for one in asked["findings"] if one["check"] == "dead-letters"]
    assert (dead["level"], dead["page"]) == ("warning", "docs/doctor.md#dead-letters")
    assert dead["why"]
    assert dead["mend"]
    assert asked["errors"] >= 2, "nothing listens at either end"
    assert door.get("/doctor", by="admin") == asked
