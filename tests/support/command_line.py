"""The command line in this process, with a terminal of a given width where one is wanted."""

from __future__ import annotations

import contextlib
import io
import os
from typing import NamedTuple
from unittest import mock

from compression_config.cli import main

__all__ = ["Output", "command"]


class Output(NamedTuple):
    """What a command wrote, and its exit code."""

    code: int
    answer: str
    """On standard output."""
    talk: str
    """On standard error."""


class _Stream(io.StringIO):
    def __init__(self, *, terminal: bool) -> None:
        super().__init__()
        self._terminal = terminal

    def isatty(self) -> bool:
        """Return whether it is to be taken for a terminal."""
        return self._terminal


def command(*argv: object, columns: int | None = None, **environment: str) -> Output:
    """Run a command; on a terminal of so many columns, without colours unless `environment` says otherwise."""
    out, err = _Stream(terminal=columns is not None), io.StringIO()
    variables = {"NO_COLOR": "1", "TERM": "xterm-256color", "COLUMNS": str(columns or ""), **environment}
    with mock.patch.dict(os.environ, variables), contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = main([str(argument) for argument in argv])
    return Output(code, out.getvalue(), err.getvalue())
