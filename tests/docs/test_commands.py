"""Every command that a page names is one that there is, with the options that it has."""

from __future__ import annotations

import re
import shlex
import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import typer

from crossdock.cli.main import app
from tools.follow.page import SHELLS, blocks

ROOT = Path(__file__).parents[2]
PAGES = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "src").rglob("*.md")]
HISTORY = {"CHANGELOG.md"}  # tells of what was, too
INLINE = re.compile(r"`(crossdock\s(?!\w+:)[^`]+)`")  # not the marks `crossdock line: 11` in an ERP


def named(text: str) -> Iterator[str]:
    """Commands in a page: in the line and in blocks."""
    outside = re.sub(r"^ *```.*?^ *```", "", text, flags=re.MULTILINE | re.DOTALL)
    yield from (" ".join(found.split()) for found in INLINE.findall(outside))
    for block in blocks(text):
        if block.language in SHELLS:
            lines = (line.removeprefix("$ ").split("  #")[0] for line in block.lines)
            yield from (line for line in lines if line.startswith("crossdock "))


@cache
def root() -> Any:
    """The verbs."""
    return typer.main.get_command(app)


def wrong(command: str) -> str:
    """What of it there is not; "" if it could be typed."""
    words = shlex.split(re.sub(r" [|>] .*", "", command).replace("…", "x"), comments=True)[1:]
    here: Any = root()
    while words and hasattr(here, "commands") and words[0] in here.commands:
        here = here.commands[words.pop(0)]
    if words and hasattr(here, "commands") and not words[0].startswith("-"):
        return words[0]
    options = {option for one in here.params for option in (*one.opts, *one.secondary_opts)} | {"--help"}
    return " ".join(word for word in words if word.startswith("--") and word.split("=")[0] not in options)


@pytest.mark.parametrize("page", sorted({page.relative_to(ROOT).as_posix() for page in PAGES} - HISTORY))
def test_every_command_on_the_page_is_one(page: str) -> None:
    found = {command: wrong(command) for command in named((ROOT / page).read_text("utf-8"))}
    assert {command: word for command, word in found.items() if word} == {}


@pytest.mark.parametrize(
    ("command", "told"),
    [
        ("crossdock dead list --json", ""),
        ("crossdock dead bury 7", "bury"),
        ("crossdock dead replay --force", "--force"),
        ("crossdock run", ""),
        ("crossdock lookups add terms x Y --why 'it is so'", ""),
    ],
)
def test_what_is_no_command_is_told(command: str, told: str) -> None:
    assert wrong(command) == told


def test_commands_are_found_in_lines_and_in_blocks() -> None:
    text = (
        "Type `crossdock dead\nlist`.\n\n```console\n$ crossdock status  # how\nall\n```\n```toml\ncrossdock = 1\n```\n"
    )
    assert list(named(text)) == ["crossdock dead list", "crossdock status"]


EXTRA = re.compile(r"pip install[^`\n]*?'([^'\[]+)\[([a-z,]+)\]'")


def test_an_extra_is_installed_from_a_checkout_since_no_index_has_crossdock() -> None:
    known = set(tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"])
    found = {(where, extra) for page in PAGES for where, extra in EXTRA.findall(page.read_text("utf-8"))}
    assert {extra for _, extra in found} <= known
    assert {where for where, _ in found} == {"."}
    assert len(found) > 4
