"""The table of answers, by the vendor's own list of codes (api-reference/v1.0/dynamics_error_codes.md)."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from crossdock.erp.dynamics_bc.answers import Reading, classify
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
WRITE, READ = Reading(now=NOW, writes=True), Reading(now=NOW, writes=False)


def answer(status: int, code: str = "", message: str = "no", **headers: str) -> HttpResponse:
    told = {"error": {"code": code, "message": f"{message}  CorrelationId:  7f6a."}}
    return HttpResponse(status=status, headers=headers, body=json.dumps(told).encode())


@pytest.mark.parametrize(
    ("status", "code", "message", "kind"),
    [
        (400, "Application_DialogException", 'A "customerNumber" or a "customerId" must be provided.', Rejected),
        (400, "Application_StringExceededLength", "The length of the string is 57", Rejected),
        (400, "BadRequest", "Unable to convert value to Date", Rejected),
        (400, "Unknown", "'Invalid Type' is not an option.", Rejected),
        (400, "Internal_InvalidTableRelation", "cannot be found in the related table (Vendor).", Rejected),
        (400, "Internal_EntityWithSameKeyExists", "The Customer already exists.", Conflict),
        (409, "Request_EntityChanged", "Another user has already changed the record.", Temporary),
        (412, "", "", Temporary),
        (400, "BadRequest_InvalidToken", "Could not validate the client concurrency token", Temporary),
        (404, "BadRequest_ResourceNotFound", "Resource not found for the segment", Misconfigured),
        (404, "Internal_RecordNotFound", "does not exist", Rejected),
        (400, "Internal_CompanyNotFound", "the default company cannot be found", Misconfigured),
        (405, "BadRequest_MethodNotAllowed", "are not allowed", Misconfigured),
        (401, "Authentication_InvalidCredentials", "The server has rejected the client credentials", Unauthorized),
        (401, "Unknown", "", Unauthorized),
        (403, "Authorization_RequestDenied", "", Misconfigured),
        (413, "", "", Misconfigured),
        (400, "Application_DialogException", "The table is locked by another user", Temporary),
        (500, "Internal_ServerError", "Your activity was deadlocked with another user", Temporary),
        (503, "Internal_TenantUnavailable", "not accessible", Temporary),
        (500, "Internal_ServerError", "Cannot establish a connection to the SQL Server/Database.", OutcomeUnknown),
        (504, "", "", OutcomeUnknown),
        (502, "", "", OutcomeUnknown),
    ],
)
def test_a_code_says_what_must_happen_next(status: int, code: str, message: str, kind: type[DeliveryError]) -> None:
    error = classify(answer(status, code, message), WRITE)
    assert type(error) is kind
    assert "CorrelationId" not in str(error)


def test_what_nobody_changes_is_only_temporary() -> None:
    assert type(classify(answer(500, "Internal_ServerError"), READ)) is Temporary
    assert type(classify(HttpResponse(status=504), READ)) is Temporary
    assert type(classify(HttpResponse(status=200, body=b"<html>"), READ)) is Temporary


def test_a_success_has_its_body() -> None:
    assert classify(HttpResponse(status=201, body=b"{}"), WRITE) is None
    assert classify(HttpResponse(status=204), WRITE) is None
    for body in (b"", b"<html>fine</html>", b'{"id":'):
        assert type(classify(HttpResponse(status=201, body=body), WRITE)) is OutcomeUnknown


def test_a_limit_may_say_how_long_or_not() -> None:
    told = classify(answer(429, "", **{"retry-after": "17"}), WRITE)
    untold = classify(answer(429), WRITE)
    assert isinstance(told, RateLimited)
    assert isinstance(untold, RateLimited)
    assert (told.retry_after, untold.retry_after) == (17, None)


def test_a_redirect_is_a_wrong_address() -> None:
    assert type(classify(HttpResponse(status=302), WRITE)) is Misconfigured


def test_a_message_that_quotes_people_is_cleaned() -> None:
    reading = Reading(now=NOW, writes=True, personal=("Wilhelmina Canary", "Berlin"))
    error = classify(
        answer(400, "Application_DialogException", "wilhelmina canary of Berlin, w@canary.example"), reading
    )
    assert "anary" not in str(error)
    assert "Berlin" not in str(error)
