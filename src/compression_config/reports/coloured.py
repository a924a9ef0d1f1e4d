"""The same lines in colour. The only module that knows rich, which comes with the extra `[rich]`."""

from __future__ import annotations

import io
from collections.abc import Iterable
from typing import Final

from compression_config.reports.lines import Line, Style, plain_text

__all__ = ["as_rich"]

_COLOURS: Final = {
    Style.PLAIN: "",
    Style.ERROR: "bold red",
    Style.WARNING: "bold yellow",
    Style.NOTE: "bold cyan",
    Style.HELP: "green",
    Style.QUIET: "dim",
    Style.STRONG: "bold",
    Style.HEADING: "bold underline",
    Style.GOOD: "green",
}


def as_rich(lines: Iterable[Line]) -> str:
    """Return lines as text with the colours of a terminal; without rich, or on one that knows none, plain text."""
    try:
        from rich.console import Console  # noqa: PLC0415 - an extra, and slow to import
        from rich.text import Text  # noqa: PLC0415
    except ImportError:
        return plain_text(lines)
    console = Console(file=io.StringIO(), force_terminal=True)
    if console.legacy_windows or console.color_system is None:
        return plain_text(lines)
    with console.capture() as capture:
        for parts in lines:
            text = Text.assemble(*((part.text, _COLOURS[part.style]) for part in parts))
            text.rstrip()
            console.print(text, soft_wrap=True, highlight=False)
    return capture.get()
