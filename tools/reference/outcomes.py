"""The table of docs/troubleshooting.md: what a status of each system comes to, asked of the code that decides it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

from crossdock.erp.dynamics_bc import answers as dynamics_bc
from crossdock.erp.dynamics_fo import answers as dynamics_fo
from crossdock.erp.netsuite import answers as netsuite
from crossdock.erp.oracle_fusion import answers as oracle_fusion
from crossdock.erp.rest import answers as rest
from crossdock.erp.rest.settings import AnswerSettings
from crossdock.erp.sap_b1 import answers as sap_b1
from crossdock.erp.sap_s4 import answers as sap_s4
from crossdock.erp.tryton import answers as tryton
from crossdock.errors import DeliveryError
from crossdock.magento import answers as magento
from crossdock.transport.wire import HttpResponse

NOW = datetime(2026, 1, 1, tzinfo=UTC)
BEGIN, END = "<!-- outcomes: python -m tools.reference -->", "<!-- end of outcomes -->"
STATUSES = (400, 401, 403, 404, 429, 500, 502, 503, 504)
Classify = Callable[[HttpResponse, bool], DeliveryError | None]  # an answer, and whether it is one to a write


def _rest(response: HttpResponse, writes: bool) -> DeliveryError | None:
    reading = rest.Reading(answers=AnswerSettings(), now=NOW)
    return rest.classify_write(response, reading) if writes else rest.classify_read(response, reading)


SYSTEMS: dict[str, Classify] = {
    "magento": lambda one, writes: magento.classify("POST" if writes else "GET", one.status, one.headers, one.body),
    "dynamics_bc": lambda one, writes: dynamics_bc.classify(one, dynamics_bc.Reading(now=NOW, writes=writes)),
    "dynamics_fo": lambda one, writes: dynamics_fo.classify(
        one, dynamics_fo.Reading(now=NOW, writes=writes, duplicate="already exists")
    ),
    "netsuite": lambda one, writes: netsuite.classify(
        one, netsuite.Reading(now=NOW, kind="write" if writes else "read")
    ),
    "oracle_fusion": lambda one, writes: oracle_fusion.classify(one, oracle_fusion.Reading(now=NOW, writes=writes)),
    "rest": _rest,
    "sap_b1": lambda one, writes: sap_b1.classify(one, sap_b1.Reading(now=NOW, writes=writes)),
    "sap_s4": lambda one, writes: sap_s4.classify(one, sap_s4.Reading(now=NOW, writes=writes)),
    "tryton": lambda one, writes: tryton.classify_rest(
        one, tryton.Reading(now=NOW, writes=writes, duplicate="already exists")
    ),
}


def table() -> str:
    """One row a system: what each status comes to. Two words where a write and a read differ: write / read."""
    head = ["system", *(str(status) for status in STATUSES)]
    lines = [head, ["---"] * len(head)]
    for name, classify in SYSTEMS.items():
        lines.append([f"`{name}`", *(_cell(classify, status) for status in STATUSES)])
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def page(text: str) -> str:
    """The page with the table in its place."""
    before, _, rest_of_it = text.partition(BEGIN)
    _, _, after = rest_of_it.partition(END)
    return f"{before}{BEGIN}\n\n{table()}\n\n{END}{after}"


def _cell(classify: Classify, status: int) -> str:
    answer = HttpResponse(status=status, headers={"content-type": "application/json"}, body=b"{}")
    words = []
    for writes in (True, False):
        found = classify(answer, writes)
        words.append("success" if found is None else found.code)
    return " / ".join(dict.fromkeys(words))
