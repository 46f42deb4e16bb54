"""Manifests that Kubernetes' own schemas accept; and in which order kubectl is asked for what.

No cluster is to be had where these run: kubectl is a stand-in, which keeps what it is given and does what it is told.
"""

import json
import os
import sys
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml

from tests.delivery.registered import Ended, Registered
from tests.environments import ROOT
from trackback.delivery.deploy.manifests import Workload, make_manifests, workload_name
from trackback.delivery.subject import Subject
from trackback.errors import InvalidParameter

IMAGE = f"registry.example/churn@sha256:{'ab' * 32}"
OTHER = f"registry.example/churn@sha256:{'cd' * 32}"
SUBJECT = Subject("models:/churn/7", "ef" * 32, "churn", "7", "a" * 32, 12, "production")
VERSIONS = ("1.25", "1.32")


class Cluster:
    """What the stand-in has, and was asked."""

    def __init__(self, registered: Registered, folder: Path) -> None:
        self.registered = registered
        self._folder = folder
        programs = folder / "bin"
        programs.mkdir(parents=True)
        program = programs / "kubectl"
        text = (ROOT / "tests" / "delivery" / "scripts" / "kubectl").read_text()
        program.write_text(text.replace("/usr/bin/env python3", sys.executable))
        program.chmod(0o755)
        self._env = {"PATH": f"{programs}{os.pathsep}{os.environ['PATH']}", "KUBECTL_STATE": str(folder)}
        self.is_to_be("well")

    def is_to_be(self, scenario: str) -> None:
        (self._folder / "scenario").write_text(scenario)

    def deploy(self, what: object, *more: object) -> Ended:
        flags = ["--to", "kubernetes", "--context", "tests", "--timeout", "5"]
        return self.registered.deliver("deploy", what, *flags, *more, env=self._env)

    @property
    def image(self) -> str | None:
        """The one that runs."""
        kept = self._folder / "deployment.json"
        if not kept.exists():
            return None
        return str(json.loads(kept.read_text())["spec"]["template"]["spec"]["containers"][0]["image"])

    @property
    def calls(self) -> list[str]:
        lines = (self._folder / "calls.jsonl").read_text().splitlines()
        return [" ".join(json.loads(line)[:2]) for line in lines]


@pytest.fixture
def cluster(registered: Registered, tmp_path: Path) -> Cluster:
    return Cluster(registered, tmp_path / "cluster")


def validate(manifests: list[dict[str, Any]], version: str) -> None:
    for each in manifests:
        kubernetes_validate.validate(each, version, strict=True)


@pytest.mark.parametrize("version", VERSIONS)
def test_the_manifests_are_what_kubernetes_takes(version: str) -> None:
    whole = Workload("churn-production", "models", IMAGE, replicas=3, pull_secret="registry", memory_limit="1.5Gi")
    validate(make_manifests(whole, SUBJECT), version)
    validate(make_manifests(Workload("churn", "models", IMAGE, replicas=1), SUBJECT), version)


def test_the_schemas_would_tell() -> None:
    service, deployment, _ = make_manifests(Workload("churn", "models", IMAGE), SUBJECT)
    deployment["spec"]["template"]["spec"]["containers"][0]["readynessProbe"] = {}

    with pytest.raises(kubernetes_validate.ValidationError, match="readynessProbe"):
        validate([deployment], VERSIONS[0])
    validate([service], VERSIONS[0])


def test_pods_are_replaced_one_after_the_other_and_none_goes_before_another_is_ready() -> None:
    _, deployment, budget = make_manifests(Workload("churn", "models", IMAGE), SUBJECT)
    pod = deployment["spec"]["template"]["spec"]
    (container,) = pod["containers"]

    assert deployment["spec"]["strategy"]["rollingUpdate"] == {"maxUnavailable": 0, "maxSurge": 1}
    assert {"startupProbe", "readinessProbe", "livenessProbe", "resources", "lifecycle"} <= set(container)
    assert container["securityContext"]["runAsNonRoot"]
    assert container["image"] == IMAGE
    assert deployment["metadata"]["annotations"]["trackback/digest"] == SUBJECT.digest
    assert budget["spec"]["maxUnavailable"] == 1


@pytest.mark.parametrize(
    ("workload", "why"),
    [
        (Workload("churn", "models", "registry.example/churn:7"), "not named by its digest"),
        (Workload("Churn", "models", IMAGE), "can't be the name"),
        (Workload("churn", "models", IMAGE, memory="lots"), "no quantity"),
    ],
)
def test_what_kubernetes_would_refuse_later_is_refused(workload: Workload, why: str) -> None:
    with pytest.raises(InvalidParameter, match=why):
        make_manifests(workload, SUBJECT)


def test_any_slot_gives_a_name_that_kubernetes_takes() -> None:
    assert workload_name("churn-production") == "churn-production"
    assert workload_name("a.b_c") == "a-b-c"
    assert workload_name("7-of-9").startswith("model-")


def test_without_apply_the_manifests_are_only_written(cluster: Cluster, tmp_path: Path) -> None:
    promotion = cluster.registered.promoted("first")
    done = cluster.deploy(promotion.seq, "--image", IMAGE, "--output", tmp_path / "out")

    assert done.code == 0, done
    (file,) = done.document["files"]
    validate(list(yaml.safe_load_all(Path(file).read_text())), VERSIONS[0])
    assert (cluster.image, cluster.registered.deployments()) == (None, [])


def test_what_is_applied_is_waited_for_tried_and_recorded_by_its_image(cluster: Cluster) -> None:
    promotion = cluster.registered.promoted("first")
    done = cluster.deploy(promotion.seq, "--image", IMAGE, "--apply", "--namespace", "models")

    assert done.code == 0, done
    assert cluster.calls[-4:] == ["apply --namespace", "rollout status", "get --raw", "create --raw"]
    (live,) = cluster.registered.deployments(at="now")
    assert (live.kind, live.locator, live.image) == ("kubernetes", "tests-cluster/models/churn-staging", IMAGE)
    assert cluster.registered.client.trace("sha256:" + "ab" * 32).run is not None


@pytest.mark.parametrize("scenario", ["stuck", "wrong"])
def test_a_workload_that_is_not_well_is_undone_and_the_record_stays(cluster: Cluster, scenario: str) -> None:
    first, second = cluster.registered.promoted("first"), cluster.registered.promoted("second")
    assert cluster.deploy(first.seq, "--image", IMAGE, "--apply").code == 0
    cluster.is_to_be(scenario)

    done = cluster.deploy(second.seq, "--image", OTHER, "--apply")

    assert done.code == 1, done
    assert "What ran before runs again" in done.said
    assert cluster.image == IMAGE
    assert [each.version for each in cluster.registered.deployments(at="now")] == [first.version]


def test_a_first_workload_that_is_not_well_is_taken_away(cluster: Cluster) -> None:
    cluster.is_to_be("stuck")
    done = cluster.deploy(cluster.registered.promoted("first").seq, "--image", IMAGE, "--apply")

    assert done.code == 1, done
    assert "ImagePullBackOff" in done.said
    assert (cluster.image, cluster.registered.deployments()) == (None, [])


def test_an_environment_that_there_is_not_is_told_before_anything_is_applied(cluster: Cluster) -> None:
    version = cluster.registered.add("first")
    what = f"models:/churn/{version.version}"
    done = cluster.deploy(what, "--image", IMAGE, "--apply", "--environment", "moon")

    assert (done.code, "no environment 'moon'" in done.said) == (2, True), done
    assert cluster.image is None


def test_what_can_not_be_undone_says_so_and_why_it_was_to_be(cluster: Cluster) -> None:
    cluster.is_to_be("lost")
    done = cluster.deploy(cluster.registered.promoted("first").seq, "--image", IMAGE, "--apply")

    assert done.code == 3, done
    assert "was not well within 5 s. It could not be taken back: `kubectl delete deployment/churn-staging" in done.said
    assert cluster.registered.deployments() == []


def test_a_cluster_that_refuses_ends_with_three(cluster: Cluster) -> None:
    cluster.is_to_be("refused")
    done = cluster.deploy(cluster.registered.promoted("first").seq, "--image", IMAGE, "--apply")

    assert done.code == 3, done
    assert "Forbidden" in done.said
    assert cluster.registered.deployments() == []


def test_without_an_image_the_last_that_was_made_is_taken(cluster: Cluster, tmp_path: Path) -> None:
    promotion = cluster.registered.promoted("first")
    lacking = cluster.deploy(promotion.seq, "--output", tmp_path / "out")
    cluster.registered.client.report_deployment("image", IMAGE, promotion=promotion.seq, started=1, ended=1)
    done = cluster.deploy(promotion.seq, "--output", tmp_path / "out")

    assert (lacking.code, "trackback deliver image" in lacking.said) == (2, True)
    assert (done.code, done.document["image"]) == (0, IMAGE)
