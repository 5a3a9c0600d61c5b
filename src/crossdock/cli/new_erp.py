"""`crossdock new-erp`: the beginning of a connector, as an installable package of its own."""

from __future__ import annotations

import keyword
import re
from collections.abc import Iterator
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Annotated

import typer

import crossdock
from crossdock.cli.common import complaints, plain, say
from crossdock.erp.registry import connector_kinds

NAME = re.compile(r"[a-z][a-z0-9_]{1,40}")
ENDING = ".txt"  # what is no Python before its name is in it


def new_erp(
    name: Annotated[str, typer.Argument(help="The kind, as it will stand in settings: small letters, digits, _.")],
    folder: Annotated[
        Path | None, typer.Option(help="Where it is written; else crossdock-NAME here.", show_default=False)
    ] = None,
) -> None:
    """Write the beginning of a connector to a new folder: its tests fail until it is done."""
    target = (folder or Path(f"crossdock-{name.replace('_', '-')}")).absolute()
    if problem := _problem(name, target):
        say(plain("! ", "red"), problem, to=complaints)
        raise typer.Exit(2)
    written = list(write(name, target))
    for path in written:
        say(path.relative_to(target))
    say(f"{len(written)} files in {target}. What to do stands in its README; `python -m pytest` says how far it is.")


def write(name: str, target: Path) -> Iterator[Path]:
    """Every file, with the name in it. Raises FileExistsError: nothing is overwritten."""
    target.mkdir(parents=True)
    for path, template in _templates(files("crossdock.cli") / "new_erp_files", Path()):
        inside = Path("src", f"crossdock_{name}", *path.parts[1:]) if path.parts[0] == "src" else path
        place = target / inside.with_name(inside.name.removesuffix(ENDING))
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(filled(template.read_text(encoding="utf-8"), name), encoding="utf-8")
        yield place


def filled(text: str, name: str) -> str:
    """A template with the name in its three spellings."""
    spelled = "".join(part.capitalize() for part in name.split("_"))
    return text.replace("@name@", name).replace("@Name@", spelled).replace("@dashed@", name.replace("_", "-"))


def _templates(folder: Traversable, at: Path) -> Iterator[tuple[Path, Traversable]]:
    for one in sorted(folder.iterdir(), key=lambda one: one.name):
        if one.is_dir():
            yield from _templates(one, at / one.name)
        elif one.name.endswith(ENDING):
            yield at / one.name, one


def _problem(name: str, target: Path) -> str:
    if not NAME.fullmatch(name) or name.endswith("_") or keyword.iskeyword(name):
        return f"{name!r} is no name for a kind: small letters, digits and _, beginning with a letter"
    if name in {*connector_kinds(), "magento"}:
        return f"the kind {name!r} is there already"
    if target.exists():
        return f"{target} is there already: nothing is overwritten"
    ours = Path(crossdock.__file__).resolve().parent
    # beside `src` of a working copy too: a connector of your own lives in a package of your own
    root = ours.parent.parent if ours.parent.name == "src" else ours
    if target.resolve().is_relative_to(root):
        return f"{target} is inside of Crossdock itself: name a --folder elsewhere"
    return ""
