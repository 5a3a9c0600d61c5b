"""/api/v1, put together."""

from __future__ import annotations

from litestar import Router
from litestar.di import Provide

from crossdock.api.operations.acting import Bulks, Connections, Held, Schedules
from crossdock.api.operations.explaining import Explaining, Shadows
from crossdock.api.operations.incidents import Incidents
from crossdock.api.operations.letters import Corrections, Letters
from crossdock.api.operations.lookups import Lookups, Previews
from crossdock.api.operations.pulse import Pulse
from crossdock.api.operations.reconciling import Reconciliations
from crossdock.api.operations.seeing import Private, Seeing
from crossdock.api.problems import HANDLERS
from crossdock.operations.desk import Desk

PATH = "/api/v1"
LARGEST = 5_000_000  # bytes of a body
EVERYTHING = [
    Seeing,
    Private,
    Explaining,
    Shadows,
    Letters,
    Corrections,
    Connections,
    Held,
    Bulks,
    Schedules,
    Lookups,
    Previews,
    Reconciliations,
    Incidents,
]


def operation_routes(desk: Desk, pulse: Pulse) -> Router:
    """The handlers. Who may ask is the doorman's affair."""
    return Router(
        PATH,
        route_handlers=EVERYTHING,
        dependencies={
            "desk": Provide(lambda: desk, sync_to_thread=False),
            "pulse": Provide(lambda: pulse, sync_to_thread=False),
        },
        exception_handlers=HANDLERS,
        request_max_body_size=LARGEST,
    )


__all__ = ["PATH", "operation_routes"]
