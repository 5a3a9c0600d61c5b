"""Customers: a person's word on a conflict, and the wish to be forgotten."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

import typer

from crossdock.cli.common import ConfigOption, complaints, person, plain, say, settings_or_exit, store_of
from crossdock.contract.message import Message
from crossdock.delivery.intake import arrival_of
from crossdock.delivery.store import DeadFilter
from crossdock.erasure import forget
from crossdock.flows import CUSTOMER_LOOKS, CUSTOMERS
from crossdock.flows.customers import subject_of
from crossdock.model.agreement import Side
from crossdock.storage.sql import SqlStore

app = typer.Typer(no_args_is_help=True, help="Customers: decide a conflict, carry an erasure on.")


@app.command()
def decide(
    store: Annotated[str, typer.Argument(help="The store's connection.")],
    customer: Annotated[str, typer.Argument(help="The customer's id at the store.")],
    erp: Annotated[str, typer.Argument(help="The ERP's connection.")],
    side: Annotated[str, typer.Option(help="Whose values stand where both have changed: store or erp.")],
    config: ConfigOption = None,
) -> None:
    """Say whose values stand; the other side is written by the next look, and what waited for this is resolved."""
    if side not in {"store", "erp"}:
        raise typer.BadParameter("is store or erp", param_hint="--side")
    chosen = Side.SOURCE if side == "store" else Side.TARGET
    with store_of(config) as book:
        if not book.side_with(store, subject_of(customer), erp, chosen, person(), datetime.now(UTC)):
            say(plain(f"{store} has no customer {customer} who is known to {erp}", "red"), to=complaints)
            raise typer.Exit(1)
        look_again(book, store, customer)
        resolved = _resolve(book, store, customer, erp, f"decided: what the {side} has stands")
    say(f"What the {side} has stands. {resolved} dead letters resolved; the customer is looked at again.")


@app.command()
def erase(
    subject: Annotated[str, typer.Option(help="The person's e-mail address.")], config: ConfigOption = None
) -> None:
    """Carry a person's wish to be forgotten to the other end, and destroy the keys of all that is kept about them."""
    settings = settings_or_exit(config)
    with store_of(config) as book:
        done = forget(book, settings, book.fingerprint_of(subject), person(), datetime.now(UTC))
    if not done.known:
        say("Nothing that is kept is about this person.")
        return
    carried = f"Carried to {', '.join(done.carried)}. " if done.carried else "No other end is known to have them. "
    gone = f": {', '.join(done.erased)}" if done.erased else " (they were erased before)"
    say(f"{carried}{len(done.erased)} subjects can never be read again{gone}")


def look_again(book: SqlStore, store: str, customer: str) -> None:
    """As if it had changed."""
    now = datetime.now(UTC)
    name = subject_of(customer)
    hint = Message(
        id=f"decided:{name}:{now.isoformat()}",
        source=store,
        flow=CUSTOMER_LOOKS.name,
        subject=name,
        occurred_at=now,
    )
    book.record([arrival_of(CUSTOMER_LOOKS, hint, "operator")], now)


def _resolve(book: SqlStore, store: str, customer: str, erp: str, why: str) -> int:
    waiting = [
        one.id
        for one in book.dead(DeadFilter(flow=CUSTOMERS.name, target=erp))
        if (one.source, one.subject, one.code) == (store, subject_of(customer), "parked")
    ]
    return book.resolve(waiting, person(), why, datetime.now(UTC)) if waiting else 0
