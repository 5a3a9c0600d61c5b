"""What is around each page: layout, navigation, who looks, and what an action came to."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.metadata import version
from typing import Any, cast

from jinja2 import Environment, PackageLoader, StrictUndefined
from litestar import Request, Response

from crossdock.console import words
from crossdock.console.assets import Asset
from crossdock.console.navigation import entries_for
from crossdock.console.told import text_of
from crossdock.errors import CrossdockError
from crossdock.identity.guards import WHO, who
from crossdock.identity.pages import page
from crossdock.operations.desk import Desk
from crossdock.operations.overview import dead_count
from crossdock.security.access import Permission, Person, Who, may

Asking = Request[Any, Any, Any]


class Frame:
    """Safe for many threads. Templates escape whatever they are given; a name that is not given is an error."""

    def __init__(self, desk: Desk, assets: Mapping[str, Asset]) -> None:
        self._desk = desk
        self._templates = Environment(
            loader=PackageLoader("crossdock.console"),
            autoescape=True,
            undefined=StrictUndefined,
            auto_reload=False,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._templates.filters.update(words.FILTERS)
        self._templates.globals.update(words.GLOBALS)
        self._templates.globals["asset"] = lambda name: assets[name].path
        self._templates.globals["version"] = version("crossdock")

    def page(
        self, request: Asking, template: str, *, here: str, title: str, status: int = 200, **told: Any
    ) -> Response[bytes]:
        """A page of somebody who is let in. `here`: its entry of the navigation. `told`: what its template shows."""
        asks = who(request)
        return page(self.html(template, **self._around(request, asks), here=here, title=title, **told), status)

    def html(self, template: str, **told: Any) -> str:
        """A template alone."""
        return self._templates.get_template(template).render(told)

    def trouble(self, request: Asking, status: int, title: str, detail: str, code: str = "") -> Response[bytes]:
        """What could not be shown or done, and why; with the navigation for whoever is let in."""
        told: dict[str, Any] = {"status": status, "title": title, "detail": detail, "code": code}
        if WHO not in request.scope:
            return page(self.html("refused.html", **told), status)
        return page(self.html("trouble.html", **self._around(request, who(request)), here="", **told), status)

    def _counts(self) -> dict[str, int]:
        """Beside the entries of the menu; none where it cannot be told: the page may be the one that says so."""
        try:
            return {"dead": dead_count(self._desk)}
        except CrossdockError:
            return {}

    def _around(self, request: Asking, asks: Who) -> dict[str, Any]:
        return {
            "person": asks.name,
            "role": asks.role if isinstance(asks, Person) else "token",
            "csrf": asks.csrf if isinstance(asks, Person) else "",
            "may": {one.name.lower(): may(asks, one) for one in Permission},
            "menu": entries_for(asks),
            "counts": self._counts(),
            "done": text_of(cast("Mapping[str, str]", request.query_params)),
        }


def is_part(request: Asking) -> bool:
    """Whether a script asks for what goes into a dialog, not a browser for a page."""
    return "hx-request" in request.headers


__all__ = ["Asking", "Frame", "is_part"]
