"""Reading the settings file, and telling every problem of it at once."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from pydantic_settings import SettingsError

from crossdock.errors import ConfigurationError
from crossdock.settings.whole import PREFIX, Settings

FILE_VARIABLE = "CROSSDOCK_CONFIG"
DEFAULT_FILE = Path("crossdock.toml")


def load(path: Path | None = None) -> Settings:
    """The settings in `path`, else in the file that CROSSDOCK_CONFIG names, else in `crossdock.toml` if it is there.

    Raises ConfigurationError with every problem, each with its file (or environment variable) and key, never its value.
    """
    file = find(path)
    found = _read(file) if file else {}
    strays = [*_stray_variables(os.environ)]
    try:
        settings = Settings(**found)
    except ValidationError as error:
        raise ConfigurationError([*strays, *told(error, file)]) from None  # its text could show what was typed
    except SettingsError as error:
        raise ConfigurationError([*strays, f"environment: {error}"]) from None
    if strays:
        raise ConfigurationError(strays)
    return settings


def find(path: Path | None = None) -> Path | None:
    """The file that `load` reads, or None where there is none and the defaults hold."""
    named = path or (Path(os.environ[FILE_VARIABLE]) if os.environ.get(FILE_VARIABLE) else None)
    return named or (DEFAULT_FILE if DEFAULT_FILE.is_file() else None)


def told(error: ValidationError, file: Path | None, prefix: Sequence[str] = ()) -> list[str]:
    """A pydantic error as our lines, `place: a.b.c: what is wrong`, without what was typed.

    The ends' own settings models come through here too, with the `prefix` ("connections", NAME).
    """
    return [
        _line(problem["type"], problem["msg"], [*prefix, *problem["loc"]], file)
        for problem in error.errors(include_input=False, include_url=False)
    ]


def _line(kind: str, message: str, loc: Sequence[int | str], file: Path | None) -> str:
    place = _variable(loc) or str(file or DEFAULT_FILE)
    return f"{place}: {_dotted(loc)}: {_sentence(kind, message)}"


def _read(file: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(file.read_text("utf-8"))
    except FileNotFoundError:
        raise ConfigurationError([f"{file}: there is no such file; `crossdock init` writes one"]) from None
    except OSError as error:
        raise ConfigurationError([f"{file}: cannot be read: {error.strerror}"]) from error
    except UnicodeDecodeError as error:
        raise ConfigurationError([f"{file}: is not UTF-8 text"]) from error
    except tomllib.TOMLDecodeError as error:
        raise ConfigurationError([f"{file}: is not TOML: {error}"]) from error


def _variable(loc: Sequence[int | str]) -> str | None:
    """The environment variable that the key at `loc` came from, if it did."""
    wanted = [PREFIX + "__".join(str(part) for part in loc[: depth + 1]).upper() for depth in range(len(loc))]
    return next((name for name in os.environ if name.upper() in wanted), None)


def _stray_variables(environ: Mapping[str, str]) -> Iterator[str]:
    """pydantic-settings passes over a variable whose first part is no section; we do not."""
    for name in environ:
        section = name.upper().removeprefix(PREFIX).split("__")[0].lower()
        if name.upper().startswith(PREFIX) and section not in Settings.model_fields:
            yield f"{name}: there is no section {section!r}"


def _dotted(loc: Sequence[int | str]) -> str:
    text = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in loc)
    return text.removeprefix(".") or "(whole)"


def _sentence(kind: str, message: str) -> str:
    if kind == "extra_forbidden":
        return "there is no such key"
    if kind == "missing":
        return "is missing"
    return message.removeprefix("Value error, ")


__all__ = ["DEFAULT_FILE", "FILE_VARIABLE", "find", "load", "told"]
