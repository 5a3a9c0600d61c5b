"""The systemd units, checked by systemd itself where it is."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest
import typer

from crossdock.cli.main import app
from crossdock.security.secrets import references
from crossdock.settings import load

HERE = Path(__file__).parents[2] / "deploy" / "systemd"
UNITS = sorted(one.name for one in HERE.glob("*.service"))
COMMON = HERE / "crossdock-.service.d" / "10-crossdock.conf"
MOST_EXPOSED = 20  # of 100: what systemd-analyze calls OK begins at 40


def installed(folder: Path) -> Path:
    """The units as they are on a machine, but for a program that is there."""
    units = folder / "units"
    shutil.copytree(HERE, units)
    for unit in units.glob("*.service"):
        unit.write_text(unit.read_text().replace("/opt/crossdock/bin/crossdock", "/bin/true"))
    return units


def analyze(units: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    program = shutil.which("systemd-analyze")
    if program is None:
        pytest.skip("NO SYSTEMD ON THIS MACHINE: its units were not checked")
    environ = {"SYSTEMD_UNIT_PATH": f"{units}:", "PATH": "/usr/bin:/bin", "NO_COLOR": "1"}
    return subprocess.run([program, *arguments], check=False, capture_output=True, text=True, env=environ, timeout=60)


@pytest.mark.parametrize("name", UNITS)
def test_systemd_finds_nothing_wrong(name: str, tmp_path: Path) -> None:
    units = installed(tmp_path)
    done = analyze(units, "verify", "--man=no", name.replace("@.", "@1."))
    assert (done.returncode, done.stderr.replace("\n", "")) == (0, "")


@pytest.mark.parametrize("name", UNITS)
def test_a_unit_may_do_little(name: str, tmp_path: Path) -> None:
    units = installed(tmp_path)
    done = analyze(units, "security", "--offline=true", f"--threshold={MOST_EXPOSED}", name.replace("@.", "@1."))
    assert done.returncode == 0, done.stdout[-400:]


@pytest.mark.parametrize("name", UNITS)
def test_what_is_started_is_a_verb(name: str) -> None:
    found = re.search(r"^ExecStart=/opt/crossdock/bin/crossdock (\S+)(.*)$", (HERE / name).read_text(), re.MULTILINE)
    assert found is not None
    verb = typer.main.get_command(app).commands[found[1]]  # type: ignore[attr-defined]  # a group
    options = {option for one in verb.params for option in one.opts}
    assert set(re.findall(r"--\w+", found[2])) <= options


def test_every_secret_of_the_settings_is_a_credential() -> None:
    text = "".join(one.read_text() for one in COMMON.parent.glob("*.conf"))
    given = dict(re.findall(r"^LoadCredential=(\w+):(\S+)$", text, re.MULTILINE))
    settings = load(HERE / "crossdock.toml")
    wanted = {ref for _, ref in references(settings.model_dump(mode="python"), "")}
    assert wanted == {f"file:$CREDENTIALS_DIRECTORY/{name}" for name in given}
    assert all(place == f"/etc/crossdock/credentials/{name}" for name, place in given.items())


def test_a_unit_does_not_see_the_folder_of_all_secrets() -> None:
    text = COMMON.read_text()
    folders = {str(Path(one).parent) for one in re.findall(r"^LoadCredential=\w+:(\S+)$", text, re.MULTILINE)}
    assert folders == set(re.findall(r"^InaccessiblePaths=-(\S+)$", text, re.MULTILINE))


def test_nobody_is_killed_before_what_is_under_way_is_settled() -> None:
    seconds = re.search(r"^TimeoutStopSec=(\d+)$", COMMON.read_text(), re.MULTILINE)
    assert seconds is not None
    assert int(seconds[1]) >= load(HERE / "crossdock.toml").workers.lease_seconds
