"""Settings of a connection to SAP S/4HANA. Secrets are references (`env:NAME`, `file:PATH`), never values.

What a sales organisation calls its things (condition types, text ids, reasons, blocks) is customising, and differs from
one S/4 to the next: it is asked for here, and nothing is guessed.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, Field, StringConstraints, model_validator

from crossdock.flows.parts import by_plain_rate
from crossdock.transport.connection import (
    Address,
    BasicLogin,
    CertificateLogin,
    ConnectionSettings,
    OAuthLogin,
    Strict,
)

FlowName = Literal["orders", "cancellations", "holds", "customers"]
READS = ("inventory", "prices", "products", "customers")
Login = Annotated[BasicLogin | OAuthLogin | CertificateLogin, Field(discriminator="scheme")]
Code2 = Annotated[str, StringConstraints(max_length=2, strip_whitespace=True)]  # as long as the fields they go into
Code3 = Annotated[str, StringConstraints(max_length=3, strip_whitespace=True)]
Code4 = Annotated[str, StringConstraints(max_length=4, strip_whitespace=True)]
Party = Annotated[str, StringConstraints(max_length=10, strip_whitespace=True)]
Material = Annotated[str, StringConstraints(max_length=40, strip_whitespace=True)]
LATE = 600


class SalesArea(Strict):
    """Where the orders are made."""

    organization: Code4 = Field(min_length=1, description="SalesOrganization")
    channel: Code2 = Field(min_length=1, description="DistributionChannel")
    division: Code2 = Field(min_length=1, description="OrganizationDivision")
    order_type: Code4 = Field(default="OR", min_length=1, description="SalesOrderType")
    item_category: Code4 = Field(default="", description="SalesOrderItemCategory; empty: SAP determines it")
    plant: Code4 = Field(default="", description="ProductionPlant of every item; empty: SAP determines it")
    unit: Code3 = Field(default="", description="RequestedQuantityUnit of every item; empty: the material's own")
    payment_terms: Code4 = Field(
        default="", description="CustomerPaymentTerms, where `[lookups.payment_terms]` is not there; empty: not said"
    )
    shipping_condition: Code2 = Field(
        default="", description="ShippingCondition, where `[lookups.shipping_methods]` is not there; empty: not said"
    )
    incoterms: Code3 = Field(default="", description="IncotermsClassification; empty: not said")
    incoterms_location: Annotated[str, StringConstraints(max_length=70)] = Field(
        default="", description="IncotermsLocation1, beside `incoterms`"
    )
    partners: dict[str, str] = Field(default={}, description="further partners: partner function -> customer number")


class Conditions(Strict):
    """Types of pricing elements, as the pricing procedure of the sales area has them: manual ones, not statistical."""

    price: Code4 = Field(min_length=1, description="condition type of the net price, e.g. PMP0 or PR00")
    discount: Code4 = Field(
        default="", description="of a discount as an amount; empty: prices are told as they are after discount"
    )
    freight: Code4 = Field(
        default="", description="of shipping, at the first item with its tax rate, where `materials.shipping` is empty"
    )
    fpt: Code4 = Field(default="", description="of fixed product taxes, at their item, where `materials.fpt` is empty")
    tax: Code4 = Field(default="", description="of the tax; with it SAP's tax is read back and compared")


class TaxSettings(Strict):
    """Who says the tax of an item, and how it is rounded."""

    told: Literal["class", "rate", "amount", "nothing"] = Field(
        default="class",
        description=(
            "class: the item's ProductTaxClassification1, from `classes` or `[lookups.tax_codes]` by rate in percent; "
            "rate: a pricing element of `conditions.tax` with the percentage; amount: one with the store's own tax, so "
            "the type must be a fixed amount that may be entered by hand; nothing: SAP's master data decide"
        ),
    )
    classes: Annotated[dict[str, str], AfterValidator(by_plain_rate)] = Field(
        default={}, description="rate in percent -> tax classification, where `[lookups.tax_codes]` is not there"
    )
    rounding: Literal["item", "document"] = Field(
        default="item", description="document: the tax condition is a group condition, rounded once for each rate"
    )


class Materials(Strict):
    """Materials for what is no goods of the shop's. An order that needs one that is "" is parked."""

    shipping: Material = Field(default="", description="material of an item for shipping")
    fee: Material = Field(default="", description="material of an item for fees: gift wrapping, surcharges")
    fpt: Material = Field(default="", description="material of an item for fixed product taxes")
    upper: bool = Field(default=True, description="whether SKUs are told in capitals, as SAP keeps materials")


class SoldTo(Strict):
    """Which customer of SAP's an order is for. `[lookups.customers]`, where it is there, goes before this.

    The table is asked by the shop's customer id.
    """

    number: Party = Field(
        default="",
        description="customer number of guests, and of all who are not looked up; empty with `ask`: guests are too",
    )
    ask: bool = Field(
        default=False,
        description="whether business partners are searched by the shop's customer id (BusinessPartnerIDByExtSystem)",
    )
    prefix: Annotated[str, StringConstraints(max_length=10)] = Field(
        default="", description="put before the shop's customer id in BusinessPartnerIDByExtSystem"
    )


class Texts(Strict):
    """Ids of the order's header texts (LongTextID). What has none is not told."""

    language: Code2 = Field(default="EN", min_length=2, description="language of the texts")
    note: Code4 = Field(default="", description="what the customer wrote, and the gift message")
    ship_to: Code4 = Field(default="", description="the shipping address, line by line")
    bill_to: Code4 = Field(default="", description="the billing address, line by line")


class Blocks(Strict):
    """Codes of customising with which an order is held or cancelled."""

    rejection: Code2 = Field(default="", description="SalesDocumentRjcnReason of cancelled orders' items")
    hold: Code2 = Field(default="", description="DeliveryBlockReason of orders on hold in the shop")
    difference: Code2 = Field(
        default="", description="DeliveryBlockReason of an order whose sums came out otherwise than the store's"
    )
    change_set: Literal["all", "each"] = Field(
        default="all", description="whether all items are changed in one change set, or each in one of its own"
    )


class NewPartner(Strict):
    """How a customer of the shop becomes a business partner."""

    grouping: Code4 = Field(default="", description="BusinessPartnerGrouping: its number range; empty: SAP's default")
    roles: tuple[str, ...] = Field(
        default=("FLCU01", "FLCU00"), description="BusinessPartnerRole of new ones; one of them makes it a customer"
    )
    tax_type: Code4 = Field(
        default="", description="BPTaxType of VAT numbers, after the country's two letters (0 of DE0); empty: not told"
    )
    language: Code2 = Field(
        default="EN", min_length=2, description="CorrespondenceLanguage and the addresses' language"
    )


class ReadSettings(Strict):
    """What all that is read has in common."""

    page_size: int = Field(default=500, ge=1, le=5000, description="rows asked for at a time")
    overlap_s: int = Field(
        default=LATE, ge=0, description="seconds that a scan begins behind the newest change that was seen"
    )
    interval_s: float = Field(
        default=300, ge=0, description="seconds between two scans where no schedule says when; 0: only by schedules"
    )


class StockSettings(ReadSettings):
    """Stock levels: read whole in each scan, since SAP keeps no time of change with them."""

    plants: tuple[Code4, ...] = Field(min_length=1, description="plants that are read")
    by_location: bool = Field(
        default=False, description="whether a place is PLANT/LOCATION; else PLANT, all its storage locations together"
    )
    stock_types: tuple[Code2, ...] = Field(
        default=("01",), min_length=1, description="InventoryStockType of what may be sold: 01 is unrestricted use"
    )
    zeros: bool = Field(
        default=True,
        description="whether products of a plant without any row of stock are told as 0; API_PRODUCT_SRV is asked",
    )
    meaning: Literal["on_hand", "available"] = Field(
        default="on_hand", description="what is said of the quantities; SAP's are on hand, open orders not taken off"
    )


class PriceSettings(ReadSettings):
    """Prices: condition records of one type for a material in the sales area, without a customer."""

    condition_type: Code4 = Field(min_length=1, description="ConditionType of the records, e.g. PR00 or PPR0")
    scope: str = Field(min_length=1, description="the name of the scope that they are prices of, as the route has it")
    tax: Literal["excluded", "included", ""] = Field(default="excluded", description="what is said of them")


class CatalogSettings(ReadSettings):
    """Products."""

    language: Code2 = Field(default="EN", min_length=2, description="language of the description")
    name: str = Field(default="name", description="the shop's attribute that gets the description; empty: none")
    fields: dict[str, str] = Field(default={}, description="the shop's attribute code -> field of A_Product")
    types: tuple[Code4, ...] = Field(default=(), description="ProductType of what is read; empty: all")
    disabled: tuple[Code2, ...] = Field(
        default=(), description="CrossPlantStatus of products that are not sold; marked for deletion never are"
    )


class PeopleSettings(ReadSettings):
    """Customers."""

    grouping: Code4 = Field(default="", description="BusinessPartnerGrouping of those that are read; empty: all")
    tax_type: Code4 = Field(default="", description="BPTaxType of the VAT number, after the country; empty: not read")


class ReadsSettings(Strict):
    """What is read from it."""

    inventory: StockSettings | None = Field(default=None, description="stock levels, by material and plant")
    prices: PriceSettings | None = Field(default=None, description="condition records as base prices")
    products: CatalogSettings | None = Field(default=None, description="products: descriptions, whether they are sold")
    customers: PeopleSettings | None = Field(default=None, description="business partners that are customers")

    def asked(self) -> dict[str, ReadSettings]:
        """By flow, those that there are."""
        return {flow: one for flow in READS if (one := getattr(self, flow)) is not None}


class SapS4Settings(ConnectionSettings):
    """One client of one S/4HANA."""

    kind: Literal["sap_s4"] = Field(default="sap_s4", description="the kind of connection")
    base_url: Address = Field(description="the address up to and with the path to the services: …/sap/opu/odata/sap")
    auth: Login = Field(description="who we are: basic, oauth2 or certificate")
    sap_client: Annotated[str, StringConstraints(pattern=r"^(\d{3})?$")] = Field(
        default="", description="client (three digits), where the system has several; empty: its default"
    )
    flows: frozenset[FlowName] = Field(default=frozenset({"orders"}), description="what is written into it")
    sales: SalesArea | None = Field(default=None, description="where orders are made; needed for orders")
    conditions: Conditions | None = Field(default=None, description="types of pricing elements; needed for orders")
    taxes: TaxSettings = Field(default=TaxSettings(), description="how SAP is told the tax")
    materials: Materials = Field(default=Materials(), description="materials for what is no goods")
    sold_to: SoldTo = Field(default=SoldTo(), description="which customer an order is for")
    texts: Texts = Field(default=Texts(), description="ids of the order's texts")
    blocks: Blocks = Field(default=Blocks(), description="codes for holds and cancellations")
    partner: NewPartner = Field(default=NewPartner(), description="how customers become business partners")
    reads: ReadsSettings = Field(default=ReadsSettings(), description="what is read from it")
    reference_prefix: Annotated[str, StringConstraints(max_length=15)] = Field(
        default="", description="put before the shop's order number in PurchaseOrderByCustomer"
    )
    own_numbers: bool = Field(
        default=False,
        description="whether the shop's number is SAP's too: the order type needs an external number range",
    )
    ship_to: Literal["text", "master"] = Field(
        default="text", description="text: the address goes as `texts.ship_to`; master: SAP's own data decide"
    )
    credits: Literal["park", "payment"] = Field(
        default="park",
        description="orders paid with gift cards, credit or points: parked; or ordered whole, these being payments",
    )
    line_id_field: Literal["PurchaseOrderByShipToParty", "MaterialByCustomer", ""] = Field(
        default="PurchaseOrderByShipToParty", description="the item's field that keeps our line id; empty: none"
    )
    check: Literal["sums", "net", "none"] = Field(
        default="sums",
        description="what of SAP's own sums is compared after an order is made: net and tax, net alone, or nothing",
    )
    passing: tuple[str, ...] = Field(
        default=("being processed", "is locked", "currently locked", "locked by"),
        description="message codes, or words of a message, that tell of a lock: tried again later",
    )

    @model_validator(mode="after")
    def _whole(self) -> SapS4Settings:
        """What the flows need is there."""
        if "orders" in self.flows:
            self._orders()
        wanted = (("cancellations", "rejection"), ("holds", "hold"))
        missing = [f"blocks.{name}" for flow, name in wanted if flow in self.flows and not getattr(self.blocks, name)]
        if missing:
            raise ValueError(f"{', '.join(missing)} is needed for that flow")
        if self.auth.scheme == "certificate" and not self.client_certificate:
            raise ValueError("auth by certificate needs client_certificate")
        return self

    def _orders(self) -> None:
        if self.sales is None or self.conditions is None:
            raise ValueError("orders need sales and conditions")
        if self.ship_to == "text" and not self.texts.ship_to:
            raise ValueError("texts.ship_to is needed for shipping addresses; or set ship_to to master")
        if self.check == "sums" and not self.conditions.tax:
            raise ValueError("conditions.tax is needed to compare the tax; or set check to net")
        if self.taxes.told in {"rate", "amount"} and not self.conditions.tax:
            raise ValueError("conditions.tax is needed to tell a rate or an amount")
