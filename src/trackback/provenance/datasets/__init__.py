"""Data sets: what they are, by a digest of all of their content; and their bytes, where these are kept."""

from trackback.provenance.datasets.describe import describe_dataset
from trackback.provenance.datasets.described import DescribedDataset
from trackback.provenance.datasets.stored import contents, fetch, folder_in_run, keep, root_of_run

__all__ = ["DescribedDataset", "contents", "describe_dataset", "fetch", "folder_in_run", "keep", "root_of_run"]
