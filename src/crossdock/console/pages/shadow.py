"""/console/shadow: what shadow routes found, by road and by field; each comparison; comparing once more."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Annotated

from litestar import Controller, Response, get, post
from litestar.params import PathParameter, QueryParameter, URLEncodedBody

from crossdock.console.acts import Act, ask, ask_again
from crossdock.console.frame import Asking
from crossdock.console.pages.deliveries import Word
from crossdock.console.pages.overview import Framed, Here
from crossdock.console.told import done
from crossdock.console.words import counted, query
from crossdock.contract.shadow import Fate
from crossdock.errors import MappingError
from crossdock.identity.guards import needs, who
from crossdock.model.base import Record
from crossdock.operations import shadow
from crossdock.operations.desk import Desk, line
from crossdock.security.access import Permission
from crossdock.storage.shadows import ShadowFilter

PATH = "/console/shadow"
SHOWN = 100
FRESH = 10.0  # seconds for which a report is shown again
ROUNDS = 4  # of what is asked for at once: a page waits for no more
TONES: Mapping[str, str] = MappingProxyType(
    {"equal": "good", "different": "bad", "missing": "bad", "refused": "warn", "unseen": "quiet"}
)
DeliveryNumber = Annotated[int, PathParameter(ge=1, le=2**53 - 1)]
After = Annotated[int, QueryParameter(ge=0, le=2**53 - 1)]
FateName = Annotated[str, QueryParameter(max_length=12)]


class Chosen(Record, frozen=True, kw_only=True):
    """The form: which comparisons, and why. Nothing named is all of them."""

    source: str = ""
    target: str = ""
    flow: str = ""
    fate: str = ""
    why: str = ""

    def given(self) -> dict[str, str]:
        """But for the reason."""
        return {"source": self.source, "target": self.target, "flow": self.flow, "fate": self.fate}

    def which(self) -> ShadowFilter:
        """Raises MappingError."""
        if self.fate and self.fate not in TONES:
            raise MappingError("fate", f"is one of {', '.join(Fate)}")
        return ShadowFilter(source=self.source, target=self.target, flow=self.flow, fate=self.fate)


class Shadows(Controller):
    """What was compared in the place of being sent."""

    path = "/shadow"
    guards = [needs(Permission.READ, page=True)]  # noqa: RUF012
    operate = [needs(Permission.OPERATE, page=True)]  # noqa: RUF012

    @get("/", sync_to_thread=True)
    def show(
        self,
        request: Asking,
        desk: Here,
        frame: Framed,
        source: Word = "",
        target: Word = "",
        flow: Word = "",
        fate: FateName = "",
        after: After = 0,
    ) -> Response[bytes]:
        """All of it in short, and the comparisons one by one."""
        chosen = Chosen(source=source, target=target, flow=flow, fate=fate)
        report = desk.remembered.get("shadow", FRESH, lambda: shadow.report(desk.store.shadows, ShadowFilter()))
        return frame.page(
            request,
            "pages/shadow.html",
            here="shadow",
            title="Shadow",
            report=report,
            page=shadow.listing(desk.store.shadows, chosen.which(), after, SHOWN),
            given=chosen.given(),
            after=after,
            tones=TONES,
            path=PATH,
        )

    @get("/{number:int}", sync_to_thread=True)
    def show_one(self, request: Asking, desk: Here, frame: Framed, number: DeliveryNumber) -> Response[bytes]:
        """Its fields; values about a person are masked, for everybody."""
        one = shadow.comparison(desk.store.shadows, number, admin=False)
        title = f"{one.flow} {one.reference or one.subject}"
        return frame.page(request, "pages/shadow_one.html", here="shadow", title=title, one=one, tones=TONES, path=PATH)

    @get("/again", guards=operate, sync_to_thread=True)
    def ask_compare(
        self,
        request: Asking,
        desk: Here,
        frame: Framed,
        source: Word = "",
        target: Word = "",
        flow: Word = "",
        fate: FateName = "",
    ) -> Response[bytes]:
        """What it would do, and why it is to be done."""
        chosen = Chosen(source=source, target=target, flow=flow, fate=fate)
        return ask(frame, request, comparing(desk, chosen), here="shadow")

    @post("/again", guards=operate, sync_to_thread=True)
    def again(self, request: Asking, desk: Here, frame: Framed, data: URLEncodedBody[Chosen]) -> Response[bytes]:
        """With the mapping and the settings of now."""
        try:
            total, left = _again(desk, data, who(request).actor)
        except MappingError as error:
            return ask_again(frame, request, comparing(desk, data), error, here="shadow", why=data.why)
        word = "compared-some" if left else "compared" if total else "as-it-was"
        return done(f"{PATH}{query(data.given())}", word, total)


def _again(desk: Desk, chosen: Chosen, by: str) -> tuple[int, int]:
    """How many are compared once more, and how many are left."""
    total, left, after = 0, 1, 0
    for _ in range(ROUNDS):
        if left:
            found = shadow.again(desk, chosen.which(), by, chosen.why, after)
            total, left, after = total + found.deliveries, found.left, found.after or 0
    return total, left


def comparing(desk: Desk, chosen: Chosen) -> Act:
    """Compare all that fits once more."""
    named = {name: value for name, value in chosen.given().items() if value}
    many = desk.store.shadows.how_many(chosen.which())
    return Act(
        title=f"Compare {counted(many, 'delivery', 'deliveries')} again",
        verb="Compare again",
        path=f"{PATH}/again",
        back=f"{PATH}{query(named)}",
        facts=(
            ("Which", ", ".join(f"{name} {value}" for name, value in named.items()) or "all that was compared"),
            ("What happens", "Each is mapped with the settings of now and looked for at its target. Nothing is sent."),
        ),
        hidden=named,
        cli=line("shadow", "again", *(part for name in named for part in (f"--{name}", named[name])), "--why", "…"),
    )


__all__ = ["Shadows"]
