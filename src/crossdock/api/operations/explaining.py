"""/api/v1/explain and /api/v1/shadow: why something is where it is, and what shadow routes found."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from litestar import Controller, get, post
from litestar.params import JSONBody, PathParameter, QueryParameter

from crossdock.api.operations.described import shows
from crossdock.api.operations.examples import explaining as examples
from crossdock.api.operations.seeing import Asking, Here, Limit, Number, Since, Until, Word
from crossdock.contract.shadow import Fate
from crossdock.delivery.records import Attempt
from crossdock.errors import MappingError
from crossdock.identity.guards import needs, who
from crossdock.model.base import Record
from crossdock.operations import explain, shadow
from crossdock.operations.deliveries import moment
from crossdock.operations.desk import Desk, needs_why
from crossdock.security.access import Permission, may
from crossdock.storage.shadows import ShadowFilter

Kind = Annotated[str, PathParameter(description=", ".join(explain.Kind), max_length=20)]
Key = Annotated[
    str,
    PathParameter(
        description="An order's number or the store's id of it, an ERP's number, a SKU, a customer's id, number, or "
        "the fingerprint of their e-mail address",
        max_length=255,
    ),
]
Reveal = Annotated[
    str,
    QueryParameter(
        description="Why personal data is to be shown: for an admin only, kept in the audit trail", max_length=1000
    ),
]


class Which(Record, frozen=True, kw_only=True):
    """Shadow deliveries, and why: every given part must match, and one must be given. Times are of the comparison."""

    source: str = ""
    target: str = ""
    flow: str = ""
    fate: str = ""
    since: datetime | None = None
    until: datetime | None = None
    why: str = ""

    def chosen(self) -> ShadowFilter:
        """Raises MappingError."""
        if not (self.target or self.flow or self.fate or self.since):
            raise MappingError("target", "or flow, fate, or since is needed: say which")
        return _chosen(self.source, self.target, self.flow, self.fate, self.since, self.until)


class Again(Which, frozen=True, kw_only=True):
    """And only those behind `after`, which the answer before has told."""

    after: int = 0


class Explaining(Controller):
    """Why something is where it is."""

    guards = [needs(Permission.READ)]  # noqa: RUF012
    tags = ["See"]  # noqa: RUF012

    @get(
        "/explain/{kind:str}/{key:str}",
        sync_to_thread=True,
        operation_id="explain",
        operation_class=shows(examples.EXPLAINED, refused=[404]),
        summary="Why something is where it is",
    )
    def tell(self, request: Asking, desk: Here, kind: Kind, key: Key, reveal: Reveal = "") -> list[explain.Subject]:
        """A sentence first, then what is known, then all that happened. Values of customers are masked."""
        if kind not in {*map(str, explain.Kind)}:
            raise MappingError("kind", f"is one of {', '.join(explain.Kind)}")
        revealed = bool(reveal) and may(who(request), Permission.ADMIN)
        explainer = explain.Explainer(desk.store, desk.settings, desk.clock(), revealed=revealed)
        found = explainer.told(explain.Kind(kind), key)
        if revealed:
            for one in found:
                _note(desk, one.kind, one.subject, who(request).actor, reveal)
        return found


class Shadows(Controller):
    """What shadow routes found."""

    path = "/shadow"
    guards = [needs(Permission.READ)]  # noqa: RUF012
    tags = ["Shadow"]  # noqa: RUF012

    @get(
        "/",
        sync_to_thread=True,
        operation_id="shadows",
        operation_class=shows(examples.SHADOWS),
        summary="What shadow routes found",
    )
    def report(
        self,
        desk: Here,
        source: Word = "",
        target: Word = "",
        flow: Word = "",
        since: Since = None,
        until: Until = None,
    ) -> shadow.Report:
        """Equal, different and missing by route; by field, with examples. Nothing of it was sent."""
        return shadow.report(desk.store.shadows, _chosen(source, target, flow, "", since, until))

    @get(
        "/deliveries",
        sync_to_thread=True,
        operation_id="listShadows",
        operation_class=shows(examples.SHADOW_LIST),
        summary="What was compared, delivery by delivery",
    )
    def listing(
        self,
        desk: Here,
        source: Word = "",
        target: Word = "",
        flow: Word = "",
        fate: Annotated[str, QueryParameter(description=", ".join(Fate), max_length=12)] = "",
        since: Since = None,
        until: Until = None,
        after: Annotated[int, QueryParameter(ge=0, le=2**53 - 1, description="Only those behind this number")] = 0,
        limit: Limit = 100,
    ) -> shadow.Listing:
        """By their numbers, without values. Go on with `after` until it is null."""
        return shadow.listing(desk.store.shadows, _chosen(source, target, flow, fate, since, until), after, limit)

    @get(
        "/{number:int}",
        sync_to_thread=True,
        operation_id="shadow",
        operation_class=shows(examples.SHADOW, refused=[404]),
        summary="One comparison",
    )
    def comparison(self, request: Asking, desk: Here, number: Number, reveal: Reveal = "") -> shadow.Shown:
        """With its values; what is about a person is masked."""
        revealed = bool(reveal) and may(who(request), Permission.ADMIN)
        found = shadow.comparison(desk.store.shadows, number, admin=revealed)
        if revealed:
            _note(desk, found.flow, found.subject, who(request).actor, reveal)
        return found

    @post(
        "/again",
        status_code=200,
        guards=[needs(Permission.OPERATE)],
        sync_to_thread=True,
        operation_id="compareAgain",
        operation_class=shows(examples.SHADOW_DONE, body=examples.SHADOWED),
        summary="Compare once more",
    )
    def again(self, request: Asking, desk: Here, data: JSONBody[Again]) -> shadow.Done:
        """With the mapping and the settings of now. While `left` is above 0, ask again, with `after`."""
        return shadow.again(desk, data.chosen(), who(request).actor, data.why, data.after)

    @post(
        "/send",
        status_code=200,
        guards=[needs(Permission.APPROVE)],
        sync_to_thread=True,
        operation_id="sendShadows",
        operation_class=shows(examples.SHADOW_DONE, body=examples.SHADOWED),
        summary="Send what was only compared",
    )
    def send(self, request: Asking, desk: Here, data: JSONBody[Which]) -> shadow.Done:
        """From now on these orders are Crossdock's. Each is looked for first. While `left` is above 0, ask again."""
        return shadow.send(desk, data.chosen(), who(request).actor, data.why)


def _chosen(
    source: str, target: str, flow: str, fate: str, since: datetime | None, until: datetime | None
) -> ShadowFilter:
    if fate and fate not in {*map(str, Fate)}:
        raise MappingError("fate", f"is one of {', '.join(Fate)}")
    begin, end = moment(since, "since"), moment(until, "until")
    return ShadowFilter(source=source, target=target, flow=flow, fate=fate, since=begin, until=end)


def _note(desk: Desk, entity: str, subject: str, actor: str, why: str) -> None:
    said, now = needs_why(why), desk.clock()
    attempt = Attempt(operation="reveal", entity=entity, entity_id=subject, started_at=now, actor=actor, detail=said)
    desk.store.note(attempt, now)


__all__ = ["Explaining", "Shadows"]
