"""What the stand-in store says of itself: its views, modules, and the columns that its lists can be filtered by."""

from __future__ import annotations

CODES = frozenset({"default", "all", "us"})
URL = "http://127.0.0.1/"
VIEWS = [
    {"id": 1, "code": "default", "name": "Default Store View", "website_id": 1, "store_group_id": 1, "is_active": 1},
    {"id": 2, "code": "us", "name": "US View", "website_id": 1, "store_group_id": 1, "is_active": 1},
    {"id": 0, "code": "admin", "name": "Admin", "website_id": 0, "store_group_id": 0, "is_active": 1},
]
WEBSITES = [
    {"id": 0, "code": "admin", "name": "Admin", "default_group_id": 0},
    {"id": 1, "code": "base", "name": "Main Website", "default_group_id": 1},
]
GROUPS = [
    {"id": 0, "website_id": 0, "root_category_id": 0, "default_store_id": 0, "name": "Default", "code": "default"},
    {
        "id": 1,
        "website_id": 1,
        "root_category_id": 2,
        "default_store_id": 1,
        "name": "Main Website Store",
        "code": "main_website_store",
    },
]
CONFIGS = [
    {
        "id": number,
        "code": code,
        "website_id": 1,
        "locale": "en_US",
        "base_currency_code": "EUR",
        "default_display_currency_code": currency,
        "timezone": "Europe/Rome",
        "weight_unit": "lbs",
    }
    | {
        f"{secure}{name}": URL + path
        for secure in ("", "secure_")
        for name, path in {
            "base_url": "",
            "base_link_url": "",
            "base_static_url": "static/version1/",
            "base_media_url": "media/",
        }.items()
    }
    for number, code, currency in ((1, "default", "EUR"), (2, "us", "USD"))
]
CUSTOMER_GROUPS = [
    {"id": number, "code": code, "tax_class_id": 3, "tax_class_name": "Retail Customer"}
    for number, code in enumerate(("NOT LOGGED IN", "General", "Wholesale", "Retailer"))
]
MODULES = [
    "Magento_Store",
    "Magento_Config",
    "Magento_Webapi",
    "Magento_Sales",
    "Magento_InventoryApi",
    "Magento_InventorySalesApi",
    "Magento_AsynchronousOperations",
    "Magento_WebapiAsync",
    "MageOS_AsyncEvents",
    "MageOS_CommonAsyncEvents",
]
ORDER_COLUMNS = {
    "entity_id",
    "increment_id",
    "state",
    "status",
    "store_id",
    "store_name",
    "created_at",
    "updated_at",
    "customer_id",
    "customer_email",
    "customer_firstname",
    "customer_lastname",
    "customer_group_id",
    "customer_is_guest",
    "ext_order_id",
    "ext_customer_id",
    "quote_id",
    "grand_total",
    "base_grand_total",
    "subtotal",
    "base_subtotal",
    "tax_amount",
    "base_tax_amount",
    "discount_amount",
    "coupon_code",
    "shipping_amount",
    "shipping_description",
    "total_paid",
    "base_total_paid",
    "total_due",
    "base_total_due",
    "total_refunded",
    "base_total_refunded",
    "order_currency_code",
    "base_currency_code",
    "is_virtual",
    "billing_address_id",
    "email_sent",
    "original_increment_id",
    "relation_parent_id",
    "relation_child_id",
    "edit_increment",
    "weight",
    "total_item_count",
    "total_qty_ordered",
    "hold_before_state",
    "hold_before_status",
    "protect_code",
    "remote_ip",
    "applied_rule_ids",
}
DOCUMENT_COLUMNS = {
    "entity_id",
    "increment_id",
    "order_id",
    "state",
    "store_id",
    "created_at",
    "updated_at",
    "grand_total",
    "base_grand_total",
    "order_currency_code",
    "base_currency_code",
    "billing_address_id",
    "shipping_address_id",
    "total_qty",
}
SUBSCRIPTION_COLUMNS = {"subscription_id", "event_name", "recipient_url", "status", "subscribed_at", "store_id"}
