"""What is answered to those who may not."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from litestar import Request, Response
from litestar.exceptions import HTTPException

from crossdock.security.headers import HTML

TITLES = {
    400: "Bad Request",
    401: "Unauthorized",
    403: "Forbidden",
    404: "Not Found",
    405: "Method Not Allowed",
    409: "Conflict",
    413: "Content Too Large",
    422: "Unprocessable Content",
    429: "Too Many Requests",
    503: "Service Unavailable",
}
PROBLEM = "application/problem+json"
LOGIN = "/console/login"
SHOWN = "refused_page"  # its place in the application's state: (status, detail) -> HTML
ERP_PATH = "/rest/"
ERP_BODY = {"success": False, "message": "Unauthorized"}  # as ERPs know it from their first day


class Refusal(HTTPException):
    """An answer that ends a request. It says nothing of why somebody is not known."""

    page = False  # whether a person looks at it in a browser

    def __init__(self, status: int, detail: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(detail=detail, status_code=status, headers=dict(headers or {}))


class Unauthenticated(Refusal):
    """Unknown, expired, revoked, ended, ill signed: one and the same. Who wanted a page is led to the login."""

    def __init__(self) -> None:
        super().__init__(401, "Unauthorized", {"WWW-Authenticate": "Bearer"})


class Forbidden(Refusal):
    """Known, and not allowed."""

    def __init__(self, detail: str) -> None:
        super().__init__(403, detail)


class TooMany(Refusal):
    """Come again in `wait` seconds."""

    def __init__(self, wait: float) -> None:
        super().__init__(429, "too many requests", {"Retry-After": str(max(1, math.ceil(wait)))})


def told(status: int, detail: str) -> dict[str, Any]:
    """RFC 9457."""
    return {"type": "about:blank", "title": TITLES.get(status, "Error"), "status": status, "detail": detail}


def answer(request: Request[Any, Any, Any], error: Refusal) -> Response[Any]:
    """The exception handler of the application."""
    headers = error.headers or {}
    if error.page and error.status_code == 401:
        return _to_login(request)
    shown = request.app.state.get(SHOWN)
    if error.page and shown is not None:
        html = str(shown(error.status_code, error.detail)).encode()
        told_so = {**headers, **HTML}
        return Response(html, status_code=error.status_code, headers=told_so, media_type="text/html")
    if error.status_code == 401 and request.scope["path"].startswith(ERP_PATH):
        return Response(ERP_BODY, status_code=401, headers=headers)
    return Response(
        told(error.status_code, error.detail), status_code=error.status_code, headers=headers, media_type=PROBLEM
    )


def _to_login(request: Request[Any, Any, Any]) -> Response[Any]:
    """Htmx follows no redirect of its own to a whole page: it is told where to go."""
    if "hx-request" in request.headers:
        return Response(b"", status_code=401, headers={"HX-Redirect": LOGIN})
    return Response(b"", status_code=303, headers={"Location": LOGIN, "Cache-Control": "no-store"})
