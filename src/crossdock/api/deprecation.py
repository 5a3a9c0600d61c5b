"""The first version of the ERP's API, once there is a day on which it is given up: told with each of its answers."""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from email.utils import format_datetime

from litestar.datastructures import MutableScopeHeaders
from litestar.types import BeforeMessageSendHookHandler, Message, Scope

FIRST = "/rest/V1/"


def headers_of(deprecated_on: date | None, sunset_on: date | None, docs: str) -> dict[str, str]:
    """Pure. `Deprecation` (RFC 9745), `Sunset` (RFC 8594) and where to read on; nothing where neither day is set."""
    told: dict[str, str] = {}
    if deprecated_on is not None:
        told["Deprecation"] = f"@{int(_midnight(deprecated_on).timestamp())}"
    if sunset_on is not None:
        told["Sunset"] = format_datetime(_midnight(sunset_on), usegmt=True)
    relations = [name.lower() for name in told]
    return told | ({"Link": ", ".join(f'<{docs}>; rel="{name}"' for name in relations)} if told and docs else {})


def hook(told: dict[str, str]) -> BeforeMessageSendHookHandler:
    """Adds them to whatever the first version answers, errors too."""

    async def tell(message: Message, scope: Scope) -> None:
        if message["type"] == "http.response.start" and str(scope.get("path", "")).startswith(FIRST):
            headers = MutableScopeHeaders.from_message(message)
            for name, value in told.items():
                headers[name] = value

    return tell


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)
