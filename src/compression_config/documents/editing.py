"""Edits to texts: what the edits of findings change in a document, and not one character more.

An edit is applied where the text shows exactly what it changes, the literal itself. Where it does not (a constant of
a script, an anchored element, an alias) the finding that it belongs to is left to the user.
"""

from __future__ import annotations

import ast
import itertools
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple, TypeAlias

from compression_config.documents.document import LINE_BREAK, Lines
from compression_config.documents.files import read_text
from compression_config.documents.python_reader import is_python
from compression_config.findings import Edit
from compression_config.locations import ConfigPath, SourceMap
from compression_config.text import written_value

__all__ = ["Editable", "Edited", "Fix", "edited"]


class Editable(NamedTuple):
    """Plain data with its places in a text: that of a document, or of one list of a script."""

    source: SourceMap
    value: object
    prefix: ConfigPath = ()
    """What the paths of edits begin with, before the way inside `value`."""


class Edited(NamedTuple):
    """A text after edits."""

    text: str
    applied: tuple[bool, ...]
    """For each fix, in their order, whether it is in the text; one that is not has changed nothing."""


Fix: TypeAlias = tuple[Editable, Sequence[Edit]]
"""The edits of one finding, which are applied together or not at all."""


class _Splice(NamedTuple):
    """Characters of the text, from index start up to, not including, end, and what replaces them."""

    start: int
    end: int
    new: str


class _Refused(Exception):
    """The text does not show what an edit changes."""


def _refuse_unless(possible: object) -> None:
    """Raise `_Refused` where something is not possible."""
    if not possible:
        raise _Refused


def edited(text: str, fixes: Sequence[Fix]) -> Edited:
    """Return `text` with all fixes in it that can be applied, each where it is written.

    Paths are those before any edit. Of two fixes that change the same characters differently the first is applied.
    """
    lines = Lines(text)
    applied = [False] * len(fixes)
    kept: list[Fix] = []
    whole = text
    possible = [number for number, fix in enumerate(fixes) if _planned(lines, [fix]) is not None]
    # Nearly always all of these can be applied at once; where not, those that cannot are found by halving.
    waiting = [possible] if possible else []
    while waiting:
        some = waiting.pop()
        after = _applied(lines, [*kept, *(fixes[number] for number in some)])
        if after is not None:
            whole = after
            kept += (fixes[number] for number in some)
            for number in some:
                applied[number] = True
        elif len(some) > 1:
            middle = len(some) // 2
            waiting += (some[middle:], some[:middle])
    return Edited(whole, tuple(applied))


def _applied(lines: Lines, fixes: Sequence[Fix]) -> str | None:
    """Return the text after all `fixes`; None where they cannot all be applied, or it is not what they ask for."""
    planned = _planned(lines, fixes)
    if planned is None:
        return None
    splices, plan = planned
    text = _spliced(lines.text, splices)
    if plan.notation == "python":
        return text if is_python(text) else None
    document = read_text(text, plan.notation, "")
    # What has an anchor may change in other places as well.
    anchored = plan.notation == "yaml" and "&" in text
    return text if document.complete and (anchored or document.value == plan.after()) else None


def _planned(lines: Lines, fixes: Sequence[Fix]) -> tuple[list[_Splice], _Plan] | None:
    """Return what changes in the text, in its order, and what that means for its plain data, the last piece of it.

    None where the text does not show what is to be changed, or fixes contradict one another. What is changed twice in
    the same way is changed once.
    """
    parts: dict[int, Editable] = {}
    edits: dict[int, dict[object, Edit]] = {}
    for part, wanted in fixes:
        parts[id(part.source)] = part
        found = edits.setdefault(id(part.source), {})
        for edit in wanted:
            found.setdefault((edit.action, edit.path, repr(edit.value)), edit)
    splices: set[_Splice] = set()
    try:
        for key, part in parts.items():
            plan = _Plan(part, edits[key].values())
            splices.update(_Part(lines, plan).splices())
    except (_Refused, LookupError, TypeError):  # a path that does not lead anywhere
        return None
    ordered = sorted(splices)
    if any(one.end > other.start or one[:2] == other[:2] for one, other in itertools.pairwise(ordered)):
        return None
    return ordered, plan


def _spliced(text: str, splices: Sequence[_Splice]) -> str:
    pieces: list[str] = []
    last = 0
    for splice in splices:
        pieces += (text[last : splice.start], splice.new)
        last = splice.end
    return "".join((*pieces, text[last:]))


_OPENING = re.compile(r"[\[({]|dict\(")
_GAP = r"(?:\s|#[^\r\n]*+)*+"
_BEFORE_FIRST = re.compile(_GAP)
_BETWEEN = re.compile(f"{_GAP},{_GAP}")
_AFTER_NOTHING = re.compile(rf"{_GAP}[\])}}]")
_AFTER_LAST = re.compile(rf"{_GAP},?{_GAP}[\])}}]")
_REST_OF_LINE = re.compile(r"[ \t]*(?:#[^\r\n]*)?(\r\n|\n|\r|\Z)")
_COMMA_AND_REST = re.compile(r"[ \t]*,[ \t]*(?:#[^\r\n]*)?(\r\n|\n|\r)")
_DASH = re.compile(r"[ ]*-[ \t]+")
_DASHES = re.compile(r"[ ]*(?:-[ \t]+)+")
_KEYWORD = re.compile(r"\s*=(?!=)")


@dataclass(slots=True)
class _Changes:
    """What happens to the elements of one list, or the keys of one mapping."""

    deleted: set[str | int] = field(default_factory=set)
    inserted: dict[str | int, list[Any]] = field(default_factory=dict)
    """The new elements in front of the element of an index, or the value of each new key."""
    renamed: dict[str | int, str] = field(default_factory=dict)
    replaced: dict[str | int, Any] = field(default_factory=dict)

    def add(self, edit: Edit, last: str | int) -> None:
        """Add an edit of the element or key `last`. Raises `_Refused` for one that contradicts another."""
        if edit.action == "rename":
            _refuse_unless(edit.value not in self.renamed.values())
            self.renamed[last] = edit.value
        elif edit.action == "replace":
            _refuse_unless(self.replaced.setdefault(last, edit.value) == edit.value)
        elif edit.action == "delete":
            self.deleted.add(last)
        elif isinstance(last, int):
            self.inserted.setdefault(last, []).append(edit.value)
        elif isinstance(edit.value, list | tuple):
            words = self.inserted.setdefault(last, [[]])[0]
            words += (word for word in edit.value if word not in words)
        else:
            _refuse_unless(self.inserted.setdefault(last, [edit.value]) == [edit.value])


class _Plan:
    """What several edits change in one piece of plain data."""

    def __init__(self, part: Editable, edits: Iterable[Edit]) -> None:
        self._part = part
        self.source = part.source
        self.notation = part.source.notation
        self.changes: dict[ConfigPath, _Changes] = {}
        for edit in edits:
            *way, last = edit.path
            self.changes.setdefault(tuple(way), _Changes()).add(edit, last)
        for path in list(self.changes):
            self._raise_empty(path)

    def at(self, path: ConfigPath) -> Any:  # noqa: ANN401 - plain data
        """Return the value at a path."""
        value: Any = self._part.value
        for step in path[len(self._part.prefix) :]:
            value = value[step]
        return value

    def after(self) -> object:
        """Return the plain data after all edits."""
        return self._after(self._part.value, self._part.prefix)

    def _after(self, value: object, path: ConfigPath) -> object:
        change = self.changes.get(path, _Changes())
        if isinstance(value, Mapping):
            kept = ((key, change.replaced.get(key, part)) for key, part in value.items() if key not in change.deleted)
            pairs = {change.renamed.get(key, key): self._after(part, (*path, key)) for key, part in kept}
            return pairs | {step: _listed(new[0]) for step, new in change.inserted.items()}
        if not isinstance(value, list | tuple):
            return _listed(value)
        elements: list[object] = []
        for step in range(len(value) + 1):
            elements += map(_listed, change.inserted.get(step, ()))
            if step < len(value) and step not in change.deleted:
                elements.append(self._after(change.replaced.get(step, value[step]), (*path, step)))
        return elements

    def _raise_empty(self, path: ConfigPath) -> None:
        """Delete the key of a list of which every element is deleted."""
        change, value = self.changes[path], self.at(path)
        if not change.deleted or change.inserted or not isinstance(value, list | tuple):
            return
        if path and isinstance(path[-1], str) and change.deleted >= set(range(len(value))):
            change.deleted.clear()
            self.changes.setdefault(path[:-1], _Changes()).deleted.add(path[-1])


def _listed(value: object) -> object:
    """Return plain data with lists for tuples."""
    return list(value) if isinstance(value, tuple) else value


class _Part:
    """One piece of plain data in a text."""

    def __init__(self, lines: Lines, plan: _Plan) -> None:
        self._lines = lines
        self._text = lines.text
        self._plan = plan
        self._at = plan.at
        self._notation = plan.notation

    def splices(self) -> Iterator[_Splice]:
        """Yield what changes in the text. Raises `_Refused` where it does not show what an edit changes."""
        for path, change in self._plan.changes.items():
            yield from (self._renamed((*path, step), new) for step, new in change.renamed.items())
            yield from (self._replaced((*path, step), new) for step, new in change.replaced.items())
            if change.deleted or change.inserted:
                yield from self._changed(path, change)

    # What is at a path.

    def _place(self, path: ConfigPath, *, key: bool = False) -> tuple[int, int]:
        span = self._plan.source.tree.span(path, key=key)
        return self._lines.index(span.start), self._lines.index(span.end)

    def _shows(self, place: tuple[int, int], value: object) -> bool:
        """Whether the text at a place is the literal of `value`, not a name for it or a part of a longer one."""
        start, end = place
        text = self._text[start:end]
        if text == value:  # a plain scalar of YAML
            return True
        if self._notation == "python":
            try:
                found: object = ast.literal_eval(f"({text}\n)")  # a string may be in parts, on several lines
            except (ValueError, SyntaxError, TypeError, RecursionError, MemoryError):
                return False
        else:
            # Lines after the first keep their indentation: so has the first to have it.
            line_start = self._text.rfind("\n", 0, start) + 1
            document = read_text(" " * (start - line_start) + text, self._notation, "")
            found = document.value if not document.findings else None
        return type(found) is type(value) and found == value

    # Single values and keys.

    def _renamed(self, path: ConfigPath, new: str) -> _Splice:
        *way, old = path
        _refuse_unless(new not in self._at(tuple(way)))
        start, end = self._place(path, key=True)
        if self._text[start:end] == old and self._notation == "python" and _KEYWORD.match(self._text, end):
            return _Splice(start, end, new)
        _refuse_unless(self._shows((start, end), old))
        return _Splice(start, end, self._written(new, self._quote(start)))

    def _replaced(self, path: ConfigPath, value: object) -> _Splice:
        start, end = self._place(path)
        _refuse_unless(self._shows((start, end), self._at(path)))
        text = self._text[start:end]
        if (text[0] in "|>" and self._notation == "yaml") or ("#" in text and LINE_BREAK.search(text)):
            raise _Refused  # a block has its own rules of indentation, and comments in it would be lost
        new = self._written(value, self._quote(start) or self._quote_beside(path))
        if text[0] == "-" and isinstance(self._at(path), list):
            # A list in brackets needs more indentation than one with dashes: it is written after the key.
            start = self._place(path, key=True)[1]
            colon = re.compile(r"[ ]*:\s*").match(self._text, start)
            if colon is None or colon.end() != end - len(text):
                raise _Refused
            start, new = self._text.index(":", start) + 1, f" {new}"
        return _Splice(start, end, new)

    def _quote(self, index: int) -> str:
        found = self._text[index : index + 1]
        return found if found and found in "'\"" else ""

    def _quote_beside(self, path: ConfigPath) -> str:
        """Return the quotes of the first string in the list that an element is in; empty without any."""
        beside = self._at(path[:-1]) if path and isinstance(path[-1], int) else ()
        first = next((number for number, word in enumerate(beside) if isinstance(word, str)), None)
        return "" if first is None else self._quote(self._place((*path[:-1], first))[0])

    def _written(self, value: object, quote: str = "") -> str:
        """Return plain data in the notation of the text, with the quotes that were used there."""
        if isinstance(value, str) and quote and value.isprintable() and not set(value) & {quote, "\\"}:
            return f"{quote}{value}{quote}"
        if isinstance(value, Mapping):
            return "{" + ", ".join(f"{self._written(key)}: {self._written(part)}" for key, part in value.items()) + "}"
        if isinstance(value, list | tuple):
            return "[" + ", ".join(self._written(part, quote) for part in value) + "]"
        return written_value(value, self._notation)

    # Elements and keys that come and go.

    def _changed(self, path: ConfigPath, change: _Changes) -> Iterator[_Splice]:
        value = self._at(path)
        start, end = self._place(path)
        steps: list[str | int] = list(value) if isinstance(value, Mapping) else list(range(len(value)))
        _refuse_unless(change.deleted.issubset(steps) and not (steps and change.deleted >= set(steps)))
        _refuse_unless(not isinstance(value, Mapping) or value.keys().isdisjoint(change.inserted))
        opening = _OPENING.match(self._text, start)
        items = {step: self._item((*path, step)) for step in steps}
        if opening is None:
            # Those of a merged mapping are written elsewhere.
            own = {step: place for step, place in items.items() if start <= place[0] < end}
            if self._notation != "yaml" or not own or not change.deleted.issubset(own):
                raise _Refused
            yield from self._changed_lines(own, change)
            return
        places = list(items.values())
        self._check_separators(opening.end(), places, end)
        yield from self._without(places, [step in change.deleted for step in steps])
        for step, new in change.inserted.items():
            yield self._with(opening, places, steps, step, new)

    def _item(self, path: ConfigPath) -> tuple[int, int]:
        """Return the place of an element, or that of a key with its value."""
        start, end = self._place(path)
        return (start if isinstance(path[-1], int) else self._place(path, key=True)[0]), end

    def _check_separators(self, opened: int, places: Sequence[tuple[int, int]], end: int) -> None:
        """Raise `_Refused` unless there is nothing but commas, white space and comments around the elements."""
        last = opened
        for number, (start, stop) in enumerate(places):
            gap = (_BETWEEN if number else _BEFORE_FIRST).fullmatch(self._text, last, max(start, last))
            if gap is None or start < last:
                raise _Refused
            last = stop
        after = _AFTER_LAST if places else _AFTER_NOTHING
        if after.fullmatch(self._text, last, end) is None:
            raise _Refused

    def _without(self, places: Sequence[tuple[int, int]], deleted: Sequence[bool]) -> Iterator[_Splice]:
        """Yield what deletes elements in brackets, each with one comma, and with its line where it has its own."""
        first = 0
        while first < len(places):
            if not deleted[first]:
                first += 1
                continue
            last = first
            while last + 1 < len(places) and deleted[last + 1]:
                last += 1
            start, end = places[first][0], places[last][1]
            line_start = self._line_start(start)
            alone = self._text[line_start:start].isspace() or line_start == start
            if last + 1 < len(places):
                rest = _COMMA_AND_REST.match(self._text, end) if alone else None
                yield _Splice(line_start, rest.end(), "") if rest else _Splice(start, places[last + 1][0], "")
            else:
                before = places[first - 1][1]
                comma = self._text.index(",", before) if "#" not in self._text[before:start] else -1
                rest = _COMMA_AND_REST.match(self._text, end) if alone else None
                if rest:
                    yield _Splice(line_start, rest.end(), "")
                elif alone and (rest := _REST_OF_LINE.match(self._text, end)) and comma >= 0:
                    yield _Splice(comma, comma + 1, "")
                    yield _Splice(line_start, rest.end(), "")
                elif comma >= 0:
                    yield _Splice(before, end, "")
                else:
                    raise _Refused
            first = last + 1

    def _with(
        self,
        opening: re.Match[str],
        places: Sequence[tuple[int, int]],
        steps: Sequence[str | int],
        step: str | int,
        new: Sequence[Any],
    ) -> _Splice:
        """Return what inserts elements in front of an index, or a key after all others, in brackets."""
        quote = self._quote(places[-1][0]) if places else ""
        if isinstance(step, int):
            added = ", ".join(self._written(value, quote) for value in new)
            if step < len(steps):
                return _Splice(places[step][0], places[step][0], f"{added}, ")
        elif opening[0] == "dict(":
            added = f"{step}={self._written(new[0])}"
        else:
            added = f"{self._written(step, quote)}: {self._written(new[0], quote)}"
        if not places:
            return _Splice(opening.end(), opening.end(), added)
        return _Splice(places[-1][1], places[-1][1], f",{self._gap_after(*places[-1])}{added}")

    def _gap_after(self, start: int, end: int) -> str:
        """Return what goes between the last element in brackets and a new one: a new line where it has its own."""
        lead = self._text[self._line_start(start) : start]
        line_end = LINE_BREAK.search(self._text, end)
        if not lead.isspace() or line_end is None or "#" in self._text[end : line_end.start()]:
            return " "
        return self._newline() + lead

    # Lists with dashes, and mappings without braces.

    def _changed_lines(self, items: Mapping[str | int, tuple[int, int]], change: _Changes) -> Iterator[_Splice]:
        for step in change.deleted:
            yield self._without_lines(items, step)
        lowest = max(items.values(), key=lambda place: place[1])
        for step, new in change.inserted.items():
            if isinstance(step, str):
                start = min(items.values())[0]
                indent = " " * (start - self._line_start(start))
                added = [f"{indent}{self._written(step)}: {self._written(new[0])}"]
                yield self._lines_after(lowest[1], added)
                continue
            place = items.get(step, items.get(step - 1))
            dash = None if place is None else _DASH.fullmatch(self._text, self._line_start(place[0]), place[0])
            if place is None or dash is None:
                raise _Refused
            added = [line for value in new for line in self._element_lines(value, dash[0])]
            if step in items:
                newline = self._newline()
                yield _Splice(dash.start(), dash.start(), "".join(f"{line}{newline}" for line in added))
            else:
                yield self._lines_after(place[1], added)

    def _element_lines(self, value: object, dash: str) -> Iterator[str]:
        if not isinstance(value, Mapping):
            yield f"{dash}{self._written(value)}"
            return
        for number, (key, part) in enumerate(value.items()):
            yield f"{' ' * len(dash) if number else dash}{self._written(key)}: {self._written(part)}"

    def _lines_after(self, index: int, added: Sequence[str]) -> _Splice:
        """Return what inserts lines after that of the character before `index`."""
        rest = _REST_OF_LINE.match(self._text, index)
        if rest is None:
            raise _Refused
        newline = self._newline()
        if not rest[1]:
            return _Splice(rest.end(), rest.end(), "".join(f"{newline}{line}" for line in added))
        return _Splice(rest.end(), rest.end(), "".join(f"{line}{newline}" for line in added))

    def _without_lines(self, items: Mapping[str | int, tuple[int, int]], step: str | int) -> _Splice:
        """Return what deletes the lines of an element or a key; of a key after a dash up to the next key."""
        start, end = items[step]
        line_start = self._line_start(start)
        rest = _REST_OF_LINE.match(self._text, end)
        lead = self._text[line_start:start]
        if rest is not None and (_DASH.fullmatch(lead) if isinstance(step, int) else not lead.strip(" ")):
            if rest[1] or not line_start:
                return _Splice(line_start, rest.end(), "")
            return _Splice(len(self._text[:line_start].rstrip("\r\n")), rest.end(), "")
        following = [place[0] for place in items.values() if place[0] > start]
        if (
            isinstance(step, str)
            and _DASHES.fullmatch(lead)
            and following
            and "#" not in self._text[end : min(following)]
        ):
            return _Splice(start, min(following), "")
        raise _Refused

    def _line_start(self, index: int) -> int:
        return max(self._text.rfind("\n", 0, index), self._text.rfind("\r", 0, index)) + 1

    def _newline(self) -> str:
        found = LINE_BREAK.search(self._text)
        return found[0] if found else "\n"
