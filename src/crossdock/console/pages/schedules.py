"""/console/schedules: when flows are read from their sources, and whether that happened; pausing and resuming."""

from __future__ import annotations

from litestar import Controller, Response, get, post
from litestar.params import URLEncodedBody

from crossdock.console.acts import Act, ask, ask_again
from crossdock.console.frame import Asking
from crossdock.console.pages.deliveries import Word
from crossdock.console.pages.overview import Framed, Here
from crossdock.console.told import done
from crossdock.errors import MappingError
from crossdock.identity.guards import needs, who
from crossdock.model.base import Record
from crossdock.operations import schedules
from crossdock.operations.desk import line
from crossdock.security.access import Permission

PATH = "/console/schedules"


class Because(Record, frozen=True, kw_only=True):
    """The form: a road, and the reason."""

    route: str
    why: str = ""


class Schedules(Controller):
    """Reading by the clock."""

    path = "/schedules"
    guards = [needs(Permission.READ, page=True)]  # noqa: RUF012
    operate = [needs(Permission.OPERATE, page=True)]  # noqa: RUF012

    @get("/", sync_to_thread=True)
    def show(self, request: Asking, desk: Here, frame: Framed) -> Response[bytes]:
        """Next and last run, what it came to, what was missed."""
        found = schedules.every(desk)
        return frame.page(request, "pages/schedules.html", here="schedules", title="Schedules", found=found)

    @get("/run", guards=operate, sync_to_thread=True)
    def ask_run(self, request: Asking, frame: Framed, route: Word) -> Response[bytes]:
        """Why?"""
        return ask(frame, request, running(route), here="schedules")

    @post("/run", guards=operate, sync_to_thread=True)
    def run(self, request: Asking, desk: Here, frame: Framed, data: URLEncodedBody[Because]) -> Response[bytes]:
        """Goes on behind the answer."""
        try:
            found = schedules.run(desk, data.route, who(request).actor, data.why)
        except MappingError as error:
            return ask_again(frame, request, running(data.route), error, here="schedules", why=data.why)
        return done(PATH, "reading" if found.begun else "being-read")

    @get("/pause", guards=operate, sync_to_thread=True)
    def ask_pause(self, request: Asking, frame: Framed, route: Word) -> Response[bytes]:
        """Why?"""
        return ask(frame, request, pausing(route), here="schedules")

    @post("/pause", guards=operate, sync_to_thread=True)
    def pause(self, request: Asking, desk: Here, frame: Framed, data: URLEncodedBody[Because]) -> Response[bytes]:
        """Until it is resumed."""
        try:
            found = schedules.pause(desk, data.route, who(request).actor, data.why)
        except MappingError as error:
            return ask_again(frame, request, pausing(data.route), error, here="schedules", why=data.why)
        return done(PATH, "schedule-paused" if found.changed else "as-it-was")

    @get("/resume", guards=operate, sync_to_thread=True)
    def ask_resume(self, request: Asking, frame: Framed, route: Word) -> Response[bytes]:
        """Why?"""
        return ask(frame, request, resuming(route), here="schedules")

    @post("/resume", guards=operate, sync_to_thread=True)
    def resume(self, request: Asking, desk: Here, frame: Framed, data: URLEncodedBody[Because]) -> Response[bytes]:
        """What came due meanwhile is caught up, once."""
        try:
            found = schedules.resume(desk, data.route, who(request).actor, data.why)
        except MappingError as error:
            return ask_again(frame, request, resuming(data.route), error, here="schedules", why=data.why)
        return done(PATH, "schedule-resumed" if found.changed else "as-it-was")


def running(route: str) -> Act:
    """Read it now."""
    return Act(
        title=f"Read {route} now",
        verb="Read now",
        path=f"{PATH}/run",
        back=PATH,
        facts=(("What happens", "What has changed since the last reading is read. It goes on behind this page."),),
        hidden={"route": route},
        cli=line("schedule", "run", route),
    )


def pausing(route: str) -> Act:
    """Read it no more."""
    return Act(
        title=f"Pause {route}",
        verb="Pause",
        path=f"{PATH}/pause",
        back=PATH,
        facts=(("What happens", "It is read no more until somebody resumes it. A run under way ends as it would."),),
        hidden={"route": route},
        cli=line("schedule", "pause", route, "--why", "…"),
    )


def resuming(route: str) -> Act:
    """Go on."""
    return Act(
        title=f"Resume {route}",
        verb="Resume",
        path=f"{PATH}/resume",
        back=PATH,
        facts=(("What happens", "It is read by its schedule again. What came due meanwhile is caught up, once."),),
        hidden={"route": route},
        cli=line("schedule", "resume", route),
    )


__all__ = ["Schedules"]
