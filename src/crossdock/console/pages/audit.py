"""/console/audit: who did what to which subject, and what answered; as a file too."""

from __future__ import annotations

from typing import Annotated

from litestar import Controller, Response, get
from litestar.params import QueryParameter

from crossdock.console.frame import Asking
from crossdock.console.pages.deliveries import Cursor, Word, moment
from crossdock.console.pages.overview import Framed, Here
from crossdock.errors import MappingError
from crossdock.identity.guards import needs
from crossdock.model.base import Record
from crossdock.operations import audit
from crossdock.security.access import Permission

PATH = "/console/audit"
EXPORT = "/api/v1/audit/export"


class Wanted(Record, frozen=True, kw_only=True):
    """The form, as it was filled in."""

    subject: str = ""
    actor: str = ""
    operation: str = ""
    people: str = ""
    since: str = ""
    until: str = ""
    cursor: str = ""

    def asked(self) -> audit.Asked:
        """Raises MappingError for a time that is none."""
        return audit.Asked(
            subject=self.subject.strip(),
            actor=self.actor.strip(),
            operation=self.operation.strip(),
            people=bool(self.people),
            since=moment(self.since, "from"),
            until=moment(self.until, "until"),
            cursor=self.cursor,
        )


class Audit(Controller):
    """The trail."""

    guards = [needs(Permission.READ, page=True)]  # noqa: RUF012

    @get("/audit", sync_to_thread=True)
    def show(
        self,
        request: Asking,
        desk: Here,
        frame: Framed,
        subject: Word = "",
        actor: Word = "",
        operation: Word = "",
        people: Annotated[str, QueryParameter(max_length=5)] = "",
        since: Word = "",
        until: Word = "",
        cursor: Cursor = "",
    ) -> Response[bytes]:
        """Newest first."""
        wanted = Wanted(
            subject=subject,
            actor=actor,
            operation=operation,
            people=people,
            since=since,
            until=until,
            cursor=cursor,
        )
        given = {name: getattr(wanted, name) for name in Wanted.__struct_fields__}
        page, error = audit.Page(rows=[], next=None), ""
        try:
            page = audit.page(desk, wanted.asked())
        except MappingError as refused:
            error = str(refused)
        return frame.page(
            request,
            "pages/audit.html",
            here="audit",
            title="Audit trail",
            status=400 if error else 200,
            page=page,
            given=given,
            error=error,
            path=PATH,
            export=EXPORT,
        )


__all__ = ["Audit"]
