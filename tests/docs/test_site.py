"""The site: built without a warning, nothing fetched from elsewhere, and every page in its navigation."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from tools.reference.__main__ import pages
from tools.site.hooks import ROOT, outside, turned


def navigation() -> list[str]:
    text = (ROOT / "mkdocs.yml").read_text("utf-8")
    plain = re.sub(r"!!python\S*( {[^\n]*})?", "", text)

    def below(entry: Any) -> list[str]:
        if isinstance(entry, str):
            return [entry]
        return [page for one in (entry.values() if isinstance(entry, dict) else entry) for page in below(one)]

    return below(yaml.safe_load(plain)["nav"])


def test_every_page_has_its_place_in_the_navigation() -> None:
    there = {page.relative_to(ROOT / "docs").as_posix() for page in (ROOT / "docs").rglob("*.md")}
    there |= set(outside().values())
    named = navigation()
    assert sorted(there - set(named)) == [], "these pages want a line under `nav` in mkdocs.yml"
    assert sorted(set(named) - there) == []
    assert len(named) == len(set(named))


def test_what_is_written_from_the_code_is_current() -> None:
    old = [path.relative_to(ROOT).as_posix() for path, text in pages().items() if path.read_text("utf-8") != text]
    assert old == [], "run: make reference"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(folder)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return folder


def test_it_is_built_without_a_warning(site: Path) -> None:
    assert (site / "index.html").exists()
    assert (site / "connectors/tryton.html").exists()


def test_no_page_fetches_anything_from_elsewhere(site: Path) -> None:
    fetched = re.compile(r"""<(?:script|img|link|iframe|source)\b[^>]*?(?:src|href)=["']?((?:https?:)?//[^"'\s>]+)""")
    found = {page.name: fetched.findall(page.read_text("utf-8")) for page in site.rglob("*.html")}
    assert {name: links for name, links in found.items() if links} == {}
    styles = "".join(sheet.read_text("utf-8") for sheet in site.rglob("*.css"))
    assert re.findall(r"(?:url\(|@import )[\"']?https?:[^)]*", styles) == []


def test_no_entry_of_a_list_has_run_into_the_text_before_it(site: Path) -> None:
    """As where what belongs to an entry is indented by three spaces: GitHub takes it, the site does not."""
    paragraph, entry = re.compile(r"<p>(.*?)</p>", re.DOTALL), re.compile(r"\n *(?:\d+\.|[-*]) .{0,40}")
    found = {
        page.relative_to(site).as_posix(): [
            one for text in paragraph.findall(page.read_text("utf-8")) for one in entry.findall(text)
        ]
        for page in site.rglob("*.html")
    }
    assert {name: entries for name, entries in found.items() if entries} == {}


def test_links_lead_from_page_to_page_as_in_the_repository() -> None:
    known = {"README.md": "index.md", "src/crossdock/erp/tryton/README.md": "connectors/tryton.md"}
    text = "[a](docs/fleet.md#x) [b](src/crossdock/erp/tryton/README.md) [c](LICENSE) [d](https://x.y/z) [e](docs/decisions)"
    there = "[a](fleet.md#x) [b](connectors/tryton.md) c [d](https://x.y/z) [e](decisions/README.md)"
    assert turned(text, "README.md", "index.md", known) == there
    back = "[home](../README.md), ![p](diagrams/rooms.svg)"
    assert turned(back, "docs/concepts.md", "concepts.md", known) == "[home](index.md), ![p](diagrams/rooms.svg)"
    up = "[f](../../../../docs/files.md)"
    assert turned(up, "src/crossdock/erp/tryton/README.md", "connectors/tryton.md", known) == "[f](../files.md)"
    assert turned("```\n[a](docs/x.md)\n```", "README.md", "index.md", known) == "```\n[a](docs/x.md)\n```"


def test_a_link_to_what_is_not_there_is_left_for_the_build_to_tell() -> None:
    assert turned("[a](nothing.md)", "docs/fleet.md", "fleet.md", {}) == "[a](nothing.md)"
