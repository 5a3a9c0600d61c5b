"""`crossdock`: the verbs."""

from __future__ import annotations

from importlib.metadata import version
from typing import Annotated

import typer

from crossdock import log
from crossdock.cli import (
    audit,
    bulk,
    config,
    connections,
    connectors,
    coverage,
    customers,
    database,
    dead,
    demo,
    doctor,
    effects,
    explain,
    feeds,
    held,
    imports,
    incidents,
    keys,
    lookups,
    map_order,
    map_preview,
    new_erp,
    notify,
    reconcile,
    replay,
    run,
    sandbox,
    schedule,
    shadow,
    shop,
    tokens,
    users,
)

app = typer.Typer(
    no_args_is_help=True,
    pretty_exceptions_show_locals=False,  # locals hold people's data
    help="Carries documents between a Magento store and an ERP: nothing lost, nothing done twice, all explained.",
)
app.command("run")(run.run)
app.command("api")(run.api)
app.command("worker")(run.worker)
app.command("poller")(run.poller)
app.command("demo")(demo.demo)
app.command("init")(config.init)
app.command("migrate")(database.migrate)
app.command("backup")(database.backup)
app.command("restored")(database.restored)
app.command("status")(connections.status)
app.command("replay")(replay.replay)
app.command("pause")(connections.pause)
app.command("resume")(connections.resume)
app.command("coverage")(coverage.coverage)
app.command("connectors")(connectors.connectors)
app.command("doctor")(doctor.doctor)
app.command("import")(imports.import_file)
app.command("new-erp")(new_erp.new_erp)
app.add_typer(config.app, name="config")
app.add_typer(bulk.app, name="bulk")
app.add_typer(dead.app, name="dead")
app.add_typer(customers.app, name="customers")
app.add_typer(lookups.app, name="lookups")
app.add_typer(feeds.app, name="feeds")
app.add_typer(held.app, name="held")
app.add_typer(schedule.app, name="schedule")
app.add_typer(shadow.app, name="shadow")
app.add_typer(explain.app, name="explain")
app.add_typer(effects.app, name="effects")
app.add_typer(reconcile.app, name="reconcile")
app.add_typer(incidents.app, name="incidents")
app.add_typer(notify.app, name="notify")
app.add_typer(audit.app, name="audit")
app.add_typer(keys.app, name="keys")
app.add_typer(tokens.app, name="tokens")
app.add_typer(users.app, name="users")
app.add_typer(sandbox.app, name="sandbox")
app.add_typer(shop.app, name="store")

mapping = typer.Typer(no_args_is_help=True, help="What a mapping makes of a record, without any network.")
mapping.command("order")(map_order.map_order)
mapping.command("preview")(map_preview.map_preview)
app.add_typer(mapping, name="map")


def _version(asked: bool) -> None:
    if asked:
        typer.echo(f"crossdock {version('crossdock')}")
        raise typer.Exit


@app.callback()
def _verbs(
    _asked: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and end.")
    ] = False,
) -> None:
    """Carries documents between a Magento store and an ERP: nothing lost, nothing done twice, all explained."""


def main() -> None:
    """The entry point of the wheel."""
    log.configure("warning", json=False)  # cleaned, and on standard error: standard output is for answers
    app()
