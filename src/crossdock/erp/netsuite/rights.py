"""What the role must be permitted, asked by queries for nothing and by a record that is not there."""

from __future__ import annotations

from functools import partial

from crossdock.contract.findings import Asked, Duties
from crossdock.erp.netsuite.client import NetsuiteClient

WHERE = "Setup > Users/Roles > Manage Roles > the integration's role > Permissions"
REST = "Setup > REST Web Services, and Transactions > Sales Order (create, edit)"
QUERIES = "Reports > SuiteAnalytics Workbook, and Transactions > Sales Order (view)"
CUSTOMERS = "Lists > Customers (create, edit)"
ITEMS = "Lists > Items (view)"
PEOPLE = frozenset({"customers", "new_customers"})
NOBODY = "0"


def questions(client: NetsuiteClient, duties: Duties) -> list[Asked]:
    """By the flows that are written into it; what is read from it is tried by reading."""

    def query(right: str, flow: str, table: str) -> Asked:
        return Asked(right=right, for_what=flow, ask=partial(client.query, f"SELECT id FROM {table} WHERE id = 0", 1))  # noqa: S608  names of our own

    found: list[Asked] = []
    if "orders" in duties.takes:
        found += [
            query(QUERIES, "orders", "transaction"),
            query(ITEMS, "orders", "item"),
            query(CUSTOMERS, "orders", "customer"),
            Asked(right=REST, for_what="orders", ask=partial(client.get, "salesOrder", NOBODY)),
        ]
    if "cancellations" in duties.takes:
        found.append(Asked(right=REST, for_what="cancellations", ask=partial(client.get, "salesOrder", NOBODY)))
    if duties.takes & PEOPLE:
        found.append(Asked(right=CUSTOMERS, for_what="customers", ask=partial(client.get, "customer", NOBODY)))
    return found
