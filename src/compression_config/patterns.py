r"""Many layers that share what there is to say of them, as few names with braces, regexes or globs.

Twelve equal blocks are one row: `layer.{0..11}.attention.self.{query,key,value}`. The layers of one outcome
are keyed by their names with the numbers taken out; what is left is a set of tuples of numbers, which is
written as few products of ranges. Each layer is looked at once and each tuple once per number in it, so the
cost is linear in the length of all names.

A product is a pattern as well: `layer\.(?:[0-9]|1[01])\.(?:query|key)`. What such a regex matches in full is the
product and nothing else, whatever other names a model has: the text around the numbers is escaped, and the
numbers are spelled out in classes of digits. Globs have no alternatives, so one product may take several;
`*` saves most of them, where all names of the model show that it takes no layer of another outcome.
"""

from __future__ import annotations

import fnmatch
import itertools
import math
import re
from collections.abc import Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeAlias, TypeVar

__all__ = ["NameGroup", "NameGroups", "digit_classes", "escaped_glob", "written_numbers"]


_NUMBERED = re.compile(r"(.*?)(0|[1-9][0-9]{0,8})")
"""A component that is or ends in a number without leading zeros."""

_LONGEST_BRACES = 60
"""How many characters alternatives in braces may have together; there are models with flat lists of thousands."""
_SHORTEST_RUN = 3
"""From how many numbers on a run is written as one: two neighbours are as short one by one."""
_SHORTEST_STEPS = 4
"""The same for a run with a step, which takes longer to read."""

_DEEPEST = 64
"""How many numbers a name may hold and still be grouped; more than Python's own stack is for."""

Outcome = TypeVar("Outcome", bound=Hashable)

_Numbers: TypeAlias = tuple[int, ...]
_Box: TypeAlias = tuple[_Numbers, ...]
"""The numbers in each place, all combinations of which occur."""


@dataclass(frozen=True, slots=True)
class NameGroup:
    """Layers under one written name."""

    written: str
    """Their names, with braces where they differ."""
    first: int
    """The position of the one with the smallest numbers, which mostly is the first of them."""
    count: int


class NameGroups(Generic[Outcome]):
    """Layers of equal outcome under common names.

    `named` has a position, a name and an outcome for each layer, in the order of positions.

    >>> groups = NameGroups((i, f"layer.{i}.{part}", "kept") for i in range(12) for part in ("query", "key"))
    >>> [(group.written, group.count) for group, _ in groups.written()]
    [('layer.{0..11}.{query,key}', 24)]
    """

    def __init__(self, named: Iterable[tuple[int, str, Outcome]]) -> None:
        self._members = sorted(_members(named), key=lambda member: member.first)

    @property
    def outcomes(self) -> frozenset[Outcome]:
        """The outcomes that there are."""
        return frozenset(member.outcome for member in self._members)

    def written(self, longest: int | None = None) -> Iterator[tuple[NameGroup, Outcome]]:
        """Yield the groups with their outcomes, in the order of their first layers.

        Where a name would be longer than `longest` characters its last components are not put into braces.
        """
        return _with_joined_ends(self._members, longest)

    def regexes(self) -> Iterator[tuple[str, Outcome]]:
        r"""Yield regexes with their outcomes; each layer is matched in full by one of its outcome and by no other.

        They have no anchors: what matches only the start of a name needs a `$`, what searches a `^` too.

        >>> groups = NameGroups((i, f"layer.{i}.fc", i < 10) for i in range(12))
        >>> list(groups.regexes())
        [('layer\\.[0-9]\\.fc', True), ('layer\\.1[01]\\.fc', False)]
        """
        for head, box, outcome, ends in _joined(self._members):
            yield _regex(head, box, [last for last, _ in ends]), outcome

    def globs(self) -> Iterator[tuple[str, Outcome]]:
        """Yield globs of `fnmatch` with their outcomes; each layer is matched by globs of its outcome alone.

        The groups must be of all layers of a model: a `*` is written where no other of these layers has a name that it
        would match.
        """
        stars = _Stars(self._members)
        for member in self._members:
            starred = stars.allowed(member)
            places = [["*"] if place in starred else digit_classes(numbers) for place, numbers in enumerate(member.box)]
            for choice in itertools.product(*places):
                yield _interleaved([escaped_glob(piece) for piece in member.pieces], choice), member.outcome


@dataclass(frozen=True, slots=True)
class _Member(Generic[Outcome]):
    """Layers of one template and one outcome."""

    first: int
    pieces: tuple[str, ...]
    """The template: the text around the numbers, one piece more than there are numbers."""
    box: _Box
    outcome: Outcome


_Family: TypeAlias = dict[_Numbers, list[int]]
"""Layers whose children have equal last components and outcomes: their numbers, and the positions of the children."""


def _members(named: Iterable[tuple[int, str, Outcome]]) -> Iterator[_Member[Outcome]]:
    """Yield the members for layers of which position, name and outcome are given.

    Names are mostly siblings of the one before, and siblings are mostly like those in other blocks: what leads to
    them is taken apart once, and their numbers are put into boxes once for all of them.
    """
    templates = _Templates()
    children: dict[tuple[int, Outcome], list[tuple[_Family, int, int | None]]] = {}
    for (template, tails), family in _families(named, templates).items():
        for place, (tail, outcome) in enumerate(zip(tails[::2], tails[1::2], strict=True)):
            child, number = templates.step(template, tail)
            children.setdefault((child, outcome), []).append((family, place, number))
    boxes: dict[tuple[tuple[int, int | None], ...], list[_Box]] = {}
    for (template, outcome), found in children.items():
        key = tuple((id(family), number) for family, _, number in found)
        if key not in boxes:
            tuples = (numbers if n is None else (*numbers, n) for family, _, n in found for numbers in family)
            boxes[key] = _boxes(sorted(tuples))
        for box in boxes[key]:
            yield _Member(_first(found, box), templates.pieces[template], box, outcome)


def _families(
    named: Iterable[tuple[int, str, Outcome]], templates: _Templates
) -> dict[tuple[int, tuple[Any, ...]], _Family]:
    """Return the families by the template of the parent and its children: last component, outcome, and so on."""
    parents: dict[str, tuple[list[Any], list[int]]] = {}
    last: str | None = None
    tails: list[Any] = []
    positions: list[int] = []
    for position, name, outcome in named:
        cut = name.rfind(".")
        path = name[:cut] if cut > 0 else ""
        if path != last:
            last = path
            tails, positions = parents.setdefault(path, ([], []))
        tails.append(name[cut:] if cut > 0 else name)
        tails.append(outcome)
        positions.append(position)
    families: dict[tuple[int, tuple[Any, ...]], _Family] = {}
    for path, (children, places) in parents.items():
        template, numbers = templates.of(path) if path else (0, ())
        families.setdefault((template, tuple(children)), {})[numbers] = places
    return families


def _first(found: Iterable[tuple[_Family, int, int | None]], box: _Box) -> int:
    """Return the position of the layer with the smallest numbers of `box`."""
    smallest = tuple(numbers[0] for numbers in box)
    for family, place, number in found:
        parent = smallest if number is None else smallest[:-1]
        if parent in family and (number is None or number == smallest[-1]):
            return family[parent][place]
    raise AssertionError("a box is made of layers")


class _Templates:
    """Names to the numbers in them and what is around these; what leads to a name is taken apart once."""

    def __init__(self) -> None:
        self.pieces: list[tuple[str, ...]] = [("",)]
        """The templates; `of` gives their places."""
        self._paths: dict[str, tuple[int, _Numbers]] = {"": (0, ())}
        self._children: dict[tuple[int, str, bool], int] = {}
        self._steps: dict[tuple[int, str], tuple[int, int | None]] = {}
        """For a template and a last component with its dot: the template with both, and the number of the component."""

    def of(self, name: str) -> tuple[int, _Numbers]:
        """Return the place of the template of `name`, and its numbers."""
        cut = max(name.rfind("."), 0)
        parent, numbers = self._paths.get(name[:cut]) or self._enter(name[:cut])
        child, number = self._steps.get((parent, name[cut:])) or self.step(parent, name[cut:])
        return child, numbers if number is None else (*numbers, number)

    def _enter(self, path: str) -> tuple[int, _Numbers]:
        """Take apart a path and what leads to it; a loop, as names may be deeper than calls."""
        missing = []
        while path not in self._paths:
            missing.append(path)
            path = path[: max(path.rfind("."), 0)]
        for longer in reversed(missing):
            self._paths[longer] = self.of(longer)
        return self._paths[missing[0]]

    def step(self, parent: int, component: str) -> tuple[int, int | None]:
        """Return the template of `parent` and a component, its dot included, by place, and the component's number."""
        found = _NUMBERED.fullmatch(component)
        text, number = (component, None) if found is None else (found[1], int(found[2]))
        key = parent, text, number is None
        child = self._children.get(key)
        if child is None:
            child = self._children[key] = len(self.pieces)
            before = self.pieces[parent]
            after = () if number is None else ("",)
            self.pieces.append((*before[:-1], before[-1] + text, *after))
        step = self._steps[parent, component] = child, number
        return step


def _boxes(tuples: Sequence[_Numbers]) -> list[_Box]:
    """Return products of numbers that together are exactly `tuples`, which are distinct and of one length."""
    if len(tuples) == 1 or len(tuples[0]) > _DEEPEST:
        return [tuple((number,) for number in numbers) for numbers in tuples]
    if len(tuples[0]) == 1:
        return [(tuple(sorted(number for (number,) in tuples)),)]
    rests_of: dict[int, list[_Numbers]] = {}
    for first, *rest in tuples:
        rests_of.setdefault(first, []).append(tuple(rest))
    firsts: dict[tuple[_Box, ...], list[int]] = {}
    for first, rests in rests_of.items():
        firsts.setdefault(tuple(_boxes(rests)), []).append(first)
    return [(tuple(sorted(numbers)), *box) for boxes, numbers in firsts.items() for box in boxes]


def _joined(
    members: Iterable[_Member[Outcome]],
) -> Iterator[tuple[tuple[str, ...], _Box, Outcome, list[tuple[str, int]]]]:
    """Yield `members`, those joined that differ in nothing but the text after the last dot: these texts come last."""
    ends: dict[tuple[tuple[str, ...], _Box, Outcome], list[tuple[str, int]]] = {}
    for member in members:
        pieces = member.pieces
        path, dot, last = pieces[-1].rpartition(".")
        # Only after a dot the last text is a component of its own; after a number it is a part of one.
        head = (*pieces[:-1], path + dot) if dot else pieces
        ends.setdefault((head, member.box, member.outcome), []).append((last if dot else "", member.first))
    for (head, box, outcome), lasts in ends.items():
        yield head, box, outcome, lasts


def _with_joined_ends(members: Iterable[_Member[Outcome]], longest: int | None) -> Iterator[tuple[NameGroup, Outcome]]:
    """Yield the groups of `members`, those joined that differ in nothing but the text after the last dot."""
    groups: list[tuple[NameGroup, Outcome]] = []
    for head, box, outcome, lasts in _joined(members):
        written, each = _written(head, box), math.prod(map(len, box))
        room = _LONGEST_BRACES if longest is None else min(longest - len(written), _LONGEST_BRACES)
        for first, end, count in _written_ends(lasts, room):
            groups.append((NameGroup(written + end, first, count * each), outcome))
    groups.sort(key=lambda group: group[0].first)
    return iter(groups)


def _written_ends(lasts: Iterable[tuple[str, int]], room: int) -> Iterator[tuple[int, str, int]]:
    """Yield alternatives in braces, as many together as fit: the first position, the text, how many."""
    waiting: list[tuple[str, int]] = []
    used = 1
    for last in lasts:
        used += len(last[0]) + 1
        if waiting and used > room:
            yield _braced(waiting)
            waiting, used = [], len(last[0]) + 2
        waiting.append(last)
    yield _braced(waiting)


def _braced(lasts: Sequence[tuple[str, int]]) -> tuple[int, str, int]:
    texts = [text for text, _ in lasts]
    return lasts[0][1], texts[0] if len(texts) == 1 else "{" + ",".join(texts) + "}", len(texts)


def _written(pieces: tuple[str, ...], box: _Box) -> str:
    return _interleaved(pieces, [written_numbers(numbers) for numbers in box])


def _interleaved(pieces: Sequence[str], between: Sequence[str]) -> str:
    """Return `pieces`, one more than there are texts to put between them, as one text."""
    parts = [pieces[0]]
    for text, piece in zip(between, pieces[1:], strict=True):
        parts += (text, piece)
    return "".join(parts)


def written_numbers(numbers: Sequence[int]) -> str:
    """Return ascending, distinct numbers as a shell would write them: runs, runs with a step, single ones.

    >>> written_numbers([3]), written_numbers([0, 1, 2, 4, 9]), written_numbers([1, 3, 5, 7])
    ('3', '{0..2,4,9}', '{1..7..2}')
    """
    if len(numbers) == 1:
        return str(numbers[0])
    return "{" + ",".join(_runs(numbers)) + "}"


def _runs(numbers: Sequence[int]) -> Iterator[str]:
    start = 0
    while start < len(numbers):
        end = start + 1
        step = numbers[end] - numbers[start] if end < len(numbers) else 1
        while end < len(numbers) and numbers[end] - numbers[end - 1] == step:
            end += 1
        if end - start >= (_SHORTEST_RUN if step == 1 else _SHORTEST_STEPS):
            yield f"{numbers[start]}..{numbers[end - 1]}" + ("" if step == 1 else f"..{step}")
            start = end
        else:
            yield str(numbers[start])
            start += 1


def _regex(head: Sequence[str], box: _Box, ends: Sequence[str]) -> str:
    """Return a regex for names that begin with `head`, with the numbers of `box` in it, and end in one of `ends`."""
    numbers = [_alternatives(digit_classes(numbers)) for numbers in box]
    return _interleaved([re.escape(piece) for piece in head], numbers) + _alternatives([re.escape(end) for end in ends])


def _alternatives(regexes: Sequence[str]) -> str:
    return regexes[0] if len(regexes) == 1 else f"(?:{'|'.join(regexes)})"


def digit_classes(numbers: Sequence[int]) -> list[str]:
    """Return ascending, distinct numbers as texts with classes of digits, which regexes and globs read alike.

    >>> digit_classes(range(3, 61)), digit_classes([0, 2, 4, 11])
    (['[3-9]', '[1-5][0-9]', '60'], ['[024]', '11'])
    """
    by_length: dict[int, list[_Numbers]] = {}
    for number in map(str, numbers):
        by_length.setdefault(len(number), []).append(tuple(map(int, number)))
    return ["".join(map(_digit_class, box)) for digits in by_length.values() for box in _boxes(digits)]


def _digit_class(digits: Sequence[int]) -> str:
    if len(digits) == 1:
        return str(digits[0])
    is_run = len(digits) >= _SHORTEST_RUN and digits[-1] - digits[0] == len(digits) - 1
    return f"[{digits[0]}-{digits[-1]}]" if is_run else f"[{''.join(map(str, digits))}]"


def escaped_glob(text: str) -> str:
    """Return a glob of `fnmatch` that matches `text` and nothing else.

    >>> escaped_glob("a[0].b*c")
    'a[[]0].b[*]c'
    """
    return _GLOB_SPECIAL.sub(r"[\g<0>]", text)


_GLOB_SPECIAL = re.compile(r"[*?[]")
_DIGITS = re.compile("[0-9]+")


class _Stars(Generic[Outcome]):
    """Where a glob may have a `*` for a number: where that matches no name of another outcome."""

    def __init__(self, members: Iterable[_Member[Outcome]]) -> None:
        self._siblings: dict[tuple[str, ...], list[_Member[Outcome]]] = {}
        """All members of a template."""
        self._folded: dict[str, set[tuple[tuple[str, ...], Outcome]]] = {}
        """Templates and outcomes of the names that are the same once each run of digits is a 0."""
        for member in members:
            self._siblings.setdefault(member.pieces, []).append(member)
            folded = _DIGITS.sub("0", _interleaved(member.pieces, ["0"] * len(member.box)))
            self._folded.setdefault(folded, set()).add((member.pieces, member.outcome))

    def allowed(self, member: _Member[Outcome]) -> set[int]:
        """Return the places of numbers in the names of `member` for which a glob may have a `*`."""
        starred: set[int] = set()
        for place, numbers in enumerate(member.box):
            if len(digit_classes(numbers)) > 1 and self._is_free(member, {*starred, place}):
                starred.add(place)
        return starred

    def _is_free(self, member: _Member[Outcome], starred: set[int]) -> bool:
        """Return whether `*` in the `starred` places of `member` matches no name of another outcome."""
        for other in self._siblings[member.pieces]:
            places = (place for place in range(len(member.box)) if place not in starred)
            if other.outcome != member.outcome and all(
                not set(member.box[place]).isdisjoint(other.box[place]) for place in places
            ):
                return False
        # `*` goes through dots, into names of other templates. They are compared with each run of digits as one 0, on
        # both sides, which can only make more of them match: a number ends a component, so no digit follows a `*`.
        written = _interleaved(member.pieces, ["\0" if place in starred else "0" for place in range(len(member.box))])
        # The stars of fnmatch do not backtrack: a name may have dozens of numbers.
        glob = escaped_glob(_DIGITS.sub("0", written)).replace("\0", "*")
        matches = re.compile(fnmatch.translate(glob)).match
        matched = itertools.chain.from_iterable(found for folded, found in self._folded.items() if matches(folded))
        return all(outcome == member.outcome or pieces == member.pieces for pieces, outcome in matched)
