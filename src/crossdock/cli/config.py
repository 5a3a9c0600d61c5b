"""`crossdock config show | check | schema`, and `crossdock init`."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer
from pydantic import BaseModel, ValidationError
from pydantic.json_schema import models_json_schema

from crossdock.app import envelope_of, needed_secrets
from crossdock.cli.common import counted
from crossdock.cli.config_reference import end_models
from crossdock.connections import Connections
from crossdock.errors import ConfigurationError
from crossdock.exchanges import Exchanges
from crossdock.security.envelope import create_master_key_file
from crossdock.security.places import secrets_of
from crossdock.security.secrets import mask
from crossdock.settings import DEFAULT_FILE, Settings, find, load, told

app = typer.Typer(help="Look at the configuration without starting anything.", no_args_is_help=True)

ConfigPath = Annotated[Path | None, typer.Option("--config", "-c", help="The settings file.", show_default=False)]

STARTER = """\
# Crossdock's settings. Every key is described in docs/reference/configuration.md.
# Secrets are never written here: env:NAME reads an environment variable, file:PATH a file that only you can read.
# Look at what holds with `crossdock config show`, and for mistakes with `crossdock config check`.

[database]
url = "sqlite:///crossdock.sqlite"
# url = "env:DATABASE_URL"  # postgresql+psycopg://crossdock:…@localhost/crossdock

[security]
# Without this key no stored payload can be read again: keep a copy somewhere else.
master_key = "file:{key}"

# The store. Its four keys come from an integration in Magento (System > Integrations).
# [connections.store]
# kind = "magento"
# base_url = "https://shop.example.com"
#
# [connections.store.auth]
# scheme = "oauth1"
# consumer_key = "env:STORE_CONSUMER_KEY"
# consumer_secret = "env:STORE_CONSUMER_SECRET"
# token = "env:STORE_TOKEN"
# token_secret = "env:STORE_TOKEN_SECRET"

# The ERP.
# [connections.erp]
# kind = "rest"
# base_url = "https://erp.example.com/api"
#
# [connections.erp.auth]
# scheme = "bearer"
# token = "env:ERP_TOKEN"

# What goes from where to where.
# [[routes]]
# source = "store"
# target = "erp"
#
# [routes.options]
# eligibility = {{ "*" = "authorized", checkmo = "always", banktransfer = "always" }}
# on_mismatch = "park"

# Who is told when something is wrong: docs/notifications.md. Needs the extra `notify`.
# [notifications.audiences.devops]
# targets = ["env:OPS_CHAT"]  # an Apprise URL: of a chat, a mailbox, a pager
"""

NEXT_STEPS = """\
Wrote {config}
{key_line}

Next:
  1. Keep a copy of {key} somewhere else: without it no stored payload can be read again.
     Keep it out of version control.
  2. Take the # away before the connections and the route in {config}, fill them in, and set the variables.
  3. crossdock config check
"""


@app.command()
def show(
    config: ConfigPath = None,
    *,
    as_json: Annotated[bool, typer.Option("--json", help="As one JSON document.")] = False,
) -> None:
    """Print the settings that hold, defaults included. No secret is shown."""
    shown = mask(_loaded(config).model_dump(mode="json"))
    lines = [json.dumps(shown, indent=2, ensure_ascii=False)] if as_json else [*_lines(shown)]
    typer.echo("\n".join(lines))


@app.command()
def check(
    config: ConfigPath = None,
    *,
    secrets: Annotated[bool, typer.Option(help="Whether the secrets must be there too.")] = True,
) -> None:
    """Name every problem of the settings and exit with 2 if there is one."""
    settings = _loaded(config)
    found = [*problems(settings, find(config), secrets=secrets)]
    found += _unfit(settings) if secrets and not found else ()
    if found:
        _fail(found)
    those = f"{counted(len(settings.connections), 'connection')}, {counted(len(settings.routes), 'route')}"
    typer.echo(f"{find(config) or 'No file, the defaults'}: in order ({those}).")


@app.command()
def schema() -> None:
    """Print the JSON Schema of the settings file, for editors."""
    typer.echo(json.dumps(file_schema(), indent=2, ensure_ascii=False))


def init(config: Annotated[Path, typer.Option("--config", "-c", help="Where to write it.")] = DEFAULT_FILE) -> None:
    """Write a first settings file and a master key. Neither is ever overwritten."""
    key = config.parent / ".crossdock" / "master.key"
    if config.exists():
        _fail([f"{config}: is there already; it is left as it is"])
    try:
        kept = key.exists()
        if not kept:
            create_master_key_file(key)
        _write_new(key.parent / ".gitignore", "*\n")
        _write_new(config, STARTER.format(key=key.as_posix()))
    except ConfigurationError as error:
        _fail(error.problems)
    except OSError as error:
        _fail([f"{error.filename}: cannot be written: {error.strerror}"])
    key_line = f"Kept the master key in {key}" if kept else f"Made a master key in {key}"
    typer.echo(NEXT_STEPS.format(config=config, key=key, key_line=key_line), nl=False)


def problems(settings: Settings, file: Path | None, *, secrets: bool = True) -> Iterator[str]:
    """What is wrong with the connections' own settings and, if asked, with the secrets that are referred to."""
    models = end_models()
    for name, table in settings.connections.items():
        model = models.get(table["kind"])
        if model is not None:
            yield from _refused(model, table, file, name)
    if secrets:
        yield from _missing_secrets(settings)


def file_schema() -> dict[str, Any]:
    """The JSON Schema of the whole file; a connection is held to its kind's model."""
    models: dict[str, type[BaseModel]] = {"": Settings, **end_models()}
    refs, document = models_json_schema(
        [(model, "validation") for model in models.values()], ref_template="#/$defs/{model}"
    )
    definitions: dict[str, Any] = document["$defs"]
    whole = definitions.pop("Settings")
    whole["properties"]["connections"]["additionalProperties"] = {
        "type": "object",
        "required": ["kind"],
        "properties": {"kind": {"type": "string"}},
        "allOf": [_of_kind(kind, refs[model, "validation"]) for kind, model in models.items() if kind],
    }
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **whole,
        "title": "Crossdock settings",
        "$defs": definitions,
    }


def _of_kind(kind: str, ref: Mapping[str, Any]) -> dict[str, Any]:
    return {"if": {"properties": {"kind": {"const": kind}}, "required": ["kind"]}, "then": dict(ref)}


def _refused(model: type[BaseModel], table: Mapping[str, Any], file: Path | None, name: str) -> list[str]:
    try:
        model.model_validate(table)
    except ValidationError as error:
        return told(error, file, ("connections", name))
    return []


def _unfit(settings: Settings) -> Sequence[str]:
    """What `run` would refuse: the connections are made, without asking anybody, and their routes held against them."""
    try:
        Connections(settings, Exchanges(), envelope_of(settings))
    except ConfigurationError as error:
        return error.problems
    return ()


def _missing_secrets(settings: Settings) -> Iterator[str]:
    try:
        found = secrets_of(settings.secrets).missing(needed_secrets(settings))
        yield from found
        if not any(problem.startswith("security.") for problem in found):
            envelope_of(settings)
    except ConfigurationError as error:
        yield from error.problems


def _lines(value: Any, path: str = "") -> Iterator[str]:
    if isinstance(value, Mapping) and value:
        for name, part in value.items():
            if part is not None:  # TOML has no word for what is not there
                yield from _lines(part, f"{path}.{_key(name)}".removeprefix("."))
    elif isinstance(value, list) and value and all(isinstance(part, Mapping) for part in value):
        for index, part in enumerate(value):
            yield from _lines(part, f"{path}[{index}]")
    else:
        yield f"{path} = {json.dumps(value, ensure_ascii=False)}"


def _key(name: str) -> str:
    return name if name.replace("_", "").replace("-", "").isalnum() else json.dumps(name)


def _loaded(config: Path | None) -> Settings:
    try:
        return load(config)
    except ConfigurationError as error:
        _fail(error.problems)


def _fail(found: Sequence[str]) -> NoReturn:
    for problem in found:
        typer.echo(problem, err=True)
    raise typer.Exit(2)


def _write_new(path: Path, text: str) -> None:
    """Write it unless it is there."""
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644)
    except FileExistsError:
        return
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
