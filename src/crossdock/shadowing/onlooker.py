"""The end of a shadow delivery: it can look and compare, and has nothing to write with.

It is given the two reading halves of a sink (`show`, `find`) and never the sink. Whatever they do is done while the
transport lets nothing through that changes anything (transport.looking).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

import msgspec

from crossdock.contract.message import Receipt
from crossdock.contract.shadow import PARKED, Compared, Fate, Shown
from crossdock.errors import Conflict, CrossdockError, MessageError, NotReady, Rejected
from crossdock.shadowing.fields import compare
from crossdock.transport.looking import looking

SHORTEST = timedelta(seconds=30)
Preview = Callable[[Any], Mapping[str, Any]]
Show = Callable[[Any, str], Shown | None]
Find = Callable[[Any, str], Receipt | None]


class Watching:
    """The onlooker of one flow at one target. `patience`: how long another may take to bring a thing there.

    `changes`: the thing is not only made but changed there, so that a difference may be one that is not brought yet.
    """

    def __init__(
        self, preview: Preview, show: Show | None, find: Find | None, patience: timedelta, *, changes: bool = False
    ) -> None:
        self._preview = preview
        self._show = show
        self._find = find
        self._patience = patience
        self._awaited = {Fate.MISSING, Fate.DIFFERENT} if changes else {Fate.MISSING}

    def compare(self, record: Any, key: str, memo: Mapping[str, str], since: datetime, now: datetime) -> Compared:
        """See the port."""
        try:
            self._preview(record)
        except CrossdockError as error:
            return Compared(fate=Fate.REFUSED, reason=f"{error.code}: {error}")
        with looking():
            found = self._looked(record, key)
        if PARKED in memo:
            found = msgspec.structs.replace(found, fate=Fate.REFUSED, reason=f"parked: {memo[PARKED]}")
        age = now - since
        if found.fate in self._awaited and age < self._patience:
            return msgspec.structs.replace(found, again_at=now + min(max(SHORTEST, age), self._patience - age))
        return found

    def _looked(self, record: Any, key: str) -> Compared:
        try:
            if self._show is not None:
                shown = self._show(record, key)
                return compare(shown) if shown is not None else _missing()
            if self._find is None:
                return Compared(fate=Fate.UNSEEN, reason="this target cannot be asked for it")
            return _found(self._find(record, key))
        except NotReady:
            return _missing()
        except (Conflict, Rejected, MessageError) as error:  # something else, or something broken, stands there
            return Compared(fate=Fate.DIFFERENT, reason=f"{error.code}: {error}")


def _missing() -> Compared:
    return Compared(fate=Fate.MISSING, reason="the target does not have it")


def _found(receipt: Receipt | None) -> Compared:
    if receipt is None:
        return _missing()
    name = receipt.number or receipt.external_id
    return Compared(fate=Fate.UNSEEN, number=name, reason="it is there; this target cannot show its fields")


__all__ = ["Watching"]
