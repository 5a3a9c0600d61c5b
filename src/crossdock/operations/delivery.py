"""One delivery: its story, each try with what was said, what the other side calls it."""

from __future__ import annotations

from datetime import datetime

from crossdock.contract.message import Message
from crossdock.delivery.store import DeliveryView, Event
from crossdock.errors import MappingError, NotThere
from crossdock.operations.deliveries import Listed
from crossdock.operations.desk import Desk, View, line
from crossdock.operations.masking import masked
from crossdock.storage.listing import Filter
from crossdock.storage.trail_search import AuditRow
from crossdock.telemetry.traces import id_of

MOST_TRIES = 200
MOST_EVENTS = 1000


class Told(View, frozen=True, kw_only=True):
    """One line of the story of its subject. `kind`: heard, promised, state, attempt or action."""

    at: datetime
    kind: str
    flow: str
    target: str
    text: str


class Try(View, frozen=True, kw_only=True):
    """One line of the trail about it: a request with its answer, what an attempt came to, or what a person did.

    Bodies are without what is about a person, unless an admin looks; "" where there are none (any more). Rows of a
    batch have one request together: it stands in the trail under their lane.
    """

    id: int
    at: datetime
    operation: str
    actor: str
    status: int | None
    error: str
    detail: str
    duration_ms: int
    request: str
    response: str
    mapping: str  # by which version and settings it was mapped; "" for what is older than that


class Link(View, frozen=True, kw_only=True):
    """What `target` calls it, or a `part` (a line) of it."""

    target: str
    part: str
    external_id: str
    number: str


class Mapping(View, frozen=True, kw_only=True):
    """By what a try of now would be mapped: our version, and a hash of both ends' settings, routes and lookups."""

    crossdock: str
    settings: str


class Story(View, frozen=True, kw_only=True):
    """`version` is that of the record, for an edit of a dead letter; "" for all others.

    `trace` is the id of the trace under which its message came (OpenTelemetry, 32 hexadecimal digits); "" of none.
    """

    delivery: Listed
    trace: str
    timeline: list[Told]
    tries: list[Try]
    links: list[Link]
    mapping: Mapping
    version: str
    masked: bool
    cli: str


class Recorded(View, frozen=True, kw_only=True):
    """The record of a delivery, as `edit` takes it. `record` is "" where it is not kept any more."""

    id: int
    version: str
    record: str
    cli: str


def story(desk: Desk, number: int, *, admin: bool) -> Story:
    """Raises NotThere."""
    view, message = _found(desk, number)
    shown = _listed(desk, view)
    rows = desk.store.operations.tries(view.source, view.subject, number, MOST_TRIES)
    return Story(
        delivery=shown,
        trace=id_of(message.trace),
        timeline=[_told(event) for event in desk.store.timeline(view.source, view.subject)[-MOST_EVENTS:]],
        tries=[_try(row, masked(asked, shown=admin), masked(answer, shown=admin)) for row, asked, answer in rows],
        links=[
            Link(target=one.target, part=one.part, external_id=one.external_id, number=one.number)
            for one in desk.store.links(view.source, view.subject)
        ],
        mapping=mapping(desk, view.source, view.target),
        version=desk.store.record_version(number),
        masked=not admin,
        cli=line("explain", "order", view.reference or view.subject),
    )


def record(desk: Desk, number: int) -> Recorded:
    """Personal data: for an admin only. Raises NotThere."""
    _, message = _found(desk, number)
    text = message.payload.decode(errors="replace")
    return Recorded(
        id=number, version=desk.store.record_version(number), record=text, cli=line("dead", "show", number, "--record")
    )


def mapping(desk: Desk, source: str, target: str) -> Mapping:
    """References to secrets are in it, secrets are not."""
    told, _, settings = desk.crossdock.connections.mapping(source, target).rpartition("-")
    return Mapping(crossdock=told, settings=settings)


def _found(desk: Desk, number: int) -> tuple[DeliveryView, Message]:
    if not 0 < number < 2**62:
        raise MappingError("id", "is the number of a delivery")
    found = desk.store.delivery(number)
    if found is None:
        raise NotThere(f"there is no delivery {number}")
    return found


def _listed(desk: Desk, view: DeliveryView) -> Listed:
    """The row of the list that it has."""
    which = Filter(places=((view.source, view.subject),), limit=5000)
    for row in desk.store.operations.page(which):
        if row.id == view.id:
            return Listed(
                **{name: getattr(row, name) for name in Listed.__struct_fields__ if name != "state"}, state=row.word()
            )
    raise NotThere(f"delivery {view.id} is on its way into the archive: look again")


def _told(event: Event) -> Told:
    return Told(at=event.at, kind=event.kind, flow=event.flow, target=event.target, text=event.text)


def _try(row: AuditRow, request: str, response: str) -> Try:
    return Try(
        id=row.id,
        at=row.created_at,
        operation=row.operation_type,
        actor=row.actor,
        status=row.status_code,
        error=row.error_message,
        detail=row.detail,
        duration_ms=row.duration_ms,
        mapping=row.mapping,
        request=request,
        response=response,
    )


__all__ = ["Link", "Mapping", "Recorded", "Story", "Told", "Try", "mapping", "record", "story"]
