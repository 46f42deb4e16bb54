"""All that the package offers to programs, under one roof: ``trackback`` hands it out."""

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
from trackback.tracking.run import ActiveRun

__all__ = [
    "ActiveRun",
    "active_run",
    "delete_tag",
    "end_run",
    "flush",
    "get_tracking_uri",
    "log_artifact",
    "log_artifacts",
    "log_dict",
    "log_figure",
    "log_image",
    "log_metric",
    "log_metrics",
    "log_param",
    "log_params",
    "log_table",
    "log_text",
    "set_tag",
    "set_tags",
    "set_tracking_uri",
    "start_run",
]
