"""Settings of a connection to NetSuite. Secrets are references, never values."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, Field, model_validator

from crossdock.flows.parts import by_plain_rate
from crossdock.transport.connection import Address, ConnectionSettings, SecretRef, Strict, refuse_plain
from crossdock.transport.limits import LimitSettings

FlowName = Literal["orders", "cancellations", "customers"]
READS = ("inventory", "prices", "products", "customers", "shipments", "invoices")
LONGEST_REQUEST = 900  # seconds: NetSuite gives a request up after 15 minutes (help page subsect_1559222360)
BUSY_CODES = (
    "SSS_REQUEST_LIMIT_EXCEEDED",
    "WS_REQUEST_BLOCKED",
    "WS_CONCUR_SESSION_DISALLWD",
    "CONCURRENCY_LIMIT_EXCEEDED",
    "REQUEST_LIMIT_EXCEEDED",
)
Identifier = Annotated[str, Field(pattern=r"^-?[0-9]*$")]
FieldName = Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9_]{0,79}$")]
ExternalPart = Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]*$", max_length=20)]


def _zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise ValueError("is no time zone of the IANA's, like Europe/Berlin") from error
    return name


class AssertionLogin(Strict):
    """OAuth 2.0 client credentials with a signed assertion (help pages section_162755359851, section_162790605110)."""

    scheme: Literal["oauth2"] = Field(description="OAuth 2.0 client credentials, with an assertion that we sign")
    client_id: SecretRef = Field(description="the integration record's client id, as a secret reference")
    certificate_id: str = Field(
        min_length=1, description="the certificate's id, as NetSuite shows it in OAuth 2.0 client credentials setup"
    )
    private_key: SecretRef = Field(description="the certificate's private key in PEM, as a secret reference")
    algorithm: Literal["PS256", "ES256"] = Field(
        default="PS256", description="how the assertion is signed: PS256 with an RSA key, ES256 with one of P-256"
    )
    scope: str = Field(default="rest_webservices", min_length=1, description="the scope that is asked for")
    lifetime_s: int = Field(
        default=300, ge=30, lt=3600, description="seconds for which an assertion is good; NetSuite takes less than 3600"
    )


class TokenLogin(Strict):
    """Token-based authentication: OAuth 1.0a with HMAC-SHA256 and the account as realm."""

    scheme: Literal["tba"] = Field(description="token-based authentication; Oracle prefers OAuth 2.0")
    consumer_key: SecretRef = Field(description="the integration record's consumer key, as a secret reference")
    consumer_secret: SecretRef = Field(description="its consumer secret, as a secret reference")
    token: SecretRef = Field(description="the access token's id, as a secret reference")
    token_secret: SecretRef = Field(description="its secret, as a secret reference")


Login = Annotated[AssertionLogin | TokenLogin, Field(discriminator="scheme")]


class ItemSettings(Strict):
    """Internal ids of items for what is no goods of the shop's. An order that needs one that is "" is parked."""

    sku_field: FieldName = Field(
        default="itemid", description="the column of SuiteQL's table `item` that holds the SKU"
    )
    shipping: Identifier = Field(default="", description="internal id of the item for shipping")
    fpt: Identifier = Field(default="", description="internal id of the item for fixed product taxes")
    fee: Identifier = Field(default="", description="internal id of the item for fees: gift wrapping, surcharges")
    credit: Identifier = Field(
        default="", description="internal id of the item for gift cards, store credit and reward points"
    )
    rounding: Identifier = Field(default="", description="internal id of the item for rounding lines")
    tax: Identifier = Field(default="", description="internal id of the item for the tax, where taxes.mode is line")
    placeholder: Identifier = Field(default="", description="internal id of the item for SKUs that NetSuite has not")


class TaxSettings(Strict):
    """How taxes are told. The role `tax_codes` of the lookups comes before `codes`."""

    mode: Literal["details", "line", "amounts", "codes"] = Field(
        default="details",
        description="details: the store's taxes to the cent, by tax details (SuiteTax); line: as a line of items.tax; "
        "codes: a legacy tax code a line, and NetSuite computes; amounts: the legacy code and the store's amount",
    )
    codes: Annotated[dict[str, str], AfterValidator(by_plain_rate)] = Field(
        default={}, description="rate in percent, or the store's tax code -> internal id of a NetSuite tax code"
    )
    types: Annotated[dict[str, str], AfterValidator(by_plain_rate)] = Field(
        default={}, description="the same keys -> NetSuite's tax type; only for details, where the account wants it"
    )
    untaxed: Identifier = Field(
        default="", description="internal id of the tax code of lines without a tax; empty: none is sent"
    )


class CustomerSettings(Strict):
    """Customers by their external id. Entities of all kinds share their external ids: the prefix keeps ours apart."""

    prefix: ExternalPart = Field(default="M", min_length=1, description="put before the shop's customer id")
    create: bool = Field(default=True, description="whether an unknown customer of an order is made")
    attributes: dict[str, FieldName] = Field(
        default={}, description="the shop's customer attribute code -> custentity_ field"
    )
    guest: Identifier = Field(
        default="", description="internal id of the customer for all guests; empty: one for each e-mail address"
    )


class CustomFields(Strict):
    """Custom fields of the sales order, by where their value is in our order: `payment.transaction_id`."""

    body: dict[str, FieldName] = Field(default={}, description="path in our order -> custbody_ field")
    line: dict[str, FieldName] = Field(default={}, description="path in a line of our order -> custcol_ field")
    key: FieldName = Field(default="memo", description="the body field that keeps our key: memo, or a custbody_ field")
    line_id: str = Field(
        default="", pattern=r"^(custcol[A-Za-z0-9_]+)?$", description="custcol_ field that keeps the store's line id"
    )


class ReadSettings(Strict):
    """What all that is read has in common. `source`, `columns` and `where` are put into SuiteQL as they are."""

    page_size: int = Field(default=1000, ge=1, le=1000, description="rows asked for at a time")
    overlap_s: int = Field(
        default=4500,
        ge=0,
        description="seconds that a scan begins behind the newest change that was read: longer than the longest "
        "transaction, and than the hour by which the account's clock is put back",
    )
    interval_s: float = Field(
        default=300, ge=0, description="seconds between two scans where no schedule says when; 0: only by schedules"
    )
    source: str = Field(default="", description="what stands behind FROM, where the account needs another than ours")
    columns: dict[str, str] = Field(default={}, description="our column -> SuiteQL expression, where it is another")
    where: str = Field(default="", description="a further condition")


class LevelSettings(ReadSettings):
    """Stock levels by item and location."""

    meaning: Literal["on_hand", "available"] = Field(
        default="available",
        description="available: less what is committed; on_hand: what lies there (always whole scans)",
    )


class PriceSettings(ReadSettings):
    """Prices of one price level and currency, for a single piece."""

    scope: str = Field(min_length=1, description="the name of the scope that they are prices of, as the route has it")
    level: Identifier = Field(
        default="1", min_length=1, description="internal id of the price level; 1 is the base price"
    )
    currency: str = Field(pattern=r"^[A-Z]{3}$", description="the currency's code, as rows tell it")
    currency_id: Identifier = Field(min_length=1, description="the currency's internal id")
    tax: Literal["excluded", "included", ""] = Field(default="excluded", description="what is said of them")


class CatalogSettings(ReadSettings):
    """Products."""

    fields: dict[str, FieldName] = Field(
        default={"name": "displayname", "description": "salesdescription"},
        description="the shop's attribute code -> column of SuiteQL's table `item`",
    )


class PeopleSettings(ReadSettings):
    """Customers."""

    website: str = Field(default="", description="code of the website that they belong to; empty: as the route says")
    fields: dict[str, FieldName] = Field(
        default={"email": "email", "first_name": "firstname", "middle_name": "middlename", "last_name": "lastname"},
        description="field of a customer's row, or attributes.CODE -> column of SuiteQL's table `customer`",
    )


class FulfilmentSettings(ReadSettings):
    """Shipments or invoices of our orders."""

    statuses: tuple[str, ...] = Field(
        default=(),
        description="letters of the statuses that are told; empty: C (shipped) for shipments, any for invoices",
    )
    link: str = Field(
        default="",
        description="linktype of previoustransactionlinelink; empty: ShipRcpt for shipments, OrdBill for invoices",
    )
    lines: str = Field(
        default="",
        description="which lines count, as a condition on `tl`; empty: tl.mainline = 'F', of shipments no COGS either",
    )
    tracking: str = Field(
        default="",
        description="expression on the transaction `t` that holds its tracking numbers; empty: none are told",
    )


class ReadsSettings(Strict):
    """What is read from it."""

    inventory: LevelSettings | None = Field(default=None, description="stock levels, by item and location")
    prices: PriceSettings | None = Field(default=None, description="prices of one price level")
    products: CatalogSettings | None = Field(default=None, description="products: their texts, whether they are active")
    customers: PeopleSettings | None = Field(default=None, description="customers: names, e-mail address, VAT number")
    shipments: FulfilmentSettings | None = Field(default=None, description="item fulfilments of our orders")
    invoices: FulfilmentSettings | None = Field(default=None, description="invoices of our orders")

    def asked(self) -> dict[str, ReadSettings]:
        """By flow, those that there are."""
        return {flow: one for flow in READS if (one := getattr(self, flow)) is not None}


class NetsuiteSettings(ConnectionSettings):
    """One NetSuite account."""

    kind: Literal["netsuite"] = Field(default="netsuite", description="the kind of connection")
    account: str = Field(pattern=r"^[A-Za-z0-9_-]+$", description="the account's id, as NetSuite shows it: 1234567_SB1")
    url: Address | Literal[""] = Field(
        default="", description="the account's SuiteTalk address (Company URLs); empty: made of the account's id"
    )
    auth: Login = Field(description="how NetSuite knows us")
    flows: frozenset[FlowName] = Field(
        default=frozenset({"orders"}), min_length=1, description="what is sent to it, and nothing else"
    )
    reads: ReadsSettings = Field(default=ReadsSettings(), description="what is read from it, by flow, and how")
    limits: LimitSettings = Field(
        default=LimitSettings(concurrency=4),
        description="how fast it may be used; an account has one limit for all",
    )
    settling_s: float = Field(
        default=LONGEST_REQUEST,
        ge=0,
        description="seconds after which a request that we gave up on can no longer take effect (NetSuite: 15 minutes)",
    )
    subsidiary: Identifier = Field(default="", description="internal id of the subsidiary; empty: none is sent")
    location: Identifier = Field(default="", description="internal id of the location; empty: none is sent")
    department: Identifier = Field(default="", description="internal id of the department; empty: none is sent")
    classification: Identifier = Field(default="", description="internal id of the class; empty: none is sent")
    terms: Identifier = Field(default="", description="internal id of the payment terms; empty: the customer's own")
    order_status: Literal["", "A", "B"] = Field(
        default="", description="A: pending approval, B: pending fulfilment; empty: as the account has it"
    )
    price_level: Identifier = Field(
        default="-1",
        description="internal id of the price level of lines with a price of their own; empty: none is sent",
    )
    currencies: dict[str, str] = Field(
        default={}, description="currency code -> internal id; the lookups' role `currencies` comes first"
    )
    time_zone: Annotated[str, AfterValidator(_zone)] = Field(
        default="UTC", description="the account's time zone: of an order's date, and of the times that SuiteQL tells"
    )
    taxes: TaxSettings = Field(default=TaxSettings(), description="how taxes are told")
    items: ItemSettings = Field(
        default=ItemSettings(), description="items for what is no goods, and how SKUs are found"
    )
    unknown_sku: Literal["reject", "placeholder"] = Field(
        default="reject", description="what becomes of an order with a SKU that NetSuite does not know"
    )
    customers: CustomerSettings = Field(default=CustomerSettings(), description="how a customer is found and made")
    custom: CustomFields = Field(default=CustomFields(), description="custom fields of sales orders")
    external_id_prefix: ExternalPart = Field(
        default="MAG-", min_length=1, description="put before the order number: transactions share their external ids"
    )
    number_column: str = Field(
        default="otherrefnum",
        pattern=r"^([A-Za-z][A-Za-z0-9_]{0,79})?$",
        description="column of SuiteQL's table `transaction` in which another integration keeps the order number, for "
        "shadow routes: otherrefnum, or a custbody_ field; empty: sales orders are known by our external id alone",
    )
    write: Literal["upsert", "create", "queue"] = Field(
        default="upsert",
        description="how an order is sent: upsert: PUT by external id; create: POST with it; queue: the PUT as an "
        "asynchronous job with an idempotency key",
    )
    job_poll_s: float = Field(default=10, gt=0, description="seconds between two looks at an asynchronous job")
    busy_codes: frozenset[str] = Field(
        default=frozenset(BUSY_CODES), description="error codes that mean too many requests at once, beside status 429"
    )
    duplicate_texts: tuple[str, ...] = Field(
        default=("already exists", "DUP_RCRD"),
        description="what an external id that is taken is told with, as far as it is always the same",
    )
    login_grace_s: float = Field(
        default=0,
        ge=0,
        description="seconds after a request that was taken, in which a refused login counts as too many requests at "
        "once (some accounts are said to answer so); 0: never",
    )

    @model_validator(mode="after")
    def _consistent(self) -> NetsuiteSettings:
        refuse_plain(self.address, allowed=self.allow_plain_http)
        if self.unknown_sku == "placeholder" and not self.items.placeholder:
            raise ValueError("unknown_sku = placeholder needs items.placeholder")
        return self

    @property
    def address(self) -> str:
        """Where it answers: `1234567_SB1` is at 1234567-sb1 (lower case, a hyphen for the underscore)."""
        host = self.account.lower().replace("_", "-")
        return self.url or f"https://{host}.suitetalk.api.netsuite.com"

    def addresses(self) -> tuple[str, ...]:
        """The computed one too."""
        return (*super().addresses(), self.address)

    @property
    def realm(self) -> str:
        """Of OAuth 1.0: the account as it is, in capitals and with its underscore."""
        return self.account.upper().replace("-", "_")

    def fixed(self) -> Mapping[str, str]:
        """The sales order's references that are the same for every order."""
        named = {
            "subsidiary": self.subsidiary,
            "location": self.location,
            "department": self.department,
            "class": self.classification,
        }
        return {name: ident for name, ident in named.items() if ident}
