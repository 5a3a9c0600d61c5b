"""Telling people: trying it, and seeing what would be told."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.table import Table

from crossdock.app import utc_now
from crossdock.cli.common import ConfigOption, complaints, console, plain, say, settings_or_exit
from crossdock.cli.desks import desk_of
from crossdock.errors import ConfigurationError
from crossdock.incidents.records import digest_of
from crossdock.incidents.texts import line, moment, trial
from crossdock.notifying.composed import targets_of, voice_of
from crossdock.notifying.foreseen import Foreseen, foresee
from crossdock.notifying.targets import AppriseTargets
from crossdock.security.places import secrets_of
from crossdock.settings import Settings

app = typer.Typer(no_args_is_help=True, help="Telling people what is wrong: test, preview.")


@app.command("test")
def send_test(
    config: ConfigOption = None,
    audience: Annotated[str, typer.Option(help="Only this audience; else each.")] = "",
) -> None:
    """Send a test message to each target, and say which did not take it, and why. Exit code 1: one did not."""
    settings = settings_or_exit(config)
    failed = 0
    table = Table("audience", "target", "came to", box=None)
    for name, ref, why in _tried(settings, audience):
        failed += bool(why)
        table.add_row(plain(name), plain(ref), plain(why or "taken", "red" if why else "green"))
    console.print(table)
    if failed:
        say(f"{failed} of {table.row_count} did not take it", to=complaints)
        raise typer.Exit(1)


def _tried(settings: Settings, only: str) -> list[tuple[str, str, str]]:
    targets = targets_of(settings.notifications)
    if not targets or only not in {"", *targets}:
        told = ", ".join(targets) or "none"
        say(f"there is no audience {only!r}: there are {told}" if only else "nobody is to be told", to=complaints)
        raise typer.Exit(2)
    try:
        texts = voice_of(settings).texts
    except ConfigurationError as error:
        for problem in error.problems:
            say(plain("! ", "red"), problem, to=complaints)
        raise typer.Exit(2) from error
    door = AppriseTargets(secrets_of(settings.secrets))
    found = []
    for name, several in targets.items():
        if only not in {"", name}:
            continue
        for target in several:
            key = digest_of("test", name, target.ref, utc_now().isoformat())
            found.append((name, target.ref, door.tell(target, *trial(texts, name, key), "info")))
    return found


@app.command()
def preview(
    config: ConfigOption = None,
    texts: Annotated[bool, typer.Option("--texts", help="Each message whole.")] = False,
) -> None:
    """What is wrong now, and who would be told what of it, and when. Nothing is sent, and nothing is kept.

    Not asked here: the store's count of its orders and the audit trail's chain, which take long.
    """
    with desk_of(config) as desk:
        found = foresee(desk, voice_of(desk.settings))
    if not found.known and not found.messages:
        say("nothing is wrong")
        return
    table = Table("severity", "state", "what", "known since", box=None)
    for one in found.known:
        table.add_row(*map(plain, (one.sight.severity, one.state, line(one), moment(one.first_at))))
    console.print(table)
    say("")
    _told(found, whole=texts)


def _told(found: Foreseen, *, whole: bool) -> None:
    if not found.messages:
        say("nobody would be told anything of it now: it was told already, or no audience hears of it")
    for one in found.messages:
        when = "now" if one.due_at <= found.at else moment(one.due_at)
        when = "by the digest" if one.state == "skipped" else when
        say(plain(f"{one.audience}, {when}: ", "bold"), one.title)
        if whole:
            say("")
            for text in one.body.splitlines():
                say("    ", text)
            say("")


__all__ = ["app"]
