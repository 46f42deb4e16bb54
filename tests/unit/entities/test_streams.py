"""What streams are called, and that they are called so in one place."""

import re
from pathlib import Path

import pytest

import trackback
from trackback.entities.streams import Stream, StreamKind, experiment_stream, model_stream, parse_stream

SOURCES = Path(trackback.__file__).parent


def test_a_stream_is_named_by_the_kind_and_the_id_of_whose_it_is() -> None:
    assert (model_stream(3), experiment_stream(12)) == ("models/3", "experiments/12")


def test_what_was_put_together_is_taken_apart() -> None:
    assert parse_stream(model_stream(3)) == Stream(StreamKind.MODEL, 3)
    assert parse_stream(experiment_stream(0)) == Stream(StreamKind.EXPERIMENT, 0)
    assert parse_stream("experiments/12").uri == "experiments:/12"


@pytest.mark.parametrize("text", ["", "*", "models/", "models/x", "runs/1", "models/1/2"])
def test_what_is_no_stream_is_not_taken_for_one(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        parse_stream(text)


def test_no_other_module_puts_one_together() -> None:
    made = re.compile(r"""["'](models|experiments)/(\{|"|'|\d)""")
    found = [path.name for path in SOURCES.rglob("*.py") if made.search(path.read_text(encoding="utf-8"))]
    assert found == ["logged_models.py"]  # a folder of artifacts, models/<id of a logged model>
