"""The framework alone: one route that checks the signature and keeps nothing. The ceiling of any intake built on it."""

from __future__ import annotations

import hashlib
import hmac
import os
import socket

import uvicorn
from litestar import Litestar, Request, Response, post

SECRET = os.environ["BENCH_SECRET"].encode()


@post("/webhooks/{connection:str}/{event:str}")
async def receive(connection: str, event: str, request: Request) -> Response[dict[str, str]]:  # type: ignore[type-arg]
    """202 where the signature fits."""
    body = await request.body()
    signature = hmac.new(SECRET, body, hashlib.sha256).hexdigest()
    good = hmac.compare_digest(signature, request.headers.get("x-magento-signature", ""))
    return Response({"connection": connection, "event": event}, status_code=202 if good else 401)


def main() -> None:
    """Serve on a free port."""
    listener = socket.create_server(("127.0.0.1", 0), backlog=2048)
    print(f"http://127.0.0.1:{listener.getsockname()[1]}", flush=True)
    config = uvicorn.Config(Litestar([receive], openapi_config=None), log_config=None, access_log=False)
    uvicorn.Server(config).run(sockets=[listener])


if __name__ == "__main__":
    main()
