"""Errors as RFC 9457 has them: application/problem+json, for every way in which a request can fail."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

import structlog
from litestar import Request, Response
from litestar.exceptions import HTTPException, ValidationException

from crossdock.errors import ConfigurationError, CrossdockError
from crossdock.model.base import Record
from crossdock.operations.statuses import status_of

log = structlog.get_logger("crossdock.api")
KIND = "application/problem+json"
RETRY_AFTER = "5"


class Problem(Record, frozen=True, kw_only=True):
    """`code` is Crossdock's own word for it (docs/runbook.md), where there is one. `errors`: the fields and why."""

    type: str = "about:blank"
    title: str
    status: int
    detail: str = ""
    code: str = ""
    errors: tuple[dict[str, str], ...] = ()


def titled(status: int) -> str:
    """What the status is called."""
    return HTTPStatus(status).phrase if status in set(HTTPStatus) else "Error"


def answer(problem: Problem, headers: Mapping[str, str] | None = None) -> Response[Problem]:
    """The response."""
    return Response(problem, status_code=problem.status, media_type=KIND, headers=dict(headers or {}))


def of_ours(_request: Request[Any, Any, Any], error: CrossdockError) -> Response[Problem]:
    """An error of Crossdock; its text names nobody and holds no secret."""
    status = status_of(error)
    if status >= 500:
        log.warning("the operations API could not answer", code=error.code, detail=str(error))
    problem = Problem(title=titled(status), status=status, detail=_detail(error), code=error.code)
    return answer(problem, {"Retry-After": RETRY_AFTER} if status == 503 else {})


def of_http(_request: Request[Any, Any, Any], error: HTTPException) -> Response[Problem]:
    """What Litestar says no to: a body or a query that does not fit, no such address, no permission."""
    status = error.status_code
    told = _fields(error) if isinstance(error, ValidationException) else ()
    detail = "what was sent does not fit the description" if told else error.detail if status < 500 else ""
    return answer(Problem(title=titled(status), status=status, detail=detail, errors=told), error.headers)


def of_no_json(_request: Request[Any, Any, Any], _error: Exception) -> Response[Problem]:
    """A body that the decoder gives up on: nested too deep, or no UTF-8."""
    return answer(Problem(title=titled(400), status=400, detail="the body is no JSON that can be read"))


def of_a_bug(_request: Request[Any, Any, Any], error: Exception) -> Response[Problem]:
    """The caller learns nothing of our insides."""
    log.error("the operations API failed", exc_info=error)
    return answer(Problem(title=titled(500), status=500))


def _detail(error: CrossdockError) -> str:
    return "; ".join(error.problems) if isinstance(error, ConfigurationError) else str(error)


def _fields(error: ValidationException) -> tuple[dict[str, str], ...]:
    """Names and reasons. What was sent is not told back."""
    found = error.extra if isinstance(error.extra, list) else []
    return tuple(
        {"field": str(one.get("key", "")), "reason": str(one.get("message", ""))[:200]}
        for one in found
        if isinstance(one, dict)
    )


HANDLERS: dict[int | type[Exception], Any] = {
    CrossdockError: of_ours,
    HTTPException: of_http,
    RecursionError: of_no_json,
    UnicodeDecodeError: of_no_json,
    Exception: of_a_bug,
}

__all__ = ["HANDLERS", "KIND", "Problem", "answer", "of_a_bug", "of_http", "of_ours", "titled"]
