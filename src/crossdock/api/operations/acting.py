"""/api/v1: connections, held feeds, bulks, schedules."""

from __future__ import annotations

from typing import Annotated

from litestar import Controller, get, post
from litestar.params import JSONBody, PathParameter, QueryParameter

from crossdock.api.operations.described import shows
from crossdock.api.operations.examples import acting as examples
from crossdock.api.operations.seeing import Asking, Here
from crossdock.identity.guards import needs, who
from crossdock.model.base import Record
from crossdock.operations import bulks, connections, held, schedules
from crossdock.security.access import Permission

Name = Annotated[str, PathParameter(description="The connection's name", max_length=40)]
Ticket = Annotated[str, PathParameter(description="As the target has named it", max_length=64)]
FeedNumber = Annotated[int, PathParameter(description="The feed's number", ge=1, le=2**53 - 1)]


class Because(Record, frozen=True, kw_only=True):
    """The reason; it is kept in the audit trail."""

    why: str


class RouteBecause(Record, frozen=True, kw_only=True):
    """Of a road that is read: SOURCE/TARGET/FLOW, or the flow alone where only one is."""

    route: str
    why: str


class Connections(Controller):
    """The connected systems."""

    path = "/connections"
    guards = [needs(Permission.READ)]  # noqa: RUF012
    tags = ["Connections"]  # noqa: RUF012

    @get(
        "/",
        sync_to_thread=True,
        operation_id="connections",
        operation_class=shows([examples.CONNECTED]),
        summary="The connected systems",
    )
    def every(self, desk: Here) -> list[connections.Connected]:
        """What each can do, whether it is paused, and how fast this process uses it."""
        return connections.every(desk)

    @get(
        "/{name:str}",
        sync_to_thread=True,
        operation_id="connection",
        operation_class=shows(examples.CONNECTED, refused=[404]),
        summary="One of them",
    )
    def one(self, desk: Here, name: Name) -> connections.Connected:
        """By its name."""
        return connections.one(desk, name)

    @post(
        "/{name:str}/probe",
        status_code=200,
        sync_to_thread=True,
        operation_id="probe",
        operation_class=shows(examples.PROBE, refused=[404]),
        summary="Does it answer, and know us?",
    )
    def probe(self, desk: Here, name: Name) -> connections.Probe:
        """Asked now; nothing is changed there."""
        return connections.probe(desk, name)

    @post(
        "/{name:str}/pause",
        status_code=200,
        guards=[needs(Permission.OPERATE)],
        sync_to_thread=True,
        operation_id="pause",
        operation_class=shows(examples.SWITCHED, body=examples.WHY, refused=[404]),
        summary="Send nothing to it",
    )
    def pause(self, request: Asking, desk: Here, name: Name, data: JSONBody[Because]) -> connections.Switched:
        """Until it is resumed; what comes in waits. May be repeated."""
        return connections.pause(desk, name, who(request).actor, data.why)

    @post(
        "/{name:str}/resume",
        status_code=200,
        guards=[needs(Permission.OPERATE)],
        sync_to_thread=True,
        operation_id="resume",
        operation_class=shows(examples.SWITCHED, body=examples.WHY, refused=[404]),
        summary="Go on sending to it",
    )
    def resume(self, request: Asking, desk: Here, name: Name, data: JSONBody[Because]) -> connections.Switched:
        """May be repeated."""
        return connections.resume(desk, name, who(request).actor, data.why)


class Held(Controller):
    """Feeds that a guard has stopped."""

    path = "/held"
    guards = [needs(Permission.READ)]  # noqa: RUF012
    tags = ["Held feeds"]  # noqa: RUF012

    @get("/", sync_to_thread=True, operation_id="held", operation_class=shows(examples.HELD), summary="What is held")
    def every(self, desk: Here) -> list[held.Held]:
        """Oldest first."""
        return held.every(desk)

    @get(
        "/{number:int}/rows",
        sync_to_thread=True,
        operation_id="heldRows",
        operation_class=shows(examples.HELD_ROWS, refused=[404]),
        summary="The rows of a feed",
    )
    def rows(
        self,
        desk: Here,
        number: FeedNumber,
        after: Annotated[int, QueryParameter(ge=-1, le=2**31 - 1, description="Only rows behind this place")] = -1,
        limit: Annotated[int, QueryParameter(ge=1, le=1000)] = 100,
    ) -> list[held.Row]:
        """Those that are not simply unchanged."""
        return held.rows(desk, number, after, limit)

    @post(
        "/{number:int}/approve",
        status_code=200,
        guards=[needs(Permission.APPROVE)],
        sync_to_thread=True,
        operation_id="approve",
        operation_class=shows(examples.DECIDED, body=examples.WHY, refused=[404, 409]),
        summary="Let it go on",
    )
    def approve(self, request: Asking, desk: Here, number: FeedNumber, data: JSONBody[Because]) -> held.Decided:
        """All that it would change and that is not older than what stands by now. May be repeated."""
        return held.approve(desk, number, who(request).actor, data.why)

    @post(
        "/{number:int}/reject",
        status_code=200,
        guards=[needs(Permission.APPROVE)],
        sync_to_thread=True,
        operation_id="reject",
        operation_class=shows(examples.DECIDED, body=examples.WHY, refused=[404, 409]),
        summary="Never put it in place",
    )
    def reject(self, request: Asking, desk: Here, number: FeedNumber, data: JSONBody[Because]) -> held.Decided:
        """May be repeated."""
        return held.reject(desk, number, who(request).actor, data.why)


class Bulks(Controller):
    """What targets have of ours in their own queues."""

    path = "/bulks"
    guards = [needs(Permission.READ)]  # noqa: RUF012
    tags = ["Bulks"]  # noqa: RUF012

    @get(
        "/",
        sync_to_thread=True,
        operation_id="bulks",
        operation_class=shows(examples.BULKS),
        summary="Bulks that are not known to have ended",
    )
    def every(self, desk: Here) -> list[bulks.Bulk]:
        """Oldest first for each connection."""
        return bulks.every(desk)

    @get(
        "/{name:str}/{ticket:str}",
        sync_to_thread=True,
        operation_id="bulkProgress",
        operation_class=shows(examples.PROGRESS, refused=[404, 502]),
        summary="How far one is",
    )
    def progress(self, desk: Here, name: Name, ticket: Ticket) -> bulks.Progress:
        """Asked of the target now."""
        return bulks.progress(desk, name, ticket)


class Schedules(Controller):
    """When flows are read from their sources."""

    path = "/schedules"
    guards = [needs(Permission.READ)]  # noqa: RUF012
    tags = ["Schedules"]  # noqa: RUF012

    @get(
        "/",
        sync_to_thread=True,
        operation_id="schedules",
        operation_class=shows(examples.SCHEDULES),
        summary="When flows are read",
    )
    def every(self, desk: Here) -> list[schedules.Line]:
        """Next and last run, what it came to, what was missed."""
        return schedules.every(desk)

    @post(
        "/run",
        status_code=202,
        guards=[needs(Permission.OPERATE)],
        sync_to_thread=True,
        operation_id="runSchedule",
        operation_class=shows(examples.RUN_SCHEDULE, body=examples.ROUTE_WHY, refused=[404]),
        summary="Read it now",
    )
    def run(self, request: Asking, desk: Here, data: JSONBody[RouteBecause]) -> schedules.Begun:
        """Also where it is paused. Goes on behind the answer; what it comes to stands in the list."""
        return schedules.run(desk, data.route, who(request).actor, data.why)

    @post(
        "/pause",
        status_code=200,
        guards=[needs(Permission.OPERATE)],
        sync_to_thread=True,
        operation_id="pauseSchedule",
        operation_class=shows(examples.SWITCHED_SCHEDULE, body=examples.ROUTE_WHY, refused=[404]),
        summary="Read it no more",
    )
    def pause(self, request: Asking, desk: Here, data: JSONBody[RouteBecause]) -> schedules.Switched:
        """Until it is resumed. May be repeated."""
        return schedules.pause(desk, data.route, who(request).actor, data.why)

    @post(
        "/resume",
        status_code=200,
        guards=[needs(Permission.OPERATE)],
        sync_to_thread=True,
        operation_id="resumeSchedule",
        operation_class=shows(examples.SWITCHED_SCHEDULE, body=examples.ROUTE_WHY, refused=[404]),
        summary="Go on reading",
    )
    def resume(self, request: Asking, desk: Here, data: JSONBody[RouteBecause]) -> schedules.Switched:
        """What came due meanwhile is caught up, once. May be repeated."""
        return schedules.resume(desk, data.route, who(request).actor, data.why)


__all__ = ["Bulks", "Connections", "Held", "Schedules"]
