"""/console/deliveries/N: one delivery, and what can be done about it."""

from __future__ import annotations

from typing import Annotated

from litestar import Controller, Response, get, post
from litestar.params import PathParameter, URLEncodedBody

from crossdock.console.acts import Reason, ask
from crossdock.console.frame import Asking, Frame
from crossdock.console.pages.letters import outcome, replaying, resolving
from crossdock.console.pages.overview import Framed, Here
from crossdock.console.told import done
from crossdock.errors import MappingError, NotNow, Stale
from crossdock.identity.guards import needs, who
from crossdock.model.base import Record
from crossdock.operations import correcting, dead, delivery
from crossdock.operations.dead import Choice
from crossdock.operations.desk import Desk
from crossdock.security.access import Permission, may

Number = Annotated[int, PathParameter(ge=1, le=2**53 - 1)]
LATE = "Somebody has corrected it, or it was tried again, since you opened this. Below is what it is now."


class Correction(Record, frozen=True, kw_only=True):
    """The form. `over`: the version that it was made from."""

    record: str = ""
    over: str = ""
    why: str = ""


class OneDelivery(Controller):
    """By its number."""

    path = "/deliveries/{number:int}"
    guards = [needs(Permission.READ, page=True)]  # noqa: RUF012
    operate = [needs(Permission.OPERATE, page=True)]  # noqa: RUF012

    @get("/", sync_to_thread=True)
    def show(self, request: Asking, desk: Here, frame: Framed, number: Number) -> Response[bytes]:
        """Its story."""
        story = delivery.story(desk, number, admin=may(who(request), Permission.ADMIN))
        one = story.delivery
        return frame.page(
            request,
            "pages/delivery.html",
            here="deliveries",
            title=f"{one.reference or one.subject}: {one.flow} to {one.target}",
            story=story,
            one=one,
            path=f"/console/deliveries/{number}",
        )

    @get("/replay", guards=operate, sync_to_thread=True)
    def ask_replay(self, request: Asking, desk: Here, frame: Framed, number: Number) -> Response[bytes]:
        """Why, and what it would do."""
        return ask(frame, request, replaying(desk, Choice(ids=(number,)), _home(number)), here="deliveries")

    @post("/replay", guards=operate, sync_to_thread=True)
    def replay(
        self, request: Asking, desk: Here, frame: Framed, number: Number, data: URLEncodedBody[Reason]
    ) -> Response[bytes]:
        """Under the same key."""
        choice = Choice(ids=(number,))
        try:
            found = dead.replay(desk, choice, who(request).actor, data.why)
        except MappingError as error:
            act = replaying(desk, choice, _home(number))
            return ask(frame, request, act, here="deliveries", why=data.why, error=f"The reason {error.reason}.")
        return done(_home(number), *outcome("replayed", found))

    @get("/resolve", guards=operate, sync_to_thread=True)
    def ask_resolve(self, request: Asking, desk: Here, frame: Framed, number: Number) -> Response[bytes]:
        """Why?"""
        return ask(frame, request, resolving(desk, Choice(ids=(number,)), _home(number)), here="deliveries")

    @post("/resolve", guards=operate, sync_to_thread=True)
    def resolve(
        self, request: Asking, desk: Here, frame: Framed, number: Number, data: URLEncodedBody[Reason]
    ) -> Response[bytes]:
        """A person has dealt with it."""
        choice = Choice(ids=(number,))
        try:
            found = dead.resolve(desk, choice, who(request).actor, data.why)
        except MappingError as error:
            act = resolving(desk, choice, _home(number))
            return ask(frame, request, act, here="deliveries", why=data.why, error=f"The reason {error.reason}.")
        return done(_home(number), *outcome("resolved", found))

    @get("/correct", guards=operate, sync_to_thread=True)
    def ask_correct(self, request: Asking, desk: Here, frame: Framed, number: Number) -> Response[bytes]:
        """Its record, to be corrected. What is about a person is hidden from all but an admin, and stays as it is."""
        return _form(frame, request, _draft(request, desk, number), Correction(), "")

    @post("/correct", guards=operate, sync_to_thread=True)
    def correct(
        self, request: Asking, desk: Here, frame: Framed, number: Number, data: URLEncodedBody[Correction]
    ) -> Response[bytes]:
        """Checked, kept, and tried again under the same key."""
        try:
            correcting.correct(desk, number, data.record.encode(), who(request).actor, data.why, data.over)
        except Stale:
            return _form(frame, request, _draft(request, desk, number), Correction(why=data.why), LATE, 409)
        except (MappingError, NotNow) as error:
            return _form(frame, request, _draft(request, desk, number), data, str(error), 400)
        return done(_home(number), "corrected")


def _draft(request: Asking, desk: Desk, number: int) -> correcting.Draft:
    return correcting.draft(desk, number, admin=may(who(request), Permission.ADMIN))


def _form(
    frame: Frame, request: Asking, draft: correcting.Draft, filled: Correction, error: str, status: int = 200
) -> Response[bytes]:
    return frame.page(
        request,
        "pages/correct.html",
        here="deliveries",
        title=f"Correct and try again: {draft.reference}",
        status=status,
        draft=draft,
        record=filled.record or draft.record,
        over=filled.over or draft.version,
        why=filled.why,
        error=error,
        path=f"{_home(draft.id)}/correct",
        back=_home(draft.id),
    )


def _home(number: int) -> str:
    return f"/console/deliveries/{number}"


__all__ = ["OneDelivery"]
