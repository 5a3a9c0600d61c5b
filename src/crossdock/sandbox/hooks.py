"""Webhooks out of the sandbox store, as the Mage-OS Async Events module sends them: signed, retried, sometimes lost.

One consumer sends one after the other: an answer that takes its time holds up all the others. A retry carries the old
body. Refused connections and answers that do not come are lost for good.
"""

from __future__ import annotations

import heapq
import hmac
import threading
import time
from collections.abc import Mapping
from hashlib import sha256
from typing import Any, NamedTuple

from crossdock.errors import DeliveryError
from crossdock.sandbox import php
from crossdock.sandbox.faults import Lottery
from crossdock.transport.http import Http, HttpOptions
from crossdock.transport.wire import HttpRequest

PAUSES = (1, 4, 9, 16, 25)


class Due(NamedTuple):
    """One sending: when (monotonic seconds), in which order, which try."""

    at: float
    turn: int
    tried: int
    request: HttpRequest


class Hooks:
    """Subscriptions, and the thread that sends. `sent`, `failed` and `lost` count webhooks that came to their end."""

    def __init__(self, lottery: Lottery) -> None:
        self._lottery = lottery
        self.subscriptions: dict[int, dict[str, Any]] = {}
        self._tokens: dict[int, str] = {}
        self._waiting: list[Due] = []
        self._changed = threading.Condition()
        self._turn = 0
        self._stopped = False
        self._thread = threading.Thread(target=self._run, name="sandbox-hooks", daemon=True)
        self.enabled = True
        self.sent = 0
        self.failed = 0
        self.lost = 0

    def start(self) -> None:
        """Begin to send."""
        self._thread.start()

    def stop(self) -> None:
        """What waits is dropped."""
        with self._changed:
            self._stopped = True
            self._changed.notify()
        if self._thread.is_alive():
            self._thread.join()

    def subscribe(self, wanted: Mapping[str, Any], now: str) -> dict[str, Any]:
        """The subscription as the store answers it. Nothing is checked; the token is never given back."""
        number = len(self.subscriptions) + 1
        kept = {
            "subscription_id": number,
            "event_name": wanted.get("event_name", ""),
            "recipient_url": wanted.get("recipient_url", ""),
            "status": True,
            "subscribed_at": now,
            "store_id": 0,
        }
        self.subscriptions[number] = kept
        self._tokens[number] = wanted.get("verification_token", "")
        return kept | {"subscribed_at": now.replace(" ", "T") + "+00:00"}

    def fire(self, event: str, entity: Mapping[str, Any]) -> None:
        """To everyone who subscribed: some are lost, some come twice or late, as in life."""
        wanted = [n for n, one in self.subscriptions.items() if one["event_name"] == event and one["status"]]
        if not wanted or not self.enabled:
            return
        body = php.encode({"data": entity})
        what = f"{event} {entity.get('entity_id')}"
        for number in wanted:
            if self._lottery.happens("lost_webhooks", "hook", what):
                self.lost += 1
                continue
            request = self._signed(number, body)
            late = self._lottery.happens("late_webhooks", "hook", what)
            pause = self._lottery.faults.late_webhook_s if late else 0.0
            for _ in range(2 if self._lottery.happens("twice_webhooks", "hook", what) else 1):
                self._put(request, pause, tried=0)

    def waiting(self) -> int:
        """How many are still to be sent or tried again."""
        with self._changed:
            return len(self._waiting)

    def _signed(self, number: int, body: bytes) -> HttpRequest:
        # a subscription without a token signs with the empty key, as the real module does
        signature = hmac.new(self._tokens[number].encode(), body, sha256).hexdigest()
        headers = {"Content-Type": "application/json", "User-Agent": "GuzzleHttp/7", "x-magento-signature": signature}
        url = self.subscriptions[number]["recipient_url"]
        return HttpRequest(method="POST", url=url, headers=headers, body=body)

    def _put(self, request: HttpRequest, pause: float, tried: int) -> None:
        with self._changed:
            self._turn += 1
            heapq.heappush(self._waiting, Due(time.monotonic() + pause, self._turn, tried, request))
            self._changed.notify()

    def _next(self) -> Due | None:
        with self._changed:
            while not self._stopped:
                pause = self._waiting[0].at - time.monotonic() if self._waiting else None
                if pause is not None and pause <= 0:
                    return heapq.heappop(self._waiting)
                self._changed.wait(pause)
            return None

    def _run(self) -> None:
        deadline = self._lottery.faults.webhook_deadline_s
        http = Http(HttpOptions(connect_timeout=2, read_timeout=deadline, total_timeout=deadline))
        while (due := self._next()) is not None:
            self._deliver(http, due)
        http.close()

    def _deliver(self, http: Http, due: Due) -> None:
        try:
            answer = http.send(due.request)
        except DeliveryError:
            self.lost += 1  # the real module drops it here, and so do we
            return
        if answer.status < 400:
            self.sent += 1
        elif due.tried < len(PAUSES):
            pause = float(PAUSES[due.tried])
            wish = answer.headers.get("retry-after", "")
            if answer.status == 429 and wish.isdigit() and due.tried:  # counts from the second retry on, never a date
                pause = float(wish)
            self._put(due.request, pause * self._lottery.faults.webhook_retry_scale, due.tried + 1)
        else:
            self.failed += 1
