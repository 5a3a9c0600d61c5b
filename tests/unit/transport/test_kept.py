"""What is kept beside an answer: enough for a replay, and no secret."""

from __future__ import annotations

import pytest

from crossdock.exchanges import Exchanges
from crossdock.transport.http import Http
from crossdock.transport.kept import HEADERS, NOTHING, Beside, asked_of, headers_of, joined, parted
from crossdock.transport.wire import Exchange, HttpRequest
from tests.recorded_server import Asked, Reply, serve

SECRETS = {
    "Set-Cookie": "B1SESSION=s3cret",
    "x-csrf-token": "s3cret",
    "Authorization": "Bearer s3cret",
    "ETag": "s3cret",
    "WWW-Authenticate": "s3cret",
}


@pytest.mark.parametrize("body", [b"", b"{}", b"\x00\x01\x02", b"\x01", b"\x01{}\x02", b"\x01\x02\x02x", "é".encode()])
@pytest.mark.parametrize("beside", [NOTHING, Beside(asked="a"), Beside(looks=True, headers={"location": "/1\x02"})])
def test_what_is_joined_is_parted_again(beside: Beside, body: bytes) -> None:
    assert parted(joined(beside, body)) == (beside, body)


@pytest.mark.parametrize("body", [b"", b"[1]", b"<html>", b"\x01 no head", b"\x01 not json \x02 x"])
def test_what_was_kept_before_is_a_body_alone(body: bytes) -> None:
    assert parted(body) == (NOTHING, body)


def test_nothing_beside_it_costs_nothing() -> None:
    assert joined(NOTHING, b"{}") == b"{}"


def test_of_headers_only_a_place_and_how_parts_are_divided() -> None:
    assert {"location", "content-type"} == HEADERS
    told = {"location": "/salesOrder/1?token=s3cret", "content-type": "multipart/mixed; boundary=b", "x-a": "b"}
    assert headers_of(told) == {"location": "/salesOrder/1", "content-type": "multipart/mixed; boundary=b"}
    assert headers_of({"content-type": "application/json"}) == {}


def test_addresses_are_told_apart_and_not_told() -> None:
    one = asked_of("https://erp.example/customers?email=ada@example.com")
    assert one == asked_of("https://elsewhere.example/customers?email=ada@example.com")
    assert one != asked_of("https://erp.example/customers?email=bob@example.com")
    assert one != asked_of("https://erp.example/customer?semail=ada@example.com")
    assert len(one) == 16


def test_no_secret_of_an_exchange_is_kept() -> None:
    def answer(asked: Asked) -> Reply:
        return Reply(200, b"s3cret" if asked.path == "/login" else b"[]", SECRETS)

    with serve(answer) as server:
        seen: list[Exchange] = []
        http = Http(observe=seen.append)
        http.send(HttpRequest(method="POST", url=f"{server.url}/login", body=b"s3cret", private=True))
        http.send(HttpRequest(method="GET", url=f"{server.url}/a?key=s3cret", headers={"Cookie": "s3cret"}))
    assert [one.beside for one in seen] == [Beside(private=True), Beside(asked=asked_of("http://x/a?key=s3cret"))]
    exchanges = Exchanges()
    exchanges.listen()
    for one in seen:
        exchanges.observer("erp", keeps_reads=True)(one)
        exchanges.observer("store", keeps_reads=False)(one)
    rows = exchanges.taken()
    assert len(rows) == 4
    assert not any(b"s3cret" in row.request + row.response for row in rows)
    assert [parted(row.response)[0] for row in rows] == [seen[0].beside, NOTHING, seen[1].beside, NOTHING]
