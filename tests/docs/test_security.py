"""docs/security.md knows every scope, every role and every group, and what it says of roles holds."""

from __future__ import annotations

from pathlib import Path

import pytest

from crossdock.identity.seen import GROUPS
from crossdock.security.access import ROLES, SCOPES, Role

PAGE = (Path(__file__).parents[2] / "docs" / "security.md").read_text("utf-8")
ROWS = [line for line in PAGE.splitlines() if line.startswith("| `")]


@pytest.mark.parametrize("name", [*SCOPES, *Role, *GROUPS.values()])
def test_it_is_named(name: str) -> None:
    assert f"`{name}`" in PAGE


@pytest.mark.parametrize("role", Role)
def test_a_role_may_what_is_told_of_it(role: Role) -> None:
    row = next(line for line in ROWS if line.startswith(f"| `{role}` | `read`"))
    told = {part.strip(" `") for part in row.split("|")[2].split(",")}
    assert told == {str(one) for one in ROLES[role]}
