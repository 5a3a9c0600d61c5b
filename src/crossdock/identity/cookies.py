"""The cookies: a session; what binds the login form, and the answer of an OIDC provider, to the browser that asked."""

from __future__ import annotations

from litestar.datastructures import Cookie

from crossdock.model.base import Record

BOUND_SECONDS = 600


class Cookies(Record, frozen=True, kw_only=True):
    """`secure`: over https only. The names tell browsers to hold to it (RFC 6265bis, __Host-)."""

    secure: bool = True

    @property
    def session(self) -> str:
        """Its name."""
        return "__Host-crossdock" if self.secure else "crossdock"

    @property
    def sign_on(self) -> str:
        """Its name."""
        return "__Host-crossdock-oidc" if self.secure else "crossdock-oidc"

    @property
    def form(self) -> str:
        """Its name."""
        return "__Host-crossdock-form" if self.secure else "crossdock-form"

    def keep(self, secret: str) -> Cookie:
        """Until the browser is closed; how long the session holds is the database's affair."""
        return Cookie(key=self.session, value=secret, path="/", httponly=True, secure=self.secure, samesite="lax")

    def bind(self, name: str, secret: str) -> Cookie:
        """Lax, since the browser may come back from another site."""
        return Cookie(
            key=name,
            value=secret,
            path="/",
            httponly=True,
            secure=self.secure,
            samesite="lax",
            max_age=BOUND_SECONDS,
        )

    def drop(self, name: str) -> Cookie:
        """It is gone."""
        return Cookie(key=name, value="", path="/", httponly=True, secure=self.secure, samesite="lax", max_age=0)
