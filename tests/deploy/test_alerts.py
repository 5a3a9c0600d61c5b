"""Each alert fires on what it is for, says so in words, and is silent on a healthy day: by Prometheus' own promtool."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from crossdock.notifying.seen import BY_ITSELF
from tests.databases import missing
from tests.deploy.queries import RULES, rules

PROMTOOL = shutil.which("promtool")
LONG = "3h"
HEALTHY = {
    'crossdock_info{version="1", roles="api+poller+worker"}': "1x200",
    "crossdock_database_up": "1x200",
    "crossdock_broker_up": "1x200",
    'crossdock_connection_paused{connection="erp"}': "0x200",
    'crossdock_lag_seconds{connection="erp"}': "0 2 0 1 0x200",
    'crossdock_breaker{connection="erp", state="open"}': "0x200",
    'crossdock_breaker{connection="erp", state="closed"}': "1x200",
    'crossdock_attempts_total{flow="orders", target="erp", state="delivered", code=""}': "0+60x200",
    'crossdock_attempts_total{flow="orders", target="erp", state="pending", code="temporary"}': "0+6x200",
    'crossdock_attempts_total{flow="orders", target="erp", state="pending", code="outcome-unknown"}': "0+1x200",
    'crossdock_request_seconds_count{connection="erp", outcome="2xx"}': "0+60x200",
    'crossdock_request_seconds_count{connection="erp", outcome="5xx"}': "0+3x200",
    'crossdock_leases_lost_total{target="erp"}': "0 0 1 1x200",
    'crossdock_webhooks_total{connection="store", outcome="202"}': "0+60x200",
    'crossdock_webhooks_total{connection="store", outcome="401"}': "0 1 1x200",
    'crossdock_webhooks_total{connection="store", outcome="503"}': "0x200",
    'crossdock_stream_complete_timestamp_seconds{connection="store", stream="changes"}': "0+60x200",
    'crossdock_stream_complete_timestamp_seconds{connection="erp", stream="inventory"}': "0x200",
    'crossdock_schedule_missed{route="erp -> store", schedule="delta"}': "0x200",
    'crossdock_schedule_failed{route="erp -> store", schedule="delta"}': "0x200",
    "crossdock_feeds_held": "0x200",
    'crossdock_drifts{flow="orders", store="store", erp="erp", cause="unknown"}': "0x200",
    'crossdock_drifts{flow="orders", store="store", erp="erp", cause="dead-letter"}': "1x200",
    'crossdock_drifts{flow="inventory", store="store", erp="erp", cause="rounding"}': "3x200",
    'crossdock_commit_seconds_bucket{le="0.1"}': "0+100x200",
    'crossdock_commit_seconds_bucket{le="1"}': "0+100x200",
    'crossdock_commit_seconds_bucket{le="15"}': "0+100x200",
    'crossdock_commit_seconds_bucket{le="+Inf"}': "0+100x200",
}  # fmt: skip
DEAD = 'crossdock_dead_letters{flow="orders", target="erp", code="rejected", age="%s"}'
ORDERS = {"flow": "orders", "target": "erp"}
DRIFTS = 'crossdock_drifts{flow="prices", store="store", erp="erp", cause="%s", instance="%s"}'


class Case(NamedTuple):
    """`without` series of a healthy day and `told` others, the alert is not there at `before` and is at `at`."""

    told: dict[str, str]
    at: str
    summary: str
    labels: dict[str, str] = {}
    before: str = "1m"
    without: tuple[str, ...] = ()


NOBODY = ("crossdock_info",)
INFO = 'crossdock_info{version="1", roles="%s"}'
CASES = {
    "CrossdockGone": Case({}, "6m", "No Crossdock process answers", without=("crossdock_",), before="4m"),
    "CrossdockNobodyTakesWebhooks": Case(
        {INFO % "poller+worker": "1x200"}, "6m", "No process has the role api", without=NOBODY, before="4m"
    ),
    "CrossdockNobodyDelivers": Case(
        {INFO % "api": "1x200", INFO % "poller": "1x200"},
        "6m",
        "No process has the role worker, or none of them is scraped",
        without=NOBODY, before="4m",
    ),
    "CrossdockNobodyPolls": Case(
        {INFO % "api+worker": "1x200"},
        "11m",
        "No process has the role poller, or none of them is scraped",
        without=NOBODY, before="9m",
    ),
    "CrossdockDatabaseDown": Case(
        {'crossdock_database_up{instance="a"}': "0x200", 'crossdock_database_up{instance="b"}': "0x200"},
        "2m",
        "The database does not answer",
        before="0m",
        without=("crossdock_database_up",),
    ),
    "CrossdockBrokerDown": Case(
        {'crossdock_broker_up{instance="a"}': "0x200"},
        "6m",
        "A process cannot reach RabbitMQ; work is found in the database, more slowly",
        before="4m",
    ),
    "CrossdockPaused": Case(
        {'crossdock_connection_paused{connection="erp", instance="a"}': "1x200"},
        "2m",
        "Nothing is sent to erp until somebody resumes it",
        {"connection": "erp"},
        before="0m",
    ),
    "CrossdockLate": Case(
        {'crossdock_lag_seconds{connection="erp", instance="a"}': "0+60x200"},
        "15m",
        "Deliveries to erp are 15m 0s late",
        {"connection": "erp"},
        before="9m",
    ),
    "CrossdockBreakerOpen": Case(
        {'crossdock_breaker{connection="erp", state="open", instance="a"}': "1x200"},
        "11m",
        "erp has failed again and again; it is only tried now and then",
        {"connection": "erp"},
        before="9m",
    ),
    "CrossdockDeadLetters": Case(
        {DEAD % "hour": "2x200", DEAD % "day": "1x200", DEAD % 'day", instance="b': "1x200"},
        "6m",
        "3 dead letters of orders to erp (rejected)",
        {**ORDERS, "code": "rejected"},
        before="4m",
    ),
    "CrossdockDeadLettersForgotten": Case(
        {DEAD % "week": "1x200"},
        "61m",
        "Nobody has dealt with dead letters of orders to erp for a day",
        {**ORDERS, "code": "rejected"},
        before="59m",
    ),
    "CrossdockOutcomesUnknown": Case(
        {'crossdock_attempts_total{flow="looks", target="erp", state="pending", code="outcome-unknown"}': "0+60x200"},
        "30m",
        "erp often takes requests without an answer that can be read",
        {"target": "erp"},
        before="10m",
    ),
    "CrossdockEndFails": Case(
        {'crossdock_request_seconds_count{connection="erp", outcome="unreachable"}': "0+120x200"},
        "12m",
        "67.21% of the requests to erp fail",
        {"connection": "erp"},
        before="9m",
    ),
    "CrossdockUnexpected": Case(
        {'crossdock_attempts_total{flow="orders", target="erp", state="dead", code="unexpected"}': "0x20 1x200"},
        "22m",
        "A bug of ours or of a connector, in orders to erp",
        ORDERS,
        before="20m",
    ),
    "CrossdockLeasesLost": Case(
        {'crossdock_leases_lost_total{target="erp", instance="b"}': "0+2x200"},
        "30m",
        "Attempts at erp outlive their lease, or cannot be settled",
        {"target": "erp"},
        before="10m",
    ),
    "CrossdockWebhooksUnsigned": Case(
        {'crossdock_webhooks_total{connection="store", outcome="401", instance="b"}': "0+10x200"},
        "10m",
        "Webhooks of store are signed by nobody that we know",
        {"connection": "store"},
    ),
    "CrossdockWebhooksNotStored": Case(
        {'crossdock_webhooks_total{connection="store", outcome="503", instance="b"}': "0+1x200"},
        "10m",
        "Webhooks of store cannot be stored",
        {"connection": "store"},
    ),
    "CrossdockPollingStands": Case(
        {'crossdock_stream_complete_timestamp_seconds{connection="shop", stream="changes"}': "0x200"},
        "30m",
        "shop was last read to its end 30m 0s ago",
        {"connection": "shop", "stream": "changes"},
        before="15m",
    ),
    "CrossdockScheduleMissed": Case(
        {'crossdock_schedule_missed{route="r", schedule="s"}': "1x200"},
        "6m",
        "r was not read when it was due (s)",
        {"route": "r", "schedule": "s"},
    ),
    "CrossdockScheduleFailed": Case(
        {'crossdock_schedule_failed{route="r", schedule="s"}': "1x200"},
        "16m",
        "The last run of r has failed (s)",
        {"route": "r", "schedule": "s"},
    ),
    "CrossdockFeedHeld": Case({'crossdock_feeds_held{instance="a"}': "2x200"}, "16m", "2 lists of states wait for a person's word"),
    "CrossdockDrifts": Case(
        {DRIFTS % ("unknown", "a"): "2x200", DRIFTS % ("unknown", "b"): "2x200", DRIFTS % ("never-captured", "a"): "1x200"},
        "16m",
        "3 differences of prices between store and erp",
        {"flow": "prices", "store": "store", "erp": "erp"},
        before="14m",
    ),
    "CrossdockCommitsSlow": Case(
        {'crossdock_commit_seconds_bucket{le="15", instance="b"}': "0+10x200", 'crossdock_commit_seconds_bucket{le="+Inf", instance="b"}': "0+10x200"},
        "30m",
        "One commit in a hundred takes 13.46s",
    ),
}  # fmt: skip


def alerts() -> list[dict[str, Any]]:
    return [rule for rule in rules() if "alert" in rule]


def run(folder: Path, tests: list[dict[str, Any]]) -> str:
    """What promtool complains of; "" of nothing."""
    if PROMTOOL is None:
        missing("Prometheus (Debian: apt install prometheus)")
    assert PROMTOOL is not None
    file = folder / "alerts.test.yml"
    told = {"rule_files": [str(RULES)], "evaluation_interval": "1m", "tests": tests}
    file.write_text(yaml.safe_dump(told, sort_keys=False))
    done = subprocess.run([PROMTOOL, "test", "rules", str(file)], capture_output=True, text=True, check=False)
    return "" if done.returncode == 0 else done.stdout + done.stderr


def series(told: dict[str, str]) -> list[dict[str, str]]:
    return [{"series": name, "values": values} for name, values in told.items()]


def expected(rule: dict[str, Any], case: Case) -> dict[str, Any]:
    annotations = {"summary": case.summary, "runbook_url": rule["annotations"]["runbook_url"]}
    return {"exp_labels": {**case.labels, **rule["labels"]}, "exp_annotations": annotations}


def test_each_alert_has_its_case() -> None:
    assert sorted(CASES) == sorted(rule["alert"] for rule in alerts())


def test_each_alert_fires_on_what_it_is_for_and_not_before_its_time(tmp_path: Path) -> None:
    tests = []
    for rule in alerts():
        case = CASES[rule["alert"]]
        healthy = {name: values for name, values in HEALTHY.items() if not name.startswith(case.without or ("!",))}
        told = series(healthy | case.told)
        checks = [
            {"eval_time": case.before, "alertname": rule["alert"], "exp_alerts": []},
            {"eval_time": case.at, "alertname": rule["alert"], "exp_alerts": [expected(rule, case)]},
        ]
        tests.append({"interval": "1m", "input_series": told, "alert_rule_test": checks})
    assert run(tmp_path, tests) == ""


def test_a_healthy_day_is_silent(tmp_path: Path) -> None:
    checks = [
        {"eval_time": at, "alertname": rule["alert"], "exp_alerts": []}
        for rule in alerts()
        for at in ("0m", "30m", "2h", LONG)
    ]
    assert run(tmp_path, [{"interval": "1m", "input_series": series(HEALTHY), "alert_rule_test": checks}]) == ""


def test_what_is_late_because_it_is_paused_raises_one_alarm(tmp_path: Path) -> None:
    told = HEALTHY | {
        'crossdock_lag_seconds{connection="erp", instance="a"}': "0+60x200",
        'crossdock_connection_paused{connection="erp", instance="a"}': "1x200",
    }
    checks = [{"eval_time": "30m", "alertname": "CrossdockLate", "exp_alerts": []}]
    assert run(tmp_path, [{"interval": "1m", "input_series": series(told), "alert_rule_test": checks}]) == ""


def test_what_ends_by_itself_is_no_alarm_as_it_is_no_incident() -> None:
    (rule,) = [rule for rule in alerts() if rule["alert"] == "CrossdockDrifts"]
    left_out = re.search(r'cause!~"([^"]+)"', rule["expr"])
    assert left_out is not None
    assert set(left_out[1].split("|")) == set(BY_ITSELF)
