"""A document of a number that came before with another content, once a person has said that it is to be tried."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from crossdock.contract.flow import Duty, Route
from crossdock.contract.message import Message
from crossdock.errors import NotReady, Rejected
from crossdock.flows.fulfilment import look
from crossdock.model.fulfilment import Resolved, Taken

NOW = datetime(2026, 3, 1, tzinfo=UTC)
ROUTES = [Route(source="erp", target="shop", flows=frozenset({"invoices"}), states={"inventory": {}})]
KEY = "v1:erp:invoices:IN-1:make"


def looked(*taken: Taken) -> tuple[Duty, ...]:
    message = Message(
        id="shop:invoices:IN-1!ab", source="erp", flow="fulfilments", subject="shop:invoices:IN-1!ab", occurred_at=NOW
    )
    found = Resolved(
        flow="invoices",
        store="shop",
        order_id="1",
        order_number="000000001",
        document={"number": "IN-1", "order": "000000001"},
        beside="ab",
        taken=taken,
    )
    return look(message, found, (), ROUTES)


def test_where_nothing_came_of_the_first_it_has_its_number() -> None:
    assert [(duty.key, duty.instead_of) for duty in looked()] == [(KEY, ())]
    assert [duty.key for duty in looked(Taken(key=f"{KEY}:zz", state="superseded"))] == [KEY]


def test_it_takes_the_place_of_what_was_refused_under_a_key_of_its_own() -> None:
    duties = looked(Taken(key=KEY, state="dead"))
    assert [(duty.key, duty.instead_of) for duty in duties] == [(f"{KEY}:ab", (KEY,))]


@pytest.mark.parametrize("state", ["pending", "leased"])
def test_it_waits_for_what_is_under_way(state: str) -> None:
    with pytest.raises(NotReady):
        looked(Taken(key=KEY, state="dead"), Taken(key=f"{KEY}:x", state=state))


@pytest.mark.parametrize(
    ("taken", "words"),
    [
        (Taken(key=KEY, state="delivered"), "was carried out"),
        (Taken(key=KEY, state="dead", maybe_sent=True), "may have been carried out"),
    ],
)
def test_what_is_done_or_may_be_is_not_done_again(taken: Taken, words: str) -> None:
    with pytest.raises(Rejected, match=words):
        looked(taken)
