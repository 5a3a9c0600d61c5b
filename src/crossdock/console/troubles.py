"""Every way in which a page can fail, as a page: what happened, in words, with Crossdock's own code for it."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

import structlog
from litestar import Response
from litestar.exceptions import HTTPException

from crossdock.console.frame import Asking, Frame
from crossdock.errors import ConfigurationError, CrossdockError
from crossdock.operations.statuses import status_of

log = structlog.get_logger("crossdock.console")
BUG = "A mistake of Crossdock's own. It is in the log; tell whoever runs this."


def troubles(frame: Frame) -> Mapping[int | type[Exception], Any]:
    """Handlers for a router."""

    def of_ours(request: Asking, error: CrossdockError) -> Response[bytes]:
        status = status_of(error)
        if status >= 500:
            log.warning("a page could not be shown", code=error.code, detail=str(error))
        detail = "; ".join(error.problems) if isinstance(error, ConfigurationError) else str(error)
        return frame.trouble(request, status, HTTPStatus(status).phrase, detail, error.code)

    def of_http(request: Asking, error: HTTPException) -> Response[bytes]:
        status = error.status_code
        known = HTTPStatus(status).phrase if status in set(HTTPStatus) else "Error"
        return frame.trouble(request, status, known, error.detail if status not in {400, 404} else _plain(status))

    def of_a_bug(request: Asking, error: Exception) -> Response[bytes]:
        log.error("a page failed", exc_info=error)
        return frame.trouble(request, 500, "This did not work", BUG)

    return {CrossdockError: of_ours, HTTPException: of_http, Exception: of_a_bug}


def _plain(status: int) -> str:
    """What was sent is not told back."""
    return "There is no such page." if status == 404 else "The address or the form holds something that does not fit."
