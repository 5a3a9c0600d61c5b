"""/console: how things stand, on one page."""

from __future__ import annotations

from litestar import Controller, Response, get
from litestar.di import NamedDependency

from crossdock.console import charts
from crossdock.console.frame import Asking, Frame
from crossdock.identity.guards import needs
from crossdock.operations import connections, overview
from crossdock.operations.desk import Desk
from crossdock.security.access import Permission

Here = NamedDependency[Desk]
Framed = NamedDependency[Frame]


class Overview(Controller):
    """The first page."""

    guards = [needs(Permission.READ, page=True)]  # noqa: RUF012  as Litestar reads it

    @get("/", sync_to_thread=True)
    def show(self, request: Asking, desk: Here, frame: Framed) -> Response[bytes]:
        """By flow and target, with small charts; and the connected systems."""
        found = overview.overview(desk)
        lines = [one for one in found.lines if one.kind != "look"]
        looks = [one for one in found.lines if one.kind == "look"]
        every = charts.summed([charts.by_minute(one, found.since) for one in lines], 60)
        return frame.page(
            request,
            "pages/overview.html",
            here="overview",
            title="Overview",
            found=found,
            lines=lines,
            looks=looks,
            waiting=sum(one.waiting + one.under_way for one in lines),
            dead=sum(one.dead for one in found.lines),
            capped=any(one.capped for one in found.lines),
            oldest=max((one for one in lines if one.oldest_at), key=lambda one: one.oldest_s, default=None),
            delivered=sum(one.delivered for one in lines),
            sparks=charts.sparklines(lines, found.since),
            chart=charts.chart(every, found.since, 720, 120, "deliveries"),
            connections=connections.every(desk),
        )


__all__ = ["Framed", "Here", "Overview"]
