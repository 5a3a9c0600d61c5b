"""A small application behind the real door: the ERP's addresses and a few of our own, over real HTTP and a real database."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import httpx
from argon2 import PasswordHasher
from litestar import Request, Response, Router, get, post
from litestar.handlers import HTTPRouteHandler
from prometheus_client import CollectorRegistry

from crossdock.api.application import create_app
from crossdock.api.bulks import BulkStates
from crossdock.api.customers import Customers
from crossdock.api.documents import Documents
from crossdock.api.erp import bulk_routes, customer_routes, document_routes
from crossdock.api.erp import routes as erp_routes
from crossdock.api.pushes import Answer, Asked, Pushes
from crossdock.api.server import ApiServer
from crossdock.api.webhooks import Webhooks
from crossdock.identity.cookies import Cookies
from crossdock.identity.doorman import Client, Doorman, Limits
from crossdock.identity.gate import Gate, Rules
from crossdock.identity.guards import needs, who
from crossdock.identity.logins import LoginRules, Logins
from crossdock.identity.pages import PLAIN, login_routes, page
from crossdock.identity.sign_on import SignOn
from crossdock.security.access import Permission, Person, Role
from crossdock.security.envelope import Envelope
from crossdock.security.network import Network, networks
from crossdock.security.passwords import Passwords
from crossdock.security.tokens import NewToken, hash_of, new_token
from crossdock.security.users import KeptUser
from crossdock.storage.engine import open_engine
from crossdock.storage.migrate import migrate
from crossdock.storage.sql import SqlStore

START = datetime(2026, 11, 26, 9, tzinfo=UTC)
CHEAP = Passwords(PasswordHasher(time_cost=1, memory_cost=64, parallelism=1))
STOCK = "/rest/V1/erp/inventory/update"
PASSWORD = "correct horse battery"


class Echo:
    """What is pushed is answered with who has pushed."""

    def __init__(self) -> None:
        self.asked: list[Asked] = []

    def first(self, asked: Asked) -> Answer:
        self.asked.append(asked)
        return Answer(status=200, body={"client": asked.client, "connection": asked.connection})

    second = push = first

    def job(self, connection: str, *_rest: Any) -> Answer:
        return Answer(status=200, body={"connection": connection})

    def state(self, asked: Any, *_rest: Any) -> Answer:
        return Answer(status=200, body={"connection": getattr(asked, "connection", asked)})

    erase = state


class House:
    """`now` is moved by hand, for the clock and for the limits alike."""

    def __init__(self, store: SqlStore) -> None:
        self.store = store
        self.now = START
        self.echo = Echo()
        self.url = ""
        self.seen: list[str] = []

    def clock(self) -> datetime:
        return self.now

    def steady(self) -> float:
        return self.now.timestamp()

    def count(self, group: str, status: int) -> None:
        self.seen.append(f"{group} {status}")

    def later(self, **much: float) -> None:
        self.now += timedelta(**much)

    def token(self, *scopes: str, name: str = "", connection: str = "erp", lasts: timedelta | None = None) -> str:
        secret = new_token()
        name = name or f"t{len(self.store.access.tokens())}"
        ends = None if lasts is None else self.now + lasts
        new = NewToken(name=name, hash=hash_of(secret), scopes=scopes, connection=connection, expires_at=ends)
        assert self.store.access.add_token(new, "cli:ada", self.now)
        return secret

    def user(self, name: str, role: Role = Role.OPERATOR) -> None:
        made = KeptUser(id=0, name=name, role=role, password=CHEAP.hash(PASSWORD), created_at=self.now)
        assert self.store.users.add(made, "cli:ada", self.now)

    def client(self, token: str = "", **more: Any) -> httpx.Client:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        return httpx.Client(base_url=self.url, headers=headers, timeout=30, **more)

    def ask(self, path: str, token: str = "", method: str = "GET", **more: Any) -> httpx.Response:
        with self.client(token) as client:
            return client.request(method, path, **more)

    def push(self, token: str = "", **more: Any) -> httpx.Response:
        return self.ask(STOCK, token, "POST", **({"json": {"items": []}} | more))

    def trail(self) -> list[dict[str, Any]]:
        return [row for row in self.store.audit_export(bodies=True) if row.get("entity_type") in {"user", "token"}]


def own_routes() -> list[HTTPRouteHandler | Router]:
    """As the operations API and the console have them."""

    def told(request: Request[Any, Any, Any]) -> Response[Any]:
        return Response({"actor": who(request).actor}, status_code=200)

    def paged(request: Request[Any, Any, Any]) -> Response[bytes]:
        found = who(request)
        return page(f"<p>{found.actor}</p><i>{found.csrf if isinstance(found, Person) else ''}</i>")

    async def look(request: Request[Any, Any, Any]) -> Response[Any]:
        return told(request)

    @post("/act", guards=[needs(Permission.OPERATE)])
    async def deep(request: Request[Any, Any, Any]) -> Response[Any]:
        return told(request)

    async def act(request: Request[Any, Any, Any]) -> Response[Any]:
        return told(request)

    async def approve(request: Request[Any, Any, Any]) -> Response[Any]:
        return told(request)

    async def manage(request: Request[Any, Any, Any]) -> Response[Any]:
        return told(request)

    async def home(request: Request[Any, Any, Any]) -> Response[bytes]:
        return paged(request)

    async def bare(request: Request[Any, Any, Any]) -> Response[str]:
        return Response("<p>made by another</p>", media_type="text/html")

    async def take(request: Request[Any, Any, Any]) -> Response[Any]:
        return Response({"bytes": len(await request.body())}, status_code=200)

    return [
        Router("/api/v1/deep", guards=[needs(Permission.READ)], route_handlers=[deep]),
        get("/api/v1/look", guards=[needs(Permission.READ)])(look),
        post("/api/v1/act", guards=[needs(Permission.OPERATE)])(act),
        post("/api/v1/approve", guards=[needs(Permission.APPROVE)])(approve),
        post("/api/v1/manage", guards=[needs(Permission.ADMIN)])(manage),
        post("/api/v1/take", guards=[needs(Permission.READ)])(take),
        get("/console", guards=[needs(Permission.READ, page=True)])(home),
        post("/console/act", guards=[needs(Permission.OPERATE, page=True)])(act),
        get("/console/bare")(bare),
    ]


class _Nowhere:
    def offer(self, *_args: Any) -> Any:
        raise AssertionError("a webhook was taken")


@contextmanager
def house_of(
    url: str,
    *,
    clients: tuple[Client, ...] = (),
    limits: Limits | None = None,
    rules: Mapping[str, Rules] | None = None,
    trusted: tuple[str, ...] = (),
    login: LoginRules | None = None,
    sign_on: SignOn | None = None,
) -> Iterator[House]:
    engine = open_engine(url)
    migrate(engine)
    house = House(SqlStore(engine, Envelope(b"k" * 32)))
    cookies = Cookies(secure=False)
    logins = Logins(house.store.users, CHEAP, login or LoginRules(), house.clock)
    doorman = Doorman(
        lambda: clients,
        house.store.access,
        limits or Limits(known={}),
        house.clock,
        house.steady,
        sessions=logins,
        cookie=cookies.session,
    )
    echo: Any = house.echo
    handlers: list[HTTPRouteHandler | Router] = [
        *erp_routes(cast("Pushes", echo), 10_000),
        *document_routes(cast("Documents", echo)),
        *bulk_routes(cast("BulkStates", echo)),
        *customer_routes(cast("Customers", echo)),
        *own_routes(),
        *login_routes(logins, cookies, sign_on),
    ]
    registry = CollectorRegistry()
    hooks = Webhooks({}, _Nowhere(), house.clock, body_limit=1000, registry=registry)
    app = create_app(hooks, lambda: {"status": "ok"}, registry, handlers, doorman, PLAIN.refused)
    proxies: tuple[Network, ...] = networks(trusted)
    server = ApiServer(Gate(app, rules or {}, proxies, doorman, house.steady, refused=house.count), "127.0.0.1", 0)
    server.start()
    house.url = server.url
    try:
        yield house
    finally:
        server.stop()
        house.store.close()
