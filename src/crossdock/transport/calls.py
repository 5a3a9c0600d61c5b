"""One call with its login, and what it ends with. What an answer means is told by the end that asks."""

from __future__ import annotations

from collections.abc import Callable

from crossdock.errors import DeliveryError, OutcomeUnknown, Temporary, Unauthorized
from crossdock.transport.auth import Auth
from crossdock.transport.wire import HttpRequest, HttpResponse, Sender

Classify = Callable[[HttpResponse], DeliveryError | None]


def answered(
    http: Sender, auth: Auth, request: HttpRequest, classify: Classify
) -> tuple[HttpResponse, DeliveryError | None]:
    """The answer and what it means. A 401 did nothing: with new credentials it is asked once more."""
    response = http.send(auth.apply(request))
    error = classify(response)
    if isinstance(error, Unauthorized) and auth.refresh():
        response = http.send(auth.apply(request))
        error = classify(response)
    return response, error


def called(http: Sender, auth: Auth, request: HttpRequest, classify: Classify) -> HttpResponse:
    """The answer to a call that came out well. Raises what it means else."""
    response, error = answered(http, auth, request, classify)
    if error is not None:
        raise error
    return response


def looked(http: Sender, auth: Auth, request: HttpRequest, classify: Classify) -> HttpResponse:
    """The same of one that changes nothing, whatever its method: how it ended is never unknown, it may be repeated."""
    try:
        return called(http, auth, request, classify)
    except OutcomeUnknown as unknown:
        raise Temporary(str(unknown), status=unknown.status) from unknown
