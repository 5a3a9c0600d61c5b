"""The pages of logging in, and how any page of the console is answered.

What they look like is given from outside (`Looks`); what they do is here. No script is needed for any of it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from html import escape
from typing import Any

import anyio
import anyio.to_thread
import structlog
from litestar import Request, Response, get, post
from litestar.datastructures import Cookie
from litestar.handlers import HTTPRouteHandler

from crossdock.errors import DeliveryError, SignatureError, StorageError
from crossdock.identity.cookies import Cookies
from crossdock.identity.guards import needs, who
from crossdock.identity.logins import Logins
from crossdock.identity.refusals import LOGIN, Forbidden
from crossdock.identity.seen import address_in
from crossdock.identity.sign_on import NoRole, SignOn
from crossdock.security.access import Permission, Person
from crossdock.security.headers import HTML
from crossdock.security.oidc import CALLBACK
from crossdock.security.users import csrf_of, is_of_form, new_session

log = structlog.get_logger("crossdock.identity")
HOME, LOGOUT, SIGN_ON = "/console", "/console/logout", "/console/oidc"
WRONG = "The name or the password is wrong, or there were too many attempts. Try again later."
NOT_LET_IN = "The login by your provider did not work. Try again."
NO_ROLE = "Your provider knows you, but you have no role here. Ask an administrator."
AWAY = "It cannot be told now who you are. Try again in a moment."
ELSEWHERE = "This form was not sent from this page. Load it again."
FORM_SECRET = re.compile(r"[A-Za-z0-9_-]{43}")
THREADS = 4


@dataclass(frozen=True)
class LoginView:
    """What the login page shows: a form with `name`, `password`, `csrf`, sent by POST to LOGIN; a link to SIGN_ON."""

    csrf: str
    error: str = ""
    signs_on: bool = False


@dataclass(frozen=True)
class Looks:
    """A function for each page: it makes whole HTML, with every text of its view escaped."""

    login: Callable[[LoginView], str]
    refused: Callable[[int, str], str]


def plain_login(view: LoginView) -> str:
    """Without style."""
    told = f'<p role="alert">{escape(view.error)}</p>' if view.error else ""
    link = f'<p><a href="{SIGN_ON}">Log in with your provider</a></p>' if view.signs_on else ""
    form = (
        f'<form method="post" action="{LOGIN}"><input type="hidden" name="csrf" value="{escape(view.csrf)}">'
        '<p><label>Name <input name="name" autocomplete="username" required autofocus></label></p>'
        '<p><label>Password <input name="password" type="password" autocomplete="current-password" required>'
        "</label></p>"
        '<p><button type="submit">Log in</button></p></form>'
    )
    head = '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Log in to Crossdock</title></head>'
    return f"{head}<body><main><h1>Crossdock</h1>{told}{form}{link}</main></body></html>"


def plain_refused(status: int, detail: str) -> str:
    """Without style."""
    head = f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{status}</title></head>'
    return f"{head}<body><main><h1>{status}</h1><p>{escape(detail)}</p></main></body></html>"


PLAIN = Looks(login=plain_login, refused=plain_refused)


def page(html: str, status: int = 200, cookies: Sequence[Cookie] = ()) -> Response[bytes]:
    """Any page of the console, with all that a browser is to be told of it."""
    return Response(
        html.encode(),
        status_code=status,
        media_type="text/html",
        headers=dict(HTML),
        cookies=list(cookies),
    )


def led_to(where: str, cookies: Sequence[Cookie] = ()) -> Response[bytes]:
    """See other."""
    headers = {"location": where, "cache-control": "no-store", "referrer-policy": "no-referrer"}
    return Response(b"", status_code=303, headers=headers, cookies=list(cookies))


def login_routes(
    logins: Logins, cookies: Cookies, sign_on: SignOn | None = None, looks: Looks = PLAIN
) -> list[HTTPRouteHandler]:
    """Login, logout, and both halves of a login by a provider where there is one."""
    threads = anyio.CapacityLimiter(THREADS)
    form_of = partial(_form_of, looks, cookies, sign_on is not None)

    @get(LOGIN, include_in_schema=False, sync_to_thread=False)
    def show(request: Request[Any, Any, Any]) -> Response[bytes]:
        return form_of(request, "", 200)

    @post(LOGIN, include_in_schema=False, status_code=200)
    async def enter(request: Request[Any, Any, Any]) -> Response[bytes]:
        form = await request.form()
        name, password, csrf = (_text(form.get(one)) for one in ("name", "password", "csrf"))
        if not is_of_form(csrf, request.cookies.get(cookies.form, "")):
            return form_of(request, ELSEWHERE, 403)
        if not name or not password:
            return form_of(request, WRONG, 401)
        old = request.cookies.get(cookies.session, "")
        act = partial(logins.log_in, name, password, address_in(request.scope), old)
        try:
            secret = await anyio.to_thread.run_sync(act, limiter=threads)
        except StorageError:
            log.exception("a login failed")
            return form_of(request, AWAY, 503)
        if not secret:
            return form_of(request, WRONG, 401)
        return led_to(HOME, [cookies.keep(secret), cookies.drop(cookies.form)])

    @post(LOGOUT, include_in_schema=False, status_code=303, guards=[needs(Permission.READ)])
    async def leave(request: Request[Any, Any, Any]) -> Response[bytes]:
        found = who(request)
        if not isinstance(found, Person):
            raise Forbidden("only a person logs out")
        await anyio.to_thread.run_sync(partial(logins.log_out, found), limiter=threads)
        return led_to(LOGIN, [cookies.drop(cookies.session)])

    routes: list[HTTPRouteHandler] = [show, enter, leave]
    return routes if sign_on is None else [*routes, *_sign_on_routes(logins, cookies, sign_on, form_of, threads)]


def _form_of(
    looks: Looks, cookies: Cookies, signs_on: bool, request: Request[Any, Any, Any], error: str, status: int
) -> Response[bytes]:
    """The login page; its form holds for the browser that it is given to."""
    secret = request.cookies.get(cookies.form, "")
    if not FORM_SECRET.fullmatch(secret):
        secret = new_session()
    html = looks.login(LoginView(csrf=csrf_of(secret), error=error, signs_on=signs_on))
    return page(html, status, [cookies.bind(cookies.form, secret)])


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _sign_on_routes(
    logins: Logins,
    cookies: Cookies,
    sign_on: SignOn,
    form_of: Callable[[Request[Any, Any, Any], str, int], Response[bytes]],
    threads: anyio.CapacityLimiter,
) -> list[HTTPRouteHandler]:
    @get(SIGN_ON, include_in_schema=False)
    async def begin(request: Request[Any, Any, Any]) -> Response[bytes]:
        try:
            secret, where = await anyio.to_thread.run_sync(sign_on.begin, limiter=threads)
        except (SignatureError, DeliveryError) as error:
            log.warning("the provider cannot be asked", code=error.code, detail=str(error))
            return form_of(request, AWAY, 503)
        return led_to(where, [cookies.bind(cookies.sign_on, secret)])

    @get(CALLBACK, include_in_schema=False)
    async def come_back(request: Request[Any, Any, Any]) -> Response[bytes]:
        # a parameter that comes twice is none: RFC 6749, 3.1
        answer = {name: values[0] for name, values in request.query_params.dict().items() if len(values) == 1}
        bound, old = request.cookies.get(cookies.sign_on, ""), request.cookies.get(cookies.session, "")

        def act() -> str | None:
            return logins.let_in(sign_on.end(bound, answer), old)

        try:
            secret = await anyio.to_thread.run_sync(act, limiter=threads)
        except NoRole:
            return form_of(request, NO_ROLE, 403)
        except SignatureError as error:
            log.warning("a provider's answer is refused", detail=str(error))
            return form_of(request, NOT_LET_IN, 401)
        except (DeliveryError, StorageError) as error:
            log.warning("a provider's answer cannot be judged", code=error.code, detail=str(error))
            return form_of(request, AWAY, 503)
        if not secret:
            return form_of(request, NOT_LET_IN, 401)
        return led_to(HOME, [cookies.keep(secret), cookies.drop(cookies.sign_on)])

    return [begin, come_back]


__all__ = ["HOME", "LOGIN", "LOGOUT", "PLAIN", "SIGN_ON", "LoginView", "Looks", "led_to", "login_routes", "page"]
