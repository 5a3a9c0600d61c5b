"""Webhooks out of the sandbox store, as the Mage-OS Async Events module sends them: signed, retried, sometimes lost."""

from __future__ import annotations

import hmac
import queue
import threading
from collections.abc import Mapping
from hashlib import sha256
from typing import Any

from crossdock.errors import DeliveryError
from crossdock.sandbox.faults import Lottery
from crossdock.sandbox.wire import ENCODER
from crossdock.transport.http import Http, HttpOptions
from crossdock.transport.wire import HttpRequest

TRIES = 3


class Hooks:
    """Subscriptions, and a thread that sends in order."""

    def __init__(self, lottery: Lottery) -> None:
        self._lottery = lottery
        self.subscriptions: dict[int, dict[str, Any]] = {}
        self._tokens: dict[int, str] = {}
        self._waiting: queue.SimpleQueue[HttpRequest | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="sandbox-hooks", daemon=True)
        self.sent = 0
        self.failed = 0

    def start(self) -> None:
        """Begin to send."""
        self._thread.start()

    def stop(self) -> None:
        """What waits is dropped."""
        self._waiting.put(None)
        self._thread.join()

    def subscribe(self, wanted: Mapping[str, Any], now: str) -> dict[str, Any]:
        """The subscription as the store answers it; the token is never given back."""
        number = len(self.subscriptions) + 1
        kept = {
            "subscription_id": number,
            "event_name": wanted.get("event_name", ""),
            "recipient_url": wanted.get("recipient_url", ""),
            "status": True,
            "subscribed_at": now,
            "store_id": 0,
            "metadata": wanted.get("metadata", "http"),
        }
        self.subscriptions[number] = kept
        self._tokens[number] = wanted.get("verification_token", "")
        return kept

    def fire(self, event: str, entity: Mapping[str, Any]) -> None:
        """To everyone who subscribed: some are lost, some come twice, as in life."""
        for number, one in self.subscriptions.items():
            if one["event_name"] != event or not one["status"] or self._lottery.happens("lost_webhooks"):
                continue
            body = ENCODER.encode({"data": entity})
            signature = hmac.new(self._tokens[number].encode(), body, sha256).hexdigest()
            headers = {"Content-Type": "application/json", "x-magento-signature": signature}
            request = HttpRequest(method="POST", url=one["recipient_url"], headers=headers, body=body)
            for _ in range(2 if self._lottery.happens("twice_webhooks") else 1):
                self._waiting.put(request)

    def _run(self) -> None:
        http = Http(HttpOptions(connect_timeout=2, read_timeout=15, total_timeout=15))
        while (request := self._waiting.get()) is not None:
            if any(self._send(http, request) for _ in range(TRIES)):
                self.sent += 1
            else:
                self.failed += 1
        http.close()

    @staticmethod
    def _send(http: Http, request: HttpRequest) -> bool:
        try:
            return http.send(request).status < 400
        except DeliveryError:
            return False
