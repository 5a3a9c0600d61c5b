"""POST /webhooks/…: the signature is checked, a task is published with the broker's confirmation, then 202."""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import socket

import uvicorn
from fastapi import FastAPI, Request, Response
from fastapi.concurrency import run_in_threadpool
from tasks import export

SECRET = os.environ["BENCH_SECRET"].encode()
app = FastAPI(openapi_url=None)


@app.post("/webhooks/store/sales.order.created")
async def receive(request: Request) -> Response:
    body = await request.body()
    signature = hmac.new(SECRET, body, hashlib.sha256).hexdigest()
    if not hmac.compare_digest(signature, request.headers.get("x-magento-signature", "")):
        return Response(status_code=401)
    entity = json.loads(body)["data"]["entity_id"]
    await run_in_threadpool(export.delay, entity)
    return Response(status_code=202)


if __name__ == "__main__":
    listener = socket.create_server(("127.0.0.1", 0), backlog=2048)
    print(f"http://127.0.0.1:{listener.getsockname()[1]}", flush=True)
    uvicorn.Server(uvicorn.Config(app, log_config=None, access_log=False)).run(sockets=[listener])
