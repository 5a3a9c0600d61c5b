"""`crossdock sandbox store | erp`: rehearse against a stand-in."""

from __future__ import annotations

import signal
import threading
from pathlib import Path
from typing import Annotated

import typer

from crossdock.cli.common import console
from crossdock.sandbox.erp import Dedupe
from crossdock.sandbox.faults import NONE, Faults, load_faults
from crossdock.sandbox.run import ErpServer, StoreServer

app = typer.Typer(no_args_is_help=True, help="A stand-in store or ERP over real HTTP, with faults on demand.")
PortOption = Annotated[int, typer.Option(help="Port on 127.0.0.1; 0 takes a free one.")]
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
    server = StoreServer(port=port, seed=seed, faults=_faults(faults), token=token)
    _serve(server, f"store at {server.url}: POST {server.url}/sandbox/place, GET {server.url}/sandbox/state")


@app.command()
def erp(
    port: PortOption = 0,
    seed: SeedOption = 1,
    faults: FaultsOption = None,
    token: TokenOption = "sandbox",
    dedupe: DedupeOption = "none",
) -> None:
    """A custom ERP for the REST connector."""
    server = ErpServer(port=port, seed=seed, faults=_faults(faults), token=token, dedupe=dedupe)
    _serve(server, f"ERP at {server.url}: GET {server.url}/sandbox/orders, {server.url}/sandbox/doubles")


def _faults(path: Path | None) -> Faults:
    try:
        return load_faults(path) if path else NONE
    except (OSError, ValueError) as error:  # a wrong name, a wrong rate, no TOML
        raise typer.BadParameter(str(error), param_hint="--faults") from error


def _serve(server: StoreServer | ErpServer, text: str) -> None:
    stopping = threading.Event()
    for signum in (signal.SIGTERM, signal.SIGINT):
        signal.signal(signum, lambda *_: stopping.set())
    server.start()
    console.print(text, highlight=False)
    stopping.wait()
    server.stop()
