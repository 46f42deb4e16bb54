"""The registry: models registered from runs and logged models, named by number, alias and stage, loaded and found."""

import tempfile
import time
import uuid
from pathlib import Path

import mlflow
import numpy as np
from mlflow.entities.model_registry import ModelVersion
from mlflow.exceptions import MlflowException
from sklearn.datasets import load_diabetes
from sklearn.linear_model import Ridge

MLFLOW_3 = mlflow.__version__.startswith("3")
client = mlflow.MlflowClient()
unique = uuid.uuid4().hex[:8]
features, target = load_diabetes(return_X_y=True, as_frame=True)


def named(what: str) -> str:
    return f"{what} {unique}"


def trained(alpha: float, registered: str | None = None) -> tuple[str, Ridge]:
    """A run that logged a model, perhaps registering it; and the model."""
    model = Ridge(alpha=alpha).fit(features, target)
    with mlflow.start_run() as active:
        mlflow.log_param("alpha", alpha)
        mlflow.log_metric("r2", model.score(features, target))
        mlflow.sklearn.log_model(
            model,
            **({"name": "ridge"} if MLFLOW_3 else {"artifact_path": "ridge"}),
            registered_model_name=registered,
            pip_requirements=["scikit-learn"],
        )
    return active.info.run_id, model


def loads(uri: str, model: Ridge) -> bool:
    """Whether ``uri`` leads to this very model."""
    return np.allclose(mlflow.sklearn.load_model(uri).predict(features), model.predict(features))


def by_stage(versions: list[ModelVersion]) -> dict[str, int]:
    return {version.current_stage: int(version.version) for version in versions}


def refused(code: str, message: str, call: object, *arguments: object, **named_arguments: object) -> None:
    try:
        call(*arguments, **named_arguments)  # type: ignore[operator]
    except MlflowException as refusal:
        assert refusal.error_code == code, (refusal.error_code, refusal)
        assert message in str(refusal), refusal
    else:
        raise AssertionError(f"not refused: {call} {arguments} {named_arguments}")


def a_registered_model_has_a_life() -> None:
    name = named("life")
    made = client.create_registered_model(name, {"team": "red"}, "the first")
    assert (made.name, made.tags, made.description) == (name, {"team": "red"}, "the first"), made
    assert not made.latest_versions
    refused("RESOURCE_ALREADY_EXISTS", "already exists", client.create_registered_model, name)
    for bad in ("", "a/b", "a:b"):
        refused("INVALID_PARAMETER_VALUE", "", client.create_registered_model, bad)

    time.sleep(0.002)
    changed = client.update_registered_model(name, "the second")
    assert changed.description == "the second"
    assert changed.last_updated_timestamp > changed.creation_timestamp
    client.set_registered_model_tag(name, "stale", "yes")
    client.delete_registered_model_tag(name, "stale")
    client.delete_registered_model_tag(name, "never there")
    assert client.get_registered_model(name).tags == {"team": "red"}

    client.create_model_version(name, "s3://bucket/model")
    client.set_registered_model_alias(name, "keep", "1")
    client.rename_registered_model(name, named("renamed"))
    assert client.get_registered_model(named("renamed")).tags == {"team": "red"}
    assert client.get_model_version_by_alias(named("renamed"), "keep").name == named("renamed")
    refused(
        "RESOURCE_DOES_NOT_EXIST", f"Registered Model with name={name} not found", client.get_registered_model, name
    )
    client.create_registered_model(name)
    refused("RESOURCE_ALREADY_EXISTS", "", client.rename_registered_model, named("renamed"), name)
    for each in (name, named("renamed")):
        client.delete_registered_model(each)
        refused("RESOURCE_DOES_NOT_EXIST", "", client.get_registered_model, each)


def a_model_is_registered_as_it_is_logged_and_afterwards() -> None:
    name = named("ridge")
    first_run, first = trained(0.1, registered=name)
    second_run, second = trained(10.0)
    made = mlflow.register_model(f"runs:/{second_run}/ridge", name, tags={"how": "afterwards"})
    assert (int(made.version), made.run_id, made.status) == (2, second_run, "READY"), made
    assert client.get_model_version(name, "1").run_id == first_run
    assert client.get_model_version(name, "2").tags == {"how": "afterwards"}

    client.set_registered_model_alias(name, "champion", "1")
    assert client.get_model_version_by_alias(name, "champion").version in ("1", 1)
    for uri, model in (
        (f"models:/{name}/1", first),
        (f"models:/{name}/2", second),
        (f"models:/{name}/latest", second),
        (f"models:/{name}@champion", first),
    ):
        loaded = mlflow.pyfunc.load_model(uri)
        assert np.allclose(loaded.predict(features), model.predict(features)), uri
        assert np.allclose(mlflow.sklearn.load_model(uri).predict(features), model.predict(features)), uri
    client.set_registered_model_alias(name, "champion", "2")
    assert np.allclose(
        mlflow.sklearn.load_model(f"models:/{name}@champion").predict(features), second.predict(features)
    )
    assert client.get_model_version(name, "2").aliases == ["champion"]
    assert client.get_registered_model(name).aliases == {"champion": "2"}, client.get_registered_model(name).aliases

    with tempfile.TemporaryDirectory() as folder:
        local = Path(mlflow.artifacts.download_artifacts(f"models:/{name}/1", dst_path=folder))
        assert (local / "MLmodel").exists(), list(local.iterdir())
    files = {file.path for file in mlflow.artifacts.list_artifacts(f"models:/{name}/1")}
    assert {"MLmodel", "requirements.txt"} <= files, files


def a_logged_model_is_registered() -> None:
    name = named("logged")
    run_id, model = trained(1.0)
    logged = mlflow.search_logged_models(filter_string=f"source_run_id = '{run_id}'", output_format="list")[0]
    mlflow.register_model(f"models:/{logged.model_id}", name)
    version = client.get_model_version(name, "1")
    assert (version.run_id, version.source) == (run_id, f"models:/{logged.model_id}"), version
    assert loads(f"models:/{name}/1", model)
    assert '"version": "1"' in client.get_logged_model(logged.model_id).tags["mlflow.modelVersions"]


def a_version_has_a_life() -> None:
    name = named("versions")
    client.create_registered_model(name)
    for n in range(1, 4):
        made = client.create_model_version(
            name, f"s3://bucket/{n}", run_link="http://link", tags={"n": str(n)}, description=f"version {n}"
        )
        assert (int(made.version), made.status, made.current_stage) == (n, "READY", "None"), made
        assert (made.source, made.run_link, made.description) == (f"s3://bucket/{n}", "http://link", f"version {n}")
    assert client.get_model_version_download_uri(name, "1") == "s3://bucket/1"
    assert client.update_model_version(name, "1", "changed").description == "changed"
    client.set_model_version_tag(name, "1", "k", "v")
    client.delete_model_version_tag(name, "1", "n")
    client.delete_model_version_tag(name, "1", "never there")
    assert client.get_model_version(name, "1").tags == {"k": "v"}

    client.set_registered_model_alias(name, "gone", "3")
    client.delete_model_version(name, "3")
    refused("RESOURCE_DOES_NOT_EXIST", "not found", client.get_model_version, name, "3")
    refused("RESOURCE_DOES_NOT_EXIST", "not found", client.delete_model_version, name, "3")
    refused("INVALID_PARAMETER_VALUE", "alias gone not found", client.get_model_version_by_alias, name, "gone")
    assert int(client.create_model_version(name, "s3://bucket/4").version) == 4, "numbers are not given twice"

    client.set_registered_model_alias(name, "a", "1")
    client.delete_registered_model_alias(name, "a")
    client.delete_registered_model_alias(name, "a")
    for alias in ("latest", "v1", "a b"):
        refused("INVALID_PARAMETER_VALUE", "", client.set_registered_model_alias, name, alias, "1")
    refused("RESOURCE_DOES_NOT_EXIST", "", client.set_registered_model_alias, name, "a", "99")
    refused("INVALID_PARAMETER_VALUE", "", client.get_model_version, name, "one")
    refused("RESOURCE_DOES_NOT_EXIST", "", client.create_model_version, named("nothing"), "s3://bucket/1")
    refused("INVALID_PARAMETER_VALUE", "local path", client.create_model_version, name, "/etc")


def versions_go_through_stages() -> None:
    name = named("stages")
    run_id, model = trained(2.0, registered=name)
    for _ in range(3):
        mlflow.register_model(f"runs:/{run_id}/ridge", name)
    assert client.transition_model_version_stage(name, "1", "production").current_stage == "Production"
    client.transition_model_version_stage(name, "2", "Staging")
    latest = by_stage(client.get_latest_versions(name))
    assert latest == {"Production": 1, "Staging": 2, "None": 4}, latest
    assert [int(v.version) for v in client.get_latest_versions(name, ["Production"])] == [1]
    client.transition_model_version_stage(name, "3", "Production", archive_existing_versions=True)
    assert client.get_model_version(name, "1").current_stage == "Archived"
    assert np.allclose(
        mlflow.sklearn.load_model(f"models:/{name}/Production").predict(features), model.predict(features)
    )
    refused("INVALID_PARAMETER_VALUE", "stage", client.transition_model_version_stage, name, "1", "Shelf")
    shown = {
        version.current_stage: int(version.version) for version in client.get_registered_model(name).latest_versions
    }
    assert shown == {"Archived": 1, "Staging": 2, "Production": 3, "None": 4}, shown


def a_version_is_copied() -> None:
    name = named("source")
    run_id, model = trained(3.0, registered=name)
    copy = client.copy_model_version(f"models:/{name}/1", named("copy"))
    assert (int(copy.version), copy.run_id, copy.source) == (1, run_id, f"models:/{name}/1"), copy
    client.set_registered_model_alias(name, "best", "1")
    again = client.copy_model_version(f"models:/{name}@best", named("copy"))
    assert int(again.version) == 2
    assert loads(f"models:/{named('copy')}/2", model)
    source, copied = (client.get_model_version_download_uri(each, "1") for each in (name, named("copy")))
    assert source == copied, (source, copied)


def the_registry_is_searched() -> None:
    teams = {"ada": "red", "bob": "blue", "cyd": "red"}
    for short, team in teams.items():
        client.create_registered_model(named(short), {"team": team, "test": unique})
        for n in (1, 2):
            client.create_model_version(named(short), f"s3://{unique}/{short}/{n}", tags={"n": str(n)})
            time.sleep(0.002)
    client.update_registered_model(named("ada"), "changed last")

    def models(text: str | None, **options: object) -> str:
        found = client.search_registered_models(text, **options)
        return " ".join(model.name.split()[0] for model in found if model.name.endswith(unique))

    ours = f"tags.test = '{unique}'"
    wrong = {}
    for text, names in {
        ours: "ada bob cyd",
        f"name = '{named('ada')}'": "ada",
        f"name LIKE '_d_ {unique}'": "ada",
        f"name ILIKE 'A% {unique}'": "ada",
        f"{ours} AND tags.team = 'red'": "ada cyd",
        f"{ours} AND tag.team != 'red'": "bob",
        f"{ours} AND tags.`team` LIKE 'b%'": "bob",
    }.items():
        if models(text) != names:
            wrong[text] = f"found {models(text)!r}, expected {names!r}"
    assert not wrong, "\n".join(f"{text}: {difference}" for text, difference in wrong.items())
    assert models(ours, order_by=["name DESC"]) == "cyd bob ada"
    assert models(ours, order_by=["last_updated_timestamp DESC"]) == "ada cyd bob"
    first = client.search_registered_models(ours, max_results=2)
    rest = client.search_registered_models(ours, max_results=2, page_token=first.token)
    assert [model.name for model in [*first, *rest]] == [named(short) for short in teams]
    assert not rest.token
    assert [int(version.version) for version in first[0].latest_versions] == [2]

    def versions(text: str, **options: object) -> str:
        found = client.search_model_versions(text, **options)
        return " ".join(f"{version.name.split()[0]}{version.version}" for version in found)

    mine = f"source_path LIKE 's3://{unique}/%'"
    for text, names in {
        mine: "cyd2 cyd1 bob2 bob1 ada2 ada1",
        f"name = '{named('bob')}'": "bob2 bob1",
        f"name = '{named('bob')}' AND version_number = 1": "bob1",
        f"{mine} AND tags.n = '2'": "cyd2 bob2 ada2",
        f"{mine} AND tags.n != '2'": "cyd1 bob1 ada1",
        f"source_path = 's3://{unique}/ada/1'": "ada1",
        f"name IN ('{named('ada')}', '{named('cyd')}') AND version_number > 1": "cyd2 ada2",
    }.items():
        if versions(text) != names:
            wrong[text] = f"found {versions(text)!r}, expected {names!r}"
    assert not wrong, "\n".join(f"{text}: {difference}" for text, difference in wrong.items())
    assert versions(mine, order_by=["version_number ASC", "name DESC"]) == "cyd1 bob1 ada1 cyd2 bob2 ada2"
    assert versions(mine, order_by=["creation_timestamp ASC"]) == "ada1 ada2 bob1 bob2 cyd1 cyd2"
    page = client.search_model_versions(mine, max_results=4)
    assert len(page) == 4
    assert len(client.search_model_versions(mine, max_results=4, page_token=page.token)) == 2
    run_id, _ = trained(4.0, registered=named("of-run"))
    found = client.search_model_versions(f"run_id = '{run_id}'")
    assert [version.name for version in found] == [named("of-run")]
    for text in ("alias = 'a'", "version_number = 'one'", "nonsense.a = 'b'"):
        refused("INVALID_PARAMETER_VALUE", "", client.search_model_versions, text)
    refused("INVALID_PARAMETER_VALUE", "", client.search_registered_models, "team = 'red'")


def prompts_are_kept_apart() -> None:
    text = "Hello {{name}} from " + unique
    mlflow.register_prompt(name=f"greeting-{unique}", template=text)
    assert mlflow.load_prompt(f"prompts:/greeting-{unique}/1").template == text
    names = [model.name for model in client.search_registered_models(max_results=1000)]
    assert f"greeting-{unique}" not in names
    assert not client.search_model_versions(f"name = 'greeting-{unique}'")


def main() -> None:
    mlflow.set_experiment(f"registry {unique}")
    a_registered_model_has_a_life()
    a_version_has_a_life()
    a_model_is_registered_as_it_is_logged_and_afterwards()
    if MLFLOW_3:
        a_logged_model_is_registered()
        prompts_are_kept_apart()
    versions_go_through_stages()
    a_version_is_copied()
    the_registry_is_searched()


if __name__ == "__main__":
    main()
