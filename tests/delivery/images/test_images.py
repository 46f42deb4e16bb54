"""Images of a real model on a real base: made twice, run, pushed, traced, and what becomes of what goes wrong."""

import logging
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest

from tests.delivery.images.conftest import BASE, Images
from tests.delivery.images.containers import Container, config_of
from tests.delivery.registered import NAME, ROWS
from tests.environments import ROOT
from tests.needs import need
from tests.servers.program import free_port
from tests.servers.registry import LOGIN, ImageRegistry
from trackback.entities import Param

pytestmark = [pytest.mark.delivery, pytest.mark.timeout(3600)]


log = logging.getLogger(__name__)


def needs_more(model: Path) -> None:
    """It is of packages that its requirements do not name."""
    lines = (model / "requirements.txt").read_text().splitlines()
    named = [each for each in lines if not each.startswith(("scikit-learn", "skops"))]  # the latter needs the former
    (model / "requirements.txt").write_text("\n".join(named))


def needs_what_is_not_there(model: Path) -> None:
    with (model / "requirements.txt").open("a") as file:
        file.write("scikit-learn==0.0.1\n")


def test_the_same_inputs_give_the_same_digest_whatever_was_made_before(images: Images, tmp_path: Path) -> None:
    promotion = images.registered.promoted("first")
    first = images.make(promotion.seq, "registry.example/churn")
    fresh = ROOT / ".tools" / f"images-again-{os.getpid()}"
    again = images.make(promotion.seq, "registry.example/churn", TRACKBACK_CACHE_DIR=str(fresh))
    subprocess.run(["rm", "-rf", fresh], check=True)
    other = images.make(images.registered.promoted("second").seq, "registry.example/churn")

    assert (first.code, again.code, other.code) == (0, 0, 0), (first, again, other)
    assert again.document["image_digest"] == first.document["image_digest"]
    assert other.document["image_digest"] != first.document["image_digest"]
    assert set(first.document["size"]) == {"base", "packages", "server", "model"}


def test_labels_say_what_is_in_it_and_why(images: Images) -> None:
    promotion = images.registered.promoted("first")
    made = images.make(promotion.seq, "registry.example/churn")
    config = config_of(made.document)["config"]

    said = {name: value for name, value in config["Labels"].items() if name.startswith("trackback.")}
    assert said == {
        "trackback.model": f"models:/{NAME}/{promotion.version}",
        "trackback.digest": f"sha256:{promotion.digest}",
        "trackback.run": images.registered.client.get_model_version(NAME, str(promotion.version)).run_id,
        "trackback.promotion": str(promotion.seq),
        "trackback.environment": "staging",
        "trackback.server": said["trackback.server"],
    }
    assert config["User"] == "65532:65532"
    assert config["Healthcheck"]["Test"][0] == "CMD"


def test_the_record_leads_from_the_image_to_the_run(images: Images) -> None:
    promotion = images.registered.promoted("first")
    made = images.make(promotion.seq, "registry.example/churn")
    again = images.make(promotion.seq, "registry.example/churn")

    assert made.document["deployment"] == again.document["deployment"]
    for x in (made.document["image_digest"], made.document["image"]):
        run = images.registered.client.trace(x).run
        assert run is not None
        assert run.params == (Param("word", "first"),)
    (kept,) = images.registered.deployments(digest=str(promotion.digest))
    assert kept.started == kept.ended, "to be made is not to be live"


def test_it_runs_as_nobody_without_a_network_and_answers(images: Images, storage: Path) -> None:
    promotion = images.registered.promoted("first")
    made = images.make(promotion.seq, "registry.example/churn", "--load", "--engine", "buildah")
    assert made.code == 0, made
    container = Container(made.document)
    runs = [container.ask(ROWS) for _ in range(2)]  # the first may read half a gigabyte from disk

    assert runs[-1]["predictions"] == {"predictions": ["first"]}
    assert (runs[-1]["health"]["model"], runs[-1]["health"]["digest"]) == (f"models:/{NAME}/1", promotion.digest)
    assert runs[-1]["users"] == [65532]
    assert runs[-1]["checks"] == [1, 0], "the health check fails until it answers"
    log.info("starts: %s", [(run["ping_s"], run["processor_s"]) for run in runs])  # --log-cli-level=INFO shows it


def test_a_registry_keeps_it_by_the_same_digest_and_is_sent_nothing_twice(
    images: Images, image_registry: ImageRegistry
) -> None:
    promotion = images.registered.promoted("first")
    pushed = images.make(promotion.seq, f"{image_registry.host}/team/churn", "--push")
    assert pushed.code == 0, pushed
    sent = image_registry.requests.count("http.request.method=PUT")
    again = images.make(promotion.seq, f"{image_registry.host}/team/churn", "--push")

    assert again.code == 0
    assert again.document["tag"] == f"{image_registry.host}/team/churn:{promotion.version}"
    accept = {"Accept": "application/vnd.oci.image.manifest.v1+json"}
    url = f"http://{image_registry.host}/v2/team/churn/manifests/{promotion.version}"
    kept = httpx.get(url, headers=accept, trust_env=False)
    assert kept.headers["docker-content-digest"] == pushed.document["image_digest"]
    assert image_registry.requests.count("http.request.method=PUT") <= sent + 2, "only the manifest is put again"


def test_an_image_of_a_registry_is_a_base(images: Images, image_registry: ImageRegistry) -> None:
    promotion = images.registered.promoted("first")
    assert images.make(promotion.seq, f"{image_registry.host}/base:1", "--push").code == 0
    other = images.registered.promoted("second")
    made = images.registered.deliver(
        *("image", other.seq, "--tag", "churn", "--base", f"{image_registry.host}/base:1"),
        env={"TRACKBACK_CACHE_DIR": str(images.cache)},
    )

    assert made.code == 0, made
    assert made.document["base"]["digest"].startswith("sha256:")


def test_a_push_that_is_refused_says_so_and_ends_with_three(images: Images, guarded_registry: ImageRegistry) -> None:
    promotion = images.registered.promoted("first")
    refused = images.make(promotion.seq, f"{guarded_registry.host}/churn", "--push")
    name, password = LOGIN
    let_in = images.make(
        *(promotion.seq, f"{guarded_registry.host}/churn", "--push"),
        TRACKBACK_REGISTRY_USERNAME=name,
        TRACKBACK_REGISTRY_PASSWORD=password,
    )

    assert refused.code == 3
    assert "401" in refused.said
    assert "Log in" in refused.said
    assert let_in.code == 0, let_in


def test_a_registry_that_is_away_ends_with_three(images: Images) -> None:
    promotion = images.registered.promoted("first")
    ended = images.make(promotion.seq, f"127.0.0.1:{free_port()}/churn", "--push")

    assert ended.code == 3
    assert "can't be reached" in ended.said


def test_a_model_that_does_not_load_in_it_fails(images: Images) -> None:
    ended = images.make(images.registered.promoted("first", needs_more).seq, "churn")

    assert ended.code == 1, ended
    assert "can't be used with just what its requirements.txt names" in ended.said
    (build,) = images.registered.client.list_builds().items
    assert build.result == "failed"


def test_packages_that_are_not_to_be_had_are_wrong_input(images: Images) -> None:
    ended = images.make(images.registered.promoted("first", needs_what_is_not_there).seq, "churn")

    assert ended.code == 2, ended
    assert "scikit-learn" in ended.said


def test_a_full_disk_ends_with_three_and_leaves_nothing_half_made(images: Images, tmp_path: Path) -> None:
    need(os.geteuid() == 0, "to fill a disk of its own takes root")
    promotion = images.registered.promoted("first")
    full = tmp_path / "full"
    full.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=40m", "tmpfs", full], check=True)
    try:
        ended = images.make(promotion.seq, "churn", TRACKBACK_CACHE_DIR=str(full))
        left = [each.name for each in (full / "images").rglob(".new-*")]
    finally:
        subprocess.run(["umount", full], check=True)

    assert ended.code == 3, ended
    assert "No space left" in ended.said
    assert left == []


def test_without_a_tool_to_load_it_the_stage_says_which_there_could_be(images: Images, tmp_path: Path) -> None:
    promotion = images.registered.promoted("first")
    ended = images.make(promotion.seq, "churn", "--load", PATH=str(tmp_path))

    assert ended.code == 3
    assert "None of podman, docker, buildah is in PATH" in ended.said


def test_a_stage_that_is_killed_and_run_again_makes_the_same(images: Images) -> None:
    promotion = images.registered.promoted("first")
    whole = images.make(promotion.seq, "churn")
    other = images.registered.promoted("second")
    typed = [
        sys.executable,
        "-m",
        "trackback",
        "deliver",
        "image",
        str(other.seq),
        "--tag",
        "churn",
        "--base",
        str(BASE),
    ]
    environment = images.registered.environment({"TRACKBACK_CACHE_DIR": str(images.cache)})
    process = subprocess.Popen(typed, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    time.sleep(3)
    process.send_signal(signal.SIGKILL)
    process.wait()

    again = images.make(other.seq, "churn")

    assert (whole.code, again.code) == (0, 0), again
    results = [each.result for each in images.registered.client.list_builds(promotion=other.seq).items]
    assert results == ["passed"]
