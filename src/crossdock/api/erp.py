"""/rest/V1/erp and /rest/V2/erp: what an ERP pushes. Bearer tokens; each token speaks for one connection."""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from functools import partial
from typing import Annotated, Any

import anyio.to_thread
import structlog
from litestar import Request, Response, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import PathParameter, QueryParameter

from crossdock.api.described import FirstPush, SecondPush
from crossdock.api.pushes import Answer, Asked, Pushes
from crossdock.model.base import Record

StoreName = Annotated[str, QueryParameter(description="Which store, where routes go to several", max_length=40)]
PageSize = Annotated[int, QueryParameter(ge=1, le=1000, description="Rows at most")]
After = Annotated[int, QueryParameter(ge=-1, description="Only rows behind this number")]
JobName = Annotated[str, PathParameter(description="As the push was answered with", max_length=20)]
log = structlog.get_logger("crossdock.api")
UNAUTHORIZED = {"success": False, "message": "Unauthorized"}
FAILED = {"success": False, "message": "Internal server error"}


class Client(Record, frozen=True, kw_only=True):
    """Who may push, and for which connection."""

    name: str
    token: str
    connection: str


class Doorman:
    """Knows clients by their tokens, each compared in constant time."""

    def __init__(self, clients: tuple[Client, ...]) -> None:
        self._clients = clients

    def client(self, headers: Mapping[str, str]) -> Client | None:
        """Whose token it is."""
        scheme, _, token = headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not token:
            return None
        given = token.strip().encode()
        found = [one for one in self._clients if hmac.compare_digest(one.token.encode(), given)]
        return found[0] if found else None


def routes(pushes: Pushes, doorman: Doorman, body_limit: int) -> list[HTTPRouteHandler]:
    """The handlers."""
    pushed: Any = {"status_code": 200, "request_max_body_size": body_limit}

    async def answer(request: Request[Any, Any, Any], act: Any, flow: str, store: str) -> Response[Any]:
        client = doorman.client(request.headers)
        if client is None:
            return Response(UNAUTHORIZED, status_code=401, headers={"WWW-Authenticate": "Bearer"})
        body = await request.body()
        asked = Asked(
            client=client.name,
            connection=client.connection,
            flow=flow,
            body=body,
            key=request.headers.get("idempotency-key", "")[:255],
            target=store,
        )
        return await _act(partial(act, asked))

    @post("/rest/V1/erp/inventory/update", **pushed, operation_class=FirstPush, summary="Push stock levels")
    async def update_inventory(request: Request[Any, Any, Any], store: StoreName = "") -> Response[Any]:
        """Body `{"items": [{"sku", "qty", "warehouse"}]}`; the counts say what the store did."""
        return await answer(request, pushes.first, "inventory", store)

    @post(
        "/rest/V2/erp/inventory/update",
        **pushed,
        operation_class=SecondPush,
        summary="Push stock levels, answered row by row",
    )
    async def update_inventory_rows(request: Request[Any, Any, Any], store: StoreName = "") -> Response[Any]:
        """Rows may carry version or as_of, meaning and status. 202 with a job for large bodies and slow stores."""
        return await answer(request, pushes.second, "inventory", store)

    @get("/rest/V2/erp/inventory/jobs/{job:str}", summary="What became of a push")
    async def inventory_job(
        request: Request[Any, Any, Any], job: JobName, after: After = -1, limit: PageSize = 100
    ) -> Response[Any]:
        """Counts over all rows; the rows themselves by pages, without those that asked for nothing new."""
        client = doorman.client(request.headers)
        if client is None:
            return Response(UNAUTHORIZED, status_code=401, headers={"WWW-Authenticate": "Bearer"})
        return await _act(partial(pushes.job, client.connection, "inventory", job, after, limit))

    return [update_inventory, update_inventory_rows, inventory_job]


async def _act(act: Any) -> Response[Any]:
    try:
        found: Answer = await anyio.to_thread.run_sync(act)
    except Exception:  # the sender learns nothing of our insides
        log.exception("a push failed")
        return Response(FAILED, status_code=500)
    headers = {"Retry-After": "5"} if found.status == 503 else {}
    return Response(found.body, status_code=found.status, headers=headers)


__all__ = ["Client", "Doorman", "routes"]
