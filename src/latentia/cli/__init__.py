"""The command line: one file a command."""

from latentia.cli.entry import main

__all__ = ["main"]
