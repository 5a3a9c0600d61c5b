"""/api/v1/incidents: what is wrong, and that somebody is at it."""

from __future__ import annotations

from typing import Annotated

from litestar import Controller, get, post
from litestar.params import JSONBody, PathParameter, QueryParameter

from crossdock.api.operations.acting import Because
from crossdock.api.operations.described import shows
from crossdock.api.operations.examples import incidents as examples
from crossdock.api.operations.seeing import Asking, Here
from crossdock.identity.guards import needs, who
from crossdock.operations import incidents
from crossdock.security.access import Permission

IncidentNumber = Annotated[int, PathParameter(description="The incident's number", ge=1, le=2**53 - 1)]


class Incidents(Controller):
    """Causes that a person must see to."""

    path = "/incidents"
    guards = [needs(Permission.READ)]  # noqa: RUF012
    tags = ["Incidents"]  # noqa: RUF012

    @get(
        "/",
        sync_to_thread=True,
        operation_id="incidents",
        operation_class=shows([examples.INCIDENT]),
        summary="What is wrong",
    )
    def every(
        self,
        desk: Here,
        standing: Annotated[
            str, QueryParameter(name="state", description=", ".join(incidents.WHICH), max_length=20)
        ] = "open",
        before: Annotated[int, QueryParameter(ge=1, le=2**53 - 1, description="Only those with a smaller number")] = 2
        ** 53
        - 1,
        limit: Annotated[int, QueryParameter(ge=1, le=incidents.MOST, description="Incidents at most")] = 100,
    ) -> list[incidents.Listed]:
        """Open ones by their severity; resolved, or all, newest first: go on with the last number as `before`."""
        return incidents.every(desk, standing, before, limit)

    @get(
        "/{number:int}",
        sync_to_thread=True,
        operation_id="incident",
        operation_class=shows(examples.INCIDENT_SHOWN, refused=[404]),
        summary="One incident",
    )
    def one(self, desk: Here, number: IncidentNumber) -> incidents.Shown:
        """With each message that was sent of it, or is owed."""
        return incidents.one(desk, number)

    @post(
        "/{number:int}/acknowledge",
        status_code=200,
        guards=[needs(Permission.OPERATE)],
        sync_to_thread=True,
        operation_id="acknowledge",
        operation_class=shows(examples.ACKNOWLEDGED, body=examples.WHY, refused=[404, 409]),
        summary="Somebody is at it",
    )
    def acknowledge(
        self, request: Asking, desk: Here, number: IncidentNumber, data: JSONBody[Because]
    ) -> incidents.Acknowledged:
        """It is not passed on, and only ten times as much of it is told anew. May be repeated."""
        return incidents.acknowledge(desk, number, who(request).actor, data.why)


__all__ = ["Incidents"]
