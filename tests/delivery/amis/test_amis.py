"""`trackback deliver ami`, with AWS's APIs as moto has them: registered once, tagged, traced, and pruned."""

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.delivery.amis.containers import write_image
from tests.delivery.world import World
from tests.scoring import models
from tests.servers.moto import REGION
from trackback.client.cache import default_folder
from trackback.delivery.ami.aws import Aws, tags_of
from trackback.delivery.ami.contents import find_container
from trackback.delivery.ami.pruning import prune
from trackback.delivery.ami.registration import EXPIRES, find_ami
from trackback.delivery.ami.stage import name_of
from trackback.delivery.subject import resolve
from trackback.entities import Promotion


@pytest.fixture
def model(tmp_path: Path) -> Path:
    models.save_constant(tmp_path / "model", "a")
    return tmp_path / "model"


class Promoted:
    """models:/churn/1 in staging, with an image, and a disk as a stage leaves it that is ended while it uploads."""

    def __init__(self, world: World, model: Path, disk: Path) -> None:
        version = world.register("churn", model, {"depth": 3})
        promotion = world.client.promote("models:/churn/1", "staging")
        assert isinstance(promotion, Promotion)
        self.version, self.promotion = version, promotion
        self.image = write_image(world.folder / "layout", "models:/churn/1", str(version.digest), {"opt/x": b"x"})
        subject = resolve(world.client, str(promotion.seq))
        self.container = find_container(world.client, subject, self.image)
        self.name = name_of(subject, self.container)
        folder = default_folder() / "ami" / self.name
        folder.mkdir(parents=True)
        disk.rename(folder / "disk.raw")


@pytest.fixture
def promoted(delivery: World, model: Path, disk: Path, aws: Aws) -> Promoted:
    return Promoted(delivery, model, disk)


def make(world: World, promoted: Promoted, *options: object) -> dict[str, Any]:
    return world.deliver(
        *("ami", promoted.promotion.seq, "--region", REGION, "--image", promoted.image, *options), reports=False
    )


def test_the_ami_says_what_it_is_and_leads_back_to_the_run(delivery: World, promoted: Promoted, aws: Aws) -> None:
    said = make(delivery, promoted)
    (image,) = aws.ec2.describe_images(ImageIds=[said["ami"]])["Images"]
    tags = tags_of(image["Tags"])
    assert {
        name: tags[f"trackback:{name}"] for name in ("model", "version", "digest", "run", "promotion", "image")
    } == {
        "model": "churn",
        "version": "1",
        "digest": promoted.version.digest,
        "run": promoted.version.run_id,
        "promotion": str(promoted.promotion.seq),
        "image": promoted.container.digest,
    }
    (snapshot,) = aws.ec2.describe_snapshots(SnapshotIds=[said["snapshot"]])["Snapshots"]
    assert tags_of(snapshot["Tags"])["trackback:digest"] == promoted.version.digest
    traced = delivery.client.trace(said["ami"])
    assert str(promoted.version.run_id) in str(traced)


def test_a_stage_that_is_run_again_finds_its_ami_and_keeps_it_for_longer(
    delivery: World, promoted: Promoted, aws: Aws
) -> None:
    first = make(delivery, promoted, "--expires-in", 1)
    second = make(delivery, promoted, "--expires-in", 30)
    assert (second["ami"], second["already_there"]) == (first["ami"], True)
    assert first["expires"] < second["expires"]
    assert len(aws.ec2.describe_images(Owners=["self"])["Images"]) == 1


def test_an_image_of_another_model_is_refused(delivery: World, promoted: Promoted) -> None:
    other = write_image(delivery.folder / "other", "models:/other/1", "e" * 64, {"opt/x": b"x"})
    said = delivery.deliver(
        *("ami", promoted.promotion.seq, "--region", REGION, "--image", other), code=2, reports=False
    )
    assert "is an image of models:/other/1" in said["error"]["message"]


def test_without_an_image_the_stage_says_how_to_make_one(delivery: World, promoted: Promoted) -> None:
    said = delivery.deliver("ami", promoted.promotion.seq, "--region", REGION, code=2, reports=False)
    assert "Make one with `trackback deliver image`" in said["error"]["message"]


def test_a_region_of_the_environment_makes_no_ami_where_something_else_is_asked_for(
    delivery: World, promoted: Promoted, aws: Aws, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_REGION", REGION)
    words = ("ami", promoted.promotion.seq, "--image", promoted.image)
    assert "ami" not in delivery.deliver(*words, "--packer", delivery.folder / "packer", reports=False)
    assert aws.ec2.describe_images(Owners=["self"])["Images"] == []
    assert delivery.deliver(*words, reports=False)["region"] == REGION


def test_the_same_can_be_a_template_for_packer(delivery: World, promoted: Promoted) -> None:
    folder = delivery.folder / "packer"
    said = delivery.deliver(
        *("ami", promoted.promotion.seq, "--image", promoted.image, "--packer", folder), reports=False
    )
    text = Path(said["packer_template"]).read_text()
    assert re.search(f'"trackback:digest" += "{promoted.version.digest}"', text)
    assert text.count("{") == text.count("}")
    assert '"sudo useradd --uid 65532' in text
    assert {each.name for each in folder.iterdir()} == {"trackback.pkr.hcl", "image.tar", "trackback-score.service"}


def later(days: int) -> datetime:
    return datetime.now(UTC) + timedelta(days=days)


def test_what_has_expired_goes_but_what_is_deployed_stays(delivery: World, promoted: Promoted, aws: Aws) -> None:
    said = make(delivery, promoted, "--expires-in", 10)
    assert prune(delivery.client, aws, now=later(9)).removed == ()
    kept = prune(delivery.client, aws, now=later(11))
    assert (kept.removed, [each.id for each in kept.deployed]) == ((), [said["ami"]])
    delivery.client.end_deployment(said["deployment"])
    looked = prune(delivery.client, aws, dry=True, now=later(11))
    assert [each.id for each in looked.removed] == [said["ami"]]
    assert find_ami(aws, promoted.name) is not None
    assert [each.id for each in prune(delivery.client, aws, now=later(11)).removed] == [said["ami"]]
    assert find_ami(aws, promoted.name) is None
    ours = [each["SnapshotId"] for each in aws.ec2.describe_snapshots(OwnerIds=["self"])["Snapshots"]]
    assert said["snapshot"] not in ours


def test_a_snapshot_that_was_left_without_its_ami_goes_when_it_has_expired(
    delivery: World, promoted: Promoted, aws: Aws
) -> None:
    said = make(delivery, promoted, "--expires-in", 10)
    aws.ec2.deregister_image(ImageId=said["ami"])
    assert said["snapshot"] not in prune(delivery.client, aws, now=later(9)).orphans
    assert said["snapshot"] in prune(delivery.client, aws, now=later(11)).orphans


def test_amis_of_others_are_not_looked_at(delivery: World, promoted: Promoted, aws: Aws) -> None:
    made = aws.ec2.register_image(Name="somebody's", TagSpecifications=[])["ImageId"]
    aws.ec2.create_tags(Resources=[made], Tags=[{"Key": EXPIRES, "Value": "2020-01-01T00:00:00+00:00"}])
    assert made not in [each.id for each in prune(delivery.client, aws).removed]


def test_the_command_prints_what_it_would_remove(delivery: World, promoted: Promoted, aws: Aws) -> None:
    make(delivery, promoted)
    said = delivery.deliver("ami", "prune", "--region", REGION, "--dry-run", reports=False)
    assert (said["dry_run"], said["removed"], said["kept"]) == (True, [], 1)
