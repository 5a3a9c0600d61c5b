"""The messages that a decision makes due, and the digests of an hour. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime

import msgspec

from crossdock.incidents.audiences import Audience, digest_due, severity_of, told_to, when
from crossdock.incidents.decide import Telling
from crossdock.incidents.records import Fate, Incident, Notice, State, Transition
from crossdock.incidents.templates import Texts
from crossdock.incidents.texts import Wording, digest, message
from crossdock.model.base import Record


class Voice(Record, frozen=True, kw_only=True):
    """To whom, and in what words."""

    audiences: Mapping[str, Audience]
    texts: Texts
    wording: Wording


def owed(tellings: Sequence[Telling], voice: Voice, now: datetime) -> list[Notice]:
    """One for each telling; none for an audience that there is no more."""
    return [_owed(one, voice, now) for one in tellings if one.audience in voice.audiences]


def _owed(telling: Telling, voice: Voice, now: datetime) -> Notice:
    incident, audience = telling.incident, voice.audiences[telling.audience]
    severity = severity_of(telling.transition, incident)
    at = when(audience, severity, now)
    bare = Notice(
        audience=audience.name,
        incident_id=incident.id,
        transition=telling.transition,
        step=telling.step,
        at=now,
        due_at=at.due_at,
        bundle=at.bundle,
        severity=severity,
        state=Fate.SKIPPED if at.in_digest else Fate.PENDING,
    )
    title, body = message(
        voice.texts, telling.transition, incident, now, voice.wording, key=bare.key(), step=telling.step
    )
    return msgspec.structs.replace(bare, title=title, body=body)


def digests(
    last: Mapping[str, datetime], known: Sequence[Incident], over: Sequence[Incident], voice: Voice, now: datetime
) -> Iterator[Notice]:
    """Those that have come due. `last`: the time of each audience's last one; `over`: what was resolved since.

    An audience that had none yet begins with one that is not sent: it says from when on.
    """
    for name, audience in voice.audiences.items():
        if not audience.digest:
            continue
        if name not in last:
            yield _digest(name, now, now, "", "", Fate.SKIPPED)
            continue
        if (due := digest_due(audience, last[name], now)) is None:
            continue
        still = [one for one in told_to(name, known) if one.state in {State.OPEN, State.CLEARING}]
        gone = [one for one in told_to(name, over) if one.resolved_at and one.resolved_at > last[name]]
        bare = _digest(name, due, now, "", "", Fate.PENDING)
        if still or gone:
            title, body = digest(voice.texts, still, gone, now, voice.wording, key=bare.key())
            yield _digest(name, due, now, title, body, Fate.PENDING)
        else:
            yield msgspec.structs.replace(bare, state=Fate.SKIPPED)


def _digest(audience: str, due: datetime, now: datetime, title: str, body: str, state: Fate) -> Notice:
    return Notice(
        audience=audience,
        incident_id=0,
        transition=Transition.DIGEST,
        step=due.isoformat(),
        at=now,
        due_at=due,
        title=title,
        body=body,
        state=state,
    )


__all__ = ["Voice", "digests", "owed"]
