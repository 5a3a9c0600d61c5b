"""What stands at a handler: `guards=[needs(Permission.READ)]`; then `who(request)` says who it is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, cast

from litestar import Request
from litestar.connection import ASGIConnection
from litestar.handlers import BaseRouteHandler

from crossdock.identity.doorman import Doorman
from crossdock.identity.refusals import Forbidden, Refusal, Unauthenticated
from crossdock.security.access import Permission, Person, Token, Who, may

DOORMAN = "doorman"  # its place in the application's state
WHO = "crossdock.who"


@dataclass(frozen=True)
class Needs:
    """A guard that tells what it asks for."""

    permission: Permission
    page: bool = False

    async def __call__(self, connection: ASGIConnection[Any, Any, Any, Any], _handler: BaseRouteHandler) -> None:
        """401 unknown, 403 not allowed, 429 too often."""
        try:
            # a guard of an HTTP handler is given its request
            connection.scope[WHO] = await _let_in(  # type: ignore[literal-required]  # a key of ours
                cast("Request[Any, Any, Any]", connection), self.permission
            )
        except Refusal as refusal:
            refusal.page = self.page
            raise


def needs(permission: Permission, *, page: bool = False) -> Needs:
    """Lets in only who has the permission.

    `page`: whoever is not logged in is led to the login instead of a 401, and other refusals are pages too.
    """
    return Needs(permission, page)


async def _let_in(request: Request[Any, Any, Any], permission: Permission) -> Who:
    """Of several guards, a router's and a handler's, the first asks who it is; a request is counted once."""
    doorman = cast("Doorman | None", request.app.state.get(DOORMAN))
    if doorman is None:
        raise Unauthenticated
    known = request.scope.get(WHO)
    found = known if isinstance(known, Person | Token) else await doorman.admit(request)
    if not may(found, permission):
        raise Forbidden(f"this needs {permission}")
    return found


def who(request: ASGIConnection[Any, Any, Any, Any]) -> Who:
    """Who was let in by a guard. Raises Unauthenticated where none stood there."""
    found = request.scope.get(WHO)
    if not isinstance(found, Person | Token):
        raise Unauthenticated
    return found


def client_of(request: ASGIConnection[Any, Any, Any, Any]) -> Token:
    """The same where only programs come in: what an ERP pushes. Raises Forbidden for a person."""
    found = who(request)
    if not isinstance(found, Token) or not found.connection:
        raise Forbidden("only a token of a connection can push")
    return found
