"""Phrases that the findings of a review share: places in the list, and long rows made short."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from compression_config.naming.spelling import listed
from compression_config.resolving import Resolved
from compression_config.spans import ConfigPath, format_path

__all__ = ["indices_words", "layers_words", "names_words", "numbers_words", "sub_config_words", "types_words"]

_SHOWN = 3
"""So many of a longer row are named."""


def sub_config_words(resolved: Resolved, index: int) -> str:
    """Return how a sub-config is referred to: `[2]`, or `pruning[2]` in a two-part document."""
    prefix: ConfigPath = resolved.config_list.provenance.place(()).path
    return format_path((*prefix, index))


def indices_words(resolved: Resolved, indices: Iterable[int]) -> str:
    """Return sub-configs as a sentence lists them, the first few by index: "[1], [2], [3] and others"."""
    chosen = list(indices)
    words = [sub_config_words(resolved, index) for index in chosen[:_SHOWN]]
    return _row(words, "others" if len(chosen) > _SHOWN else None)


def names_words(names: Sequence[str]) -> str:
    """Return quoted names as a sentence lists them, the first few in full: "'a', 'b', 'c' and 4 more"."""
    if len(names) <= _SHOWN + 1:
        return listed(names)
    return _row([f"'{name}'" for name in names[:_SHOWN]], f"{len(names) - _SHOWN:,} more")


def types_words(counts: Sequence[tuple[str, int]]) -> str:
    """Return how many layers of which type: "12 Dropout, 2 ReLU and 3 of other types"."""
    words = [f"{count:,} {kind}" for kind, count in counts[:_SHOWN]]
    others = sum(count for _, count in counts[_SHOWN:])
    return _row(words, f"{others:,} of other types" if others else None)


def layers_words(count: int) -> str:
    """Return a number of layers: "1 layer", "1,200 layers"."""
    return f"{count:,} layer" if count == 1 else f"{count:,} layers"


def numbers_words(numbers: Sequence[int]) -> str:
    """Return ascending numbers, runs of three or more by their ends.

    >>> numbers_words([3, 7, 25, 26, 27])
    '3, 7 and 25 to 27'
    """
    runs: list[list[int]] = []
    for number in numbers:
        if runs and number == runs[-1][-1] + 1:
            runs[-1].append(number)
        else:
            runs.append([number])
    words = [
        word
        for run in runs
        for word in ([f"{run[0]} to {run[-1]}"] if len(run) > 2 else map(str, run))  # noqa: PLR2004
    ]
    most = 2 * _SHOWN
    return _row(words[:most], f"{len(words) - most} more" if len(words) > most else None)


def _row(words: Sequence[str], others: str | None) -> str:
    *head, tail = (*words, others) if others else words
    return f"{', '.join(head)} and {tail}" if head else tail
