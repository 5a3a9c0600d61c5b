"""/api/v1: lookup tables, and what another entry or other settings would change."""

from __future__ import annotations

from typing import Annotated

from litestar import Controller, Response, delete, get, post, put
from litestar.params import JSONBody, PathParameter, QueryParameter

from crossdock.api.operations.conditions import ANY, is_unchanged, quoted, wanted
from crossdock.api.operations.described import shows
from crossdock.api.operations.examples import lookups as examples
from crossdock.api.operations.letters import Why
from crossdock.api.operations.seeing import Asking, Here, Word
from crossdock.identity.guards import needs, who
from crossdock.model.base import Record
from crossdock.operations import lookups, preview
from crossdock.security.access import Permission

Table = Annotated[str, PathParameter(description="The table's name", max_length=lookups.LONGEST_NAME)]
Value = Annotated[str, QueryParameter(description="The source's word", max_length=lookups.LONGEST_VALUE)]


class EntryBecause(Record, frozen=True, kw_only=True):
    """The target's word."""

    entry: str
    why: str


class OtherEntry(Record, frozen=True, kw_only=True):
    """An entry as it would be; null: the added one is taken back. `last`: how many orders, the newest first."""

    table: str
    value: str
    entry: str | None
    last: int = preview.LAST


class OtherSettings(Record, frozen=True, kw_only=True):
    """TOML. `last`: how many orders, the newest first."""

    settings: str
    last: int = preview.LAST


class Lookups(Controller):
    """Tables of codes."""

    path = "/lookups"
    guards = [needs(Permission.READ)]  # noqa: RUF012
    tags = ["Lookups"]  # noqa: RUF012

    @get(
        "/",
        sync_to_thread=True,
        operation_id="lookups",
        operation_class=shows([examples.ENTRY]),
        summary="Every entry",
    )
    def every(self, desk: Here, table: Word = "") -> list[lookups.Entry]:
        """Of the settings file, and over it what people added."""
        return lookups.every(desk, table)

    @get(
        "/missing",
        sync_to_thread=True,
        operation_id="missingLookups",
        operation_class=shows(examples.MISSING),
        summary="What documents wait for",
    )
    def missing(self, desk: Here) -> list[lookups.Missing]:
        """And how many of them."""
        return lookups.missing(desk)

    @get(
        "/{table:str}/history",
        sync_to_thread=True,
        operation_id="lookupHistory",
        operation_class=shows([examples.ENTRY_VERSION]),
        summary="What people made of an entry",
    )
    def history(self, desk: Here, table: Table, value: Value) -> list[lookups.Version]:
        """Newest first. To go back is to put an older one again."""
        return lookups.history(desk, table, value)

    @get(
        "/{table:str}/entry",
        sync_to_thread=True,
        operation_id="lookup",
        operation_class=shows(examples.ENTRY, refused=[404], tagged=True, conditions=["if-none-match"]),
        summary="One entry",
    )
    def one(self, request: Asking, desk: Here, table: Table, value: Value) -> Response[lookups.Entry]:
        """By its table and the source's word, with an ETag."""
        found = lookups.one(desk, table, value)
        tag = {"ETag": quoted(found.tag)}
        if is_unchanged(request.headers, found.tag):
            return Response(None, status_code=304, headers=tag)  # type: ignore[arg-type]  # 304 has no body
        return Response(found, headers=tag)

    @put(
        "/{table:str}/entry",
        guards=[needs(Permission.OPERATE)],
        sync_to_thread=True,
        operation_id="putLookup",
        operation_class=shows(
            examples.CHANGED,
            body=examples.PUT,
            refused=[412, 428],
            tagged=True,
            conditions=["if-match", "if-none-match"],
        ),
        summary="Add or change an entry",
    )
    def put(
        self, request: Asking, desk: Here, table: Table, value: Value, data: JSONBody[EntryBecause]
    ) -> Response[lookups.Changed]:
        """Over what the file says; what waited for it is tried again. Needs If-Match, or If-None-Match: *."""
        tags = wanted(request.headers, absent=lookups.ABSENT)
        only_if = lookups.stands_as(desk, table, value, tags) if ANY not in tags else lookups.is_there
        done = lookups.put(desk, table, value, data.entry, who(request).actor, data.why, only_if)
        return Response(done, headers={"ETag": quoted(done.tag)})

    @delete(
        "/{table:str}/entry",
        status_code=200,
        guards=[needs(Permission.OPERATE)],
        sync_to_thread=True,
        operation_id="dropLookup",
        operation_class=shows(examples.CHANGED, refused=[412, 428], conditions=["if-match"]),
        summary="Take an added entry back",
    )
    def drop(self, request: Asking, desk: Here, table: Table, value: Value, why: Why = "") -> lookups.Changed:
        """The file's own, if there is one, counts again. Needs If-Match."""
        tags = wanted(request.headers)
        only_if = lookups.stands_as(desk, table, value, tags) if ANY not in tags else lookups.anything
        return lookups.drop(desk, table, value, who(request).actor, why, only_if)


class Previews(Controller):
    """What a change would do, before it is made."""

    path = "/previews"
    guards = [needs(Permission.OPERATE)]  # noqa: RUF012
    tags = ["Lookups"]  # noqa: RUF012

    @post(
        "/entry",
        status_code=200,
        sync_to_thread=True,
        operation_id="previewLookup",
        operation_class=shows(examples.PREVIEW, body=examples.PREVIEW_ENTRY),
        summary="What another entry would change",
    )
    def entry(self, desk: Here, data: JSONBody[OtherEntry]) -> preview.Preview:
        """In the newest orders that were read. Nothing is sent and nothing kept."""
        return preview.of_entry(desk, data.table, data.value, data.entry, data.last)

    @post(
        "/settings",
        status_code=200,
        guards=[needs(Permission.ADMIN)],
        sync_to_thread=True,
        operation_id="previewSettings",
        operation_class=shows(examples.PREVIEW, body=examples.PREVIEW_SETTINGS, refused=[422]),
        summary="What other routes and mappings would change",
    )
    def settings(self, desk: Here, data: JSONBody[OtherSettings]) -> preview.Preview:
        """`routes`, `lookups` and `connections.NAME.payloads` as TOML, in the place of those that hold."""
        return preview.of_settings(desk, data.settings, data.last)


__all__ = ["Lookups", "Previews"]
