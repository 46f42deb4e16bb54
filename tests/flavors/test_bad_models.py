"""Models that can't be saved or loaded: what is said, and that nothing is left behind."""

import shutil
import sys
import threading
from pathlib import Path
from typing import Any

import numpy
import pytest
import yaml
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from trackback.errors import (
    AlreadyExists,
    InvalidModel,
    InvalidParameter,
    MissingLibrary,
    NotFound,
    TrackbackError,
    UntrustedModel,
)
from trackback.flavors import Trust, load_model, load_predictor, read_mlmodel, recognise, save_model


@pytest.fixture
def saved(iris: tuple[Any, Any], tmp_path: Path) -> Path:
    features, kinds = iris
    model = LogisticRegression(max_iter=500).fit(features, kinds)
    save_model(model, tmp_path / "model", input_example=features.head(2))
    return tmp_path / "model"


def change(model: Path, **changes: Any) -> None:
    content = yaml.safe_load((model / "MLmodel").read_text())
    (model / "MLmodel").write_text(yaml.safe_dump({**content, **changes}))


def settings(**changes: Any) -> dict[str, Any]:
    return {"sklearn": {"pickled_model": "model.skops", "serialization_format": "skops", **changes}}


def test_a_folder_without_a_model_is_not_found(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="has no file named MLmodel"):
        load_model(tmp_path)


@pytest.mark.parametrize("content", [b"", b"- a", b"flavors: 7", b"{", b"\xff\xfe", b"flavors: {sklearn: 3}", b"a: 1"])
def test_a_damaged_mlmodel_file_is_refused_by_name(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "MLmodel").write_bytes(content)

    with pytest.raises(InvalidModel, match="MLmodel"):
        load_model(tmp_path)


def test_a_missing_file_is_named(saved: Path) -> None:
    (saved / "model.skops").unlink()

    with pytest.raises(InvalidModel, match=r"model\.skops is missing.*'pickled_model'.*incomplete"):
        load_model(saved)


@pytest.mark.parametrize("length", [0, 100, 5000])
def test_a_file_that_was_cut_is_refused_by_name(saved: Path, length: int) -> None:
    content = (saved / "model.skops").read_bytes()
    (saved / "model.skops").write_bytes(content[:length])

    with pytest.raises(InvalidModel, match=r"model\.skops"):
        load_model(saved)


@pytest.mark.parametrize("name", ["../outside.skops", "/etc/passwd", "link.skops", "", 7, None, ".."])
def test_a_path_that_leads_out_of_the_model_is_refused(saved: Path, name: Any) -> None:
    shutil.copy(saved / "model.skops", saved.parent / "outside.skops")
    (saved / "link.skops").symlink_to("../outside.skops")
    change(saved, flavors=settings(pickled_model=name))

    with pytest.raises(InvalidModel, match=r"leads out of the model|names no file"):
        load_model(saved)


def test_a_model_of_a_flavor_that_nobody_knows_names_it_and_those_there_are(saved: Path) -> None:
    change(saved, flavors={"prophet": {"data": "model.pr"}, "python_function": {"loader_module": "mlflow.prophet"}})

    with pytest.raises(InvalidModel, match=r"is of flavor prophet, .*there are: .*sklearn.* MLflow 3\.17\.2 wrote"):
        load_model(saved)


def test_a_newer_mlflows_file_is_read_and_what_is_new_in_it_kept(saved: Path) -> None:
    change(saved, mlflow_version="9.1.0", quantum={"state": "both"})

    assert isinstance(load_model(saved), LogisticRegression)
    assert read_mlmodel(saved).others == {"quantum": {"state": "both"}}


def test_a_format_that_only_a_newer_mlflow_knows_is_named(saved: Path) -> None:
    change(saved, flavors=settings(serialization_format="crystal"))

    with pytest.raises(InvalidModel, match=r"model\.skops has the format 'crystal', .* skops, pickle, cloudpickle"):
        load_model(saved)


def test_a_damaged_input_example_is_refused_when_it_is_asked_for(saved: Path) -> None:
    (saved / "input_example.json").write_text("[")
    predictor = load_predictor(saved)

    with pytest.raises(InvalidModel, match=r"input_example\.json"):
        _ = predictor.input_example


@pytest.mark.parametrize("model", [3, "text", None, {"a": 1}, numpy.zeros(3)])
def test_what_is_no_model_is_refused_with_its_type(model: Any) -> None:
    with pytest.raises(InvalidParameter, match=type(model).__name__):
        recognise(model)


def test_a_class_is_refused_in_favour_of_an_instance() -> None:
    with pytest.raises(InvalidParameter, match=r"LogisticRegression is a class: pass an instance"):
        recognise(LogisticRegression)


def test_the_part_that_can_not_be_pickled_is_named_and_nothing_is_left(tmp_path: Path) -> None:
    model = make_pipeline(FunctionTransformer(lambda data: data), LogisticRegression())
    model.steps[1][1].lock = threading.Lock()

    with pytest.raises(InvalidParameter, match=r"model\.steps\[1\]\[1\]\.lock, a _thread\.lock, can't be pickled"):
        save_model(model, tmp_path / "model")
    assert list(tmp_path.iterdir()) == []


def test_what_a_function_holds_on_to_is_named_too(tmp_path: Path) -> None:
    lock = threading.Lock()

    def predict(data: Any) -> Any:
        with lock:
            return data

    with pytest.raises(InvalidParameter, match=r"model → lock, a _thread\.lock,"):
        save_model(predict, tmp_path / "model")


def test_a_missing_library_is_named_with_how_to_get_it(saved: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    change(saved, flavors={"xgboost": {"data": "model.skops"}})
    monkeypatch.setitem(sys.modules, "xgboost", None)

    with pytest.raises(MissingLibrary, match="pip install xgboost"):
        load_model(saved)


@pytest.mark.parametrize("name", ["keras", "lightgbm", "onnx", "pytorch", "spark", "fasttext", "xgboost"])
def test_every_flavor_says_which_library_it_lacks(saved: Path, name: str) -> None:
    change(saved, flavors={name: {"data": "model.skops", "model_data": "model.skops"}})

    with pytest.raises(MissingLibrary, match="pip install"):
        load_model(saved)


def test_a_model_is_not_saved_over_another(saved: Path, iris: tuple[Any, Any]) -> None:
    with pytest.raises(AlreadyExists):
        save_model(LogisticRegression(), saved)
    assert isinstance(load_model(saved), LogisticRegression)


def test_an_unknown_option_is_refused_with_those_there_are(tmp_path: Path) -> None:
    with pytest.raises(InvalidParameter, match="sklearn has no option pickle; it knows: predict_fn, serialization"):
        save_model(LogisticRegression(), tmp_path / "model", pickle=True)


def test_a_requirement_that_pip_would_not_take_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidParameter, match="'numpy=>1' is no requirement"):
        save_model(LogisticRegression(), tmp_path / "model", requirements=["numpy=>1"])


def test_an_example_that_json_has_no_form_for_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidParameter, match="the input example can't be written as JSON"):
        save_model(LogisticRegression(), tmp_path / "model", input_example={"a": object()})


def test_metadata_that_yaml_can_not_hold_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidParameter, match="metadata and options are plain values"):
        save_model(LogisticRegression(), tmp_path / "model", metadata={"a": object()})
    assert not (tmp_path / "model").exists()


def test_every_error_is_of_the_exception_tree() -> None:
    assert issubclass(InvalidModel, TrackbackError)
    assert issubclass(UntrustedModel, TrackbackError)
    assert issubclass(MissingLibrary, TrackbackError)


def test_a_model_that_can_not_predict_its_example_is_saved_without_outputs(
    iris: tuple[Any, Any], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    save_model(LogisticRegression(), tmp_path / "model", input_example=iris[0].head(2))

    signature = load_predictor(tmp_path / "model", trust=Trust()).signature
    assert signature is not None
    assert signature.outputs is None
    assert "can't predict its input example" in caplog.text
