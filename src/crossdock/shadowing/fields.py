"""Two documents field by field: numbers as numbers, lists by what tells their entries apart or joins them. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal, InvalidOperation
from typing import Any

from crossdock.contract.beside import paired
from crossdock.contract.shadow import Compared, Fate, Shown, Unlike

PLACE = re.compile(r"\[\d+\]")
NUMBER = re.compile(r"-?(0|[1-9][0-9]*)?(\.[0-9]+)?")
ABSENT = object()


def compare(shown: Shown) -> Compared:
    """What a target has, against what would have been sent."""
    pairs = [*_pairs(shown.ours, shown.theirs, "")]
    seen = [(path, ours, theirs) for path, ours, theirs in pairs if theirs is not ABSENT]
    unlike = tuple(
        Unlike(field=path, ours=text(ours), theirs=text(theirs))
        for path, ours, theirs in seen
        if not same(ours, theirs)
    )
    uncompared = tuple(sorted({unnumbered(path) for path, _, theirs in pairs if theirs is ABSENT}))
    doubled = f"it is there {shown.times} times" if shown.times > 1 else ""
    found = Compared(
        fate=Fate.EQUAL, number=shown.number, compared=len(seen), unlike=unlike, uncompared=uncompared, reason=doubled
    )
    return _judged(found, doubled=bool(doubled))


def _judged(found: Compared, *, doubled: bool) -> Compared:
    values = {name: getattr(found, name) for name in found.__struct_fields__}
    if found.unlike or doubled:
        return Compared(**values | {"fate": Fate.DIFFERENT})
    if not found.compared:
        return Compared(**values | {"fate": Fate.UNSEEN, "reason": "the target gives none of its fields back"})
    return found


def same(ours: Any, theirs: Any) -> bool:
    """2 is 2.00 and "2.0"; nothing is an empty text, an empty list and nothing."""
    if empty(ours) or empty(theirs):
        return empty(ours) and empty(theirs)
    if isinstance(ours, bool) or isinstance(theirs, bool):
        return text(ours).lower() == text(theirs).lower()
    if isinstance(ours, Mapping | list | tuple) or isinstance(theirs, Mapping | list | tuple):
        return False
    one, other = _number(ours), _number(theirs)
    if one is not None and other is not None:
        return one == other
    return str(ours) == str(theirs)


def empty(value: Any) -> bool:
    """Whether it says nothing."""
    return value is None or value in ("", [], {}, ())


def text(value: Any) -> str:
    """As it is shown; "" for nothing."""
    if empty(value):
        return ""
    return f"{value:f}" if isinstance(value, Decimal) else str(value)


def unnumbered(path: str) -> str:
    """`items[0].sku` and `items[1].sku` are one field, `items[].sku`."""
    return PLACE.sub("[]", path)


def flat(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Every leaf with its path; entries of a list by their place, `items[0].sku`."""
    if isinstance(value, Mapping) and value:
        for name, inner in value.items():
            yield from flat(inner, f"{path}.{name}" if path else str(name))
    elif isinstance(value, list | tuple) and value:
        for place, inner in enumerate(value):
            yield from flat(inner, f"{path}[{place}]")
    else:
        yield path, value


def _pairs(ours: Any, theirs: Any, path: str) -> Iterator[tuple[str, Any, Any]]:
    """Every leaf of ours with theirs; ABSENT where the target says nothing of it."""
    if isinstance(ours, Mapping) and ours and (isinstance(theirs, Mapping) or theirs is ABSENT):
        there = theirs if isinstance(theirs, Mapping) else {}
        for name, value in ours.items():
            yield from _pairs(value, there.get(name, ABSENT), f"{path}.{name}" if path else str(name))
    elif isinstance(ours, list | tuple) and ours and isinstance(theirs, list | tuple):
        yield from _entries(ours, theirs, path)
    elif isinstance(ours, list | tuple) and ours and theirs is ABSENT:
        for place, value in enumerate(ours):
            yield from _pairs(value, ABSENT, f"{path}[{place}]")
    else:
        yield path, ours, theirs


def _entries(ours: Sequence[Any], theirs: Sequence[Any], path: str) -> Iterator[tuple[str, Any, Any]]:
    if len(ours) != len(theirs):
        yield f"{path}.length", len(ours), len(theirs)
    name = _telling(ours, theirs)
    if name:
        by_name = {text(one[name]): one for one in theirs}
        others = [by_name.get(text(value[name]), {name: None}) for value in ours]
    else:
        others = _likest(ours, theirs)
    for place, (value, other) in enumerate(zip(ours, others, strict=True)):
        yield from _pairs(value, other, f"{path}[{place}]")


def _likest(ours: Sequence[Any], theirs: Sequence[Any]) -> list[Any]:
    """For each of ours the one of theirs that has most in common with it; each is taken once."""
    pairs = paired(ours, theirs, _common)
    return [theirs[pairs[place]] if place in pairs else _none_of(one) for place, one in enumerate(ours)]


def _common(one: Any, other: Any) -> int:
    return sum(not empty(mine) and same(mine, there) for _, mine, there in _pairs(one, other, ""))


def _none_of(value: Any) -> Any:
    """What stands for an entry that is not there, so that its first field is told as missing."""
    return {next(iter(value)): None} if isinstance(value, Mapping) and value else ABSENT


def _telling(ours: Sequence[Any], theirs: Sequence[Any]) -> str:
    """A field by whose value entries of both sides are told apart, or "": then by what they have in common."""
    both = [*ours, *theirs]
    if not theirs or not all(isinstance(one, Mapping) for one in both):
        return ""
    for name in ours[0]:
        if all(isinstance(one.get(name), str | int) and not empty(one[name]) for one in both):
            mine, there = [text(one[name]) for one in ours], [text(one[name]) for one in theirs]
            if len({*mine}) == len(mine) and len({*there}) == len(there) and _covers(mine, there):
                return str(name)
    return ""


def _covers(mine: Sequence[str], there: Sequence[str]) -> bool:
    """One side may lack an entry; where both have others of their own, it was a quantity that looked like a name."""
    return {*mine} <= {*there} or {*there} <= {*mine}


def _number(value: Any) -> Decimal | None:
    """Of a number, and of a text that is written as one: a post code 02118 and a SKU 1E5 are not."""
    if isinstance(value, str) and not NUMBER.fullmatch(value.strip()):
        return None
    try:
        found = Decimal(str(value))
    except InvalidOperation:
        return None
    return found if found.is_finite() else None


__all__ = ["compare", "empty", "flat", "same", "text", "unnumbered"]
