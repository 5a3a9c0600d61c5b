"""`crossdock`: the verbs."""

from __future__ import annotations

import typer

from crossdock import log
from crossdock.cli import (
    audit,
    bulk,
    config,
    connections,
    coverage,
    customers,
    dead,
    demo,
    effects,
    explain,
    held,
    imports,
    map_order,
    run,
    sandbox,
    schedule,
    shop,
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
app.command("status")(connections.status)
app.command("pause")(connections.pause)
app.command("resume")(connections.resume)
app.command("coverage")(coverage.coverage)
app.command("doctor")(shop.doctor)
app.command("import")(imports.import_file)
app.add_typer(config.app, name="config")
app.add_typer(bulk.app, name="bulk")
app.add_typer(dead.app, name="dead")
app.add_typer(customers.app, name="customers")
app.add_typer(held.app, name="held")
app.add_typer(schedule.app, name="schedule")
app.add_typer(explain.app, name="explain")
app.add_typer(effects.app, name="effects")
app.add_typer(audit.app, name="audit")
app.add_typer(sandbox.app, name="sandbox")
app.add_typer(shop.app, name="store")

mapping = typer.Typer(no_args_is_help=True, help="What a mapping makes of a record, without any network.")
mapping.command("order")(map_order.map_order)
app.add_typer(mapping, name="map")


def main() -> None:
    """The entry point of the wheel."""
    log.configure("warning", json=False)  # cleaned, and on standard error: standard output is for answers
    app()
