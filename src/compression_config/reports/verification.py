"""A verification as people read it: what was demanded of layers and groups, what was found, and the findings."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from compression_config.findings import Code, Finding
from compression_config.reports.findings import finding_lines, tally
from compression_config.reports.layout import DEFAULT_WIDTH, EMPTY, Line, Part, Style, line, table
from compression_config.text import layers_words
from compression_config.verification import Verification
from compression_config.verification.results import OK, numbers_of, shown_layers, table_of

__all__ = ["verification_lines"]


_STYLES = {OK: Style.GOOD, Code.NOT_VERIFIED.value: Style.WARNING}
"""Of verdicts; of those that name what is wrong it is `ERROR`."""


def verification_lines(
    verification: Verification, findings: Iterable[Finding] | None, width: int | None = None
) -> Iterator[Line]:
    """Yield the report of a verification: the compressed layers, those that are not as they should be, the findings.

    Findings that are None are shown elsewhere. `width` is that of the terminal, in columns; None without one: tables
    then take 100.
    """
    shown = shown_layers(verification)
    yield line(f"{layers_words(len(verification.layers))} looked at, {len(shown):,} shown", Style.HEADING)
    if shown:
        yield EMPTY
        header, *rows = table_of(verification, (width or DEFAULT_WIDTH) // 2)
        styled = [
            [*(Part(text, Style.QUIET if text.startswith("[") else Style.PLAIN) for text in cells), _verdict(verdict)]
            for *cells, verdict in rows
        ]
        strong = [Part(text, Style.STRONG) for text in header]
        for lines in table([strong, *styled], width or DEFAULT_WIDTH, right=numbers_of(header)):
            yield from lines
    if findings is not None:
        found = tuple(findings)
        yield EMPTY
        yield from finding_lines(found, width)
        yield line(tally(found))


def _verdict(text: str) -> Part:
    return Part(text, _STYLES.get(text, Style.ERROR))
