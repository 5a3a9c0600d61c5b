"""All that the description of the API allows, and what it does not, sent by a machine in the name of each caller.

Whoever they are: no 5xx of ours, and nobody gets further than the table says. Where a connected system is asked, 502 and
503 say that it does not answer: none does here.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st

from tests.access.callers import Callers
from tests.access.table import CALLERS, OWN_LOCK, TABLE

pytestmark = pytest.mark.xdist_group("access")
DESCRIBED = Path(__file__).parents[2] / "docs" / "reference" / "openapi.json"  # tests/docs holds it against the code
EXAMPLES = 100 if os.environ.get("CROSSDOCK_LONG") == "1" else 6
MISSED = {404, 405, 413}  # what was made of the address or the body leads to no guard

# the stream of events does not end; webhooks have a test of their own (tests/unit/api/test_schema_fuzz.py)
schema = schemathesis.openapi.from_path(DESCRIBED).exclude(path_regex="/events$|^/webhooks/")


QUIET: Any = {"deadline": None, "suppress_health_check": list(HealthCheck)}


def shown(headers: dict[str, str]) -> Callable[[Any], Any]:
    """Put on at the very end, in the place of whatever login was made up."""

    def put_on(request: Any) -> Any:
        for name in ("Authorization", "Cookie"):
            request.headers.pop(name, None)
        request.headers.update(headers)
        return request

    return put_on


def judge(callers: Callers, case: schemathesis.Case[Any], caller: str) -> None:
    allowed = TABLE.get(f"{case.method.upper()} {case.path}", OWN_LOCK)
    response = case.call(base_url=callers.url, auth=shown(callers.headers_of(caller)), timeout=60)
    assert response.status_code < 500 or response.status_code in {502, 503}, response.text
    if case.path.startswith("/api/") and response.status_code >= 400:
        assert response.headers["content-type"] == ["application/problem+json"]
        assert response.json()["status"] == response.status_code
    if case.path.startswith(("/api/", "/rest/")) and case.method.upper() in {"GET", "POST", "PUT", "DELETE"}:
        if caller in allowed:
            assert response.status_code not in {401, 403}, (caller, response.text)
        else:
            assert response.status_code in {401, 403} | MISSED, (caller, response.text)


@schema.given(caller=st.sampled_from(CALLERS))
@schema.parametrize()
@settings(max_examples=EXAMPLES, phases=[Phase.reuse, Phase.generate, Phase.shrink], **QUIET)
def test_nobody_breaks_it_and_nobody_gets_further_than_they_may(
    callers: Callers, case: schemathesis.Case[Any], caller: str
) -> None:
    judge(callers, case, caller)


@schema.parametrize()
@settings(max_examples=EXAMPLES, **QUIET)
def test_who_may_do_all_of_it_does_not_break_it(callers: Callers, case: schemathesis.Case[Any]) -> None:
    judge(callers, case, "client" if case.path.startswith("/rest/") else "token:admin")


def test_who_may_not_act_has_done_nothing(callers: Callers) -> None:
    for caller in ("viewer", "token:read", "token:intake"):
        assert callers.done_by(caller) == []
