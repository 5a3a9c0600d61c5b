"""What a page tells its reader to do. Pure."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass

FENCE = re.compile(r"^(?P<indent> *)```(?P<language>[\w-]*)(?P<info>.*)$")
TITLE = re.compile(r'title="([^"]*)"')
TERMINAL = re.compile(r"Terminal (\d+)")
APPENDED = ", at its end"
HEREDOC = re.compile(r"<<-?\s*['\"]?(\w+)['\"]?\s*$")
EXIT_CODE = re.compile(r"#.*\bexit code (\d+)\s*$")
SHELLS = {"console", "bash", "sh"}
FIRST = "1"  # the terminal of a block that names none


@dataclass(frozen=True)
class Command:
    """Something typed. `shown` is what the page says that it prints; None: it says nothing."""

    line: int
    text: str
    terminal: str = FIRST
    shown: tuple[str, ...] | None = None
    exit_code: int = 0
    again: bool = False
    may_stay: bool = False  # it need not end


@dataclass(frozen=True)
class Stop:
    """Ctrl-C in a terminal."""

    line: int
    terminal: str


@dataclass(frozen=True)
class Write:
    """A file that the reader is told to write, or to add to."""

    line: int
    name: str
    text: str
    append: bool = False


Step = Command | Stop | Write


@dataclass(frozen=True)
class Block:
    """A fenced block. `line` is that of its first line of text, from 1."""

    line: int
    language: str
    title: str
    lines: tuple[str, ...]


def blocks(text: str) -> Iterator[Block]:
    """The fenced blocks of a page, without the indentation that a list gives them."""
    opened: re.Match[str] | None = None
    start, lines = 0, list[str]()
    for number, line in enumerate(text.splitlines(), 1):
        fence = FENCE.match(line)
        if opened is None:
            if fence:
                opened, start, lines = fence, number + 1, []
        elif fence and not fence["language"] and not fence["info"].strip():
            title = TITLE.search(opened["info"])
            yield Block(start, opened["language"], title[1] if title else "", tuple(lines))
            opened = None
        else:
            lines.append(line.removeprefix(opened["indent"]))


def steps(text: str) -> Iterator[Step]:
    """Everything that a page tells its reader to do, in order."""
    for block in blocks(text):
        if block.language == "console":
            yield from _typed(block)
        elif block.language in SHELLS:
            yield from _script(block)
        elif block.title and " " not in block.title.removesuffix(APPENDED):
            name = block.title.removesuffix(APPENDED)
            yield Write(block.line, name, "\n".join(block.lines) + "\n", append=name != block.title)


def _typed(block: Block) -> Iterator[Step]:
    """Commands behind a prompt, each with what it prints; a line that ends in a backslash goes on in the next."""
    at = 0
    while at < len(block.lines):
        line = block.lines[at]
        if line == "^C":
            yield Stop(block.line + at, _terminal(block))
            at += 1
            continue
        if not line.startswith("$ "):
            raise ValueError(f"line {block.line + at}: a console block begins with a command, behind `$ `")
        text, after = _whole(block, at, line.removeprefix("$ "))
        end = after
        while end < len(block.lines) and not (block.lines[end].startswith("$ ") or block.lines[end] == "^C"):
            end += 1
        yield _command(block, at, text, block.lines[after:end] or None)
        at = end


def _script(block: Block) -> Iterator[Command]:
    at = 0
    while at < len(block.lines):
        if not block.lines[at].strip() or block.lines[at].startswith("#"):
            at += 1
            continue
        text, after = _whole(block, at, block.lines[at])
        yield _command(block, at, text, None)
        at = after


def _whole(block: Block, at: int, text: str) -> tuple[str, int]:
    while text.endswith("\\") or _is_quoting(text):
        at += 1
        text += "\n" + block.lines[at].removeprefix("> ")
    if until := HEREDOC.search(text):
        end = block.lines.index(until[1], at + 1)
        text, at = "\n".join((text, *block.lines[at + 1 : end + 1])), end
    return text, at + 1


def _is_quoting(text: str) -> bool:
    """Whether a quotation mark waits for its other half, in a line below."""
    try:
        shlex.split(text, comments=True)
    except ValueError:
        return True
    return False


def _command(block: Block, at: int, text: str, shown: tuple[str, ...] | None) -> Command:
    code = EXIT_CODE.search(text)
    return Command(
        line=block.line + at,
        text=text,
        terminal=_terminal(block),
        shown=shown,
        exit_code=int(code[1]) if code else 0,
        again=block.title.startswith("Again"),
        may_stay=bool(TERMINAL.match(block.title)) and _terminal(block) != FIRST,
    )


def _terminal(block: Block) -> str:
    found = TERMINAL.match(block.title)
    return found[1] if found else FIRST
