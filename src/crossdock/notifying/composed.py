"""Put together from the settings."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from crossdock.app import Crossdock, utc_now
from crossdock.incidents.audiences import Audience, Quiet
from crossdock.incidents.decide import Rules
from crossdock.incidents.notices import Voice
from crossdock.incidents.records import Severity
from crossdock.incidents.templates import load
from crossdock.incidents.texts import Wording
from crossdock.notifying.aside import Asides
from crossdock.notifying.posts import Posts
from crossdock.notifying.seen import Looker
from crossdock.notifying.targets import AppriseTargets, Target, Tells, needs_extra
from crossdock.notifying.watch import Watch
from crossdock.operations.desk import Desk
from crossdock.settings import AudienceSettings, NotificationSettings, Settings

OWN = frozenset({"devops", "business"})


def voice_of(settings: Settings) -> Voice:
    """To whom and in what words. Raises ConfigurationError for texts that cannot be used."""
    told = settings.notifications
    oidc = settings.login.oidc.public_url if settings.login.oidc else ""
    return Voice(
        audiences={name: audience_of(name, one) for name, one in told.audiences.items()},
        texts=load(told.templates),
        wording=Wording(public_url=told.public_url or oidc),
    )


def audience_of(name: str, one: AudienceSettings) -> Audience:
    """As the decisions take it."""
    return Audience(
        name=name,
        owners=one.owners or (frozenset({name}) & OWN),
        flows=one.flows,
        connections=one.connections,
        kinds=frozenset(one.kinds),
        min_severity=Severity(one.min_severity),
        money_over=one.money_over,
        time_zone=one.time_zone,
        quiet=tuple(Quiet(begin=part.begin, end=part.end, days=frozenset(part.days)) for part in one.quiet),
        urgent_passes=one.urgent_passes,
        digest=one.digest,
        only_digest=one.only_digest,
        escalate_after=timedelta(minutes=one.escalate_after_minutes),
        escalate_to=one.escalate_to,
    )


def rules_of(told: NotificationSettings) -> Rules:
    """As the decisions take them."""
    return Rules(
        gather=timedelta(seconds=told.gather_s),
        clear=timedelta(seconds=told.clear_s),
        growth_pause=timedelta(seconds=told.growth_pause_s),
    )


def targets_of(told: NotificationSettings) -> dict[str, tuple[Target, ...]]:
    """Of each audience."""
    return {name: tuple(Target(ref=ref) for ref in one.targets) for name, one in told.audiences.items()}


def watch_of(
    crossdock: Crossdock,
    *,
    name: str = "",
    tells: Tells | None = None,
    clock: Callable[[], datetime] = utc_now,
    failpoint: Callable[[str], None] = lambda _name: None,
) -> Watch:
    """Of this process. Raises ConfigurationError where a text, or the extra, is missing."""
    settings = crossdock.settings
    told = settings.notifications
    if told.audiences:
        needs_extra()
    desk, voice = Desk(crossdock, clock), voice_of(settings)
    posts = Posts(
        desk.store.incidents,
        targets_of(told),
        tells or AppriseTargets(crossdock.secrets),
        voice.texts,
        voice.wording,
        desk.clock,
        give_up=timedelta(hours=told.retry_hours),
        failpoint=failpoint,
    )
    return Watch(
        name or crossdock.name,
        desk,
        Looker(desk, Asides(desk)),
        voice,
        rules_of(told),
        posts,
        every=told.every_s,
        keep=timedelta(days=told.keep_days),
        failpoint=failpoint,
    )


__all__ = ["audience_of", "rules_of", "targets_of", "voice_of", "watch_of"]
