"""The metrics reference is complete and current, and no code makes a metric beside the catalogue."""

from __future__ import annotations

import re
from pathlib import Path

from crossdock.cli.metrics_reference import reference
from crossdock.telemetry.catalogue import CATALOGUE

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs/reference/metrics.md"
MADE = re.compile(r"\b(Counter|Gauge|Histogram|Summary|GaugeMetricFamily|CounterMetricFamily)\(")


def test_the_page_is_what_the_catalogue_says() -> None:
    assert PAGE.read_text() == reference()


def test_every_metric_has_its_row_and_every_row_its_metric() -> None:
    rows = re.findall(r"^\| `(crossdock_\w+)` \|", PAGE.read_text(), re.MULTILINE)
    assert sorted(rows) == sorted(one.shown() for one in CATALOGUE)
    assert len(set(rows)) == len(rows) > 25


def test_names_are_as_prometheus_wants_them() -> None:
    for one in CATALOGUE:
        assert re.fullmatch(r"crossdock(_[a-z0-9]+)+", one.name)
        assert not one.name.endswith(("_total", "_ms", "_milliseconds", "_count", "_sum", "_bucket"))
        assert not one.buckets or list(one.buckets) == sorted(set(one.buckets))
        assert "subject" not in one.labels
        assert "reference" not in one.labels


def test_metrics_are_made_from_the_catalogue_alone() -> None:
    found = [
        str(path.relative_to(ROOT))
        for path in (ROOT / "src").rglob("*.py")
        if "prometheus_client" in (text := path.read_text()) and MADE.search(text)
    ]
    assert found == ["src/crossdock/telemetry/catalogue.py"]


def test_every_metric_that_a_page_names_is_there() -> None:
    known = {one.shown() for one in CATALOGUE}
    known |= {f"{one.name}_{part}" for one in CATALOGUE if one.buckets for part in ("bucket", "count", "sum")}
    pages = [*(ROOT / "docs").rglob("*.md"), ROOT / "README.md"]
    named = {name for page in pages for name in re.findall(r"\b(crossdock_[a-z_]+)\b", page.read_text())}
    assert named - known == {"crossdock_acme"}  # a package of somebody's own, in an example
