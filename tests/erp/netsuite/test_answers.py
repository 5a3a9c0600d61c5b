"""The one table: what NetSuite's answers mean, from its own bodies."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from crossdock.erp.netsuite.answers import Reading, classify, is_absence, is_duplicate_job
from crossdock.erp.netsuite.settings import BUSY_CODES
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
from tests.material import SHARED, needs_shared

NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)
WRITE = Reading(now=NOW, kind="write", busy=frozenset(BUSY_CODES), duplicates=("already exists", "DUP_RCRD"))
READ = Reading(now=NOW, kind="read", busy=frozenset(BUSY_CODES))
QUERY = Reading(now=NOW, kind="query", busy=frozenset(BUSY_CODES))


def body(code: str = "USER_ERROR", detail: str = "no", path: str = "") -> bytes:
    details: dict[str, str] = {"detail": detail, "o:errorCode": code}
    return json.dumps(
        {"title": "x", "status": 400, "o:errorDetails": [details | ({"o:errorPath": path} if path else {})]}
    ).encode()


def answer(status: int, raw: bytes = b"", **headers: str) -> HttpResponse:
    return HttpResponse(
        status=status, body=raw, headers={name.replace("_", "-"): value for name, value in headers.items()}
    )


@pytest.mark.parametrize(
    ("response", "wanted"),
    [
        (answer(302, location="https://elsewhere.example"), Misconfigured),
        (answer(400, body("INVALID_CONTENT", "Invalid Field Value 9999", "item.items[0].item")), Rejected),
        (answer(400, body("SSS_REQUEST_LIMIT_EXCEEDED")), RateLimited),
        (answer(400, body("USER_ERROR", "Concurrent request limit exceeded. Request blocked.")), RateLimited),
        (answer(403, body("WS_REQUEST_BLOCKED")), RateLimited),
        (answer(429, body("ANYTHING")), RateLimited),
        (answer(429, b"<html>slow down</html>"), RateLimited),
        (answer(401, body("INVALID_LOGIN")), Unauthorized),
        (answer(403, body("INSUFFICIENT_PERMISSION")), Misconfigured),
        (answer(400, body("INSUFFICIENT_PERMISSION")), Misconfigured),
        (answer(404, b"<html>no such page</html>"), Misconfigured),
        (answer(400, body("USER_ERROR", "This record already exists")), Conflict),
        (answer(400, body("DUP_RCRD")), Conflict),
        (answer(400, body("RCRD_HAS_BEEN_CHANGED")), Temporary),
        (answer(409, body("ANYTHING")), Conflict),
        (answer(413), Rejected),
        (answer(408), Temporary),
        (answer(503, b"<html>maintenance</html>"), Temporary),
        (answer(500, body("UNEXPECTED_ERROR")), OutcomeUnknown),
        (answer(502, b"<html>bad gateway</html>"), OutcomeUnknown),
        (answer(504), OutcomeUnknown),
    ],
)
def test_a_write(response: HttpResponse, wanted: type[DeliveryError]) -> None:
    error = classify(response, WRITE)
    assert type(error) is wanted
    assert error.status == response.status


def test_a_failed_look_is_never_an_unknown_outcome() -> None:
    assert type(classify(answer(500, body()), READ)) is Temporary


def test_a_query_that_netsuite_does_not_understand_is_our_settings_fault() -> None:
    error = classify(answer(400, body("INVALID_PARAMETER", "Unknown identifier 'x'")), QUERY)
    assert type(error) is Misconfigured
    assert type(classify(answer(400, body("SSS_REQUEST_LIMIT_EXCEEDED")), QUERY)) is RateLimited


def test_a_pause_is_taken_from_the_answer() -> None:
    error = classify(answer(429, body(), retry_after="7"), WRITE)
    assert isinstance(error, RateLimited)
    assert error.retry_after == 7
    silent = classify(answer(429, body()), WRITE)
    assert isinstance(silent, RateLimited)
    assert silent.retry_after is None


def test_only_netsuites_own_404_proves_that_there_is_nothing() -> None:
    assert is_absence(answer(404, body("NONEXISTENT_ID")))
    assert not is_absence(answer(404, b"<html>no such page</html>"))
    assert not is_absence(answer(404, b"{}"))
    assert not is_absence(answer(400, body("NONEXISTENT_ID")))


def test_an_error_says_where_and_names_no_person() -> None:
    reading = Reading(now=NOW, kind="write", personal=("Ada Rossi",))
    detail = "Ada Rossi <ada@example.com> is not valid"
    text = str(classify(answer(400, body("INVALID_CONTENT", detail, "billingAddress.addressee")), reading))
    assert "INVALID_CONTENT at billingAddress.addressee" in text
    assert "Ada" not in text
    assert "example.com" not in text


@needs_shared
@pytest.mark.parametrize(("name", "wanted"), [("invalid_login_401", Unauthorized), ("invalid_content_400", Rejected)])
def test_the_vendors_own_examples(name: str, wanted: type[DeliveryError]) -> None:
    told: dict[str, Any] = json.loads((SHARED / "contracts/netsuite/examples.json").read_text())[name]["body"]
    response = answer(int(told["status"]), json.dumps(told).encode())
    assert type(classify(response, WRITE)) is wanted


@needs_shared
def test_a_used_idempotency_key_is_known() -> None:
    told = json.loads((SHARED / "contracts/netsuite/examples.json").read_text())["duplicate_idempotency_key"]
    assert is_duplicate_job(answer(int(told["body"]["status"]), json.dumps(told["body"]).encode()))
    assert not is_duplicate_job(answer(400, body()))
