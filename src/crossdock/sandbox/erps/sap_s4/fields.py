"""What the stand-in knows of SAP's entity sets: the fields that an integration like ours uses, with their forms.

Facts from the services' definitions. `s10` is a text of 10 characters at most, `u10` one that is kept in capitals, `n3`
a decimal with 3 places, `t` a time, `b` a truth; `!` before it: not creatable, not updatable. Any other field is
refused, as SAP refuses unknown ones.
"""

from __future__ import annotations

from collections.abc import Mapping

from crossdock.model.base import Record

Fields = Mapping[str, str]


class EntitySet(Record, frozen=True, kw_only=True):
    """`navs`: navigation -> the set it leads to. `etag`: rows have one, and a change must name it."""

    service: str
    keys: tuple[str, ...]
    fields: dict[str, str]
    navs: dict[str, str] = {}
    etag: bool = False
    creatable: bool = True


def _fields(text: str) -> dict[str, str]:
    return dict(pair.split(":") for pair in text.split())


SALES, PRODUCTS, STOCK = "API_SALES_ORDER_SRV", "API_PRODUCT_SRV", "API_MATERIAL_STOCK_SRV"
PRICES, PEOPLE = "API_SLSPRICINGCONDITIONRECORD_SRV", "API_BUSINESS_PARTNER"
ELEMENT = (
    "PricingProcedureStep:s3 PricingProcedureCounter:s3 ConditionType:s4 ConditionRateValue:n9 ConditionCurrency:s5 "
    "ConditionQuantity:n0 ConditionQuantityUnit:s3 ConditionAmount:!n3 ConditionIsForStatistics:!b "
    "ConditionInactiveReason:!s1"
)
SETS: Mapping[str, EntitySet] = {
    "A_SalesOrder": EntitySet(
        service=SALES,
        keys=("SalesOrder",),
        fields=_fields(
            "SalesOrder:s10 SalesOrderType:s4 SalesOrganization:s4 DistributionChannel:s2 OrganizationDivision:s2 "
            "SoldToParty:s10 PurchaseOrderByCustomer:s35 CustomerPurchaseOrderDate:t TransactionCurrency:s5 "
            "CustomerPaymentTerms:s4 ShippingCondition:s2 IncotermsClassification:s3 IncotermsLocation1:s70 "
            "DeliveryBlockReason:s2 HeaderBillingBlockReason:s2 TotalNetAmount:!n3 CreationDate:!t "
            "LastChangeDateTime:!t OverallSDDocumentRejectionSts:!s1 ExternalDocumentID:!s40"
        ),
        navs={
            "to_Item": "A_SalesOrderItem",
            "to_Partner": "A_SalesOrderHeaderPartner",
            "to_PricingElement": "A_SalesOrderHeaderPrElement",
            "to_Text": "A_SalesOrderText",
        },
        etag=True,
    ),
    "A_SalesOrderItem": EntitySet(
        service=SALES,
        keys=("SalesOrder", "SalesOrderItem"),
        fields=_fields(
            "SalesOrder:!s10 SalesOrderItem:s6 HigherLevelItem:s6 SalesOrderItemCategory:s4 SalesOrderItemText:s40 "
            "PurchaseOrderByCustomer:s35 PurchaseOrderByShipToParty:s35 Material:u40 MaterialByCustomer:u35 "
            "RequestedQuantity:n3 RequestedQuantityUnit:s3 ProductionPlant:s4 ProductTaxClassification1:s1 "
            "SalesDocumentRjcnReason:s2 NetAmount:!n3 DeliveryStatus:!s1"
        ),
        navs={"to_PricingElement": "A_SalesOrderItemPrElement"},
    ),
    "A_SalesOrderItemPrElement": EntitySet(
        service=SALES,
        keys=("SalesOrder", "SalesOrderItem", "PricingProcedureStep", "PricingProcedureCounter"),
        fields=_fields("SalesOrder:!s10 SalesOrderItem:!s6 " + ELEMENT),
        creatable=False,
    ),
    "A_SalesOrderHeaderPrElement": EntitySet(
        service=SALES,
        keys=("SalesOrder", "PricingProcedureStep", "PricingProcedureCounter"),
        fields=_fields("SalesOrder:!s10 " + ELEMENT),
        creatable=False,
    ),
    "A_SalesOrderHeaderPartner": EntitySet(
        service=SALES,
        keys=("SalesOrder", "PartnerFunction"),
        fields=_fields("SalesOrder:!s10 PartnerFunction:s2 Customer:s10 Supplier:s10"),
        creatable=False,
    ),
    "A_SalesOrderText": EntitySet(
        service=SALES,
        keys=("SalesOrder", "Language", "LongTextID"),
        fields=_fields("SalesOrder:!s10 Language:s2 LongTextID:s4 LongText:s100000"),
        creatable=False,
    ),
    "A_MatlStkInAcctMod": EntitySet(
        service=STOCK,
        keys=(
            *("Material", "Plant", "StorageLocation", "Batch", "Supplier", "Customer", "WBSElementInternalID"),
            *("SDDocument", "SDDocumentItem", "InventorySpecialStockType", "InventoryStockType"),
        ),
        fields=_fields(
            "Material:s40 Plant:s4 StorageLocation:s4 Batch:s10 Supplier:s10 Customer:s10 WBSElementInternalID:s24 "
            "SDDocument:s10 SDDocumentItem:s6 InventorySpecialStockType:s1 InventoryStockType:s2 "
            "MaterialBaseUnit:s3 MatlWrhsStkQtyInMatlBaseUnit:n14"
        ),
        creatable=False,
    ),
    "A_Product": EntitySet(
        service=PRODUCTS,
        keys=("Product",),
        fields=_fields(
            "Product:s40 ProductType:s4 CrossPlantStatus:s2 LastChangeDateTime:!t CreationDate:!t "
            "IsMarkedForDeletion:b ProductGroup:s9 BaseUnit:s3 NetWeight:n3 GrossWeight:n3"
            " WeightUnit:s3 ProductStandardID:s18"
        ),
        navs={"to_Description": "A_ProductDescription", "to_Plant": "A_ProductPlant"},
        etag=True,
    ),
    "A_ProductDescription": EntitySet(
        service=PRODUCTS,
        keys=("Product", "Language"),
        fields=_fields("Product:s40 Language:s2 ProductDescription:s40"),
    ),
    "A_ProductPlant": EntitySet(
        service=PRODUCTS,
        keys=("Product", "Plant"),
        fields=_fields("Product:s40 Plant:s4 ProfileCode:s2 IsMarkedForDeletion:b"),
    ),
    "A_SlsPrcgConditionRecord": EntitySet(
        service=PRICES,
        keys=("ConditionRecord",),
        fields=_fields(
            "ConditionRecord:s10 ConditionSequentialNumber:s2 ConditionTable:s3 ConditionApplication:s2 "
            "ConditionType:s4 ConditionValidityStartDate:t ConditionValidityEndDate:t ConditionCalculationType:s1 "
            "ConditionRateValue:n3 ConditionRateValueUnit:s5 ConditionQuantity:n0 ConditionQuantityUnit:s3 "
            "ConditionIsDeleted:b ConditionReleaseStatus:s1 LastChangeDateTime:t CreationDate:t"
        ),
        navs={"to_SlsPrcgCndnRecdValidity": "A_SlsPrcgCndnRecdValidity"},
        etag=True,
    ),
    "A_SlsPrcgCndnRecdValidity": EntitySet(
        service=PRICES,
        keys=("ConditionRecord", "ConditionValidityEndDate"),
        fields=_fields(
            "ConditionRecord:s10 ConditionValidityStartDate:t ConditionValidityEndDate:t ConditionApplication:s2 "
            "ConditionType:s4 ConditionReleaseStatus:s1 Material:s40 SalesOrganization:s4 DistributionChannel:s2 "
            "SoldToParty:s10 Customer:s10 CustomerGroup:s2 CustomerPriceGroup:s2 PriceListType:s2 Plant:s4 "
            "SalesDocument:s10 TransactionCurrency:s5 OrderQuantityUnit:s3"
        ),
        navs={"to_SlsPrcgConditionRecord": "A_SlsPrcgConditionRecord"},
        creatable=False,
    ),
    "A_BusinessPartner": EntitySet(
        service=PEOPLE,
        keys=("BusinessPartner",),
        fields=_fields(
            "BusinessPartner:s10 Customer:!s10 BusinessPartnerCategory:s1 BusinessPartnerGrouping:s4 "
            "CorrespondenceLanguage:s2 FirstName:s40 LastName:s40 OrganizationBPName1:s40 OrganizationBPName2:s40 "
            "LastChangeDate:!t LastChangeTime:!s20 CreationDate:!t BusinessPartnerIDByExtSystem:u20 "
            "BusinessPartnerIsBlocked:b IsMarkedForArchiving:b SearchTerm1:s20 BirthDate:t MiddleName:s40 ETag:!s26"
        ),
        navs={
            "to_BusinessPartnerAddress": "A_BusinessPartnerAddress",
            "to_BusinessPartnerRole": "A_BusinessPartnerRole",
            "to_BusinessPartnerTax": "A_BusinessPartnerTaxNumber",
        },
        etag=True,
    ),
    "A_BusinessPartnerAddress": EntitySet(
        service=PEOPLE,
        keys=("BusinessPartner", "AddressID"),
        fields=_fields(
            "BusinessPartner:s10 AddressID:s10 StreetName:s60 StreetPrefixName:s40 StreetSuffixName:s40 "
            "HouseNumber:s10 CityName:s40 PostalCode:s10 Country:s3 Region:s3 CareOfName:s40 Language:s2 "
            "AddressIDByExternalSystem:u20"
        ),
        navs={
            "to_EmailAddress": "A_AddressEmailAddress",
            "to_PhoneNumber": "A_AddressPhoneNumber",
        },
    ),
    "A_AddressEmailAddress": EntitySet(
        service=PEOPLE,
        keys=("AddressID", "Person", "OrdinalNumber"),
        fields=_fields("AddressID:s10 Person:s10 OrdinalNumber:s3 IsDefaultEmailAddress:b EmailAddress:s241"),
    ),
    "A_AddressPhoneNumber": EntitySet(
        service=PEOPLE,
        keys=("AddressID", "Person", "OrdinalNumber"),
        fields=_fields(
            "AddressID:s10 Person:s10 OrdinalNumber:s3 IsDefaultPhoneNumber:b PhoneNumber:s30 "
            "DestinationLocationCountry:s3"
        ),
    ),
    "A_BusinessPartnerRole": EntitySet(
        service=PEOPLE,
        keys=("BusinessPartner", "BusinessPartnerRole"),
        fields=_fields("BusinessPartner:s10 BusinessPartnerRole:s6"),
    ),
    "A_BusinessPartnerTaxNumber": EntitySet(
        service=PEOPLE,
        keys=("BusinessPartner", "BPTaxType"),
        fields=_fields("BusinessPartner:s10 BPTaxType:s4 BPTaxNumber:s20"),
    ),
}
