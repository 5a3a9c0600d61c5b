"""docs/reference/metrics.md, made of the catalogue: `python -m crossdock.cli.metrics_reference`."""

from __future__ import annotations

from collections.abc import Iterator

from crossdock.telemetry.catalogue import CATALOGUE, Metric, Teller

HEAD = """# Metrics

`/metrics` of each process, for Prometheus ([who may ask](../security.md)). What to make of them:
[Observability](../observability.md). This page is made by `python -m crossdock.cli.metrics_reference`.

A counter's name ends in `_total`; of a histogram there are `_bucket` (with the label `le`), `_count` and `_sum`. Beside
these there are `process_…` of the Prometheus client: CPU, memory, open files.
"""
OF_PROCESS = """Every process tells what it has done itself since it began. In a fleet they are summed:
`sum by (flow) (rate(crossdock_attempts_total[5m]))`."""
OF_DATABASE = """What the tables say, at most ten seconds old; of comparisons at most a minute. Processes with the role
`api` tell them, and each tells the same: take the largest, `max by (flow, target, state) (crossdock_deliveries)`, never
the sum."""
OF_SCHEDULES = """From the tables too, and told by every process, since what matters most is that nobody reads any more.
Take the largest: `max by (route, schedule) (crossdock_schedule_missed)`."""
TITLES = {
    Teller.PROCESS: ("Of each process", OF_PROCESS),
    Teller.DATABASE: ("Of the database", OF_DATABASE),
    Teller.SCHEDULES: ("Of schedules", OF_SCHEDULES),
}


def reference() -> str:
    """The whole page."""
    return "\n".join([HEAD, *(part for teller in Teller for part in _section(teller))])


def _section(teller: Teller) -> Iterator[str]:
    title, text = TITLES[teller]
    yield f"## {title}\n\n{text}\n"
    yield "| metric | kind | labels | meaning |\n|---|---|---|---|"
    yield from (_row(one) for one in CATALOGUE if one.teller is teller)
    yield ""


def _row(one: Metric) -> str:
    labels = ", ".join(f"`{label}`" for label in one.labels)
    edges = f" Buckets: {', '.join(f'{edge:g}' for edge in one.buckets)}." if one.buckets else ""
    return f"| `{one.shown()}` | {one.kind()} | {labels} | {one.text}.{edges} |"


if __name__ == "__main__":
    print(reference(), end="")
