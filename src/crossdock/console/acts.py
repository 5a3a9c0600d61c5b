"""Asking before something is changed: what it will do, the reason, and the command that does the same.

One page for every action. A browser with scripts shows it in a dialog; without, it is a page of its own. Its form goes
to the address that it was read from.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from litestar import Response

from crossdock.console.frame import Asking, Frame, is_part
from crossdock.errors import MappingError
from crossdock.identity.guards import who
from crossdock.identity.pages import page
from crossdock.model.base import Record
from crossdock.security.access import Person


class Act(Record, frozen=True, kw_only=True):
    """One action to be confirmed.

    `path`: where the form goes, by POST. `back`: where whoever thinks better of it goes. `facts`: what it will do, name
    and text. `hidden`: further fields. `grave`: it cannot be taken back.
    """

    title: str
    verb: str
    path: str
    back: str
    facts: tuple[tuple[str, str], ...] = ()
    warning: str = ""
    hidden: Mapping[str, str] = {}
    cli: str = ""
    grave: bool = False
    hint: str = "It is kept in the audit trail with your name. No personal data, please."


class Reason(Record, frozen=True, kw_only=True):
    """The form of an act without fields of its own."""

    why: str = ""


def ask(frame: Frame, request: Asking, act: Act, *, here: str, why: str = "", error: str = "") -> Response[bytes]:
    """The question; with an `error`, asked again, as 400."""
    status = 400 if error else 200
    told: dict[str, Any] = {"act": act, "why": why, "error": error}
    if is_part(request):
        asks = who(request)
        csrf = asks.csrf if isinstance(asks, Person) else ""
        return page(frame.html("act.html", csrf=csrf, in_dialog=True, **told), status)
    return frame.page(request, "asked.html", here=here, title=act.title, status=status, in_dialog=False, **told)


def ask_again(frame: Frame, request: Asking, act: Act, error: MappingError, *, here: str, why: str) -> Response[bytes]:
    """The same question, since the reason `why` will not do."""
    return ask(frame, request, act, here=here, why=why, error=f"The reason {error.reason}.")


__all__ = ["Act", "Reason", "ask", "ask_again"]
