"""Storage: one interface, SQLite and PostgreSQL behind it, and all SQL of the project."""

from trackback.storage.interface import Storage, Transaction
from trackback.storage.schema import open_storage

__all__ = ["Storage", "Transaction", "open_storage"]
