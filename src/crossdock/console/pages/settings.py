"""/console/settings: the settings that hold, without any secret; and what the doctor found."""

from __future__ import annotations

from typing import Any

from litestar import Controller, Response, get, post

from crossdock.console.frame import Asking
from crossdock.console.pages.overview import Framed, Here
from crossdock.console.told import done
from crossdock.identity.guards import needs
from crossdock.operations import configuration, doctor
from crossdock.security.access import Permission

PATH = "/console/settings"
WORST_FIRST = ("error", "unseen", "warning", "ok")
NOTHING: tuple[Any, ...] = (None, "", {}, [])


class Settings(Controller):
    """Read only, and an admin's, as GET /api/v1/settings is."""

    path = "/settings"
    guards = [needs(Permission.ADMIN, page=True)]  # noqa: RUF012

    @get("/", sync_to_thread=True)
    def show(self, request: Asking, desk: Here, frame: Framed) -> Response[bytes]:
        """Part by part; what looks like a secret is masked. An admin sees what the doctor found last."""
        found = configuration.shown(desk)
        examined = doctor.last(desk)
        return frame.page(
            request,
            "pages/settings.html",
            here="settings",
            title="Settings",
            parts={name: rules for name, rules in sorted(found.settings.items()) if rules not in NOTHING},
            cli_line=found.cli,
            examined=examined,
            findings=sorted(examined.findings, key=_worst_first),
        )

    @post("/doctor", guards=[needs(Permission.ADMIN, page=True)], sync_to_thread=True)
    def examine(self, desk: Here) -> Response[bytes]:
        """Everything is looked at now, within a minute. Nothing is changed."""
        found = doctor.ask(desk)
        return done(PATH, "examined", found.errors + found.warnings)


def _worst_first(one: doctor.Finding) -> tuple[int, bool, str, str]:
    return WORST_FIRST.index(one.level), one.by_hand, one.subject, one.check


__all__ = ["Settings"]
