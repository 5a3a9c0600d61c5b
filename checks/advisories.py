"""Known vulnerabilities in what a user installs with us, by pip-audit.

    python -m checks.advisories         CROSSDOCK_REQUIRE_ADVISORIES=1 makes it fail where nobody can be asked

Two services are asked in turn, PyPI's and OSV's: both need the internet, and a mirror of PyPI answers the first one for
no package. Where neither tells anything this says so, loudly, and is no success: only the vulnerabilities of packages
that a service has answered for are known not to be there.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from checks.runtime import runtime

SERVICES = ("pypi", "osv")
SECONDS = 120
REQUIRED = "CROSSDOCK_REQUIRE_ADVISORIES"
# an advisory that does not touch us: its id, and why
ACCEPTED: Mapping[str, str] = {}
Ask = Callable[[str, Mapping[str, str]], Any]


class Told(NamedTuple):
    """What a service says. `asked_in_vain`: packages that it knows nothing of."""

    vulnerable: list[str]
    answered: int
    asked_in_vain: list[str]


def told_of(report: Any) -> Told:
    """pip-audit's JSON, as far as it concerns us. Pure."""
    rows = report["dependencies"]
    vulnerable = [
        f"{row['name']} {row['version']}: {one['id']}, repaired in {', '.join(one['fix_versions']) or 'no version yet'}"
        for row in rows
        for one in row.get("vulns", ())
        if one["id"] not in ACCEPTED
    ]
    return Told(
        vulnerable=vulnerable,
        answered=sum("skip_reason" not in row for row in rows),
        asked_in_vain=sorted(row["name"] for row in rows if "skip_reason" in row),
    )


def asked(service: str, packages: Mapping[str, str]) -> Any:
    """Its report, or None where it does not answer."""
    with tempfile.TemporaryDirectory() as folder:
        wanted = Path(folder) / "requirements.txt"
        wanted.write_text("".join(f"{name}=={version}\n" for name, version in packages.items()), "utf-8")
        command = [sys.executable, "-m", "pip_audit", "-s", service, "-r", str(wanted), "--no-deps", "--disable-pip"]
        command += ["-f", "json", "--progress-spinner", "off", "--timeout", "10"]
        try:
            run = subprocess.run(  # noqa: S603  no word of it is from outside
                command, check=False, capture_output=True, timeout=SECONDS
            )
            return json.loads(run.stdout)
        except (subprocess.TimeoutExpired, ValueError):
            return None


def judged(packages: Mapping[str, str], ask: Ask, *, required: bool) -> tuple[int, list[str]]:
    """An exit code, and what to say. Pure but for `ask`."""
    best: Told | None = None
    for service in SERVICES:
        report = ask(service, packages)
        told = None if report is None else told_of(report)
        if told is not None and (best is None or told.answered > best.answered):
            best = told
        if best is not None and not best.asked_in_vain:
            break
    if best is None or best.answered == 0:
        line = f"NOT AUDITED: no service told of any of {len(packages)} packages (asked: {', '.join(SERVICES)})"
        return int(required), [f"!!! {line}. Vulnerabilities may be there unseen. !!!"]
    lines = [*best.vulnerable, f"{best.answered} packages audited, {len(best.vulnerable)} known vulnerabilities"]
    if best.asked_in_vain:
        lines.append(f"!!! NOT AUDITED, no service knows them: {', '.join(best.asked_in_vain)} !!!")
    return int(bool(best.vulnerable) or (required and bool(best.asked_in_vain))), lines


def main() -> int:
    """Asks, and says."""
    code, lines = judged(runtime(), asked, required=os.environ.get(REQUIRED) == "1")
    for line in lines:
        sys.stderr.write(f"{line}\n")
    return code


if __name__ == "__main__":
    sys.exit(main())
