"""Artifacts: the stores that hold their bytes by content, and the rules of their paths."""

from trackback.artifacts.interface import BlobStore
from trackback.artifacts.stores import open_blobs

__all__ = ["BlobStore", "open_blobs"]
