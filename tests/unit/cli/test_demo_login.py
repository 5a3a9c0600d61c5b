from __future__ import annotations

from pathlib import Path

from crossdock.cli.demo_login import NAME, let_in
from crossdock.identity.compose import logins_of
from tests.unit.operations.desks import bench


def test_the_password_that_the_demo_prints_lets_in(tmp_path: Path) -> None:
    with bench(tmp_path) as at:
        password = let_in(at.crossdock)
        logins = logins_of(at.crossdock)
        cookie = logins.log_in(NAME, password, "127.0.0.1")
        assert cookie
        person = logins.person(cookie)
        assert person
        assert (person.name, person.role) == ("demo", "admin")
        assert logins.log_in(NAME, "another password", "127.0.0.1") is None
