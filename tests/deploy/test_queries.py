"""Every metric and label of the dashboard and the rules is one that the code tells, and asked for as it is told."""

from __future__ import annotations

import json
import re

from crossdock.telemetry.catalogue import CATALOGUE, Metric, Teller
from tests.deploy.queries import DASHBOARD, ROOT, asked, expressions, grouped, panels, rules

OF_PROMETHEUS = {"instance", "job"}  # labels that every scraped series has
PAGE = ROOT / "docs/observability.md"


def series() -> dict[str, tuple[Metric, frozenset[str]]]:
    """By the name that a query uses: its metric and labels."""
    found: dict[str, tuple[Metric, frozenset[str]]] = {}
    for one in CATALOGUE:
        labels = frozenset(one.labels) | OF_PROMETHEUS
        if one.buckets:
            found |= {f"{one.name}_count": (one, labels), f"{one.name}_sum": (one, labels)}
            found[f"{one.name}_bucket"] = (one, labels | {"le"})
        else:
            found[one.shown()] = (one, labels)
    return found


def ours() -> set[str]:
    return {rule["record"] for rule in rules() if "record" in rule}


def is_foreign(metric: str) -> bool:
    return metric.startswith("process_") or metric in ours()


def test_every_metric_that_is_asked_for_is_told() -> None:
    known = series()
    assert [one for one in asked() if one.metric not in known and not is_foreign(one.metric)] == []
    assert len(asked()) > 50


def test_every_label_that_is_matched_is_there() -> None:
    known = series()
    told = [one for one in asked() if one.metric in known]
    assert [one for one in told if not one.labels <= known[one.metric][1]] == []


def test_every_label_that_is_grouped_by_is_there() -> None:
    known = series()
    wrong = [one for one in grouped() if one[1] in known and not one[2] <= known[one[1]][1]]
    # what is joined has the labels of both sides
    assert wrong == []
    assert len(grouped()) > 30


def test_what_every_process_tells_alike_is_never_summed_before_its_largest_was_taken() -> None:
    known = series()
    shared = [one for one in asked() if one.metric in known and known[one.metric][0].teller is not Teller.PROCESS]
    assert [one for one in shared if one.within[-1:] != ("max",)] == []
    assert len(shared) > 15


def test_every_metric_is_drawn_or_raises_an_alarm() -> None:
    """But for those that only explain another one."""
    unused = {metric.shown() for metric, _ in series().values()} - {
        metric.shown() for name, (metric, _) in series().items() if name in {one.metric for one in asked()}
    }
    assert unused == {
        "crossdock_hints_total",
        "crossdock_incidents_open",  # told to people by Crossdock itself (docs/notifications.md)
        "crossdock_notices",
        "crossdock_refused_total",
        "crossdock_announced_total",
        "crossdock_feeds_total",
        "crossdock_database_questions_seconds",
        "crossdock_schedule_missed_runs_total",
        "crossdock_schedule_done_timestamp_seconds",
    }


def test_recordings_are_used_by_the_rules_or_named_in_the_page() -> None:
    used = {one.metric for one in asked()}
    assert [name for name in ours() if name not in used and name not in PAGE.read_text()] == []


def test_every_alert_waits_has_a_severity_and_a_page_that_says_what_to_do() -> None:
    headings = {_anchor(line) for line in PAGE.read_text().splitlines() if line.startswith("#")}
    for rule in rules():
        if "alert" not in rule:
            continue
        assert "for" in rule, rule["alert"]
        assert rule["labels"]["severity"] in {"page", "ticket"}
        assert rule["annotations"]["summary"]
        assert rule["annotations"]["runbook_url"] == f"docs/observability.md#{rule['alert'].lower()}"
        assert rule["alert"].lower() in headings, rule["alert"]


def _anchor(heading: str) -> str:
    return re.sub(r"[^\w -]", "", heading.lstrip("# ").lower()).strip().replace(" ", "-")


def test_the_dashboard_is_whole() -> None:
    """Each panel has its own number and place, and asks the data source that its reader chooses."""
    board = json.loads(DASHBOARD.read_text())
    drawn = panels()
    assert len({panel["id"] for panel in drawn}) == len(drawn)
    taken: set[tuple[int, int]] = set()
    for panel in drawn:
        at = panel["gridPos"]
        cells = {(at["x"] + dx, at["y"] + dy) for dx in range(at["w"]) for dy in range(at["h"])}
        assert not cells & taken, panel["title"]
        assert at["x"] + at["w"] <= 24
        taken |= cells
    sources = [panel["datasource"]["uid"] for panel in drawn if panel["type"] != "row"]
    assert set(sources) == {"${datasource}"}
    names = {one["name"] for one in board["templating"]["list"]}
    used = set(re.findall(r"\$(?!__)(\w+)", json.dumps([panel.get("targets") for panel in drawn])))
    assert used <= names
    assert {"stat", "timeseries", "table", "row"} == {panel["type"] for panel in drawn}


def test_the_variables_of_the_dashboard_ask_for_labels_that_are_told() -> None:
    known = series()
    for one in json.loads(DASHBOARD.read_text())["templating"]["list"]:
        if found := re.fullmatch(r"label_values\((\w+), (\w+)\)", str(one.get("definition", ""))):
            assert found[2] in known[found[1]][1]


def test_every_expression_can_be_read() -> None:
    assert len(expressions()) == sum(len(panel.get("targets", ())) for panel in panels()) + len(rules())
