"""What models are measured by. A metric's value is scikit-learn's where it has it; its replicates come all at once."""

from trackback.delivery.evaluation.metrics.metric import Metric
from trackback.delivery.evaluation.metrics.table import check_names, chosen_metrics, metrics_of

__all__ = ["Metric", "check_names", "chosen_metrics", "metrics_of"]
