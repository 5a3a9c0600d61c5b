"""Trying dead letters again and resolving them, as questions: what it would do, in words. Used by two pages."""

from __future__ import annotations

from collections.abc import Iterator

from crossdock.console.acts import Act
from crossdock.console.words import counted, number, stamp
from crossdock.errors import NotNow
from crossdock.operations import dead
from crossdock.operations.dead import Choice, Done, Foreseen
from crossdock.operations.desk import Desk

SENT_ONCE = "They go under the key that they had: what has arrived after all is found, not made a second time."


def replaying(desk: Desk, choice: Choice, back: str, path: str = "") -> Act:
    """Try them again. Raises NotNow where there are none."""
    seen = _seen(desk, choice)
    return Act(
        title=f"Try {counted(seen.letters, 'letter')} again",
        verb="Try again",
        path=path or f"{back}/replay",
        back=back,
        facts=tuple(_facts(seen)),
        hidden=_fields(choice),
        cli=seen.cli,
    )


def resolving(desk: Desk, choice: Choice, back: str, path: str = "") -> Act:
    """A person has dealt with them. Raises NotNow where there are none."""
    seen = _seen(desk, choice)
    return Act(
        title=f"Resolve {counted(seen.letters, 'letter')}",
        verb="Mark as dealt with",
        path=path or f"{back}/resolve",
        back=back,
        facts=(
            *_which(seen),
            ("What happens", "They are never sent. What waits behind them in the same lane goes on."),
        ),
        warning="Only for what you have dealt with by hand, or what need not arrive: it cannot be taken back.",
        hidden=_fields(choice),
        cli=dead.command("resolve", choice),
        grave=True,
    )


def _seen(desk: Desk, choice: Choice) -> Foreseen:
    seen = dead.foresee(desk, choice)
    if not seen.letters:
        raise NotNow("there is no such dead letter (any more): it was tried again or resolved, or is under way")
    return seen


def outcome(word: str, found: Done) -> tuple[str, int]:
    """For `told.done`."""
    if not found.done:
        return ("none", 0)
    return (f"{word}-some" if found.left else word, found.done)


def _facts(seen: Foreseen) -> Iterator[tuple[str, str]]:
    yield from _which(seen)
    if seen.asked_first:
        told = (
            f"{counted(seen.asked_first, 'letter')} may have arrived. Each is looked for there before anything is sent."
        )
        yield ("Looked for first", told)
    if seen.waits:
        yield ("Will wait", f"{counted(seen.waits, 'letter')}, until {' and '.join(seen.paused)} is resumed")
    yield ("Doubles", SENT_ONCE)


def _which(seen: Foreseen) -> Iterator[tuple[str, str]]:
    yield (
        "Letters",
        ", ".join(f"{number(one.count)} {one.flow} to {one.target}" for one in seen.where) or "none",
    )
    if seen.at_risk.money:
        yield ("Money in them", ", ".join(f"{one.currency} {number(one.amount)}" for one in seen.at_risk.money))
    if seen.oldest_at:
        yield ("The oldest died", f"{stamp(seen.oldest_at)} UTC")


def _fields(choice: Choice) -> dict[str, str]:
    """So that the form asks for the very same letters."""
    told = {"cause": choice.cause, "ids": ",".join(map(str, choice.ids))}
    before = {"before": choice.before.isoformat()} if choice.before else {}
    return {name: value for name, value in {**told, **before}.items() if value}


__all__ = ["outcome", "replaying", "resolving"]
