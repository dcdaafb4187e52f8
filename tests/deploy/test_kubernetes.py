"""The manifests are valid, and hold what the documentation promises of them."""

import os
import shutil
import subprocess
from copy import deepcopy
from functools import cache
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest

from intercom_sink.entrypoints.settings import Settings
from tests.support import kustomize
from tests.support.documents import ROOT
from tests.support.yaml_files import load, parse_all

FOLDER = ROOT / "deploy/kubernetes"
BASE = FOLDER / "base"
OVERLAYS = sorted((FOLDER / "overlays").iterdir())
FOLDERS = [BASE, *OVERLAYS]
VERSIONS = ("1.31", "1.37")
CUSTOM = {
    ("keda.sh/v1alpha1", "ScaledObject"),
    ("keda.sh/v1alpha1", "TriggerAuthentication"),
}
"""Kinds that no schema of Kubernetes describes: the tests below check their structure."""

LABELS = {"app.kubernetes.io/name": "intercom-sink"}


@cache
def rendered(folder: Path) -> list[dict[str, Any]]:
    return kustomize.render(folder)


def resource(folder: Path, kind: str) -> dict[str, Any]:
    """A copy, which a test may change."""
    (found,) = [resource for resource in rendered(folder) if resource["kind"] == kind]
    return deepcopy(found)


def pod(folder: Path) -> dict[str, Any]:
    return dict(resource(folder, "Deployment")["spec"]["template"]["spec"])


def container(folder: Path) -> dict[str, Any]:
    (only,) = pod(folder)["containers"]
    return dict(only)


def settings(folder: Path) -> dict[str, str]:
    """The variables that the sink gets, where their values are known here."""
    plain = {variable["name"]: variable["value"] for variable in container(folder)["env"] if "value" in variable}
    return {**resource(folder, "ConfigMap")["data"], **plain}


def by_identity(resources: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return sorted(resources, key=lambda resource: (resource["kind"], resource["metadata"]["name"]))


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
@pytest.mark.parametrize("version", VERSIONS)
def test_each_resource_fits_the_schema_of_kubernetes(folder: Path, version: str) -> None:
    for manifest in rendered(folder):
        if (manifest["apiVersion"], manifest["kind"]) not in CUSTOM:
            kubernetes_validate.validate(manifest, version, strict=True)


def test_a_misspelt_field_would_be_found() -> None:
    manifest = resource(BASE, "Deployment")
    manifest["spec"]["template"]["spec"]["terminationGracePeriod"] = 40
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(manifest, VERSIONS[-1], strict=True)


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_the_real_kustomize_renders_the_same(folder: Path) -> None:
    if program := shutil.which("kustomize"):
        command = [program, "build"]
    elif program := shutil.which("kubectl"):
        command = [program, "kustomize"]
    else:
        pytest.skip("there is neither kustomize nor kubectl")
    done = subprocess.run([*command, folder], capture_output=True, text=True, env=os.environ | {"KUBECONFIG": ""})
    assert done.returncode == 0, done.stderr
    assert by_identity(parse_all(done.stdout)) == by_identity(rendered(folder))


def test_every_file_is_named_by_a_kustomization() -> None:
    named = {file for folder in FOLDERS for file in kustomize.named_files(folder)}
    files = {file.resolve() for file in FOLDER.rglob("*") if file.is_file() and file.name != "kustomization.yaml"}
    assert files - named == {FOLDER / "pod-monitor.yaml"}


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_the_sink_has_no_privileges(folder: Path) -> None:
    assert pod(folder)["automountServiceAccountToken"] is False
    of_pod, of_container = pod(folder)["securityContext"], container(folder)["securityContext"]
    assert of_pod["runAsNonRoot"] is True
    assert of_pod["seccompProfile"] == {"type": "RuntimeDefault"}
    assert of_container == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }


def test_the_user_is_that_of_the_image() -> None:
    user = pod(BASE)["securityContext"]
    assert f"\nUSER {user['runAsUser']}:{user['runAsGroup']}\n" in (ROOT / "Dockerfile").read_text()


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_the_request_in_flight_has_time_to_finish(folder: Path) -> None:
    timeout = float(settings(folder).get("CJW_INTERCOM_TIMEOUT", Settings.model_fields["timeout"].default))
    assert pod(folder)["terminationGracePeriodSeconds"] >= timeout + 10


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_the_sink_accepts_the_settings(folder: Path, tmp_path: Path) -> None:
    """A variable that is no setting would be ignored in silence, but for a warning in the log."""
    names = settings(folder).keys() | {variable["name"] for variable in container(folder)["env"]}
    assert names <= {str(field.alias) for field in Settings.model_fields.values()}
    values = {"CJW_RABBITMQ_HOST": "amqp://rabbitmq/", "CJW_INTERCOM_API_TOKEN": "mock", "CJW_INTERCOM_QUEUE_NAME": "q"}
    environment = {name: values.get(name, "") for name in names} | settings(folder)
    for name in list(environment):
        if name.endswith("_FILE"):
            file = tmp_path / name
            file.write_text(values[name.removesuffix("_FILE")])
            environment[name] = str(file)
    Settings.from_environment(environment)


def test_secrets_are_files_that_are_mounted_whole() -> None:
    """Kubernetes never replaces a file that is mounted with a subPath."""
    (mount,) = container(BASE)["volumeMounts"]
    assert "subPath" not in mount
    (volume,) = [volume for volume in pod(BASE)["volumes"] if volume["name"] == mount["name"]]
    paths = {f"{mount['mountPath']}/{item['path']}" for item in volume["secret"]["items"]}
    assert {value for name, value in settings(BASE).items() if name.endswith("_FILE")} == paths
    assert volume["secret"]["defaultMode"] == 0o440
    assert pod(BASE)["securityContext"]["fsGroup"] == pod(BASE)["securityContext"]["runAsGroup"]


def test_probes_and_policies_use_the_metrics_port() -> None:
    (port,) = container(BASE)["ports"]
    assert str(port["containerPort"]) == settings(BASE)["CJW_METRICS_PORT"] == "9464"
    probes = {name: container(BASE)[f"{name}Probe"]["httpGet"] for name in ("startup", "liveness", "readiness")}
    assert {name: probe["path"] for name, probe in probes.items()} == {
        "startup": "/healthz",
        "liveness": "/healthz",
        "readiness": "/readyz",
    }
    assert {probe["port"] for probe in probes.values()} == {port["name"]}
    policy = resource(BASE, "NetworkPolicy")["spec"]
    assert [rule["ports"] for rule in policy["ingress"]] == [[{"protocol": "TCP", "port": port["name"]}]]
    annotations = resource(BASE, "Deployment")["spec"]["template"]["metadata"]["annotations"]
    assert annotations["prometheus.io/port"] == str(port["containerPort"])


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_selectors_select_the_pods(folder: Path) -> None:
    deployment = resource(folder, "Deployment")["spec"]
    assert deployment["selector"] == {"matchLabels": LABELS}
    assert deployment["template"]["metadata"]["labels"] == LABELS
    assert resource(folder, "NetworkPolicy")["spec"]["podSelector"] == {"matchLabels": LABELS}


def test_the_sink_may_reach_names_rabbitmq_and_https_alone() -> None:
    egress = resource(BASE, "NetworkPolicy")["spec"]["egress"]
    assert [{port["port"] for port in rule["ports"]} for rule in egress] == [{53}, {5671, 5672}, {443}]
    assert all(rule["to"] for rule in egress)


def test_one_sink_never_has_a_second_consumer_beside_it() -> None:
    deployment = resource(BASE, "Deployment")["spec"]
    assert (deployment["replicas"], deployment["strategy"]) == (1, {"type": "Recreate"})


def test_the_standby_is_there_during_an_update_and_a_drain() -> None:
    folder = FOLDER / "overlays/standby"
    deployment = resource(folder, "Deployment")["spec"]
    assert deployment["replicas"] == 2
    assert deployment["strategy"] == {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0}}
    budget = resource(folder, "PodDisruptionBudget")["spec"]
    assert (budget["maxUnavailable"], budget["selector"]) == (1, {"matchLabels": LABELS})


def test_keda_counts_unacked_messages_and_starts_one_sink_at_most() -> None:
    folder = FOLDER / "overlays/keda"
    scaled = resource(folder, "ScaledObject")["spec"]
    assert scaled["scaleTargetRef"] == {"name": resource(folder, "Deployment")["metadata"]["name"]}
    assert (scaled["minReplicaCount"], scaled["maxReplicaCount"]) == (0, 1)
    assert scaled["fallback"] == {"failureThreshold": 3, "replicas": 1}
    (trigger,) = scaled["triggers"]
    assert trigger["type"] == "rabbitmq"
    metadata = trigger["metadata"]
    assert (metadata["protocol"], metadata["excludeUnacknowledged"]) == ("http", "false")
    assert metadata["queueName"] == settings(folder)["CJW_INTERCOM_QUEUE_NAME"]
    assert all(isinstance(value, str) for value in metadata.values())  # as KEDA's schema says
    authentication = resource(folder, "TriggerAuthentication")
    assert trigger["authenticationRef"] == {"name": authentication["metadata"]["name"]}
    assert [reference["parameter"] for reference in authentication["spec"]["secretTargetRef"]] == ["host"]
    assert "replicas" not in resource(folder, "Deployment")["spec"]  # `kubectl apply` would restore it


def test_the_owners_overlay_takes_plain_variables_in_place_of_files() -> None:
    sources = {variable["name"]: variable.get("valueFrom") for variable in container(FOLDER / "overlays/owner")["env"]}
    name = "intercom-sink-env"
    assert sources == {
        "CJW_RABBITMQ_HOST": {"secretKeyRef": {"name": name, "key": "CJW_RABBITMQ_HOST"}},
        "CJW_INTERCOM_API_TOKEN": {"secretKeyRef": {"name": name, "key": "CJW_INTERCOM_API_TOKEN"}},
        "CJW_INTERCOM_QUEUE_NAME": {"configMapKeyRef": {"name": name, "key": "CJW_INTERCOM_QUEUE_NAME"}},
    }
    assert pod(FOLDER / "overlays/owner")["volumes"] == []


def test_the_pod_monitor_scrapes_the_pods_under_the_job_of_the_alert_rules() -> None:
    monitor = load(FOLDER / "pod-monitor.yaml")
    assert (monitor["apiVersion"], monitor["kind"]) == ("monitoring.coreos.com/v1", "PodMonitor")
    spec = monitor["spec"]
    assert spec["selector"] == {"matchLabels": LABELS}
    assert LABELS[spec["jobLabel"]] == "intercom-sink"
    (endpoint,) = spec["podMetricsEndpoints"]
    assert endpoint["port"] in {port["name"] for port in container(BASE)["ports"]}
    assert endpoint["path"] == "/metrics"
