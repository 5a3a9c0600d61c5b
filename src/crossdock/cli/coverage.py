"""Was every order that exists in the store seen? Hour by hour, with each gap explained."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

import msgspec
import typer
from rich.table import Table

from crossdock.app import Crossdock
from crossdock.cli.common import ConfigOption, JsonOption, console, refuse, settings_or_exit
from crossdock.errors import ConfigurationError
from crossdock.model.base import Record


class Hour(Record, frozen=True, kw_only=True):
    """One closed hour of one source, by the source's own clock."""

    source: str
    hour: datetime
    existing: int
    seen: int
    missing: tuple[str, ...] = ()


def count_hours(source: str, ids: Iterable[tuple[int, datetime | None]], seen: set[str]) -> list[Hour]:
    """Ids that exist against ids that were seen. Pure."""
    hours: dict[datetime, list[str]] = {}
    for number, created_at in ids:
        if created_at is not None:
            hours.setdefault(created_at.replace(minute=0, second=0, microsecond=0), []).append(str(number))
    return [
        Hour(
            source=source,
            hour=hour,
            existing=len(subjects),
            seen=sum(subject in seen for subject in subjects),
            missing=tuple(subject for subject in subjects if subject not in seen),
        )
        for hour, subjects in sorted(hours.items())
    ]


def coverage(
    config: ConfigOption = None,
    hours: Annotated[int, typer.Option(help="How many closed hours to look back.")] = 24,
    fill: Annotated[bool, typer.Option("--fill", help="Look at each order that was missed.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Compare the ids that exist in each store with the ids that were heard of; exit code 1 where one is missing."""
    settings = settings_or_exit(config)
    try:
        crossdock = Crossdock(settings)
    except ConfigurationError as error:
        refuse(error)
        raise typer.Exit(2) from error
    until = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
    counted: list[Hour] = []
    try:
        for name, poller in crossdock.pollers.items():
            source: Any = crossdock.connections.by_name[name].source(poller.flow)
            ids = source.ids_created(until - timedelta(hours=hours), until)
            seen = crossdock.store.seen(name, [str(number) for number, _ in ids])
            counted += count_hours(name, ids, seen)
            if fill:
                poller.fill_gaps([str(number) for number, _ in ids])
    finally:
        crossdock.store.close()
    _print(counted, as_json=as_json)
    if any(hour.missing for hour in counted):
        raise typer.Exit(1)


def _print(counted: list[Hour], *, as_json: bool) -> None:
    if as_json:
        console.print_json(msgspec.json.encode(counted).decode())
        return
    table = Table("hour (UTC)", "store", "existing", "seen", "missing", box=None)
    for hour in counted:
        missed = ", ".join(f"{subject} (never heard of, by webhook nor poll)" for subject in hour.missing)
        table.add_row(f"{hour.hour:%Y-%m-%d %H}:00", hour.source, str(hour.existing), str(hour.seen), missed)
    console.print(table)
