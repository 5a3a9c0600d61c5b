"""What can go wrong on the way to a target: shown on demand by an author's stand-in, checked by the suites."""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum

RETRY_AFTER = 7.0


class Fault(StrEnum):
    """What the very next write meets. The first four come after the target did it."""

    RESET_AFTER = "reset-after"  # done, then the connection is cut
    GARBAGE = "garbage"  # done, answered with a success status and something unreadable
    NAMELESS = "nameless"  # done, answered well formed but without the id
    ERROR_AFTER = "error-after"  # done, answered with a server error (HTTP 500)
    REFUSED = "refused"  # not done: the data is wrong (HTTP 422 or what the target has for it)
    UNAUTHORIZED = "unauthorized"  # not done: the login is not accepted
    LIMITED = "limited"  # not done: too many requests, come back in RETRY_AFTER seconds
    UNAVAILABLE = "unavailable"  # not done: closed for a while (HTTP 503)
    REDIRECT = "redirect"  # not done: somewhere else


DONE = (Fault.RESET_AFTER, Fault.GARBAGE, Fault.NAMELESS, Fault.ERROR_AFTER)
Inject = Callable[[Fault], bool]  # False: this stand-in cannot show it
