"""Secrets stay where they are kept; the settings only say where: `env:NAME`, `file:PATH`, `vault:…`, `aws-sm:…`.

This module reads the first two, which are at hand, and hides what must not be shown; `security.places` asks the others.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from crossdock.errors import ConfigurationError
from crossdock.settings import SCHEMES

MASK = "***"

_LARGEST = 64 * 1024
_ELSEWHERE = {"vault": "[secrets.vault]", "aws-sm": "[secrets.aws]"}
_CREDENTIALS = "$CREDENTIALS_DIRECTORY/"
_SCHEMES = tuple(f"{scheme}:" for scheme in SCHEMES)
# Docker and Kubernetes mount secrets here and choose their modes; the container around them is the fence.
_MOUNTED = (Path("/run/secrets"), Path("/var/run/secrets"))

_SECRET_KEY = re.compile(
    r"pass(word|wd|phrase|code)?($|_)|secret|token|credential|private|signature|api_?key|_key$|^key$|^keys$|_keys$|^value$",
    re.IGNORECASE,
)
_HARMLESS_KEY = re.compile(r"(_url|_path|_seconds|_s|_days|_header|_field|_name|_kind)$", re.IGNORECASE)
_SECRET_TABLE = re.compile(r"^(headers|secrets|tokens|keys|credentials)$", re.IGNORECASE)
_USERINFO = re.compile(r"(?<=://)([^/@\s:]*):([^@\s]*)(?=@)")
_QUERY_SECRET = re.compile(r"([?&][^=&#\s]*(?:password|secret|token|key|sig)[^=&#\s]*=)[^&#\s]+", re.IGNORECASE)


class PlaceAway(ConfigurationError):
    """A place of secrets does not answer: what was read from it stays in use."""


def is_reference(text: str) -> bool:
    """Whether this says where a secret is, and is none itself."""
    return text.startswith(_SCHEMES)


def resolve(ref: str, environ: Mapping[str, str] = os.environ, *, key: str = "") -> str:
    """The secret at hand that `ref` points to; `key` is the setting it stands in, for the error's text.

    A relative PATH starts at the working directory. Raises ConfigurationError, which never holds the value: for plain
    text, for an empty or absent secret, and for a file that everybody on the machine can read.
    """
    scheme, colon, rest = ref.partition(":")
    if colon and scheme == "env":
        return _from_environment(rest, environ, key)
    if colon and scheme == "file":
        return _from_file(placed(rest, environ, key=key), key)
    if colon and scheme in _ELSEWHERE:
        raise _wrong(key, f"{scheme}: needs the table {_ELSEWHERE[scheme]}, and cannot stand where that is read")
    raise _wrong(key, "is not a reference: write env:NAME or file:PATH here and keep the secret itself there")


def references(value: Any, path: str) -> Iterator[tuple[str, str]]:
    """Every (setting, reference) below a table; `path` is the table's own."""
    if isinstance(value, str) and is_reference(value):
        yield path, value
    elif isinstance(value, Mapping):
        for name, part in value.items():
            yield from references(part, f"{path}.{name}")
    elif isinstance(value, list | tuple):
        for index, part in enumerate(value):
            yield from references(part, f"{path}[{index}]")


def resolve_url(url: str, environ: Mapping[str, str] = os.environ, *, key: str = "database.url") -> str:
    """A URL that may be written out or be a reference as a whole."""
    return resolve(url, environ, key=key) if is_reference(url) else url


def mask(settings: Mapping[str, Any]) -> dict[str, Any]:
    """The same tables with every secret as `***`. References are shown: they tell where, not what."""
    return {
        # the table of the places where secrets are has none in it
        name: _masked("" if name == "secrets" else name, value, hidden=False)
        for name, value in settings.items()
    }


def mask_url(url: str) -> str:
    """A URL without its password and without secrets in its query."""
    return _QUERY_SECRET.sub(rf"\g<1>{MASK}", _USERINFO.sub(rf"\g<1>:{MASK}", url))


def _masked(name: str, value: Any, *, hidden: bool) -> Any:
    if isinstance(value, Mapping):
        inside = hidden or bool(_SECRET_TABLE.search(name))
        return {key: _masked(str(key), part, hidden=inside) for key, part in value.items()}
    if isinstance(value, set | frozenset):
        return [_masked(name, part, hidden=hidden) for part in sorted(value, key=str)]
    if isinstance(value, list | tuple):
        return [_masked(name, part, hidden=hidden) for part in value]
    if isinstance(value, str):
        return _masked_text(name, value, hidden=hidden)
    return MASK if hidden and value is not None and not isinstance(value, bool) else value


def _masked_text(name: str, text: str, *, hidden: bool) -> str:
    if is_reference(text) or not text:
        return text
    if hidden or (_SECRET_KEY.search(name) and not _HARMLESS_KEY.search(name)):
        return MASK
    return mask_url(text)


def _from_environment(name: str, environ: Mapping[str, str], key: str) -> str:
    if not name:
        raise _wrong(key, "env: needs the variable's name")
    value = environ.get(name, "")
    if not value:
        raise _wrong(key, f"the environment variable {name} is not set")
    return value


def placed(path: str, environ: Mapping[str, str] = os.environ, *, key: str = "") -> Path:
    """Where the file of `file:PATH` is; systemd names the folder of a unit's credentials in the environment.

    Raises ConfigurationError where it does not.
    """
    if not path.startswith(_CREDENTIALS):
        return Path(path).expanduser()
    folder = environ.get("CREDENTIALS_DIRECTORY", "")
    if not folder:
        raise _wrong(key, "CREDENTIALS_DIRECTORY is not set: systemd sets it for a unit with LoadCredential=")
    return Path(folder) / path.removeprefix(_CREDENTIALS)


def _from_file(path: Path, key: str) -> str:
    try:
        with path.open("rb") as file:
            _refuse_open_file(path, os.fstat(file.fileno()).st_mode, key)
            text = file.read(_LARGEST + 1).decode("utf-8")
    except OSError as error:
        raise _wrong(key, f"the file {path} cannot be read: {error.strerror}") from error
    except UnicodeDecodeError:
        raise _wrong(key, f"the file {path} is not UTF-8 text") from None  # the cause quotes the secret's bytes
    if len(text) > _LARGEST:
        raise _wrong(key, f"the file {path} is too large for a secret")
    secret = text.removesuffix("\n").removesuffix("\r")
    if not secret:
        raise _wrong(key, f"the file {path} is empty")
    return secret


def _refuse_open_file(path: Path, mode: int, key: str) -> None:
    mounted = any(path.is_relative_to(root) for root in _MOUNTED) and ".." not in path.parts
    if os.name == "posix" and mode & stat.S_IROTH and not mounted:
        raise _wrong(key, f"the file {path} can be read by everybody on this machine; chmod 600 it")


def _wrong(key: str, text: str) -> ConfigurationError:
    return ConfigurationError([f"{key or 'a secret'}: {text}"])
