"""How values are written for people. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from types import MappingProxyType
from typing import Any
from urllib.parse import urlencode

import msgspec

LONGEST_BODY = 200_000  # characters of a request or response that a page carries


def stamp(moment: datetime) -> str:
    """To the second; the zone is written beside it."""
    return moment.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S")


def iso(moment: datetime) -> str:
    """For machines."""
    return moment.astimezone(UTC).isoformat()


def span(seconds: float) -> str:
    """How long: two units at most."""
    if seconds < 1:
        return f"{round(seconds * 1000)} ms"
    if seconds < 60:
        return f"{seconds:.1f}".removesuffix(".0") + " s"
    minutes, hours, days = int(seconds // 60), int(seconds // 3600), int(seconds // 86400)
    if hours < 1:
        return f"{minutes} min"
    if days < 1:
        return f"{hours} h {minutes % 60} min" if minutes % 60 else f"{hours} h"
    return f"{days} d {hours % 24} h" if hours % 24 else f"{days} d"


def number(value: int | Decimal) -> str:
    """With commas between thousands; a decimal keeps its digits."""
    return f"{value:,}"


def counted(count: int, one: str, many: str = "") -> str:
    """1 letter, 2 letters."""
    return f"{count:,} {one if count == 1 else many or one + 's'}"


def pretty(body: str) -> str:
    """JSON over several lines, its numbers with the digits they came with; all else as it is."""
    try:
        told = msgspec.json.format(body.encode(), indent=2).decode()
    except (msgspec.DecodeError, RecursionError):
        told = body
    return told if len(told) <= LONGEST_BODY else told[:LONGEST_BODY] + "\n… cut off here"


def query(given: Mapping[str, Any], **changes: Any) -> str:
    """The same address with other parameters; empty ones are left out. Begins with "?"; "" where there are none."""
    told = {name: str(value) for name, value in {**given, **changes}.items() if value not in {"", None}}
    return "?" + urlencode(told) if told else ""


def slug(path: str) -> str:
    """A name for a place in a page."""
    return re.sub(r"[^a-z0-9]+", "-", path.lower()).strip("-")


def as_json(value: Any) -> str:
    """Over several lines."""
    return msgspec.json.format(msgspec.json.encode(value), indent=2).decode()


STATES: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "pending": ("waiting", "quiet"),
        "leased": ("under way", "busy"),
        "delivered": ("delivered", "good"),
        "superseded": ("superseded", "quiet"),
        "shadowed": ("compared only", "quiet"),
        "dead": ("dead letter", "bad"),
        "resolved": ("resolved", "quiet"),
        "closed": ("closed", "good"),
        "open": ("open", "bad"),
        "half_open": ("half open", "warn"),
        "paused": ("paused", "warn"),
        "running": ("under way", "busy"),
        "done": ("done", "good"),
        "failed": ("failed", "bad"),
        "interrupted": ("interrupted", "warn"),
        "found": ("open", "bad"),
        "repaired": ("repaired", "good"),
        "ended": ("had moved on", "quiet"),
        "changed": ("would change", "busy"),
        "held": ("would change", "warn"),
        "rejected": ("rejected", "bad"),
        "missed": ("missed", "bad"),
        "critical": ("critical", "bad"),
        "gathering": ("just begun", "warn"),
        "clearing": ("nothing left of it", "quiet"),
        "sent": ("sent", "good"),
        "skipped": ("in the digest", "quiet"),
        "error": ("error", "bad"),
        "warning": ("warning", "warn"),
        "unseen": ("could not look", "warn"),
        "by_hand": ("by hand", "quiet"),
    }
)


def state(word: str) -> tuple[str, str]:
    """What a state is called, and its tone: good, bad, warn, busy or quiet."""
    return STATES.get(word, (word.replace("_", " "), "quiet"))


FILTERS: Mapping[str, Any] = MappingProxyType(
    {
        "stamp": stamp,
        "iso": iso,
        "span": span,
        "number": number,
        "pretty": pretty,
        "as_json": as_json,
        "state": state,
        "slug": slug,
    }
)
GLOBALS: Mapping[str, Any] = MappingProxyType({"query": query, "counted": counted})
