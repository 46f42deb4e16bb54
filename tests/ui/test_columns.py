from collections.abc import Mapping

from trackback.entities import LifecycleStage, Metric, Param, Run, RunData, RunInfo, RunInputs, RunStatus, Tag
from trackback.server.ui.columns import COLUMNS_OF_A_KIND, tabulate


def run(metrics: Mapping[str, float], *, params: Mapping[str, str] = {}, tags: Mapping[str, str] = {}) -> Run:
    info = RunInfo("r", "r", "run", "1", "", RunStatus.RUNNING, 0, "", LifecycleStage.ACTIVE)
    data = RunData(
        tuple(Metric(key, value, 0, 0) for key, value in metrics.items()),
        tuple(Param(key, value) for key, value in params.items()),
        tuple(Tag(key, value) for key, value in tags.items()),
    )
    return Run(info, data, RunInputs())


def test_the_column_of_the_order_comes_first_then_what_most_runs_have() -> None:
    runs = [run({"c": 1, "b": 2, "a": 3}), run({"b": 4}), run({"b": 5, "c": 6})]

    (metrics,) = tabulate(runs, ["metrics.`a` DESC"]).groups

    assert [column.key for column in metrics.columns] == ["a", "b", "c"]


def test_a_run_without_a_key_has_an_empty_cell_there() -> None:
    table = tabulate([run({"a": 1}, params={"p": "x"}), run({}, params={"p": "y"}, tags={"promote": "true"})], [])

    assert [[text for _, text in row.cells] for row in table.rows] == [["1", "x", ""], ["", "y", "true"]]


def test_tags_of_mlflows_own_are_no_columns() -> None:
    assert tabulate([run({}, tags={"mlflow.user": "root"})], []).groups == []


def test_what_is_beyond_the_widest_table_is_counted() -> None:
    (metrics,) = tabulate([run({f"m{n}": n for n in range(COLUMNS_OF_A_KIND + 3)})], []).groups

    assert (len(metrics.columns), metrics.left_out) == (COLUMNS_OF_A_KIND, 3)
