"""What the user of the Service Layer must be allowed, asked by one row."""

from __future__ import annotations

from functools import partial

from crossdock.contract.findings import Asked, Duties
from crossdock.erp.sap_b1.client import B1Client
from crossdock.erp.sap_b1.orders import ORDERS

WHERE = "Administration > System Initialization > Authorizations > General Authorizations"
SALES = "Sales - A/R > Sales Order, and a licence for the Service Layer"
ONE = (("$top", "1"), ("$select", "DocEntry"))


def questions(client: B1Client, duties: Duties) -> list[Asked]:
    """By the flows that are written into it; what is read from it is tried by reading."""
    flows = sorted(duties.takes & {"orders", "cancellations"})
    return [Asked(right=SALES, for_what=flow, ask=partial(client.rows, ORDERS, ONE, 1)) for flow in flows]
