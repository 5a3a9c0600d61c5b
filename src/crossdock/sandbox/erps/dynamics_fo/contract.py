"""The sets and fields of the OData interface that Crossdock uses, and the company that stands in."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from crossdock.sandbox.erps.odata import Refusal, Row

COMPANY = "usmf"
TOKEN_PATH = "/tenant/oauth2/v2.0/token"  # noqa: S105  an address
CLIENT, SECRET, TOKEN = "crossdock", "sandbox", "sandbox-token"
RATES = ("0", "4", "7", "8.25", "10", "19", "20", "22")
EXTRAS = {"shipping": "S-SHIP", "discount": "S-DISC", "fpt": "S-FPT", "fee": "S-FEE", "credit": "S-CRED"}
EXTRAS |= {"rounding": "S-ROUND"}
TEXT, NUMBER, YESNO = "text", "number", "yesno"
BLANKS: Mapping[str, Any] = {TEXT: "", NUMBER: 0, YESNO: "No"}
Fields = dict[str, str]


def fields(kind: str, *names: str) -> Fields:
    """Of one type."""
    return dict.fromkeys(names, kind)


ADDRESS = ("Street", "City", "ZipCode", "StateId", "CountryRegionId", "CountryRegionISOCode")
TAKEN: Mapping[str, Fields] = {
    "SalesOrderHeadersV2": fields(
        TEXT,
        *("dataAreaId", "SalesOrderNumber", "OrderingCustomerAccountNumber", "InvoiceCustomerAccountNumber"),
        *("CurrencyCode", "CustomersOrderReference", "SalesOrderName", "SalesTaxGroupCode", "PaymentTermsName"),
        *("DeliveryModeCode", "DefaultShippingSiteId", "DefaultShippingWarehouseId", "Email", "DeliveryAddressName"),
        *(f"DeliveryAddress{name}" for name in ADDRESS),
    )
    | fields(
        YESNO,
        *("ArePricesIncludingSalesTax", "IsDeliveryAddressOrderSpecific", "SkipCreateAutoCharges"),
        "IsSalesProcessingStopped",
    ),
    "SalesOrderLinesV2": fields(
        TEXT,
        *("dataAreaId", "SalesOrderNumber", "ItemNumber", "LineDescription", "CustomerRequisitionNumber"),
        *("SalesTaxGroupCode", "SalesTaxItemGroupCode", "ShippingSiteId", "ShippingWarehouseId"),
    )
    | fields(NUMBER, "OrderedSalesQuantity", "SalesPrice")
    | fields(YESNO, "SkipCreateAutoCharges"),
    "CustomersV3": fields(
        TEXT,
        *("dataAreaId", "CustomerAccount", "PartyType", "OrganizationName", "PersonFirstName", "PersonLastName"),
        *("CustomerGroupId", "SalesCurrencyCode", "PrimaryContactEmail", "PrimaryContactPhone", "TaxExemptNumber"),
        *("AddressStreet", "AddressCity", "AddressZipCode", "AddressCountryRegionId", "AddressCountryRegionISOCode"),
    ),
}
SHOWN: Mapping[str, Fields] = {
    "SalesOrderHeadersV2": TAKEN["SalesOrderHeadersV2"]
    | fields(TEXT, "SalesOrderStatus")
    | fields(YESNO, "AreTotalsCalculated")
    | fields(NUMBER, "OrderTotalAmount", "OrderTotalTaxAmount"),
    "SalesOrderLinesV2": TAKEN["SalesOrderLinesV2"]
    | fields(TEXT, "InventoryLotId")
    | fields(NUMBER, "LineAmount", "LineCreationSequenceNumber"),
    "CustomersV3": TAKEN["CustomersV3"] | fields(TEXT, "OnHoldStatus"),
    "ReleasedProductsV2": fields(
        TEXT, "dataAreaId", "ItemNumber", "SearchName", "ProductSearchName", "ProductLifecycleStateId"
    )
    | fields(NUMBER, "SalesPrice", "SalesPriceQuantity"),
    "WarehousesOnHandV2": fields(
        TEXT,
        *("dataAreaId", "ItemNumber", "InventorySiteId", "InventoryWarehouseId", "ProductConfigurationId"),
        *("ProductSizeId", "ProductColorId", "ProductStyleId", "ProductVersionId"),
    )
    | fields(NUMBER, "OnHandQuantity", "AvailableOnHandQuantity"),
}
KEYS: Mapping[str, tuple[str, ...]] = {
    "SalesOrderHeadersV2": ("dataAreaId", "SalesOrderNumber"),
    "SalesOrderLinesV2": ("dataAreaId", "InventoryLotId"),
    "CustomersV3": ("dataAreaId", "CustomerAccount"),
}


def checked(table: str, values: Any) -> Row:
    """The values of a write, each known and of its type. Raises Refusal."""
    if not isinstance(values, dict):
        raise Refusal(400, "", "Invalid Request Body")
    known = TAKEN[table]
    for name, value in values.items():
        if name not in known:
            raise Refusal(400, "", f"The property '{name}' does not exist on type 'Microsoft.Dynamics.{table}'.")
        number = isinstance(value, int | float | Decimal) and not isinstance(value, bool)
        right = {TEXT: isinstance(value, str), NUMBER: number, YESNO: value in ("Yes", "No")}[known[name]]
        if not right:
            raise Refusal(400, "", f"Cannot convert the value of '{name}'.")
    return dict(values)
