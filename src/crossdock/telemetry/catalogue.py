"""Every metric, once: its name, its labels, who tells it, and what it means. docs/reference/metrics.md is made of it.

Labels are of few values each: names out of the settings, codes, states. Never a subject, a key or a text.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily

from crossdock.model.base import Record


class Teller(StrEnum):
    """Whose word a metric is.

    PROCESS: each process of itself, so they are summed. DATABASE: of the tables, the same from whoever tells, so the
    largest is taken; processes with the role `api` tell. SCHEDULES: the same, told by every process.
    """

    PROCESS = "process"
    DATABASE = "database"
    SCHEDULES = "schedules"


class Metric(Record, frozen=True, kw_only=True):
    """`name` without the suffix that a counter gets (`_total`). `buckets` make it a histogram."""

    name: str
    text: str
    labels: tuple[str, ...] = ()
    counts: bool = False
    buckets: tuple[float, ...] = ()
    teller: Teller = Teller.PROCESS

    def kind(self) -> str:
        """As Prometheus names it."""
        return "histogram" if self.buckets else "counter" if self.counts else "gauge"

    def shown(self) -> str:
        """The name that queries use, but for a histogram's parts."""
        return f"{self.name}_total" if self.counts else self.name

    def counter(self, registry: CollectorRegistry) -> Counter:
        """Registered."""
        return Counter(self.name, self.text, self.labels, registry=registry)

    def gauge(self, registry: CollectorRegistry) -> Gauge:
        """Registered."""
        return Gauge(self.name, self.text, self.labels, registry=registry)

    def histogram(self, registry: CollectorRegistry) -> Histogram:
        """Registered."""
        return Histogram(self.name, self.text, self.labels, registry=registry, buckets=self.buckets)

    def told(self) -> GaugeMetricFamily:
        """An empty gauge of one scrape."""
        return GaugeMetricFamily(self.name, self.text, labels=self.labels)

    def told_count(self) -> CounterMetricFamily:
        """An empty counter of one scrape."""
        return CounterMetricFamily(self.name, self.text, labels=self.labels)


ROUTED = ("flow", "target")
SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 15, 60)  # one call, one attempt, one commit
LAGS = (0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 15, 60, 300, 3600, 86400)
SIZES = (1, 2, 4, 8, 16, 32, 64, 128, 256)  # 256 is the largest group of the committer

# --- each process, of itself ------------------------------------------------------------------------------------------
INFO = Metric(
    name="crossdock_info", text="1: this process, with its version and its roles", labels=("version", "roles")
)
MESSAGES = Metric(
    name="crossdock_messages",
    text="Messages heard, by their road and what became of them: new, unchanged, duplicate, conflict",
    labels=("connection", "flow", "channel", "outcome"),
    counts=True,
)
WEBHOOKS = Metric(
    name="crossdock_webhooks",
    text="Webhooks by connection and the status that answered them",
    labels=("connection", "outcome"),
    counts=True,
)
HINTS = Metric(
    name="crossdock_hints",
    text="Notifications of changes: taken, unsigned, invalid, not_stored",
    labels=("connection", "outcome"),
    counts=True,
)
REFUSED = Metric(
    name="crossdock_refused",
    text="Requests that were let in by nobody, were too many or too large",
    labels=("group", "status"),
    counts=True,
)
ATTEMPTS = Metric(
    name="crossdock_attempts",
    text="Attempts by what became of the delivery; a retry is pending with a code, a postponement pending without one",
    labels=("flow", "target", "state", "code"),
    counts=True,
)
ATTEMPT_SECONDS = Metric(
    name="crossdock_attempt_seconds", text="One attempt, until it is settled", labels=ROUTED, buckets=SECONDS
)
DELIVERY_SECONDS = Metric(
    name="crossdock_delivery_seconds", text="From the promise to the delivery", labels=ROUTED, buckets=LAGS
)
LEASES_LOST = Metric(
    name="crossdock_leases_lost",
    text="Attempts that were not settled: another worker had taken over, or the database failed",
    labels=("target",),
    counts=True,
)
REQUEST_SECONDS = Metric(
    name="crossdock_request_seconds",
    text="HTTP requests to a connection by their answer: 2xx, 3xx, 4xx, 5xx, or the error's code where none came",
    labels=("connection", "outcome"),
    buckets=SECONDS,
)
BREAKER = Metric(
    name="crossdock_breaker",
    text="1 for the state of the connection's circuit breaker in this worker: closed, half_open, open",
    labels=("connection", "state"),
)
CONCURRENCY = Metric(
    name="crossdock_concurrency_limit",
    text="Deliveries that may go to the connection at a time from this worker, as adapted to its answers",
    labels=("connection",),
)
COMMIT_WRITES = Metric(name="crossdock_commit_writes", text="Writes that went into one transaction", buckets=SIZES)
COMMIT_SECONDS = Metric(
    name="crossdock_commit_seconds", text="One such transaction, its commit included", buckets=SECONDS
)
FEEDS = Metric(
    name="crossdock_feeds",
    text="Lists of states (stock, prices, products) that were compared: done, held for a person, refused",
    labels=("flow", "target", "state"),
    counts=True,
)
FEED_ROWS = Metric(
    name="crossdock_feed_rows",
    text="Rows of such lists that are done: changed, unchanged, stale, rejected",
    labels=("flow", "target", "fate"),
    counts=True,
)
ANNOUNCED = Metric(
    name="crossdock_announced", text="Deliveries that the broker was told of", labels=("target",), counts=True
)
BROKER_UP = Metric(name="crossdock_broker_up", text="1 while the broker takes announcements (fleets only)")

# --- of the tables ----------------------------------------------------------------------------------------------------
DELIVERIES = Metric(
    name="crossdock_deliveries",
    text="Open deliveries: waiting, under_way, dead; counted to 20,000 of a kind and no further",
    labels=("flow", "target", "state"),
    teller=Teller.DATABASE,
)
OLDEST = Metric(
    name="crossdock_oldest_delivery_timestamp_seconds",
    text="Since when the oldest of them is owed",
    labels=("flow", "target", "state"),
    teller=Teller.DATABASE,
)
LAG = Metric(
    name="crossdock_lag_seconds",
    text="For how long the longest due of the deliveries that could go has been due; 0: nothing is late",
    labels=("connection",),
    teller=Teller.DATABASE,
)
DEAD_LETTERS = Metric(
    name="crossdock_dead_letters",
    text="Unresolved dead letters by cause and age since they are owed: at most an hour, a day, a week, or older",
    labels=("flow", "target", "code", "age"),
    teller=Teller.DATABASE,
)
PAUSED = Metric(
    name="crossdock_connection_paused",
    text="1 while nothing is sent to the connection until somebody resumes it",
    labels=("connection",),
    teller=Teller.DATABASE,
)
STREAM_COMPLETE = Metric(
    name="crossdock_stream_complete_timestamp_seconds",
    text="When a source was last read to its end",
    labels=("connection", "stream"),
    teller=Teller.DATABASE,
)
FEEDS_HELD = Metric(
    name="crossdock_feeds_held", text="Lists of states that wait for a person, to 1,000", teller=Teller.DATABASE
)
COMPARED = ("flow", "store", "erp")
DRIFTS = Metric(
    name="crossdock_drifts",
    text="Differences that the last comparison found and that nothing was done about yet, by cause",
    labels=(*COMPARED, "cause"),
    teller=Teller.DATABASE,
)
COMPARED_AT = Metric(
    name="crossdock_compared_timestamp_seconds",
    text="When both sides were last compared to the end",
    labels=COMPARED,
    teller=Teller.DATABASE,
)
COMPARED_KEYS = Metric(
    name="crossdock_compared_keys",
    text="What was compared then: orders, stock levels, products",
    labels=COMPARED,
    teller=Teller.DATABASE,
)
CONTROL_DIFFERENCE = Metric(
    name="crossdock_control_difference",
    text="What the store has more in the newest control totals (of orders: of the newest whole day), by unit",
    labels=(*COMPARED, "unit"),
    teller=Teller.DATABASE,
)
INCIDENTS = Metric(
    name="crossdock_incidents_open",
    text="Incidents that are open",
    labels=("kind", "severity"),
    teller=Teller.DATABASE,
)
NOTICES = Metric(
    name="crossdock_notices",
    text="Notices that are not sent yet (pending), or were given up (failed)",
    labels=("audience", "state"),
    teller=Teller.DATABASE,
)
DATABASE_UP = Metric(name="crossdock_database_up", text="1 while the database answers", teller=Teller.DATABASE)
QUESTIONS_SECONDS = Metric(
    name="crossdock_database_questions_seconds",
    text="What the questions of this page cost the database when they were last asked",
    teller=Teller.DATABASE,
)

# --- of the schedules -------------------------------------------------------------------------------------------------
SCHEDULED = ("route", "schedule")
SCHEDULE_MISSED = Metric(
    name="crossdock_schedule_missed",
    text="1 while a run that was due has not begun",
    labels=SCHEDULED,
    teller=Teller.SCHEDULES,
)
SCHEDULE_FAILED = Metric(
    name="crossdock_schedule_failed",
    text="1 while the last run has failed",
    labels=SCHEDULED,
    teller=Teller.SCHEDULES,
)
SCHEDULE_MISSED_RUNS = Metric(
    name="crossdock_schedule_missed_runs",
    text="Runs that did not happen in time",
    labels=SCHEDULED,
    counts=True,
    teller=Teller.SCHEDULES,
)
SCHEDULE_DONE = Metric(
    name="crossdock_schedule_done_timestamp_seconds",
    text="When the last run came to its end",
    labels=SCHEDULED,
    teller=Teller.SCHEDULES,
)

CATALOGUE: Sequence[Metric] = tuple(one for one in list(globals().values()) if isinstance(one, Metric))
