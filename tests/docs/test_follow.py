"""The documents are followed word by word, on a machine with nothing on it; one word that is not so fails.

Here what a newcomer does first; `CROSSDOCK_LONG=1` (or `make follow`) follows every page of the list.
"""

from __future__ import annotations

import os
import re
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from tools.follow.__main__ import main
from tools.follow.machine import OURS, ROOT, environment, free_ports
from tools.follow.match import differs
from tools.follow.page import Command, Stop, Write, blocks, steps
from tools.follow.pages import INSTALL, LEFT_OUT, PAGES, STAGES, follow, shells
from tools.follow.reader import Reader, Untrue

LONG = bool(os.environ.get("CROSSDOCK_LONG"))


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("machine")


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.xdist_group("follow")
@pytest.mark.parametrize("name", [name for name, page in PAGES.items() if page.quick or LONG])
def test_the_page_is_true_word_by_word(name: str, machine: Path) -> None:
    assert follow(name, machine) > 0


def test_every_page_with_commands_is_followed_or_says_why_not() -> None:
    pages = {page.relative_to(ROOT).as_posix() for page in [ROOT / "README.md", *(ROOT / "docs").rglob("*.md")]}
    assert sorted(name for name in pages if shells(name)) == sorted({*PAGES, *LEFT_OUT})


def test_whoever_installs_types_the_same() -> None:
    """It is typed once on a machine: by the page that is followed first."""
    for page in ("docs/tutorial.md", "docs/quickstart.md"):
        assert {*INSTALL} <= {command.text for command in shells(page)}


def test_commands_stand_in_blocks_that_say_so() -> None:
    hidden = [
        f"{page.relative_to(ROOT)}:{block.line}"
        for page in [ROOT / "README.md", *(ROOT / "docs").rglob("*.md")]
        for block in blocks(page.read_text("utf-8"))
        if not block.language and any(re.match(r"(\$|crossdock|curl|make|pip) ", line) for line in block.lines)
    ]
    assert hidden == [], "``` console, or ``` text where it is an example that nobody types"


def test_what_is_not_run_is_on_its_page() -> None:
    gone = [
        (name, command)
        for name, page in PAGES.items()
        for command in page.passed_over
        if command not in (ROOT / name).read_text("utf-8")
    ]
    assert gone == []
    stages = {one for page in PAGES.values() for one in page.stage if "/" not in one}
    assert stages == {one.name for one in STAGES.glob("*.md")}


def typed(text: str, tmp_path: Path) -> Reader:
    (tmp_path / "work").mkdir()
    known, ports, passed_over = environment(tmp_path / "home"), {"8091": "8099"}, {"false": "not here"}
    with Reader(tmp_path / "work", known, {}, ports, passed_over) as reader:
        reader.follow("page.md", text)
    return reader


PAGE = """\
```console
$ X=1
$ echo "$X … 8091" # a word
1 … 8091
$ false
$ sh -c 'exit 3'   # exit code 3
```

1. And

    ```console title="Terminal 2: that stays"
    $ echo up; cat /dev/zero >/dev/null
    up
    ^C
    $ echo "again$X"
    again
    ```

```toml title="a.toml"
x = 1
```

```toml title="a.toml, at its end"
y = 8091
```

```bash
test "$(tr -d '\\n' < a.toml)" = "x = 1y = 8099"
```
"""


def test_a_page_is_read_as_its_reader_reads_it() -> None:
    found = list(steps(PAGE))
    assert [type(one) for one in found] == [Command] * 5 + [Stop, Command, Write, Write, Command]
    assert found[1] == Command(line=3, text='echo "$X … 8091" # a word', shown=("1 … 8091",))
    assert found[3] == Command(line=6, text="sh -c 'exit 3'   # exit code 3", exit_code=3)
    assert found[4] == Command(
        line=12, text="echo up; cat /dev/zero >/dev/null", terminal="2", shown=("up",), may_stay=True
    )


def test_a_text_that_goes_into_a_command_belongs_to_it(tmp_path: Path) -> None:
    page = "```sh\ncat > a.txt <<EOF\nfalse\n it's \"so\nEOF\ngrep -c it a.txt\n```"
    assert [one.text for one in steps(page) if isinstance(one, Command)][1:] == ["grep -c it a.txt"]
    assert typed(page, tmp_path).done == 2
    assert (tmp_path / "work/a.txt").read_text() == "false\n it's \"so\n"


def test_a_page_that_is_true_is_followed_to_its_end(tmp_path: Path) -> None:
    assert typed(PAGE, tmp_path).done == 6


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("```console\n$ echo one\ntwo\n```", "page.md:2: `echo one`\n  the page shows: two\n  it printed:     one"),
        ("\n```console\n$ echo one\none\n$ true\ntwo\n```", "page.md:5: `true`\n  the page shows: two"),
        ("```console\n$ echo one; echo two\none\n```", "it printed:     two"),
        ("```bash\nno-such-program\n```", "exit code 127"),
        ("```console\n$ true # exit code 2\n```", "exit code 0"),
        ('```console title="Terminal 2: it"\n$ echo up; exit 3\n```', "page.md:2"),
    ],
)
def test_what_is_not_so_is_told_with_page_and_line(text: str, told: str, tmp_path: Path) -> None:
    with pytest.raises(Untrue) as untrue:
        typed(text.replace("exit 3", "(exit 3)"), tmp_path)
    assert told in str(untrue.value)


def test_a_request_that_is_answered_by_an_error_does_not_end_well(tmp_path: Path) -> None:
    with HTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler) as server:  # 501, whatever is asked
        threading.Thread(target=server.serve_forever, daemon=True).start()
        with pytest.raises(Untrue, match="ended with exit code 22"):
            typed(f"```console\n$ curl -s http://127.0.0.1:{server.server_port}/\n```", tmp_path)
        server.shutdown()


def test_a_ctrl_c_between_two_programs_is_pressed_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tools.follow.terminal.PRESSED_EVERY", 0.5)
    by_itself = "for one in {1..300000}; do :; done"  # the shell's own work: it hears the first one, and goes on
    typed(f'```console title="Terminal 2: it"\n$ echo up; {by_itself}; cat /dev/zero >/dev/null\nup\n^C\n```', tmp_path)


def test_ports_are_not_of_those_that_the_system_gives_away() -> None:
    found = free_ports(["8080", "8091", "8092"])
    assert [*found] == ["8080", "8091", "8092"]
    assert len({*found.values()}) == 3
    assert all(int(port) in OURS for port in found.values())


def test_a_page_that_is_not_true_keeps_no_other_from_being_followed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def follow_one(name: str) -> int:
        if name == "b":
            raise Untrue(name, 7, "`x`")
        return 3

    monkeypatch.setattr("tools.follow.__main__.follow", follow_one)
    assert main(["a", "b", "c"]) == 1
    told = capsys.readouterr().out
    assert "b:7: `x`" in told
    assert "2 of 3 pages true, 6 commands" in told
    assert told.endswith("not true: b\n")
    assert main(["a"]) == 0


def test_a_block_that_is_neither_is_refused() -> None:
    with pytest.raises(ValueError, match="line 2: a console block begins with a command"):
        list(steps("```console\necho one\n```"))


@pytest.mark.parametrize(
    ("shown", "printed", "same"),
    [
        (["a … c"], "a b c\n", True),
        (["a … c"], "a b d\n", False),
        (["a", "…", "z"], "a\nb\nc\nz\n", True),
        (["a", "…", "z"], "a\nz\n", True),
        (["a", "…"], "b\n", False),
        (["…"], "", True),
        ([" a   b "], "a b\n\n", True),
        (["a"], "\x1b[1ma\x1b[0m", True),
        (["a", "b"], "a\n", False),
    ],
)
def test_what_is_shown_and_what_is_printed(shown: list[str], printed: str, same: bool) -> None:
    assert (differs(shown, printed) == "") is same


def test_what_goes_on_printing_is_enough_when_all_that_is_shown_was_printed() -> None:
    assert differs(["a"], "a\nb\n", so_far=True) == ""
    assert differs(["a", "b"], "a\n", so_far=True)
