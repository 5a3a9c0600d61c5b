"""Which HTTP status an error of ours is told with, by the API and by the console. Pure."""

from __future__ import annotations

from crossdock.errors import (
    ConfigurationError,
    CrossdockError,
    DeliveryError,
    MessageError,
    NotNow,
    NotThere,
    Stale,
    StorageError,
)

STATUS: tuple[tuple[type[CrossdockError], int], ...] = (
    (NotThere, 404),
    (NotNow, 409),
    (Stale, 412),
    (MessageError, 400),
    (ConfigurationError, 422),
    (DeliveryError, 502),
    (StorageError, 503),
)


def status_of(error: CrossdockError) -> int:
    """The first that fits; 500 for what should never come this far."""
    return next((status for kind, status in STATUS if isinstance(error, kind)), 500)


__all__ = ["status_of"]
