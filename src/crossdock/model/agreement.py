"""What two ends are known to have of one subject, field by field: registers in which the newest value stands. Pure.

Nobody can lock a field in two systems at once. So each field has a register a side, and what is heard or written is
put into it under three times: when the value was made (`at`), when it was seen to be there, and when we last wrote that
side (`given_at`). Whatever order that comes in, the registers come to the same.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Any

import msgspec

from crossdock.model.base import Record

REGION = ("region", "region_code")


class Side(StrEnum):
    """Whose word it is: the connection that subjects are named by, or the other one."""

    SOURCE = "source"
    TARGET = "target"


class Cell(Record, frozen=True, kw_only=True):
    """One field on one side. Not `sure`: what we have written there since may have taken this value's place."""

    value: Any = None
    at: datetime
    given_at: datetime | None = None
    sure: bool = True


class News(Record, frozen=True, kw_only=True):
    """Values of one side: seen there, or `given` to it by us.

    `live`: read from the side itself at `seen_at`, and so true then whatever time it gives.
    """

    side: Side
    values: dict[str, Any]
    at: datetime
    seen_at: datetime
    given: bool = False
    live: bool = False


class Agreement(Record, frozen=True, kw_only=True):
    """`base`: what both sides had when they were last alike. `places`: names of parts -> the source's ids of them."""

    source: dict[str, Cell] = {}
    target: dict[str, Cell] = {}
    base: dict[str, Any] = {}
    places: dict[str, str] = {}

    def cells(self, side: Side) -> Mapping[str, Cell]:
        """Of one side."""
        return self.source if side is Side.SOURCE else self.target

    def after(self, news: News) -> Agreement:
        """With that put in; and the base moved on where both sides are alike now."""
        put = given if news.given else told
        before = self.cells(news.side)
        cells = {**before, **{name: put(before.get(name), value, news) for name, value in news.values.items()}}
        changed = msgspec.structs.replace(self, **{news.side.value: cells})
        return changed.settled(news.values)

    def settled(self, names: Mapping[str, Any]) -> Agreement:
        """With the base at what both sides are surely alike in."""
        alike = {name: self.source[name].value for name in names if self._alike(name)}
        return msgspec.structs.replace(self, base={**self.base, **alike}) if alike else self

    def _alike(self, name: str) -> bool:
        ours, theirs = self.source.get(name), self.target.get(name)
        return bool(ours and theirs and ours.sure and theirs.sure and same(ours.value, theirs.value))


def told(cell: Cell | None, value: Any, news: News) -> Cell:
    """The register after that side was seen to have this value."""
    if cell is None:
        return Cell(value=value, at=news.at)
    overwritten = cell.given_at is not None and news.seen_at <= cell.given_at
    if same(cell.value, value):
        # said again later, it is that much newer; of what is read live only the whole subject's time is known
        moment = cell.at if news.live else max(cell.at, news.at)
        return msgspec.structs.replace(cell, value=value, at=moment, sure=cell.sure or not overwritten)
    if overwritten:  # seen before we wrote there: at most a newer wish than what we wrote
        return msgspec.structs.replace(cell, value=value, at=news.at, sure=False) if news.at > cell.at else cell
    if news.live:
        moment = news.at if news.at > cell.at else max(news.seen_at, cell.at)
        return msgspec.structs.replace(cell, value=value, at=moment, sure=True)
    return cell if news.at < cell.at else msgspec.structs.replace(cell, value=value, at=news.at, sure=True)


def given(cell: Cell | None, value: Any, news: News) -> Cell:
    """The register after we wrote this value there, made at `news.at`."""
    if cell is not None and cell.at > news.at and not same(cell.value, value):
        return msgspec.structs.replace(cell, given_at=news.seen_at, sure=False)
    # the same value is never made older: two marks that take turns would have each look promise what the other wrote
    moment = max(cell.at, news.at) if cell is not None and same(cell.value, value) else news.at
    return Cell(value=value, at=moment, given_at=news.seen_at)


def same(one: Any, other: Any) -> bool:
    """Alike for both sides: nothing and an empty text are one, and so are texts but for the blanks around them.

    A region and its code are one fact told in two ways: where a side tells one of them, that one counts.
    """
    one, other = _plain(one), _plain(other)
    if not (isinstance(one, dict) and isinstance(other, dict)):
        return bool(one == other)
    if any(name in one and name in other for name in REGION):
        one, other = ({**side} for side in (one, other))
        for name in REGION:
            if name not in one or name not in other:
                one.pop(name, None)
                other.pop(name, None)
    return bool(one == other)


def _plain(value: Any) -> Any:
    if isinstance(value, str):
        return value.strip() or None
    if isinstance(value, Mapping):
        return {name: plain for name, inner in value.items() if (plain := _plain(inner)) is not None} or None
    if isinstance(value, list | tuple):
        return [_plain(inner) for inner in value if _plain(inner) is not None] or None
    return value


__all__ = ["Agreement", "Cell", "News", "Side", "given", "same", "told"]
