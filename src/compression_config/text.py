"""Phrases and characters: how lists, counts, names and values are written in messages and reports.

Everything that a user reads is put together here: words joined, counted and quoted, unsafe characters escaped, a
line of YAML or JSON, the cells of a table. Nothing here knows config lists or models.
"""

from __future__ import annotations

import difflib
import itertools
import json
import re
import unicodedata
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Literal, TypeAlias

__all__ = [
    "SHOWN",
    "Notation",
    "aligned",
    "counted",
    "cut",
    "display_width",
    "joined",
    "json_flow",
    "layers_words",
    "listed",
    "meant_words",
    "more_words",
    "names_words",
    "nearest",
    "number_cell",
    "number_order",
    "numbers_words",
    "percent_words",
    "printable",
    "quoted",
    "represented",
    "shortened",
    "types_words",
    "written",
    "written_value",
    "yaml_flow",
]


# Lists and counts.

SHOWN = 3
"""How many of a longer list are named."""


def joined(words: Iterable[str], last: str = "and", *, most: int | None = None) -> str:
    """Return words as a sentence lists them; of more than `most` the others are counted. No words give "".

    A single one is named rather than counted, which takes no more room.

    >>> joined(["a", "b", "c"]), joined("abcde", "or", most=3)
    ('a, b and c', 'a, b, c or 2 more')
    """
    found = list(words)
    if most is not None and len(found) > most + 1:
        found[most:] = [more_words(len(found) - most)]
    return f" {last} ".join(filter(None, (", ".join(found[:-1]), *found[-1:])))


def more_words(count: int) -> str:
    """Return how many are not named: "4 more"."""
    return f"{count:,} more"


def quoted(words: Iterable[str]) -> list[str]:
    """Return words in the quotes that names and keys have in messages."""
    return [f"'{word}'" for word in words]


def listed(words: Iterable[str], *, last: str = "and", most: int | None = None) -> str:
    """Return quoted `words` as a sentence lists them.

    >>> listed(["a", "b", "c"])
    "'a', 'b' and 'c'"
    """
    return joined(quoted(words), last, most=most)


def names_words(names: Iterable[str]) -> str:
    """Return quoted names as a sentence lists them, the first few in full: "'a', 'b', 'c' and 4 more"."""
    return listed(names, most=SHOWN)


def counted(number: int, thing: str) -> str:
    """Return a number with what it counts.

    >>> counted(1, "layer"), counted(1200, "layer")
    ('1 layer', '1,200 layers')
    """
    return f"{number:,} {thing}" + ("" if number == 1 else "s")


def layers_words(count: int) -> str:
    """Return a number of layers: "1 layer", "1,200 layers"."""
    return counted(count, "layer")


def percent_words(part: float, whole: float = 1) -> str:
    """Return which share of `whole`, above 0, `part` is; what is not all of it or not nothing does not look so.

    >>> percent_words(1, 3), percent_words(1, 100_000), percent_words(99_999, 100_000), percent_words(2, 2)
    ('33.3 %', '<0.1 %', '>99.9 %', '100 %')
    """
    share = part / whole
    if share in (0, 1):
        return f"{share:.0%}".replace("%", " %")
    if share < 0.0005:  # noqa: PLR2004 - what would be rounded to 0.0
        return "<0.1 %"
    return ">99.9 %" if 0.9995 <= share < 1 else f"{100 * share:.1f} %"  # noqa: PLR2004 - likewise to 100.0


def types_words(counts: Sequence[tuple[str, int]], most: int = SHOWN) -> str:
    """Return how many layers of which type: "12 Dropout, 2 ReLU and 3 more"."""
    words = [f"{count:,} {layer_type}" for layer_type, count in counts[:most]]
    others = sum(count for _, count in counts[most:])
    return joined([*words, more_words(others)] if others else words)


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
    return joined(words, most=2 * SHOWN)


def number_order(digits: str) -> tuple[int, str]:
    """Return what sorts digits as the numbers that they are; `int` refuses more than 4,300 of them.

    >>> sorted(["10", "9", "007"], key=number_order)
    ['007', '9', '10']
    """
    significant = digits.lstrip("0")
    return len(significant), significant


def nearest(word: str, candidates: Iterable[str]) -> str | None:
    """Return the one of `candidates` that resembles `word` most; None when none does.

    A difference of case alone beats every other.

    >>> nearest("op_name", ["op_types", "op_names"])
    'op_names'
    """
    known = list(candidates)
    same = (candidate for candidate in known if candidate.casefold() == word.casefold())
    return next(itertools.chain(same, difflib.get_close_matches(word, known, n=1, cutoff=0.7)), None)


def meant_words(word: str, candidates: Iterable[str]) -> str:
    """Return what a message about an unknown word ends with: the nearest of `candidates`, or nothing.

    >>> meant_words("op_name", ["op_names"]), meant_words("x", ["op_names"])
    ("; did you mean 'op_names'?", '')
    """
    close = nearest(word, candidates)
    return "" if close is None else f"; did you mean {close!r}?"


# Characters.


def printable(text: str) -> str:
    r"""Return `text` with every character escaped that would not be seen: it moves no cursor and hides nothing.

    Every report and message goes through this on its way out; what it returns it leaves as it is.

    >>> printable("fc1\x1b[31m")
    'fc1\\x1b[31m'
    """
    if text.isprintable():
        return text
    return "".join(character if character.isprintable() else _escaped(character) for character in text)


def _escaped(character: str) -> str:
    return character.encode("unicode_escape").decode("ascii")


def cut(text: str, longest: int) -> str:
    """Return `text`, of which the middle is left out where it has more than `longest` characters.

    >>> cut("encoder.layer.0.output.dense", 13)
    'encod...dense'
    """
    if len(text) <= longest:
        return text
    kept = longest - 3
    return f"{text[: kept - kept // 2]}...{text[len(text) - kept // 2 :]}"


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


def display_width(text: str) -> int:
    """Return how many columns of a terminal `text` takes: East Asian characters two, combining marks none."""
    if text.isascii():
        return len(text)
    return sum(map(_character_width, text))


def _character_width(character: str) -> int:
    if unicodedata.combining(character) or unicodedata.category(character) in ("Mn", "Me"):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


# Notations.

Notation: TypeAlias = Literal["yaml", "json", "python"]
"""How a config list is written: a hint shows what to write in the notation of what the user wrote (D21)."""

_PLAIN = re.compile(r"[^\W\d][\w-]*(\.[\w-]+)*")
_YAML_WORDS = frozenset({"true", "false", "null", "yes", "no", "on", "off", "y", "n"})
_CONSTANTS: Mapping[Notation, Mapping[object, str]] = {
    "yaml": {True: "true", False: "false", None: "null"},
    "json": {True: "true", False: "false", None: "null"},
    "python": {True: "True", False: "False", None: "None"},
}


def written(key: str, value: object, notation: Notation = "yaml") -> str:
    """Return a key with its value as one line of a config list.

    >>> written("op_names", ["fc1", "0", "layer1."])
    "op_names: [fc1, '0', 'layer1.']"
    >>> written("exclude", True, "json"), written("exclude", True, "python")
    ('"exclude": true', '"exclude": True')
    """
    return f"{written_value(key, notation)}: {written_value(value, notation)}"


def written_value(value: object, notation: Notation = "yaml") -> str:
    """Return plain data on one line: strings, numbers, constants, and lists and mappings of them.

    >>> written_value({"weight": 8}), written_value({"weight": 8}, "json")
    ('{weight: 8}', '{"weight": 8}')
    """
    if isinstance(value, str):
        if notation == "yaml":
            return _yaml_scalar(value)
        return json.dumps(value, ensure_ascii=False)
    if value is None or isinstance(value, bool):
        return _CONSTANTS[notation][value]
    if isinstance(value, Mapping):
        return "{" + ", ".join(written(key, part, notation) for key, part in value.items()) + "}"
    if isinstance(value, Iterable):
        return "[" + ", ".join(written_value(part, notation) for part in value) + "]"
    return str(value)


def _yaml_scalar(word: str) -> str:
    if _PLAIN.fullmatch(word) and word.casefold() not in _YAML_WORDS:
        return word
    if not word.isprintable():
        return json.dumps(word)
    return "'" + word.replace("'", "''") + "'"


def json_flow(value: object) -> str:
    r"""Return plain data as JSON on one line, in ASCII that can be seen.

    >>> json_flow({"name": "fc\x7f"})
    '{"name": "fc\\u007f"}'
    """
    return json.dumps(value).replace("\x7f", "\\u007f")


# YAML 1.1, which PyYAML's safe_load reads, takes 1e-07 for a string; 1.0e-07 is a number in both versions.
_BARE_EXPONENT = re.compile(r'"(?:[^"\\]|\\.)*"|(?<![\d.])\d(?=e[-+]\d)')


def yaml_flow(value: object) -> str:
    r"""Return plain data as YAML on one line, in the style of JSON: characters that can be seen stay as they are.

    >>> yaml_flow({"name": "层\u202e", "sparsity": 1e-7})
    '{"name": "层\\u202e", "sparsity": 1.0e-07}'
    """
    # What cannot be seen can only be in strings: JSON on one line has no other white space than the space.
    text = json.dumps(value, ensure_ascii=False)
    if not text.isprintable():
        text = "".join(map(_yaml_character, text))
    if "e-" not in text and "e+" not in text:
        return text
    return _BARE_EXPONENT.sub(lambda found: found[0] if found[0][0] == '"' else f"{found[0]}.0", text)


def _yaml_character(character: str) -> str:
    if character.isprintable():
        return character
    code = ord(character)
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"  # noqa: PLR2004 - beyond it YAML has eight digits


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


def number_cell(number: int | None) -> str:
    """Return a number as a table shows it: empty where it is not known or does not apply."""
    return "" if number is None else f"{number:,}"


def _filled(cell: str, width: int, right: bool) -> str:
    fill = " " * (width - display_width(cell))
    return fill + cell if right else cell + fill
