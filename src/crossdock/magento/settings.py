"""Settings of a connection to a Magento store. Secrets are references (`env:NAME`, `file:PATH`), never values."""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from crossdock.settings import SecretRef
from crossdock.transport.connection import texts_in
from crossdock.transport.http import HttpOptions, hosts_in, is_loopback


class Strict(BaseModel):
    """Unknown keys are errors; values do not change."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class OAuth1Settings(Strict):
    """An integration's four keys (Stores > Integrations); OAuth 1.0a with HMAC-SHA256."""

    scheme: Literal["oauth1"] = Field(
        default="oauth1", description="OAuth 1.0a, HMAC-SHA256: the default of an integration"
    )
    consumer_key: SecretRef = Field(description="the integration's consumer key, as a secret reference")
    consumer_secret: SecretRef = Field(description="the integration's consumer secret, as a secret reference")
    token: SecretRef = Field(description="the integration's access token, as a secret reference")
    token_secret: SecretRef = Field(description="the integration's access token secret, as a secret reference")
    oauth_base_url: str = Field(
        default="",
        description="what the store takes for its own address when it checks a signature, where a proxy changes it; "
        "empty: base_url without its port",
    )


class BearerSettings(Strict):
    """The integration's access token alone; needs `oauth/consumer/enable_integration_as_bearer` in the store."""

    scheme: Literal["bearer"] = Field(description="an access token as it is (switched off in Magento by default)")
    token: SecretRef = Field(description="the access token, as a secret reference")


class AdminSettings(Strict):
    """An admin user's name and password, exchanged for a token and renewed."""

    scheme: Literal["admin"] = Field(description="a token of an admin user, fetched and renewed")
    username: SecretRef = Field(description="the admin user's name, as a secret reference")
    password: SecretRef = Field(description="the admin user's password, as a secret reference")
    lifetime_s: float = Field(default=14_400, gt=60, description="seconds that the store lets an admin token live")


class ImsSettings(Strict):
    """Adobe Commerce as a Cloud Service: client credentials of Adobe IMS."""

    scheme: Literal["ims"] = Field(description="Adobe IMS, OAuth server to server (Adobe Commerce as a Cloud Service)")
    client_id: SecretRef = Field(description="the client id, as a secret reference; it is sent as x-api-key too")
    client_secret: SecretRef = Field(description="the client secret, as a secret reference")
    scopes: str = Field(
        default="openid,AdobeID,additional_info.projectedProductContext,commerce.accs",
        description="the scopes to ask for, separated by commas",
    )
    token_url: str = Field(
        default="https://ims-na1.adobelogin.com/ims/token/v3", description="where Adobe IMS gives out tokens"
    )


AuthSettings = Annotated[
    OAuth1Settings | BearerSettings | AdminSettings | ImsSettings,
    Field(discriminator="scheme", description="how the store knows us: oauth1, bearer, admin or ims"),
]


class DeadlineSettings(Strict):
    """All in seconds."""

    connect_s: float = Field(default=5, gt=0, description="seconds to get a connection")
    read_s: float = Field(default=30, gt=0, description="seconds without a byte before an answer is given up")
    total_s: float = Field(default=60, gt=0, description="seconds for a whole request with its answer")

    @model_validator(mode="after")
    def _ordered(self) -> DeadlineSettings:
        if not self.connect_s < self.read_s <= self.total_s:
            raise ValueError("connect_s must be below read_s, and read_s not above total_s")
        return self


class PollingSettings(Strict):
    """Polling is the guarantee: it finds what no webhook told."""

    enabled: bool = Field(default=True, description="whether the store is polled")
    interval_s: float = Field(default=60, gt=0, description="seconds between two scans")
    overlap_s: float = Field(
        default=1200, ge=0, description="seconds that each scan reads again: orders whose transaction ended late"
    )
    lag_s: float = Field(default=5, ge=0, description="seconds behind the store's own clock at which a scan ends")
    page_size: int = Field(
        default=100, ge=1, le=300, description="orders a page; a lower limit of the store's own is kept"
    )
    start: date | None = Field(
        default=None, description="ISO date from which the first scan reads; none: from the first scan on"
    )

    def start_at(self) -> datetime | None:
        """`start` as a moment, at midnight in UTC."""
        return None if self.start is None else datetime.combine(self.start, time(), tzinfo=UTC)


class WebhookSettings(Strict):
    """What the store sends us by itself."""

    enabled: bool = Field(default=False, description="whether webhooks of this store are taken")
    format: Literal["magento", "async-events", "standard", "adobe"] = Field(
        default="magento",
        description="how they are signed: magento (X-Magento-* headers), async-events (the Mage-OS module), "
        "standard (Standard Webhooks), adobe (Adobe I/O Events)",
    )
    secrets: tuple[SecretRef, ...] = Field(
        default=(),
        description="secret references; any of them may have signed, the first one is given to new subscriptions; none "
        "for adobe, which signs with its own keys",
    )
    tolerance_s: float = Field(default=300, gt=0, description="seconds that a signed time stamp may be off")
    payload: Literal["hint", "trusted"] = Field(
        default="hint",
        description="hint: the order is read afresh before anything is sent. trusted: for a store that cannot be read: "
        "the orders' own events (sales.order.*) are used as they came, all others are only kept, nothing is written "
        "back, and nothing finds what a webhook lost; wants polling.enabled = false",
    )
    client_id: SecretRef | None = Field(
        default=None,
        description="adobe: the client id of the Developer Console credential that the events are registered with, as "
        "a secret reference. Needed: Adobe signs everybody's events with the same keys",
    )
    keep_unknown: bool = Field(
        default=False,
        description="whether events of an unknown kind are kept as they came (202, no work is made) instead of "
        "refused (422)",
    )
    public_url: str = Field(
        default="", description="the address at which the store reaches this Crossdock, for subscriptions"
    )
    events: tuple[str, ...] = Field(
        default=(
            "sales.order.created",
            "sales.order.updated",
            "sales.order.paid",
            "sales.order.holded",
            "sales.order.cancelled",
            "sales.invoice.paid",
            "sales.creditmemo.created",
        ),
        description="events of the Mage-OS module to subscribe to",
    )

    @model_validator(mode="after")
    def _signed(self) -> WebhookSettings:
        if self.format == "adobe":
            return self._signed_by_adobe()
        if self.client_id is not None:
            raise ValueError("client_id is for the format adobe only")
        if self.enabled and not self.secrets:
            raise ValueError("webhooks need at least one entry in secrets: unsigned ones are never taken")
        return self

    def _signed_by_adobe(self) -> WebhookSettings:
        if self.enabled and self.client_id is None:
            raise ValueError("adobe needs client_id: its signature does not say whose events they are")
        if self.secrets:
            raise ValueError("adobe signs with keys of its own: secrets are not used, leave them out")
        if self.payload == "trusted":
            raise ValueError("adobe sends the subscribed fields only: payload must be hint")
        return self


class LimitSettings(Strict):
    """What one answer or one call may hold."""

    max_response_bytes: int = Field(default=50_000_000, gt=0, description="bytes that an answer of the store may have")
    rate_per_s: float | None = Field(default=None, gt=0, description="requests a second at most; none: no limit")
    burst: int = Field(default=10, ge=1, description="requests that may go at once after a quiet time")
    concurrency: int = Field(default=4, ge=1, le=64, description="requests at a time at most")


class InventorySettings(Strict):
    """How stock levels are written."""

    batch_size: int = Field(
        default=500, ge=1, le=5000, description="rows in one call; 20 where the store limits the input of its API"
    )
    check_skus: bool = Field(
        default=True,
        description="whether a SKU is looked up first: a store takes unknown ones without a word and keeps a ghost row",
    )


class PriceSettings(Strict):
    """How prices are written."""

    batch_size: int = Field(
        default=500, ge=1, le=5000, description="prices in one call; 20 where the store limits the input of its API"
    )


class ProductSettings(Strict):
    """How products are written."""

    batch_size: int = Field(
        default=200, ge=1, le=2000, description="products read, compared and written at a time; one bulk at most"
    )
    bulk_from: int = Field(
        default=50,
        ge=0,
        description="from how many products on they go as one asynchronous bulk, which the store carries out by itself "
        "later; fewer go one by one. 0: always one by one, for a store without consumers of its queue",
    )
    bulk_ahead: int = Field(default=1000, ge=1, description="operations at most that may wait in the store's own queue")
    bulk_deadline_s: float = Field(
        default=900,
        gt=0,
        description="seconds without an operation ending after which a bulk counts as stuck: what is left of it is "
        "read back, and sent again where it is not there. Longer than the store's queue ever is",
    )
    image_folder: str = Field(
        default="", description="folder below which images that are no https addresses lie; none: such rows are refused"
    )
    image_max_bytes: int = Field(default=5_000_000, gt=0, le=10_000_000, description="bytes that an image may have")
    image_private_hosts: tuple[str, ...] = Field(
        default=(),
        description="names of hosts that images may be fetched from although they are inside your own network; all "
        "others must have public addresses",
    )


class CustomerSettings(Strict):
    """How customers are read and written."""

    attributes: tuple[str, ...] = Field(
        default=(), description="codes of the customer attributes of your own that are carried, as `attributes.CODE`"
    )
    number_attribute: str = Field(
        default="",
        pattern=r"^\w*$",
        description="code of a customer attribute in which the ERP's number is kept: it is written there, and "
        "customers are found by it before their e-mail address is asked. Empty: the number is known to Crossdock alone",
    )


class MagentoSettings(Strict):
    """One Magento 2 or Adobe Commerce store."""

    kind: Literal["magento"] = Field(default="magento", description="the kind of connection")
    base_url: str = Field(description="the store's address, without /rest; for ims with the tenant's id")
    store_code: str = Field(
        default="all", pattern=r"^\w+$", description="store view in the path (header Store for ims); all: every store"
    )
    auth: AuthSettings
    allow_plain_http: bool = Field(default=False, description="whether http:// is allowed beyond this machine itself")
    ca_file: str = Field(default="", description="PEM file with a further certificate authority")
    system_proxy: bool = Field(default=False, description="whether HTTPS_PROXY and its like are used")
    deadlines: DeadlineSettings = Field(default=DeadlineSettings(), description="deadlines of one request")
    polling: PollingSettings = Field(default=PollingSettings(), description="how the store is polled")
    webhooks: WebhookSettings = Field(default=WebhookSettings(), description="what the store sends by itself")
    limits: LimitSettings = Field(default=LimitSettings(), description="sizes and speeds")
    inventory: InventorySettings = Field(default=InventorySettings(), description="how stock levels are written")
    prices: PriceSettings = Field(default=PriceSettings(), description="how prices are written")
    products: ProductSettings = Field(default=ProductSettings(), description="how products are written")
    customers: CustomerSettings = Field(default=CustomerSettings(), description="how customers are read and written")
    settling_s: float = Field(
        default=30,
        ge=0,
        description="seconds after which a request that was given up can no longer take effect in the store: PHP's "
        "max_execution_time behind its web server. Only then is anything sent again",
    )
    acknowledge_comment: bool = Field(
        default=True, description="whether the ERP's number is also written as order comment"
    )

    @model_validator(mode="after")
    def _trusted_means_unreadable(self) -> MagentoSettings:
        if self.webhooks.payload == "trusted" and self.polling.enabled:
            raise ValueError(
                'webhooks.payload = "trusted" is for a store that cannot be read: polling.enabled must be false'
            )
        return self

    @field_validator("base_url")
    @classmethod
    def _whole_address(cls, value: str) -> str:
        parts = urlsplit(value)
        if parts.scheme not in {"http", "https"} or not parts.hostname or parts.query or parts.fragment:
            raise ValueError("an address like https://shop.example.com is wanted")
        if parts.username or parts.password:
            raise ValueError("credentials do not belong into the address")
        return value.rstrip("/")

    @model_validator(mode="after")
    def _encrypted(self) -> MagentoSettings:
        parts = urlsplit(self.base_url)
        if parts.scheme == "http" and not self.allow_plain_http and not is_loopback(parts.hostname or ""):
            raise ValueError("base_url is plain http: use https, or set allow_plain_http")
        return self

    def http_options(self) -> HttpOptions:
        """For `transport.http.Http`."""
        return HttpOptions(
            connect_timeout=self.deadlines.connect_s,
            read_timeout=self.deadlines.read_s,
            total_timeout=self.deadlines.total_s,
            max_response_bytes=self.limits.max_response_bytes,
            allow_plain_http=self.allow_plain_http,
            ca_file=self.ca_file,
            system_proxy=self.system_proxy,
            hosts=hosts_in(texts_in(self.model_dump(mode="json"))),
        )
