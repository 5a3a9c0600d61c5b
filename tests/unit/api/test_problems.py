"""What a bug of ours tells a caller: nothing of our insides."""

from __future__ import annotations

from litestar import get
from litestar.testing import create_test_client

from crossdock.api.erp import _act
from crossdock.api.problems import HANDLERS, KIND

INSIDES = "postgresql://crossdock:pa55word@db/x"


@get("/bug", sync_to_thread=False)
def bug() -> None:
    raise ZeroDivisionError(INSIDES)


@get("/push")
async def push() -> object:
    def act() -> None:
        raise ZeroDivisionError(INSIDES)

    return await _act(act)


def test_a_bug_is_told_as_such_and_no_more() -> None:
    with create_test_client([bug, push], exception_handlers=HANDLERS) as client:
        told, pushed = client.get("/bug"), client.get("/push")
    assert (told.status_code, told.headers["content-type"]) == (500, KIND)
    assert told.json() == {"title": "Internal Server Error", "status": 500}
    assert pushed.status_code == 500
    assert pushed.json() == {"success": False, "message": "Internal server error"}
