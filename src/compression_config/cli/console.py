"""What a command says: the answer on standard output, the talk about it on standard error, and its exit code."""

from __future__ import annotations

import contextlib
import enum
import os
import shutil
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from compression_config.errors import UsageError
from compression_config.reports.coloured import as_rich
from compression_config.reports.lines import Line, plain_text

__all__ = ["Console", "Exit"]


class Exit(enum.IntEnum):
    """What a caller of the command may rely on; docs/cli.md says it too."""

    OK = 0
    FINDINGS = 1
    """There are findings of severity error."""
    USAGE = 2
    """The command was wrong: its options (argparse's own code), the model, or a place to write to."""
    INTERRUPTED = 130
    """What shells say of a command that was interrupted."""


@dataclass(frozen=True, slots=True)
class Console:
    """Where a command writes to. A reader that goes away early, like `head`, is no error."""

    width: int | None
    """Of the terminal that standard output is, in columns; None when it is none."""
    coloured: bool

    @classmethod
    def of_process(cls) -> Console:
        """Return the console of this process, whose streams from now on take any text on any locale."""
        for stream in (sys.stdout, sys.stderr):
            if hasattr(stream, "reconfigure"):
                stream.reconfigure(encoding="utf-8", errors="replace")
        terminal = sys.stdout is not None and sys.stdout.isatty()
        coloured = terminal and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
        return cls(shutil.get_terminal_size().columns if terminal else None, coloured)

    def show(self, lines: Iterable[Line]) -> None:
        """Write lines as the answer, in colour where that is wanted and possible."""
        self.answer(as_rich(lines) if self.coloured else plain_text(lines))

    def answer(self, text: str) -> None:
        """Write text as the answer."""
        _write(sys.stdout, text)

    def save(self, text: str, path: str) -> None:
        """Write text as the answer to a file. Raises `UsageError` when that cannot be."""
        try:
            Path(path).write_text(text, encoding="utf-8", errors="replace", newline="\n")
        except (OSError, ValueError) as error:
            reason = error.strerror if isinstance(error, OSError) else error
            raise UsageError(f"'{path}' cannot be written: {reason}") from error

    def talk(self, text: str) -> None:
        """Say something about the answer; it ends with a line break."""
        _write(sys.stderr, text if text.endswith("\n") or not text else f"{text}\n")


def _write(stream: TextIO | None, text: str) -> None:
    """Write to a standard stream, which may be closed already or close in the middle."""
    if stream is None:
        return
    try:
        stream.write(text)
        stream.flush()
    except OSError as error:
        # Python flushes once more when it ends: that goes nowhere, and quietly.
        with contextlib.suppress(OSError, ValueError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
        if not isinstance(error, BrokenPipeError):
            raise UsageError(f"standard output cannot be written: {error.strerror}") from error
