"""Settings of a connection to Oracle Fusion Cloud SCM.

Names and codes that Oracle's public pages do not show are settings with a default; README.md says which.
"""

from __future__ import annotations

from string import Formatter
from typing import Annotated, Literal

from pydantic import Field, field_validator, model_validator

from crossdock.transport.connection import (
    Address,
    BasicLogin,
    BearerLogin,
    ConnectionSettings,
    OAuthLogin,
    Strict,
    refuse_plain,
)

FlowName = Literal["orders", "cancellations", "holds"]
READS = ("inventory", "products", "prices")
MOST = 499  # rows of a page: with 500 and more a third party saw wrong totals
PLACES = frozenset({"customer", "group", "website", "store", "country", "region", "postcode"})
Login = Annotated[BasicLogin | OAuthLogin | BearerLogin, Field(discriminator="scheme")]


class CustomerSettings(Strict):
    """Who buys: Oracle makes no customer, account or site by itself, so each order names what is there already.

    A lookup table of the role comes first (`buying_parties`, `bill_to_accounts`, `bill_to_site_uses`,
    `ship_to_parties`, `ship_to_sites`); where there is no such table, the fixed value.
    """

    lookup_by: str = Field(
        default="{customer}",
        min_length=1,
        description="what is looked up: {customer} (its id, `guest` for a guest), {group}, {website}, {store}, "
        "{country}, {region}, {postcode}; the last three of the address that it is about",
    )
    buyer: str = Field(default="", description="BuyingPartyNumber, where there is no table `buying_parties`")
    account: str = Field(
        default="", description="billToCustomer.AccountNumber, where there is no table `bill_to_accounts`"
    )
    bill_site_use: str = Field(
        default="",
        pattern=r"^\d*$",
        description="billToCustomer.SiteUseId, where there is no table `bill_to_site_uses`",
    )
    ship_party: str = Field(
        default="", pattern=r"^\d*$", description="shipToCustomer.PartyId, where there is no table `ship_to_parties`"
    )
    ship_site: str = Field(
        default="", pattern=r"^\d*$", description="shipToCustomer.SiteId, where there is no table `ship_to_sites`"
    )

    @field_validator("lookup_by")
    @classmethod
    def _known_places(cls, value: str) -> str:
        named = {name for _, name, _, _ in Formatter().parse(value) if name is not None}
        if unknown := named - PLACES:
            raise ValueError(f"knows no {{{min(unknown)}}}")
        return value


class ProductSettings(Strict):
    """Item numbers for what is no goods of the shop's. An order that needs one that is "" is parked."""

    shipping: str = Field(default="", description="item for shipping")
    fpt: str = Field(default="", description="item for fixed product taxes")
    fee: str = Field(default="", description="item for fees: gift wrapping, surcharges")
    credit: str = Field(default="", description="item for gift cards, store credit and reward points: a price below 0")
    rounding: str = Field(default="", description="item for rounding lines")


class ChargeSettings(Strict):
    """Codes of a line's charge and of its price elements. A component whose code is "" is left out."""

    definition: str = Field(default="QP_SALE_PRICE", description="ChargeDefinitionCode")
    charge_type: str = Field(default="ORA_SALE", description="ChargeTypeCode")
    subtype: str = Field(default="ORA_PRICE", description="ChargeSubtypeCode")
    price_type: str = Field(default="ONE_TIME", description="PriceTypeCode")
    list_price: str = Field(default="QP_LIST_PRICE", description="PriceElementCode of the price before discount")
    discount: str = Field(default="QP_DISCOUNT_ADJ", description="PriceElementCode of the discount")
    net: str = Field(default="QP_NET_PRICE", min_length=1, description="PriceElementCode of the net price")
    tax: str = Field(default="QP_EXCLUSIVE_TAX", min_length=1, description="PriceElementCode of the tax")
    gross: str = Field(default="QP_NET_PRICE_PLUS_TAX", description="PriceElementCode of net price and tax together")
    price_decimals: int = Field(default=6, ge=2, le=10, description="decimals of a price for one piece")


class TotalSettings(Strict):
    """What Oracle calls its totals of an order. Each that is named must be there and be the order's to the cent."""

    net: str = Field(default="QP_TOTAL_NET_PRICE", description="TotalCode of the net amount; empty: not compared")
    tax: str = Field(default="QP_TOTAL_TAX", description="TotalCode of the tax; empty: not compared")
    gross: str = Field(default="QP_TOTAL_PAY_NOW", description="TotalCode of the amount with tax; empty: not compared")


class HoldSettings(Strict):
    """How an order is held and released."""

    code: str = Field(default="", description="HoldCode that is applied and released")
    release_reason: str = Field(default="", description="HoldReleaseReasonCode")


class CancelSettings(Strict):
    """How an order is cancelled: all its lines are set to a quantity of 0."""

    reason: str = Field(default="", description="CancelReason of each line")
    submit: bool = Field(default=True, description="whether the change is submitted with the same request")


class ReadSettings(Strict):
    """What all that is read has in common."""

    page_size: int = Field(default=MOST, ge=1, le=MOST, description="rows asked for at a time")
    interval_s: float = Field(
        default=3600, ge=0, description="seconds between two scans where no schedule says when; 0: only by schedules"
    )


class LevelSettings(ReadSettings):
    """Stock levels: balances have no change date, so each scan is whole."""

    organizations: tuple[str, ...] = Field(min_length=1, description="codes of the inventory organizations")
    summary_level: str = Field(
        default="", description="SummaryLevel of the balances that are added up; empty: there is but one"
    )
    quantity_field: str = Field(default="PrimaryQuantity", description="the balance's field with the quantity")
    empty_is_zero: bool = Field(
        default=False,
        description="whether an organization without any balance at all is believed, not taken for a lack of rights",
    )
    item_key: str = Field(default="ItemId", description="the number of an item in itemsV2: pages go by it")
    balance_key: str = Field(default="InventoryItemId", description="the same number in inventoryOnhandBalances")


class CatalogSettings(ReadSettings):
    """Items."""

    organization: str = Field(min_length=1, description="code of the organization whose items are read (the master)")
    fields: dict[str, str] = Field(
        default={"name": "ItemDescription"}, description="the shop's attribute code -> field of itemsV2"
    )
    status_field: str = Field(default="", description="field that says whether it is sold; empty: no status is told")
    enabled: tuple[str, ...] = Field(default=("Active", "true"), description="its values for what is sold")
    item_key: str = Field(default="ItemId", description="the number of an item: pages go by it")
    change_field: str = Field(
        default="LastUpdateDateTime", description="when an item was last changed; empty: each scan is whole"
    )
    overlap_s: int = Field(
        default=3600,
        ge=0,
        description="seconds that a scan begins behind the beginning of the one before it: longer than an import takes",
    )


class PriceSettings(ReadSettings):
    """One price list: each scan is whole."""

    price_list: int = Field(gt=0, description="PriceListId")
    scope: str = Field(min_length=1, description="the name of the scope that they are prices of, as the route has it")
    currency: str = Field(pattern=r"^[A-Z]{3}$", description="the price list's currency")
    tax: Literal["excluded", "included", ""] = Field(default="excluded", description="what is said of them")
    item_field: str = Field(default="Item", description="field of a price list's item with the item number")
    charge: str = Field(default="QP_SALE_PRICE", description="PricingChargeDefinitionCode of the charge that is read")
    price_field: str = Field(default="BasePrice", description="field of the charge with the price")


class ReadsSettings(Strict):
    """What is read from it."""

    inventory: LevelSettings | None = Field(default=None, description="on-hand balances by item and organization")
    products: CatalogSettings | None = Field(default=None, description="items: their texts, whether they are sold")
    prices: PriceSettings | None = Field(default=None, description="prices of one price list")

    def asked(self) -> dict[str, ReadSettings]:
        """By flow, those that there are."""
        return {flow: one for flow in READS if (one := getattr(self, flow)) is not None}


class FusionSettings(ConnectionSettings):
    """One Oracle Fusion Cloud environment."""

    kind: Literal["oracle_fusion"] = Field(default="oracle_fusion", description="the kind of connection")
    url: Address = Field(description="the environment's address, like https://example.fa.ocs.oraclecloud.com")
    resources: str = Field(
        default="/fscmRestApi/resources/11.13.18.05", pattern=r"^/.+[^/]$", description="where its resources begin"
    )
    framework_version: int = Field(
        default=4, ge=2, le=99, description="REST-Framework-Version; below 2 the queries mean something else"
    )
    auth: Login = Field(description="how Oracle knows us; oauth2: a confidential application of the identity domain")
    flows: frozenset[FlowName] = Field(
        default=frozenset({"orders"}), min_length=1, description="what is sent to it, and nothing else"
    )
    reads: ReadsSettings = Field(default=ReadsSettings(), description="what is read from it, by flow, and how")
    source_system: str = Field(
        pattern=r"^[A-Za-z0-9_.-]+$", description="SourceTransactionSystem: a source system that Oracle knows"
    )
    reference_prefix: str = Field(
        default="",
        pattern=r"^[A-Za-z0-9_.-]{0,20}$",
        description="put before the order number to make SourceTransactionId; needed where two shops share numbers",
    )
    key_field: Literal["Comments", ""] = Field(
        default="Comments",
        description="field of the order whose last line holds our key; empty: source system and id alone name it",
    )
    business_unit: str = Field(min_length=1, description="BusinessUnitName, where there is no table `business_units`")
    transaction_type: str = Field(default="", description="TransactionTypeCode; empty: none is named")
    warehouse: str = Field(default="", description="RequestedFulfillmentOrganizationCode; empty: none is named")
    payment_terms: str = Field(default="", description="PaymentTerms, where there is no table `payment_terms`")
    unit: str = Field(default="Ea", min_length=1, description="OrderedUOMCode, where there is no table `units` by SKU")
    tax_field: str = Field(default="TaxClassificationCode", description="field of a line for the tax code")
    tax_code: str = Field(default="", description="the tax code, where there is no table `tax_codes`; empty: none")
    address_in: Literal["", "ShippingInstructions"] = Field(
        default="", description="field that the delivery address is written into as text; empty: none"
    )
    freeze_tax: bool = Field(default=True, description="FreezeTaxFlag: whether the shop's tax is kept as it is")
    submit: bool = Field(default=True, description="whether an order is submitted, or left as a draft")
    customer: CustomerSettings = Field(default=CustomerSettings(), description="who buys, and where it goes")
    products: ProductSettings = Field(default=ProductSettings(), description="items for what is no goods")
    charges: ChargeSettings = Field(default=ChargeSettings(), description="codes of prices")
    totals: TotalSettings = Field(default=TotalSettings(), description="codes of an order's totals")
    hold: HoldSettings = Field(default=HoldSettings(), description="how an order is held")
    cancel: CancelSettings = Field(default=CancelSettings(), description="how an order is cancelled")
    settling_s: float = Field(
        default=300, ge=0, description="seconds after which a request that we gave up on can no longer take effect"
    )

    @model_validator(mode="after")
    def _whole(self) -> FusionSettings:
        refuse_plain(self.url, allowed=self.allow_plain_http)
        if "holds" in self.flows and not (self.hold.code and self.hold.release_reason):
            raise ValueError("flows names holds: set hold.code and hold.release_reason")
        if "cancellations" in self.flows and not self.cancel.reason:
            raise ValueError("flows names cancellations: set cancel.reason")
        return self
