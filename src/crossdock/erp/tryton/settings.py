"""Settings of a connection to Tryton. Secrets are references (`env:NAME`, `file:PATH`), never values."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, field_validator, model_validator

from crossdock.transport.http import HttpOptions, is_loopback

SecretRef = Annotated[str, Field(pattern=r"^(env|file):.+", description="reference to a secret: env:NAME or file:PATH")]
FlowName = Literal["orders", "cancellations"]
READS = ("inventory", "prices", "products", "shipments", "invoices")
Match = Literal["code", "email", "tax_identifier"]
DUPLICATE = "A sale with this reference already exists."


def _rates(value: dict[str, str]) -> dict[str, str]:
    """A rate is written in one way inside, whatever was typed: 22, 22.0 and 22.00 are the same key."""
    return {plain_rate(key) or key: name for key, name in value.items()}


def plain_rate(text: str | Decimal) -> str:
    """A rate in percent without an exponent or trailing noughts; "" where it is no number."""
    try:
        rate = Decimal(text)
    except InvalidOperation:
        return ""
    return f"{rate.normalize():f}" if rate.is_finite() else ""


TaxMap = Annotated[dict[str, str], AfterValidator(_rates)]


class Strict(BaseModel):
    """Unknown keys are errors; values do not change."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True, validate_default=True)


class ApplicationKey(Strict):
    """A user application's key: the REST interface, Tryton 8.2 on."""

    scheme: Literal["application_key"] = Field(description="the key of a user application, over REST (8.2 on)")
    key: SecretRef = Field(description="the key, as a secret reference")


class SessionLogin(Strict):
    """A user's name and password: JSON-RPC, any series."""

    scheme: Literal["session"] = Field(description="name and password, over JSON-RPC")
    username: str = Field(min_length=1, description="the user's login")
    password: SecretRef = Field(description="the password, as a secret reference")


Login = Annotated[ApplicationKey | SessionLogin, Field(discriminator="scheme")]


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


class ProductSettings(Strict):
    """Codes of Tryton products for what is no goods of the shop's. An order that needs one that is "" is parked."""

    shipping: str = Field(default="", description="code of the product for shipping")
    discount: str = Field(default="", description="code of the product for discounts given after tax")
    fpt: str = Field(default="", description="code of the product for fixed product taxes")
    fee: str = Field(default="", description="code of the product for fees: gift wrapping, surcharges")
    credit: str = Field(default="", description="code of the product for gift cards, store credit and reward points")
    rounding: str = Field(default="", description="code of the product for rounding lines")
    placeholder: str = Field(default="", description="code of the product for unknown SKUs")


class PartySettings(Strict):
    """How a customer is found among Tryton's parties."""

    match: tuple[Match, ...] = Field(
        default=("code",),
        min_length=1,
        description="what is looked at, in turn: the code that we give, the e-mail address, the tax identifier",
    )
    code_prefix: str = Field(
        default="M", max_length=20, description="put before the shop's customer id to make the party's code"
    )
    create: bool = Field(default=True, description="whether an unknown customer becomes a new party")


class ReadSettings(Strict):
    """What all that is read has in common."""

    page_size: int = Field(
        default=200, ge=1, le=500, description="records asked for at a time; they stand in addresses"
    )
    overlap_s: int = Field(
        default=600,
        ge=0,
        description="seconds that a scan begins behind the newest change: longer than Tryton's longest transaction",
    )
    interval_s: float = Field(
        default=60, ge=0, description="seconds between two scans where no schedule says when; 0: only by schedules"
    )


class LevelSettings(ReadSettings):
    """Stock levels."""

    warehouses: tuple[str, ...] = Field(
        default=(), description="codes or names of the warehouses; empty: `warehouse`, else all of the company"
    )
    meaning: Literal["on_hand", "available"] = Field(
        default="on_hand",
        description="on_hand: what lies in the warehouse; available: the same less what is on its way out of it",
    )


class PriceSettings(ReadSettings):
    """List prices."""

    scope: str = Field(min_length=1, description="the name of the scope that they are prices of, as the route has it")
    tax: Literal["excluded", "included", ""] = Field(
        default="excluded", description="what is said of them; Tryton's list prices are without tax"
    )


class CatalogSettings(ReadSettings):
    """Products."""

    fields: dict[str, str] = Field(
        default={"name": "name", "description": "description"},
        description="the shop's attribute code -> field of product.product",
    )


class ReadsSettings(Strict):
    """What is read from it."""

    inventory: LevelSettings | None = Field(default=None, description="stock levels, by product and warehouse")
    prices: PriceSettings | None = Field(default=None, description="list prices of products")
    products: CatalogSettings | None = Field(default=None, description="products: their texts, whether they are sold")
    shipments: ReadSettings | None = Field(default=None, description="shipments that were done for our orders")
    invoices: ReadSettings | None = Field(default=None, description="invoices that were posted for our orders")

    def asked(self) -> dict[str, ReadSettings]:
        """By flow, those that there are."""
        return {flow: one for flow in READS if (one := getattr(self, flow)) is not None}


class TrytonSettings(Strict):
    """One company in one Tryton database."""

    kind: Literal["tryton"] = Field(default="tryton", description="the kind of connection")
    url: str = Field(description="the server's address, without the database")
    database: str = Field(pattern=r"^[A-Za-z0-9_.-]+$", description="the database's name")
    auth: Login = Field(description="how Tryton knows us")
    flows: frozenset[FlowName] = Field(
        default=frozenset({"orders"}), min_length=1, description="what is sent to it, and nothing else"
    )
    reads: ReadsSettings = Field(default=ReadsSettings(), description="what is read from it, by flow, and how")
    company: str = Field(default="", description="name of the company's party; empty: the only company there is")
    warehouse: str = Field(default="", description="code or name of the warehouse; empty: the only one there is")
    payment_term: str = Field(default="", description="name of the payment term; empty: none")
    currencies: dict[str, str] = Field(
        default={}, description="the shop's currency code -> Tryton's, where they differ"
    )
    taxes: TaxMap = Field(
        default={},
        description="rate in percent, or the shop's tax code -> name of a Tryton tax; "
        "what is not here is taken where Tryton has one single tax of that rate",
    )
    tax_rounding: Literal["ask", "document", "line"] = Field(
        default="ask", description="how the company rounds taxes; ask: read from Tryton's accounting configuration"
    )
    products: ProductSettings = Field(default=ProductSettings(), description="products for what is no goods")
    unknown_sku: Literal["reject", "placeholder"] = Field(
        default="reject", description="what becomes of an order with a SKU that Tryton does not know"
    )
    party: PartySettings = Field(default=PartySettings(), description="how a customer is found")
    confirm: bool = Field(default=True, description="whether a sale is confirmed, or left as a quotation")
    invoice_method: Literal["order", "fulfillment", "manual"] = Field(
        default="order", description="Tryton's invoice method of the sale (fulfillment is called shipment before 7.8)"
    )
    shipment_method: Literal["order", "invoice", "manual"] = Field(
        default="order", description="Tryton's shipment method of the sale"
    )
    reference_prefix: str = Field(
        default="", max_length=20, description="put before the order number; needed where two shops share numbers"
    )
    unique_references: bool = Field(
        default=False, description="whether Tryton has the module that lets a company use a reference once"
    )
    duplicate_text: str = Field(
        default=DUPLICATE, min_length=5, description="what that module says, as far as it is always the same"
    )
    settling_s: float = Field(
        default=30, ge=0, description="seconds after which a request that we gave up on can no longer take effect"
    )
    deadlines: DeadlineSettings = Field(default=DeadlineSettings(), description="deadlines of one request")
    max_response_bytes: int = Field(default=10_000_000, gt=0, description="bytes that an answer may have")
    allow_plain_http: bool = Field(default=False, description="whether http:// is allowed beyond this machine itself")
    ca_file: str = Field(default="", description="PEM file with a further certificate authority")
    system_proxy: bool = Field(default=False, description="whether HTTPS_PROXY and its like are used")

    @field_validator("url")
    @classmethod
    def _whole_address(cls, value: str) -> str:
        parts = urlsplit(value)
        if parts.scheme not in {"http", "https"} or not parts.hostname or parts.fragment or parts.query:
            raise ValueError("an address like https://tryton.example.com is wanted")
        if parts.username or parts.password:
            raise ValueError("credentials do not belong into the address")
        return value.rstrip("/")

    @model_validator(mode="after")
    def _safe(self) -> TrytonSettings:
        parts = urlsplit(self.url)
        if parts.scheme == "http" and not self.allow_plain_http and not is_loopback(parts.hostname or ""):
            raise ValueError("the address is plain http: use https, or set allow_plain_http")
        if self.unknown_sku == "placeholder" and not self.products.placeholder:
            raise ValueError("unknown_sku = placeholder needs products.placeholder")
        return self

    def http_options(self) -> HttpOptions:
        """For `transport.http.Http`."""
        return HttpOptions(
            connect_timeout=self.deadlines.connect_s,
            read_timeout=self.deadlines.read_s,
            total_timeout=self.deadlines.total_s,
            max_response_bytes=self.max_response_bytes,
            allow_plain_http=self.allow_plain_http,
            ca_file=self.ca_file,
            system_proxy=self.system_proxy,
        )
