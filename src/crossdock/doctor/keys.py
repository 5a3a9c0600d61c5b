"""Keys, tokens and secrets: do they open what is stored, and how old are they?"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta

from crossdock.contract.findings import Check, Finding, counted
from crossdock.model.base import Record
from crossdock.security.envelope import key_id
from crossdock.security.secrets import placed
from crossdock.security.tokens import KeptToken

MASTER_KEY = Check(
    name="master-key",
    title="The master key opens all that is stored",
    why="Bodies are encrypted under keys that the master key wraps: without it they are gone for ever.",
)
TOKENS = Check(
    name="api-tokens",
    title="No API token is old or about to end",
    why="A token that was copied somewhere works until it ends: rotate each within 90 days, and before it runs out.",
    told_as="API tokens that are old, or end soon",
)
SECRETS = Check(
    name="secrets",
    title="No secret of a connection is old",
    why="Tokens and passwords of stores and ERPs leak with time: rotate each within 90 days.",
    told_as="secrets that are old",
)
CHECKS = (MASTER_KEY, TOKENS, SECRETS)
ROTATE_AFTER = timedelta(days=90)
ENDS_SOON = timedelta(days=14)
ELSEWHERE = {"env": "the environment", "vault": "the vault", "aws-sm": "AWS Secrets Manager"}


class Wrapped(Record, frozen=True, kw_only=True):
    """How many stored keys begin how: `current`, `former` that the settings name, and `counts` by beginning."""

    current: bytes
    former: frozenset[bytes]
    counts: dict[bytes, int]


class Aged(Record, frozen=True, kw_only=True):
    """A secret's place, and when it was written; None where its place does not say."""

    setting: str
    scheme: str
    written_at: datetime | None = None


def master_key(wrapped: Wrapped) -> list[Finding]:
    """Pure."""
    known = {wrapped.current, *wrapped.former}
    lost = {head: count for head, count in wrapped.counts.items() if head not in known}
    left = sum(count for head, count in wrapped.counts.items() if head in wrapped.former)
    if lost:
        named = ", ".join(f"{count} under {key_id(head)}" for head, count in sorted(lost.items()))
        mend = "add that master key to security.old_master_keys (a backup of the settings has it)"
        return [MASTER_KEY.error(f"stored keys are wrapped under a master key that is not known here: {named}", mend)]
    if left:
        mend = "crossdock keys rotate"
        return [MASTER_KEY.warning(f"{counted(left, 'stored key')} still wrapped under a former master key", mend)]
    if wrapped.former:
        mend = "take security.old_master_keys out of the settings, and destroy those keys"
        return [MASTER_KEY.warning("former master keys are in the settings and nothing needs them any more", mend)]
    return [
        MASTER_KEY.ok(
            f"opens all that is stored: {counted(sum(wrapped.counts.values()), 'key')} ({key_id(wrapped.current)})"
        )
    ]


def tokens(kept: Iterable[KeptToken], now: datetime) -> list[Finding]:
    """Pure: of each name the newest counts."""
    newest: dict[str, KeptToken] = {}
    for one in kept:
        if one.state(now) == "good" and one.generation >= newest.get(one.name, one).generation:
            newest[one.name] = one
    told = [finding for one in newest.values() if (finding := _token(one, now)) is not None]
    return told or [TOKENS.ok(f"{counted(len(newest), 'API token')}, none older than {ROTATE_AFTER.days} days")]


def _token(one: KeptToken, now: datetime) -> Finding | None:
    mend = f"crossdock tokens rotate {one.name}"
    if one.expires_at is not None and one.expires_at - now < ENDS_SOON:
        return TOKENS.warning(f"token {one.name} ends on {one.expires_at:%Y-%m-%d}", mend)
    if now - one.created_at > ROTATE_AFTER:
        return TOKENS.warning(f"token {one.name} is {(now - one.created_at).days} days old", mend)
    return None


def aged(references: Iterable[tuple[str, str]]) -> list[Aged]:
    """When each secret was written, where its place tells: a file does. Raises OSError, ConfigurationError."""
    found = []
    for setting, ref in references:
        scheme, _, rest = ref.partition(":")
        at = datetime.fromtimestamp(placed(rest).stat().st_mtime, UTC) if scheme == "file" else None
        found.append(Aged(setting=setting, scheme=scheme, written_at=at))
    return found


def secrets(found: Sequence[Aged], now: datetime) -> list[Finding]:
    """Pure."""
    old = [
        SECRETS.warning(
            f"{one.setting} was written {(now - one.written_at).days} days ago",
            "make a new one at the other side, write it into the file; a credential of systemd needs a restart, any "
            "other file is read anew by itself (docs/secrets.md)",
        )
        for one in found
        if one.written_at is not None and now - one.written_at > ROTATE_AFTER
    ]
    untold = [one for one in found if one.written_at is None]
    told = old or ([SECRETS.ok(_young(found))] if len(untold) < len(found) else [])
    return told + ([_untold(untold)] if untold else [])


def _young(found: Sequence[Aged]) -> str:
    files = [one for one in found if one.written_at is not None]
    return f"{counted(len(files), 'secret')} in files, none older than {ROTATE_AFTER.days} days"


def _untold(untold: Sequence[Aged]) -> Finding:
    places = " and ".join(dict.fromkeys(_place(one, ELSEWHERE) for one in untold))
    names = ", ".join(one.setting for one in untold)
    mend = f"note when you make them, and rotate within {ROTATE_AFTER.days} days"
    return SECRETS.look_by_hand(f"how old they are is not told by {places}: {names}", mend)


def _place(one: Aged, words: Mapping[str, str]) -> str:
    return words.get(one.scheme, one.scheme)
