"""Correcting a record through the console: checked, without seeing whose it is, and never over another's correction."""

from __future__ import annotations

import json
import re
from html import unescape
from typing import Any

import msgspec
import pytest

from crossdock.delivery.records import State
from crossdock.model.order import Order
from tests.console.rooms import Room
from tests.unit.operations.records import order


@pytest.fixture
def number(room: Room) -> int:
    return room.at.dead(1, record=order(1, "A-OLD"))


def form_of(room: Room, number: int, by: str = "operator") -> dict[str, Any]:
    page = room.page(f"/console/deliveries/{number}/correct", by=by)
    record = re.search(r'<textarea id="record"[^>]*>(.*?)</textarea>', page, re.DOTALL)
    over = re.search(r'name="over" value="([^"]+)"', page)
    assert record
    assert over
    return {"record": json.loads(unescape(record[1])), "over": over[1]}


def send(room: Room, number: int, form: dict[str, Any], status: int = 303, by: str = "operator") -> str:
    told = form | {"record": json.dumps(form["record"]) if not isinstance(form["record"], str) else form["record"]}
    answer = room.send(
        f"/console/deliveries/{number}/correct", by=by, status=status, **{"why": "the SKU was renamed"} | told
    )
    return answer.text


def kept(room: Room, number: int) -> Order:
    found = room.at.store.delivery(number)
    assert found
    return msgspec.json.decode(found[1].payload, type=Order)


def test_an_operator_corrects_a_sku_without_seeing_whose_order_it_is(room: Room, number: int) -> None:
    form = form_of(room, number)
    assert form["record"]["buyer"]["email"] == "***"
    form["record"]["lines"][0]["sku"] = "A-NEW"
    send(room, number, form)
    before, after = msgspec.json.decode(order(1, "A-OLD"), type=Order), kept(room, number)
    (line,) = before.lines
    assert after == msgspec.structs.replace(before, lines=(msgspec.structs.replace(line, sku="A-NEW"),))
    found = room.at.store.delivery(number)
    assert found
    assert found[0].state is State.PENDING
    assert found[0].key == "v1:store:orders:1:place"


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"lines": "none"}, "$.lines"),
        ({"totals": None}, "$.totals"),
        ({"state": "sold"}, "$.state"),
        ({"created_at": "yesterday"}, "$.created_at"),
        ({"gift": "***"}, "nothing stood there before"),
    ],
)
def test_what_the_flow_cannot_read_is_not_kept(room: Room, number: int, change: dict[str, Any], told: str) -> None:
    form = form_of(room, number)
    form["record"] |= change
    page = unescape(send(room, number, form, 400))
    assert told in page
    assert "the SKU was renamed" in page, "what was typed is not lost"
    assert kept(room, number) == msgspec.json.decode(order(1, "A-OLD"), type=Order)


def test_money_that_added_up_must_add_up_afterwards(room: Room, number: int) -> None:
    form = form_of(room, number)
    form["record"]["totals"]["grand_total"] = "1.00"
    assert "does not add up" in send(room, number, form, 400)


@pytest.mark.parametrize("text", ["{", "[]", "3", '"x"', ""])
def test_what_is_no_json_object_is_told(room: Room, number: int, text: str) -> None:
    form = form_of(room, number) | {"record": text}
    assert 'role="alert"' in send(room, number, form, 400)


def test_of_two_who_correct_the_second_sees_what_the_first_has_made(room: Room, number: int) -> None:
    first, second = form_of(room, number), form_of(room, number)
    first["record"]["lines"][0]["sku"] = "A-NEW"
    send(room, number, first)
    assert room.at.settle(State.DEAD, code="rejected", reason="still") == 1
    second["record"]["lines"][0]["sku"] = "A-MINE"
    page = unescape(send(room, number, second, 409))
    assert "Somebody has corrected it" in page
    assert "A-NEW" in page
    assert kept(room, number).lines[0].sku == "A-NEW"


def test_a_reason_is_asked_for_before_anything_is_kept(room: Room, number: int) -> None:
    form = form_of(room, number)
    form["record"]["lines"][0]["sku"] = "A-NEW"
    assert "why" in send(room, number, form | {"why": " "}, 400)
    assert kept(room, number).lines[0].sku == "A-OLD"


def test_what_is_no_dead_letter_cannot_be_corrected(room: Room) -> None:
    number = room.at.order(1, record=order(1))
    assert "is no dead letter" in room.page(f"/console/deliveries/{number}/correct", by="operator", status=409)
