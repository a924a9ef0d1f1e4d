"""Globs and regexes as people write them in place of names: what in a word is one, and which names it matches (D21).

Patterns are foreign text: each is bounded in length and in quantifiers, and says what matching it costs.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

__all__ = ["MOST_STEPS", "Reading", "has_wildcards", "pieces_of", "readings", "regex", "with_ranges"]

MOST_STEPS = 300_000_000
"""How many steps all patterns of a list may take; on 60,000 layers some twenty of them are evaluated."""

_WILD = re.compile(r"[*?+^$|(){}\[\]\\]|^(?:re(?:gex)?|[-+]):")
_PREFIX = re.compile(r"^(?:re(?:gex)?|[-+]):")
"""What says that a regular expression follows: `re:` in compressed-tensors, `-:` and `+:` in GPTQModel."""
_REGEX = re.compile(r"[\^$()|+\\]|^\.\*|\][*?{]")
"""What a glob does not have."""
_ESCAPED = re.compile(r"\\([^\w\s])")
_GAP = re.compile(r"\\\w|\.[*+?(\[]|[*+?^$|(){}\[\],\\]|\.$")
_GLOB_GAP = re.compile(r"[*?{}\[\],]")
_QUANTIFIER = re.compile(r"[*+?]|\{[0-9]*,?[0-9]*\}")
_LONGEST_PATTERN, _LONGEST_REGEX, _QUANTIFIERS, _NUMBERS = 500, 200, 6, 10_000
"""Of patterns beyond these bounds nothing is said (D21)."""


def has_wildcards(word: str) -> bool:
    """Return whether `word` has a character that globs and regular expressions use, or a prefix that announces one."""
    return _WILD.search(word) is not None


def pieces_of(pattern: str, *, glob: bool) -> list[str]:
    """Return the plain texts in a pattern, the longest first: parts that the names may contain which it matches.

    >>> pieces_of("re:.*self_attn.(q|k)_proj$", glob=False)
    ['self_attn', '_proj', 'q', 'k']
    """
    text = _ESCAPED.sub(r"\1", _PREFIX.sub("", pattern.strip()))
    found = (_GLOB_GAP if glob else _GAP).split(text)
    return sorted(dict.fromkeys(piece for piece in found if piece.strip(".")), key=len, reverse=True)


def with_ranges(word: str) -> str:
    """Return `word` with each component that is a range of numbers in the braces of a glob.

    >>> with_ranges("layers.0-7.mlp"), with_ranges("layers.0..7.mlp"), with_ranges("layers.0.mlp")
    ('layers.{0..7}.mlp', 'layers.{0..7}.mlp', 'layers.0.mlp')
    """
    return _RANGE.sub(r"{\1..\2}", word)


_RANGE = re.compile(r"(?<![^.])([0-9]{1,9})(?:-|\.\.)([0-9]{1,9})(?![^.])")


@dataclass(frozen=True, slots=True)
class Reading:
    """One way to read a pattern."""

    matches: Callable[[str], object]
    """Returns something true for the names that it matches."""
    where: str
    """Which part of a name it is held against: "in full", "from the start", "at the end" or "anywhere"."""
    wide: int
    """How many gaps it has that cross dots."""
    narrow: int
    """How many gaps that stay inside a component."""
    glob: bool

    def cost(self, names: int, longest: int) -> int:
        """Return a bound for the steps of matching so many names, of at most so many characters, by backtracking."""
        component = min(longest, 32)
        return names * math.comb(longest + self.wide, self.wide) * math.comb(component + self.narrow, self.narrow)


def readings(word: str, *, part: bool) -> list[Reading]:
    """Return the ways to read `word` as a pattern, the likeliest first; empty when it is beyond the bounds of D21.

    What has no character that only regular expressions have is a glob, and with a `.*` perhaps the other too. For
    `part` a pattern is looked for anywhere in a name, else it is to match the whole of it, or else its start (that
    in the first place after `re:`).
    """
    prefix = _PREFIX.match(word.strip())
    text = word.strip()[prefix.end() if prefix else 0 :].strip()
    regexes = _regexes(text, part=part, from_start=prefix is not None) if len(text) <= _LONGEST_REGEX else ()
    if prefix or _REGEX.search(text):
        return list(regexes)
    return [*_globs(text, part=part), *(regexes if re.search(r"\.\*(?!\.)", text) else ())]


def _globs(text: str, *, part: bool) -> Iterator[Reading]:
    if len(text) > _LONGEST_PATTERN or text.count("*") > _QUANTIFIERS:
        return
    source = _Glob(text).regex()
    # What stays inside a component ends at its dot: gaps of different components do not multiply.
    wide, narrow = source.count(".*"), max(piece.count("[^.]*") for piece in source.split(r"\."))
    try:
        pattern = re.compile(source)
    except (re.error, OverflowError):
        return
    if part:
        # A leading or trailing star is free to match anything, nothing as well.
        yield Reading(pattern.search, "anywhere", wide, narrow, glob=True)
    else:
        yield Reading(pattern.fullmatch, "in full", wide, narrow, glob=True)
        ending = re.compile(rf"(?:^|.*\.){source}\Z")
        yield Reading(ending.match, "at the end", wide + 1, narrow, glob=True)


def regex(text: str, *, in_full: bool) -> Reading | None:
    """Return `text`, of any length, as `re.fullmatch` or `re.match` reads it.

    None where it is not a regex, or beyond the other bounds of D21.
    """
    return next(_regexes(text, part=False, from_start=not in_full), None)


def _regexes(text: str, *, part: bool, from_start: bool) -> Iterator[Reading]:
    bare = re.sub(r"\\.", "E", text)
    if not text or bare.rfind("[") > bare.rfind("]"):  # looking for the end of each would take quadratic time
        return
    bare = re.sub(r"\[\^?\]?[^\]]*\]", "C", bare).replace("(?", "(")
    quantifiers = _QUANTIFIER.findall(re.sub(r"([*+?}])\?", r"\1", bare))
    if len(quantifiers) > _QUANTIFIERS or _nested(bare) or re.search(r"\\[1-9]|\(\?P?[=(]", text):
        return
    if part:  # what a search may begin or end with makes no difference to it
        text = re.sub(r"^(?:\.\*)+|(?<!\\)(?:\.\*)+$", "", text)
        # "Not this" is about the whole of a name: farther on in it there is always a place where it is true.
        text = f"^{text}" if text.startswith("(?!") else text
    try:
        pattern = re.compile(text)
    except (re.error, OverflowError, RecursionError):
        return
    # What follows the last gap of a search is not tried again: a gap at the end costs nothing.
    steps = re.sub(r"\[\^?\]?[^\]]*\]|\\.", _step, re.sub(r"\.[*+]\$?$", "", text))
    wide = len(re.findall(r"[.A][*+{]", steps))
    narrow = max(len(re.findall(r"[^/.A][*+{]", piece)) for piece in steps.split("/"))
    ways = {
        "in full": Reading(pattern.fullmatch, "in full", wide, narrow, glob=False),
        "from the start": Reading(pattern.match, "from the start", wide, narrow, glob=False),
        "anywhere": Reading(pattern.search, "anywhere", wide + 1, narrow, glob=False),
    }
    starts = ("from the start",) if from_start else ("in full", "from the start")
    order = ("anywhere",) if part else (*starts, "anywhere")
    yield from (ways[where] for where in order)


def _step(atom: re.Match[str]) -> str:
    """Return a class or an escape as one character: "/" for a dot, "A" for what matches dots and more, else "C"."""
    if atom[0] == r"\.":
        return "/"
    try:
        return "A" if re.fullmatch(atom[0], ".") else "C"
    except re.error:
        return "A"


def _nested(bare: str) -> bool:
    """Return whether a group with a quantifier in it has one itself; escapes and classes are out of `bare`."""
    inside = [False]
    for place, character in enumerate(bare):
        if character == "(":
            inside.append(False)
        elif character == ")" and len(inside) > 1:
            quantified = inside.pop()
            if quantified and _QUANTIFIER.match(bare, place + 1):
                return True
            inside[-1] |= quantified
        elif character in "*+?{":
            inside[-1] = True
    return False


class _Glob:
    """A glob with braces as a regular expression: `*` and `?` stay inside one component (D21)."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._closing: dict[int, int] = {}
        """Where each brace that is closed is closed: looked up, so that unclosed ones cost nothing."""
        self._numbers = 0
        opened = []
        for place, character in enumerate(text):
            if character == "{":
                opened.append(place)
            elif character == "}" and opened:
                self._closing[opened.pop()] = place

    def regex(self) -> str:
        """Return the regular expression."""
        return self._piece(0, len(self._text))

    def _piece(self, place: int, end: int) -> str:
        text, parts = self._text, []
        while place < end:
            character = text[place]
            if character == "*":
                after = place + 1
                while after < end and text[after] == "*":
                    after += 1
                crosses = after - place > 1 or place == 0 or after == len(text)
                parts.append(".*" if crosses else "[^.]*")
                place = after
            elif character == "[" and (close := text.find("]", place + 2, end)) > 0:
                inside = text[place + 1 : close].replace("\\", r"\\").replace("[", r"\[")
                parts.append(f"[^{inside[1:]}]" if inside[0] in "!^" else f"[{inside}]")
                place = close + 1
            elif character == "{" and place in self._closing:
                parts.append(self._braces(place + 1, self._closing[place]))
                place = self._closing[place] + 1
            else:
                parts.append("[^.]" if character == "?" else re.escape(character))
                place += 1
        return "".join(parts)

    def _braces(self, start: int, end: int) -> str:
        """Return the alternatives in braces: words, other patterns, and ranges of numbers as tables write them."""
        options, place = [], start
        for at in range(start, end + 1):
            if at < place or (at < end and self._text[at] != ","):
                continue
            if any(opening < at < close for opening, close in self._closing.items() if start <= opening < end):
                continue
            options.append(self._range(place, at) or self._piece(place, at))
            place = at + 1
        return f"(?:{'|'.join(options)})"

    def _range(self, start: int, end: int) -> str | None:
        found = re.fullmatch(r"([0-9]{1,9})\.\.([0-9]{1,9})(?:\.\.([1-9][0-9]{0,8}))?", self._text[start:end])
        if found is None:
            return None
        numbers = range(int(found[1]), int(found[2]) + 1, int(found[3] or 1))
        self._numbers += len(numbers)
        return "|".join(map(str, numbers)) if numbers and self._numbers <= _NUMBERS else None
