"""The pages around the login in the console's looks."""

from __future__ import annotations

from crossdock.console.frame import Frame
from crossdock.identity.pages import SIGN_ON, LoginView, Looks
from crossdock.identity.refusals import LOGIN, TITLES


def looks(frame: Frame) -> Looks:
    """For `identity.pages`."""

    def login(view: LoginView) -> str:
        return frame.html("login.html", view=view, login=LOGIN, sign_on=SIGN_ON)

    def refused(status: int, detail: str) -> str:
        title = TITLES.get(status, "This did not work")
        return frame.html("refused.html", status=status, title=title, detail=detail, code="")

    return Looks(login=login, refused=refused)
