"""What a client is told when it asks for what can't be: error codes and the parts of messages that programs match."""

import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import mlflow
from mlflow.entities import Metric, Param, RunTag
from mlflow.exceptions import MlflowException

client = mlflow.MlflowClient()
unique = uuid.uuid4().hex[:8]


@contextmanager
def refused(code: str, *fragments: str) -> Iterator[None]:
    """The block is refused with this code, and a message that has these parts."""
    try:
        yield
    except MlflowException as refusal:
        assert refusal.error_code == code, f"expected {code}, got {refusal.error_code}: {refusal.message}"
        for fragment in fragments:
            assert fragment in refusal.message, f"expected {fragment!r} in {refusal.message!r}"
    else:
        raise AssertionError(f"not refused with {code}")


def what_is_not_there() -> None:
    with refused("RESOURCE_DOES_NOT_EXIST", "No Experiment with id=987654321 exists"):
        client.get_experiment("987654321")
    with refused("RESOURCE_DOES_NOT_EXIST", "No Experiment with id=987654321 exists"):
        client.create_run("987654321")
    assert client.get_experiment_by_name(f"never made {unique}") is None
    absent = "0" * 32
    calls: list[Callable[[], object]] = [
        lambda: client.get_run(absent),
        lambda: client.log_metric(absent, "m", 1.0),
        lambda: client.log_param(absent, "p", 1),
        lambda: client.set_tag(absent, "t", 1),
        lambda: client.log_batch(absent, params=[Param("p", "1")]),
        lambda: client.set_terminated(absent),
        lambda: client.delete_run(absent),
        lambda: client.restore_run(absent),
    ]
    for call in calls:
        with refused("RESOURCE_DOES_NOT_EXIST", f"Run with id={absent} not found"):
            call()


def experiments(experiment_id: str) -> None:
    name = client.get_experiment(experiment_id).name
    with refused("RESOURCE_ALREADY_EXISTS", f"Experiment(name={name}) already exists."):
        client.create_experiment(name)
    with refused("INVALID_PARAMETER_VALUE"):
        client.create_experiment("")
    with refused("INVALID_PARAMETER_VALUE", "exceeds the maximum length"):
        client.create_experiment("x" * 501)
    with refused("INVALID_PARAMETER_VALUE"):
        client.set_experiment_tag(experiment_id, "a//b", "not a normal path")
    with refused("INVALID_PARAMETER_VALUE", "exceeds the maximum length of 20000 characters"):
        client.set_experiment_tag(experiment_id, "long", "x" * 20_001)
    with refused("RESOURCE_DOES_NOT_EXIST"):
        client.restore_experiment(experiment_id)

    other = client.create_experiment(f"refusals {unique} deleted")
    with refused("BAD_REQUEST"):
        client.rename_experiment(other, name)
    run_id = client.create_run(other).info.run_id
    client.delete_experiment(other)
    with refused("RESOURCE_ALREADY_EXISTS"):
        client.create_experiment(f"refusals {unique} deleted")
    with refused("INVALID_PARAMETER_VALUE", "must be in the 'active' state"):
        client.create_run(other)
    with refused("INVALID_PARAMETER_VALUE"):
        client.set_experiment_tag(other, "k", "v")
    with refused("RESOURCE_DOES_NOT_EXIST"):
        client.delete_experiment(other)
    with refused("INVALID_PARAMETER_VALUE", "must be in the 'active' state"):
        client.log_metric(run_id, "m", 1.0)


def deleted_runs_take_nothing(experiment_id: str) -> None:
    run_id = client.create_run(experiment_id).info.run_id
    client.log_param(run_id, "p", 1)
    client.set_tag(run_id, "t", 1)
    client.delete_run(run_id)
    writes: list[Callable[[], object]] = [
        lambda: client.log_metric(run_id, "m", 1.0),
        lambda: client.log_param(run_id, "q", 1),
        lambda: client.set_tag(run_id, "t", 2),
        lambda: client.delete_tag(run_id, "t"),
        lambda: client.log_batch(run_id, metrics=[Metric("m", 1.0, 1, 0)]),
        lambda: client.update_run(run_id, status="FAILED"),
    ]
    for write in writes:
        with refused("INVALID_PARAMETER_VALUE", f"The run {run_id} must be in the 'active' state."):
            write()
    data = client.get_run(run_id).data
    assert (data.metrics, data.params, data.tags["t"]) == ({}, {"p": "1"}, "1"), data


def names_and_values(experiment_id: str) -> None:
    run_id = client.create_run(experiment_id).info.run_id
    for key in ("/absolute", "a//b", "../up", "a/./b", "a/", ".", "..", "..a", "semi;colon", "star*", "x" * 251):
        with refused("INVALID_PARAMETER_VALUE"):
            client.log_metric(run_id, key, 1.0)
        with refused("INVALID_PARAMETER_VALUE"):
            client.log_param(run_id, key, 1)
        with refused("INVALID_PARAMETER_VALUE"):
            client.set_tag(run_id, key, 1)
    with refused("RESOURCE_DOES_NOT_EXIST", f"No tag with name: absent in run with id {run_id}"):
        client.delete_tag(run_id, "absent")
    with refused("INVALID_PARAMETER_VALUE", "timestamp"):
        client.log_metric(run_id, "m", 1.0, timestamp=-1)
    client.log_param(run_id, "x" * 250, 1)
    client.log_param(run_id, "with: colon/and.dots-and_lines and spaces", 1)


def batches_are_all_or_nothing(experiment_id: str) -> None:
    run_id = client.create_run(experiment_id).info.run_id
    client.log_param(run_id, "fixed", "1")
    metric, tag = Metric("m", 1.0, 1, 0), RunTag("new", "1")
    with refused("INVALID_PARAMETER_VALUE", "Changing param values is not allowed"):
        client.log_batch(run_id, metrics=[metric], params=[Param("p", "1"), Param("fixed", "2")], tags=[tag])
    with refused("INVALID_PARAMETER_VALUE"):
        client.log_batch(run_id, metrics=[metric, Metric("a//b", 1.0, 1, 0)], params=[Param("p", "1")], tags=[tag])
    with refused("INVALID_PARAMETER_VALUE"):
        client.log_batch(run_id, params=[Param("twice", "1"), Param("twice", "2")], tags=[tag])
    data = client.get_run(run_id).data
    assert (data.metrics, data.params) == ({}, {"fixed": "1"}), data
    assert "new" not in data.tags, data.tags


def searches(experiment_id: str) -> None:
    for text in (
        "loss < 1",
        "metrics.loss < 'a'",
        "metrics.loss LIKE '1'",
        "params.lr < '0.1'",
        "params.lr = 0.1",
        "tags.a > 'b'",
        "start_time = 'yesterday'",
        "nonsense.a = 'b'",
        "attributes.experiment_id = '1'",
        "params.lr RLIKE 'a'",
        "metrics.loss <",
        "params.lr = 'unclosed",
        "run_id IN ()",
        ";",
    ):
        try:
            with refused("INVALID_PARAMETER_VALUE"):
                client.search_runs([experiment_id], text)
        except AssertionError as failure:
            raise AssertionError(f"{text}: {failure}") from None
    for order in (["nonsense.a"], ["metrics.loss sideways"], ["attributes.experiment_id"], ["datasets.name"]):
        with refused("INVALID_PARAMETER_VALUE"):
            client.search_runs([experiment_id], order_by=order)
    with refused("INVALID_PARAMETER_VALUE"):
        client.search_runs([experiment_id], max_results=50_001)
    with refused("INVALID_PARAMETER_VALUE"):
        client.search_runs([experiment_id], page_token="not a token")
    for text in ("params.a = 'b'", "name > 'a'", "creation_time = '1'", "name = 5"):
        with refused("INVALID_PARAMETER_VALUE"):
            client.search_experiments(filter_string=text)


def main() -> None:
    experiment_id = client.create_experiment(f"refusals {unique}")
    what_is_not_there()
    experiments(experiment_id)
    deleted_runs_take_nothing(experiment_id)
    names_and_values(experiment_id)
    batches_are_all_or_nothing(experiment_id)
    searches(experiment_id)


if __name__ == "__main__":
    main()
