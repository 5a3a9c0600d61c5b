"""What MkDocs is told about pages that lie outside of docs/: they are pages of the site, under names of their own.

README.md is the first page, each connector's README stands below connectors/, and links lead from page to page as they
do in the repository. A link to a file that is no page (a script, a result) stays as its text: the site holds no code.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Mapping
from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

ROOT = Path(__file__).parents[2]
DOCS = "docs/"
LINK = re.compile(r"(?P<bang>!?)\[(?P<text>(?:[^\[\]]|\[[^\]]*\])*)\]\((?P<target>[^)\s]+)\)")
CODE = re.compile(r"(^ *```.*?^ *```$)", re.MULTILINE | re.DOTALL)


def outside(root: Path = ROOT) -> dict[str, str]:
    """Pages outside of docs/, by their paths in the repository, and where each is in the site."""
    found = {"README.md": "index.md", "CONTRIBUTING.md": "contributing.md", "CHANGELOG.md": "changelog.md"}
    for page in sorted((root / "src/crossdock/erp").glob("*/README.md")):
        found[page.relative_to(root).as_posix()] = f"connectors/{page.parent.name}.md"
    return found


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """MkDocs asks for its files: those from outside join them."""
    for source, place in outside().items():
        files.append(File.generated(config, place, content=(ROOT / source).read_text("utf-8")))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:  # noqa: ARG001 MkDocs' own
    """MkDocs has read a page: its links are turned to where their ends are in the site."""
    pages = outside()
    back = {place: source for source, place in pages.items()}
    here = page.file.src_uri
    return turned(markdown, back.get(here, DOCS + here), here, pages)


def turned(markdown: str, source: str, here: str, pages: Mapping[str, str], root: Path = ROOT) -> str:
    """The text of the page at `source` in the repository, with links as `here` in the site needs them."""

    def link(found: re.Match[str]) -> str:
        target, mark, anchor = found["target"].partition("#")
        if not target or "://" in target or target.startswith("mailto:"):
            return found[0]
        place = _place(posixpath.normpath(posixpath.join(posixpath.dirname(source), target)), pages, root)
        if place is None:
            return found["text"]
        there = posixpath.relpath(place, posixpath.dirname(here) or ".")
        return f"{found['bang']}[{found['text']}]({there}{mark}{anchor})"

    return "".join(part if number % 2 else LINK.sub(link, part) for number, part in enumerate(CODE.split(markdown)))


def _place(path: str, pages: Mapping[str, str], root: Path) -> str | None:
    """Where a file of the repository is in the site; None: it is not there. What does not exist is left to MkDocs."""
    if path in pages:
        return pages[path]
    if (root / path).is_dir():
        path = f"{path}/README.md"
    if path.startswith(DOCS):
        return path.removeprefix(DOCS)
    return None if (root / path).exists() else path
