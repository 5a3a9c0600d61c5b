"""What Tryton's user must be allowed, asked by a search for nothing in each model."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from types import MappingProxyType

from crossdock.contract.findings import Asked, Duties
from crossdock.erp.tryton.client import Query, TrytonClient
from crossdock.erp.tryton.directory import Directory

WHERE = "Administration > Users > Groups: the groups of the user whose key or password we have"
PEOPLE = ("party.party", "party.address", "party.contact_mechanism")
MODELS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "orders": ("sale.sale", "sale.line", "party.party", "party.address", "product.product", "account.tax"),
        "cancellations": ("sale.sale",),
        "refunds": ("sale.sale", "account.invoice"),
        "customers": PEOPLE,
        "new_customers": PEOPLE,
        "erasures": PEOPLE,
    }
)
GROUPS: Mapping[str, str] = MappingProxyType({"sale": "Sales", "party": "Party Administration", "account": "Account"})


def questions(client: TrytonClient, directory: Directory, duties: Duties) -> list[Asked]:
    """By the flows that are written into it; what is read from it is tried by reading."""
    return [
        Asked(right=right(model), for_what=flow, ask=partial(_nothing, client, directory, model))
        for flow in sorted(duties.takes)
        for model in MODELS.get(flow, ())
    ]


def right(model: str) -> str:
    """The group that has it as Tryton comes, and the model, for databases whose groups are other ones."""
    group = GROUPS.get(model.partition(".")[0])
    return f"to read and write {model}" + (f" (group {group})" if group else "")


def _nothing(client: TrytonClient, directory: Directory, model: str) -> object:
    query = Query(model=model, domain=(("id", "=", 0),), fields=("id",), limit=1)
    return client.about((), company=directory.company()).search(query)
