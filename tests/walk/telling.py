"""Real receivers of notifications: JSON over HTTP and mail over SMTP, on this machine."""

from __future__ import annotations

import asyncio
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from email import message_from_bytes, policy
from pathlib import Path
from typing import Any

from aiosmtpd.smtp import SMTP

from tests.recorded_server import Asked, Recorded, Reply, serve

CALM = {"coverage_hours": 0, "doctor_schedule": "", "audit_schedule": "", "every_s": 0.1}
REF = re.compile(r"Ref: (\w+)")


class Receiver:
    """What came to a JSON receiver. `up`: whether it takes anything."""

    def __init__(self) -> None:
        self.up = True
        self.came: list[dict[str, Any]] = []
        self.server: Recorded | None = None

    def answer(self, asked: Asked) -> Reply:
        if not self.up:
            return Reply(503, {"error": "away"})
        self.came.append(asked.json())
        return Reply(200, {})

    def url(self) -> str:
        """With more patience than the four seconds of Apprise, which a busy machine may need."""
        assert self.server is not None
        return f"{self.server.url.replace('http://', 'json://')}?cto=60&rto=60"

    def titles(self) -> list[str]:
        return [one["title"].removeprefix("[Crossdock] ") for one in self.came]

    def refs(self) -> list[str]:
        return [found[1] for one in self.came if (found := REF.search(one["message"]))]


@contextmanager
def receiving() -> Iterator[Receiver]:
    receiver = Receiver()
    with serve(receiver.answer) as server:
        receiver.server = server
        yield receiver


class Mailbox:
    """Mails as their subject and text."""

    def __init__(self) -> None:
        self.mails: list[tuple[str, str]] = []

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:  # noqa: N802  aiosmtpd calls it so
        mail = message_from_bytes(envelope.content, policy=policy.default)
        text = mail.get_body(("plain",))
        self.mails.append((str(mail["subject"]), text.get_content() if text else ""))
        return "250 taken"


@contextmanager
def posted() -> Iterator[tuple[Mailbox, str]]:
    """A mailbox, and its Apprise URL."""
    mailbox = Mailbox()
    sessions: list[SMTP] = []
    loop = asyncio.new_event_loop()

    def session() -> SMTP:
        sessions.append(SMTP(mailbox, loop=loop))
        return sessions[-1]

    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    server = asyncio.run_coroutine_threadsafe(loop.create_server(session, "127.0.0.1", 0), loop).result()
    try:
        port = server.sockets[0].getsockname()[1]
        yield (
            mailbox,
            f"mailto://127.0.0.1:{port}?from=crossdock@example.org&to=ops@example.org&mode=insecure&cto=60&rto=60",
        )
    finally:
        asyncio.run_coroutine_threadsafe(_ended(server, sessions), loop).result()
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


async def _ended(server: asyncio.Server, sessions: list[SMTP]) -> None:
    """Nothing of it is left to the collector: it would complain in the middle of another test."""
    server.close()
    for one in sessions:
        if one.transport is not None:
            one.transport.close()
    while others := asyncio.all_tasks() - {asyncio.current_task()}:
        for task in others:
            task.cancel()
        await asyncio.wait(others)
    await asyncio.sleep(0)


def secret(folder: Path, name: str, value: str) -> str:
    """A reference to it."""
    path = folder / name
    path.write_text(value)
    path.chmod(0o600)
    return f"file:{path}"
