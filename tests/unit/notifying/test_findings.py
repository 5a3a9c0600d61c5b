"""What the doctor found, as causes: one for each check and subject, in our own words."""

from __future__ import annotations

from datetime import UTC, datetime

import msgspec

from crossdock.contract.findings import Check, Finding
from crossdock.doctor.certificates import TLS, UNENCRYPTED, Address, check_of
from crossdock.doctor.database import DISK
from crossdock.incidents.records import Incident, Kind, Seen, Severity
from crossdock.incidents.texts import summary
from crossdock.notifying import findings
from crossdock.operations.doctor import CHECKS, look_by_schedule
from tests.unit.notifying.desks import Tower

NOW = datetime(2026, 11, 26, 12, 0, tzinfo=UTC)
SAID = "mail.rossi.example is not to be trusted: Rossi's own"


def seen(*found: Finding) -> Seen:
    return findings.seen(found, CHECKS, "crossdock", NOW)


def of(check: Check, subject: str, level: str) -> Finding:
    made = {"ok": check.ok(SAID), "by hand": check.look_by_hand(SAID, "look")}
    made |= {name: getattr(check, name)(SAID, "mend") for name in ("warning", "error", "unseen")}
    return msgspec.structs.replace(made[level], subject=subject)


def test_one_for_each_check_and_subject_as_bad_as_the_worst_of_it() -> None:
    told = [of(TLS, "store", level) for level in ("ok", "warning", "error", "unseen")]
    found = seen(*told, of(TLS, "erp", "warning"), of(DISK, "crossdock", "error"))
    assert [(one.code, one.connection, one.severity, one.count) for one in found.sights] == [
        ("tls", "store", Severity.ERROR, 2),
        ("tls", "erp", Severity.WARNING, 1),
        ("disk", "", Severity.ERROR, 1),
    ]
    assert len({one.key for one in found.sights}) == 3
    assert {(one.kind, one.owner) for one in found.sights} == {(Kind.DOCTOR, "devops")}
    assert found.unseen == frozenset()


def test_what_could_not_be_looked_at_is_not_over_and_what_only_a_person_can_see_is_nothing() -> None:
    (bad,) = seen(of(TLS, "store", "error")).sights
    for levels in (["unseen"], ["ok", "unseen"]):
        found = seen(*[of(TLS, "store", level) for level in levels])
        assert found == Seen(unseen=frozenset({bad.key}))
    assert seen(of(TLS, "store", "ok"), of(DISK, "crossdock", "by hand")) == Seen()


def test_it_is_told_in_our_own_words_alone() -> None:
    """What a finding says may come from another system."""
    (one,) = seen(of(TLS, "store", "error")).sights
    assert summary(one) == "a certificate that ends soon, or is not to be trusted (store)"
    kept = msgspec.json.encode(Incident(sight=one, first_at=NOW, last_at=NOW)).decode()
    assert "rossi" not in kept.lower()
    assert one.cli == "crossdock doctor --only tls"


def test_what_comes_with_time_is_looked_at_and_nothing_else(at: Tower) -> None:
    report = look_by_schedule(at.desk)
    looked = {one.check for one in report.findings}
    assert {"database-clock", "disk", "api-tokens", "magento-clock"} <= looked
    assert looked <= {name for name, check in CHECKS.items() if check.told_as}
    assert looked.isdisjoint({"connection", "mapping", "magento-rights", "master-key", "backlog", "dead-letters"})


def test_that_an_address_has_no_tls_does_not_come_with_time() -> None:
    made = {name: Address(where="x", scheme=name, host="erp", port=1) for name in ("http", "amqp", "https", "amqps")}
    assert {name: check_of(one) for name, one in made.items()} == {
        "http": UNENCRYPTED,
        "amqp": UNENCRYPTED,
        "https": TLS,
        "amqps": TLS,
    }
    assert not UNENCRYPTED.told_as
