"""The command line: it parses arguments and calls one function. Each command is a module, imported when it runs."""

from trackback.cli.main import main

__all__ = ["main"]
