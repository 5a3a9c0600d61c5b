"""The configuration reference, written from the settings' own models: docs/reference/configuration.md.

    python -m crossdock.cli.config_reference > docs/reference/configuration.md

A test fails where the page is not what this prints, and where a field says nothing about itself.
"""

from __future__ import annotations

import json
import sys
import types
from collections.abc import Iterator
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined, to_jsonable_python

from crossdock.erp.registry import settings_models
from crossdock.magento.settings import MagentoSettings
from crossdock.settings import DEFAULT_FILE, FILE_VARIABLE, PREFIX, Settings

INTRODUCTION = f"""\
# Configuration reference

This page is written by `python -m crossdock.cli.config_reference`; a test keeps it current. Change the description in
the settings model, not here.

Crossdock reads one TOML file: the one given with `--config`, else the one that `{FILE_VARIABLE}` names, else
`{DEFAULT_FILE}` in the working directory. `crossdock init` writes a first one. Everything has a default but the
connections and the routes.

- **Every problem at once.** A file that cannot be run is refused whole, and each problem is told with its file and key.
  An unknown key is a problem. `crossdock config check` looks without starting anything.
- **Environment.** A variable overrides one key: `{PREFIX}` and the key's path in capitals, joined by two underscores.
  `{PREFIX}DATABASE__URL` is `database.url`, and `{PREFIX}CONNECTIONS__STORE__BASE_URL` is
  `connections.store.base_url`. It goes before the file. The names of connections are read in small letters, and one
  with a hyphen cannot be set so.
- **Secrets** are never in the file. Where a setting wants a secret, write a reference: `env:NAME` for an environment
  variable, `file:PATH` for a file that only its owner can read (the last newline is taken off; a relative path starts
  at the working directory, one behind `$CREDENTIALS_DIRECTORY/` where systemd puts a unit's credentials; files below
  `/run/secrets` may have any mode), `vault:PATH#FIELD` for HashiCorp Vault or OpenBao, `aws-sm:NAME` or
  `aws-sm:NAME#FIELD` for AWS Secrets Manager ([secrets](../secrets.md)).
- **Editors.** `crossdock config schema > crossdock.schema.json` prints a JSON Schema of the whole file.
- `crossdock config show` prints what holds, defaults included, without any secret.
"""

CONNECTIONS = """\
## Connections

`[connections.NAME]` is one connected system. NAME is in small letters, begins with a letter, and has at most 40
letters, digits, `-` and `_`; it is part of webhook addresses and of idempotency keys, so it must not change once it is
used. `kind` says which connector it is; the other keys are that connector's own.
"""


def end_models() -> dict[str, type[BaseModel]]:
    """The settings models of the built-in connectors, by kind."""
    return {"magento": MagentoSettings, **dict(settings_models())}


def page() -> str:
    """The whole page, as Markdown."""
    ours = [part for part in _tables(Settings, "") if not part.startswith("### `[connections.")]
    ends = [
        "\n\n".join([f"### {kind}", *_tables(model, "connections.NAME", level=4)])
        for kind, model in end_models().items()
    ]
    return "\n\n".join([INTRODUCTION.rstrip(), "## The file", *ours, CONNECTIONS.rstrip(), *ends]) + "\n"


def fields(model: type[BaseModel], path: str = "") -> Iterator[tuple[str, FieldInfo]]:
    """Every setting below `model`, with its dotted path; a list's element is `path[]`."""
    for name, field in model.model_fields.items():
        where = f"{path}.{name}".removeprefix(".")
        yield where, field
        for part in parts(field.annotation):
            yield from fields(part, where + "[]" * _is_list(field.annotation))


def parts(annotation: Any) -> list[type[BaseModel]]:
    """The settings models that a field's type is made of."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [part for inner in get_args(annotation) for part in parts(inner)]


def _tables(model: type[BaseModel], path: str, level: int = 3, which: str = "") -> Iterator[str]:
    rows = [(name, field) for name, field in _own_first(model) if not parts(field.annotation)]
    if path and rows:
        lines = [_row(name, field) for name, field in rows]
        head = f"{'#' * level} `{_heading(path)}`{which}\n\n{_first_line(model)}"
        yield "\n".join([head, "", "| key | type | default | meaning |", "|---|---|---|---|", *lines])
    for name, field in _own_first(model):
        inner = parts(field.annotation)
        for part in inner:
            where = f"{path}.{name}".removeprefix(".") + "[]" * _is_list(field.annotation)
            yield from _tables(part, where, level, _which(part) if len(inner) > 1 else "")


def _own_first(model: type[BaseModel]) -> list[tuple[str, FieldInfo]]:
    """What a connection has in common with all others stands behind what is its own."""
    return sorted(model.model_fields.items(), key=lambda field: field[0] not in model.__annotations__)


def _row(name: str, field: FieldInfo) -> str:
    cells = [f"`{name}`", _type(field.annotation, field), _default(field), field.description or ""]
    return "| " + " | ".join(" ".join(cell.split()).replace("|", "\\|") for cell in cells) + " |"


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "**required**"
    default = field.get_default(call_default_factory=True, validated_data={})
    if default is None or default is PydanticUndefined:
        return "none"
    plain = to_jsonable_python(sorted(default) if isinstance(default, set | frozenset) else default)
    return _code(json.dumps(plain, ensure_ascii=False))


def _code(text: str) -> str:
    return f"`` {text} ``" if "`" in text else f"`{text}`"


def _type(annotation: Any, field: FieldInfo | None = None) -> str:
    text = _bare_type(annotation)
    return f"{text}, {limits}" if field and (limits := _limits(field)) else text


def _bare_type(annotation: Any) -> str:
    origin, args = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return _bare_type(args[0])
    if origin is Literal:
        return " or ".join(f"`{json.dumps(arg)}`" for arg in args)
    if origin in {Union, types.UnionType}:
        return " or ".join(_bare_type(arg) for arg in args if arg is not type(None))
    if origin in {tuple, list, set, frozenset}:
        return f"list of {_bare_type(args[0])}"
    if origin is dict:
        return f"table of {_bare_type(args[1])}"
    return _WORDS.get(getattr(annotation, "__name__", ""), getattr(annotation, "__name__", str(annotation)))


_WORDS = {"str": "text", "int": "whole number", "float": "number", "bool": "true or false", "Any": "anything"}


def _limits(field: FieldInfo) -> str:
    words = {"ge": "at least", "gt": "above", "le": "at most", "lt": "below"}
    told = [
        f"{word} {getattr(part, name)}"
        for part in field.metadata
        for name, word in words.items()
        if getattr(part, name, None) is not None
    ]
    return ", ".join(told)


def _is_list(annotation: Any) -> bool:
    return get_origin(annotation) in {tuple, list}


def _heading(path: str) -> str:
    """`routes[].options` is written `[routes.options]` in the file, under its `[[routes]]`."""
    return f"[[{path[:-2]}]]" if path.endswith("[]") else f"[{path.replace('[]', '')}]"


def _which(model: type[BaseModel]) -> str:
    """What tells this member of a union from the others: its first fixed word."""
    for name, field in model.model_fields.items():
        if get_origin(field.annotation) is Literal:
            return f" with `{name} = {json.dumps(get_args(field.annotation)[0])}`"
    return ""


def _first_line(model: type[BaseModel]) -> str:
    return (model.__doc__ or "").strip().split("\n\n")[0].replace("\n    ", " ")


if __name__ == "__main__":
    sys.stdout.write(page())
