"""All that the package offers to programs, under one roof: ``trackback`` hands it out.

``trackback.sklearn`` and its like are not in ``__all__``: they would hide the libraries themselves.
"""

from trackback.autologging import autolog
from trackback.autologging.libraries import (  # noqa: F401
    keras,
    lightgbm,
    models,
    onnx,
    pyfunc,
    pyspark,
    pytorch,
    sklearn,
    spark,
    xgboost,
)
from trackback.client.api import Client
from trackback.tracking.datasets import log_input
from trackback.tracking.files import (
    log_artifact,
    log_artifacts,
    log_dict,
    log_figure,
    log_image,
    log_table,
    log_text,
)
from trackback.tracking.fluent import (
    active_run,
    delete_tag,
    end_run,
    flush,
    get_tracking_uri,
    log_metric,
    log_metrics,
    log_param,
    log_params,
    set_tag,
    set_tags,
    set_tracking_uri,
    start_run,
)
from trackback.tracking.models import ModelInfo, load_model, log_model, register_model
from trackback.tracking.reading import (
    create_experiment,
    delete_experiment,
    delete_run,
    get_artifact_uri,
    get_experiment,
    get_experiment_by_name,
    get_parent_run,
    get_run,
    last_active_run,
    list_artifacts,
    search_experiments,
    search_runs,
    set_experiment,
    set_experiment_tag,
    set_experiment_tags,
)
from trackback.tracking.run import ActiveRun

__all__ = [
    "ActiveRun",
    "Client",
    "ModelInfo",
    "active_run",
    "autolog",
    "create_experiment",
    "delete_experiment",
    "delete_run",
    "delete_tag",
    "end_run",
    "flush",
    "get_artifact_uri",
    "get_experiment",
    "get_experiment_by_name",
    "get_parent_run",
    "get_run",
    "get_tracking_uri",
    "last_active_run",
    "list_artifacts",
    "load_model",
    "log_artifact",
    "log_artifacts",
    "log_dict",
    "log_figure",
    "log_image",
    "log_input",
    "log_metric",
    "log_metrics",
    "log_model",
    "log_param",
    "log_params",
    "log_table",
    "log_text",
    "register_model",
    "search_experiments",
    "search_runs",
    "set_experiment",
    "set_experiment_tag",
    "set_experiment_tags",
    "set_tag",
    "set_tags",
    "set_tracking_uri",
    "start_run",
]
