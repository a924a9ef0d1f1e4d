"""Where a command writes to: the answer on standard output, the talk about it on standard error; and its exit code."""

from __future__ import annotations

import contextlib
import enum
import os
import shutil
import sys
from dataclasses import dataclass
from typing import TextIO

from compression_config.errors import UsageError
from compression_config.reports.layout import Report, as_rich, line, plain_text

__all__ = ["Console", "Exit", "write"]


class Exit(enum.IntEnum):
    """What a caller of the command may rely on; docs/cli.md lists them."""

    OK = 0
    FINDINGS = 1
    """There are findings of severity error."""
    USAGE = 2
    """The command was wrong: its options (argparse's own code), the model, or a place to write to."""
    DIFFERENT = 3
    """The answers that `diff --exit-code` compared differ."""
    INTERRUPTED = 130
    """The code that shells give a command that was interrupted."""


@dataclass(frozen=True, slots=True)
class Console:
    """The standard streams. A reader that goes away early, like `head`, is not an error."""

    width: int | None
    """Of the terminal that standard output is, in columns; None when it is not a terminal."""
    coloured: bool
    quiet: bool = False
    """Whether there is no talk, only the answer and the findings."""

    @classmethod
    def of_process(cls) -> Console:
        """Return the console of this process, whose streams from now on take any text on any locale."""
        for stream in (sys.stdout, sys.stderr):
            if hasattr(stream, "reconfigure"):
                stream.reconfigure(encoding="utf-8", errors="replace")
        terminal = sys.stdout is not None and sys.stdout.isatty()
        coloured = terminal and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
        return cls(shutil.get_terminal_size().columns if terminal else None, coloured)

    def answer(self, report: Report) -> None:
        """Write the answer: lines, in colour where that is wanted and possible, or a document as it is."""
        if not isinstance(report, str):
            report = as_rich(report) if self.coloured else plain_text(report)
        write(sys.stdout, report)

    def report(self, report: Report) -> None:
        """Write findings beside the answer."""
        write(sys.stderr, report if isinstance(report, str) else plain_text(report))

    def talk(self, sentence: str) -> None:
        """Write a sentence about the answer on a line of its own; nothing on a quiet console."""
        if not self.quiet:
            self.report([line(sentence)])


def write(stream: TextIO | None, text: str) -> None:
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
