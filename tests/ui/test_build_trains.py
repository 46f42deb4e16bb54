from trackback.entities import Build, BuildResult
from trackback.server.ui.delivery.build_trains import is_running, trains_of

PASSED, FAILED, RUNNING = BuildResult.PASSED, BuildResult.FAILED, BuildResult.RUNNING


def build(number: int, stage: str = "", result: BuildResult = PASSED, *, counter: str = "1", job: str = "") -> Build:
    finished = None if result is RUNNING else number * 1000 + 500
    return Build(
        number,
        str(number),
        7,
        "gocd",
        "churn",
        result,
        number * 1000,
        0,
        "ci",
        finished=finished,
        counter=counter or None,
        stage=stage or None,
        job=job or None,
    )


def test_stages_stand_in_the_order_in_which_they_were_reported() -> None:
    (train,) = trains_of([build(3, "deploy", RUNNING), build(1, "test"), build(2, "package")])
    assert [stage.name for stage in train.stages] == ["test", "package", "deploy"]
    assert (train.title, train.result) == ("churn 1", RUNNING)
    assert is_running([train])
    assert [stage.duration_ms for stage in train.stages] == [500, 500, None]


def test_a_train_is_as_the_worst_of_its_stages() -> None:
    (train,) = trains_of([build(1, "test"), build(2, "deploy", FAILED), build(3, "notify", RUNNING)])
    assert train.result is FAILED


def test_each_run_of_a_pipeline_is_a_train_and_the_last_begun_comes_first() -> None:
    found = trains_of([build(1, "test"), build(2, "test", counter="2"), build(3, counter=""), build(4, counter="")])
    assert [train.counter for train in found] == ["", "", "2", "1"]


def test_jobs_belong_to_their_stage_whose_own_report_counts() -> None:
    (train,) = trains_of([build(1, "test", FAILED, job="unit"), build(2, "test", PASSED, job="lint"), build(3, "test")])
    (stage,) = train.stages
    assert (stage.result, len(stage.builds)) == (PASSED, 3)


def test_a_pipeline_that_was_reported_as_a_whole_has_no_stages() -> None:
    (train,) = trains_of([build(1)])
    assert train.whole
    assert not train.stages
