"""What texts name: versions, runs and streams."""

import pytest

from tests.contract.registered import DIGEST, delete_version, promote, register_model, register_version, set_alias
from trackback.entities import ANYONE, Actor, Grants, Permission
from trackback.errors import InvalidParameter, NotFound
from trackback.services.experiments import Experiments
from trackback.services.runs import Runs
from trackback.services.subjects import Subject, resolve, resolve_stream, shown_stream
from trackback.storage import Storage


@pytest.fixture
async def model(storage: Storage) -> int:
    """The registered model churn, with the versions 1 and 2 (``champion``), of which 2 is unverified."""
    model = await register_model(storage, "churn")
    await register_version(storage, model, run_id="f" * 32, description="the first")
    await register_version(storage, model, digest=None)
    await set_alias(storage, model, "champion", 2)
    return model


async def resolved(storage: Storage, text: str, actor: Actor = ANYONE) -> Subject:
    return await storage.look_up(lambda tx: resolve(tx, text, actor))


async def stream_of(storage: Storage, text: str, actor: Actor = ANYONE) -> str:
    return await storage.look_up(lambda tx: resolve_stream(tx, text, actor))


async def new_run(storage: Storage) -> str:
    await Experiments(storage, "mlflow-artifacts:/").ensure_default()
    run = await Runs(storage).create(ANYONE, "0", user_id="ada")
    return run.info.run_id


class TestVersions:
    async def test_a_version_is_named_by_its_number(self, storage: Storage, model: int) -> None:
        subject = await resolved(storage, "models:/churn/1")
        assert (subject.stream, subject.name, subject.version) == (f"models/{model}", "churn", 1)
        assert (subject.digest, subject.author, subject.run_id) == (DIGEST, "ada", "f" * 32)
        assert (subject.description, subject.text) == ("the first", "models:/churn/1")

    async def test_a_version_is_named_by_an_alias(self, storage: Storage, model: int) -> None:
        subject = await resolved(storage, "models:/churn@champion")
        assert (subject.text, subject.digest) == ("models:/churn/2", None)

    @pytest.mark.parametrize(
        ("text", "said"),
        [
            ("models:/churn/3", "There is no version 3 of the registered model 'churn'. Its last is 2."),
            ("models:/churn/99999999999999999999999", "Its last is 2."),
            ("models:/churn@prod", "The registered model 'churn' has no alias 'prod'. Its aliases are champion."),
            ("models:/Churn/1", "There is no registered model 'Churn'."),
        ],
    )
    async def test_what_is_not_there_is_said(self, storage: Storage, model: int, text: str, said: str) -> None:
        with pytest.raises(NotFound) as raised:
            await resolved(storage, text)
        assert said in raised.value.message

    async def test_a_deleted_version_is_not_there(self, storage: Storage) -> None:
        model = await register_model(storage, "churn")
        await delete_version(storage, await register_version(storage, model))
        with pytest.raises(NotFound, match=r"There is no version 1 of the registered model 'churn'. It was deleted."):
            await resolved(storage, "models:/churn/1")


@pytest.mark.parametrize(
    "text", ["", "churn", "churn/7", "models:/churn", "models:/churn/Production", "models:/", "s3://x/1", "models:/@a"]
)
async def test_a_text_that_names_nothing_is_answered_with_the_forms_that_do(storage: Storage, text: str) -> None:
    with pytest.raises(InvalidParameter, match=r"models:/churn/7 or models:/churn@champion.* runs:/<run id>"):
        await resolved(storage, text)


class TestRuns:
    async def test_a_run_is_named_by_its_id(self, storage: Storage) -> None:
        run_id = await new_run(storage)
        subject = await resolved(storage, f"runs:/{run_id}")
        assert subject.run is not None
        assert (subject.stream, subject.digest, subject.author) == ("experiments/0", None, "ada")
        assert (subject.run.uuid, subject.run_id, subject.text) == (run_id, run_id, f"runs:/{run_id}")

    async def test_its_digest_is_that_under_which_it_was_last_promoted(self, storage: Storage) -> None:
        run_id = await new_run(storage)
        run = (await resolved(storage, f"runs:/{run_id}")).run
        assert run is not None
        for seq, digest in enumerate(("c" * 64, DIGEST, None), 1):
            await promote(storage, seq, "experiments/0", "staging", digest, run=run.id)
        assert (await resolved(storage, f"runs:/{run_id}")).digest == DIGEST

    async def test_a_run_that_is_not_there_is_said(self, storage: Storage) -> None:
        with pytest.raises(NotFound, match=r"There is no run 'abc'"):
            await resolved(storage, "runs:/abc")


class TestStreams:
    async def test_a_stream_is_named_by_its_model_or_by_its_id(self, storage: Storage, model: int) -> None:
        await Experiments(storage, "mlflow-artifacts:/").ensure_default()
        named = {
            "models:/churn": f"models/{model}",
            f"models/{model}": f"models/{model}",
            "experiments:/0": "experiments/0",
            "experiments/0": "experiments/0",
        }
        for text, stream in named.items():
            assert await stream_of(storage, text) == stream

    async def test_it_is_shown_by_the_name_that_the_model_has_now(self, storage: Storage, model: int) -> None:
        assert await storage.look_up(lambda tx: shown_stream(tx, f"models/{model}")) == "models:/churn"
        assert await storage.look_up(lambda tx: shown_stream(tx, "experiments/12")) == "experiments:/12"

    @pytest.mark.parametrize("text", ["models:/none", "models/99", "experiments:/99", "experiments/99"])
    async def test_a_stream_that_is_not_there_is_said(self, storage: Storage, text: str) -> None:
        with pytest.raises(NotFound, match=r"There is no (registered model|experiment)"):
            await stream_of(storage, text)

    @pytest.mark.parametrize("text", ["", "churn", "models:/", "models/churn", "runs:/1", "experiments:/"])
    async def test_a_text_that_names_no_stream_is_answered_with_the_forms_that_do(
        self, storage: Storage, text: str
    ) -> None:
        with pytest.raises(InvalidParameter, match=r"models:/churn.* experiments:/12"):
            await stream_of(storage, text)


async def test_what_an_actor_may_not_read_is_as_if_it_were_not_there(storage: Storage, model: int) -> None:
    run_id = await new_run(storage)
    stranger = Actor("eve", grants=Grants(models={model + 1: frozenset({Permission.READ})}))
    for text, hidden in {
        "models:/churn/1": "models:/other/1",
        "models:/churn/99": "models:/other/99",
        "models:/churn@champion": "models:/other@champion",
        f"runs:/{run_id}": "runs:/other",
    }.items():
        with pytest.raises(NotFound) as refused:
            await resolved(storage, text, stranger)
        with pytest.raises(NotFound) as missing:
            await resolved(storage, hidden)
        assert refused.value.message.replace("churn", "other").replace(run_id, "other") == missing.value.message
    for stream in ("models:/churn", f"models/{model}", "experiments:/0"):
        with pytest.raises(NotFound):
            await stream_of(storage, stream, stranger)
