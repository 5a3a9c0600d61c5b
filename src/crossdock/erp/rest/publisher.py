"""The spec's webhook publisher: signed events to one address, signed anew for each attempt.

`X-Magento-Signature` covers the body alone (flaw 20); `standard_webhooks` adds headers that sign id and time as well.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, TypeVar, get_args

from crossdock.contract.capabilities import Capabilities, Evidence
from crossdock.contract.connector import Health, Sink, Source
from crossdock.contract.flow import Flow
from crossdock.contract.lookups import NO_LOOKUPS, Lookups
from crossdock.contract.message import Receipt
from crossdock.erp.rest.answers import Reading, as_id, classify_write, search
from crossdock.erp.rest.client import RestClient, utc_now
from crossdock.erp.rest.connector import preview_of
from crossdock.erp.rest.mapping import build_event_payload
from crossdock.erp.rest.settings import AnswerSettings, OrderFlow, WebhookSettings
from crossdock.errors import ConfigurationError, DeliveryError, OutcomeUnknown, Rejected
from crossdock.model.change import OrderChange
from crossdock.model.order import Order
from crossdock.model.refund import Refund
from crossdock.security.secrets import resolve as resolve_secret
from crossdock.transport.auth import NoAuth, with_headers
from crossdock.transport.connection import check_settings
from crossdock.transport.http import Http
from crossdock.transport.renewal import Renewing, Resolve
from crossdock.transport.told import decode
from crossdock.transport.wire import HttpRequest, HttpResponse, Observer, Sender

R = TypeVar("R")
SETTINGS = WebhookSettings
ABILITIES = Capabilities(
    writes=frozenset(get_args(OrderFlow)), dedupes=frozenset(get_args(OrderFlow)), evidence=Evidence.SIMULATED
)
KEY_HEADER = "X-Magento-Idempotency-Key"
EVENT_HEADER = "X-Magento-Event"
EVENTS = {
    "cancel": "order.canceled",
    "hold": "order.held",
    "unhold": "order.released",
    "payment": "order.paid",
}


class WebhookSigner(NoAuth):
    """Signs each attempt with the time it is made at; the id (the key's header) stays the same."""

    def __init__(self, secret: str, clock: Callable[[], datetime], standard: str = "") -> None:
        if not secret:
            raise ConfigurationError(["an empty secret signs nothing"])
        self._secret = secret.encode()
        self._standard = decode_secret(standard) if standard else b""
        self._clock = clock

    def apply(self, request: HttpRequest) -> HttpRequest:
        """With the X-Magento-* headers, and those of Standard Webhooks where they are wanted."""
        body = request.body or b""
        stamp = str(int(self._clock().timestamp()))
        headers = {
            "X-Magento-Signature": hmac.new(self._secret, body, hashlib.sha256).hexdigest(),
            "X-Magento-Timestamp": stamp,
        }
        if self._standard:
            key = request.headers[KEY_HEADER]
            headers |= {
                "webhook-id": key,
                "webhook-timestamp": stamp,
                "webhook-signature": sign_standard(self._standard, key, stamp, body),
            }
        return with_headers(request, headers)


class EventSink:
    """POSTs one event a record. A receiver cannot be asked for what it has: `find` refuses."""

    def __init__(self, client: RestClient, settings: WebhookSettings) -> None:
        self._client = client
        self._settings = settings

    def put(self, record: Any, key: str) -> Receipt:
        """Any 2xx is a success, unless the settings ask for an id in it. Without one the receipt names none."""
        response = self._client.write("", event_payload(record, key), key, headers={EVENT_HEADER: event_of(record)})
        name = as_id(search(self._settings.id_field, decode(response.body)))
        if self._settings.id_field and not name:
            raise OutcomeUnknown(f"HTTP {response.status}: the answer names no id", status=response.status)
        return Receipt(external_id=name, number=name, status=response.status, detail=f"took it: HTTP {response.status}")

    def find(self, _record: Any, _key: str) -> Receipt | None:
        """Never known."""
        raise Rejected("a webhook's receiver cannot be asked: a person must look")


class WebhookConnector:
    """The connector for a receiver of signed webhooks."""

    def __init__(self, name: str, settings: WebhookSettings, client: RestClient) -> None:
        self.name = name
        self.settings = settings
        self.capabilities = Capabilities(
            writes=frozenset(settings.flows),
            dedupes=frozenset(settings.flows) if settings.dedupes else frozenset(),
            settling=settings.settling_s,
            evidence=Evidence.SIMULATED,
            pace=settings.limits.pace(),
        )
        self._sink = EventSink(client, settings)

    def source(self, flow: Flow[R]) -> Source[R]:
        """Raises ConfigurationError: nothing is read from a receiver."""
        raise ConfigurationError([f"connections.{self.name}: a webhook receiver has no source for {flow.name}"])

    def sink(self, flow: Flow[R]) -> Sink[R]:
        """Raises ConfigurationError for a flow that is not among the settings' `flows`."""
        if flow.name not in self.capabilities.writes:
            raise ConfigurationError([f"connections.{self.name}: {flow.name} is not among its flows"])
        return self._sink

    def preview(self, flow: Flow[R], record: R) -> Mapping[str, Any]:
        """The body that `put` would send; its key is left empty."""
        self.sink(flow)
        return event_payload(record, "")

    def probe(self) -> Health:
        """Nothing can be asked without sending an event."""
        return Health(ok=True, detail="not asked: a webhook's receiver only takes events")


def build(
    name: str,
    settings: Mapping[str, Any],
    *,
    lookups: Lookups = NO_LOOKUPS,  # noqa: ARG001  every builder's signature
    observe: Observer | None = None,
    http: Sender | None = None,
    resolve: Resolve = resolve_secret,
    clock: Callable[[], datetime] = utc_now,
) -> WebhookConnector:
    """The connector for the settings of `[connections.NAME]`. Raises ConfigurationError with all problems at once."""
    checked = check_settings(WebhookSettings, name, settings)
    return WebhookConnector(name, checked, build_client(checked, observe, http, resolve, clock))


def build_client(
    settings: WebhookSettings,
    observe: Observer | None,
    http: Sender | None,
    resolve: Resolve,
    clock: Callable[[], datetime],
) -> RestClient:
    """A client whose one address is the receiver's."""

    def signer(known: Resolve) -> WebhookSigner:
        secret = known(settings.secret)
        standard = known(settings.standard_secret) if settings.standard_secret else secret
        return WebhookSigner(secret, clock, standard if settings.standard_webhooks else "")

    return RestClient(
        http or Http(settings.http_options(resolve), observe),
        Renewing(signer, resolve),
        AnswerSettings(),
        root=settings.url,
        key_header=KEY_HEADER,
        clock=clock,
        classify=classify_event,
    )


def classify_event(response: HttpResponse, reading: Reading) -> DeliveryError | None:
    """Any 2xx is a success, whatever its body: the spec's publisher does not read it."""
    return None if 200 <= response.status < 300 else classify_write(response, reading)


def event_of(record: Any) -> str:
    """The event's name."""
    if isinstance(record, OrderChange):
        return EVENTS[record.kind]
    return "order.refunded" if isinstance(record, Refund) else "order.placed"


def event_payload(record: Any, key: str) -> Mapping[str, Any]:
    """The event's body."""
    return build_event_payload(record, key) if isinstance(record, Order) else preview_of(record, key)


def decode_secret(secret: str) -> bytes:
    """`whsec_` and base64, as Standard Webhooks has it; any other text is taken as it is."""
    if not secret.startswith("whsec_"):
        return secret.encode()
    try:
        return base64.b64decode(secret.removeprefix("whsec_"), validate=True)
    except binascii.Error:
        raise ConfigurationError(["standard_secret: whsec_ must be followed by base64"]) from None


def sign_standard(secret: bytes, message_id: str, stamp: str, body: bytes) -> str:
    """`v1,` and base64 HMAC-SHA256 of `id.timestamp.body`."""
    text = b".".join((message_id.encode(), stamp.encode(), body))
    return "v1," + base64.b64encode(hmac.new(secret, text, hashlib.sha256).digest()).decode("ascii")
