"""/console/bulks: what targets have of ours in their own queues, and how far they are."""

from __future__ import annotations

from typing import Annotated

from litestar import Controller, Response, get
from litestar.params import PathParameter

from crossdock.console.frame import Asking
from crossdock.console.pages.overview import Framed, Here
from crossdock.identity.guards import needs
from crossdock.operations import bulks
from crossdock.security.access import Permission

Name = Annotated[str, PathParameter(max_length=40)]
Ticket = Annotated[str, PathParameter(max_length=64)]


class BulkRuns(Controller):
    """Bulks that are not known to have ended."""

    path = "/bulks"
    guards = [needs(Permission.READ, page=True)]  # noqa: RUF012

    @get("/", sync_to_thread=True)
    def show(self, request: Asking, desk: Here, frame: Framed) -> Response[bytes]:
        """Oldest first for each connection."""
        return frame.page(request, "pages/bulks.html", here="bulks", title="Bulk runs", found=bulks.every(desk))

    @get("/{name:str}/{ticket:str}", sync_to_thread=True)
    def show_one(self, request: Asking, desk: Here, frame: Framed, name: Name, ticket: Ticket) -> Response[bytes]:
        """Asked of the target now."""
        found = bulks.progress(desk, name, ticket)
        return frame.page(request, "pages/bulk.html", here="bulks", title=f"Bulk of {name}", found=found)


__all__ = ["BulkRuns"]
