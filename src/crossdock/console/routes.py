"""/console, put together."""

from __future__ import annotations

from collections.abc import Sequence

from litestar import Controller, Router
from litestar.di import Provide
from litestar.handlers import HTTPRouteHandler

from crossdock.console.assets import asset_route, assets
from crossdock.console.frame import Frame
from crossdock.console.looks import looks
from crossdock.console.pages.audit import Audit
from crossdock.console.pages.bulks import BulkRuns
from crossdock.console.pages.connections import Connections
from crossdock.console.pages.dead import DeadLetters
from crossdock.console.pages.deliveries import Deliveries
from crossdock.console.pages.delivery import OneDelivery
from crossdock.console.pages.held import HeldFeeds
from crossdock.console.pages.incidents import Incidents
from crossdock.console.pages.lookups import Lookups, Mappings
from crossdock.console.pages.overview import Overview
from crossdock.console.pages.reconciliation import Reconciliation
from crossdock.console.pages.schedules import Schedules
from crossdock.console.pages.settings import Settings
from crossdock.console.pages.shadow import Shadows
from crossdock.console.troubles import troubles
from crossdock.operations.desk import Desk

PAGES: Sequence[type[Controller]] = (
    Overview,
    Connections,
    Deliveries,
    OneDelivery,
    DeadLetters,
    Incidents,
    HeldFeeds,
    Reconciliation,
    Shadows,
    BulkRuns,
    Schedules,
    Lookups,
    Mappings,
    Audit,
    Settings,
)


class Console:
    """`routes`: the pages, and what they are drawn with; who may look is the doorman's affair. `looks`: the login."""

    def __init__(self, desk: Desk) -> None:
        kept = assets()
        frame = Frame(desk, kept)
        self.looks = looks(frame)
        self.routes: list[Router | HTTPRouteHandler] = [_pages(desk, frame), asset_route(kept)]


def _pages(desk: Desk, frame: Frame) -> Router:
    return Router(
        "/console",
        route_handlers=list(PAGES),
        dependencies={
            "desk": Provide(lambda: desk, sync_to_thread=False),
            "frame": Provide(lambda: frame, sync_to_thread=False),
        },
        exception_handlers=dict(troubles(frame)),
        include_in_schema=False,
    )


__all__ = ["Console"]
