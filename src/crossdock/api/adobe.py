"""The door for Adobe I/O Events: as fast as any with the keys at hand; for a missing key only its request waits."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Mapping, Sequence
from datetime import datetime

from crossdock.contract.message import Heard
from crossdock.errors import SignatureError
from crossdock.magento import adobe
from crossdock.magento.adobe_keys import KeyRing, KeyUnavailable
from crossdock.security.signatures import has_signed

MOST_WAITING = 64  # requests that wait for a key; each holds its body
PATIENCE = 8.0  # seconds that one waits; Adobe itself waits 10 for its answer


class AdobeDoor:
    """One store's. Called in the event loop only."""

    def __init__(self, door: adobe.Door, ring: KeyRing, *, patience: float = PATIENCE) -> None:
        self._door = door
        self._ring = ring
        self._patience = patience
        self._waiting = 0

    def __call__(
        self,
        event: str,  # noqa: ARG002  a door's signature; the path is not signed, the event names its own kind
        headers: Mapping[str, str],
        body: bytes,
        now: datetime,
    ) -> Heard | Awaitable[Heard]:
        """Raises SignatureError, InvalidPayload, KeyUnavailable; so does what is to be awaited."""
        proofs = adobe.proofs_of(self._door, headers, body)
        if adobe.is_proven(proofs, body, self._ring.held):
            return adobe.read(self._door, headers, body, now)
        unknown = [one for one in proofs if self._ring.held(one.path) is None]
        if not unknown:
            raise SignatureError("neither signature is of Adobe's key")
        if self._waiting >= MOST_WAITING:
            raise KeyUnavailable("too many wait for a key already")
        return self._read_later(unknown, headers, body, now)

    async def _read_later(
        self, unknown: Sequence[adobe.Proof], headers: Mapping[str, str], body: bytes, now: datetime
    ) -> Heard:
        self._waiting += 1
        try:
            async with asyncio.timeout(self._patience):
                await self._prove(unknown, body)
        except TimeoutError as error:
            raise KeyUnavailable("the key takes too long to come") from error
        finally:
            self._waiting -= 1
        return adobe.read(self._door, headers, body, now)

    async def _prove(self, unknown: Sequence[adobe.Proof], body: bytes) -> None:
        missing: KeyUnavailable | None = None
        for one in unknown:
            try:
                # shielded: one request that is given up must not cancel the key for those that wait with it
                key = await asyncio.shield(asyncio.wrap_future(self._ring.ask(one.path)))
            except KeyUnavailable as error:
                missing = error
                continue
            if has_signed(key, one.signature, body):
                return
        raise missing or SignatureError("neither signature is of Adobe's key")
