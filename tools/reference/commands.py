"""docs/reference/cli-options.md: every verb with its arguments and options, from Typer's own description of them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from enum import Enum
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

import typer

from crossdock.cli.main import app

WORDS: dict[Any, str] = {
    str: "text",
    int: "whole number",
    float: "number",
    Path: "file",
    datetime: "date or time, UTC",
}
HEAD = """\
# Commands, with every option

This page is written from the commands themselves (`make reference`); a test keeps it current. What each is for, in a
line: [Commands](cli.md). `--config FILE` names the settings file; every verb also takes `--help`.
"""


def page() -> str:
    """The whole page, as Markdown."""
    return "\n".join([HEAD, *(_section(name, verb) for name, verb in verbs())])


def verbs() -> Iterator[tuple[str, Any]]:
    """Every verb that can be typed, by its whole name, in the order of the alphabet."""

    def below(name: str, command: Any) -> Iterator[tuple[str, Any]]:
        inner = getattr(command, "commands", None)
        if inner is None:
            yield name, command
            return
        for sub, one in sorted(inner.items()):
            yield from below(f"{name} {sub}", one)

    yield from below("crossdock", typer.main.get_command(app))


def _section(name: str, verb: Any) -> str:
    told = " ".join((verb.help or "").split())
    rows = [_row(one) for one in verb.params if one.name not in {"help", "config"}]
    words = [_argument(one) for one in verb.params if one.param_type_name == "argument"]
    config = ["--config FILE"] if any(one.name == "config" for one in verb.params) else []
    typed = " ".join([name, *words, *config, *(["[OPTIONS]"] if len(rows) > len(words) else [])])
    table = ["", "| | | meaning |", "|---|---|---|", *rows] if rows else []
    return "\n".join([f"## `{name}`", "", told, "", "```text", typed, "```", *table, ""])


def _argument(one: Any) -> str:
    name = one.name.upper() + ("…" if one.nargs == -1 else "")
    return name if one.required else f"[{name}]"


def _row(one: Any) -> str:
    is_argument = one.param_type_name == "argument"
    name = one.name.upper() if is_argument else ", ".join([*one.opts, *one.secondary_opts])
    told = " ".join((one.help or "").split()).replace("|", "\\|")
    return f"| `{name}` | {_kind(one)} | {told}{_default(one)} |"


def _kind(one: Any) -> str:
    told = "" if getattr(one, "is_flag", False) else _word(one.type_descriptor.annotation)
    return " ".join(part for part in (told, "**required**" * one.required) if part)


def _word(annotation: Any) -> str:
    if get_origin(annotation) is Literal:
        return " or ".join(f"`{choice}`" for choice in get_args(annotation))
    if isinstance(annotation, type) and issubclass(annotation, Enum):
        return " or ".join(f"`{choice.value}`" for choice in annotation)
    if get_origin(annotation) in {list, tuple}:
        return f"{_word(get_args(annotation)[0])}, any number"
    return WORDS.get(annotation, "text")


def _default(one: Any) -> str:
    plain = one.default
    if one.required or isinstance(plain, bool) or not isinstance(plain, int | float | str) or plain == "":
        return ""
    return f" (`{getattr(plain, 'value', plain)}`)"
