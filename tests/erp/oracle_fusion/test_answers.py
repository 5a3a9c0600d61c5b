"""The table of answers, from the bodies that Oracle's REST framework is known to send."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from crossdock.erp.oracle_fusion.answers import Reading, classify, is_absent, said
from crossdock.errors import (
    Conflict,
    DeliveryError,
    Misconfigured,
    OutcomeUnknown,
    RateLimited,
    Rejected,
    Temporary,
    Unauthorized,
)
from crossdock.transport.wire import HttpResponse

NOW = datetime(2026, 11, 20, 9, 30, tzinfo=UTC)
WRITE = Reading(now=NOW, writes=True, personal=("Canary",))
READ = Reading(now=NOW, writes=False)
ERROR = json.dumps(
    {
        "title": "Bad Request",
        "status": "400",
        "o:errorDetails": [
            {"detail": "The order for Canary is not valid.", "o:errorCode": "FOM-4515001"},
            {"detail": "A second one.", "o:errorCode": "0"},
        ],
    }
).encode()
BUSY = b'{"title": "Bad Request", "status": "400", "o:errorDetails": [{"detail": "(FOM-4515574) being worked on"}]}'
HTML = b"<html><body><h1>Gateway</h1></body></html>"


def answer(status: int, body: bytes = b"", **headers: str) -> HttpResponse:
    return HttpResponse(
        status=status, headers={name.replace("_", "-"): text for name, text in headers.items()}, body=body
    )


@pytest.mark.parametrize("status", [200, 201])
def test_a_success_is_a_json_object(status: int) -> None:
    assert classify(answer(status, b'{"HeaderId": 1}'), WRITE) is None


@pytest.mark.parametrize("body", [b"", b"[]", b"null", b'"x"', HTML, b'{"HeaderId": 1', b'{"a": NaN}'])
def test_a_success_without_its_body_is_none(body: bytes) -> None:
    assert type(classify(answer(201, body), WRITE)) is OutcomeUnknown
    assert type(classify(answer(200, body), READ)) is Temporary


@pytest.mark.parametrize(
    ("status", "body", "write", "read"),
    [
        (204, b"", OutcomeUnknown, Temporary),
        (302, b"", Misconfigured, Misconfigured),
        (400, ERROR, Rejected, Misconfigured),
        (400, b"The value is not valid", Rejected, Misconfigured),
        (400, BUSY, Temporary, Temporary),
        (401, b"", Unauthorized, Unauthorized),
        (403, HTML, Misconfigured, Misconfigured),
        (404, ERROR, Misconfigured, Misconfigured),
        (409, ERROR, Conflict, Conflict),
        (412, ERROR, Conflict, Conflict),
        (415, b"", Misconfigured, Misconfigured),
        (422, ERROR, Rejected, Misconfigured),
        (429, b"", RateLimited, RateLimited),
        (500, ERROR, OutcomeUnknown, Temporary),
        (502, HTML, OutcomeUnknown, Temporary),
        (503, HTML, Temporary, Temporary),
        (504, HTML, OutcomeUnknown, Temporary),
    ],
)
def test_the_table(status: int, body: bytes, write: type[DeliveryError], read: type[DeliveryError]) -> None:
    assert type(classify(answer(status, body), WRITE)) is write
    assert type(classify(answer(status, body), READ)) is read


def test_a_504_after_a_write_is_not_known_even_where_it_speaks_of_a_lock() -> None:
    assert type(classify(answer(504, b"deadlock"), WRITE)) is OutcomeUnknown


def test_details_are_told_with_their_codes_and_without_people() -> None:
    text = str(classify(answer(400, ERROR), WRITE))
    assert "FOM-4515001" in text
    assert "A second one." in text
    assert "Canary" not in text


def test_a_limit_says_when() -> None:
    for status in (429, 503):
        error = classify(answer(status, retry_after="7"), WRITE)
        assert isinstance(error, RateLimited)
        assert error.retry_after == 7


def test_only_the_resource_itself_says_that_a_row_is_absent() -> None:
    assert is_absent(answer(404, ERROR))
    assert is_absent(answer(404, b"Not Found"))
    assert is_absent(answer(404))
    assert not is_absent(answer(404, b"\n" + HTML))
    assert not is_absent(answer(403, ERROR))


def test_what_is_said_of_nothing() -> None:
    assert said(b"") == ""
    assert said(b"{}") == ""
    assert said(HTML).split() == ["Gateway"]
