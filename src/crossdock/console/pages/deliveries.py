"""/console/deliveries: the list, filtered and searched."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated, Any

import msgspec
from litestar import Controller, Response, get
from litestar.params import QueryParameter

from crossdock.console.frame import Asking
from crossdock.console.pages.overview import Framed, Here
from crossdock.errors import MappingError
from crossdock.flows import FLOWS
from crossdock.identity.guards import needs
from crossdock.model.base import Record
from crossdock.operations import deliveries
from crossdock.operations.desk import Desk
from crossdock.security.access import Permission

PATH = "/console/deliveries"
Word = Annotated[str, QueryParameter(max_length=255)]
Cursor = Annotated[str, QueryParameter(max_length=200)]


class Wanted(Record, frozen=True, kw_only=True):
    """The form, as it was filled in."""

    search: str = ""
    flow: str = ""
    target: str = ""
    state: str = ""
    code: str = ""
    since: str = ""
    until: str = ""
    cursor: str = ""

    def asked(self) -> deliveries.Asked:
        """Raises MappingError for a time that is none."""
        return deliveries.Asked(
            search=self.search,
            flow=self.flow,
            target=self.target,
            state=self.state,
            code=self.code.strip(),
            since=moment(self.since, "from"),
            until=moment(self.until, "until"),
            cursor=self.cursor,
        )


class Deliveries(Controller):
    """The list."""

    guards = [needs(Permission.READ, page=True)]  # noqa: RUF012

    @get("/deliveries", sync_to_thread=True)
    def show(
        self,
        request: Asking,
        desk: Here,
        frame: Framed,
        search: Word = "",
        flow: Word = "",
        target: Word = "",
        standing: Annotated[str, QueryParameter(name="state", max_length=20)] = "",
        code: Word = "",
        since: Word = "",
        until: Word = "",
        cursor: Cursor = "",
    ) -> Response[bytes]:
        """Newest first."""
        wanted = Wanted(
            search=search,
            flow=flow,
            target=target,
            state=standing,
            code=code,
            since=since,
            until=until,
            cursor=cursor,
        )
        page, error = _found(desk, wanted)
        return frame.page(
            request,
            "pages/deliveries.html",
            here="deliveries",
            title="Deliveries",
            status=400 if error else 200,
            page=page,
            error=error,
            given=given(wanted),
            states=deliveries.STATES,
            flows=sorted(FLOWS),
            targets=desk.names,
            path=PATH,
        )


def _found(desk: Desk, wanted: Wanted) -> tuple[deliveries.Page, str]:
    try:
        return deliveries.page(desk, wanted.asked()), ""
    except MappingError as error:
        return deliveries.Page(rows=[], next=None, cli=""), str(error)


def given(wanted: Wanted) -> Mapping[str, Any]:
    """Every field, the empty ones too."""
    return msgspec.structs.asdict(wanted)


def moment(text: str, name: str) -> datetime | None:
    """What a browser's field for date and time holds: no zone, hence UTC, as is written beside it."""
    if not text:
        return None
    try:
        told = datetime.fromisoformat(text)
    except ValueError as error:
        raise MappingError(name, "is no date and time") from error
    return told if told.tzinfo else told.replace(tzinfo=UTC)


__all__ = ["Deliveries", "moment"]
