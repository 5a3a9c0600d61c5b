"""A way to a server on which some addresses are forbidden, as a missing right forbids them."""

from __future__ import annotations

import json

from crossdock.transport.http import Http
from crossdock.transport.wire import HttpRequest, HttpResponse

BODY = {"error": {"code": "Forbidden", "message": {"lang": "en", "value": "no right"}}, "title": "Forbidden"}


class Refusing:
    """What `Http` answers, and 403 where the address, or the body, holds one of these words."""

    def __init__(self, *words: str) -> None:
        self._http = Http()
        self._words = words

    def send(self, request: HttpRequest) -> HttpResponse:
        said = request.full_url() + (request.body or b"").decode(errors="replace")
        if any(word in said for word in self._words):
            body = json.dumps(BODY).encode()
            return HttpResponse(status=403, headers={"content-type": "application/json"}, body=body)
        return self._http.send(request)
