"""Kubernetes' manifests for a model's image: a Deployment, a Service, and what keeps some of it up."""

import hashlib
import re
from dataclasses import dataclass
from typing import Any

import yaml

from trackback.delivery.images.configs import PORT
from trackback.delivery.subject import Subject
from trackback.errors import InvalidParameter
from trackback.limits import shown

_NAME = re.compile(r"[a-z](?:[-a-z0-9]{0,61}[a-z0-9])?")
_QUANTITY = re.compile(r"\d+(?:\.\d+)?(?:m|k|Ki|M|Mi|G|Gi)?")
_LABEL = re.compile(r"[A-Za-z0-9](?:[-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?")
_USER = 65532
_DRAIN_S = 5
_STOP_S = 30


@dataclass(frozen=True)
class Workload:
    """What is to run on a cluster. ``image`` is named by its digest; ``cpu`` and ``memory`` are Kubernetes' quantities.

    InvalidParameter: of ``check``, if something is nothing that Kubernetes takes.
    """

    name: str
    namespace: str
    image: str
    replicas: int = 2
    cpu: str = "500m"
    cpu_limit: str = "2"
    memory: str = "512Mi"
    memory_limit: str = "1Gi"
    workers: int = 1
    pull_secret: str | None = None

    def check(self) -> None:
        for what, value in (("name", self.name), ("namespace", self.namespace)):
            if not _NAME.fullmatch(value):
                raise InvalidParameter(
                    f"{shown(value)} can't be the {what} of a workload: that takes small letters, digits and '-', at "
                    f"most 63, and begins with a letter. Name it: --{'slot' if what == 'name' else what}."
                )
        for value in (self.cpu, self.cpu_limit, self.memory, self.memory_limit):
            if not _QUANTITY.fullmatch(value):
                raise InvalidParameter(f"{shown(value)} is no quantity as Kubernetes has them: 500m, 2, 512Mi, 1Gi.")
        if "@sha256:" not in self.image:
            raise InvalidParameter(
                f"The image {shown(self.image)} is not named by its digest, and a tag may come to mean another. Name "
                "it as registry/name@sha256:…, as `trackback deliver image` prints it."
            )


def make_manifests(workload: Workload, subject: Subject) -> list[dict[str, Any]]:
    """What `kubectl apply` takes: the Service first, so that pods come up behind one."""
    workload.check()
    selector = {"app.kubernetes.io/name": workload.name}
    labels = {**selector, "app.kubernetes.io/managed-by": "trackback"}
    labels |= _label("app.kubernetes.io/version", subject.version)
    annotations = _annotations(subject)
    metadata = {"name": workload.name, "namespace": workload.namespace, "labels": labels, "annotations": annotations}
    service = {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {**metadata, "annotations": {}},
        "spec": {
            "selector": selector,
            "ports": [{"name": "http", "port": 80, "targetPort": "http", "protocol": "TCP"}],
        },
    }
    deployment = {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": metadata,
        "spec": {
            "replicas": workload.replicas,
            "revisionHistoryLimit": 5,
            "progressDeadlineSeconds": 300,
            "selector": {"matchLabels": selector},
            "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": 0, "maxSurge": 1}},
            "template": {"metadata": {"labels": labels, "annotations": annotations}, "spec": _pod(workload)},
        },
    }
    budget = {
        "apiVersion": "policy/v1",
        "kind": "PodDisruptionBudget",
        "metadata": {**metadata, "annotations": {}},
        "spec": {"maxUnavailable": 1, "selector": {"matchLabels": selector}},
    }
    return [service, deployment, *([budget] if workload.replicas > 1 else [])]


def _pod(workload: Workload) -> dict[str, Any]:
    probe = {"httpGet": {"path": "/ping", "port": "http"}, "timeoutSeconds": 3}
    container = {
        "name": "model",
        "image": workload.image,
        "imagePullPolicy": "IfNotPresent",
        "ports": [{"name": "http", "containerPort": PORT, "protocol": "TCP"}],
        "env": [
            {"name": "TRACKBACK_SCORING_JSON_LOGS", "value": "1"},
            {"name": "TRACKBACK_SCORING_STOP_DEADLINE", "value": "20"},
            {"name": "TRACKBACK_SCORING_WORKERS", "value": str(workload.workers)},
        ],
        "resources": {
            "requests": {"cpu": workload.cpu, "memory": workload.memory},
            "limits": {"cpu": workload.cpu_limit, "memory": workload.memory_limit},
        },
        "startupProbe": {**probe, "periodSeconds": 1, "failureThreshold": 120},
        "readinessProbe": {**probe, "periodSeconds": 2, "failureThreshold": 2},
        "livenessProbe": {**probe, "periodSeconds": 10, "failureThreshold": 6},
        # For as long as it takes until nobody is sent here any more; only then is the server told to stop.
        "lifecycle": {"preStop": {"exec": {"command": ["sleep", str(_DRAIN_S)]}}},
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "runAsNonRoot": True,
            "runAsUser": _USER,
            "capabilities": {"drop": ["ALL"]},
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "volumeMounts": [{"name": "tmp", "mountPath": "/tmp"}],
    }
    pod: dict[str, Any] = {
        "automountServiceAccountToken": False,
        "terminationGracePeriodSeconds": _DRAIN_S + _STOP_S,
        "containers": [container],
        "volumes": [{"name": "tmp", "emptyDir": {}}],
    }
    if workload.pull_secret:
        pod["imagePullSecrets"] = [{"name": workload.pull_secret}]
    return pod


def _annotations(subject: Subject) -> dict[str, str]:
    return {f"trackback/{name}": str(value) for name, value in subject.document().items()}


def _label(name: str, value: str | None) -> dict[str, str]:
    """A label, as far as its value may be one."""
    return {name: value} if value and _LABEL.fullmatch(value) else {}


def workload_name(slot: str) -> str:
    """The name of a workload for a slot, whose name may have more in it."""
    plain = re.sub(r"[^a-z0-9]+", "-", slot).strip("-")
    if _NAME.fullmatch(plain):
        return plain
    return f"model-{hashlib.sha256(slot.encode()).hexdigest()[:12]}"


def as_yaml(manifests: list[dict[str, Any]]) -> str:
    return yaml.safe_dump_all(manifests, sort_keys=False, default_flow_style=False, explicit_start=True)
