"""A server with real models as versions, and test sets, for the stages of delivery."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
from click.testing import CliRunner, Result
from sklearn.datasets import load_breast_cancer, load_diabetes, load_iris, load_wine
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

from trackback.cli.main import commands
from trackback.client.api import Client
from trackback.client.folders import upload_folder
from trackback.entities import ModelVersion
from trackback.flavors import save_model

VARIABLES = (
    "TRACKBACK_PROMOTION",
    "TRACKBACK_MODEL",
    "TRACKBACK_SYSTEM",
    "TRACKBACK_PIPELINE",
    "TRACKBACK_COUNTER",
    "TRACKBACK_STAGE",
    "TRACKBACK_JOB",
    "TRACKBACK_ATTEMPT",
    "TRACKBACK_TOKEN",
    "TRACKBACK_TRUST_PICKLES",
    "GO_PIPELINE_NAME",
    "GITHUB_ACTIONS",
    "GITLAB_CI",
)


def halves(loaded: Any) -> tuple[pd.DataFrame, pd.DataFrame]:
    """A data set of scikit-learn's, whose target is the column ``y``: every second row to train with, and the rest."""
    frame = loaded.frame.rename(columns={"target": "y"})
    return frame.iloc[::2].reset_index(drop=True), frame.iloc[1::2].reset_index(drop=True)


def cancer() -> tuple[pd.DataFrame, pd.DataFrame]:
    """Two classes. ``clinic`` is a made-up column to slice by."""
    train, test = halves(load_breast_cancer(as_frame=True))
    return train, test.assign(clinic=["north" if place % 3 else "south" for place in range(len(test))])


def save_cancer(folder: Path, features: int = 30, strength: float = 1.0) -> None:
    """Fewer features make a worse model."""
    train, _ = cancer()
    inputs = train.drop(columns="y").iloc[:, :features]
    model = make_pipeline(StandardScaler(), LogisticRegression(C=strength)).fit(inputs, train["y"])
    save_model(model, folder, input_example=inputs.head(2))


def save_wine(folder: Path) -> None:
    """Three classes."""
    train, _ = halves(load_wine(as_frame=True))
    model = make_pipeline(StandardScaler(), LogisticRegression()).fit(train.drop(columns="y"), train["y"])
    save_model(model, folder, input_example=train.drop(columns="y").head(2))


def save_diabetes(folder: Path, alpha: float = 0.1) -> None:
    """Numbers."""
    train, _ = halves(load_diabetes(as_frame=True))
    save_model(
        Ridge(alpha).fit(train.drop(columns="y"), train["y"]), folder, input_example=train.head(2).drop(columns="y")
    )


def sentences() -> pd.DataFrame:
    """Of the descriptions of four data sets that scikit-learn has: which one each is from."""
    loaders = {"iris": load_iris, "wine": load_wine, "cancer": load_breast_cancer, "diabetes": load_diabetes}
    rows = [
        {"text": line.strip(), "topic": topic}
        for topic, load in loaders.items()
        for line in load().DESCR.splitlines()
        if len(line.split()) > 3
    ]
    return pd.DataFrame(rows)


def save_sentences(folder: Path) -> None:
    train = sentences().iloc[::2]
    model = make_pipeline(FunctionTransformer(_first_column), TfidfVectorizer(), LogisticRegression(C=10)).fit(
        train[["text"]], train["topic"]
    )
    save_model(model, folder, input_example=train[["text"]].head(2), serialization_format="cloudpickle")


def _first_column(frame: Any) -> Any:
    return frame.iloc[:, 0]


class World:
    """``client`` asks the server; ``folder`` is where test sets, specs and reports are."""

    def __init__(self, client: Client, folder: Path) -> None:
        self.client = client
        self.folder = folder
        self._delivered = 0

    def register(self, name: str, model: Path, params: Mapping[str, object] | None = None) -> ModelVersion:
        """The model's files as the next version of ``name``, from a run with these params."""
        run = self.client.create_run("0").info
        for key, value in (params or {}).items():
            self.client.log_param(run.run_id, key, str(value))
        upload_folder(self.client, model, f"{run.artifact_uri}/model")
        if not [each for each in self.client.search_registered_models(f"name = '{name}'") if each.name == name]:
            self.client.create_registered_model(name)
        return self.client.create_model_version(name, f"runs:/{run.run_id}/model", run_id=run.run_id)

    def write(self, name: str, content: "str | pd.DataFrame") -> Path:
        path = self.folder / name
        if isinstance(content, str):
            path.write_text(content)
        elif name.endswith(".csv"):
            content.to_csv(path, index=False)
        else:
            content.to_parquet(path, index=False)
        return path

    def invoke(self, *arguments: object) -> Result:
        """`trackback deliver …`, in this process."""
        words = ["deliver", *map(str, arguments), "--server", self.client.tracking_uri]
        return CliRunner().invoke(commands, words)

    def deliver(self, *arguments: object, code: int = 0, reports: bool = True) -> dict[str, Any]:
        """What `trackback deliver …` prints as JSON; it ends with this exit code."""
        self._delivered += 1
        place = ["--report", self.folder / f"reports-{self._delivered}"] if reports else []
        result = self.invoke(*arguments, *place, "--json")
        assert result.exit_code == code, f"{result.output}\n{result.stderr}\n{result.exception!r}"
        document: dict[str, Any] = json.loads(result.stdout)
        return document

    def verdicts(self, version: ModelVersion, name: str = "validation") -> Sequence[Any]:
        return list(self.client.list_verdicts(f"models:/{version.name}/{version.version}", name))
