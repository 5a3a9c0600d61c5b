"""Why, and shadows, over HTTP: who may see what, and who may send."""

from __future__ import annotations

import msgspec

from crossdock.contract.shadow import SHADOW, Compared, Fate, Unlike
from crossdock.delivery.records import Settlement, State, Verdict
from tests.unit.api.operations.doors import Door
from tests.unit.operations.desks import NOW

UNLIKE = (
    Unlike(field="totals.grand_total", ours="10.00", theirs="10.01"),
    Unlike(field="customer.email", ours="ada@example.com", theirs="eve@example.com"),
)


def shadowed(door: Door) -> int:
    """An order that was compared, and differs."""
    number = door.at.order(1)
    store, now = door.at.desk.store, door.at.clock()
    (leased,) = store.lease("w", now, now, {"erp": 9}, limit=9)
    found = Compared(fate=Fate.DIFFERENT, number="SO-9", compared=7, unlike=UNLIKE, uncompared=("note",))
    verdict = Verdict(state=State.SHADOWED, due_at=now, attempts=1, reason=found.told())
    store.settle(msgspec.structs.replace(leased, memo={SHADOW: "1"}), Settlement(verdict=verdict, compared=found), now)
    return number


def test_why_an_order_is_not_there(door: Door) -> None:
    number = door.at.dead(1)
    (told,) = door.get("/explain/order/000000001")
    assert told["why"].startswith("The order is not in erp because of")
    assert told["reasons"][0]["do"][0] == f"crossdock dead show {number}"
    assert told["timeline"]
    assert door.get("/explain/order/nobody", status=404)["code"] == "not-there"
    assert door.get("/explain/weather/1", status=400)["detail"].startswith("kind: ")
    assert door.ask("GET", "/explain/order/000000001", by="").status_code == 401


def test_what_shadows_found_and_only_an_admin_with_a_reason_sees_the_person(door: Door) -> None:
    number = shadowed(door)
    told = door.get("/shadow")
    assert [(road["different"], road["equal"]) for road in told["roads"]] == [(1, 0)]
    assert [field["field"] for field in told["fields"]] == ["customer.email", "totals.grand_total"]
    assert told["uncompared"] == {"erp": ["note"]}
    listed = door.get("/shadow/deliveries", params={"fate": "different", "flow": "orders"})
    assert [(row["delivery"], row["fields"]) for row in listed["rows"]] == [
        (number, ["totals.grand_total", "customer.email"])
    ]
    assert listed["after"] is None
    assert door.get("/shadow/deliveries", params={"after": number})["rows"] == []
    assert door.get("/shadow/deliveries", status=400, params={"fate": "odd"})["detail"].startswith("fate: ")
    for by, reveal, seen in (("admin", "", False), ("operator", "ticket 7", False), ("admin", "ticket 7", True)):
        answer = door.ask("GET", f"/shadow/{number}", by=by, params={"reveal": reveal})
        assert ("eve@example.com" in answer.text) is seen
        assert answer.json()["masked"] is not seen
        assert "10.01" in answer.text
    noted = door.get("/audit", params={"people": True})["rows"]
    assert (noted[0]["operation"], noted[0]["actor"], noted[0]["detail"]) == ("reveal", "user:admin", "ticket 7")
    assert sum(one["operation"] == "reveal" for one in noted) == 1
    assert door.get("/shadow/999999", status=404)["code"] == "not-there"
    (why,) = door.get("/explain/order/000000001")
    assert [fact["kind"] for fact in why["facts"]] == ["shadow"]


def test_sending_is_for_approvers_with_a_reason_and_a_choice(door: Door) -> None:
    number = shadowed(door)
    asked = {"target": "erp", "why": "the old one is off"}
    assert door.ask("POST", "/shadow/send", by="operator", json=asked).status_code == 403
    assert door.post("/shadow/send", asked | {"why": ""}, by="approver", status=400)["detail"].startswith("why: ")
    assert door.post("/shadow/send", {"why": "all"}, by="approver", status=400)["detail"].startswith("target: ")
    assert door.post("/shadow/again", asked | {"fate": "odd"}, status=400)["detail"].startswith("fate: ")
    assert door.post("/shadow/again", asked | {"after": number})["deliveries"] == 0
    done = door.post("/shadow/send", asked, by="approver")
    assert (done["deliveries"], done["left"]) == (1, 0)
    assert door.post("/shadow/send", asked, by="approver")["deliveries"] == 0
    found = door.get(f"/deliveries/{number}")["delivery"]
    assert (found["state"], found["maybe_sent"], found["opened_at"] >= NOW.isoformat()) == ("pending", True, True)
