"""Artifacts: the stores that hold their bytes by content, and the rules of their paths."""

from trackback.artifacts.foreign import ForeignTree
from trackback.artifacts.interface import BlobStore, Stored
from trackback.artifacts.stores import open_blobs, open_foreign

__all__ = ["BlobStore", "ForeignTree", "Stored", "open_blobs", "open_foreign"]
