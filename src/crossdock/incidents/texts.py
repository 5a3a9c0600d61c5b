"""An incident in words: what goes into the texts of messages, and one line of it. Pure; English."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from datetime import datetime, timedelta

from crossdock.incidents.records import Incident, Kind, Notice, Severity, Sight, State, Transition
from crossdock.incidents.templates import Texts
from crossdock.model.base import Record

ADVICE = {
    Kind.DEAD: "They are not tried again by themselves: repair the cause, then replay or resolve them.",
    Kind.LOGIN: "Nothing is sent until its credentials hold and somebody resumes it. Nothing is lost meanwhile.",
    Kind.PAUSED: "Nothing is sent to it until somebody resumes it. Nothing is lost meanwhile.",
    Kind.BREAKER: "It is asked now and then, and goes on by itself once it answers.",
    Kind.LAG: "Is the other side up, and does a worker run?",
    Kind.SCHEDULE: "It is tried again by itself, later and later.",
    Kind.HELD: "It would change more than its guard allows: approve or reject it.",
    Kind.DRIFT: "Each difference has its cause and, where there is one, a repair.",
    Kind.COMPARE: "What could not be compared may differ.",
    Kind.COVERAGE: "They exist in the store, polling has read past them, and nothing was ever heard of them.",
    Kind.WEBHOOKS: "Nothing is lost, polling finds it later. Does the store still send, and are its webhooks signed?",
    Kind.DOCTOR: "The doctor says what it found, why it matters and how it is mended.",
    Kind.AUDIT: "Somebody or something has changed what was kept. Keep a copy of the database before you go on.",
}
# of one thing, of several
SUMMARIES = {
    Kind.DEAD: ("1 dead letter", "{count} dead letters", " of {flow} to {connection} ({code})"),
    Kind.LOGIN: ("", "", "{connection} does not know us any more: it is paused"),
    Kind.PAUSED: ("", "", "{connection} is paused{code}"),
    Kind.BREAKER: ("", "", "{connection} does not answer"),
    Kind.LAG: ("1 delivery", "{count} deliveries", " of {flow} to {connection} owed too long"),
    Kind.SCHEDULE: ("", "", "reading {flow} from {connection}: {code}"),
    Kind.HELD: ("1 feed", "{count} feeds", " of {flow} to {connection} held for a person"),
    Kind.DRIFT: ("1 difference", "{count} differences", " of {flow} with {connection} at the last comparison"),
    Kind.COMPARE: ("", "", "{flow} could not be compared with {connection}"),
    Kind.COVERAGE: ("1 order", "{count} orders", " of {connection} never seen"),
    Kind.WEBHOOKS: ("", "", "no webhook of {connection} among its last {count} changes"),
    Kind.DOCTOR: ("", "", "{cause}"),
    Kind.AUDIT: ("", "", "the audit trail's chain does not hold from position {count} on"),
}


class Wording(Record, frozen=True, kw_only=True):
    """`public_url` is "" where no link can be made."""

    public_url: str = ""

    def link(self, incident_id: int = 0) -> str:
        """To the console's page of the incident, or of all."""
        there = f"{self.public_url}/console/incidents/{incident_id or ''}"
        return there if self.public_url else ""


def summary(sight: Sight) -> str:
    """One line, without a full stop."""
    code = f" ({sight.code})" if sight.kind is Kind.PAUSED and sight.code else sight.code
    one, several, rest = SUMMARIES[sight.kind]
    text = (one if sight.count == 1 and not sight.capped else several) + rest
    return text.format(count=counted(sight), flow=sight.flow, connection=sight.connection, code=code, cause=sight.cause)


def is_counted(kind: Kind) -> bool:
    """Whether there can be several of it."""
    return bool(SUMMARIES[kind][0])


def counted(sight: Sight) -> str:
    """Of what was counted to a limit only: at least."""
    return f"{sight.count}+" if sight.capped else str(sight.count)


def message(
    texts: Texts, transition: Transition, incident: Incident, now: datetime, wording: Wording, *, key: str, step: str
) -> tuple[str, str]:
    """Title and body."""
    sight = incident.sight
    values = {
        "summary": summary(sight),
        "severity": str(sight.severity),
        "state": str(incident.state),
        "kind": str(sight.kind),
        "flow": sight.flow,
        "connection": sight.connection,
        "code": sight.code,
        "count": counted(sight) if is_counted(sight.kind) else "",
        "peak": str(incident.peak) if is_counted(sight.kind) else "",
        "since": moment(sight.since),
        "age": lasting(now - sight.since),
        "lasted": lasting((incident.cleared_at or now) - incident.first_at),
        "money": money(sight),
        "examples": ", ".join(sight.examples),
        "done": done(incident),
        "acknowledged": moment(incident.acknowledged_at) if incident.acknowledged_at else "",
        "advice": ADVICE[sight.kind],
        "cli": sight.cli or cli("incidents", "show", incident.id),
        "link": wording.link(incident.id),
        "ref": key,
        "step": step,
    }
    return texts.made(transition, values)


def digest(
    texts: Texts, still: Sequence[Incident], over: Sequence[Incident], now: datetime, wording: Wording, *, key: str
) -> tuple[str, str]:
    """Of all that an audience knows of."""
    lines = [f"- {one.sight.severity}, for {lasting(now - one.first_at)}: {line(one)}" for one in worst_first(still)]
    lines += [f"- resolved after {lasting((one.cleared_at or now) - one.first_at)}: {line(one)}" for one in over]
    values = {
        "summary": f"{len(still)} open, {len(over)} resolved",
        "count": str(len(still)),
        "lines": "\n".join(lines),
        "cli": cli("incidents", "list"),
        "link": wording.link(),
        "ref": key,
    }
    return texts.made("digest", values)


def bundled(texts: Texts, notices: Sequence[Notice], wording: Wording, *, key: str) -> tuple[str, str]:
    """What was held back, in one message: of each incident the last word."""
    last = {one.incident_id: one for one in sorted(notices, key=lambda one: one.id)}
    shown = [one.title.removeprefix("[Crossdock] ") for one in last.values()]
    values = {
        "summary": "",
        "count": f"{len(shown)} message" + "s" * (len(shown) != 1),
        "lines": "\n".join(f"- {one}" for one in shown),
        "cli": cli("incidents", "list"),
        "link": wording.link(),
        "ref": key,
    }
    return texts.made("quiet", values)


def trial(texts: Texts, audience: str, key: str) -> tuple[str, str]:
    """A message that says nothing but that it has arrived."""
    return texts.made("test", {"summary": audience, "count": "", "lines": "", "link": "", "cli": "", "ref": key})


def line(incident: Incident) -> str:
    """In a list."""
    worth = f", {money(incident.sight)}" if incident.sight.money else ""
    known = ", acknowledged" if incident.acknowledged_at and incident.state is not State.RESOLVED else ""
    return f"{summary(incident.sight)}{worth}{known}"


def worst_first(incidents: Sequence[Incident]) -> list[Incident]:
    """And of the same severity the oldest first."""
    return sorted(incidents, key=lambda one: (-one.sight.severity.rank(), one.first_at, one.id))


def money(sight: Sight) -> str:
    """In all currencies."""
    least = "at least " if sight.money and sight.money_partly else ""
    return least + ", ".join(f"{one.amount} {one.currency}" for one in sight.money)


def done(incident: Incident) -> str:
    """What people did while it was open; names of people are not told."""
    told = [f"{operation} {count}" for operation, count in incident.done.items()]
    return ", ".join(told) or "nothing by a person that the audit trail knows of: it ended by itself"


def moment(at: datetime) -> str:
    """In UTC, to the minute."""
    return f"{at:%Y-%m-%d %H:%M} UTC"


def lasting(span: timedelta) -> str:
    """In its two largest units: 3 d 4 h, 12 min, 40 s."""
    seconds = max(0, int(span.total_seconds()))
    if seconds < 60:
        return f"{seconds} s"
    days, hours, minutes = seconds // 86_400, seconds // 3600 % 24, seconds // 60 % 60
    parts = [(days, "d"), (hours, "h"), (minutes, "min")]
    first = next(index for index, (number, _) in enumerate(parts) if number)
    return " ".join(f"{number} {unit}" for number, unit in parts[first : first + 2] if number)


def cli(*words: object) -> str:
    """The command, as it is typed."""
    return shlex.join(["crossdock", *map(str, words)])


def kind_of(severity: Severity, transition: Transition) -> str:
    """The colour of a message, in Apprise's words: info, success, warning, failure."""
    if transition is Transition.RESOLVED:
        return "success"
    if transition is Transition.DIGEST or severity is Severity.INFO:
        return "info"
    return "warning" if severity is Severity.WARNING else "failure"


__all__ = [
    "Wording",
    "bundled",
    "cli",
    "counted",
    "digest",
    "done",
    "is_counted",
    "kind_of",
    "lasting",
    "line",
    "message",
    "moment",
    "money",
    "summary",
    "trial",
    "worst_first",
]
