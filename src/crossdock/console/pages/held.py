"""/console/held: feeds that a guard has stopped; what each would change; letting it go on, or not."""

from __future__ import annotations

from typing import Annotated

from litestar import Controller, Response, get, post
from litestar.params import PathParameter, QueryParameter, URLEncodedBody

from crossdock.console.acts import Act, Reason, ask, ask_again
from crossdock.console.frame import Asking
from crossdock.console.pages.overview import Framed, Here
from crossdock.console.told import done
from crossdock.console.words import counted, number
from crossdock.errors import MappingError, NotThere
from crossdock.identity.guards import needs, who
from crossdock.operations import held
from crossdock.operations.desk import Desk
from crossdock.security.access import Permission

PATH = "/console/held"
SHOWN = 100
FeedNumber = Annotated[int, PathParameter(ge=1, le=2**53 - 1)]
After = Annotated[int, QueryParameter(ge=-1, le=2**31 - 1)]


class HeldFeeds(Controller):
    """What waits for a person."""

    path = "/held"
    guards = [needs(Permission.READ, page=True)]  # noqa: RUF012
    approve_guard = [needs(Permission.APPROVE, page=True)]  # noqa: RUF012

    @get("/", sync_to_thread=True)
    def show(self, request: Asking, desk: Here, frame: Framed) -> Response[bytes]:
        """Oldest first."""
        return frame.page(request, "pages/held.html", here="held", title="Held batches", found=held.every(desk))

    @get("/{feed:int}", sync_to_thread=True)
    def show_one(
        self, request: Asking, desk: Here, frame: Framed, feed: FeedNumber, after: After = -1
    ) -> Response[bytes]:
        """Its rows."""
        rows = held.rows(desk, feed, after, SHOWN)
        return frame.page(
            request,
            "pages/held_feed.html",
            here="held",
            title=f"Batch {feed}",
            feed=next((one for one in held.every(desk) if one.id == feed), None),
            rows=rows,
            next=rows[-1].number if len(rows) == SHOWN else None,
            path=f"{PATH}/{feed}",
            after=after,
        )

    @get("/{feed:int}/approve", guards=approve_guard, sync_to_thread=True)
    def ask_approve(self, request: Asking, desk: Here, frame: Framed, feed: FeedNumber) -> Response[bytes]:
        """Why?"""
        return ask(frame, request, approving(_one(desk, feed)), here="held")

    @post("/{feed:int}/approve", guards=approve_guard, sync_to_thread=True)
    def approve(
        self, request: Asking, desk: Here, frame: Framed, feed: FeedNumber, data: URLEncodedBody[Reason]
    ) -> Response[bytes]:
        """It goes on."""
        try:
            found = held.approve(desk, feed, who(request).actor, data.why)
        except MappingError as error:
            return ask_again(frame, request, approving(_one(desk, feed)), error, here="held", why=data.why)
        return done(PATH, "approved" if found.changed else "as-it-was")

    @get("/{feed:int}/reject", guards=approve_guard, sync_to_thread=True)
    def ask_reject(self, request: Asking, desk: Here, frame: Framed, feed: FeedNumber) -> Response[bytes]:
        """Why?"""
        return ask(frame, request, rejecting(_one(desk, feed)), here="held")

    @post("/{feed:int}/reject", guards=approve_guard, sync_to_thread=True)
    def reject(
        self, request: Asking, desk: Here, frame: Framed, feed: FeedNumber, data: URLEncodedBody[Reason]
    ) -> Response[bytes]:
        """It is never put in place."""
        try:
            found = held.reject(desk, feed, who(request).actor, data.why)
        except MappingError as error:
            return ask_again(frame, request, rejecting(_one(desk, feed)), error, here="held", why=data.why)
        return done(PATH, "refused" if found.changed else "as-it-was")


def _one(desk: Desk, feed: int) -> held.Held:
    for one in held.every(desk):
        if one.id == feed:
            return one
    raise NotThere(f"batch {feed} is not held (any more)")


def _facts(one: held.Held) -> tuple[tuple[str, str], ...]:
    return (
        ("Why it is held", one.reason),
        ("It would change", f"{counted(one.changed, 'row')} of {number(one.total)} {one.flow} of {one.target}"),
    )


def approving(one: held.Held) -> Act:
    """Let it go on."""
    told = "All that it would change is sent, but for what is older than what stands by now."
    return Act(
        title=f"Let batch {one.id} go on",
        verb="Approve",
        path=f"{PATH}/{one.id}/approve",
        back=f"{PATH}/{one.id}",
        facts=(*_facts(one), ("What happens", told)),
        cli=one.cli["approve"],
    )


def rejecting(one: held.Held) -> Act:
    """Never put it in place."""
    told = "Nothing of it is sent. The same rows told anew are looked at again."
    return Act(
        title=f"Refuse batch {one.id}",
        verb="Refuse",
        path=f"{PATH}/{one.id}/reject",
        back=f"{PATH}/{one.id}",
        facts=(*_facts(one), ("What happens", told)),
        cli=one.cli["reject"],
        grave=True,
    )


__all__ = ["HeldFeeds"]
