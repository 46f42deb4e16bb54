"""Spark MLlib: fitted pipelines and models, in Spark's own format."""

from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from trackback.errors import InvalidModel, InvalidParameter
from trackback.flavors.examples import InputExample
from trackback.flavors.frames import kind_of
from trackback.flavors.interface import Flavor, Saved, take_options
from trackback.flavors.libraries import needs, reading, writing
from trackback.flavors.mlmodel import file_inside, python_function
from trackback.flavors.trust import Trust

DATA = "sparkml"
PIPELINE = "pyspark.ml.pipeline.PipelineModel"


class SparkFlavor(Flavor):
    """No options. A single model is saved, and comes back, as a pipeline of that one stage, which is all that MLflow
    loads. To load a model starts a local Spark session where none runs.

    Predictions for a Spark DataFrame are one, transformed; for any other table, the values of its column
    ``prediction``, as an array.
    """

    name = "spark"
    packages = ("pyspark",)
    distribution = "pyspark"

    def recognises(self, model: object) -> bool:
        return any(kind.__module__.startswith("pyspark.ml") for kind in type(model).__mro__) and hasattr(
            model, "transform"
        )

    def save(
        self, model: Any, directory: Path, options: Mapping[str, Any], example: InputExample | None = None
    ) -> Saved:
        with needs(self.distribution):
            import pyspark
            from pyspark.ml import PipelineModel
        take_options(self.name, options)
        pipeline = model if isinstance(model, PipelineModel) else PipelineModel([model])
        if unsaved := [stage for stage in pipeline.stages if not hasattr(stage, "write")]:
            raise InvalidParameter(f"the stage {type(unsaved[0]).__qualname__} of the pipeline can't be saved by Spark")
        with writing(model):
            pipeline.write().overwrite().save((directory / DATA).resolve().as_uri())
        return Saved(
            settings={
                "pyspark_version": pyspark.__version__,
                "model_data": DATA,
                "model_class": PIPELINE,
                "code": None,
            },
            python_function=python_function("mlflow.spark", data=DATA),
            modules=frozenset({"pyspark"}),
        )

    def params(self, model: Any) -> Mapping[str, object]:
        """Those of all stages, by their classes: ``LogisticRegressionModel.regParam``; the second is ``…-2``."""
        counts = Counter[str]()
        found: dict[str, object] = {}
        for stage in getattr(model, "stages", None) or [model]:
            name = type(stage).__name__
            counts[name] += 1
            place = f"{name}-{counts[name]}" if counts[name] > 1 else name
            found |= {f"{place}.{param.name}": value for param, value in stage.extractParamMap().items()}
        return found

    def load(self, directory: Path, settings: Mapping[str, Any], trust: Trust) -> Any:
        with needs(self.distribution):
            from pyspark.ml import PipelineModel
        folder = file_inside(directory, settings.get("model_data"), "model_data")
        if str(settings.get("model_class")).startswith("pyspark.ml.connect."):
            raise InvalidModel(f"the model in {directory} is one of Spark Connect's: load it with MLflow")
        _session()
        with reading(folder):
            return PipelineModel.load(folder.resolve().as_uri())

    def predict(self, model: Any, data: Any, params: Mapping[str, Any], settings: Mapping[str, Any]) -> Any:
        if kind_of(data) == "spark":
            return model.transform(data)
        import numpy

        transformed = model.transform(_session().createDataFrame(data))
        if "prediction" not in transformed.columns:
            return transformed.toPandas()
        return numpy.array([row.prediction for row in transformed.select("prediction").collect()])


def _session() -> Any:
    """The session that runs, or a local one."""
    from pyspark.sql import SparkSession

    running = SparkSession.getActiveSession()
    return running or SparkSession.builder.master("local[*]").config("spark.ui.enabled", "false").getOrCreate()
