"""What the dashboard and the rules ask: each PromQL expression, taken apart."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import promql_parser as promql
import yaml

ROOT = Path(__file__).parents[2]
DASHBOARD = ROOT / "deploy/grafana/crossdock.json"
RULES = ROOT / "deploy/prometheus/alerts.yml"
VARIABLES = {"$__rate_interval": "5m", "$flow": ".*", "$connection": ".*"}


class Asked(NamedTuple):
    """One metric in one expression. `labels` are those that its matchers name; `within` the aggregations around it."""

    where: str
    metric: str
    labels: frozenset[str]
    within: tuple[str, ...]


def panels() -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(DASHBOARD.read_text())["panels"]
    return found


def rules() -> list[dict[str, Any]]:
    return [rule for group in yaml.safe_load(RULES.read_text())["groups"] for rule in group["rules"]]


def plain(expression: str) -> str:
    """As Prometheus gets it from Grafana."""
    for name, value in VARIABLES.items():
        expression = expression.replace(name, value)
    return expression


def expressions() -> list[tuple[str, str]]:
    drawn = [(panel["title"], one["expr"]) for panel in panels() for one in panel.get("targets", ())]
    return [(where, plain(text)) for where, text in drawn] + [
        (rule.get("alert") or rule["record"], rule["expr"]) for rule in rules()
    ]


def asked() -> list[Asked]:
    return [one for where, text in expressions() for one in _asked(where, promql.parse(text), ())]


def grouped() -> list[tuple[str, str, frozenset[str]]]:
    """Of each aggregation: where it is, a metric in it, and the labels by which it groups."""
    found = []
    for where, text in expressions():
        for one in _walk(promql.parse(text)):
            if isinstance(one, promql.AggregateExpr) and one.modifier is not None:
                metrics = [inner.metric for inner in _asked(where, one.expr, ())]
                found += [(where, metric, frozenset(one.modifier.labels)) for metric in metrics]
    return found


def _asked(where: str, node: Any, within: tuple[str, ...]) -> Iterator[Asked]:
    if isinstance(node, promql.AggregateExpr):
        within = (*within, str(node.op))
    if isinstance(node, promql.VectorSelector):
        yield Asked(where, node.name or "", frozenset(one.name for one in node.matchers.matchers), within)
    for part in _parts(node):
        yield from _asked(where, part, within)


def _walk(node: Any) -> Iterator[Any]:
    yield node
    for part in _parts(node):
        yield from _walk(part)


def _parts(node: Any) -> list[Any]:
    names = ("lhs", "rhs", "expr", "param", "vector_selector", "vs")
    inner = [getattr(node, name, None) for name in names] + list(getattr(node, "args", ()) or ())
    return [part for part in inner if isinstance(part, promql.Expr)]
