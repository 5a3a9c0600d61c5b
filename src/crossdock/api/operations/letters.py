"""/api/v1/dead: causes, what a replay would do, replay, resolve, a corrected record."""

from __future__ import annotations

from datetime import datetime
from functools import partial
from typing import Annotated

import anyio.to_thread
from litestar import Controller, Response, get, post, put
from litestar.params import JSONBody, PathParameter, QueryParameter

from crossdock.api.operations.conditions import ANY, quoted, wanted
from crossdock.api.operations.described import shows
from crossdock.api.operations.examples import letters as examples
from crossdock.api.operations.seeing import Asking, Here, Number, Word
from crossdock.errors import NotThere, Stale
from crossdock.identity.guards import needs, who
from crossdock.model.base import Record
from crossdock.operations import correcting, dead
from crossdock.operations.desk import Desk
from crossdock.security.access import Permission, may

CauseName = Annotated[str, PathParameter(description="A cause's id", max_length=32)]
Why = Annotated[str, QueryParameter(description="The reason; it is kept in the audit trail", max_length=1000)]


class Chosen(Record, frozen=True, kw_only=True):
    """Letters, and why: `ids`, or all of a `cause`. `before`: the list's `as_of`, so that asking twice acts once."""

    ids: tuple[int, ...] = ()
    cause: str = ""
    before: datetime | None = None
    limit: int = dead.AT_ONCE
    why: str = ""

    def choice(self) -> dead.Choice:
        """As the operations take it."""
        return dead.Choice(ids=self.ids, cause=self.cause, before=self.before, limit=self.limit)


class Letters(Controller):
    """Dead letters."""

    path = "/dead"
    guards = [needs(Permission.READ)]  # noqa: RUF012
    tags = ["Dead letters"]  # noqa: RUF012

    @get(
        "/",
        sync_to_thread=True,
        operation_id="causes",
        operation_class=shows(examples.CAUSES),
        summary="Dead letters by cause",
    )
    def causes(self, desk: Here, flow: Word = "", target: Word = "", code: Word = "") -> dead.Causes:
        """Code and reason, with numbers and ids left out; most letters first."""
        return dead.causes(desk, flow=flow, target=target, code=code)

    @get(
        "/{cause:str}",
        sync_to_thread=True,
        operation_id="lettersOfCause",
        operation_class=shows(examples.LETTERS),
        summary="The letters of one cause",
    )
    def letters(
        self,
        desk: Here,
        cause: CauseName,
        after: Annotated[int, QueryParameter(ge=0, description="Only letters behind this number")] = 0,
        limit: Annotated[int, QueryParameter(ge=1, le=1000)] = dead.SHOWN,
    ) -> list[dead.Letter]:
        """By their numbers. Empty where there is none (any more)."""
        return dead.letters(desk, cause, after, limit)

    @post(
        "/preview",
        status_code=200,
        sync_to_thread=True,
        operation_id="foresee",
        operation_class=shows(examples.FORESEEN, body=examples.CHOICE),
        summary="What trying them again would do",
    )
    def foresee(self, desk: Here, data: JSONBody[Chosen]) -> dead.Foreseen:
        """Nothing is done."""
        return dead.foresee(desk, data.choice())

    @post(
        "/replay",
        status_code=200,
        guards=[needs(Permission.OPERATE)],
        sync_to_thread=True,
        operation_id="replay",
        operation_class=shows(examples.DONE, body=examples.CHOICE),
        summary="Try them again",
    )
    def replay(self, request: Asking, desk: Here, data: JSONBody[Chosen]) -> dead.Done:
        """Under the same key: what arrived after all is found, not doubled. While `left` is above 0, ask again."""
        return dead.replay(desk, data.choice(), who(request).actor, data.why)

    @post(
        "/resolve",
        status_code=200,
        guards=[needs(Permission.OPERATE)],
        sync_to_thread=True,
        operation_id="resolve",
        operation_class=shows(examples.DONE, body=examples.CHOICE),
        summary="A person has dealt with them",
    )
    def resolve(self, request: Asking, desk: Here, data: JSONBody[Chosen]) -> dead.Done:
        """They are not tried again, and their lanes go on. While `left` is above 0, ask again."""
        return dead.resolve(desk, data.choice(), who(request).actor, data.why)


class Corrections(Controller):
    """Records that people correct."""

    guards = [needs(Permission.OPERATE)]  # noqa: RUF012
    tags = ["Dead letters"]  # noqa: RUF012

    @put(
        "/deliveries/{number:int}/record",
        operation_id="edit",
        operation_class=shows(
            examples.EDITED,
            body=examples.RECORD,
            open_body=True,
            refused=[404, 409, 412, 428],
            conditions=["if-match"],
        ),
        summary="Correct a dead letter's record",
    )
    async def edit(self, request: Asking, desk: Here, number: Number, why: Why = "") -> dead.Done:
        """The body is the whole record, as GET gave it. It is tried again under the same key. Needs If-Match."""
        tags = wanted(request.headers)
        body, actor = await request.body(), who(request).actor
        return await anyio.to_thread.run_sync(partial(_edit, desk, number, body, actor, why, tags))

    @get(
        "/deliveries/{number:int}/draft",
        sync_to_thread=True,
        operation_id="draft",
        operation_class=shows(examples.DRAFT, refused=[404, 409], tagged=True),
        summary="A dead letter's record, to be corrected",
    )
    def draft(self, request: Asking, desk: Here, number: Number) -> Response[correcting.Draft]:
        """With *** for what is about a person, unless an admin asks."""
        found = correcting.draft(desk, number, admin=may(who(request), Permission.ADMIN))
        return Response(found, headers={"ETag": quoted(found.version)})

    @put(
        "/deliveries/{number:int}/draft",
        operation_id="correct",
        operation_class=shows(
            examples.EDITED,
            body=examples.DRAFTED,
            open_body=True,
            refused=[404, 409, 412, 428],
            conditions=["if-match"],
        ),
        summary="Correct it without seeing all of it",
    )
    async def correct(self, request: Asking, desk: Here, number: Number, why: Why = "") -> dead.Done:
        """The body is the draft's record. What is *** in it stays as it is; what its flow cannot read is refused."""
        tags = wanted(request.headers)
        body, actor = await request.body(), who(request).actor
        return await anyio.to_thread.run_sync(partial(_correct, desk, number, body, actor, why, tags))


def _correct(desk: Desk, number: int, body: bytes, actor: str, why: str, tags: tuple[str, ...]) -> dead.Done:
    over = correcting.draft(desk, number, admin=False).version if ANY in tags else next(iter(tags), "")
    return correcting.correct(desk, number, body, actor, why, over)


def _edit(desk: Desk, number: int, body: bytes, actor: str, why: str, tags: tuple[str, ...]) -> dead.Done:
    if not (version := desk.store.record_version(number)):
        raise NotThere(f"there is no dead letter {number}")
    if ANY not in tags and version not in tags:
        raise Stale(f"delivery {number}: its record was changed or tried again meanwhile")
    return dead.edit(desk, number, body, actor, why, version)


__all__ = ["Corrections", "Letters"]
