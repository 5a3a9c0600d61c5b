"""Which customer of SAP's an order is for, and every text about a person in it."""

from __future__ import annotations

from crossdock.contract.lookups import Lookups
from crossdock.erp.sap_s4.client import SapClient
from crossdock.erp.sap_s4.mapping import odata
from crossdock.erp.sap_s4.mapping.customers import external_id
from crossdock.erp.sap_s4.settings import SapS4Settings
from crossdock.errors import MappingError, NotReady, Rejected
from crossdock.model.order import Order

SERVICE = "API_BUSINESS_PARTNER"


def sold_to(order: Order, settings: SapS4Settings, lookups: Lookups, client: SapClient) -> str:
    """The customer's number. Raises NotReady where the business partner is to come by the flow customers."""
    fixed = known(order, settings, lookups)
    if fixed is not None:
        return fixed
    buyer = order.buyer
    reference = external_id(buyer.id, order.website, buyer.email, settings.sold_to)
    number = customer_of(client, reference)
    if number:
        return number
    if "customers" in settings.flows:
        raise NotReady("SAP has no customer for the shop's customer (yet)")
    raise Rejected("SAP has no customer for the shop's customer: see sold_to")


def known(order: Order, settings: SapS4Settings, lookups: Lookups) -> str | None:
    """The number, where SAP need not be asked; None where it must be. Raises MappingError, MissingEntry."""
    if order.buyer.id and (found := lookups.find("customers", order.buyer.id)) is not None:
        return found
    if settings.sold_to.ask and (order.buyer.id or not settings.sold_to.number):
        return None
    if not settings.sold_to.number:
        raise MappingError("buyer", "there is no sold_to.number for it")
    return settings.sold_to.number


def customer_of(client: SapClient, reference: str) -> str:
    """The number of the customer with our reference; "" where there is none. Raises Rejected for several."""
    query = (
        ("$filter", f"BusinessPartnerIDByExtSystem eq {odata.text(reference)}"),
        ("$select", "BusinessPartner,Customer"),
        ("$top", "2"),
    )
    found = client.rows(SERVICE, "A_BusinessPartner", query).rows
    if len(found) > 1:
        raise Rejected("several business partners have our reference of this customer")
    return odata.word(found[0], "Customer") if found else ""
