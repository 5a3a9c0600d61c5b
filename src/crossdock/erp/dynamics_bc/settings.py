"""Settings of a connection to Business Central. Secrets are references (`env:NAME`, `file:PATH`), never values."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, Field, model_validator

from crossdock.flows.parts import by_plain_rate
from crossdock.transport.connection import (
    Address,
    BasicLogin,
    ConnectionSettings,
    OAuthLogin,
    SecretRef,
    Strict,
    refuse_plain,
)
from crossdock.transport.limits import LimitSettings

FlowName = Literal["orders", "customers"]
READS = ("inventory", "prices", "products", "customers", "shipments", "invoices")
MOST_OPERATIONS = 100  # of one batch: administration/operational-limits-online.md
SCOPE = "https://api.businesscentral.dynamics.com/.default"


TaxMap = Annotated[dict[str, str], AfterValidator(by_plain_rate)]
Extra = Annotated[str, Field(pattern=r"^((Item|Account|Charge|Resource):.{1,20})?$")]
Login = Annotated[OAuthLogin | BasicLogin, Field(discriminator="scheme")]


class ExtraSettings(Strict):
    """What stands for what is no goods of the shop's, as TYPE:NUMBER. An order that needs one that is "" is parked."""

    shipping: Extra = Field(default="", description="for shipping, like Account:6710 or Item:SHIPPING")
    discount: Extra = Field(default="", description="for discounts given after tax")
    fpt: Extra = Field(default="", description="for fixed product taxes")
    fee: Extra = Field(default="", description="for fees: gift wrapping, surcharges")
    credit: Extra = Field(default="", description="for gift cards, store credit and reward points")
    rounding: Extra = Field(default="", description="for rounding lines")


class CustomerSettings(Strict):
    """Whose an order is."""

    number: str = Field(
        default="", max_length=20, description="one customer for all orders; empty: each buyer is a customer"
    )
    match: tuple[Literal["number", "email"], ...] = Field(
        default=("number",), min_length=1, description="by what a buyer is looked up, in turn"
    )
    number_prefix: str = Field(
        default="M", max_length=6, description="put before the shop's customer id to make the customer's number"
    )
    numbers: Literal["ours", "theirs"] = Field(
        default="ours",
        description="ours: a new customer has our number (its number series must allow manual numbers); "
        "theirs: Business Central gives one",
    )
    create: bool = Field(default=True, description="whether an unknown buyer becomes a new customer")

    @model_validator(mode="after")
    def _findable(self) -> CustomerSettings:
        if not self.number and self.create and self.numbers == "theirs" and "email" not in self.match:
            raise ValueError("numbers = theirs needs email in match: a buyer would become a new customer each time")
        return self


class ReadSettings(Strict):
    """What all that is read has in common."""

    page_size: int = Field(default=200, ge=2, le=20_000, description="records asked for at a time")
    overlap_s: int = Field(
        default=600,
        ge=0,
        description="seconds that a scan begins behind the newest change: longer than the longest transaction",
    )
    interval_s: float = Field(
        default=60, ge=0, description="seconds between two scans where no schedule says when; 0: only by schedules"
    )


class LevelSettings(ReadSettings):
    """Stock levels."""

    place: str = Field(
        default="MAIN", min_length=1, description="what rows call the place of all stock, where it is not by location"
    )
    location_field: str = Field(
        default="",
        pattern=r"^[A-Za-z0-9_]*$",
        description="field of the ledger entries with the location's code; API v2.0 has none, an API page of your own "
        "may: levels are then sums of entries by item and location",
    )
    entries: str = Field(
        default="itemLedgerEntries",
        min_length=1,
        description="where ledger entries are read, below the company; or an API of your own, beside v2.0: "
        "../contoso/stock/v1.0/companies(COMPANY)/entries, with the word COMPANY in it",
    )
    overlap_entries: int = Field(
        default=1000, ge=0, le=100_000, description="ledger entries that a scan reads again, for late commits"
    )


class PriceSettings(ReadSettings):
    """List prices."""

    scope: str = Field(min_length=1, description="the name of the scope that they are prices of, as the route has it")
    currency: str = Field(pattern=r"^[A-Z]{3}$", description="the company's own currency, in which list prices are")


class CatalogSettings(ReadSettings):
    """Products."""

    fields: dict[str, str] = Field(
        default={"name": "displayName"}, description="the shop's attribute code -> field of an item"
    )


class PeopleSettings(ReadSettings):
    """Customers."""

    website: str = Field(default="", description="code of the website that they belong to; empty: as the route says")
    countries: dict[str, str] = Field(
        default={}, description="a country's code there -> ISO 3166, two letters, where they differ"
    )


class ReadsSettings(Strict):
    """What is read from it."""

    inventory: LevelSettings | None = Field(default=None, description="stock levels")
    prices: PriceSettings | None = Field(default=None, description="list prices of items")
    products: CatalogSettings | None = Field(default=None, description="items: their texts, whether they are blocked")
    customers: PeopleSettings | None = Field(default=None, description="customers that we made or know by number")
    shipments: ReadSettings | None = Field(default=None, description="posted shipments of our orders")
    invoices: ReadSettings | None = Field(default=None, description="posted invoices of our orders")

    def asked(self) -> dict[str, ReadSettings]:
        """By flow, those that there are."""
        return {flow: one for flow in READS if (one := getattr(self, flow)) is not None}


class SubscriptionSettings(Strict):
    """Notifications, which only make a scan due earlier."""

    notification_url: Address = Field(description="the address at which Crossdock hears them, https")
    secret: SecretRef = Field(description="the client state: a secret that each notification must name, as a reference")
    renew_before_s: int = Field(
        default=86_400, ge=3600, le=200_000, description="seconds before its end that a subscription is renewed"
    )


class BcSettings(ConnectionSettings):
    """One company of one environment."""

    kind: Literal["dynamics_bc"] = Field(default="dynamics_bc", description="the kind of connection")
    url: Address = Field(
        description="the API's address: https://api.businesscentral.dynamics.com/v2.0/TENANT/ENVIRONMENT/api/v2.0"
    )
    auth: Login = Field(
        description="how Business Central knows us; online: oauth2 with "
        "https://login.microsoftonline.com/TENANT/oauth2/v2.0/token and the scope "
        "https://api.businesscentral.dynamics.com/.default"
    )
    company: str = Field(min_length=1, description="the company's id or name")
    flows: frozenset[FlowName] = Field(
        default=frozenset({"orders"}), min_length=1, description="what is sent to it, and nothing else"
    )
    reads: ReadsSettings = Field(default=ReadsSettings(), description="what is read from it, by flow, and how")
    limits: LimitSettings = Field(
        default=LimitSettings(rate_per_s=4, burst=10, concurrency=5),
        description="how fast it may be used; online a user may have 5 requests at a time and 6000 in 5 minutes",
    )
    entry: Literal["batch", "deep_insert"] = Field(
        default="batch",
        description="batch: the order and its re-reading in one transaction (from 17.1); deep_insert: a plain POST",
    )
    look_in_posted: bool = Field(
        default=True,
        description="whether an order is looked for among posted invoices too: it is deleted when it is all posted",
    )
    external_prefix: str = Field(
        default="", max_length=15, description="put before the order number; needed where two shops share numbers"
    )
    customer: CustomerSettings = Field(default=CustomerSettings(), description="whose an order is")
    extras: ExtraSettings = Field(default=ExtraSettings(), description="what stands for what is no goods")
    taxes: TaxMap = Field(
        default={},
        description="rate in percent, or the shop's tax code -> the line's taxCode; the lookup tax_codes goes before; "
        "without either none is sent and the item's own group counts",
    )
    tax_rounding: Literal["document", "line"] = Field(
        default="document", description="how the company rounds taxes, for the sums that are worked out beforehand"
    )
    check_totals: bool = Field(
        default=True,
        description="whether the sums that Business Central computed are read back and must be the order's; off: they "
        "are worked out beforehand only",
    )
    prices_with_tax: bool = Field(
        default=True, description="whether prices may be sent with their tax in them, where only that meets the cent"
    )
    even_out_cents: int = Field(
        default=0,
        ge=0,
        le=100,
        description="cents of tax that are evened out by two rounding lines (extras.rounding), one with tax and one "
        "without; an order that is off by more is parked",
    )
    price_decimals: int = Field(default=5, ge=2, le=10, description="decimals of a unit price")
    location: str = Field(
        default="", max_length=10, description="code of the location of all lines; empty: none is said"
    )
    subscription: SubscriptionSettings | None = Field(
        default=None, description="notifications of changes; none: polling alone"
    )

    @model_validator(mode="after")
    def _safe(self) -> BcSettings:
        refuse_plain(self.url, allowed=self.allow_plain_http)
        if isinstance(self.auth, OAuthLogin):
            refuse_plain(self.auth.token_url, allowed=self.allow_plain_http)
        if self.subscription and not self.subscription.notification_url.startswith("https://"):
            raise ValueError("subscription.notification_url: notifications are sent to https alone")
        return self
