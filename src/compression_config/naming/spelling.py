"""Words in messages: how they are written, and which known one resembles a misspelt one."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

__all__ = ["listed", "nearest", "printable"]


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


def printable(text: str) -> str:
    r"""Return `text` with everything that is no visible character escaped: it moves no cursor and hides nothing.

    >>> printable("fc1\x1b[31m")
    'fc1\\x1b[31m'
    """
    if text.isprintable():
        return text
    return "".join(letter if letter.isprintable() else _escaped(letter) for letter in text)


def _escaped(letter: str) -> str:
    return letter.encode("unicode_escape").decode("ascii")
