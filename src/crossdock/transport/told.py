"""What an answer says: its JSON, its words, and what of them may be told. Pure.

Which code or status means what is a vendor's own, and stands in each end's `answers.py`.
"""

from __future__ import annotations

import html
import json
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from decimal import Decimal
from typing import Any

from crossdock import log
from crossdock.errors import DeliveryError, OutcomeUnknown, RateLimited, Temporary
from crossdock.transport.wire import HttpResponse, retry_after

NOTHING = object()
LONGEST = 200  # characters of a message that are told
LONGEST_READ = 4000  # characters of it that are read
SHORTEST = 3  # shorter texts would take harmless words out of a message


def decode(
    body: bytes, *, fractions: Callable[[str], Any] = Decimal, hook: Callable[[dict[str, Any]], Any] | None = None
) -> Any:
    """The JSON with its fractions exact; NOTHING where it is none, as NaN and Infinity are none.

    `hook` makes what it likes of each object, as in `json.loads`; what it raises besides ValueError is not caught.
    """
    try:
        return json.loads(body, parse_float=fractions, parse_constant=_no_number, object_hook=hook)
    except (ValueError, RecursionError, ArithmeticError):
        return NOTHING


def clean(text: str, personal: Sequence[str] = (), *, longest: int = LONGEST, shortest: int = SHORTEST) -> str:
    """One line without e-mail addresses, phone numbers, secrets and the given texts, cut.

    Of `personal`, texts below `shortest` characters stay.
    """
    return " ".join(log.clean(without(text, personal, shortest)[:LONGEST_READ]).split())[:longest]


def without(text: str, personal: Sequence[str], shortest: int = SHORTEST) -> str:
    """The text without these texts, however their letters are written; those below `shortest` characters stay."""
    for one in sorted((one for one in personal if len(one) >= shortest), key=len, reverse=True):
        text = re.sub(re.escape(one), "***", text, flags=re.IGNORECASE)
    return text


@contextmanager
def naming_nobody(personal: Sequence[str]) -> Iterator[None]:
    """What fails within is told without these texts: for systems whose answers are read before it is known of whom."""
    try:
        yield
    except DeliveryError as error:
        error.args = (without(str(error), personal), *error.args[1:])
        raise


def page_words(body: bytes, *, element: str = "") -> str:
    """The words of an HTML page, as of a proxy's; of its first such element, where it has one."""
    text = body[:LONGEST_READ].decode("utf-8", "replace")
    found = re.search(rf"<{element}>(.*?)</{element}>", text, re.DOTALL) if element else None
    return " ".join(html.unescape(re.sub(r"<[^>]*>", " ", found.group(1) if found else text)).split())


def limited(response: HttpResponse, text: str, now: datetime) -> RateLimited | None:
    """Where it says that it is too much: 429, or 503 with a time to come back at."""
    pause = retry_after(response.headers, response.date() or now)
    if response.status == 429 or (response.status == 503 and pause is not None):
        return RateLimited(text, retry_after=pause, status=response.status)
    return None


def unclear(text: str, status: int, *, writes: bool) -> DeliveryError:
    """An answer that does not say how it ended: what may have written is looked up before it is sent again."""
    return (OutcomeUnknown if writes else Temporary)(text, status=status)


def _no_number(_text: str) -> Any:
    raise ValueError("NaN and Infinity are no JSON")
