"""All that the package offers to programs, and where each of it is: ``trackback`` hands it out.

A module is imported when the first of its names is used: a program that only logs waits for nothing else. The names
stand here twice, for Python and for type checkers; a test holds that they agree.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from trackback import (
        data as data,
        keras as keras,
        lightgbm as lightgbm,
        models as models,
        onnx as onnx,
        pyfunc as pyfunc,
        pyspark as pyspark,
        pytorch as pytorch,
        sklearn as sklearn,
        spark as spark,
        xgboost as xgboost,
    )
    from trackback.autologging import (
        autolog as autolog,
    )
    from trackback.client.api import (
        Client as Client,
    )
    from trackback.tracking.datasets import (
        log_input as log_input,
    )
    from trackback.tracking.files import (
        log_artifact as log_artifact,
        log_artifacts as log_artifacts,
        log_dict as log_dict,
        log_figure as log_figure,
        log_image as log_image,
        log_table as log_table,
        log_text as log_text,
    )
    from trackback.tracking.fluent import (
        active_run as active_run,
        delete_tag as delete_tag,
        end_run as end_run,
        flush as flush,
        get_tracking_uri as get_tracking_uri,
        log_metric as log_metric,
        log_metrics as log_metrics,
        log_param as log_param,
        log_params as log_params,
        set_tag as set_tag,
        set_tags as set_tags,
        set_tracking_uri as set_tracking_uri,
        start_run as start_run,
    )
    from trackback.tracking.mlflow_client import (
        MlflowClient as MlflowClient,
    )
    from trackback.tracking.models import (
        ModelInfo as ModelInfo,
        load_model as load_model,
        log_model as log_model,
        register_model as register_model,
    )
    from trackback.tracking.reading import (
        create_experiment as create_experiment,
        delete_experiment as delete_experiment,
        delete_run as delete_run,
        get_artifact_uri as get_artifact_uri,
        get_experiment as get_experiment,
        get_experiment_by_name as get_experiment_by_name,
        get_parent_run as get_parent_run,
        get_run as get_run,
        last_active_run as last_active_run,
        list_artifacts as list_artifacts,
        search_experiments as search_experiments,
        search_runs as search_runs,
        set_experiment as set_experiment,
        set_experiment_tag as set_experiment_tag,
        set_experiment_tags as set_experiment_tags,
    )
    from trackback.tracking.run import (
        ActiveRun as ActiveRun,
    )

_MODULES = "trackback"
_NAMES = {
    _MODULES: (
        "data",
        "keras",
        "lightgbm",
        "models",
        "onnx",
        "pyfunc",
        "pyspark",
        "pytorch",
        "sklearn",
        "spark",
        "xgboost",
    ),
    "trackback.autologging": ("autolog",),
    "trackback.client.api": ("Client",),
    "trackback.tracking.datasets": ("log_input",),
    "trackback.tracking.files": (
        "log_artifact",
        "log_artifacts",
        "log_dict",
        "log_figure",
        "log_image",
        "log_table",
        "log_text",
    ),
    "trackback.tracking.fluent": (
        "active_run",
        "delete_tag",
        "end_run",
        "flush",
        "get_tracking_uri",
        "log_metric",
        "log_metrics",
        "log_param",
        "log_params",
        "set_tag",
        "set_tags",
        "set_tracking_uri",
        "start_run",
    ),
    "trackback.tracking.mlflow_client": ("MlflowClient",),
    "trackback.tracking.models": (
        "ModelInfo",
        "load_model",
        "log_model",
        "register_model",
    ),
    "trackback.tracking.reading": (
        "create_experiment",
        "delete_experiment",
        "delete_run",
        "get_artifact_uri",
        "get_experiment",
        "get_experiment_by_name",
        "get_parent_run",
        "get_run",
        "last_active_run",
        "list_artifacts",
        "search_experiments",
        "search_runs",
        "set_experiment",
        "set_experiment_tag",
        "set_experiment_tags",
    ),
    "trackback.tracking.run": ("ActiveRun",),
}
HOMES = {name: module for module, names in _NAMES.items() for name in names}
"""The module of each name; ``trackback`` itself for those that are modules."""
EXPORTED = sorted(name for name, module in HOMES.items() if module != _MODULES)
"""What ``from trackback import *`` gives: not ``sklearn`` and its like, which would hide the libraries themselves."""
