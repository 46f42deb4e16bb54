"""Runs: how they begin and change, and what may be logged to them."""

from collections.abc import Sequence

import pytest

from trackback import limits
from trackback.entities import ANYONE, LifecycleStage, Points, Run, RunStatus
from trackback.errors import InvalidParameter, NotFound
from trackback.services.experiments import Experiments
from trackback.services.metrics import Metrics
from trackback.services.run_log import LOGGED_MODELS_TAG, RunLog
from trackback.services.runs import RUN_NAME_TAG, Runs
from trackback.services.sealing import Sealer
from trackback.storage import Storage

NOW_MS = 1_700_000_000_000
MODEL = '{"artifact_path": "m", "flavors": {}, "utc_time_created": "now", "run_id": "x"}'


class Desk:
    """The services for runs, and one run to try them on."""

    def __init__(self, storage: Storage, experiment_id: str) -> None:
        self.runs = Runs(storage, lambda: NOW_MS)
        sealer = Sealer(storage)
        self.run_log = RunLog(storage, sealer)
        self.metrics = Metrics(storage, sealer)
        self.experiments = Experiments(storage, "mlflow-artifacts:/")
        self.experiment_id = experiment_id
        self.run_id = ""

    async def run(self) -> Run:
        return await self.runs.get(ANYONE, self.run_id)

    async def params(self) -> dict[str, str]:
        return {param.key: param.value for param in (await self.run()).data.params}

    async def tags(self) -> dict[str, str]:
        return {tag.key: tag.value for tag in (await self.run()).data.tags}

    async def log_params(self, *params: tuple[str, str]) -> None:
        await self.run_log.log(ANYONE, self.run_id, params=params)

    async def log_tags(self, *tags: tuple[str, str]) -> None:
        await self.run_log.log(ANYONE, self.run_id, tags=tags)


@pytest.fixture
async def desk(storage: Storage) -> Desk:
    experiment_id = await Experiments(storage, "mlflow-artifacts:/").create(ANYONE, "runs")
    desk = Desk(storage, experiment_id)
    desk.run_id = (await desk.runs.create(ANYONE, experiment_id)).info.run_id
    return desk


async def test_a_run_begins_running_now_under_its_experiments_location(desk: Desk) -> None:
    info = (await desk.run()).info
    assert (info.status, info.start_time, info.end_time) == (RunStatus.RUNNING, NOW_MS, None)
    assert info.artifact_uri == f"mlflow-artifacts:/{desk.experiment_id}/{info.run_id}/artifacts"
    assert info.lifecycle_stage is LifecycleStage.ACTIVE


async def test_create_answers_with_the_run_as_it_is_read_later(desk: Desk) -> None:
    created = await desk.runs.create(ANYONE, desk.experiment_id, user_id="ann", tags=[("team", "red")], start_time_ms=5)
    read = await desk.runs.get(ANYONE, created.info.run_id)
    assert created.info == read.info
    assert set(created.data.tags) == set(read.data.tags)


@pytest.mark.parametrize(
    ("run_name", "tags", "name"),
    [
        ("given", [], "given"),
        ("", [(RUN_NAME_TAG, "tagged")], "tagged"),
        ("same", [(RUN_NAME_TAG, "same")], "same"),
        ("", [(RUN_NAME_TAG, "first"), ("a", "b"), (RUN_NAME_TAG, "last")], "last"),
    ],
)
async def test_a_name_is_kept_as_a_tag_too(desk: Desk, run_name: str, tags: list[tuple[str, str]], name: str) -> None:
    run = await desk.runs.create(ANYONE, desk.experiment_id, run_name=run_name, tags=tags)
    assert run.info.run_name == name
    assert {tag.key: tag.value for tag in run.data.tags}[RUN_NAME_TAG] == name


async def test_a_run_without_a_name_is_given_one(desk: Desk) -> None:
    run = await desk.run()
    assert run.info.run_name.count("-") == 2
    assert (await desk.tags())[RUN_NAME_TAG] == run.info.run_name


async def test_two_names_that_differ_are_refused(desk: Desk) -> None:
    with pytest.raises(InvalidParameter, match="with different values"):
        await desk.runs.create(ANYONE, desk.experiment_id, run_name="a", tags=[(RUN_NAME_TAG, "b")])


@pytest.mark.parametrize("way", ["update", "tag"])
async def test_renaming_changes_name_and_tag_together(desk: Desk, way: str) -> None:
    if way == "update":
        await desk.runs.update(ANYONE, desk.run_id, run_name="new")
    else:
        await desk.log_tags((RUN_NAME_TAG, "new"))
    assert (await desk.run()).info.run_name == "new"
    assert (await desk.tags())[RUN_NAME_TAG] == "new"


async def test_a_tag_with_a_name_that_is_too_long_is_named(desk: Desk) -> None:
    with pytest.raises(InvalidParameter, match=r"'tags\[1\]\.value' exceeds the maximum length of 250"):
        await desk.run_log.log(ANYONE, desk.run_id, tags=[("a", "b"), (RUN_NAME_TAG, "x" * 251)])


async def test_an_update_changes_only_what_is_given(desk: Desk) -> None:
    before = (await desk.run()).info
    info = await desk.runs.update(ANYONE, desk.run_id, status=RunStatus.FINISHED, end_time_ms=NOW_MS + 1)
    assert (info.status, info.end_time, info.run_name) == (RunStatus.FINISHED, NOW_MS + 1, before.run_name)
    info = await desk.runs.update(ANYONE, desk.run_id, status=RunStatus.RUNNING)
    assert (info.status, info.end_time) == (RunStatus.RUNNING, NOW_MS + 1)


async def test_an_unknown_or_deleted_experiment_takes_no_runs(desk: Desk) -> None:
    with pytest.raises(NotFound, match="No Experiment with id=999 exists"):
        await desk.runs.create(ANYONE, "999")
    await desk.experiments.delete(ANYONE, desk.experiment_id)
    with pytest.raises(InvalidParameter, match="must be in the 'active' state"):
        await desk.runs.create(ANYONE, desk.experiment_id)


async def test_deleting_and_restoring_may_be_repeated(desk: Desk) -> None:
    for change, stage in ((desk.runs.delete, LifecycleStage.DELETED), (desk.runs.restore, LifecycleStage.ACTIVE)):
        for _ in range(2):
            await change(ANYONE, desk.run_id)
            assert (await desk.run()).info.lifecycle_stage is stage


async def test_a_deleted_run_takes_nothing(desk: Desk) -> None:
    await desk.runs.delete(ANYONE, desk.run_id)
    before = repr(await desk.run())
    message = f"The run {desk.run_id} must be in the 'active' state. Current state is deleted."
    for write in (
        desk.log_params(("a", "1")),
        desk.log_tags(("a", "1")),
        desk.run_log.log(ANYONE, desk.run_id, points=Points(["m"], [0], [0], [1.0])),
        desk.run_log.delete_tag(ANYONE, desk.run_id, RUN_NAME_TAG),
        desk.runs.update(ANYONE, desk.run_id, status=RunStatus.FAILED),
    ):
        with pytest.raises(InvalidParameter, match=message):
            await write
    assert repr(await desk.run()) == before


async def test_an_unknown_run_is_not_found(desk: Desk) -> None:
    with pytest.raises(NotFound, match="Run with id=nothere not found"):
        await desk.run_log.log(ANYONE, "nothere", tags=[("a", "b")])


async def test_a_param_may_be_logged_again_but_not_changed(desk: Desk) -> None:
    await desk.log_params(("lr", "0.1"), ("empty", ""))
    await desk.log_params(("lr", "0.1"), ("depth", "3"))
    with pytest.raises(InvalidParameter, match=r"Changing param values is not allowed.*key='lr'.*'0.1'.*'0.2'"):
        await desk.log_params(("new", "1"), ("lr", "0.2"))
    assert await desk.params() == {"lr": "0.1", "empty": "", "depth": "3"}


async def test_a_tag_is_what_it_was_set_to_last(desk: Desk) -> None:
    await desk.log_tags(("a", "1"), ("a", "2"))
    assert (await desk.tags())["a"] == "2"
    await desk.log_tags(("a", "3"))
    assert (await desk.tags())["a"] == "3"
    await desk.run_log.delete_tag(ANYONE, desk.run_id, "a")
    assert "a" not in await desk.tags()
    with pytest.raises(NotFound, match="No tag with name: a in run with id"):
        await desk.run_log.delete_tag(ANYONE, desk.run_id, "a")


async def test_a_batch_is_all_or_nothing(desk: Desk) -> None:
    await desk.log_params(("lr", "0.1"))
    before = repr(await desk.run())
    with pytest.raises(InvalidParameter, match="Changing param values"):
        await desk.run_log.log(
            ANYONE,
            desk.run_id,
            points=Points(["m"], [0], [0], [1.0]),
            params=[("a", "1"), ("lr", "0.2")],
            tags=[("t", "1")],
        )
    assert repr(await desk.run()) == before
    assert (await desk.metrics.history(ANYONE, desk.run_id, "m")).items == ()


@pytest.mark.parametrize(
    ("points", "params", "tags", "problem"),
    [
        (limits.METRICS_PER_BATCH + 1, 0, 0, "at most 1000 metrics. Got 1001"),
        (0, limits.PARAMS_PER_BATCH + 1, 0, "at most 100 params. Got 101"),
        (0, 0, limits.TAGS_PER_BATCH + 1, "at most 100 tags. Got 101"),
        (limits.METRICS_PER_BATCH, 1, 0, "at most 1000 metrics, params, and tags. Got 1001"),
    ],
)
async def test_a_batch_has_a_limit(desk: Desk, points: int, params: int, tags: int, problem: str) -> None:
    with pytest.raises(InvalidParameter, match=problem):
        await desk.run_log.log(
            ANYONE,
            desk.run_id,
            points=Points(["m"] * points, range(points), [0] * points, [0.0] * points),
            params=[(f"p{i}", "") for i in range(params)],
            tags=[(f"t{i}", "") for i in range(tags)],
        )


@pytest.mark.parametrize(
    ("params", "problem"),
    [
        ([("a", "1"), ("a", "1")], r"Duplicate parameter keys have been submitted: \['a'\]"),
        ([("ok", "1"), ("", "1")], r"'params\[1\].key'"),
        ([("a/../b", "1")], "would resolve to 'b'"),
        ([("/a", "1")], "must not resolve to other names"),
        ([("a#b", "1")], "Names may only contain"),
        ([("k" * 251, "1")], "maximum length of 250"),
        ([("a", "x\x00y")], "contains a NUL"),
    ],
)
async def test_bad_params_are_named(desk: Desk, params: Sequence[tuple[str, str]], problem: str) -> None:
    with pytest.raises(InvalidParameter, match=problem):
        await desk.log_params(*params)
    assert await desk.params() == {}


async def test_long_values_are_cut_unless_the_server_is_told_to_refuse_them(desk: Desk, storage: Storage) -> None:
    long = "é" * 9000
    await desk.log_params(("p", long))
    await desk.log_tags(("t", long))
    assert (await desk.params())["p"] == long[: limits.PARAM_VALUE_LENGTH]
    assert (await desk.tags())["t"] == long[: limits.TAG_VALUE_LENGTH]
    strict = RunLog(storage, Sealer(storage), truncate=False)
    with pytest.raises(InvalidParameter, match="exceeds the maximum length of 6000"):
        await strict.log(ANYONE, desk.run_id, params=[("q", long)])


@pytest.mark.parametrize(
    ("timestamp", "step", "problem"),
    [(-1, 0, "nonnegative"), (2**63, 0, "64-bit"), (0, 2**63, "64-bit"), (0, -(2**63) - 1, "64-bit")],
)
async def test_times_and_steps_have_64_bits(desk: Desk, timestamp: int, step: int, problem: str) -> None:
    with pytest.raises(InvalidParameter, match=rf"metrics\[1\].*{problem}"):
        await desk.run_log.log(ANYONE, desk.run_id, points=Points(["m", "m"], [0, step], [0, timestamp], [1.0, 2.0]))


async def test_models_that_old_clients_log_gather_in_one_tag(desk: Desk) -> None:
    for _ in range(2):
        await desk.run_log.log_model(ANYONE, desk.run_id, MODEL)
    assert (await desk.tags())[LOGGED_MODELS_TAG].count('"artifact_path"') == 2
    for bad, problem in (("{", "no JSON"), ("[]", "missing mandatory"), ('{"flavors": {}}', "artifact_path")):
        with pytest.raises(InvalidParameter, match=problem):
            await desk.run_log.log_model(ANYONE, desk.run_id, bad)


@pytest.mark.parametrize("tag", ["nonsense", "5", '{"artifact_path": "model"}'])
async def test_a_model_is_not_added_to_a_tag_that_holds_something_else(desk: Desk, tag: str) -> None:
    await desk.log_tags((LOGGED_MODELS_TAG, tag))
    with pytest.raises(InvalidParameter, match="is no list of models"):
        await desk.run_log.log_model(ANYONE, desk.run_id, MODEL)
    assert (await desk.tags())[LOGGED_MODELS_TAG] == tag
