"""What the application's user must be allowed, asked by one row of each entity."""

from __future__ import annotations

from functools import partial

from crossdock.contract.findings import Asked, Duties
from crossdock.erp.dynamics_fo.client import FoClient
from crossdock.erp.dynamics_fo.settings import SetSettings
from crossdock.transport.odata import Query, eq

WHERE = "System administration > Security > the role of the user under Microsoft Entra applications"
PEOPLE = frozenset({"customers", "new_customers"})
NOBODY = "-"


def questions(client: FoClient, sets: SetSettings, duties: Duties) -> list[Asked]:
    """By the flows that are written into it; what is read from it is tried by reading."""

    def one(flow: str, entity: str, field: str) -> Asked:
        query = Query(where=eq(field, NOBODY), select=(field,))
        right = f"create, read, update, delete on the data entity {entity}"
        return Asked(right=right, for_what=flow, ask=partial(client.page, entity, query))

    found: list[Asked] = []
    if duties.takes & {"orders", "holds"}:
        found += [
            one("orders", sets.headers, "SalesOrderNumber"),
            one("orders", sets.lines, "SalesOrderNumber"),
        ]
    if duties.takes & {"orders", *PEOPLE}:
        found.append(one("customers", sets.customers, "CustomerAccount"))
    return found
