"""The table of answers: the useful text lies in the innermost error."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from crossdock.erp.dynamics_fo.answers import Reading, classify
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

NOW = datetime(2026, 11, 26, 12, tzinfo=UTC)
WRITE = Reading(now=NOW, writes=True, duplicate="already exists", personal=("Wilhelmina",))
READ = Reading(now=NOW, writes=False, duplicate="already exists")


def answer(status: int, message: str = "", **headers: str) -> HttpResponse:
    inner: dict[str, Any] = {"message": message, "type": "X", "stacktrace": "at secret.place()"}
    told = {"error": {"code": "", "message": "An error has occurred.", "innererror": inner}}
    return HttpResponse(status=status, headers=headers, body=json.dumps(told).encode())


@pytest.mark.parametrize(
    ("status", "message", "kind"),
    [
        (400, "Infolog: Error: Item number does not exist.", Rejected),
        (400, "Infolog: Error: Cannot create a record. Sales order: 7 already exists.", Conflict),
        (500, "Infolog: Error: Cannot create a record. Sales order: 7 already exists.", Conflict),
        (400, "Cannot edit a record. An update conflict occurred due to another user process.", Temporary),
        (500, "The transaction was chosen as the deadlock victim.", Temporary),
        (404, "Resource not found for the segment 'SalesOrderLinesV2'.", Misconfigured),
        (404, "No resources were found.", Rejected),
        (401, "", Unauthorized),
        (403, "Forbidden", Misconfigured),
        (405, "", Misconfigured),
        (412, "", Temporary),
        (503, "", Temporary),
        (500, "Object reference not set", OutcomeUnknown),
        (504, "", OutcomeUnknown),
    ],
)
def test_a_text_or_a_status_says_what_must_happen_next(status: int, message: str, kind: type[DeliveryError]) -> None:
    error = classify(answer(status, message), WRITE)
    assert type(error) is kind
    assert "secret.place" not in str(error)


def test_the_innermost_text_is_told() -> None:
    told = str(classify(answer(400, "Wilhelmina's item number does not exist."), WRITE))
    assert told == "HTTP 400: ***'s item number does not exist."


def test_a_limit_says_how_long() -> None:
    """learn.microsoft.com, service-protection-retry-operations: Retry-After in seconds."""
    error = classify(answer(429, "Too many requests", **{"retry-after": "17"}), WRITE)
    assert isinstance(error, RateLimited)
    assert error.retry_after == 17


def test_what_nobody_changes_is_only_temporary() -> None:
    assert type(classify(answer(500), READ)) is Temporary
    assert type(classify(HttpResponse(status=302), READ)) is Misconfigured
    assert classify(HttpResponse(status=204), WRITE) is None
