"""The command line: the only place that reads arguments, prints and ends with an exit code."""

from compression_config.cli.main import main

__all__ = ["main"]
