"""Settings of a connection to Tryton. Secrets are references (`env:NAME`, `file:PATH`), never values."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, Field, model_validator

from crossdock.flows.parts import by_plain_rate
from crossdock.transport.connection import Address, SecretRef, Strict, WireSettings, refuse_plain
from crossdock.transport.limits import LimitSettings

FlowName = Literal["orders", "cancellations", "customers", "refunds"]
READS = ("inventory", "prices", "products", "shipments", "tracks", "invoices", "credit_memos", "customers")
Match = Literal["code", "email", "tax_identifier"]
DUPLICATE = "A sale with this reference already exists."


TaxMap = Annotated[dict[str, str], AfterValidator(by_plain_rate)]


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


class TrytonLimits(LimitSettings):
    """What a Tryton bears: a server process does 2 to 3 processed sales a second."""

    concurrency: int = Field(default=4, ge=1, le=64, description="documents at a time at most")


class ProductSettings(Strict):
    """Codes of Tryton products for what is no goods of the shop's. An order that needs one that is "" is parked."""

    shipping: str = Field(default="", description="code of the product for shipping")
    discount: str = Field(default="", description="code of the product for discounts given after tax")
    fpt: str = Field(default="", description="code of the product for fixed product taxes")
    fee: str = Field(default="", description="code of the product for fees: gift wrapping, surcharges")
    credit: str = Field(default="", description="code of the product for gift cards, store credit and reward points")
    rounding: str = Field(default="", description="code of the product for rounding lines")
    placeholder: str = Field(default="", description="code of the product for unknown SKUs")

    def beside(self) -> frozenset[str]:
        """The codes of those that stand for nothing that the shop sells; the placeholder does."""
        told = (self.shipping, self.discount, self.fpt, self.fee, self.credit, self.rounding)
        return frozenset(code for code in told if code)


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
    vat_type: str = Field(
        default="eu_vat",
        description="kind of Tryton's identifiers that a customer's VAT number becomes, where Tryton takes it for "
        'valid; else, and where this is "", it becomes one without a kind',
    )
    groups: dict[str, str] = Field(
        default={}, description="the shop's customer group -> name of a party category, both ways"
    )
    fields: dict[str, str] = Field(
        default={},
        description="the shop's field of a customer (attributes.CODE, birthday, ...) -> text field of party.party",
    )


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
    """List prices, or those of price lists."""

    scope: str = Field(min_length=1, description="the name of the scope that they are prices of, as the route has it")
    tax: Literal["excluded", "included", ""] = Field(
        default="excluded",
        description="what is said of them; Tryton's list prices are without tax, and a price list says it itself; "
        "empty: nothing is said",
    )
    price_list: str = Field(
        default="", description="name of the price list that the base prices are of; empty: the products' list prices"
    )
    tiers: dict[str, str] = Field(
        default={},
        description="the shop's customer group (ALL GROUPS is everybody) -> name of the price list that becomes its "
        "tier prices; the route needs tiers = replace, since a row has them all",
    )


class CatalogSettings(ReadSettings):
    """Products."""

    fields: dict[str, str] = Field(
        default={"name": "name", "description": "description"},
        description="the shop's attribute code -> field of product.product",
    )


class ParcelSettings(ReadSettings):
    """Parcels of shipments: Tryton's module stock_package_shipping."""

    carriers: dict[str, str] = Field(
        default={}, description="name of a carrier's party in Tryton -> the store's code of the carrier; else custom"
    )


class CustomerSettings(ReadSettings):
    """Customers."""

    category: str = Field(
        default="",
        description="name of a party category whose parties are customers too; without it only those are told of whom "
        "the shop has told",
    )


class ReadsSettings(Strict):
    """What is read from it."""

    inventory: LevelSettings | None = Field(default=None, description="stock levels, by product and warehouse")
    prices: PriceSettings | None = Field(default=None, description="list prices of products")
    products: CatalogSettings | None = Field(default=None, description="products: their texts, whether they are sold")
    shipments: ReadSettings | None = Field(default=None, description="shipments that were done for our orders")
    tracks: ParcelSettings | None = Field(
        default=None, description="parcels of shipments that were done for our orders, with a shipping reference"
    )
    invoices: ReadSettings | None = Field(default=None, description="invoices that were posted for our orders")
    credit_memos: ReadSettings | None = Field(default=None, description="credit notes that were posted for our orders")
    customers: CustomerSettings | None = Field(default=None, description="parties that are customers of the shop")

    def asked(self) -> dict[str, ReadSettings]:
        """By flow, those that there are."""
        return {flow: one for flow in READS if (one := getattr(self, flow)) is not None}


class TrytonSettings(WireSettings):
    """One company in one Tryton database."""

    kind: Literal["tryton"] = Field(default="tryton", description="the kind of connection")
    limits: TrytonLimits = Field(default=TrytonLimits(), description="how fast it may be used")
    url: Address = Field(description="the server's address, without the database")
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
    returns: Literal["manual", "order"] = Field(
        default="manual",
        description="what a refund says of goods: manual: nothing; order: a return shipment waits for them",
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

    @model_validator(mode="after")
    def _safe(self) -> TrytonSettings:
        refuse_plain(self.url, allowed=self.allow_plain_http)
        if self.unknown_sku == "placeholder" and not self.products.placeholder:
            raise ValueError("unknown_sku = placeholder needs products.placeholder")
        return self
