"""Names that resemble a given one: the remedy for a typo."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

__all__ = ["listed", "nearest"]


def nearest(word: str, candidates: Iterable[str], *, limit: int = 1) -> list[str]:
    """Return up to `limit` of `candidates` that resemble `word`, the likeliest first; empty when none does.

    A difference of case alone beats every other.

    >>> nearest("op_name", ["op_types", "op_names"])
    ['op_names']
    """
    known = list(candidates)
    same = [candidate for candidate in known if candidate.casefold() == word.casefold()]
    close = difflib.get_close_matches(word, known, n=limit + len(same), cutoff=0.7)
    return [*same, *(candidate for candidate in close if candidate not in same)][:limit]


def listed(words: Iterable[str], *, last: str = "and") -> str:
    """Return quoted `words` as a sentence lists them.

    >>> listed(["a", "b", "c"])
    "'a', 'b' and 'c'"
    """
    *head, tail = (f"'{word}'" for word in words)
    return f"{', '.join(head)} {last} {tail}" if head else tail
