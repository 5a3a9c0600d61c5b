"""The table by hand against what the guards declare, and against what they do, for everybody and every address."""

from __future__ import annotations

import re
from typing import Any

import pytest
from litestar import Litestar
from litestar.routes import HTTPRoute

from crossdock.identity.guards import Needs
from crossdock.security.access import EVERY_ERP, Permission, Person, Role, Token, may
from crossdock.security.access import Who as Known
from tests.access.callers import Callers
from tests.access.table import CALLERS, EVERYBODY, NOBODY, OWN_LOCK, PEOPLE, SCOPES, TABLE, Who

pytestmark = pytest.mark.xdist_group("access")
FILLED = {
    "number": "1",
    "name": "erp",
    "connection": "erp",
    "job": "1",
    "uuid": "abc",
    "ticket": "abc",
    "cause": "x",
    "feed": "1",
    "run": "1",
}
# a connected system is asked, and none answers here
AWAY = {(502, "/api/v1/coverage"), (502, "/api/v1/bulks/erp/abc"), (503, "/rest/V1/erp/bulk/abc/status")}
CHANGES = {"POST", "PUT", "PATCH", "DELETE"}
PAGE = "text/html; charset=utf-8"
ERP = "/rest/"  # for programs alone


def known(caller: str) -> Known | None:
    if caller in PEOPLE:
        return Person(id=1, name=caller, role=Role(caller))
    scope = EVERY_ERP if caller == "client" else caller.removeprefix("token:")
    return None if caller in NOBODY else Token(id=1, name=caller, scopes=frozenset({scope}), connection="erp")


def declared(app: Litestar) -> dict[str, frozenset[Permission] | None]:
    """What each address asks for: all of these; None where no guard stands."""
    found: dict[str, frozenset[Permission] | None] = {}
    for route in app.routes:
        path = re.sub(r":\w+}", "}", route.path)
        if not isinstance(route, HTTPRoute):
            found[f"* {path}"] = None
            continue
        for handler in route.route_handlers:
            asked = frozenset(one.permission for one in handler.resolve_guards() if isinstance(one, Needs))
            for method in handler.http_methods - {"OPTIONS", "HEAD"}:
                found[f"{method} {path}"] = asked or None
    return found


def allowed(asked: frozenset[Permission] | None) -> Who:
    if asked is None:
        return EVERYBODY
    return frozenset(one for one in CALLERS if (who := known(one)) and all(may(who, each) for each in asked))


def test_every_address_that_is_served_stands_in_the_table(callers: Callers) -> None:
    assert sorted(declared(callers.app)) == sorted(TABLE)


def test_every_role_and_every_scope_stands_in_the_table() -> None:
    assert set(PEOPLE) == set(Role)
    assert set(SCOPES) == {*Permission, EVERY_ERP}


@pytest.mark.parametrize("address", TABLE)
def test_a_guard_asks_for_what_the_table_says(callers: Callers, address: str) -> None:
    asked = declared(callers.app)[address]
    if TABLE[address] == OWN_LOCK:
        assert asked is None
    elif address == "POST /console/logout":  # its handler lets out people alone
        assert TABLE[address] == allowed(asked) & set(PEOPLE)
    else:
        assert TABLE[address] == allowed(asked)


def filled(address: str) -> tuple[str, str]:
    method, path = address.split(" ")
    return method, re.sub(r"{(\w+)}", lambda found: FILLED.get(found[1], "payment_terms"), path)


@pytest.mark.parametrize("address", [one for one, who in TABLE.items() if who != OWN_LOCK and "logout" not in one])
def test_everybody_is_let_in_and_kept_out_as_the_table_says(callers: Callers, address: str) -> None:
    method, path = filled(address)
    body: dict[str, Any] = {"json": {}} if method in CHANGES else {}
    for caller in CALLERS:
        told = callers.ask(caller, method, path, **body)
        if caller in TABLE[address]:
            assert told.status_code not in {401, 403}, (caller, told.text)
            assert told.status_code < 500 or (told.status_code, path) in AWAY, (caller, told.text)
        else:
            # a person's session counts for nothing where programs push
            unknown = caller in NOBODY or (caller in PEOPLE and path.startswith(ERP))
            if unknown and path.startswith("/console"):
                assert (told.status_code, told.headers["location"]) == (303, "/console/login"), caller
                continue
            assert told.status_code == (401 if unknown else 403), (caller, told.text)
            form = "application/json" if unknown and path.startswith(ERP) else "application/problem+json"
            assert told.headers["content-type"] == (PAGE if path.startswith("/console") else form)


@pytest.mark.parametrize(
    "address",
    [one for one, who in TABLE.items() if who & set(PEOPLE) and who != EVERYBODY and one.split()[0] in CHANGES],
)
def test_no_person_changes_anything_from_a_page_that_is_not_ours(callers: Callers, address: str) -> None:
    method, path = filled(address)
    for person in sorted(TABLE[address] & set(PEOPLE)):
        told = callers.ask(person, method, path, csrf=False, json={})
        assert told.status_code == 403, (person, told.text)
        assert "page of this session" in told.text


def test_programs_do_not_log_out(callers: Callers) -> None:
    for caller in sorted(set(CALLERS) - set(PEOPLE) - {"disabled"}):
        told = callers.ask(caller, "POST", "/console/logout")
        assert told.status_code == (401 if caller in NOBODY else 403), caller


def test_who_may_only_look_has_changed_nothing(callers: Callers) -> None:
    """After all of the above, when it runs after them; alone it makes sure of its own."""
    told = callers.ask("viewer", "POST", "/api/v1/connections/erp/pause", json={"why": "no"})
    assert told.status_code == 403
    done = callers.ask("operator", "POST", "/api/v1/connections/erp/pause", json={"why": "yes"})
    assert done.status_code == 200
    assert callers.done_by("operator") != []
    for caller in ("viewer", "token:read", "token:intake"):
        assert callers.done_by(caller) == []
