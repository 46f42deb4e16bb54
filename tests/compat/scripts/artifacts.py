"""Files of a run: logged as files, folders, text, figures, images and tables; listed, downloaded, searched through."""

import json
import tempfile
import uuid
from pathlib import Path

import mlflow
import numpy as np
import pandas as pd
from matplotlib.figure import Figure

client = mlflow.MlflowClient()


def listed(run_id: str, path: str | None = None) -> dict[str, int | None]:
    """Paths and sizes; None for folders, and for empty files, whose size MLflow's client drops."""
    return {file.path: file.file_size or None for file in client.list_artifacts(run_id, path)}


def files_and_folders_are_listed_and_downloaded(folder: Path) -> None:
    data = folder / "data"
    (data / "deep" / "er").mkdir(parents=True)
    (data / "a.bin").write_bytes(bytes(range(256)) * 40)
    (data / "deep" / "er" / "b c.txt").write_text("with a space")
    (data / "deep" / "naïve ✓.txt").write_text("beyond ASCII")
    (data / "empty").write_bytes(b"")
    with mlflow.start_run() as active:
        run_id = active.info.run_id
        assert listed(run_id) == {}
        mlflow.log_artifact(str(data / "a.bin"))
        mlflow.log_artifact(str(data / "a.bin"), artifact_path="copies/of")
        mlflow.log_artifacts(str(data), artifact_path="data")
        assert mlflow.get_artifact_uri("data").endswith(f"{run_id}/artifacts/data")

    assert listed(run_id) == {"a.bin": 10_240, "copies": None, "data": None}, listed(run_id)
    assert listed(run_id, "copies") == {"copies/of": None}
    assert listed(run_id, "copies/of") == {"copies/of/a.bin": 10_240}
    assert listed(run_id, "data") == {"data/a.bin": 10_240, "data/deep": None, "data/empty": None}, listed(
        run_id, "data"
    )
    assert listed(run_id, "data/deep") == {"data/deep/er": None, "data/deep/naïve ✓.txt": 12}, listed(
        run_id, "data/deep"
    )
    assert listed(run_id, "no such folder") == {}
    assert listed(run_id, "a.bin") == {}

    back = Path(client.download_artifacts(run_id, "", str(folder)))
    for name in ("a.bin", "deep/er/b c.txt", "deep/naïve ✓.txt", "empty"):
        assert (back / "data" / name).read_bytes() == (data / name).read_bytes(), name
    again = Path(mlflow.artifacts.download_artifacts(f"runs:/{run_id}/data/deep", dst_path=str(folder / "again")))
    assert sorted(p.name for p in again.rglob("*")) == ["b c.txt", "er", "naïve ✓.txt"], list(again.rglob("*"))
    one = mlflow.artifacts.download_artifacts(run_id=run_id, artifact_path="a.bin", dst_path=str(folder / "one"))
    assert Path(one).read_bytes() == (data / "a.bin").read_bytes()

    (data / "a.bin").write_bytes(b"shorter now")
    client.log_artifact(run_id, str(data / "a.bin"))
    assert listed(run_id)["a.bin"] == 11, "a second upload to a path takes the place of the first"
    assert listed(run_id, "copies/of") == {"copies/of/a.bin": 10_240}, "and of no other path"

    try:
        client.download_artifacts(run_id, "no such file", str(folder))
    except Exception as refusal:  # noqa: BLE001  (its class differs between releases)
        assert "no such file" in str(refusal) or "404" in str(refusal) or "NOT_FOUND" in str(refusal), refusal
    else:
        raise AssertionError("a file that is not there was downloaded")


def text_json_figures_and_images_are_files_too() -> None:
    figure = Figure()
    figure.add_subplot().plot([1, 2, 3])
    with mlflow.start_run() as active:
        run_id = active.info.run_id
        mlflow.log_text("hello\nwörld", "notes/hello.txt")
        mlflow.log_dict({"a": [1, 2], "b": None}, "conf/a.json")
        mlflow.log_dict({"a": [1, 2]}, "conf/a.yaml")
        mlflow.log_figure(figure, "plots/line.png")
        mlflow.log_image(np.zeros((8, 8, 3), dtype=np.uint8), "plots/black.png")
        mlflow.log_image(np.full((8, 8), 200, dtype=np.uint8), key="progress", step=3)
        mlflow.flush_artifact_async_logging()

    uri = f"runs:/{run_id}"
    assert mlflow.artifacts.load_text(f"{uri}/notes/hello.txt") == "hello\nwörld"
    assert mlflow.artifacts.load_dict(f"{uri}/conf/a.json") == {"a": [1, 2], "b": None}
    assert "- 1" in mlflow.artifacts.load_text(f"{uri}/conf/a.yaml")
    assert mlflow.artifacts.load_image(f"{uri}/plots/black.png").size == (8, 8)
    assert set(listed(run_id, "plots")) == {"plots/line.png", "plots/black.png"}
    assert len(listed(run_id, "images")) == 2, f"a picture and its thumbnail: {listed(run_id, 'images')}"
    assert "mlflow.loggedImages" in client.get_run(run_id).data.tags


def tables_grow_and_are_read_back_over_runs(experiment_id: str) -> None:
    run_ids = []
    for part in range(2):
        with mlflow.start_run() as active:
            run_ids.append(active.info.run_id)
            mlflow.log_table({"question": ["q1", "q2"], "score": [part, part + 0.5]}, "scores.json")
            mlflow.log_table(pd.DataFrame({"question": ["q3"], "score": [9.0]}), "scores.json")
    logged = json.loads(client.get_run(run_ids[0]).data.tags["mlflow.loggedArtifacts"])
    assert [entry["path"] for entry in logged] == ["scores.json"], logged
    one = mlflow.load_table("scores.json", run_ids=[run_ids[0]])
    assert list(one["question"]) == ["q1", "q2", "q3"], one
    both = mlflow.load_table("scores.json", extra_columns=["run_id"])
    assert sorted(both["score"]) == [0, 0.5, 1, 1.5, 9, 9], both
    assert set(both["run_id"]) == set(run_ids), both
    assert mlflow.active_run() is None
    assert experiment_id == client.get_run(run_ids[0]).info.experiment_id


def a_deleted_run_keeps_its_files(folder: Path) -> None:
    with mlflow.start_run() as active:
        mlflow.log_text("kept", "kept.txt")
    client.delete_run(active.info.run_id)
    client.restore_run(active.info.run_id)
    path = client.download_artifacts(active.info.run_id, "kept.txt", str(folder))
    assert Path(path).read_text() == "kept"


def main() -> None:
    experiment_id = mlflow.set_experiment(f"artifacts {uuid.uuid4().hex[:8]}").experiment_id
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "again").mkdir()
        (folder / "one").mkdir()
        files_and_folders_are_listed_and_downloaded(folder)
        text_json_figures_and_images_are_files_too()
        tables_grow_and_are_read_back_over_runs(experiment_id)
        a_deleted_run_keeps_its_files(folder)


if __name__ == "__main__":
    main()
