"""Words in messages: how they are written, and which known one resembles a misspelt one."""

from __future__ import annotations

import difflib
import re
import unicodedata
from collections.abc import Collection, Iterable, Sequence

__all__ = [
    "SHOWN",
    "aligned",
    "display_width",
    "layers_words",
    "listed",
    "names_words",
    "nearest",
    "numbers_words",
    "printable",
    "represented",
    "row",
    "shortened",
    "types_words",
    "written",
]


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


def shortened(text: str, limit: int = 60) -> str:
    """Return `text` with what goes beyond `limit` characters cut: a message repeats no more of what the user wrote.

    >>> shortened("a" * 100, 10)
    'aaaaaaa...'
    """
    return text if len(text) <= limit else text[: limit - 3] + "..."


def represented(value: object) -> str:
    """Return the `repr` of an argument for a message, cut; the name of its type where its `repr` fails.

    >>> represented("toml"), represented("x" * 1000)[-4:]
    ("'toml'", 'x...')
    """
    try:
        return shortened(printable(repr(value)))
    except Exception:  # noqa: BLE001 - `repr` runs code of the value, which may raise anything
        return f"an object of type {type(value).__name__}"


_PLAIN = re.compile(r"[^\W\d][\w-]*(\.[\w-]+)*")
_YAML_WORDS = frozenset({"true", "false", "null", "yes", "no", "on", "off", "y", "n"})


def written(key: str, words: Iterable[str]) -> str:
    """Return a key with a list of names as one line of YAML.

    >>> written("op_names", ["fc1", "0", "layer1."])
    "op_names: [fc1, '0', 'layer1.']"
    """
    return f"{key}: [{', '.join(map(_scalar, words))}]"


def _scalar(word: str) -> str:
    if _PLAIN.fullmatch(word) and word.casefold() not in _YAML_WORDS:
        return word
    return "'" + word.replace("'", "''") + "'"


SHOWN = 3
"""So many of a longer row are named."""


def names_words(names: Sequence[str]) -> str:
    """Return quoted names as a sentence lists them, the first few in full: "'a', 'b', 'c' and 4 more"."""
    if len(names) <= SHOWN + 1:
        return listed(names)
    return row([f"'{name}'" for name in names[:SHOWN]], f"{len(names) - SHOWN:,} more")


def types_words(counts: Sequence[tuple[str, int]]) -> str:
    """Return how many layers of which type: "12 Dropout, 2 ReLU and 3 of other types"."""
    words = [f"{count:,} {kind}" for kind, count in counts[:SHOWN]]
    others = sum(count for _, count in counts[SHOWN:])
    return row(words, f"{others:,} of other types" if others else None)


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
    most = 2 * SHOWN
    return row(words[:most], f"{len(words) - most} more" if len(words) > most else None)


def row(words: Sequence[str], others: str | None = None) -> str:
    """Return words as a sentence lists them; `others` comes last: "a, b and 4 more"."""
    *head, tail = (*words, others) if others else words
    return f"{', '.join(head)} and {tail}" if head else tail


def display_width(text: str) -> int:
    """Return how many columns of a terminal `text` takes: East Asian characters two, combining marks none."""
    if text.isascii():
        return len(text)
    return sum(map(_character_width, text))


def _character_width(character: str) -> int:
    if unicodedata.combining(character) or unicodedata.category(character) in ("Mn", "Me"):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


# Tables.


def aligned(rows: Sequence[Sequence[str]], right: Collection[int] = ()) -> list[tuple[str, ...]]:
    """Return rows with their cells filled up to the width of their columns; `right` has those that are flush right.

    >>> aligned([("layer", "masked"), ("fc", "1,200")], right={1})
    [('layer', 'masked'), ('fc   ', ' 1,200')]
    """
    widths = [max(map(display_width, column)) for column in zip(*rows, strict=True)]
    return [
        tuple(
            _filled(cell, width, column in right) for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        for row in rows
    ]


def _filled(cell: str, width: int, right: bool) -> str:
    fill = " " * (width - display_width(cell))
    return fill + cell if right else cell + fill
