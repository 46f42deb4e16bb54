"""Data sets and models that go into runs, and models that come out of them."""

import asyncio
import random
import string

import pytest

from trackback.entities import (
    ANYONE,
    Dataset,
    DatasetInput,
    DatasetSummary,
    ModelInput,
    ModelOutput,
    Run,
    RunInputs,
    RunOutputs,
    Tag,
    ViewType,
)
from trackback.errors import BadRequest, InvalidParameter, NotFound
from trackback.services.experiments import Experiments
from trackback.services.inputs import Inputs
from trackback.services.runs import Runs
from trackback.storage import Storage

IRIS = Dataset("iris", "abc123", "local", '{"uri": "iris.csv"}', schema='{"columns": 4}', profile='{"rows": 150}')
TRAINING = (Tag("mlflow.data.context", "training"),)
EVALUATION = (Tag("mlflow.data.context", "evaluation"),)


class Log:
    """An experiment, its runs, and what is logged to them."""

    def __init__(self, storage: Storage) -> None:
        self._experiments = Experiments(storage, "mlflow-artifacts:/")
        self.runs = Runs(storage)
        self.inputs = Inputs(storage)
        self.experiment_id = ""

    async def begin(self, name: str = "experiment") -> None:
        self.experiment_id = await self._experiments.create(ANYONE, name)

    async def run(self) -> str:
        return (await self.runs.create(ANYONE, self.experiment_id)).info.run_id

    async def read(self, run_id: str) -> Run:
        return await self.runs.get(ANYONE, run_id)

    async def log(self, run_id: str, *datasets: DatasetInput, models: tuple[str, ...] = ()) -> None:
        await self.inputs.log_inputs(ANYONE, run_id, datasets, [ModelInput(model) for model in models])

    async def log_outputs(self, run_id: str, *outputs: tuple[str, int]) -> None:
        await self.inputs.log_outputs(ANYONE, run_id, [ModelOutput(*output) for output in outputs])


@pytest.fixture
async def log(storage: Storage) -> Log:
    log = Log(storage)
    await log.begin()
    return log


class TestInputs:
    async def test_a_run_shows_its_data_sets_as_they_were_logged_with_their_tags(self, log: Log) -> None:
        run_id = await log.run()
        plain = DatasetInput(Dataset("a", "0", "local", "{}"))
        await log.log(run_id, DatasetInput(IRIS, TRAINING), models=("m-2",))
        await log.log(run_id, plain, models=("m-1",))
        assert (await log.read(run_id)).inputs == RunInputs(
            (DatasetInput(IRIS, TRAINING), plain), (ModelInput("m-1"), ModelInput("m-2"))
        )

    async def test_the_same_data_set_again_changes_nothing_and_its_new_tags_neither(self, log: Log) -> None:
        run_id = await log.run()
        for tags in (TRAINING, EVALUATION):
            await log.log(run_id, DatasetInput(IRIS, tags), models=("m-1",))
        assert (await log.read(run_id)).inputs == RunInputs((DatasetInput(IRIS, TRAINING),), (ModelInput("m-1"),))

    async def test_twice_in_one_request_the_first_counts(self, log: Log) -> None:
        run_id = await log.run()
        other = Dataset(IRIS.name, IRIS.digest, "s3", "elsewhere")
        await log.log(run_id, DatasetInput(IRIS, TRAINING), DatasetInput(other, EVALUATION), models=("m-1", "m-1"))
        assert (await log.read(run_id)).inputs == RunInputs((DatasetInput(IRIS, TRAINING),), (ModelInput("m-1"),))

    async def test_in_one_experiment_a_name_and_a_digest_are_the_data_set_first_logged(self, log: Log) -> None:
        one, two = await log.run(), await log.run()
        await log.log(one, DatasetInput(IRIS))
        await log.log(two, DatasetInput(Dataset(IRIS.name, IRIS.digest, "s3", "elsewhere"), EVALUATION))
        assert (await log.read(two)).inputs.dataset_inputs == (DatasetInput(IRIS, EVALUATION),)

    async def test_another_digest_or_another_experiment_is_another_data_set(self, log: Log) -> None:
        one = await log.run()
        newer = Dataset(IRIS.name, "def456", "s3", "newer")
        await log.log(one, DatasetInput(IRIS), DatasetInput(newer))
        await log.begin("other")
        two = await log.run()
        elsewhere = Dataset(IRIS.name, IRIS.digest, "s3", "elsewhere")
        await log.log(two, DatasetInput(elsewhere))
        assert (await log.read(one)).inputs.dataset_inputs == (DatasetInput(IRIS), DatasetInput(newer))
        assert (await log.read(two)).inputs.dataset_inputs == (DatasetInput(elsewhere),)

    async def test_of_a_tag_given_twice_the_last_value_stays(self, log: Log) -> None:
        run_id = await log.run()
        await log.log(run_id, DatasetInput(IRIS, (Tag("k", "1"), Tag("k", "2"))))
        assert (await log.read(run_id)).inputs.dataset_inputs == (DatasetInput(IRIS, (Tag("k", "2"),)),)

    async def test_a_data_set_may_be_as_large_as_its_limits(self, log: Log) -> None:
        run_id = await log.run()
        chance = random.Random(0)
        large = Dataset(
            name="".join(chr(chance.randrange(0x4E00, 0x9FFF)) for _ in range(500)),
            digest="".join(chance.choices(string.hexdigits, k=36)),
            source_type="local",
            source="s" * 65_535,
            schema="c" * 1_048_575,
            profile="p" * 2_000_000,
        )
        await log.log(run_id, DatasetInput(large, (Tag("k" * 255, "v" * 500),)))
        assert (await log.read(run_id)).inputs.dataset_inputs[0].dataset == large

    async def test_what_is_beyond_a_limit_or_empty_is_refused_and_nothing_is_kept(
        self, log: Log, subtests: pytest.Subtests
    ) -> None:
        run_id = await log.run()
        good = DatasetInput(IRIS)
        bad = {
            "no name": DatasetInput(Dataset("", "0", "local", "{}")),
            "no digest": DatasetInput(Dataset("a", "", "local", "{}")),
            "long name": DatasetInput(Dataset("a" * 501, "0", "local", "{}")),
            "long digest": DatasetInput(Dataset("a", "0" * 37, "local", "{}")),
            "long source": DatasetInput(Dataset("a", "0", "local", "s" * 65_536)),
            "long schema": DatasetInput(Dataset("a", "0", "local", "{}", schema="s" * 1_048_576)),
            "long profile": DatasetInput(Dataset("a", "0", "local", "{}", profile="s" * 16_777_216)),
            "NUL in name": DatasetInput(Dataset("a\0", "0", "local", "{}")),
            "NUL in profile": DatasetInput(Dataset("a", "0", "local", "{}", profile="\0")),
            "long tag key": DatasetInput(IRIS, (Tag("k" * 256, "v"),)),
            "long tag value": DatasetInput(IRIS, (Tag("k", "v" * 501),)),
            "NUL in tag": DatasetInput(IRIS, (Tag("k", "\0"),)),
        }
        for name, dataset in bad.items():
            with subtests.test(name), pytest.raises(InvalidParameter):
                await log.log(run_id, good, dataset, models=("m-1",))
        for model_id in ("", "\0", "m" * 257):
            with subtests.test(model_id=model_id), pytest.raises(InvalidParameter):
                await log.log(run_id, good, models=("m-1", model_id))
        assert (await log.read(run_id)).inputs == RunInputs()

    async def test_unknown_and_deleted_runs_take_no_inputs(self, log: Log) -> None:
        run_id = await log.run()
        await log.runs.delete(ANYONE, run_id)
        with pytest.raises(InvalidParameter, match=r"must be in the 'active' state\. Current state is deleted"):
            await log.log(run_id, DatasetInput(IRIS))
        with pytest.raises(NotFound):
            await log.log("f" * 32, DatasetInput(IRIS))
        with pytest.raises(InvalidParameter):
            await log.log("no run\0", DatasetInput(IRIS))
        assert await log.inputs.search_datasets(ANYONE, [log.experiment_id]) == []

    async def test_many_runs_that_log_the_same_data_sets_at_once_share_them(self, log: Log) -> None:
        datasets = [DatasetInput(Dataset(f"d{i}", "0", "local", "{}"), TRAINING) for i in range(20)]
        runs = [await log.run() for _ in range(20)]
        orders = [random.Random(i).sample(datasets, len(datasets)) for i in range(len(runs))]
        await asyncio.gather(*(log.log(run, *order) for run, order in zip(runs, orders, strict=True)))
        for run in runs:
            assert set((await log.read(run)).inputs.dataset_inputs) == set(datasets)
        assert len(await log.inputs.search_datasets(ANYONE, [log.experiment_id])) == len(datasets)

    async def test_a_search_of_runs_shows_each_run_its_own(self, log: Log) -> None:
        expected = {}
        for i in range(30):
            run_id = await log.run()
            if i % 3:
                await log.log(run_id, DatasetInput(IRIS, (Tag("n", str(i)),)), models=(f"m-{i}",))
                await log.log_outputs(run_id, (f"m-{i}", i))
            expected[run_id] = (
                (
                    RunInputs((DatasetInput(IRIS, (Tag("n", str(i)),)),), (ModelInput(f"m-{i}"),)),
                    RunOutputs((ModelOutput(f"m-{i}", i),)),
                )
                if i % 3
                else (RunInputs(), None)
            )
        page = await log.runs.search(ANYONE, [log.experiment_id], view_type=ViewType.ALL)
        assert {run.info.run_id: (run.inputs, run.outputs) for run in page.items} == expected


class TestOutputs:
    async def test_a_run_shows_the_models_it_made_by_step(self, log: Log) -> None:
        run_id = await log.run()
        await log.log_outputs(run_id, ("m-1", 10), ("m-2", -(2**63)), ("m-3", 2**63 - 1))
        outputs = (await log.read(run_id)).outputs
        assert outputs == RunOutputs(
            (ModelOutput("m-2", -(2**63)), ModelOutput("m-1", 10), ModelOutput("m-3", 2**63 - 1))
        )

    async def test_the_same_again_counts_once(self, log: Log) -> None:
        run_id = await log.run()
        for _ in range(2):
            await log.log_outputs(run_id, ("m-1", 1), ("m-1", 1))
        assert (await log.read(run_id)).outputs == RunOutputs((ModelOutput("m-1", 1),))

    async def test_a_model_is_an_output_at_one_step_only(self, log: Log) -> None:
        run_id = await log.run()
        await log.log_outputs(run_id, ("m-1", 1))
        for outputs in ((("m-2", 1), ("m-1", 2)), (("m-3", 1), ("m-3", 2))):
            with pytest.raises(BadRequest, match="already"):
                await log.log_outputs(run_id, *outputs)
        assert (await log.read(run_id)).outputs == RunOutputs((ModelOutput("m-1", 1),))

    async def test_no_models_are_no_change(self, log: Log) -> None:
        run_id = await log.run()
        await log.log_outputs(run_id)
        assert (await log.read(run_id)).outputs is None

    async def test_bad_models_are_refused(self, log: Log, subtests: pytest.Subtests) -> None:
        run_id = await log.run()
        for model in (("", 0), ("\0", 0), ("m" * 257, 0), ("m-1", 2**63)):
            with subtests.test(model=model), pytest.raises(InvalidParameter):
                await log.log_outputs(run_id, ("m-0", 0), model)
        assert (await log.read(run_id)).outputs is None

    async def test_unknown_and_deleted_runs_take_no_outputs(self, log: Log) -> None:
        run_id = await log.run()
        await log.runs.delete(ANYONE, run_id)
        with pytest.raises(InvalidParameter, match="Current state is deleted"):
            await log.log_outputs(run_id, ("m-1", 0))
        with pytest.raises(NotFound):
            await log.log_outputs("f" * 32, ("m-1", 0))


class TestSearchDatasets:
    async def test_a_data_set_is_listed_once_for_each_context(self, log: Log) -> None:
        here = log.experiment_id
        for tags in (TRAINING, TRAINING, EVALUATION, ()):
            await log.log(await log.run(), DatasetInput(IRIS, (*tags, Tag("other", "tag"))))
        await log.begin("other")
        await log.log(await log.run(), DatasetInput(IRIS))
        assert set(await log.inputs.search_datasets(ANYONE, [here, here, "999"])) == {
            DatasetSummary(here, "iris", "abc123", context) for context in ("training", "evaluation", None)
        }

    async def test_at_most_1000_are_listed(self, log: Log) -> None:
        for start in (0, 600):
            datasets = (DatasetInput(Dataset(f"d{start + i}", "0", "local", "{}")) for i in range(600))
            await log.log(await log.run(), *datasets)
        assert len(await log.inputs.search_datasets(ANYONE, [log.experiment_id])) == 1000

    async def test_it_takes_1_to_20_experiments_by_number(self, log: Log, subtests: pytest.Subtests) -> None:
        assert await log.inputs.search_datasets(ANYONE, [str(i) for i in range(20)]) == []
        for experiments in ([], [str(i) for i in range(21)], ["a"], ["\0"]):
            with subtests.test(experiments=experiments), pytest.raises(InvalidParameter):
                await log.inputs.search_datasets(ANYONE, experiments)
