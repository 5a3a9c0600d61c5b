"""What people do in NetSuite: ship and bill a sales order."""

from __future__ import annotations

from typing import Any

from crossdock.sandbox.erps.netsuite.account import Account

PREFIXES = {"ItemShip": "IF", "CustInvc": "INV"}
LINKS = {"ItemShip": "ShipRcpt", "CustInvc": "OrdBill"}


def document(account: Account, number: str, kind: str, *, status: str = "C", ident: int = 0, **more: Any) -> str:
    """All of an order's lines in one item fulfilment or invoice; its number. A fulfilment has COGS lines too."""
    order = account.records.find("salesOrder", f"eid:MAG-{number}")
    assert order is not None
    ident = ident or int(account.tables.run("SELECT max(id) + 5000 AS id FROM transaction")[0]["id"])
    named = f"{PREFIXES[kind]}{ident}"
    told = {"createddate": account.stamp(), "lastmodifieddate": account.stamp()} | more
    account.tables.put("transaction", id=ident, tranid=named, type=kind, status=status, **told)
    for line in order["item"]["items"]:
        link(account, ident, line["line"], order, line, kind, cogs="F")
        if kind == "ItemShip":
            link(account, ident, line["line"] + 100, order, line, kind, cogs="T")
    return named


def link(account: Account, ident: int, nth: int, order: Any, line: Any, kind: str, *, cogs: str) -> None:
    quantity = -int(line["quantity"])
    item = int(line["item"]["id"])
    values = {"transaction": ident, "id": nth, "item": item, "quantity": quantity, "location": 1, "iscogs": cogs}
    account.tables.put("transactionline", **values)
    account.tables.put(
        "previoustransactionlinelink",
        previousdoc=int(order["id"]),
        previousline=line["line"],
        nextdoc=ident,
        nextline=nth,
        linktype=LINKS[kind],
    )
