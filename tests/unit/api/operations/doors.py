"""The operations API in this process, over a desk with letters, and callers of every permission."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, cast

from litestar import Litestar, Request
from litestar.testing import TestClient
from prometheus_client import CollectorRegistry

from crossdock.api.application import create_app
from crossdock.api.operations.pulse import Pulse
from crossdock.api.operations.routes import PATH, operation_routes
from crossdock.identity.doorman import Doorman
from crossdock.identity.refusals import Unauthenticated
from crossdock.operations.overview import counts
from crossdock.security.access import Person, Role, Who
from crossdock.settings import LookupSettings
from tests.unit.operations.desks import Bench, bench


class Known:
    """Lets in whoever says their role: what stands at the guards in the place of the doorman."""

    async def admit(self, request: Request[Any, Any, Any]) -> Who:
        name = request.headers.get("authorization", "").removeprefix("Bearer ")
        if name not in set(Role):
            raise Unauthenticated
        return Person(id=1, name=name, role=Role(name))


class Door:
    """Asks as somebody. `at` is the desk behind it."""

    def __init__(self, client: TestClient[Litestar], at: Bench) -> None:
        self.client = client
        self.at = at

    def ask(
        self, method: str, path: str, *, by: str = "admin", headers: Mapping[str, str] | None = None, **more: Any
    ) -> Any:
        told = {"Authorization": f"Bearer {by}"} if by else {}
        return self.client.request(method, f"{PATH}{path}", headers={**told, **(headers or {})}, **more)

    def get(self, path: str, *, by: str = "viewer", status: int = 200, **more: Any) -> Any:
        answer = self.ask("GET", path, by=by, **more)
        assert answer.status_code == status, answer.text
        return answer.json()

    def post(self, path: str, body: Any = None, *, by: str = "operator", status: int = 200) -> Any:
        answer = self.ask("POST", path, by=by, json=body)
        assert answer.status_code == status, answer.text
        return answer.json()


def app_of(at: Bench, every_s: float = 0.02, **told: Any) -> Litestar:
    pulse = Pulse(partial(counts, at.desk), every_s=every_s, heartbeat_s=0.1)
    routes = [operation_routes(at.desk, pulse)]
    app = create_app(
        None, lambda: {"status": "ok"}, CollectorRegistry(), routes, doorman=cast("Doorman", Known()), **told
    )
    app.state["pulse"] = pulse
    return app


@contextmanager
def opened(folder: Path, **changes: Any) -> Iterator[Door]:
    tables = {"lookups": {"payment_terms": LookupSettings(missing="ask", entries={"checkmo": "NET30"})}}
    with bench(folder, **(tables | changes)) as at, TestClient(app_of(at)) as client:
        yield Door(client, at)
