"""The HTTP application: webhooks in, health, metrics, the API's description."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields
from types import MappingProxyType
from typing import Any

from litestar import Litestar, Request, Response, Router, asgi, get
from litestar.datastructures import State
from litestar.exceptions import HTTPException
from litestar.exceptions.responses import create_exception_response
from litestar.handlers import HTTPRouteHandler
from litestar.openapi.config import OpenAPIConfig
from litestar.openapi.plugins import JsonRenderPlugin
from litestar.openapi.spec import (
    Components,
    OpenAPI,
    OpenAPIResponse,
    Operation,
    Parameter,
    PathItem,
    Schema,
    SecurityScheme,
)
from litestar.openapi.spec.enums import OpenAPIType
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest

from crossdock.api import deprecation, problems
from crossdock.api.described import BEARER
from crossdock.api.operations.described import refusals
from crossdock.api.webhooks import Webhooks, problem
from crossdock.identity.doorman import Doorman
from crossdock.identity.guards import DOORMAN
from crossdock.identity.pages import page
from crossdock.identity.refusals import SHOWN, Refusal
from crossdock.identity.refusals import answer as refused
from crossdock.identity.seen import group_of

RESPONSES = {
    "202": "Stored; a duplicate gets the first one's id",
    "400": "Not a body of this kind",
    "401": "Not signed by a secret that we know",
    "404": "No such connection takes webhooks",
    "409": "This id came before with another content",
    "413": "Larger than api.body_limit",
    "422": "An event of a kind that is not taken",
    "503": "Not stored, or its signature cannot be checked now; send it again",
}
GUARDED = {
    "401": "No token, signature or session that holds",
    "403": "Not allowed to whoever asks, or not from this address",
    "429": "Too often; Retry-After says when to come again",
}


def create_app(
    webhooks: Webhooks | None,
    health: Callable[[], Mapping[str, str]],
    registry: CollectorRegistry,
    handlers: Sequence[HTTPRouteHandler | Router] = (),
    doorman: Doorman | None = None,
    refused_page: Callable[[int, str], str] | None = None,
    *,
    told_of_first: Mapping[str, str] = MappingProxyType({}),
) -> Litestar:
    """Everything that is served, or health and metrics alone. `health`'s `status` is `ok`, or names what is not.

    Without a doorman nobody passes a guard. `refused_page` makes the HTML of a status and its reason.
    `told_of_first`: headers with each answer of /rest/V1.
    """

    @asgi("/webhooks", is_mount=True, copy_scope=False)
    async def receive(scope: Any, receive: Any, send: Any) -> None:
        scope = {**scope, "path": scope["raw_path"].decode("latin-1") if scope.get("raw_path") else scope["path"]}
        if webhooks is None:
            await problem(send, 404, "this process takes no webhooks")
        else:
            await webhooks(scope, receive, send)

    @get("/health/live", sync_to_thread=False)
    def live() -> dict[str, str]:
        """The process answers."""
        return {"status": "ok"}

    @get("/health/ready", sync_to_thread=True)
    def is_ready() -> Response[dict[str, str]]:
        """The database answers, and every thread of this process's roles is alive."""
        found = dict(health())
        return Response(found, status_code=200 if found["status"] == "ok" else 503)

    @get("/metrics", sync_to_thread=True, media_type=CONTENT_TYPE_LATEST)
    def metrics() -> Response[bytes]:
        """Prometheus."""
        return Response(generate_latest(registry), media_type=CONTENT_TYPE_LATEST)

    return Litestar(
        # a mounted application describes nothing of itself: see Described
        [receive, live, is_ready, metrics, *handlers],
        openapi_config=DESCRIBED,
        logging_config=None,
        state=State({DOORMAN: doorman, SHOWN: refused_page}),
        exception_handlers={Refusal: refused, HTTPException: no_such_route},
        before_send=[deprecation.hook(dict(told_of_first))] if told_of_first else [],
    )


def no_such_route(request: Request[Any, Any, Any], error: HTTPException) -> Response[Any]:
    """A problem of RFC 9457 below /api; a page below /console; what clients of the others know, there."""
    if request.scope["path"].startswith("/api/"):
        return problems.of_http(request, error)
    shown = request.app.state.get(SHOWN)
    if request.scope["path"].startswith("/console") and shown is not None:
        detail = "There is no such page." if error.status_code == 404 else error.detail
        return page(shown(error.status_code, detail), error.status_code)
    return create_exception_response(request, error)


def _tell_guard(there: PathItem) -> None:
    """What a guard answers, whatever stands behind it."""
    for operation in (there.get, there.post, there.put, there.patch, there.delete):
        if operation is not None:
            told = {status: OpenAPIResponse(description=meaning) for status, meaning in GUARDED.items()}
            operation.responses = {**told, **(operation.responses or {})}
            operation.security = operation.security or [BEARER]


class Described(OpenAPI):
    """The API's description, whole once it is asked for: a start does not wait for it."""

    def to_schema(self) -> dict[str, Any]:
        """With what guards answer, and with webhooks."""
        for path, there in (self.paths or {}).items():
            if group_of(path) in {"erp", "operations"}:
                _tell_guard(there)
        self.paths = {**(self.paths or {}), "/webhooks/{connection}/{event}": _webhook()}
        return super().to_schema()


class Describing(OpenAPIConfig):
    """Of an application: its handlers' own words, and ours."""

    def to_openapi_schema(self) -> Described:
        """Litestar puts the paths into it."""
        bare = super().to_openapi_schema()
        return Described(**{field.name: getattr(bare, field.name) for field in fields(bare)})


DESCRIBED = Describing(
    title="Crossdock",
    version="1",
    path="/",
    render_plugins=[JsonRenderPlugin(path="/openapi.json")],
    components=[Components(security_schemes={"bearer": SecurityScheme(type="http", scheme="bearer")}), refusals()],
    servers=[],
)


def _webhook() -> PathItem:
    def text(name: str, where: str) -> Parameter:
        return Parameter(name=name, param_in=where, required=True, schema=Schema(type=OpenAPIType.STRING))

    operation = Operation(
        operation_id="receiveWebhook",
        summary="Take a webhook",
        description="Answered after the commit. Signed by the connection's own scheme (webhooks.format).",
        parameters=[text("connection", "path"), text("event", "path")],
        responses={status: OpenAPIResponse(description=meaning) for status, meaning in RESPONSES.items()},
    )
    challenge = Operation(
        operation_id="repeatChallenge",
        summary="Say a challenge back",
        description="For connections with webhooks.format adobe: Adobe asks before it sends.",
        parameters=[text("connection", "path"), text("event", "path"), text("challenge", "query")],
        responses={
            "200": OpenAPIResponse(description="The challenge, as text/plain"),
            "400": OpenAPIResponse(description="There is none"),
            "405": OpenAPIResponse(description="This connection takes only POST"),
        },
    )
    return PathItem(post=operation, get=challenge)
