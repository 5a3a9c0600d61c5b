"""/console/dead: dead letters by their cause; those of one; trying many again, or resolving them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated

from litestar import Controller, Response, get, post
from litestar.params import PathParameter, QueryParameter, URLEncodedBody

from crossdock.console.acts import Act, ask, ask_again
from crossdock.console.frame import Asking
from crossdock.console.pages.deliveries import Word
from crossdock.console.pages.letters import outcome, replaying, resolving
from crossdock.console.pages.overview import Framed, Here
from crossdock.console.told import done
from crossdock.errors import MappingError
from crossdock.identity.guards import needs, who
from crossdock.model.base import Record
from crossdock.operations import dead
from crossdock.operations.dead import Choice
from crossdock.operations.desk import Desk
from crossdock.security.access import Permission

PATH = "/console/dead"
CauseName = Annotated[str, PathParameter(max_length=32)]
Ids = Annotated[list[int] | None, QueryParameter(name="id")]
After = Annotated[int, QueryParameter(ge=0)]


class Chosen(Record, frozen=True, kw_only=True):
    """The form: letters by number, or all of a cause that died before then."""

    ids: str = ""
    cause: str = ""
    before: datetime | None = None
    why: str = ""

    def choice(self) -> Choice:
        """Raises MappingError for what is no number."""
        numbers = [one for one in self.ids.split(",") if one]
        if not all(one.isascii() and one.isdigit() and len(one) < 20 for one in numbers):
            raise MappingError("ids", "are numbers with commas between them")
        return Choice(ids=tuple(map(int, numbers)), cause=self.cause, before=self.before)


class DeadLetters(Controller):
    """What Crossdock will not try again by itself."""

    path = "/dead"
    guards = [needs(Permission.READ, page=True)]  # noqa: RUF012
    operate = [needs(Permission.OPERATE, page=True)]  # noqa: RUF012

    @get("/", sync_to_thread=True)
    def show(
        self, request: Asking, desk: Here, frame: Framed, flow: Word = "", target: Word = "", code: Word = ""
    ) -> Response[bytes]:
        """By cause, most letters first."""
        return frame.page(
            request,
            "pages/dead.html",
            here="dead",
            title="Dead letters",
            found=dead.causes(desk, flow=flow, target=target, code=code),
            given={"flow": flow, "target": target, "code": code},
            path=PATH,
        )

    @get("/cause/{cause:str}", sync_to_thread=True)
    def show_cause(
        self, request: Asking, desk: Here, frame: Framed, cause: CauseName, after: After = 0
    ) -> Response[bytes]:
        """Its letters, to be chosen from."""
        letters = dead.letters(desk, cause, after)
        return frame.page(
            request,
            "pages/cause.html",
            here="dead",
            title="Dead letters of one cause",
            cause=dead.one(desk, cause),
            as_of=desk.clock(),
            letters=letters,
            next=letters[-1].id if len(letters) == dead.SHOWN else None,
            after=after,
            path=f"{PATH}/cause/{cause}",
        )

    @get("/replay", guards=operate, sync_to_thread=True)
    def ask_replay(
        self, request: Asking, desk: Here, frame: Framed, cause: Word = "", ids: Ids = None, before: Word = ""
    ) -> Response[bytes]:
        """What it would do, and why it is to be done."""
        return ask(frame, request, _replaying(desk, _choice(cause, ids, before)), here="dead")

    @post("/replay", guards=operate, sync_to_thread=True)
    def replay(self, request: Asking, desk: Here, frame: Framed, data: URLEncodedBody[Chosen]) -> Response[bytes]:
        """At most a thousand at a time."""
        choice = data.choice()
        try:
            found = dead.replay(desk, choice, who(request).actor, data.why)
        except MappingError as error:
            return ask_again(frame, request, _replaying(desk, choice), error, here="dead", why=data.why)
        return done(PATH, *outcome("replayed", found))

    @get("/resolve", guards=operate, sync_to_thread=True)
    def ask_resolve(
        self, request: Asking, desk: Here, frame: Framed, cause: Word = "", ids: Ids = None, before: Word = ""
    ) -> Response[bytes]:
        """What it would do, and why it is to be done."""
        return ask(frame, request, _resolving(desk, _choice(cause, ids, before)), here="dead")

    @post("/resolve", guards=operate, sync_to_thread=True)
    def resolve(self, request: Asking, desk: Here, frame: Framed, data: URLEncodedBody[Chosen]) -> Response[bytes]:
        """At most a thousand at a time."""
        choice = data.choice()
        try:
            found = dead.resolve(desk, choice, who(request).actor, data.why)
        except MappingError as error:
            return ask_again(frame, request, _resolving(desk, choice), error, here="dead", why=data.why)
        return done(PATH, *outcome("resolved", found))


def _choice(cause: str, ids: Sequence[int] | None, before: str) -> Choice:
    """What a link or a list with boxes asks for. What dies after it was shown is left alone."""
    told = Chosen(cause="" if ids else cause, ids=",".join(map(str, ids or ()))).choice()
    try:
        return Choice(ids=told.ids, cause=told.cause, before=datetime.fromisoformat(before) if before else None)
    except ValueError as error:
        raise MappingError("before", "is no moment") from error


def _replaying(desk: Desk, choice: Choice) -> Act:
    return replaying(desk, choice, PATH, f"{PATH}/replay")


def _resolving(desk: Desk, choice: Choice) -> Act:
    return resolving(desk, choice, PATH, f"{PATH}/resolve")


__all__ = ["DeadLetters"]
