"""`crossdock doctor`: is everything that this Crossdock needs as it should be?"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import groupby
from pathlib import Path
from typing import Annotated

import msgspec
import typer
from rich.padding import Padding

from crossdock.app import Crossdock
from crossdock.cli.common import ConfigOption, JsonOption, complain, console, plain, refuse, say, settings_or_exit
from crossdock.contract.findings import PAGE, Finding, Level, counted
from crossdock.doctor.report import Report, sorted_by_need
from crossdock.errors import ConfigurationError, CrossdockError
from crossdock.operations.desk import Desk
from crossdock.operations.doctor import Findings, look, names, shown

WORDS = {
    Level.OK: ("ok", "green"),
    Level.WARNING: ("warning", "yellow"),
    Level.ERROR: ("ERROR", "bold red"),
    Level.UNSEEN: ("unseen", "magenta"),
}
BY_HAND = ("by hand", "cyan")
WIDE = 8


def doctor(
    config: ConfigOption = None,
    only: Annotated[
        list[str] | None, typer.Option(help="A check (docs/doctor.md), a connection, or `crossdock`; may be repeated.")
    ] = None,
    strict: Annotated[bool, typer.Option("--strict", help="Exit code 2 for warnings too.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Look at both ends and at ourselves. Exit code 1: an error; 2: something could not be looked at; 0: all well."""
    desk = _desk(config)
    try:
        report = look(desk, _known(desk, only or []))
    finally:
        desk.store.close()
    _tell(report, as_json=as_json)
    if code := report.exit_code(strict=strict):
        raise typer.Exit(code)


def _desk(config: Path | None) -> Desk:
    settings = settings_or_exit(config)
    try:
        return Desk(Crossdock(settings))
    except ConfigurationError as error:
        refuse(error)
        raise typer.Exit(2) from error
    except CrossdockError as error:  # without a database nothing can be looked at
        complain(error)
        raise typer.Exit(1) from error


def _known(desk: Desk, only: list[str]) -> tuple[str, ...]:
    wrong = [one for one in only if one not in names(desk)]
    if wrong:
        desk.store.close()
        refuse(ConfigurationError([f"--only: {one} is no check and no connection" for one in wrong]))
        raise typer.Exit(2)
    return tuple(only)


def _tell(report: Report, *, as_json: bool) -> None:
    found = shown(report)
    if as_json:
        console.print_json(msgspec.json.encode(found).decode())
        return
    for subject, findings in groupby(report.findings, key=lambda one: one.subject):
        say(plain(subject, "bold"))
        _print(sorted_by_need(findings))
    say(_summary(found))


def _print(findings: Iterable[Finding]) -> None:
    """Those that say the same of what is to be done say it once, behind the last of them."""
    for _, alike in groupby(findings, key=lambda one: (one.check, one.level, one.mend)):
        told = [*alike]
        for one in told:
            word, style = BY_HAND if one.by_hand else WORDS[one.level]
            line = plain(word.ljust(WIDE), style) + plain(f" {one.what}  ") + plain(one.check, "dim")
            console.print(Padding(line, (0, 0, 0, 2), expand=False))
        _advise(told[-1])


def _advise(one: Finding) -> None:
    if one.level is Level.OK:
        return
    for name, text in [("look", one.mend)] if one.by_hand else [("why", one.why), ("mend", one.mend)]:
        line = plain(f"{name}: ", "dim") + plain(text)
        console.print(Padding(line, (0, 0, 0, WIDE + 3), expand=False))


def _summary(found: Findings) -> str:
    fine = sum(one.level == Level.OK for one in found.findings)
    counts = [(found.errors, "error"), (found.warnings, "warning")]
    told = [f"{fine} fine", *(counted(count, name) for count, name in counts if count)]
    told += [f"{found.unseen} could not be looked at"] if found.unseen else []
    told += [f"{found.by_hand} to be looked at by hand"] if found.by_hand else []
    return f"{', '.join(told)}. {PAGE} explains each."
