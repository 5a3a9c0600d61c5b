"""What would be told now."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

import msgspec

from crossdock.incidents.decide import decide
from crossdock.incidents.notices import Voice, owed
from crossdock.incidents.records import Incident, Notice, State
from crossdock.notifying.composed import rules_of
from crossdock.notifying.seen import Looker
from crossdock.operations.desk import Desk


class Foreseen(msgspec.Struct, frozen=True, kw_only=True):
    """`known` holds what is seen and was not known before, too (id 0). `messages`: as if it had lasted by now."""

    at: datetime
    known: Sequence[Incident]
    messages: Sequence[Notice]


def foresee(desk: Desk, voice: Voice) -> Foreseen:
    """Nothing is kept, nothing is sent. What was first seen just now is told as if it had been watched for a while."""
    now = desk.clock()
    rules = msgspec.structs.replace(rules_of(desk.settings.notifications), gather=timedelta(0))
    seen = Looker(desk).look(now)
    known = {one.sight.key: one for one in desk.store.incidents.unresolved()}
    first = decide([*known.values()], seen, {}, rules, now)
    known |= {one.sight.key: one for one in first.incidents}
    decision = decide([*known.values()], seen, voice.audiences, rules, now)
    after = known | {one.sight.key: one for one in decision.incidents}
    still = [one for one in after.values() if one.state is not State.RESOLVED]
    return Foreseen(at=now, known=still, messages=owed(decision.tellings, voice, now))


__all__ = ["Foreseen", "foresee"]
