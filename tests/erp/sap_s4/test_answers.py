"""The table of answers."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from crossdock.erp.sap_s4.answers import Reading, classify, listed, wants_token
from crossdock.errors import (
    DeliveryError,
    Misconfigured,
    OutcomeUnknown,
    RateLimited,
    Rejected,
    Temporary,
    Unauthorized,
)
from crossdock.transport.wire import HttpResponse

NOW = datetime(2026, 11, 26, 10, tzinfo=UTC)
LOCK = "Sales document 4711 is currently being processed by user MUELLER"


def refused(code: str, text: str, *details: tuple[str, str, str]) -> bytes:
    inner = [{"code": one, "message": message, "severity": severity} for one, message, severity in details]
    error: dict[str, Any] = {"code": code, "message": {"lang": "en", "value": text}}
    return json.dumps({"error": error | {"innererror": {"errordetails": inner}}}).encode()


def told(status: int, body: bytes = b"", *, writes: bool = True, headers: dict[str, str] | None = None) -> Any:
    reading = Reading(now=NOW, writes=writes, passing=("being processed", "XX/001"), personal=("Ada Lovelace",))
    return classify(HttpResponse(status=status, headers=headers or {}, body=body), reading)


@pytest.mark.parametrize(
    ("status", "body", "written", "read"),
    [
        (200, b'{"d":{}}', None, None),
        (204, b"", None, None),
        (201, b"", OutcomeUnknown, Temporary),
        (200, b"<html>", OutcomeUnknown, Temporary),
        (302, b"", Misconfigured, Misconfigured),
        (400, refused("V1/555", "Enter a material"), Rejected, Rejected),
        (400, refused("V1/042", LOCK), Temporary, Temporary),
        (400, refused("XX/001", "anything"), Temporary, Temporary),
        (400, refused("/IWBEP/CX", "An exception", ("V1/042", LOCK, "error")), Temporary, Temporary),
        (400, refused("V1/555", "Enter a material", ("V1/042", LOCK, "info")), Rejected, Rejected),
        (400, b"<html>", Rejected, Rejected),
        (401, b"", Unauthorized, Unauthorized),
        (403, b"", Unauthorized, Unauthorized),
        (404, b"", Misconfigured, Misconfigured),
        (405, b"", Misconfigured, Misconfigured),
        (409, b"", Rejected, Rejected),
        (412, b"", Temporary, Temporary),
        (422, b"", Rejected, Rejected),
        (423, b"", Temporary, Temporary),
        (428, b"", Misconfigured, Misconfigured),
        (429, b"", RateLimited, RateLimited),
        (500, refused("SY/530", "An internal error"), OutcomeUnknown, Temporary),
        (502, b"", OutcomeUnknown, Temporary),
        (503, b"", Temporary, Temporary),
        (504, b"", OutcomeUnknown, Temporary),
    ],
)
def test_what_an_answer_comes_to(
    status: int, body: bytes, written: type[DeliveryError] | None, read: type[DeliveryError] | None
) -> None:
    found = (told(status, body), told(status, body, writes=False))
    assert tuple(None if one is None else type(one) for one in found) == (written, read)


def test_a_pause_is_told() -> None:
    assert told(503, headers={"retry-after": "7"}).retry_after == 7
    assert told(429, headers={"retry-after": "Thu, 26 Nov 2026 10:00:09 GMT"}).retry_after == 9


def test_code_and_messages_are_told_without_anybody_in_them() -> None:
    body = refused(
        "V1/555", "Ada Lovelace is blocked", ("V1/555", "Ada Lovelace is blocked", "error"), ("V4/2", LOCK, "error")
    )
    assert str(told(409, body)) == (
        "HTTP 409: V1/555 *** is blocked; V4/2 Sales document 4711 is currently being processed by user ***"
    )


def test_where_nobody_says_who_is_in_it_only_codes_are_told() -> None:
    reading = Reading(now=NOW, writes=True, quiet=True)
    body = refused("V1/555", "Ada Lovelace is blocked")
    assert str(classify(HttpResponse(status=400, body=body), reading)) == "HTTP 400: V1/555"


def test_only_a_403_that_says_so_wants_a_token() -> None:
    assert wants_token(HttpResponse(status=403, headers={"x-csrf-token": "Required"}))
    assert not wants_token(HttpResponse(status=403))
    assert not wants_token(HttpResponse(status=400, headers={"x-csrf-token": "Required"}))


@pytest.mark.parametrize("body", [b"[]", b"{}", b'{"d":{}}', b'{"d":{"results":{}}}', b'{"d":{"results":[1]}}', b"x"])
def test_what_is_no_list_is_none(body: bytes) -> None:
    assert listed(body) is None
