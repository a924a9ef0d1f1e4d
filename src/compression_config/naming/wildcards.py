"""Wildcards: what is left of a glob or a regular expression when its plain parts are wanted.

Selectors have none: a name is compared as it stands, a partial name is a plain substring (D1). People who
know other libraries write them all the same, and are shown the plain text that comes closest.
"""

from __future__ import annotations

import re

__all__ = ["has_wildcards", "plain_parts"]

_WILD = re.compile(r"[*?+^$|(){}\[\]\\]")
_MOST = 20
"""More alternatives than this are not written out."""
_CHOICE = re.compile(
    r"\[(?P<first>\d)-(?P<last>\d)\](?![*+?{])"
    r"|\((?:\?:)?(?P<words>[^()*+?\[\]{}\\]*\|[^()*+?\[\]{}\\]*)\)(?![*+?{])"
    r"|\{(?P<braced>[^{}]*,[^{}]*[^\d,{}][^{}]*)\}"
)
_GAP = re.compile(r"\\[A-Za-z][*+?]*|\[[^\]]*\][*+?]*|\([^)]*\)[*+?]*|\{[^}]*\}|[*?+^$|(){}\[\]\\]+")
_ESCAPED = re.compile(r"\\([^\w\s])")


def has_wildcards(word: str) -> bool:
    """Return whether `word` has a character that globs and regular expressions use."""
    return _WILD.search(word) is not None


def plain_parts(pattern: str) -> list[list[str]]:
    r"""Return the texts that a name must contain to fit `pattern`: one list for each of its alternatives.

    >>> plain_parts("layer.*.query")
    [['layer.', '.query']]
    >>> plain_parts(r"^layers\.[0-1]\.(q|k)_proj$")
    [['layers.0.q_proj'], ['layers.0.k_proj'], ['layers.1.q_proj'], ['layers.1.k_proj']]
    """
    alternatives = [_ESCAPED.sub(r"\1", part) for part in _written_out(pattern)]
    if not any("(" in alternative for alternative in alternatives):
        alternatives = [part for alternative in alternatives for part in alternative.split("|")]
    return [[part for part in _GAP.split(alternative) if part.strip(".")] for alternative in alternatives]


def _written_out(pattern: str) -> list[str]:
    """Return `pattern` once for each choice that it leaves between plain texts, unless these are many."""
    done: list[str] = []
    to_do = [pattern]
    while to_do:
        text = to_do.pop(0)
        choice = _CHOICE.search(text)
        if choice is None:
            done.append(text)
        else:
            to_do += [text[: choice.start()] + option + text[choice.end() :] for option in _options(choice)]
        if len(done) + len(to_do) > _MOST:
            return [pattern]
    return done


def _options(choice: re.Match[str]) -> list[str]:
    if choice["first"]:
        return [str(digit) for digit in range(int(choice["first"]), int(choice["last"]) + 1)]
    return choice["words"].split("|") if choice["words"] else choice["braced"].split(",")
