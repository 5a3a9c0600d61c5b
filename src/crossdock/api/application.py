"""The HTTP application: webhooks in, health, metrics, the API's description."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from litestar import Litestar, Response, asgi, get
from litestar.handlers import HTTPRouteHandler
from litestar.openapi.config import OpenAPIConfig
from litestar.openapi.plugins import JsonRenderPlugin
from litestar.openapi.spec import Components, OpenAPIResponse, Operation, Parameter, PathItem, Schema, SecurityScheme
from litestar.openapi.spec.enums import OpenAPIType
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest

from crossdock.api.webhooks import Webhooks, problem

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


def create_app(
    webhooks: Webhooks | None,
    health: Callable[[], Mapping[str, str]],
    registry: CollectorRegistry,
    handlers: Sequence[HTTPRouteHandler] = (),
) -> Litestar:
    """Everything that is served, or health and metrics alone. `health`'s `status` is `ok`, or names what is not."""

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

    app = Litestar([receive, live, is_ready, metrics, *handlers], openapi_config=DESCRIBED, logging_config=None)
    # a mounted application describes nothing of itself
    app.openapi_schema.paths = {**(app.openapi_schema.paths or {}), "/webhooks/{connection}/{event}": _webhook()}
    return app


DESCRIBED = OpenAPIConfig(
    title="Crossdock",
    version="1",
    path="/",
    render_plugins=[JsonRenderPlugin(path="/openapi.json")],
    components=[Components(security_schemes={"bearer": SecurityScheme(type="http", scheme="bearer")})],
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
