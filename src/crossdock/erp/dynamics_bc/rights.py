"""What the application must be permitted, asked by one row of each set."""

from __future__ import annotations

from functools import partial

from crossdock.contract.findings import Asked, Duties
from crossdock.erp.dynamics_bc.client import BcClient
from crossdock.erp.dynamics_bc.directory import Directory
from crossdock.transport.odata import Query

WHERE = "Microsoft Entra Applications in Business Central > the application > User Permission Sets"
SALES, PEOPLE = "D365 SALES DOC, EDIT", frozenset({"customers", "new_customers"})
CUSTOMERS, ITEMS = "D365 CUSTOMER, EDIT", "D365 ITEM, VIEW"


def questions(client: BcClient, directory: Directory, duties: Duties) -> list[Asked]:
    """By the flows that are written into it; what is read from it is tried by reading."""

    def page(name: str) -> object:
        return client.page(directory.path(name), Query(size=1))

    def one(right: str, flow: str, name: str) -> Asked:
        return Asked(right=right, for_what=flow, ask=partial(page, name))

    found: list[Asked] = []
    if "orders" in duties.takes:
        found += [
            one(SALES, "orders", "salesOrders"),
            one(ITEMS, "orders", "items"),
            one(CUSTOMERS, "orders", "customers"),
        ]
    if duties.takes & PEOPLE:
        found.append(one(CUSTOMERS, "customers", "customers"))
    return found
