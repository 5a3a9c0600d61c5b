"""/console/incidents: what is wrong, since when, who was told of it; saying that somebody is at it."""

from __future__ import annotations

from typing import Annotated

from litestar import Controller, Response, get, post
from litestar.params import PathParameter, QueryParameter, URLEncodedBody

from crossdock.console.acts import Act, Reason, ask
from crossdock.console.frame import Asking
from crossdock.console.pages.overview import Framed, Here
from crossdock.console.told import done
from crossdock.errors import MappingError
from crossdock.identity.guards import needs, who
from crossdock.operations import incidents
from crossdock.operations.desk import Desk, line
from crossdock.security.access import Permission
from crossdock.storage.sql_incidents import NEWEST

PATH = "/console/incidents"
SHOWN = 50
Number = Annotated[int, PathParameter(ge=1, le=2**53 - 1)]
Before = Annotated[int, QueryParameter(ge=1, le=NEWEST)]


class Incidents(Controller):
    """Causes, not rows."""

    path = "/incidents"
    guards = [needs(Permission.READ, page=True)]  # noqa: RUF012
    operate = [needs(Permission.OPERATE, page=True)]  # noqa: RUF012

    @get("/", sync_to_thread=True)
    def show(
        self,
        request: Asking,
        desk: Here,
        frame: Framed,
        which: Annotated[str, QueryParameter(name="state", max_length=10)] = "open",
        before: Before = NEWEST,
    ) -> Response[bytes]:
        """Open ones by their severity; those that are over newest first."""
        found = incidents.every(desk, which, before, SHOWN)
        return frame.page(
            request,
            "pages/incidents.html",
            here="incidents",
            title="Incidents",
            found=found,
            which=which,
            next=found[-1].id if which != "open" and len(found) == SHOWN else None,
            path=PATH,
        )

    @get("/{number:int}", sync_to_thread=True)
    def show_one(self, request: Asking, desk: Here, frame: Framed, number: Number) -> Response[bytes]:
        """With every message of it."""
        shown = incidents.one(desk, number)
        title = f"Incident {number}"
        return frame.page(request, "pages/incident.html", here="incidents", title=title, shown=shown, path=PATH)

    @get("/{number:int}/acknowledge", guards=operate, sync_to_thread=True)
    def ask_acknowledge(self, request: Asking, desk: Here, frame: Framed, number: Number) -> Response[bytes]:
        """Why?"""
        return ask(frame, request, acknowledging(desk, number), here="incidents")

    @post("/{number:int}/acknowledge", guards=operate, sync_to_thread=True)
    def acknowledge(
        self, request: Asking, desk: Here, frame: Framed, number: Number, data: URLEncodedBody[Reason]
    ) -> Response[bytes]:
        """Somebody is at it."""
        try:
            found = incidents.acknowledge(desk, number, who(request).actor, data.why)
        except MappingError as error:
            told = f"The reason {error.reason}."
            return ask(frame, request, acknowledging(desk, number), here="incidents", why=data.why, error=told)
        return done(f"{PATH}/{number}", "acknowledged" if found.changed else "as-it-was")


def acknowledging(desk: Desk, number: int) -> Act:
    """It is not passed on to others."""
    found = incidents.one(desk, number).incident
    told = "Nobody else is told of it because of its age, and it is told anew only once it is ten times as large."
    return Act(
        title=f"Say that you are at incident {number}",
        verb="I am at it",
        path=f"{PATH}/{number}/acknowledge",
        back=f"{PATH}/{number}",
        facts=(("What is wrong", found.summary), ("What happens", told)),
        cli=line("incidents", "acknowledge", number, "--why", "…"),
    )


__all__ = ["Incidents"]
