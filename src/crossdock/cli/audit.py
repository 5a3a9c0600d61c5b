"""The audit trail: prove it, take it out, forget a person in it."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from typing import Annotated

import msgspec
import typer

from crossdock.cli.common import ConfigOption, complaints, person, plain, say, store_of
from crossdock.storage.trail import Proof

NOBODY = "0 subjects: nothing that can still be read is about this person"
app = typer.Typer(no_args_is_help=True, help="The audit trail: verify, export, erase.")


@app.command()
def verify(
    config: ConfigOption = None,
    noted: Annotated[str, typer.Option(help="A last hash of before, noted elsewhere: is it still in the chain?")] = "",
) -> None:
    """Check the whole hash chain, past what was let go by age; exit code 1 names the first row that does not fit."""
    with store_of(config) as store:
        proof = store.audit_proof(_hash(noted))
    if proof.broken_at is not None:
        broken = f"row {proof.broken_at} does not fit the chain: it, or one before it, was changed or removed"
        say(plain(broken, "red"), to=complaints)
        raise typer.Exit(1)
    if noted and proof.noted_at is None:
        gone = ", unless it is among those let go by age" if proof.gone else ""
        say(
            plain(f"no row has the noted hash: the rows up to it were cut off or written anew{gone}", "red"),
            to=complaints,
        )
        raise typer.Exit(1)
    last = f"Last hash (note it elsewhere, for --noted): {proof.head}" if proof.rows else "Nothing happened yet."
    found = f" The noted hash is that of row {proof.noted_at}." if noted else ""
    say(f"{proof.rows} rows, unbroken{_from(proof)}.{found} {last}")


def _hash(noted: str) -> bytes:
    try:
        return bytes.fromhex(noted)
    except ValueError as error:
        raise typer.BadParameter("a hash is hexadecimal", param_hint="--noted") from error


def _from(proof: Proof) -> str:
    if not proof.gone:
        return " from the first one on"
    return (
        f" from row {proof.since} on; {proof.gone} older ones were let go by age, lately "
        f"{proof.removed_at:%Y-%m-%d %H:%M} UTC, and {proof.anchors} anchors hold their places"
    )


@app.command()
def export(
    config: ConfigOption = None,
    bodies: Annotated[bool, typer.Option(help="With requests and responses: personal data.")] = False,
) -> None:
    """Every row as JSON Lines on standard output; first the anchors of what was let go by age."""
    with store_of(config) as store:
        for row in store.audit_export(bodies=bodies):
            sys.stdout.write(msgspec.json.encode(row).decode() + "\n")


@app.command()
def erase(
    subject: Annotated[str, typer.Option(help="The person's e-mail address.")], config: ConfigOption = None
) -> None:
    """Destroy the keys of everything about a person; rows, hashes and the chain stay whole."""
    with store_of(config) as store:
        erased = store.erase(store.fingerprint_of(subject), person(), datetime.now(UTC))
    say(f"{len(erased)} subjects can never be read again: {', '.join(erased)}" if erased else NOBODY)
