"""What the gate has found out of a request, kept in its scope for those behind it."""

from __future__ import annotations

from typing import Any

ADDRESS, GROUP = "crossdock.address", "crossdock.group"
# the first part of a path tells the group; all else (health, the API's description) is for everybody
GROUPS = {
    "webhooks": "webhooks",
    "hints": "webhooks",
    "rest": "erp",
    "api": "operations",
    "console": "console",
    "metrics": "metrics",
}


def group_of(path: str) -> str:
    """One of GROUPS, or ""."""
    return GROUPS.get(path.lstrip("/").partition("/")[0], "")


def address_in(scope: Any) -> str:
    """Who really asks; without a gate, the other end of the connection."""
    found: str = scope.get(ADDRESS) or (scope["client"][0] if scope.get("client") else "")
    return found


def group_in(scope: Any) -> str:
    """The group of the address that is asked for."""
    found: str = scope.get(GROUP) or group_of(scope["path"])
    return found
