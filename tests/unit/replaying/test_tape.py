"""Recorded answers in the place of the network, and what of then differs from now."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest

from crossdock.delivery.records import State
from crossdock.delivery.store import DeliveryView
from crossdock.errors import OutcomeUnknown
from crossdock.exchanges import Exchanges
from crossdock.replaying.differences import Change, Now, Outcome, Replayed, changes, judged, together
from crossdock.replaying.tape import NotRecorded, Recording, Said
from crossdock.replaying.then import Tried, tried
from crossdock.storage.replays import Row
from crossdock.transport.http import Exchange, Http
from crossdock.transport.kept import NOTHING, Beside, asked_of
from crossdock.transport.multipart import ChangeSet, Operation, build_batch
from crossdock.transport.tape import played
from crossdock.transport.wire import HttpRequest, HttpResponse

AT = datetime(2026, 3, 1, 9, tzinfo=UTC)
NOWHERE = "http://127.0.0.1:9"


def row(operation: str, request: bytes = b"", response: bytes = b"", status: int | None = 200, **more: Any) -> Row:
    beside = more.pop("beside", None) or Beside(asked=asked_of(NOWHERE + operation.partition(" ")[2]))
    return Row(
        delivery=1,
        at=AT,
        operation=operation,
        status=status,
        error="",
        request=request,
        response=response,
        mapping="",
        beside=beside,
    )


def taped(*rows: Row, more: tuple[Row, ...] = (), elsewhere: Mapping[Said, Row] | None = None) -> Recording:
    return Recording(rows, more, (elsewhere or {}).get)


def asked(tape: Recording, method: str, path: str, body: bytes | None = None, **more: Any) -> HttpResponse:
    with played(tape):
        return Http().send(HttpRequest(method=method, url=NOWHERE + path, body=body, **more))


def test_the_network_is_not_there_while_a_tape_is_played() -> None:
    tape = taped(row("POST /orders", b"{}", b'{"id":1}', 201))
    answer = asked(tape, "POST", "/orders", b"{}")
    assert (answer.status, answer.body) == (201, b'{"id":1}')
    assert tape.sent == [said("POST /orders", b"{}")]
    with pytest.raises(NotRecorded):
        asked(tape, "POST", "/others", b"{}")


def said(operation: str, body: bytes = b"") -> Said:
    return Said(operation, body, asked_of(NOWHERE + operation.partition(" ")[2]))


def test_the_same_request_has_its_answers_one_after_the_other_and_then_the_last_one_again() -> None:
    tape = taped(row("POST /orders", b"{}", b"first", 200), row("POST /orders", b"{}", b"second", 200))
    assert [asked(tape, "POST", "/orders", b"{}").body for _ in range(3)] == [b"first", b"second", b"second"]


def test_of_other_attempts_an_answer_counts_more_than_a_refusal() -> None:
    good, busy = row("GET /taxes", response=b"[22]"), row("GET /taxes", response=b"busy", status=429)
    assert asked(taped(more=(good, busy)), "GET", "/taxes").body == b"[22]"
    assert asked(taped(more=(busy,)), "GET", "/taxes").status == 429


def test_a_changed_body_is_answered_by_what_its_like_was_answered() -> None:
    tape = taped(row("POST /orders", b'{"a":1}', b"good", 201))
    assert asked(tape, "POST", "/orders", b'{"a":2}').body == b"good"
    assert tape.sent == [said("POST /orders", b'{"a":2}')]


def test_a_read_is_answered_by_its_own_answer_or_by_what_others_were_told() -> None:
    told = {said("GET /taxes"): row("GET /taxes", response=b"[22]")}
    assert asked(taped(elsewhere=told), "GET", "/taxes").body == b"[22]"
    with pytest.raises(NotRecorded):
        asked(taped(row("GET /taxes", beside=NOTHING)), "GET", "/taxes")  # its answer was not kept


def test_addresses_that_begin_alike_or_ask_for_something_else_are_told_apart() -> None:
    """What a request is called in the trail is cut off, and has no query."""
    long = "/sap/opu/odata/sap/API_SALES_ORDER_SRV/A_SalesOrder"
    cut = f"GET {long}Item"[:50]
    rows = [
        row(cut, response=name.encode(), beside=Beside(asked=asked_of(f"{NOWHERE}{long}{name}")))
        for name in ("Item", "Text", "Text?$top=1")
    ]
    tape = taped(*rows)
    assert asked(tape, "GET", f"{long}Text?$top=1").body == b"Text?$top=1"
    assert asked(tape, "GET", f"{long}Text").body == b"Text"
    with pytest.raises(NotRecorded):
        asked(tape, "GET", f"{long}Text?$top=2")


def test_what_was_recorded_before_addresses_were_kept_is_told_by_its_name() -> None:
    tape = taped(row("GET /orders", response=b"[1]", beside=NOTHING))
    assert asked(tape, "GET", "/orders?number=1").body == b"[1]"


def test_procedures_that_share_an_address_are_told_apart() -> None:
    def call(method: str, what: str) -> bytes:
        return f'{{"id":0,"method":"{method}","params":["{what}"]}}'.encode()

    asks = row("POST /rpc/", call("search", "a"), b"[]", beside=Beside(asked=asked_of(f"{NOWHERE}/rpc/"), looks=True))
    made = row("POST /rpc/", call("create", "a"), b"[7]")
    pressed = row("POST /rpc/", call("confirm", "7"), b"null")
    tape = taped(asks, pressed, made)
    assert asked(tape, "POST", "/rpc/", call("create", "b")).body == b"[7]"
    first, second = tried([made, row("pending"), asks, pressed, row("delivered")])
    assert (first.sent, second.sent) == ((said("POST /rpc/", made.request),), (said("POST /rpc/", pressed.request),))


def test_headers_that_a_connector_needs_come_back() -> None:
    place = "https://erp.example/services/rest/record/v1/salesOrder/123"
    beside = Beside(headers={"location": place})
    assert asked(taped(row("POST /salesOrder", status=204, beside=beside)), "POST", "/salesOrder").headers == {
        "location": place
    }


def test_what_had_no_answer_has_none_now() -> None:
    with pytest.raises(OutcomeUnknown):
        asked(taped(row("POST /orders", b"{}", status=None)), "POST", "/orders", b"{}")


def test_what_was_forgotten_is_no_answer() -> None:
    gone = msgspec.structs.replace(row("POST /orders", b"{}"), forgotten=True)
    with pytest.raises(NotRecorded):
        asked(taped(gone), "POST", "/orders", b"{}")


def test_a_login_is_no_part_of_it_and_is_answered_in_the_words_of_its_end() -> None:
    tape = taped()
    assert asked(tape, "POST", "/token", b"secret", private=True).status == 200
    session = HttpResponse(status=200, cookies=("SESSION=rehearsed",))
    assert asked(tape, "POST", "/login", b"secret", private=True, rehearsed=session) is session
    assert tape.sent == []


def test_a_post_that_only_looks_is_not_sent_anything_by() -> None:
    asks = row("POST /query", b"1", b"[]", beside=Beside(asked=asked_of(f"{NOWHERE}/query"), looks=True))
    tape = taped(asks)
    assert asked(tape, "POST", "/query", b"1", looks=True).body == b"[]"
    assert tape.sent == []
    with pytest.raises(NotRecorded):
        asked(tape, "POST", "/query", b"2", looks=True)


def only(rows: list[Row]) -> Tried:
    (found,) = tried(rows)
    return found


def test_the_last_attempt_that_wrote_is_what_was_sent() -> None:
    first, second, ended = row("POST /orders", b"1"), row("POST /orders", b"2"), row("pending")
    found = row("GET /orders", response=b"[]")
    asks = row("POST /query", b"1", beside=Beside(asked="x", looks=True))
    done = only([first, ended, found, second, ended, found, asks, row("delivered")])
    assert done.sent == (said("POST /orders", b"2"),)
    assert done.rows == (found, second)
    assert done.more == (first, found, asks)
    assert only([ended, row("replay"), row("dead")]).sent == ()


def test_what_a_later_attempt_did_not_write_again_counts_too() -> None:
    """A create that was cut off, and a later attempt that found it and only pressed the button."""
    made, cut = row("POST /sale", b"1", status=None), row("pending", response=b"then")
    found, pressed = row("GET /sale", response=b"[1]"), row("POST /sale/1/confirm", b"{}")
    first, second = tried([made, cut, found, pressed, row("delivered")])
    assert (first.rows, first.again) == ((made,), cut)
    assert (second.rows, second.again) == ((found, pressed), None)


def test_a_request_that_was_sent_again_after_a_login_was_sent_once() -> None:
    login = row("POST /Login", beside=Beside(private=True))
    refused, taken = row("POST /orders", b"1", b"no", 401), row("POST /orders", b"1", b"yes", 201)
    assert only([login, refused, login, taken, row("delivered")]).rows == (taken,)
    again = row("POST /orders", b"1", b"no", 403)
    assert only([refused, again, row("dead")]).rows == (again,)
    other = row("POST /orders", b"2", b"yes", 201)
    assert only([refused, other, row("delivered")]).rows == (refused, other)


def test_a_busy_answer_to_another_attempt_is_none_to_this_one() -> None:
    busy = row("GET /taxes", response=b"busy", status=429)
    rows = [busy, row("pending"), row("POST /orders", b"1"), row("delivered")]
    assert only(rows).more == ()
    assert only(rows[:2]).more == (busy,)  # it is what it ended with


def test_the_worst_of_several_attempts_is_told_with_all_that_differs() -> None:
    def one(outcome: Outcome, *found: str) -> Replayed:
        told = tuple(Change(field=name, then="1", now="2") for name in found)
        names = {"reference": "1", "flow": "orders", "target": "erp"}
        return Replayed(delivery=1, outcome=outcome, changes=told, bytes_compared=5, **names)

    found = together([one(Outcome.CHANGED, "a"), one(Outcome.SAME), one(Outcome.CHANGED, "b")])
    assert (found.outcome, [change.field for change in found.changes]) == (Outcome.CHANGED, ["a", "b"])
    assert found.bytes_compared == 15
    assert together([one(Outcome.SAME), one(Outcome.UNKNOWN)]).outcome is Outcome.UNKNOWN
    assert together([one(Outcome.STOPS), one(Outcome.CHANGED)]).outcome is Outcome.STOPS


def test_bytes_are_compared_and_fields_told() -> None:
    then = [said("POST /orders", b'{"a":1,"b":[{"c":"x"}]}')]
    assert changes(then, then) == ()
    assert changes(then, [said("POST /orders", b'{"a":1,"b":[{"c":"y"}],"d":2}')]) == (
        Change(field="b[0].c", then="x", now="y"),
        Change(field="d", then="", now="2"),
    )
    assert changes(then, [said("POST /orders", b'{"b":[{"c":"x"}],"a":1}')])[0].field == "(bytes)"
    assert changes(then, [said("PUT /orders")])[0].field == "(request)"
    assert changes(then, [msgspec.structs.replace(then[0], asked="another")])[0].field == "(address)"
    assert changes(then, []) != ()


def test_the_parts_of_a_multipart_batch_are_told_by_field() -> None:
    def batch(tax: str, path: str = "data/Lines") -> bytes:
        lines = (b'{"Number":"1"}', b'{"Tax":"%s"}' % tax.encode())
        made = (
            Operation(method="POST", path=path, headers={"Content-Type": "application/json"}, body=b) for b in lines
        )
        return build_batch([ChangeSet(operations=tuple(made))]).body

    then = [said("POST /$batch", batch("VAT22"))]
    assert changes(then, then) == ()
    assert changes(then, [said("POST /$batch", batch("NEW"))]) == (
        Change(field="[1].body.Tax", then="VAT22", now="NEW"),
    )
    assert {one.field for one in changes(then, [said("POST /$batch", batch("VAT22", "data/Other"))])} == {
        "[0].request",
        "[1].request",
    }


@pytest.mark.parametrize(
    ("now", "outcome"),
    [
        (Now(sent=(said("POST /a", b"1"), said("POST /b", b"2"))), Outcome.SAME),
        (Now(sent=(said("POST /a", b"1"), said("POST /b", b"2")), refused="rejected: no"), Outcome.SAME),
        (Now(sent=(said("POST /a", b"1"),)), Outcome.CHANGED),
        (Now(sent=(said("POST /a", b"1"),), unanswered="GET /x was not answered then"), Outcome.UNKNOWN),
        (Now(sent=(said("POST /a", b"9"),), unanswered="GET /x was not answered then"), Outcome.CHANGED),
        (Now(unanswered="GET /x was not answered then"), Outcome.UNKNOWN),
        (Now(refused="mapping: no"), Outcome.STOPS),
        (Now(), Outcome.CHANGED),
    ],
)
def test_what_is_judged(now: Now, outcome: Outcome) -> None:
    sent = Tried(rows=(row("POST /a", b"1"), row("POST /b", b"2")))
    told = Replayed(delivery=1, reference="1", flow="orders", target="erp", outcome=Outcome.SAME)
    assert judged(told, view(State.DELIVERED), sent, now).outcome is outcome


@pytest.mark.parametrize(
    ("state", "now", "outcome"),
    [
        (State.DEAD, Now(sent=(said("POST /a", b"1"),)), Outcome.STARTS),
        (State.DEAD, Now(refused="rejected: no"), Outcome.SAME),
        (State.DELIVERED, Now(), Outcome.SAME),
        (State.DELIVERED, Now(sent=(said("POST /a", b"1"),)), Outcome.STARTS),
        (State.PENDING, Now(sent=(said("POST /a", b"1"),)), Outcome.SAME),
    ],
)
def test_what_is_judged_of_what_wrote_nothing_then(state: State, now: Now, outcome: Outcome) -> None:
    told = Replayed(delivery=1, reference="1", flow="orders", target="erp", outcome=Outcome.SAME)
    assert judged(told, view(state), Tried(), now).outcome is outcome


def view(state: State) -> DeliveryView:
    return DeliveryView(
        id=1,
        flow="orders",
        source="store",
        target="erp",
        subject="1",
        reference="1",
        key="k",
        state=state,
        attempts=1,
        created_at=AT,
        due_at=AT,
    )


def test_only_an_attempt_is_listened_to_and_a_sources_reads_are_not_kept_twice() -> None:
    exchanges = Exchanges()
    erp, store = exchanges.observer("erp", keeps_reads=True), exchanges.observer("store", keeps_reads=False)
    seen = Exchange(method="GET", url_path="/x", response_body=b"told", status=200)
    erp(seen)
    assert exchanges.taken() == []  # a reader's thread: nobody would ever ask for it
    exchanges.listen()
    erp(seen)
    store(seen)
    assert [one.response for one in exchanges.taken()] == [b"told", b""]
    erp(seen)
    assert exchanges.taken() == []
