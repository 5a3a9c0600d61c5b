"""The bill of materials: a CycloneDX file of all that a user installs with us, with versions and licences.

    python -m checks.bill [FILE]        build/sbom.json

It fails where something is not pinned, is installed in another version than it is pinned to, has no licence that is
known, or has one under which we could not be given away.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from packaging.utils import canonicalize_name

from checks.runtime import OWN, ROOT, pinned, runtime

WHERE = ROOT / "build" / "sbom.json"
# packages that name their licence in no field of their metadata: what their own licence file is
READ = {"protobuf": "BSD-3-Clause", "pyreqwest": "Apache-2.0", "rich-click": "MIT"}
DENIED = re.compile(
    r"\bAGPL|(?<![A-Z])GPL|GNU (Affero )?General Public|SSPL|Server Side Public|BUSL|Business Source|Commons Clause"
    r"|Elastic License|CC-BY-NC|NonCommercial|Proprietary",
    re.IGNORECASE,
)


def licences(component: Mapping[str, Any]) -> list[str]:
    """As the bill has them."""
    rows = component.get("licenses") or []
    found = [row.get("expression") or row["license"].get("id") or row["license"].get("name", "") for row in rows]
    return [one for one in found if one and one != "UNKNOWN"]


def is_denied(licence: str) -> bool:
    """Of an expression of alternatives, one that is not denied is enough."""
    return all(DENIED.search(one) for one in re.split(r"\bOR\b", licence))


def problems_of(bill: Mapping[str, Any], wanted: Mapping[str, str], pins: Mapping[str, str]) -> list[str]:
    """All that is wrong with it. `wanted`: what is installed; `pins`: what constraints.txt says. Pure."""
    components: dict[str, Mapping[str, Any]] = {canonicalize_name(one["name"]): one for one in bill["components"]}
    return [text for name, version in wanted.items() for text in _wrong(name, version, components.get(name), pins)]


def _wrong(name: str, version: str, component: Mapping[str, Any] | None, pins: Mapping[str, str]) -> Iterator[str]:
    if not version:
        yield f"{name}: is not installed here"
        return
    if pins.get(name) != version:
        yield f"{name}: {version} is installed, and constraints.txt says {pins.get(name, 'nothing of it')}"
    if component is None or component.get("version") != version:
        yield f"{name}: is not in the bill in version {version}"
        return
    told = licences(component)
    if not told:
        yield f"{name}: no licence is known (read its own, then checks/bill.py: READ)"
    if told and all(is_denied(one) for one in told):
        yield f"{name}: {', '.join(told)} is not allowed"


def reduced(bill: dict[str, Any], names: Mapping[str, str]) -> dict[str, Any]:
    """The bill of these alone, with the licences that we have read ourselves. Pure."""
    kept = [one for one in bill["components"] if canonicalize_name(one["name"]) in names]
    known = {one["bom-ref"] for one in kept} | {bill["metadata"]["component"]["bom-ref"]}
    for one in kept:
        name = canonicalize_name(one["name"])
        if not licences(one) and name in READ:
            one["licenses"] = [{"license": {"id": READ[name], "acknowledgement": "concluded"}}]
    told = [
        row | {"dependsOn": [one for one in row["dependsOn"] if one in known]} if "dependsOn" in row else row
        for row in bill["dependencies"]
        if row["ref"] in known
    ]
    return bill | {"components": kept, "dependencies": told}


def installed() -> dict[str, Any]:
    """The bill of this whole environment, as CycloneDX's own tool makes it."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "all.json"
        asked = ["environment", sys.executable, "--pyproject", str(ROOT / "pyproject.toml"), "--output-reproducible"]
        # its own validation takes ten seconds: a test of the long run does it
        command = [sys.executable, "-m", "cyclonedx_py", *asked, "--no-validate", "-o", str(path)]
        run = subprocess.run(command, check=False, capture_output=True, text=True)  # noqa: S603  no word is from outside
        if run.returncode:
            raise SystemExit(run.stderr)
        return dict(json.loads(path.read_text("utf-8")))


def main() -> int:
    """Writes it and tells what is wrong."""
    where = Path(sys.argv[1]) if len(sys.argv) > 1 else WHERE
    wanted = runtime()
    bill = reduced(installed(), wanted)
    where.parent.mkdir(parents=True, exist_ok=True)
    where.write_text(json.dumps(bill, indent=1) + "\n", "utf-8")
    found = problems_of(bill, wanted, pinned())
    for one in found:
        sys.stderr.write(f"{one}\n")
    sys.stdout.write(f"{OWN}: {len(bill['components'])} packages in {where}, {len(found)} problems\n")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
