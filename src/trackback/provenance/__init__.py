"""What went into a run: its code, notebook, environment, machine and data sets, without the secrets among them."""

from trackback.provenance.capture import Captured, capture
from trackback.provenance.datasets import DescribedDataset, describe_dataset
from trackback.provenance.options import CaptureOptions
from trackback.provenance.system_metrics import SystemMetrics

__all__ = ["CaptureOptions", "Captured", "DescribedDataset", "SystemMetrics", "capture", "describe_dataset"]
