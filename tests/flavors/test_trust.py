"""What could run code is loaded only if somebody has vouched for exactly these bytes."""

import hashlib
import os
import pickle
from pathlib import Path
from typing import Any

import pytest
import skops.io
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import FunctionTransformer

from trackback.errors import InvalidModel, UntrustedModel
from trackback.flavors import Trust, load_model, save_model
from trackback.flavors.mlmodel import MLmodel, write_mlmodel


@pytest.fixture
def pickled(iris: tuple[Any, Any], tmp_path: Path) -> Path:
    save_model(LogisticRegression(max_iter=500).fit(*iris), tmp_path / "model", serialization_format="cloudpickle")
    return tmp_path / "model"


def digest(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()


def test_a_pickle_is_refused_with_its_name_its_digest_and_what_to_do(pickled: Path) -> None:
    file = pickled / "model.pkl"

    with pytest.raises(UntrustedModel) as refusal:
        load_model(pickled)
    for part in (str(file), f"sha256:{digest(file)}", "Trust.of", "TRACKBACK_TRUST_PICKLES=1"):
        assert part in refusal.value.message


@pytest.mark.parametrize("prefix", ["", "sha256:"])
def test_a_pickle_with_a_trusted_digest_is_loaded(pickled: Path, prefix: str) -> None:
    loaded = load_model(pickled, trust=Trust.of([prefix + digest(pickled / "model.pkl")]))

    assert isinstance(loaded, LogisticRegression)


def test_a_pickle_that_was_changed_is_refused_although_what_it_was_is_trusted(pickled: Path) -> None:
    trust = Trust.of([digest(pickled / "model.pkl")])
    with (pickled / "model.pkl").open("ab") as file:
        file.write(b".")

    with pytest.raises(UntrustedModel):
        load_model(pickled, trust=trust)


def test_the_environment_can_trust_everything(pickled: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRACKBACK_TRUST_PICKLES", "1")

    assert isinstance(load_model(pickled), LogisticRegression)


@pytest.mark.parametrize("value", ["", "0", "false", "no"])
def test_the_environment_trusts_nothing_unless_it_says_so(
    pickled: Path, monkeypatch: pytest.MonkeyPatch, value: str
) -> None:
    monkeypatch.setenv("TRACKBACK_TRUST_PICKLES", value)

    with pytest.raises(UntrustedModel):
        load_model(pickled)


class Exploit:
    def __init__(self, command: str) -> None:
        self.command = command

    def __reduce__(self) -> Any:
        return os.system, (self.command,)


def test_the_code_of_a_crafted_pickle_does_not_run(tmp_path: Path) -> None:
    (tmp_path / "model.pkl").write_bytes(pickle.dumps(Exploit(f"touch {tmp_path}/ran")))
    write_mlmodel(MLmodel(flavors={"sklearn": {"pickled_model": "model.pkl"}}), tmp_path)

    with pytest.raises(UntrustedModel):
        load_model(tmp_path)
    assert not (tmp_path / "ran").exists()


def test_the_list_of_trusted_types_is_ours_and_not_the_models(tmp_path: Path) -> None:
    skops.io.dump(FunctionTransformer(os.system), tmp_path / "model.skops")
    settings = {
        "pickled_model": "model.skops",
        "serialization_format": "skops",
        "skops_trusted_types": ["posix.system"],
    }
    write_mlmodel(MLmodel(flavors={"sklearn": settings}), tmp_path)

    with pytest.raises(UntrustedModel, match=r"types that are not known to be harmless \(posix\.system\)"):
        load_model(tmp_path)
    trusted = load_model(tmp_path, trust=Trust.of([digest(tmp_path / "model.skops")]))
    assert trusted.func is os.system


def loader_model(folder: Path, **settings: Any) -> None:
    """A model with a loader of its own, as MLflow writes one for a custom loader_module."""
    (folder / "code").mkdir(exist_ok=True)
    (folder / "code" / "own_loader_of_a_test.py").write_text("def _load_pyfunc(path):\n    return Model()\n" + MODEL)
    (folder / "weights.txt").write_text("3")
    own = {"loader_module": "own_loader_of_a_test", "code": "code", "data": "weights.txt", **settings}
    write_mlmodel(MLmodel(flavors={"python_function": own}), folder)


MODEL = "class Model:\n    def predict(self, data, params=None):\n        return [3] * len(data)\n"


def test_a_models_own_loader_runs_only_if_each_file_of_the_model_is_trusted(tmp_path: Path) -> None:
    loader_model(tmp_path)
    digests = {digest(file) for file in tmp_path.rglob("*") if file.is_file()}

    for left_out in digests:
        with pytest.raises(UntrustedModel):
            load_model(tmp_path, trust=Trust.of(digests - {left_out}))
    assert load_model(tmp_path, trust=Trust.of(digests)).predict([1, 2]) == [3, 3]


def test_a_module_that_is_not_there_is_named(tmp_path: Path) -> None:
    loader_model(tmp_path, loader_module="no_such_module_of_a_test")

    with pytest.raises(InvalidModel, match="no_such_module_of_a_test"):
        load_model(tmp_path, trust=Trust(everything=True))
