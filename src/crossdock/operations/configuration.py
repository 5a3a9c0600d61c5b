"""The settings that hold, without any secret. They are changed in their file."""

from __future__ import annotations

from typing import Any

from crossdock.operations.desk import Desk, View, line
from crossdock.security.secrets import mask


class Shown(View, frozen=True, kw_only=True):
    """As the file has it, with defaults. What looks like a secret, or holds one, is masked."""

    settings: dict[str, Any]
    cli: str = line("config", "show")


def shown(desk: Desk) -> Shown:
    """Of this process."""
    return Shown(settings=mask(desk.settings.model_dump(mode="json")))
