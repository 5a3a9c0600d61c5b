"""What the communication user must be allowed, asked by one row of each entity set."""

from __future__ import annotations

from functools import partial

from crossdock.contract.findings import Asked, Duties
from crossdock.erp.sap_s4.changes import ITEMS
from crossdock.erp.sap_s4.client import SapClient
from crossdock.erp.sap_s4.customers import PARTNERS
from crossdock.erp.sap_s4.orders import ORDERS, SERVICE
from crossdock.erp.sap_s4.parties import SERVICE as BUSINESS_PARTNERS
from crossdock.erp.sap_s4.settings import SapS4Settings

WHERE = "Communication Arrangements; on-premise PFCG: S_SERVICE for the service, and V_VBAK_VKO for the sales area"
SALES = "SAP_COM_0109 (API_SALES_ORDER_SRV)"
PARTNER = "SAP_COM_0008 (API_BUSINESS_PARTNER)"
PEOPLE = frozenset({"customers", "new_customers"})


def questions(client: SapClient, settings: SapS4Settings, duties: Duties) -> list[Asked]:
    """By the flows that are written into it; what is read from it is tried by reading."""

    def one(right: str, flow: str, service: str, entity_set: str, key: str) -> Asked:
        query = (("$top", "1"), ("$select", key))
        return Asked(right=right, for_what=flow, ask=partial(client.rows, service, entity_set, query))

    found = [one(SALES, flow, SERVICE, ORDERS, "SalesOrder") for flow in sorted(duties.takes & {"orders", "holds"})]
    if "cancellations" in duties.takes:
        found.append(one(SALES, "cancellations", SERVICE, ITEMS, "SalesOrder"))
    if "orders" in duties.takes and settings.sold_to.ask:
        found.append(one(PARTNER, "whom an order is for (sold_to.ask)", BUSINESS_PARTNERS, PARTNERS, "BusinessPartner"))
    if duties.takes & PEOPLE:
        found.append(one(PARTNER, "customers", BUSINESS_PARTNERS, PARTNERS, "BusinessPartner"))
    return found
