"""What the doctor found, as causes that people are told of. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import datetime

from crossdock.contract.findings import Check, Finding, Level
from crossdock.incidents.records import Kind, Seen, Severity, Sight, key_of
from crossdock.incidents.texts import cli

BAD = {Level.WARNING: Severity.WARNING, Level.ERROR: Severity.ERROR}


def seen(findings: Iterable[Finding], checks: Mapping[str, Check], ours: str, now: datetime) -> Seen:
    """One cause for each check and subject; `ours` is the subject that is no connection.

    What a finding says is not told: another system's words may be in it.
    """
    places: defaultdict[tuple[str, str], list[Finding]] = defaultdict(list)
    for one in findings:
        places[one.check, one.subject].append(one)
    sights, unseen = list[Sight](), set[str]()
    for (check, subject), found in places.items():
        key = key_of(Kind.DOCTOR, check=check, subject=subject)
        if bad := [one for one in found if one.level in BAD]:
            connection = "" if subject == ours else subject
            sights.append(_sight(key, checks[check], connection, bad, now))
        elif any(one.level is Level.UNSEEN and not one.by_hand for one in found):
            unseen.add(key)
    return Seen(sights=tuple(sights), unseen=frozenset(unseen))


def _sight(key: str, check: Check, connection: str, bad: list[Finding], now: datetime) -> Sight:
    return Sight(
        key=key,
        kind=Kind.DOCTOR,
        owner="devops",
        severity=max((BAD[one.level] for one in bad), key=Severity.rank),
        since=now,
        connection=connection,
        code=check.name,
        cause=f"{check.told_as} ({connection})" if connection else check.told_as,
        count=len(bad),
        cli=cli("doctor", "--only", check.name),
    )


__all__ = ["seen"]
