"""What the integration's user must be allowed, asked by one row."""

from __future__ import annotations

from functools import partial

from crossdock.contract.findings import Asked, Duties
from crossdock.erp.oracle_fusion.client import FusionClient, Query
from crossdock.erp.oracle_fusion.sales import ORDERS

WHERE = "Security Console > Roles: a role with these privileges, given to the integration's user with its business unit"
RIGHT = "Order Entry Specialist's privileges on sales orders (Sales Orders for Order Hub: view, create, update)"
ONE = Query(limit=1, fields=("HeaderId",))


def questions(client: FusionClient, duties: Duties) -> list[Asked]:
    """By the flows that are written into it; what is read from it is tried by reading."""
    flows = sorted(duties.takes & {"orders", "holds", "cancellations"})
    return [Asked(right=RIGHT, for_what=flow, ask=partial(client.listed, ORDERS, ONE)) for flow in flows]
