"""MLflow's names for what describes data in memory, to be given to ``trackback.log_input``. That takes the data itself,
too.
"""

from typing import Any

from trackback.provenance.datasets import DescribedDataset, describe_dataset

__all__ = ["from_numpy", "from_pandas", "from_polars", "from_spark"]


def from_numpy(
    features: Any, source: str | None = None, targets: Any = None, name: str | None = None
) -> DescribedDataset:
    """An array, or a dict of arrays, of any shapes; ``targets`` are others. See ``describe_dataset``."""
    return describe_dataset(features, name=name, source=source, targets=targets)


def from_pandas(
    df: Any, source: str | None = None, targets: str | None = None, name: str | None = None
) -> DescribedDataset:
    """A frame, of which ``targets`` is the column to be predicted. See ``describe_dataset``."""
    return describe_dataset(df, name=name, source=source, targets=targets)


from_polars = from_pandas


def from_spark(
    df: Any, path: str | None = None, targets: str | None = None, name: str | None = None
) -> DescribedDataset:
    """A frame of Spark's, read from ``path``. See ``describe_dataset``."""
    return describe_dataset(df, name=name, source=path, targets=targets)
