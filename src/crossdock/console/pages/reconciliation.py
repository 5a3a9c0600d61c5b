"""/console/reconciliation: do both sides have the same, and where not, why; the plan of repairs, and its doing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from litestar import Controller, Response, get, post
from litestar.params import PathParameter, QueryParameter, URLEncodedBody

from crossdock.console.acts import Act, ask, ask_again
from crossdock.console.frame import Asking
from crossdock.console.pages.deliveries import Word
from crossdock.console.pages.overview import Framed, Here
from crossdock.console.sums import day_rows
from crossdock.console.told import done
from crossdock.console.words import counted, number
from crossdock.errors import MappingError
from crossdock.identity.guards import needs, who
from crossdock.model.base import Record
from crossdock.operations import reconciliation
from crossdock.operations.desk import Desk, line
from crossdock.security.access import Permission

PATH = "/console/reconciliation"
SHOWN = 100
DAYS = 14
REPAIRS = {
    "look": "looked at again, as if polled",
    "owe": "owed to the store again",
    "replay": "tried again under its key",
    "read": "read from the ERP again",
    "wait": "on its way already",
    "none": "for a person to decide",
}
RunNumber = Annotated[int, PathParameter(ge=1, le=2**53 - 1)]
After = Annotated[int, QueryParameter(ge=0, le=2**53 - 1)]
Keys = Annotated[list[str] | None, QueryParameter(name="key")]
Standing = Annotated[str, QueryParameter(name="state", max_length=16)]


class Sides(Record, frozen=True, kw_only=True):
    """The form: what is compared."""

    flow: str
    store: str = ""
    erp: str = ""


class Chosen(Record, frozen=True, kw_only=True):
    """The form: which repairs; nothing named is all of them. Keys have a line each."""

    cause: str = ""
    keys: str = ""
    why: str = ""

    def causes(self) -> list[str]:
        """None or one."""
        return [self.cause] if self.cause else []

    def wanted(self) -> list[str]:
        """None or some."""
        return [one for one in self.keys.splitlines() if one]


class Reconciliation(Controller):
    """Comparisons."""

    path = "/reconciliation"
    guards = [needs(Permission.READ, page=True)]  # noqa: RUF012
    operate = [needs(Permission.OPERATE, page=True)]  # noqa: RUF012

    @get("/", sync_to_thread=True)
    def show(self, request: Asking, desk: Here, frame: Framed) -> Response[bytes]:
        """What can be compared, the newest comparisons, and the sums of each day."""
        return frame.page(
            request,
            "pages/reconciliation.html",
            here="reconciliation",
            title="Reconciliation",
            comparisons=reconciliation.comparisons(desk),
            runs=reconciliation.runs(desk, limit=20),
            days=day_rows(reconciliation.totals(desk, DAYS)),
            schedule=desk.settings.reconcile.schedule,
        )

    @post("/", guards=operate, sync_to_thread=True)
    def begin(self, request: Asking, desk: Here, data: URLEncodedBody[Sides]) -> Response[bytes]:
        """Goes on behind the answer; changes nothing at either end."""
        reconciliation.begin(desk, data.flow, who(request).actor, data.store, data.erp)
        return done(PATH, "comparing")

    @get("/{run:int}", sync_to_thread=True)
    def show_run(
        self,
        request: Asking,
        desk: Here,
        frame: Framed,
        run: RunNumber,
        cause: Word = "",
        standing: Standing = "",
        after: After = 0,
    ) -> Response[bytes]:
        """What differs, by cause; both values and the repair of each."""
        whole = reconciliation.run(desk, run)
        return frame.page(
            request,
            "pages/reconciliation_run.html",
            here="reconciliation",
            title=f"{whole.run.flow} of {whole.run.store} and {whole.run.erp}",
            whole=whole,
            page=reconciliation.drifts(desk, run, after, SHOWN, cause, standing),
            repairs=REPAIRS,
            given={"cause": cause, "state": standing},
            after=after,
            path=f"{PATH}/{run}",
        )

    @get("/{run:int}/apply", guards=operate, sync_to_thread=True)
    def ask_apply(
        self, request: Asking, desk: Here, frame: Framed, run: RunNumber, cause: Word = "", keys: Keys = None
    ) -> Response[bytes]:
        """What it would do, and why it is to be done."""
        chosen = Chosen(cause="" if keys else cause, keys="\n".join(keys or ()))
        return ask(frame, request, applying(desk, run, chosen), here="reconciliation")

    @post("/{run:int}/apply", guards=operate, sync_to_thread=True)
    def apply(
        self, request: Asking, desk: Here, frame: Framed, run: RunNumber, data: URLEncodedBody[Chosen]
    ) -> Response[bytes]:
        """Each on the road that everything else goes too."""
        try:
            found = reconciliation.apply(desk, run, who(request).actor, data.why, data.causes(), data.wanted())
        except MappingError as error:
            return ask_again(frame, request, applying(desk, run, data), error, here="reconciliation", why=data.why)
        word = "repair-failed" if found.failed else "repaired" if found.repaired else "nothing-left"
        return done(f"{PATH}/{run}", word, found.repaired)

    @get("/history", sync_to_thread=True)
    def history(self, request: Asking, desk: Here, frame: Framed, key: Word = "") -> Response[bytes]:
        """Every difference that was ever found at a key."""
        return frame.page(
            request,
            "pages/drift_history.html",
            here="reconciliation",
            title="Differences of one key",
            key=key,
            found=reconciliation.history(desk, key) if key else [],
        )


def applying(desk: Desk, run: int, chosen: Chosen) -> Act:
    """Repair all of a comparison, of a cause, or what was ticked."""
    wanted = chosen.wanted()
    known = reconciliation.drifts(desk, run, 0, 1000, chosen.cause, "found")
    plan = [one for one in known.drifts if one.repairable and (not wanted or one.key in wanted)]
    named = [word for one in chosen.causes() for word in ("--only", one)]
    named += [word for one in wanted for word in ("--key", one)]
    return Act(
        title=f"Repair {_many(plan, more=known.after is not None)}",
        verb="Repair",
        path=f"{PATH}/{run}/apply",
        back=f"{PATH}/{run}",
        facts=(
            *_by_repair(plan),
            ("Moved on", "What was told, sent or changed since the comparison is left alone."),
            ("Twice", "Done again it changes nothing more: each repair goes under the key that it had."),
        ),
        hidden={name: value for name, value in (("cause", chosen.cause), ("keys", chosen.keys)) if value},
        cli=line("reconcile", "apply", run, *named, "--why", "…"),
    )


def _many(plan: Sequence[reconciliation.Drift], *, more: bool) -> str:
    return f"more than {number(len(plan))} differences" if more else counted(len(plan), "difference")


def _by_repair(plan: Sequence[reconciliation.Drift]) -> list[tuple[str, str]]:
    counts: dict[str, int] = {}
    for one in plan:
        counts[one.repair] = counts.get(one.repair, 0) + 1
    told = [("Repair", f"{counted(count, 'field')}: {REPAIRS[name]}") for name, count in counts.items()]
    return told or [("Repair", "Nothing of it can be repaired by itself (any more).")]


__all__ = ["Reconciliation"]
