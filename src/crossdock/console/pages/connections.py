"""/console/connections: pausing and resuming a connected system, and asking whether it answers."""

from __future__ import annotations

from typing import Annotated

from litestar import Controller, Response, get, post
from litestar.params import PathParameter, URLEncodedBody

from crossdock.console.acts import Act, Reason, ask, ask_again
from crossdock.console.frame import Asking
from crossdock.console.pages.overview import Framed, Here
from crossdock.console.told import done
from crossdock.errors import MappingError
from crossdock.identity.guards import needs, who
from crossdock.operations import connections
from crossdock.operations.desk import line
from crossdock.security.access import Permission

Name = Annotated[str, PathParameter(max_length=40)]
HOME = "/console"


class Connections(Controller):
    """One connected system."""

    path = "/connections/{name:str}"
    guards = [needs(Permission.READ, page=True)]  # noqa: RUF012
    operate = [needs(Permission.OPERATE, page=True)]  # noqa: RUF012

    @post("/probe", status_code=200, sync_to_thread=True)
    def probe(self, request: Asking, desk: Here, frame: Framed, name: Name) -> Response[bytes]:
        """Asked now; nothing is changed there."""
        found = connections.probe(desk, name)
        return frame.page(request, "pages/probed.html", here="overview", title=f"Does {name} answer?", found=found)

    @get("/pause", guards=operate, sync_to_thread=True)
    def ask_pause(self, request: Asking, desk: Here, frame: Framed, name: Name) -> Response[bytes]:
        """Why?"""
        connections.one(desk, name)
        return ask(frame, request, pausing(name), here="overview")

    @post("/pause", guards=operate, sync_to_thread=True)
    def pause(
        self, request: Asking, desk: Here, frame: Framed, name: Name, data: URLEncodedBody[Reason]
    ) -> Response[bytes]:
        """Nothing is sent to it until it is resumed."""
        try:
            switched = connections.pause(desk, name, who(request).actor, data.why)
        except MappingError as error:
            return ask_again(frame, request, pausing(name), error, here="overview", why=data.why)
        return done(HOME, "paused" if switched.changed else "as-it-was")

    @get("/resume", guards=operate, sync_to_thread=True)
    def ask_resume(self, request: Asking, desk: Here, frame: Framed, name: Name) -> Response[bytes]:
        """Why?"""
        return ask(frame, request, resuming(connections.one(desk, name)), here="overview")

    @post("/resume", guards=operate, sync_to_thread=True)
    def resume(
        self, request: Asking, desk: Here, frame: Framed, name: Name, data: URLEncodedBody[Reason]
    ) -> Response[bytes]:
        """What waited goes."""
        try:
            switched = connections.resume(desk, name, who(request).actor, data.why)
        except MappingError as error:
            return ask_again(
                frame, request, resuming(connections.one(desk, name)), error, here="overview", why=data.why
            )
        return done(HOME, "resumed" if switched.changed else "as-it-was")


def pausing(name: str) -> Act:
    """Send nothing to it."""
    return Act(
        title=f"Pause {name}",
        verb="Pause",
        path=f"{HOME}/connections/{name}/pause",
        back=HOME,
        facts=(("What happens", "Nothing is sent to it until somebody resumes it. What comes in is kept and waits."),),
        cli=line("pause", name, "--why", "…"),
    )


def resuming(found: connections.Connected) -> Act:
    """Go on."""
    paused = found.paused
    stood = ((f"Paused by {paused.by}", paused.why),) if paused else ()
    return Act(
        title=f"Resume {found.name}",
        verb="Resume",
        path=f"{HOME}/connections/{found.name}/resume",
        back=HOME,
        facts=(*stood, ("What happens", "What waited goes now, in its order.")),
        cli=line("resume", found.name),
    )
