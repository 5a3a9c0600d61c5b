"""What a user's installation is made of: the project's dependencies, all extras but `dev`, and theirs in turn."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Iterator, Mapping
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[1]
OWN = "crossdock"
OF_DEVELOPERS = "dev"


def runtime(folder: Path = ROOT) -> dict[str, str]:
    """Name (normalised) to installed version; "" for what is not installed here. As `pyproject.toml` says it now."""
    found: dict[str, str] = {}
    open_: list[tuple[str, frozenset[str]]] = []
    seen: set[tuple[str, frozenset[str]]] = set()
    open_ += _wanted(_declared(folder), frozenset())
    while open_:
        name, extras = open_.pop()
        if (name, extras) in seen or name == OWN:
            continue
        seen.add((name, extras))
        try:
            there = distribution(name)
        except PackageNotFoundError:
            found[name] = ""
            continue
        found[name] = there.version
        open_ += _wanted(map(Requirement, there.requires or ()), extras)
    return dict(sorted(found.items()))


def pinned(folder: Path = ROOT) -> Mapping[str, str]:
    """Name (normalised) to version, of constraints.txt."""
    lines = (folder / "constraints.txt").read_text("utf-8").splitlines()
    pairs = [line.split("#")[0].strip().partition("==") for line in lines]
    return {canonicalize_name(name): version for name, mark, version in pairs if mark}


def _declared(folder: Path) -> Iterator[Requirement]:
    project = tomllib.loads((folder / "pyproject.toml").read_text("utf-8"))["project"]
    yield from map(Requirement, project["dependencies"])
    for extra, wanted in project.get("optional-dependencies", {}).items():
        if extra != OF_DEVELOPERS:
            yield from map(Requirement, wanted)


def _wanted(requirements: Iterable[Requirement], extras: frozenset[str]) -> Iterator[tuple[str, frozenset[str]]]:
    for one in requirements:
        places: list[dict[str, str]] = [{"extra": extra} for extra in extras] or [{"extra": ""}]
        if one.marker is None or any(one.marker.evaluate(place) for place in places):
            yield canonicalize_name(one.name), frozenset(one.extras)


__all__ = ["OWN", "ROOT", "pinned", "runtime"]
