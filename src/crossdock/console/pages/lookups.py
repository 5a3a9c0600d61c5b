"""/console/lookups: tables of codes; an entry's history; what a change would do to orders; publishing, going back."""

from __future__ import annotations

from typing import Annotated

from litestar import Controller, Response, get, post
from litestar.params import QueryParameter, URLEncodedBody

from crossdock.console.frame import Asking, Frame
from crossdock.console.pages.overview import Framed, Here
from crossdock.console.told import done
from crossdock.errors import ConfigurationError, MappingError, NotThere, Stale
from crossdock.identity.guards import needs, who
from crossdock.model.base import Record
from crossdock.operations import configuration, lookups, preview
from crossdock.operations.desk import Desk, line
from crossdock.security.access import Permission

PATH = "/console/lookups"
OF_AN_ENTRY = {"here": "lookups", "title": "Lookup entry"}
Table = Annotated[str, QueryParameter(max_length=lookups.LONGEST_NAME)]
Value = Annotated[str, QueryParameter(max_length=lookups.LONGEST_VALUE)]
Word = Annotated[str, QueryParameter(max_length=lookups.LONGEST_ENTRY)]


class Change(Record, frozen=True, kw_only=True):
    """The form: an entry as it is to be. `drop`: the added one is taken back. `tag`: of what stood there by then."""

    table: str
    value: str
    entry: str = ""
    drop: str = ""
    tag: str = lookups.ABSENT
    why: str = ""

    def wanted(self) -> str | None:
        """None: taken back."""
        return None if self.drop else self.entry.strip()


class Candidate(Record, frozen=True, kw_only=True):
    """The form: other settings, as TOML."""

    settings: str = ""


class Lookups(Controller):
    """Tables of codes."""

    path = "/lookups"
    guards = [needs(Permission.READ, page=True)]  # noqa: RUF012
    operate = [needs(Permission.OPERATE, page=True)]  # noqa: RUF012

    @get("/", sync_to_thread=True)
    def show(self, request: Asking, desk: Here, frame: Framed) -> Response[bytes]:
        """What is missing first, then every table."""
        tables: dict[str, list[lookups.Entry]] = {}
        for one in lookups.every(desk):
            tables.setdefault(one.table, []).append(one)
        return frame.page(
            request,
            "pages/lookups.html",
            here="lookups",
            title="Mappings and lookups",
            missing=lookups.missing(desk),
            tables=tables,
            settings=configuration.shown(desk).settings,
        )

    @get("/entry", sync_to_thread=True)
    def show_entry(
        self, request: Asking, desk: Here, frame: Framed, table: Table = "", value: Value = "", entry: Word = ""
    ) -> Response[bytes]:
        """What stands there, what it was, and the form for another."""
        return _entry_page(frame, request, desk, Change(table=table, value=value, entry=entry))

    @post("/preview", status_code=200, guards=operate, sync_to_thread=True)
    def preview(self, request: Asking, desk: Here, frame: Framed, data: URLEncodedBody[Change]) -> Response[bytes]:
        """What it would change in orders that were read. Nothing is sent."""
        try:
            return _preview_page(frame, request, desk, data)
        except MappingError as error:
            return _entry_page(frame, request, desk, data, str(error))

    @post("/publish", guards=operate, sync_to_thread=True)
    def publish(self, request: Asking, desk: Here, frame: Framed, data: URLEncodedBody[Change]) -> Response[bytes]:
        """It counts from now on; what waited for it is tried again."""
        actor, only_if = who(request).actor, lookups.stands_as(desk, data.table, data.value, [data.tag])
        wanted = data.wanted()
        try:
            if wanted is None:
                found = lookups.drop(desk, data.table, data.value, actor, data.why, only_if)
            else:
                found = lookups.put(desk, data.table, data.value, wanted, actor, data.why, only_if)
        except (MappingError, Stale) as error:
            return _preview_page(frame, request, desk, data, str(error))
        return done(PATH, "lookup-put" if wanted is not None else "lookup-dropped", found.again)


class Mappings(Controller):
    """What other settings would make of the orders: for admins, since what is pasted is read like a settings file."""

    path = "/mappings"
    guards = [needs(Permission.ADMIN, page=True)]  # noqa: RUF012

    @get("/", sync_to_thread=True)
    def show(self, request: Asking, frame: Framed) -> Response[bytes]:
        """The form."""
        return _mappings_page(frame, request, Candidate())

    @post("/", status_code=200, sync_to_thread=True)
    def preview(self, request: Asking, desk: Here, frame: Framed, data: URLEncodedBody[Candidate]) -> Response[bytes]:
        """Compared field by field. Nothing is sent, and nothing is kept."""
        try:
            found = preview.of_settings(desk, data.settings)
        except MappingError as error:
            return _mappings_page(frame, request, data, (str(error),))
        except ConfigurationError as error:
            return _mappings_page(frame, request, data, error.problems)
        return _mappings_page(frame, request, data, found=found)


def _entry_page(frame: Frame, request: Asking, desk: Desk, change: Change, error: str = "") -> Response[bytes]:
    stands = _stands(desk, change.table, change.value)
    return frame.page(
        request,
        "pages/lookup_entry.html",
        **OF_AN_ENTRY,
        status=400 if error else 200,
        change=change,
        stands=stands,
        tag=stands.tag if stands else lookups.ABSENT,
        history=lookups.history(desk, change.table, change.value) if change.table and change.value else [],
        tables=sorted({one.table for one in lookups.every(desk)}),
        error=error,
        cli_line=line("lookups", "add", change.table or "TABLE", change.value or "VALUE", "ENTRY", "--why", "…"),
    )


def _preview_page(frame: Frame, request: Asking, desk: Desk, change: Change, error: str = "") -> Response[bytes]:
    wanted = change.wanted()
    found = preview.of_entry(desk, change.table, change.value, wanted)
    words = ("remove", change.table, change.value) if wanted is None else ("add", change.table, change.value, wanted)
    return frame.page(
        request,
        "pages/lookup_preview.html",
        **OF_AN_ENTRY,
        status=400 if error else 200,
        change=change,
        wanted=wanted,
        stands=_stands(desk, change.table, change.value),
        found=found,
        error=error,
        cli_line=line("lookups", *words, "--why", "…"),
    )


def _mappings_page(
    frame: Frame,
    request: Asking,
    data: Candidate,
    errors: tuple[str, ...] | list[str] = (),
    found: preview.Preview | None = None,
) -> Response[bytes]:
    return frame.page(
        request,
        "pages/mappings.html",
        here="lookups",
        title="Preview other settings",
        status=400 if errors else 200,
        text=data.settings,
        errors=errors,
        found=found,
    )


def _stands(desk: Desk, table: str, value: str) -> lookups.Entry | None:
    try:
        return lookups.one(desk, table, value)
    except NotThere:
        return None


__all__ = ["Lookups", "Mappings"]
