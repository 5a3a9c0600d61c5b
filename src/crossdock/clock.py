"""The wall clock: what the parts are given as their clock, in the one place where they are put together."""

from __future__ import annotations

from datetime import UTC, datetime


def utc_now() -> datetime:
    """Aware, in UTC."""
    return datetime.now(UTC)


__all__ = ["utc_now"]
