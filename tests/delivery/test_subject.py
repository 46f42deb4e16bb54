"""What is delivered: settled once, from what a person names or what has triggered a pipeline."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.delivery.world import World
from trackback.delivery.subject import resolve
from trackback.entities import Promotion
from trackback.errors import DataLoss, InvalidParameter, InvalidState, NotFound

Saved = Callable[[str], Path]


def test_a_version_is_its_digest(delivery: World, saved: Saved) -> None:
    version = delivery.register("cancer", saved("cancer"))
    found = resolve(delivery.client, "models:/cancer/1", {})
    assert (found.name, found.version, found.digest) == ("cancer", "1", version.digest)
    assert (found.run_id, found.promotion, found.environment) == (version.run_id, None, None)
    assert found.fetch(delivery.client).digest == version.digest


def test_an_alias_is_looked_up_once(delivery: World, saved: Saved) -> None:
    delivery.register("cancer", saved("cancer"))
    delivery.register("cancer", saved("cancer-weak"))
    delivery.client.set_registered_model_alias("cancer", "champion", "1")
    found = resolve(delivery.client, "models:/cancer@champion", {})
    delivery.client.set_registered_model_alias("cancer", "champion", "2")
    assert found.uri == "models:/cancer/1"


def test_the_alias_of_an_environment_leads_to_the_promotion_by_which_it_is_there(delivery: World, saved: Saved) -> None:
    delivery.register("cancer", saved("cancer"))
    entry = delivery.client.promote("models:/cancer/1", "staging")
    assert isinstance(entry, Promotion)
    found = resolve(delivery.client, "models:/cancer@staging", {})
    assert (found.promotion, found.environment) == (entry.seq, "staging")


def test_an_environment_that_nothing_is_in_is_told_with_how_something_gets_there(delivery: World, saved: Saved) -> None:
    delivery.register("cancer", saved("cancer"))
    with pytest.raises(NotFound, match=r"no alias 'staging'.*`trackback promote models:/cancer/VERSION --to staging`"):
        resolve(delivery.client, "models:/cancer@staging", {})


@pytest.mark.parametrize("variable", ["TRACKBACK_PROMOTION", "GO_PACKAGE_CHURN_PROMOTION"])
def test_what_has_triggered_the_pipeline_is_delivered_if_nothing_is_named(
    delivery: World, saved: Saved, variable: str
) -> None:
    version = delivery.register("cancer", saved("cancer"))
    delivery.client.promote("models:/cancer/1", "staging")
    found = resolve(delivery.client, None, {variable: "1"})
    assert (found.uri, found.digest, found.promotion) == ("models:/cancer/1", version.digest, 1)


def test_a_promoted_run_is_its_files_as_they_were_promoted(delivery: World, saved: Saved) -> None:
    version = delivery.register("cancer", saved("cancer"))
    assert version.run_id
    delivery.client.set_terminated(version.run_id)
    delivery.client.promote(f"runs:/{version.run_id}", "staging")
    found = resolve(delivery.client, "1", {})
    assert (found.run_id, found.version, found.label) == (version.run_id, None, f"runs:/{version.run_id}")
    assert found.fetch(delivery.client).digest == found.digest == version.digest


def test_two_packages_of_gocd_need_to_be_told_apart(delivery: World) -> None:
    with pytest.raises(InvalidParameter, match="GO_PACKAGE_A_PROMOTION=1, GO_PACKAGE_B_PROMOTION=2"):
        resolve(delivery.client, None, {"GO_PACKAGE_A_PROMOTION": "1", "GO_PACKAGE_B_PROMOTION": "2"})


def test_a_demotion_has_nothing_to_deliver(delivery: World, saved: Saved) -> None:
    delivery.register("cancer", saved("cancer"))
    delivery.client.promote("models:/cancer/1", "staging")
    delivery.client.demote("models:/cancer/1", "staging")
    with pytest.raises(InvalidState, match="takes models:/cancer/1 out of staging"):
        resolve(delivery.client, "2", {})


def test_the_promotion_counts_for_a_version_that_is_named_beside_it(delivery: World, saved: Saved) -> None:
    delivery.register("cancer", saved("cancer"))
    delivery.register("cancer", saved("cancer-weak"))
    delivery.client.promote("models:/cancer/1", "staging")
    environ = {"TRACKBACK_PROMOTION": "1"}
    assert resolve(delivery.client, "models:/cancer/1", environ).promotion == 1
    assert resolve(delivery.client, "models:/cancer/2", environ).promotion is None


@pytest.mark.parametrize(
    ("text", "kind", "said"),
    [
        (None, InvalidParameter, "Nothing says what is to be delivered"),
        ("7", NotFound, "7"),
        ("models:/none/1", NotFound, "none"),
        ("/srv/model", InvalidParameter, "the server does not know it"),
    ],
)
def test_what_is_not_there_is_told_with_what_to_do(
    delivery: World, text: str | None, kind: type[Exception], said: str
) -> None:
    with pytest.raises(kind, match=said):
        resolve(delivery.client, text, {})


def test_files_that_have_become_others_are_not_delivered(delivery: World, saved: Saved) -> None:
    """A logged model's may, until it is registered."""
    run = delivery.client.create_run("0").info
    (delivery.folder / "a.txt").write_text("1")
    delivery.client.log_artifact(run.run_id, str(delivery.folder / "a.txt"), "model")
    found = resolve(delivery.client, f"runs:/{run.run_id}/model", {})
    (delivery.folder / "a.txt").write_text("2")
    delivery.client.log_artifact(run.run_id, str(delivery.folder / "a.txt"), "model")
    with pytest.raises(DataLoss, match="changed meanwhile"):
        found.fetch(delivery.client)
