"""Whose turn it is, of servers with one listening socket: a file beside the Unix socket of each says so."""

from pathlib import Path


def open_file(path: Path) -> Path:
    """The file by which the server of a Unix socket is to take requests."""
    return path.with_name(f"{path.name}.open")
