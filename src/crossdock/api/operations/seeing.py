"""GET /api/v1: overview, deliveries, audit, settings, coverage, events, the doctor."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from itertools import islice
from typing import Annotated, Any

import msgspec
from litestar import Controller, Request, Response, get, post
from litestar.di import NamedDependency
from litestar.params import PathParameter, QueryParameter
from litestar.response import ServerSentEvent, Stream

from crossdock.api.operations.conditions import is_unchanged, quoted
from crossdock.api.operations.described import shows
from crossdock.api.operations.examples import seeing as examples
from crossdock.api.operations.pulse import Crowded, Pulse
from crossdock.identity.guards import needs, who
from crossdock.operations import audit, configuration, coverage, deliveries, delivery, doctor, overview
from crossdock.operations.desk import Desk
from crossdock.security.access import Permission, may

Here = NamedDependency[Desk]
Asking = Request[Any, Any, Any]
Number = Annotated[int, PathParameter(description="The delivery's number", ge=1, le=2**53 - 1)]
Cursor = Annotated[str, QueryParameter(description="`next` of the page before", max_length=200)]
Limit = Annotated[int, QueryParameter(ge=1, le=deliveries.MOST, description="Rows at most")]
Since = Annotated[datetime | None, QueryParameter(description="With its zone, included")]
Until = Annotated[datetime | None, QueryParameter(description="With its zone, not included")]
Word = Annotated[str, QueryParameter(max_length=255)]
LINES = "application/jsonl"
STEP = 500


class Seeing(Controller):
    """What there is to see."""

    guards = [needs(Permission.READ)]  # noqa: RUF012  as Litestar reads it
    tags = ["See"]  # noqa: RUF012

    @get(
        "/overview",
        sync_to_thread=True,
        operation_id="overview",
        operation_class=shows(examples.OVERVIEW),
        summary="How things stand",
    )
    def show_overview(self, desk: Here) -> overview.Overview:
        """By flow and target: what waits, since when, what went in the last hour, what is dead, and the money in it."""
        return overview.overview(desk)

    @get(
        "/deliveries",
        sync_to_thread=True,
        operation_id="listDeliveries",
        operation_class=shows(examples.DELIVERIES),
        summary="Deliveries, newest first",
    )
    def list_deliveries(
        self,
        desk: Here,
        flow: Word = "",
        target: Word = "",
        standing: Annotated[
            str, QueryParameter(name="state", description=", ".join(deliveries.STATES), max_length=20)
        ] = "",
        code: Word = "",
        subject: Annotated[str, QueryParameter(description="The source's own id", max_length=255)] = "",
        search: Annotated[
            str,
            QueryParameter(
                description="An order's number, a SKU, an ERP's number, an e-mail address or its fingerprint; whole",
                max_length=255,
            ),
        ] = "",
        since: Since = None,
        until: Until = None,
        cursor: Cursor = "",
        limit: Limit = 50,
    ) -> deliveries.Page:
        """Filtered and searched. Go on with `next` until it is null."""
        asked = deliveries.Asked(
            flow=flow,
            target=target,
            state=standing,
            code=code,
            subject=subject,
            search=search,
            since=since,
            until=until,
            cursor=cursor,
            limit=limit,
        )
        return deliveries.page(desk, asked)

    @get(
        "/deliveries/{number:int}",
        sync_to_thread=True,
        operation_id="delivery",
        operation_class=shows(examples.STORY, refused=[404], tagged=True),
        summary="One delivery",
    )
    def show_delivery(self, request: Asking, desk: Here, number: Number) -> Response[delivery.Story]:
        """Its story, each try with what was said, and what the other side calls it. Personal data for an admin only.

        The ETag of a dead letter is that of its record.
        """
        found = delivery.story(desk, number, admin=may(who(request), Permission.ADMIN))
        return Response(found, headers={"ETag": quoted(found.version)} if found.version else {})

    @get(
        "/audit",
        sync_to_thread=True,
        operation_id="searchAudit",
        operation_class=shows(examples.AUDIT),
        summary="The audit trail, newest first",
    )
    def search_audit(
        self,
        desk: Here,
        subject: Word = "",
        actor: Word = "",
        operation: Annotated[str, QueryParameter(description="Its beginning", max_length=50)] = "",
        people: Annotated[bool, QueryParameter(description="Only what people did")] = False,
        since: Since = None,
        until: Until = None,
        cursor: Cursor = "",
        limit: Limit = 50,
    ) -> audit.Page:
        """A page may be short, even empty, and not the last: each looks at a bounded number of lines. Go by `next`."""
        asked = audit.Asked(
            subject=subject,
            actor=actor,
            operation=operation,
            people=people,
            since=since,
            until=until,
            cursor=cursor,
            limit=limit,
        )
        return audit.page(desk, asked)

    @get(
        "/audit/export",
        sync_to_thread=True,
        operation_id="exportAudit",
        operation_class=shows(msgspec.json.encode(examples.AUDITED).decode() + "\n", kind=LINES),
        summary="The audit trail as JSON Lines",
        media_type=LINES,
    )
    def export_audit(
        self,
        desk: Here,
        subject: Word = "",
        actor: Word = "",
        operation: Annotated[str, QueryParameter(description="Its beginning", max_length=50)] = "",
        people: Annotated[bool, QueryParameter(description="Only what people did")] = False,
        since: Since = None,
        until: Until = None,
    ) -> Stream:
        """All that fits, newest first, without bodies. The whole chain with its anchors: `crossdock audit export`."""
        asked = audit.Asked(subject=subject, actor=actor, operation=operation, people=people, since=since, until=until)
        return Stream(_lines(audit.export(desk, asked)), media_type=LINES)

    @get(
        "/coverage",
        sync_to_thread=True,
        operation_id="coverage",
        operation_class=shows(examples.COVERAGE, refused=[422, 502]),
        summary="Was every order of the store seen?",
    )
    def show_coverage(
        self, desk: Here, hours: Annotated[int, QueryParameter(ge=1, le=coverage.LONGEST)] = 24
    ) -> list[coverage.Account]:
        """Over the last whole hours, by the store's clock. The stores are asked now: it may take a while."""
        return coverage.summary(desk, hours)

    @get(
        "/events",
        operation_id="events",
        operation_class=shows(examples.EVENTS, kind="text/event-stream", refused=[409]),
        summary="What changes, as it changes",
        media_type="text/event-stream",
    )
    async def events(self, pulse: NamedDependency[Pulse]) -> ServerSentEvent:
        """Server-sent events. `counts`: the flows and targets of which something changed; at most one a second."""
        if pulse.is_full():
            raise Crowded("as many listen as may: try again later")
        return ServerSentEvent(pulse.listen())


class Private(Controller):
    """What only an admin may see."""

    guards = [needs(Permission.ADMIN)]  # noqa: RUF012
    tags = ["See"]  # noqa: RUF012

    @get(
        "/settings",
        sync_to_thread=True,
        operation_id="settings",
        operation_class=shows(examples.SETTINGS),
        summary="The settings that hold",
    )
    def show_settings(self, desk: Here) -> configuration.Shown:
        """Without any secret. They are changed in their file."""
        return configuration.shown(desk)

    @get(
        "/doctor",
        sync_to_thread=True,
        operation_id="doctor",
        operation_class=shows(examples.DOCTOR),
        summary="What the doctor found last",
    )
    def show_findings(self, desk: Here) -> doctor.Findings:
        """Of this process, since it began; `at` is null before anybody has asked for it."""
        return doctor.last(desk)

    @post(
        "/doctor",
        status_code=200,
        sync_to_thread=True,
        operation_id="examine",
        operation_class=shows(examples.DOCTOR),
        summary="Look at everything now",
    )
    def examine(self, desk: Here) -> doctor.Findings:
        """Both ends and ourselves, within a minute; nothing is changed. Who asks meanwhile gets the same answer."""
        return doctor.ask(desk)

    @get(
        "/deliveries/{number:int}/record",
        sync_to_thread=True,
        operation_id="record",
        operation_class=shows(examples.RECORD, refused=[404], tagged=True, conditions=["if-none-match"]),
        summary="A delivery's record",
    )
    def show_record(self, request: Asking, desk: Here, number: Number) -> Response[Any]:
        """As it is sent; personal data. Of a dead letter with an ETag, for its correction. 404 where it is not kept."""
        found = delivery.record(desk, number)
        tag = {"ETag": quoted(found.version)} if found.version else {}
        if tag and is_unchanged(request.headers, found.version):
            return Response(None, status_code=304, headers=tag)
        return Response(found.record.encode(), media_type="application/json", headers=tag)


def _lines(entries: Iterator[audit.Entry]) -> Iterator[bytes]:
    """Some hundred in one piece: each piece goes through a thread."""
    while step := list(islice(entries, STEP)):
        yield b"".join(msgspec.json.encode(entry) + b"\n" for entry in step)


__all__ = ["Here", "Private", "Seeing"]
