"""`crossdock import`: rows of a file, as if the ERP had pushed them."""

from __future__ import annotations

import csv
import hashlib
from array import array
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from crossdock.app import Crossdock, utc_now
from crossdock.cli import waiting
from crossdock.cli.common import ConfigOption, complain, complaints, plain, refuse, say, settings_or_exit
from crossdock.cli.import_documents import COLUMNS, Came, desk_of, import_documents
from crossdock.contract.message import Message
from crossdock.errors import ConfigurationError, CrossdockError
from crossdock.feeds.feeds import FILE, Difference
from crossdock.feeds.files import Placed, open_rows
from crossdock.feeds.levels import Fate, Feed, FeedState, NewFeed
from crossdock.flows import CUSTOMER_PUSHES, CUSTOMERS

PAGE = 1000
SHOWN = 50
LINES = frozenset({".jsonl", ".ndjson"})  # a line of them is the body of a push
BYTES_A_ROW = 30  # a guess, for the bar alone
TEMPLATES = {
    "inventory": ("sku", "qty", "warehouse", "status", "version", "as_of", "meaning"),
    "prices": (
        "kind",
        "sku",
        "scope",
        "price",
        "currency",
        "tax",
        "from",
        "to",
        "group",
        "quantity",
        "discount",
        "remove",
        "tiers",
        "version",
        "as_of",
    ),
    "products": (
        "sku",
        "type",
        "attribute_set",
        "name",
        "price",
        "weight",
        "status",
        "visibility",
        "websites",
        "categories",
        "images",
        "variant_attributes",
        "children",
        "clear",
        "removed",
        "version",
        "as_of",
    ),
    **COLUMNS,
}


def import_file(
    flow: Annotated[str, typer.Argument(help=f"What the rows are: {', '.join(TEMPLATES)}.")],
    file: Annotated[Path | None, typer.Argument(help="CSV, TSV, XLSX, Parquet or JSON Lines.")] = None,
    config: ConfigOption = None,
    source: Annotated[str, typer.Option(help="The connection that the rows are of; else the only one.")] = "",
    target: Annotated[str, typer.Option(help="The store; else the only one.")] = "",
    column: Annotated[list[str] | None, typer.Option(help="OURS=THEIRS, where the file names a column so.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only show what would change.")] = False,
    report: Annotated[Path | None, typer.Option(help="Write the rejected rows there, as CSV.")] = None,
    wait: Annotated[
        bool, typer.Option("--wait", help="Until the store has settled every row; a worker has to run somewhere.")
    ] = False,
    template: Annotated[bool, typer.Option("--template", help="Print the first line of such a file.")] = False,
) -> None:
    """Import rows.

    Exit code 1: some were rejected (with --wait: or failed); 4: the whole file waits for approval (`crossdock held`).
    """
    if flow not in TEMPLATES:
        refuse(ConfigurationError([f"{flow}: is none of {', '.join(TEMPLATES)}"]))
        raise typer.Exit(2)
    if template:
        say(",".join(TEMPLATES[flow]))
        return
    if file is None:
        refuse(ConfigurationError(["a file is needed"]))
        raise typer.Exit(2)
    try:
        crossdock = Crossdock(settings_or_exit(config))
    except ConfigurationError as error:
        refuse(error)
        raise typer.Exit(2) from error
    try:
        code = _run(crossdock, flow, file, source, target, _renamed(column or []), report, dry_run=dry_run, wait=wait)
    except ConfigurationError as error:
        refuse(error)
        raise typer.Exit(2) from error
    except CrossdockError as error:
        complain(error)
        raise typer.Exit(1) from error
    finally:
        crossdock.store.close()
    if code:
        raise typer.Exit(code)


def _run(
    crossdock: Crossdock,
    flow: str,
    file: Path,
    source: str,
    target: str,
    columns: dict[str, str],
    report: Path | None,
    *,
    dry_run: bool,
    wait: bool,
) -> int:
    source, target = _route(crossdock, flow, source, target)
    if flow in COLUMNS:
        with _bar(file) as advance:
            rows_of = _passed(open_rows(file, columns), advance)
            desk = desk_of(crossdock, flow, source, target, pushed=file.suffix.lower() in LINES)
            came = import_documents(crossdock, rows_of, desk, dry_run=dry_run)
        return _tell_documents(came, report)
    new = NewFeed(message=_message(file, source, flow), flow=flow, target=target, channel=FILE)
    lines = array("L")
    with _bar(file) as advance:
        rows = _counted(open_rows(file, columns), lines, advance)
        if dry_run:
            return _show(crossdock.feeds.preview(new, rows), lines)
        feed = crossdock.feeds.compare(crossdock.feeds.take(new), rows)
    rejected = list(_rejected(crossdock, feed))
    say(
        f"feed {feed.id}: {feed.total} rows, {feed.changed} changed, {feed.unchanged} unchanged, {feed.stale} stale, ",
        plain(f"{feed.rejected} rejected", "red" if feed.rejected else ""),
    )
    _report(report, rejected, lines)
    if feed.state is FeedState.HELD:
        say(plain("held: ", "yellow"), f"{feed.reason}. `crossdock held approve {feed.id}` lets it go on.")
        return 4
    bad = waiting.wait(crossdock, feed) if wait else 0
    return 1 if feed.rejected or bad else 0


def _tell_documents(came: Came, report: Path | None) -> int:
    told = ", ".join(f"{count} {word}" for word, count in sorted(came.counts.items())) or "nothing to do"
    say(
        f"{len(came.lines)} {came.what}, {told}, ",
        plain(f"{len(came.rejected)} rejected", "red" if came.rejected else ""),
    )
    _report(report, came.rejected, came.lines)
    return 1 if came.rejected else 0


def _message(file: Path, source: str, flow: str) -> Message:
    """A file is imported as often as it is asked for: its levels are what is compared, not its name."""
    now = utc_now()
    digest = hashlib.sha256(f"{file.resolve()} {now.isoformat()}".encode()).hexdigest()[:40]
    return Message(id=f"file:{digest}", source=source, flow=flow, subject="feed", reference=file.name, occurred_at=now)


def _route(crossdock: Crossdock, flow: str, source: str, target: str) -> tuple[str, str]:
    found = [
        (route.source, route.target)
        for name in crossdock.connections.by_name
        for route in crossdock.connections.routes(name)
        if flow in route.flows and source in {"", route.source} and target in {"", route.target}
        if flow != CUSTOMERS.name or _is_store(crossdock, route.target)  # customers go both ways
    ]
    if len(found) != 1:
        told = ", ".join(f"{one} to {other}" for one, other in found) or "none"
        raise ConfigurationError([f"{flow}: name one route by --source and --target; there is {told}"])
    return found[0]


def _is_store(crossdock: Crossdock, name: str) -> bool:
    return CUSTOMER_PUSHES.name in crossdock.connections.capabilities(name).reads


def _renamed(columns: Sequence[str]) -> dict[str, str]:
    pairs = [one.partition("=") for one in columns]
    if wrong := [one for one, sign, theirs in pairs if not sign or not theirs]:
        raise ConfigurationError([f"--column {wrong[0]}: OURS=THEIRS is wanted"])
    return {theirs: ours for ours, _, theirs in pairs}


def _counted(rows: Iterator[Placed], lines: array[int], advance: Any) -> Iterator[dict[str, Any]]:
    for line, row in rows:
        lines.append(line)
        if len(lines) % PAGE == 0:
            advance(PAGE)
        yield row


def _passed(rows: Iterator[Placed], advance: Any) -> Iterator[Placed]:
    for count, row in enumerate(rows, 1):
        if count % PAGE == 0:
            advance(PAGE)
        yield row


class _bar:  # noqa: N801  used as a function
    """A bar on a terminal, nothing elsewhere."""

    def __init__(self, file: Path) -> None:
        words = (TextColumn("{task.completed} rows"), BarColumn(), TimeRemainingColumn())
        self._progress = Progress(*words, console=complaints, disable=not complaints.is_terminal, transient=True)
        size = file.stat().st_size if file.is_file() else 0
        self._task = self._progress.add_task("rows", total=max(1, size // BYTES_A_ROW))

    def __enter__(self) -> Any:
        self._progress.start()
        return lambda count: self._progress.advance(self._task, count)

    def __exit__(self, *_: object) -> None:
        self._progress.stop()


def _show(differences: Iterator[Difference], lines: array[int]) -> int:
    counts: dict[str, int] = {}
    rejected = 0
    for one in differences:
        counts[one.fate] = counts.get(one.fate, 0) + 1
        rejected += one.fate is Fate.REJECTED
        if sum(counts.values()) <= SHOWN:
            change = f"{one.before or 'nothing'} -> {one.after}" if one.fate is not Fate.REJECTED else one.after
            say(f"line {lines[one.number]} {one.subject or one.reference}: {one.fate} ", change)
    say(f"{len(lines)} rows; " + (", ".join(f"{count} {fate}" for fate, count in counts.items()) or "nothing to do"))
    return 1 if rejected else 0


def _rejected(crossdock: Crossdock, feed: Feed) -> Iterator[tuple[int, str, str]]:
    after = -1
    while feed.rejected and (page := crossdock.store.levels.feed_rows(feed.id, after, PAGE)):
        yield from ((row.number, row.reference, row.reason) for row in page if row.fate is Fate.REJECTED)
        after = page[-1].number


def inert(text: str) -> str:
    """As a spreadsheet shows it: a text that begins like a formula would be carried out there."""
    return f"'{text}" if text.startswith(("=", "+", "-", "@", "\t", "\r")) else text


def _report(report: Path | None, rejected: Sequence[tuple[int, str, str]], lines: array[int]) -> None:
    placed = [(lines[number], name, *reason.partition(": ")[::2]) for number, name, reason in rejected]
    if report is not None:
        with report.open("w", newline="", encoding="utf-8") as file:
            out = csv.writer(file)
            out.writerow(["line", "reference", "column", "reason"])
            out.writerows([line, *map(inert, words)] for line, *words in placed)
        say(f"{len(placed)} rejected rows are in {report}")
        return
    for line, name, field, reason in islice(placed, SHOWN):
        say(f"line {line} {name}: ", plain(f"{field} {reason}", "red"))
    if len(placed) > SHOWN:
        say(f"… and {len(placed) - SHOWN} more: --report FILE keeps them all")
