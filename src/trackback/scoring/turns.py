"""Whose turn it is, of servers with one listening socket: a file beside the Unix socket of each says so."""

from pathlib import Path

LEASE_S = 60.0
"""How long a turn that is given or taken by a signal lasts, before the file counts again."""


def open_file(path: Path) -> Path:
    """The file by which the server of a Unix socket is to take requests."""
    return path.with_name(f"{path.name}.open")
