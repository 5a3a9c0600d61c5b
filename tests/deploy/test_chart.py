"""The Helm chart: rendered where helm is, and held against Crossdock and against Kubernetes' own schemas."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import typer
import yaml

from crossdock.cli.main import app
from crossdock.settings import load

CHART = Path(__file__).parents[2] / "deploy" / "helm" / "crossdock"
ALL = ("ingress.enabled=true", "ingress.tlsSecret=tls", "serviceMonitor.enabled=true")
Manifest = dict[str, Any]


def values() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((CHART / "values.yaml").read_text())
    return found


def helm(*arguments: str) -> subprocess.CompletedProcess[str]:
    program = shutil.which("helm")
    if program is None:
        pytest.skip("NO HELM ON THIS MACHINE: the chart was not rendered")
    return subprocess.run([program, *arguments], check=False, capture_output=True, text=True, timeout=60)


def rendered(*changes: str) -> list[Manifest]:
    done = helm("template", "shop", str(CHART), *(part for change in changes for part in ("--set", change)))
    assert done.returncode == 0, done.stderr
    return [one for one in yaml.safe_load_all(done.stdout) if one]


def of_kind(manifests: list[Manifest], kind: str) -> dict[str, Manifest]:
    return {one["metadata"]["name"]: one for one in manifests if one["kind"] == kind}


def test_the_settings_of_the_chart_are_settings(tmp_path: Path) -> None:
    file = tmp_path / "crossdock.toml"
    file.write_text(values()["config"])
    settings = load(file)
    assert (settings.api.host, settings.api.port) == ("0.0.0.0", 8080)
    assert values()["terminationGracePeriodSeconds"] > settings.workers.lease_seconds


def test_each_value_is_in_the_schema() -> None:
    known = json.loads((CHART / "values.schema.json").read_text())["properties"]
    assert values().keys() == known.keys() - {"global"}
    for name, value in values().items():
        if isinstance(value, dict) and "properties" in known[name]:
            assert value.keys() == known[name]["properties"].keys(), name


def test_helm_finds_nothing_wrong() -> None:
    done = helm("lint", "--strict", str(CHART))
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("change", ["worker.replicas=-1", "wroker.replicas=2", "image.digest=latest", "secrets=null"])
def test_a_wrong_value_is_refused(change: str) -> None:
    done = helm("template", "shop", str(CHART), "--set", change)
    assert done.returncode != 0
    assert "schema" in done.stderr or "additional properties" in done.stderr


def test_each_role_is_a_deployment_that_is_rolled_without_a_gap() -> None:
    found = of_kind(rendered(), "Deployment")
    assert set(found) == {"shop-crossdock-api", "shop-crossdock-worker", "shop-crossdock-poller"}
    verbs = typer.main.get_command(app).commands  # type: ignore[attr-defined]  # a group
    for one in found.values():
        assert one["spec"]["strategy"]["rollingUpdate"] == {"maxSurge": 1, "maxUnavailable": 0}
        (container,) = one["spec"]["template"]["spec"]["containers"]
        verb, *options = container["args"]
        assert verb in verbs
        assert options in ([], ["--port", "8080"])
        assert container["securityContext"]["readOnlyRootFilesystem"] is True
        assert container["readinessProbe"]["httpGet"]["path"] == "/health/ready"
        assert one["spec"]["template"]["spec"]["securityContext"]["runAsNonRoot"] is True


def test_the_tables_are_brought_up_to_date_before_new_pods_come() -> None:
    (job,) = of_kind(rendered(), "Job").values()
    assert job["metadata"]["annotations"]["helm.sh/hook"] == "pre-install,pre-upgrade"
    assert job["spec"]["template"]["spec"]["containers"][0]["args"] == ["migrate"]
    mounted = {one["name"]: one for one in job["spec"]["template"]["spec"]["volumes"]}
    settings = of_kind(rendered(), "ConfigMap")[mounted["settings"]["configMap"]["name"]]
    assert "pre-upgrade" in settings["metadata"]["annotations"]["helm.sh/hook"], "there before the job needs it"
    assert not of_kind(rendered("migrate.enabled=false"), "Job")


def test_the_chart_makes_no_secret() -> None:
    assert not of_kind(rendered(*ALL), "Secret")
    (api, *_) = of_kind(rendered("secrets={one,two}"), "Deployment").values()
    (secrets,) = [one for one in api["spec"]["template"]["spec"]["volumes"] if one["name"] == "secrets"]
    assert [one["secret"]["name"] for one in secrets["projected"]["sources"]] == ["one", "two"]


def test_pods_are_chosen_by_what_they_bear() -> None:
    manifests = rendered(*ALL)
    labels = {
        name: one["spec"]["template"]["metadata"]["labels"] for name, one in of_kind(manifests, "Deployment").items()
    }
    chosen = {
        (one["kind"], one["metadata"]["name"]): {
            name for name, have in labels.items() if wanted.items() <= have.items()
        }
        for one in manifests
        for wanted in [_selector(one)]
        if wanted and one["kind"] != "ServiceMonitor"
    }
    role = {f"shop-crossdock-{name}" for name in ("api", "worker", "poller")}
    assert chosen["NetworkPolicy", "shop-crossdock"] == role
    assert chosen["Service", "shop-crossdock-metrics"] == role
    assert chosen["Service", "shop-crossdock"] == {"shop-crossdock-api"}
    assert all(chosen["PodDisruptionBudget", one] == {one} for one in role)


def _selector(one: Manifest) -> dict[str, str]:
    spec = one.get("spec", {})
    found = spec.get("selector") or spec.get("podSelector") or {}
    wanted: dict[str, str] = found.get("matchLabels", found)
    return wanted


def test_kubernetes_own_schemas_take_it() -> None:
    kubernetes = pytest.importorskip("kubernetes_validate")
    seen = 0
    for one in rendered(*ALL):
        if one["apiVersion"].startswith("monitoring."):
            continue  # the operator's own kind
        kubernetes.validate(one, "1.33", strict=True)
        seen += 1
    assert seen > 10
