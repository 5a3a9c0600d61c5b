"""What a dead letter's reason says once its numbers and ids are left out: letters of one cause are one line. Pure."""

from __future__ import annotations

import hashlib
import re
from functools import lru_cache

# a word with a digit in it is an id or a number; the status of an answer is neither
NUMBERED = re.compile(r"(?<!HTTP )(?<![\w.:@/+-])[\w.:@/+-]*\d[\w.:@/+-]*")
BLANK = "#"


@lru_cache(maxsize=65_536)
def blanked(reason: str) -> str:
    """Without numbers and ids."""
    return NUMBERED.sub(BLANK, reason)


@lru_cache(maxsize=65_536)
def cause_of(code: str, reason: str) -> str:
    """The name of a cause: the same for the same code and words, in every process and for ever."""
    return hashlib.sha256(f"{code}\0{blanked(reason)}".encode()).hexdigest()[:16]
