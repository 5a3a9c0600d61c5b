"""What every record of the model has in common."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec


class Record(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=False):
    """Frozen, by keyword only. Money and quantities are Decimal, times are aware and in UTC."""


def settle_types() -> int:
    """Builds what msgspec must know of each record imported by now; returns how many. For before threads start.

    It does so at a type's first use, and shows the half-built result to other threads: two that first read the same
    type at once end the process (seen with msgspec 0.22 as segmentation faults soon after the start).
    """
    return sum(_settled(kind) for kind in set(_below(msgspec.Struct)) if kind.__module__.startswith("crossdock."))


def _below(kind: type[msgspec.Struct]) -> Iterator[type[msgspec.Struct]]:
    for one in kind.__subclasses__():
        yield one
        yield from _below(one)


def _settled(kind: type[msgspec.Struct]) -> bool:
    try:
        msgspec.json.Decoder(kind)
    except (TypeError, NameError):
        return False  # holds what JSON has no form for, or names only type checkers know: it is never read
    return True
