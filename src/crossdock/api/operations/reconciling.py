"""/api/v1/reconciliations: comparisons of both sides, their repairs, and control totals."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import msgspec
from litestar import Controller, get, post
from litestar.params import JSONBody, PathParameter, QueryParameter

from crossdock.api.operations.described import shows
from crossdock.api.operations.examples import reconciling as examples
from crossdock.api.operations.seeing import Asking, Here, Word
from crossdock.identity.guards import needs, who
from crossdock.model.base import Record
from crossdock.operations import reconciliation
from crossdock.security.access import Permission

RunNumber = Annotated[int, PathParameter(description="The comparison's number", ge=1, le=2**53 - 1)]
Limit = Annotated[int, QueryParameter(ge=1, le=1000)]


class Asked(Record, frozen=True, kw_only=True):
    """What is to be compared. `since`: orders and shipments from then on; else `reconcile.days`."""

    flow: str
    store: str = ""
    erp: str = ""
    since: datetime | None = None


class Plan(Record, frozen=True, kw_only=True):
    """The reason, and which of the repairs; nothing named is all of them."""

    why: str
    causes: list[str] = msgspec.field(default_factory=list)
    keys: list[str] = msgspec.field(default_factory=list)


class Reconciliations(Controller):
    """Do both sides have the same, and where not, why, and what is done about it?"""

    path = "/reconciliations"
    guards = [needs(Permission.READ)]  # noqa: RUF012
    tags = ["Reconciliation"]  # noqa: RUF012

    @get(
        "/",
        sync_to_thread=True,
        operation_id="reconciliations",
        operation_class=shows([examples.COMPARED]),
        summary="The newest comparisons",
    )
    def runs(self, desk: Here, flow: Word = "", limit: Limit = 50) -> list[reconciliation.Compared]:
        """What they came to."""
        return reconciliation.runs(desk, flow, limit)

    @get(
        "/comparisons",
        sync_to_thread=True,
        operation_id="comparisons",
        operation_class=shows([examples.COMPARISON]),
        summary="What can be compared",
    )
    def comparisons(self, desk: Here) -> list[reconciliation.Comparison]:
        """Flow, store and ERP, with the newest comparison of each."""
        return reconciliation.comparisons(desk)

    @post(
        "/",
        status_code=202,
        guards=[needs(Permission.OPERATE)],
        sync_to_thread=True,
        operation_id="reconcile",
        operation_class=shows(examples.BEGUN, body=examples.RECONCILE, refused=[404, 409]),
        summary="Compare now",
    )
    def begin(self, request: Asking, desk: Here, data: JSONBody[Asked]) -> reconciliation.Begun:
        """Goes on behind the answer; nothing is changed at either end."""
        return reconciliation.begin(desk, data.flow, who(request).actor, data.store, data.erp, data.since)

    @get(
        "/totals",
        sync_to_thread=True,
        operation_id="controlTotals",
        operation_class=shows([examples.TOTAL]),
        summary="Control totals by day",
    )
    def totals(
        self, desk: Here, flow: Word = "", days: Annotated[int, QueryParameter(ge=1, le=reconciliation.MOST_DAYS)] = 7
    ) -> list[reconciliation.Line]:
        """Orders, money and pieces on each side, and the difference; newest day first."""
        return reconciliation.totals(desk, days, flow)

    @get(
        "/history",
        sync_to_thread=True,
        operation_id="driftHistory",
        operation_class=shows([examples.DRIFT_FOUND]),
        summary="Every difference ever found at a key",
    )
    def history(
        self,
        desk: Here,
        key: Annotated[str, QueryParameter(description="An order's number, PLACE/SKU", max_length=255)],
        limit: Limit = 100,
    ) -> list[reconciliation.Found]:
        """Newest first, as long as its comparison is kept."""
        return reconciliation.history(desk, key, limit)

    @get(
        "/{number:int}",
        sync_to_thread=True,
        operation_id="reconciliation",
        operation_class=shows(examples.WHOLE_COMPARISON, refused=[404]),
        summary="One comparison, by cause",
    )
    def run(self, desk: Here, number: RunNumber) -> reconciliation.Whole:
        """How many fields differ, and what became of them."""
        return reconciliation.run(desk, number)

    @get(
        "/{number:int}/drifts",
        sync_to_thread=True,
        operation_id="drifts",
        operation_class=shows(examples.DRIFTS, refused=[404]),
        summary="What differs, and the repair of each",
    )
    def drifts(
        self,
        desk: Here,
        number: RunNumber,
        cause: Word = "",
        standing: Annotated[str, QueryParameter(name="state", max_length=16)] = "",
        key: Annotated[str, QueryParameter(description="Only this key", max_length=255)] = "",
        after: Annotated[int, QueryParameter(ge=0, le=2**53 - 1, description="Only those behind this number")] = 0,
        limit: Limit = 100,
    ) -> reconciliation.Drifts:
        """Both values, the cause, and what would be done about it."""
        return reconciliation.drifts(desk, number, after, limit, cause, standing, key)

    @post(
        "/{number:int}/apply",
        status_code=200,
        guards=[needs(Permission.OPERATE)],
        sync_to_thread=True,
        operation_id="applyRepairs",
        operation_class=shows(examples.APPLIED, body=examples.REPAIRS, refused=[404, 409]),
        summary="Repair what was found",
    )
    def apply(self, request: Asking, desk: Here, number: RunNumber, data: JSONBody[Plan]) -> reconciliation.Applied:
        """On the road that everything else goes too; what has moved on since is left alone. May be repeated."""
        return reconciliation.apply(desk, number, who(request).actor, data.why, data.causes, data.keys)


__all__ = ["Reconciliations"]
