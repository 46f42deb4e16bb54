"""Searches of runs and experiments: a wide table of filters, orders and pages over runs whose answers are known."""

import math
import uuid

import mlflow
from mlflow.entities import Dataset, DatasetInput, InputTag, Metric, Param, RunTag, ViewType

client = mlflow.MlflowClient()
unique = uuid.uuid4().hex[:8]

# name -> start time, metrics, params, tags, status
RUNS = {
    "anna": (
        1000,
        {"loss": 0.1, "auc": 0.9, "my key": 1},
        {"lr": "0.1", "opt": "Adam"},
        {"team": "red"},
        "FINISHED",
    ),
    "bert": (2000, {"loss": 0.2, "auc": 0.8}, {"lr": "0.01", "opt": "adam"}, {"team": "Red", "my tag": "x"}, "FAILED"),
    "cora": (3000, {"loss": 0.3, "auc": 0.8}, {"lr": "1e-3", "opt": "SGD"}, {"team": "blue", "it": "it's"}, "FINISHED"),
    "dirk": (4000, {"loss": math.nan}, {"lr": "0.1", "opt": "100%"}, {"team": "blue"}, "KILLED"),
    "ella": (5000, {"auc": 0.7}, {"opt": ""}, {"note": "a_b"}, "RUNNING"),
    "fips": (6000, {"loss": -1e300, "auc": math.inf}, {"lr": "O'Neil"}, {"note": "aXb"}, "SCHEDULED"),
}

# Without order_by the newest comes first, so each answer is from the newest to the oldest.
RUN_FILTERS = {
    "": "fips ella dirk cora bert anna",
    "metrics.loss < 0.25": "fips bert anna",
    "metrics.loss <= 0.1": "fips anna",
    "metrics.loss > 0.1 and metrics.loss <= 0.3": "cora bert",
    "metric.loss = 0.2": "bert",
    "metrics.loss != 0.2": "fips dirk cora anna",
    "metrics.loss >= -1e300": "fips cora bert anna",
    "metrics.`my key` = 1": "anna",
    'metrics."my key" > 0.5': "anna",
    "metrics.auc > 1e308": "fips",
    "metrics.absent != 1": "",
    "params.lr = '0.1'": "dirk anna",
    "params.lr != '0.1'": "fips cora bert",
    "parameters.lr = '0.01'": "bert",
    "param.lr LIKE '0.%'": "dirk bert anna",
    "params.opt = 'adam'": "bert",
    "params.opt LIKE 'adam'": "bert",
    "params.opt ILIKE 'ADAM'": "bert anna",
    "params.opt LIKE 'a%'": "bert",
    "params.opt ILIKE '%A%'": "bert anna",
    "params.opt = ''": "ella",
    "params.opt = '100%'": "dirk",
    "params.opt LIKE '_D'": "",
    "params.opt LIKE '_GD'": "cora",
    "params.lr IS NULL": "ella",
    "params.lr IS NOT NULL and tags.team IS NULL": "fips",
    'params.lr = "O\'Neil"': "fips",
    'tags.it = "it\'s"': "cora",
    "tags.team = 'red'": "anna",
    'tag.team = "red"': "anna",
    "tags.team ILIKE 'RED'": "bert anna",
    "tags.team != 'blue'": "bert anna",
    "tags.`my tag` = 'x'": "bert",
    'tags."my tag" = "x"': "bert",
    "tags.note LIKE 'a_b'": "fips ella",
    "tags.note LIKE 'a\\_b'": "",
    "tags.mlflow.runName = 'anna'": "anna",
    "run_name = 'bert'": "bert",
    "run_name != 'bert'": "fips ella dirk cora anna",
    "attributes.run_name LIKE '%r%'": "dirk cora bert",
    "attribute.run_name ILIKE 'C%'": "cora",
    "attr.status = 'FAILED'": "bert",
    "run.status != 'FINISHED'": "fips ella dirk bert",
    "status = 'finished'": "",
    "status ILIKE 'fin%'": "cora anna",
    "`run name` = 'ella'": "ella",
    "start_time > 4000": "fips ella",
    "attributes.start_time <= 2000": "bert anna",
    "created = 3000": "cora",
    "Created >= 5000 AND Created < 6000": "ella",
    "end_time > 0": "dirk cora bert anna",
    "user_id = 'tester'": "",
    "datasets.name = 'wine'": "cora anna",
    "dataset.name LIKE 'w%' AND dataset.digest = 'd2'": "cora",
    "datasets.context = 'training'": "bert anna",
    "datasets.name IN ('wine', 'iris') AND datasets.context = 'test'": "cora",
    "datasets.name NOT IN ('wine')": "bert",
    "datasets.name ILIKE 'WINE'": "cora anna",
    "metrics.auc >= 0.8 AND params.opt ILIKE 'adam' AND tags.team = 'red' AND status = 'FINISHED'": "anna",
    "metrics.loss < 5 and": "fips cora bert anna",
    "   params.lr='0.1'   AND\n metrics.loss<1": "anna",
}

# Values come first, then NaN, then those without; ties: the newest first.
RUN_ORDERS = {
    ("metrics.loss",): "fips anna bert cora dirk ella",
    ("metrics.loss ASC",): "fips anna bert cora dirk ella",
    ("metrics.loss DESC",): "cora bert anna fips dirk ella",
    ("metrics.auc desc",): "fips anna cora bert ella dirk",
    ("metrics.auc", "metrics.loss DESC"): "ella cora bert anna fips dirk",
    ("params.opt",): "ella dirk anna cora bert fips",
    ("params.opt DESC",): "bert cora anna dirk ella fips",
    ("tags.team", "params.lr DESC"): "bert cora dirk anna fips ella",
    ("tags.`my tag`",): "bert fips ella dirk cora anna",
    ("start_time",): "anna bert cora dirk ella fips",
    ("attributes.start_time DESC",): "fips ella dirk cora bert anna",
    ("created ASC",): "anna bert cora dirk ella fips",
    ("run_name DESC",): "fips ella dirk cora bert anna",
    ("status", "run_name"): "bert anna cora dirk ella fips",
    ("end_time DESC",): "dirk cora bert anna fips ella",
}

EXPERIMENT_FILTERS = {
    "name = '{u} one'": "one",
    "name != '{u} one' AND name LIKE '{u}%'": "two Three",
    "name ILIKE '{u} t%'": "two Three",
    "name LIKE '{u} t%'": "two",
    "attribute.name = '{u} two'": "two",
    "tags.group = 'a' AND name LIKE '{u}%'": "one two",
    "tags.`group of` = 'x' AND name LIKE '{u}%'": "Three",
    "tag.group != 'a' AND name LIKE '{u}%'": "Three",
    "tags.group LIKE 'A' AND name LIKE '{u}%'": "",
    "tags.group ILIKE 'A' AND name LIKE '{u}%'": "one two",
    "creation_time > 0 AND last_update_time >= 0 AND name LIKE '{u}%'": "one two Three",
}


def make_runs() -> tuple[str, dict[str, str]]:
    """An experiment with the runs of the table; its id, and the ids of the runs by name."""
    experiment_id = client.create_experiment(f"search {unique}")
    ids = {}
    for name, (start, metrics, params, tags, status) in RUNS.items():
        run_id = client.create_run(experiment_id, start_time=start, run_name=name).info.run_id
        client.log_batch(
            run_id,
            metrics=[Metric("loss", 77.0, 1, 0) for _ in metrics if "loss" in metrics]
            + [Metric(key, value, 2, 1) for key, value in metrics.items()],
            params=[Param(key, value) for key, value in params.items()],
            tags=[RunTag(key, value) for key, value in tags.items()],
        )
        if status in ("FINISHED", "FAILED", "KILLED"):
            client.set_terminated(run_id, status, end_time=start + 500)
        elif status != "RUNNING":
            client.update_run(run_id, status=status)
        ids[name] = run_id
    for name, data, digest, context in [
        ("anna", "wine", "d1", "training"),
        ("bert", "iris", "d2", "training"),
        ("cora", "wine", "d2", "test"),
    ]:
        dataset = Dataset(name=data, digest=digest, source_type="local", source="{}")
        client.log_inputs(ids[name], [DatasetInput(dataset, [InputTag("mlflow.data.context", context)])])
    return experiment_id, ids


def filters_find_what_they_say(experiment_id: str, ids: dict[str, str]) -> None:
    table = RUN_FILTERS | {
        f"run_id IN ('{ids['anna']}', '{ids['dirk']}')": "dirk anna",
        f"attributes.run_id NOT IN ('{ids['anna']}')": "fips ella dirk cora bert",
        f"run_id = '{ids['cora']}'": "cora",
        f"run_id LIKE '{ids['cora'][:20]}%'": "cora",
        f"artifact_uri LIKE '%{ids['bert']}%'": "bert",
    }
    wrong = {}
    for text, names in table.items():
        found = " ".join(run.info.run_name for run in client.search_runs([experiment_id], text))
        if found != names:
            wrong[text] = f"found {found!r}, expected {names!r}"
    assert not wrong, "\n".join(f"{text}: {difference}" for text, difference in wrong.items())


def orders_put_values_before_nan_and_nan_before_nothing(experiment_id: str) -> None:
    wrong = {}
    for order, names in RUN_ORDERS.items():
        found = " ".join(run.info.run_name for run in client.search_runs([experiment_id], order_by=list(order)))
        if found != names:
            wrong[order] = f"found {found!r}, expected {names!r}"
    assert not wrong, "\n".join(f"{order}: {difference}" for order, difference in wrong.items())


def pages_join_to_the_whole(experiment_id: str) -> None:
    names, sizes, token = [], [], None
    while True:
        page = client.search_runs([experiment_id], "", max_results=4, order_by=["metrics.loss DESC"], page_token=token)
        names += [run.info.run_name for run in page]
        sizes.append(len(page))
        token = page.token
        if not token:
            break
    assert (" ".join(names), sizes) == ("cora bert anna fips dirk ella", [4, 2]), (names, sizes)


def runs_of_several_experiments_come_together(experiment_id: str) -> None:
    other = client.create_experiment(f"search {unique} other")
    late = client.create_run(other, start_time=9000, run_name="late")
    found = client.search_runs([experiment_id, other], "status = 'RUNNING'")
    assert [run.info.run_name for run in found] == ["late", "ella"], found
    assert [run.info.run_name for run in client.search_runs([other, "987654321"])] == ["late"]
    client.delete_run(late.info.run_id)
    both = client.search_runs([experiment_id, other], run_view_type=ViewType.ALL, max_results=1)
    assert [run.info.run_name for run in both] == ["late"], both


def search_runs_gives_a_table(experiment_id: str) -> None:
    table = mlflow.search_runs([experiment_id], "metrics.auc >= 0.8", order_by=["metrics.auc DESC", "start_time"])
    assert list(table["tags.mlflow.runName"]) == ["fips", "anna", "bert", "cora"], table["tags.mlflow.runName"]
    assert list(table["metrics.auc"])[1:] == [0.9, 0.8, 0.8]
    assert list(table["params.lr"]) == ["O'Neil", "0.1", "0.01", "1e-3"]
    assert set(table["status"]) == {"SCHEDULED", "FINISHED", "FAILED"}
    by_name = mlflow.search_runs(experiment_names=[f"search {unique}"], output_format="list", max_results=2)
    assert [run.info.run_name for run in by_name] == ["fips", "ella"]


def experiments_are_searched_too() -> None:
    ids = {
        client.create_experiment(f"{unique} {name}", tags=tags): name
        for name, tags in [("one", {"group": "a"}), ("two", {"group": "a"}), ("Three", {"group": "b", "group of": "x"})]
    }
    wrong = {}
    for text, names in EXPERIMENT_FILTERS.items():
        found = client.search_experiments(filter_string=text.format(u=unique), order_by=["experiment_id ASC"])
        if (got := " ".join(ids[experiment.experiment_id] for experiment in found)) != names:
            wrong[text] = f"found {got!r}, expected {names!r}"
    assert not wrong, wrong

    mine = f"name LIKE '{unique}%'"
    for order, names in {
        "name": "Three one two",
        "name DESC": "two one Three",
        "creation_time": "one two Three",
        "experiment_id DESC": "Three two one",
    }.items():
        got = " ".join(ids[e.experiment_id] for e in client.search_experiments(filter_string=mine, order_by=[order]))
        assert got == names, (order, got)
    newest_first = [ids[e.experiment_id] for e in client.search_experiments(filter_string=mine)]
    assert newest_first == ["Three", "two", "one"], newest_first

    page = client.search_experiments(filter_string=mine, max_results=2, order_by=["name"])
    rest = client.search_experiments(filter_string=mine, max_results=2, order_by=["name"], page_token=page.token)
    assert [ids[e.experiment_id] for e in [*page, *rest]] == ["Three", "one", "two"]
    assert not rest.token, rest.token


def main() -> None:
    experiment_id, ids = make_runs()
    filters_find_what_they_say(experiment_id, ids)
    orders_put_values_before_nan_and_nan_before_nothing(experiment_id)
    pages_join_to_the_whole(experiment_id)
    runs_of_several_experiments_come_together(experiment_id)
    search_runs_gives_a_table(experiment_id)
    experiments_are_searched_too()


if __name__ == "__main__":
    main()
