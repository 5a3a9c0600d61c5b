"""`crossdock sandbox store | erp`: rehearse against a stand-in."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from crossdock.cli.common import asked_to_stop, console
from crossdock.sandbox.erp import Dedupe
from crossdock.sandbox.faults import NONE, Faults, load_faults
from crossdock.sandbox.run import ErpServer, StoreServer

app = typer.Typer(no_args_is_help=True, help="A stand-in store or ERP over real HTTP, with faults on demand.")
PortOption = Annotated[int, typer.Option(min=0, max=65_535, help="Port on 127.0.0.1; 0 takes a free one.")]
SeedOption = Annotated[int, typer.Option(help="The same seed makes the same orders and faults.")]
FaultsOption = Annotated[
    Path | None, typer.Option(help="What goes wrong (docs/sandbox.md): TOML, e.g. reset_after = 0.05.")
]
TokenOption = Annotated[str, typer.Option(help="The bearer token that it takes.")]

DedupeOption = Annotated[
    Dedupe, typer.Option(help="What it takes only once: an idempotency `key`, an order's `number`, or `none`.")
]


@app.command()
def store(
    port: PortOption = 0, seed: SeedOption = 1, faults: FaultsOption = None, token: TokenOption = "sandbox"
) -> None:
    """A Magento store. Place orders with POST /sandbox/place {"count": 3, "kinds": ["simple", "bundle"]}."""
    drawn = _faults(faults)
    with _listening(port):
        server = StoreServer(port=port, seed=seed, faults=drawn, token=token)
    _serve(server, f"store at {server.url}: POST {server.url}/sandbox/place, GET {server.url}/sandbox/state")


@app.command()
def erp(
    port: PortOption = 0,
    seed: SeedOption = 1,
    faults: FaultsOption = None,
    token: TokenOption = "sandbox",
    dedupe: DedupeOption = "none",
    gives_back: Annotated[
        bool, typer.Option("--gives-back", help="A find tells all that an order was made with.")
    ] = False,
) -> None:
    """A custom ERP for the REST connector."""
    drawn = _faults(faults)
    with _listening(port):
        server = ErpServer(port=port, seed=seed, faults=drawn, token=token, dedupe=dedupe, gives_back=gives_back)
    _serve(server, f"ERP at {server.url}: GET {server.url}/sandbox/orders, {server.url}/sandbox/doubles")


def _faults(path: Path | None) -> Faults:
    try:
        return load_faults(path) if path else NONE
    except (OSError, ValueError) as error:  # a wrong name, a wrong rate, no TOML
        raise typer.BadParameter(str(error), param_hint="--faults") from error


@contextmanager
def _listening(port: int) -> Iterator[None]:
    try:
        yield
    except OSError as error:  # somebody else listens there, most often an earlier one of its own
        raise typer.BadParameter(f"{port}: {os.strerror(error.errno or 0)}", param_hint="--port") from error


def _serve(server: StoreServer | ErpServer, text: str) -> None:
    stopped = asked_to_stop()
    server.start()
    console.print(text, highlight=False)
    stopped()
    server.stop()
