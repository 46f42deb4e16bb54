"""A process that begins to load the model before the server asks for it."""

import os
from collections.abc import Sequence
from pathlib import Path

import msgspec
import psutil

from tests.scoring import models
from trackback.scoring.early import EarlyWorker
from trackback.scoring.messages import Frames, decode_started, start_of
from trackback.scoring.settings import Settings


def children(but: Sequence[psutil.Process] = ()) -> list[psutil.Process]:
    return [each for each in psutil.Process().children() if each not in but]


def test_it_loads_the_model_and_is_taken_once_by_who_wants_the_same(tmp_path: Path) -> None:
    models.save_iris(tmp_path / "iris")
    (tmp_path / "link").symlink_to("iris")
    settings = Settings(model_uri=str(tmp_path / "link"))
    start = start_of(settings, str(tmp_path / "iris"), ())
    with EarlyWorker(settings, ()) as early:
        assert early.take(msgspec.structs.replace(start, trusted=None)) is None
        process = early.take(start)
        assert early.take(start) is None
    assert process is not None
    frames = Frames()
    while not (messages := frames.feed(process.connection.recv(4096))):
        pass
    assert decode_started(messages[0]).problem is None
    process.let_go()
    assert process.wait(10) >= 0  # by itself


def test_one_that_nobody_takes_is_ended(tmp_path: Path) -> None:
    before = children()
    with EarlyWorker(Settings(model_uri=str(tmp_path)), ()):
        assert len(children(but=before)) == 1
    assert children(but=before) == []


def test_of_a_model_that_is_not_here_none_is_begun(tmp_path: Path) -> None:
    before = children()
    for uri in ("models:/churn/7", str(tmp_path / "none"), os.devnull):
        with EarlyWorker(Settings(model_uri=uri), ()):
            assert children(but=before) == []
