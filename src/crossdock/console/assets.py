"""Stylesheet, scripts and pictures, each at an address that holds a digest of its content: kept by browsers for a year.

The htmx library comes from the package that carries it, as its authors published it; nothing is fetched at run time.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Annotated

from litestar import Response, get
from litestar.exceptions import NotFoundException
from litestar.handlers import HTTPRouteHandler
from litestar.params import PathParameter

from crossdock.model.base import Record

PATH = "/console/static"
HTMX = "htmx.min.js"
KINDS = {"css": "text/css", "js": "text/javascript", "svg": "image/svg+xml"}
Part = Annotated[str, PathParameter(max_length=100)]
HEADERS = {"Cache-Control": "public, max-age=31536000, immutable", "X-Content-Type-Options": "nosniff"}


class Asset(Record, frozen=True, kw_only=True):
    """One file. `path` is its address."""

    path: str
    kind: str
    body: bytes


def assets() -> Mapping[str, Asset]:
    """By name, read once."""
    ours = [one for one in (files("crossdock.console") / "static").iterdir() if one.name[:1] != "."]
    htmx = files("js_lib_htmx") / "static" / "htmx" / HTMX
    return {one.name: _asset(one) for one in sorted([*ours, htmx], key=lambda one: one.name)}


def _asset(file: Traversable) -> Asset:
    body = file.read_bytes()
    digest = hashlib.sha256(body).hexdigest()[:16]
    return Asset(path=f"{PATH}/{digest}/{file.name}", kind=KINDS[file.name.rpartition(".")[2]], body=body)


def asset_route(kept: Mapping[str, Asset]) -> HTTPRouteHandler:
    """For everybody: the login page needs them too, and they tell nothing."""
    by_path = {one.path: one for one in kept.values()}

    @get(f"{PATH}/{{digest:str}}/{{name:str}}", include_in_schema=False, sync_to_thread=False)
    def asset(digest: Part, name: Part) -> Response[bytes]:
        found = by_path.get(f"{PATH}/{digest}/{name}")
        if found is None:
            raise NotFoundException
        return Response(found.body, media_type=found.kind, headers=HEADERS)

    return asset


__all__ = ["Asset", "asset_route", "assets"]
