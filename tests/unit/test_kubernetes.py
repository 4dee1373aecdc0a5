"""deploy/kubernetes by the schemas of Kubernetes, and by what the service is."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml
from typer.main import get_command

from services.cli.main import app
from services.settings import PREFIX, Settings

_FOLDER = Path(__file__).parents[2] / "deploy" / "kubernetes"
_KUSTOMIZATION: dict[str, Any] = yaml.safe_load((_FOLDER / "kustomization.yaml").read_text())
_VERSIONS = ["1.33", "1.37"]  # PodDisruptionBudget v1 and all else here are older than both

Document = dict[str, Any]


def _documents() -> list[Document]:
    return [
        document
        for name in _KUSTOMIZATION["resources"]
        for document in yaml.safe_load_all((_FOLDER / name).read_text())
    ]


_DOCUMENTS = _documents()
_WORKLOADS = {
    document["metadata"]["name"].removeprefix("hotline-"): document["spec"]
    for document in _DOCUMENTS
    if document["kind"] in {"Deployment", "Job"}
}


def _name(document: Document) -> str:
    return f"{document['kind']}-{document['metadata']['name']}"


def _pod(part: str) -> dict[str, Any]:
    pod: dict[str, Any] = _WORKLOADS[part]["template"]["spec"]
    return pod


def _container(part: str) -> dict[str, Any]:
    (container,) = _pod(part)["containers"]
    assert isinstance(container, dict)
    return container


@pytest.mark.parametrize("version", _VERSIONS)
@pytest.mark.parametrize("document", _DOCUMENTS, ids=_name)
def test_every_manifest_is_one_by_the_schema(document: Document, version: str) -> None:
    kubernetes_validate.validate(document, version, strict=True)


def test_a_misspelt_field_is_refused() -> None:
    account = {"apiVersion": "v1", "kind": "ServiceAccount", "automountServiceAccountTokn": False}

    with pytest.raises(kubernetes_validate.ValidationError, match="automountServiceAccountTokn"):
        kubernetes_validate.validate(account, _VERSIONS[-1], strict=True)


def test_every_file_is_applied_and_no_name_twice() -> None:
    files = {path.name for path in _FOLDER.glob("*.yaml")} - {"kustomization.yaml"}

    assert files == set(_KUSTOMIZATION["resources"])
    assert len({_name(document) for document in _DOCUMENTS}) == len(_DOCUMENTS)


def test_the_parts_of_the_service_run_its_commands() -> None:
    commands = get_command(app).commands  # type: ignore[attr-defined]

    assert _WORKLOADS.keys() == {"prepare", "gateway", "api", "worker"}
    for part in _WORKLOADS:
        assert _container(part)["args"] == [part]
        assert part in commands


def test_only_settings_that_exist_are_set_and_the_password_comes_from_a_secret() -> None:
    (settings,) = (document for document in _DOCUMENTS if document["kind"] == "ConfigMap")
    known = {PREFIX + name.upper() for name in Settings.model_fields}

    assert settings["data"].keys() <= known
    assert not [document for document in _DOCUMENTS if document["kind"] == "Secret"]
    for part in _WORKLOADS:
        (source,) = _container(part)["envFrom"]
        assert source["configMapRef"]["name"] == settings["metadata"]["name"]
        (secret,) = _container(part)["env"]
        assert secret["name"] == "HOTLINE_CLICKHOUSE_URL"
        assert secret["valueFrom"]["secretKeyRef"] == {"name": "hotline-clickhouse", "key": "url"}


@pytest.mark.parametrize("part", _WORKLOADS)
def test_a_pod_has_no_rights_and_no_token(part: str) -> None:
    pod, container = _pod(part), _container(part)

    assert pod["automountServiceAccountToken"] is False
    assert pod["enableServiceLinks"] is False
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert container["resources"]["requests"].keys() == {"cpu", "memory"}
    assert "memory" in container["resources"]["limits"]
    mounted = {mount["name"] for mount in container["volumeMounts"]}
    assert mounted == {volume["name"] for volume in pod["volumes"]}


@pytest.mark.parametrize("part", ["gateway", "api", "worker"])
def test_a_disruption_takes_one_pod_at_a_time(part: str) -> None:
    labels = _WORKLOADS[part]["template"]["metadata"]["labels"]
    (budget,) = (
        document["spec"]
        for document in _DOCUMENTS
        if document["kind"] == "PodDisruptionBudget"
        and document["metadata"]["name"] == f"hotline-{part}"
    )

    assert budget["maxUnavailable"] == 1
    assert _WORKLOADS[part]["replicas"] >= 2
    assert budget["selector"] == _WORKLOADS[part]["selector"] == {"matchLabels": labels}


@pytest.mark.parametrize("part", ["gateway", "api"])
def test_probes_ask_routes_that_exist(part: str) -> None:
    container = _container(part)
    (port,) = container["ports"]

    assert (port["name"], port["containerPort"]) == ("http", Settings.model_fields["port"].default)
    for probe in ("startupProbe", "livenessProbe", "readinessProbe"):
        assert container[probe]["httpGet"]["path"] in {"/livez", "/readyz"}
        assert container[probe]["httpGet"]["port"] == port["name"]
    assert container["livenessProbe"]["httpGet"]["path"] == "/livez"


def test_a_worker_is_probed_on_the_metrics_port() -> None:
    (settings,) = (document for document in _DOCUMENTS if document["kind"] == "ConfigMap")
    (port,) = _container("worker")["ports"]

    assert str(port["containerPort"]) == settings["data"]["HOTLINE_METRICS_PORT"]
    for probe, path in (("startup", "livez"), ("liveness", "livez"), ("readiness", "readyz")):
        asked = _container("worker")[f"{probe}Probe"]["httpGet"]
        assert asked == {"path": f"/{path}", "port": port["name"]}


def test_what_is_not_allowed_is_refused() -> None:
    policies = {
        document["metadata"]["name"]: document["spec"]
        for document in _DOCUMENTS
        if document["kind"] == "NetworkPolicy"
    }

    assert policies["hotline-nothing"] == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}
    assert "worker" not in str(policies["hotline-front"]) + str(policies["hotline-push"])
