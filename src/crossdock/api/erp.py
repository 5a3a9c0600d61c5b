"""/rest/V1/erp and /rest/V2/erp: what an ERP pushes. Each that is let in speaks for one connection."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Annotated, Any

import anyio.to_thread
import structlog
from litestar import Request, Response, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import PathParameter, QueryParameter

from crossdock.api.bulks import BulkOperation, BulkStates
from crossdock.api.customers import Customers
from crossdock.api.described import PUSHED, CustomerPush, Pushed, document_operation
from crossdock.api.documents import PATHS, Documents
from crossdock.api.pushes import Answer, Asked, Pushes
from crossdock.flows import INVENTORY, PRICES, PRODUCTS
from crossdock.identity.guards import client_of, needs
from crossdock.security.access import Permission

StoreName = Annotated[str, QueryParameter(description="Which store, where routes go to several", max_length=40)]
PageSize = Annotated[int, QueryParameter(ge=1, le=1000, description="Rows at most")]
After = Annotated[int, QueryParameter(ge=-1, description="Only rows behind this number")]
DocumentName = Annotated[str, PathParameter(description="The document's own number", max_length=100)]
BulkName = Annotated[str, PathParameter(description="As the store has named it", max_length=64)]
CustomerNumber = Annotated[str, PathParameter(description="The ERP's own number of the customer", max_length=64)]
JobName = Annotated[str, PathParameter(description="As the push was answered with", max_length=20)]
log = structlog.get_logger("crossdock.api")
# of each flow that is pushed as states; documents and customers have one each
PUSHING: Mapping[str, Permission] = {
    INVENTORY.name: Permission.INVENTORY,
    PRICES.name: Permission.PRICES,
    PRODUCTS.name: Permission.PRODUCTS,
}
FAILED = {"success": False, "message": "Internal server error"}


def routes(pushes: Pushes, body_limit: int) -> list[HTTPRouteHandler]:
    """The handlers: three for each flow that can be pushed."""
    return [handler for pushed in PUSHED for handler in _of_flow(pushed, pushes, body_limit)]


def _of_flow(pushed: Pushed, pushes: Pushes, body_limit: int) -> list[HTTPRouteHandler]:
    flow, name = pushed.flow, pushed.flow.capitalize()
    guarded: Any = {"guards": [needs(PUSHING[flow])]}
    taken: Any = {"status_code": 200, "request_max_body_size": body_limit, **guarded}

    @post(
        f"/rest/V1/erp/{flow}/update",
        **taken,
        operation_class=pushed.first,
        operation_id=f"RestV1Erp{name}UpdateUpdate{name}",
        summary=f"Push {pushed.what}",
        description=pushed.about_first,
    )
    async def update(request: Request[Any, Any, Any], store: StoreName = "") -> Response[Any]:
        return await _answer(request, pushes.first, flow, store)

    @post(
        f"/rest/V2/erp/{flow}/update",
        **taken,
        operation_class=pushed.second,
        operation_id=f"RestV2Erp{name}UpdateUpdate{name}Rows",
        summary=f"Push {pushed.what}, answered row by row",
        description=pushed.about_second,
    )
    async def update_rows(request: Request[Any, Any, Any], store: StoreName = "") -> Response[Any]:
        return await _answer(request, pushes.second, flow, store)

    @get(
        f"/rest/V2/erp/{flow}/jobs/{{job:str}}",
        **guarded,
        operation_id=f"RestV2Erp{name}Jobs{name}Job",
        summary="What became of a push",
        description="Counts over all rows; the rows themselves by pages, without those that asked for nothing new.",
    )
    async def job_of(
        request: Request[Any, Any, Any], job: JobName, after: After = -1, limit: PageSize = 100
    ) -> Response[Any]:
        client = client_of(request)
        return await _act(partial(pushes.job, client.connection, flow, job, after, limit))

    return [update, update_rows, job_of]


async def _answer(request: Request[Any, Any, Any], act: Any, flow: str, store: str) -> Response[Any]:
    client = client_of(request)
    asked = Asked(
        client=client.name,
        connection=client.connection,
        flow=flow,
        body=await request.body(),
        key=request.headers.get("idempotency-key", "")[:255],
        target=store,
    )
    return await _act(partial(act, asked))


def bulk_routes(bulks: BulkStates) -> list[HTTPRouteHandler]:
    """How far a store is with a bulk."""

    @get(
        "/rest/V1/erp/bulk/{uuid:str}/status",
        guards=[needs(Permission.PRODUCTS)],
        operation_id="RestV1ErpBulkStatus",
        operation_class=BulkOperation,
        summary="How far a store is with a bulk of products",
        description="Asked of the store at this moment; counted over all states of its operations.",
    )
    async def status(request: Request[Any, Any, Any], uuid: BulkName, store: StoreName = "") -> Response[Any]:
        return await _act(partial(bulks.state, client_of(request).connection, uuid, store))

    return [status]


def document_routes(documents: Documents) -> list[HTTPRouteHandler]:
    """One address for each flow of documents."""
    return [handler for path, flow in PATHS.items() for handler in _documents(documents, path, flow)]


def _documents(documents: Documents, path: str, flow: str) -> list[HTTPRouteHandler]:
    words = flow.replace("_", " ")

    def asked_of(request: Request[Any, Any, Any], body: bytes, store: str) -> Asked:
        client = client_of(request)
        return Asked(client=client.name, connection=client.connection, flow=flow, body=body, target=store)

    @post(
        f"/rest/V1/erp/{path}",
        guards=[needs(Permission.FULFILMENT)],
        name=f"push {flow}",
        status_code=202,
        operation_id=f"push_{flow}",
        operation_class=document_operation(flow),
        summary=f"Push one of {words}",
    )
    async def push(request: Request[Any, Any, Any], store: StoreName = "") -> Response[Any]:
        """Stored once under its number; 200 where it came before, with what became of it."""
        asked = asked_of(request, await request.body(), store)
        return await _act(partial(documents.push, asked))

    @get(
        f"/rest/V1/erp/{path}/{{number:str}}",
        guards=[needs(Permission.FULFILMENT)],
        name=f"state of {flow}",
        operation_id=f"state_of_{flow}",
        summary=f"What became of one of {words}",
    )
    async def state(request: Request[Any, Any, Any], number: DocumentName, store: StoreName = "") -> Response[Any]:
        """Pending, delivered, superseded, or dead with the reason."""
        asked = asked_of(request, b"", store)
        return await _act(partial(documents.state, asked, number))

    return [push, state]


def customer_routes(customers: Customers) -> list[HTTPRouteHandler]:
    """What an ERP tells of its customers."""

    def asked_of(request: Request[Any, Any, Any], body: bytes, store: str) -> Asked:
        client = client_of(request)
        return Asked(client=client.name, connection=client.connection, flow="customers", body=body, target=store)

    @post(
        "/rest/V1/erp/customers",
        guards=[needs(Permission.CUSTOMERS)],
        status_code=202,
        operation_id="push_customers",
        operation_class=CustomerPush,
        summary="Push a customer, or what has changed of one",
    )
    async def push(request: Request[Any, Any, Any], store: StoreName = "") -> Response[Any]:
        """What is not told of stays as it is. 200 where the same came before."""
        asked = asked_of(request, await request.body(), store)
        return await _act(partial(customers.push, asked))

    @get(
        "/rest/V1/erp/customers/{number:str}",
        guards=[needs(Permission.CUSTOMERS)],
        operation_id="state_of_customers",
        summary="What became of what was pushed of a customer",
    )
    async def state(request: Request[Any, Any, Any], number: CustomerNumber, store: StoreName = "") -> Response[Any]:
        """States and names of fields, never what is in them."""
        asked = asked_of(request, b"", store)
        return await _act(partial(customers.state, asked, number))

    @post(
        "/rest/V1/erp/customers/{number:str}/erasure",
        guards=[needs(Permission.CUSTOMERS)],
        status_code=202,
        operation_id="erase_customers",
        summary="A customer wishes to be forgotten",
    )
    async def erase(request: Request[Any, Any, Any], number: CustomerNumber, store: StoreName = "") -> Response[Any]:
        """Carried on to the store; what Crossdock keeps of the person can never be read again."""
        asked = asked_of(request, b"", store)
        return await _act(partial(customers.erase, asked, number))

    return [push, state, erase]


async def _act(act: Any) -> Response[Any]:
    try:
        found: Answer = await anyio.to_thread.run_sync(act)
    except Exception:  # the sender learns nothing of our insides
        log.exception("a push failed")
        return Response(FAILED, status_code=500)
    headers = {"Retry-After": "5"} if found.status == 503 else {}
    return Response(found.body, status_code=found.status, headers=headers)


__all__ = ["bulk_routes", "customer_routes", "document_routes", "routes"]
