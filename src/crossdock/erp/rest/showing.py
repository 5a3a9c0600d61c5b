"""What an answer shows of an order or a customer, in the words of the body that would be sent. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from crossdock.contract.beside import in_our_order
from crossdock.contract.shadow import Shown
from crossdock.erp.rest.answers import as_id, search
from crossdock.erp.rest.lookup import STORE_ID, Entry, Wanted, entries
from crossdock.erp.rest.settings import AnswerSettings
from crossdock.erp.rest.shaping import put_in
from crossdock.model.customer import CustomerChange

# our own words to the ERP, and what moves on by itself after it was sent
PASSING = frozenset({"idempotency_key", "payload_version", "status", "state", "updated_at", "changed_at", "new"})
REFERENCE = "reference || metadata.magento_customer_id"
EMAIL = "email || customer.email"


def shown(data: Any, wanted: Wanted, answers: AnswerSettings, body: Mapping[str, Any]) -> Shown | None:
    """Of a find's answer; under whatever key, by whomever it was put there. Raises Misconfigured."""
    found = [one for one in entries(data, wanted, answers) if _has_number(one, wanted)]
    if not found:
        return None
    entry = found[0]
    return Shown(
        ours=lasting(body),
        theirs=_in_our_words(entry, answers.shows),
        number=as_id(search(answers.number_field, entry)) or as_id(search(answers.id_field, entry)),
        times=len(found),
    )


def unseen(body: Mapping[str, Any]) -> Shown:
    """Of what this ERP cannot be asked for."""
    return Shown(ours=lasting(body), theirs={})


def lasting(body: Mapping[str, Any]) -> dict[str, Any]:
    """What of a body should stand in the ERP as it was sent."""
    return {name: value for name, value in body.items() if name not in PASSING}


def shown_customer(data: Any, change: CustomerChange, answers: AnswerSettings, body: Mapping[str, Any]) -> Shown | None:
    """Of what `paths.show_customer` lists. Addresses are told apart by what is in them: a number is each side's own.

    Raises Misconfigured.
    """
    wanted = Wanted(key="", field=f"{answers.customer_field} || {REFERENCE} || {EMAIL}", reference=change.email)
    found = [one for one in entries(data, wanted, answers) if _is_them(one, change, answers)]
    if not found:
        return None
    ours, theirs = lasting_of_customer(body), _in_our_words(found[0], answers.shows_customer)
    there = theirs.get("addresses")
    if isinstance(there, list):
        theirs["addresses"] = in_our_order(ours["addresses"], [one for one in there if not one.get("removed")])
    number = as_id(search(answers.customer_field, found[0]))
    return Shown(ours=ours, theirs=theirs, number=number, times=len(found))


def lasting_of_customer(body: Mapping[str, Any]) -> dict[str, Any]:
    """The same of a customer; a number that we do not know yet is no claim that there is none."""
    kept = {name: value for name, value in lasting(body).items() if name != "customer_number" or value}
    addresses = [
        {name: value for name, value in one.items() if name != "number"}
        for one in body.get("addresses") or ()
        if not one.get("removed")
    ]
    return kept | {"addresses": addresses}


def _is_them(entry: Entry, change: CustomerChange, answers: AnswerSettings) -> bool:
    """By the ERP's number, else by the store's, else by e-mail address and website: by the first that both have."""
    number, reference = as_id(search(answers.customer_field, entry)), as_id(search(REFERENCE, entry))
    if change.number and number:
        return number == change.number
    if change.id and reference:
        return reference == change.id
    email, website = str(search(EMAIL, entry) or ""), str(search("website", entry) or "")
    return bool(change.email) and email.casefold() == change.email.casefold() and website in {"", change.website}


def _in_our_words(entry: Entry, shows: Mapping[str, str]) -> dict[str, Any]:
    theirs = dict(entry)
    for path, expression in shows.items():
        put_in(theirs, path.split("."), search(expression, entry))
    return theirs


def _has_number(entry: Entry, wanted: Wanted) -> bool:
    """Another store may use the same number: its own id tells, where the ERP keeps it."""
    store_id = as_id(search(STORE_ID, entry))
    return as_id(search(wanted.field, entry)) == wanted.reference and store_id in {"", wanted.store_id}


__all__ = ["lasting_of_customer", "shown", "shown_customer", "unseen"]
