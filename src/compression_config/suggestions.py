"""What a wrong word may have meant: candidates for a layer name, a part of one, and a type.

Candidates are strings and nothing more: `linting.selectors` resolves them against the model before it offers one (D21).
Names are compared by form, with the numbers taken out: a model with 60,000 layers has some thirty forms, and a word's
own numbers are put back into what was found.
"""

from __future__ import annotations

import itertools
import math
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from typing import NamedTuple

__all__ = [
    "MOST_PARTS",
    "NUMBER",
    "LayerNames",
    "Renaming",
    "block_form",
    "common_renaming",
    "covering_parts",
    "form_of",
    "fused_from",
    "nearest_types",
    "negated",
    "paths_of",
    "places_of",
    "separate_words",
    "type_name",
    "undecorated",
]


NUMBER = "\0"
"""What a form has in place of a number."""
_DIGITS = re.compile("[0-9]+")
_LONGEST = 500
"""For longer words nothing is searched."""
_VOCABULARY = 2_000
"""In models with more distinct components or forms than this, misspelt ones are not looked for."""
_SHORTEST = 2
"""A part of no more characters is in too many names to be what is left of a longer one."""
_REORDERED = 4
"""So many numbers at most are tried in every order."""
_MISSING = 3
"""So many components may be left out inside a name."""

# What one difference costs, in characters that differ; candidates of equal cost are equally near.
_OTHER_CASE, _NO_BEGINNING, _COMPONENT, _OTHER_BEGINNING = 0.5, 1, 1.5, 2


def form_of(text: str) -> str:
    r"""Return `text` with each number in it replaced by one NUL character.

    >>> form_of("layer.10.conv1")
    'layer.\x00.conv\x00'
    """
    return _DIGITS.sub(NUMBER, text)


_NUMBERED = re.compile(r"(?<![^.])[0-9]+(?![^.])")


def block_form(name: str) -> str:
    """Return a name with the components that are numbers replaced: equal for the same layer of different blocks."""
    return _NUMBERED.sub(NUMBER, name)


def _filled(form: str, numbers: Iterable[str]) -> str:
    given = iter(numbers)
    return re.sub(NUMBER, lambda _: next(given, ""), form)


class LayerNames:
    """The names of layers, and which of them a word may have meant."""

    def __init__(self, names: Iterable[str]) -> None:
        self.names = dict.fromkeys(names)
        """In the order given."""
        self._nearest: dict[str, tuple[str, ...]] = {}
        self._similar: dict[str, dict[str, float]] = {}
        self._aligned: dict[str, list[str]] = {}
        self._numbers: dict[tuple[str, int], dict[tuple[str, ...], list[str]]] = {}

    def __contains__(self, name: object) -> bool:
        return name in self.names

    @cached_property
    def forms(self) -> dict[str, list[str]]:
        """Form -> the names that have it."""
        forms: dict[str, list[str]] = {}
        for name in self.names:
            forms.setdefault(form_of(name), []).append(name)
        return forms

    @cached_property
    def _text(self) -> str:
        """All forms, one a line: what is not in it is in none of them."""
        return "\n".join(self.forms)

    @cached_property
    def containers(self) -> LayerNames:
        """The paths to these names, as names: the modules that have layers below them."""
        found: dict[str, None] = {}
        for name in self.names:
            path = name.rpartition(".")[0]
            while path and path not in found:
                found[path] = None
                path = path.rpartition(".")[0]
        return LayerNames(found)

    def containing(self, part: str) -> Iterator[str]:
        """Yield the names that contain `part`."""
        form = form_of(part)
        for other, names in self.forms.items() if form in self._text else ():
            if form in other:
                yield from (name for name in names if part in name)

    def holds(self, part: str) -> bool:
        """Return whether a name contains `part`."""
        return next(self.containing(part), None) is not None

    def ending(self, word: str) -> list[str]:
        """Return the names that end with the components of `word` and have more before them."""
        return [name for name in self.containing(f".{word}") if name.endswith(f".{word}")]

    def nearest(self, word: str, limit: int | None = 3) -> tuple[str, ...]:
        """Return up to `limit` names that `word` may have meant, all of them equally near; empty when none is.

        >>> LayerNames(["encoder", "encoder.0", "encoder.0.query"]).nearest("module.encoder.0.query")
        ('encoder.0.query',)
        """
        found = self._nearest.get(word)
        if found is None:
            found = self._nearest[word] = self._names_for(word) if len(word) <= _LONGEST else ()
        return found[:limit]

    def spelled(self, word: str) -> list[str]:
        """Return the names that `word` is in another notation, the likeliest first."""
        return [name for name in _spellings(word) if name in self.names and name != word]

    def spelled_parts(self, part: str) -> list[str]:
        """Return what `part` is in another notation, such that names contain it, the likeliest first."""
        found = [way for way in _part_spellings(part) if way != part and way.strip(".0123456789")]
        # Without the dots at its ends only where a name begins or ends there: else a component was cut.
        plain = undecorated(part)
        found += [way for way in (plain.rstrip("."),) if any(name.endswith(way) for name in self.containing(way))]
        found += [way for way in (plain.lstrip("."),) if any(name.startswith(way) for name in self.containing(way))]
        return [way for way in dict.fromkeys(found) if way.strip(".") and way != part and self.holds(way)]

    def _names_for(self, word: str) -> tuple[str, ...]:
        word = self._counted_from_end(word)
        spelled = _spellings(word)
        if exact := [name for name in spelled if name in self.names]:
            return (exact[0],)
        # What is left of a name without its beginning is too little to be sure of when it is one component.
        likely = [name for at, name in enumerate(spelled) if at == 0 or "." in name]
        for ways in (self._folded, self._reordered, self.ending, self._folded_ending, self._misspelt):
            for spelling in likely:
                if found := [name for name in ways(spelling) if name != word]:
                    return tuple(dict.fromkeys(found))
        return ()

    def _counted_from_end(self, word: str) -> str:
        """Return `word` with a negative index as the number that Python would find there."""
        found = re.search(r"(?<=\.)-([0-9]{1,9})(?![^.])", word)
        after = found and self.numbers_after(f"{word[: found.start()]}{10**12}")
        if not found or not after or int(found[1]) > len(after[1]) or not int(found[1]):
            return word
        return f"{word[: found.start()]}{after[1][-int(found[1])]}{word[found.end() :]}"

    def _folded(self, word: str) -> list[str]:
        """Return the names that differ from `word` in case and separators, first those that differ in case alone."""
        form, numbers = form_of(word), _DIGITS.findall(word)
        same_case = [other for other in self._squeezed.get(_squeezed(form), ()) if _folded(other) == _folded(form)]
        for forms in (same_case, self._squeezed.get(_squeezed(form), ())):
            if found := [name for other in forms if (name := _filled(other, numbers)) in self.names]:
                return found
        return []

    def _reordered(self, word: str) -> list[str]:
        """Return the names that have the components of `word` in another order, its numbers in theirs if possible."""
        form, numbers = form_of(word), _DIGITS.findall(word)
        forms = [other for other in self._by_components.get(_in_any_order(form), ()) if other != form]
        found = [name for other in forms if (name := _filled(other, numbers)) in self.names]
        if not found and len(numbers) <= _REORDERED:
            filled = (_filled(other, order) for other in forms for order in itertools.permutations(numbers))
            found = [name for name in filled if name in self.names]
        return found

    @cached_property
    def _by_components(self) -> dict[tuple[str, ...], list[str]]:
        """The components of a form in alphabetical order -> the forms that have these."""
        found: dict[tuple[str, ...], list[str]] = {}
        for form in self.forms:
            found.setdefault(_in_any_order(form), []).append(form)
        return found

    def _folded_ending(self, word: str) -> list[str]:
        form, numbers = _squeezed(form_of(word)), _DIGITS.findall(word)
        if len(form) < 5 or len(self.forms) > _VOCABULARY:  # noqa: PLR2004 - too short to be sure
            return []
        found: list[str] = []
        for squeezed, forms in self._squeezed.items():
            if squeezed.endswith(form):
                found += (name for other in forms for name in self._with_numbers(other, numbers))
        return [name for name in found if _squeezed(name).endswith(_squeezed(word)) and _at_dot(name, word)]

    @cached_property
    def _squeezed(self) -> dict[str, list[str]]:
        squeezed: dict[str, list[str]] = {}
        for form in self.forms:
            squeezed.setdefault(_squeezed(form), []).append(form)
        return squeezed

    # Misspelt components, components too many, too few, and other beginnings.

    def _misspelt(self, word: str) -> list[str]:
        form, numbers = form_of(word), _DIGITS.findall(word)
        found = self._aligned.get(form)
        if found is None:
            found = self._aligned[form] = self._nearest_forms(form.split("."))
        return [name for other in found for name in self._with_numbers(other, numbers)]

    def _nearest_forms(self, wanted: Sequence[str]) -> list[str]:
        """Return the forms that differ least from the components `wanted`."""
        lasts = {wanted[-1], *self._similar_to(wanted[-1])}
        nearby = [components for last in lasts for components in self._by_last.get(last, ())]
        costs: dict[str, float] = {}
        for components in nearby:
            if (cost := self._cost(wanted, components)) is not None:
                costs[".".join(components)] = cost
        least = min(costs.values(), default=0)
        return [form for form in self.forms if costs.get(form) == least] if costs else []

    @cached_property
    def _by_last(self) -> dict[str, list[list[str]]]:
        by_last: dict[str, list[list[str]]] = {}
        for form in self.forms:
            components = form.split(".")
            by_last.setdefault(components[-1], []).append(components)
        return by_last

    def _cost(self, wanted: Sequence[str], components: Sequence[str]) -> float | None:
        """Return what it costs to make `components` of `wanted`; None when they are not alike."""
        costs: list[float] = []
        for price, rest in _variants(wanted):
            more = len(components) - len(rest)
            if more < 0 or (price == _OTHER_BEGINNING and any(NUMBER in c for c in components[:more])):
                continue
            if more and any(map(_counts_differ, rest, components[more:])):
                continue  # a number that is lost here would be found in what comes before
            steps = [self._step(one, other) for one, other in zip(rest, components[more:], strict=True)]
            if None not in steps:
                costs.append(price + sum(filter(None, steps)) + (_NO_BEGINNING if more else 0))
        missing = len(components) - len(wanted)
        if len(wanted) > 1 and 0 < missing <= _MISSING and _in_order(wanted, components):
            costs.append(_COMPONENT * missing)
        return min(costs, default=None)

    def _step(self, component: str, other: str) -> float | None:
        return 0 if component == other else self._similar_to(component).get(other)

    def _similar_to(self, component: str) -> dict[str, float]:
        """Return the components of the model that are like `component`, with what the difference costs."""
        found = self._similar.get(component)
        if found is None:
            found = self._similar[component] = {}
            for other in self._components if len(self._components) <= _VOCABULARY else ():
                cost = _difference(component, other)
                if cost is not None:
                    found[other] = cost
        return found

    @cached_property
    def _components(self) -> dict[str, None]:
        return dict.fromkeys(component for form in self.forms for component in form.split("."))

    def _with_numbers(self, form: str, numbers: Sequence[str]) -> list[str]:
        """Return the names of `form` that have `numbers`, or all of these that there is room for, or further ones."""
        room = form.count(NUMBER)
        if room > len(numbers):
            by_some = self._numbers.get((form, len(numbers)))
            if by_some is None:
                by_some = self._numbers[form, len(numbers)] = self._by_some(form, len(numbers))
            return by_some.get(tuple(numbers), [])
        if room < len(numbers) and form_of(".".join(numbers)) in form:
            return []
        filled = (_filled(form, chosen) for chosen in itertools.combinations(numbers, room))
        return [name for name in dict.fromkeys(filled) if name in self.names]

    def _by_some(self, form: str, count: int) -> dict[tuple[str, ...], list[str]]:
        """Return `count` numbers of the names of a form, in their order -> the names that have these."""
        found: dict[tuple[str, ...], list[str]] = {}
        for name in self.forms[form]:
            for some in dict.fromkeys(itertools.combinations(_DIGITS.findall(name), count)):
                found.setdefault(some, []).append(name)
        return found

    # Parts of names.

    def nearest_parts(self, part: str) -> tuple[str, ...]:
        """Return what `part` may have meant, such that names contain it; all equally near. No number is lost or added.

        >>> LayerNames(["encoder.0.query"]).nearest_parts("encodr.0.")
        ('encoder.0.',)
        """
        if len(part) > _LONGEST:
            return ()
        if spelled := self.spelled_parts(part):
            return (spelled[0],)
        likely = (
            (self._folded_parts, self._reordered_parts, self._misspelt_parts) if len(self.forms) <= _VOCABULARY else ()
        )
        for ways in (*likely, _without_beginning):
            found = [way for way in ways(part) if way != part and way.strip(".0123456789") and self.holds(way)]
            if ways is _without_beginning:
                found = [way for way in found if len(way) > _SHORTEST and self._begins_a_component(way)]
            if found:
                return tuple(dict.fromkeys(found)) if ways is not _without_beginning else (found[0],)
        return ()

    def _begins_a_component(self, part: str) -> bool:
        return self.holds(f".{part}") or any(name.startswith(part) for name in self.containing(part))

    def _folded_parts(self, part: str) -> list[str]:
        """Return the pieces of names that differ from `part` in case, or else in separators too."""
        form, numbers = form_of(part), _DIGITS.findall(part)
        pieces = [other[at : at + len(form)] for other in self.forms for at in places_of(_folded(form), _folded(other))]
        if not pieces:
            start, end = _dots(part)
            inner = _squeezed(form)
            pieces = [start + piece + end for other in self.forms for piece in _squeezed_pieces(inner, other)]
        return [_filled(piece, numbers) for piece in pieces if piece.count(NUMBER) == len(numbers)]

    def _reordered_parts(self, part: str) -> list[str]:
        start, end = _dots(part)
        first, _, rest = part.strip(".").partition(".")
        if first in _WRAPPERS | {"self"} and rest and self.holds(rest):
            return []
        form = form_of(part.strip("."))
        wanted, numbers, size = _in_any_order(form), _DIGITS.findall(part), form.count(".") + 1
        found: dict[str, None] = {}
        for other in self.forms if size > 1 else ():
            components = other.split(".")
            for at in range(len(components) - size + 1):
                window = ".".join(components[at : at + size])
                if window != form and _in_any_order(window) == wanted:
                    found[start + _filled(window, numbers) + end] = None
        return list(found)

    def _misspelt_parts(self, part: str) -> list[str]:
        start, end = _dots(part)
        numbers = _DIGITS.findall(part)
        wanted = form_of(part.strip(".")).split(".")
        costs: dict[str, float] = {}
        for form in self.forms:
            for cost, window in self._windows(wanted, form.split(".")):
                if window.count(NUMBER) == len(numbers):
                    text = start + _filled(window, numbers) + end
                    costs[text] = min(cost, costs.get(text, math.inf))
        held = {text: cost for text, cost in costs.items() if self.holds(text)}
        return [text for text, cost in held.items() if cost == min(held.values())]

    def _windows(self, wanted: Sequence[str], components: Sequence[str]) -> Iterator[tuple[float, str]]:
        """Yield the pieces of a form that are like `wanted`, with what the difference costs."""
        for place in range(1, len(wanted) - 1):
            rest = [*wanted[:place], *wanted[place + 1 :]]
            for at in range(len(components) - len(rest) + 1):
                if rest == components[at : at + len(rest)] and NUMBER not in wanted[place]:
                    yield _COMPONENT, ".".join(rest)
        size = len(wanted)
        for at in range(len(components) - size + 1):
            steps = []
            for place, (one, other) in enumerate(zip(wanted, components[at : at + size], strict=True)):
                step = self._edge(one, other, place == 0, place == size - 1)
                if step is None:
                    break
                steps.append(step)
            else:
                yield sum(cost for cost, _ in steps), ".".join(piece for _, piece in steps)
            for longer in range(size + 1, size + _MISSING + 1) if size > 1 else ():
                window = components[at : at + longer]
                same_ends = len(window) == longer and (window[0], window[-1]) == (wanted[0], wanted[-1])
                if same_ends and _in_order(wanted, window):
                    yield _COMPONENT * (longer - size), ".".join(window)

    def _edge(self, component: str, other: str, first: bool, last: bool) -> tuple[float, str] | None:
        """Return what the difference of two components costs, and the other: or, at an edge, the piece meant."""
        cost = self._step(component, other)
        if cost is not None:
            return cost, other
        words = other.split("_")
        starts, ends = range(len(words)) if first else (0,), range(1, len(words) + 1) if last else (len(words),)
        pieces = ("_".join(words[start:end]) for start in starts for end in ends if start < end)
        costs = ((_difference(component, piece), piece) for piece in pieces if piece != other)
        return min(((cost, piece) for cost, piece in costs if cost is not None), default=None)

    def numbers_after(self, word: str, *, part: bool = False) -> tuple[str, tuple[int, ...]] | None:
        """Return the path in `word` that its names continue with other numbers, and these numbers, ascending.

        None when a number is not what is wrong with `word`. A part may begin inside a component.

        >>> LayerNames(["layer.0.fc", "layer.1.fc"]).numbers_after("layer.7.fc")
        ('layer.', (0, 1))
        """
        if form_of(word) not in self._text:
            return None
        path = ""
        for component in word.split("."):
            if path and component.isdecimal():
                before = "" if part else r"(?:^|\.)"
                number = re.compile(before + re.escape(path) + r"(0|[1-9][0-9]{0,8})(?![^.])")
                samples = self.containing(path)
                found = {int(match[1]) for name in samples if (match := number.search(name)) is not None}
                if found and (component.lstrip("0") or "0") not in map(str, found):
                    return path, tuple(sorted(found))
            path += f"{component}."
        return None


def _counts_differ(one: str, other: str) -> bool:
    return one.count(NUMBER) != other.count(NUMBER)


def _in_any_order(form: str) -> tuple[str, ...]:
    return tuple(sorted(form.split(".")))


def _variants(wanted: Sequence[str]) -> Iterator[tuple[float, Sequence[str]]]:
    """Yield what is left of components when one is too many, or the beginning is another; with what that costs."""
    yield 0, wanted
    for place in range(1, len(wanted) - 1):
        if NUMBER not in wanted[place]:
            yield _COMPONENT, [*wanted[:place], *wanted[place + 1 :]]
    for place in range(1, len(wanted) - 1):
        if NUMBER in wanted[place - 1]:
            return
        yield _OTHER_BEGINNING, wanted[place:]


def _difference(word: str, other: str) -> float | None:
    """Return in how many characters two words differ, half a one for case; None when they are not alike."""
    if _folded(word) == _folded(other):
        return _OTHER_CASE
    most = min((len(word) + 1) // 3, 3)
    if abs(len(word) - len(other)) > most or (len(other) <= most and word[:1] != other[:1]):
        return None
    cost = _edit_distance(word, other, most)
    return None if cost > most else cost


def _edit_distance(one: str, other: str, most: int) -> int:
    """Return how many characters to leave out, add, replace or swap with a neighbour; `most` + 1 for more of them.

    >>> _edit_distance("query", "qeury", 2), _edit_distance("query", "key", 2)
    (1, 3)
    """
    ago: list[int] = []
    row = list(range(len(other) + 1))
    for i, character in enumerate(one, 1):
        two_ago, ago, row = ago, row, [i]
        for j, wanted in enumerate(other, 1):
            cost = min(ago[j] + 1, row[j - 1] + 1, ago[j - 1] + (character != wanted))
            if i > 1 and j > 1 and character == other[j - 2] and one[i - 2] == wanted:
                cost = min(cost, two_ago[j - 2] + 1)
            row.append(cost)
        if min(row) > most:
            return most + 1
    return min(row[-1], most + 1)


def _in_order(wanted: Iterable[str], components: Iterable[str]) -> bool:
    """Return whether `components` has all of `wanted`, in this order and perhaps with others in between."""
    rest = iter(components)
    return all(component in rest for component in wanted)


def places_of(text: str, inside: str) -> Iterator[int]:
    """Yield where `text` begins in `inside`."""
    at = inside.find(text) if text else -1
    while at >= 0:
        yield at
        at = inside.find(text, at + 1)


def paths_of(name: str) -> Iterator[str]:
    """Return the paths to a name, each with its dot, the shortest first."""
    return (name[: at + 1] for at in places_of(".", name))


# The same name in other notations.

_BRACKETS = re.compile(r"(?<=[\w\])])\[(?:([0-9]|[1-9][0-9]+|[^\W\d]\w*)|'(\w+)'|\"(\w+)\")\]")
"""An index or a key of Python after what it is looked up in, or the name of a module after its class in NNCF."""
_SCOPES = re.compile(r"(?<!\w)\w++\[(\w+)\]")
"""How NNCF writes a module: its class, and in brackets its name."""
_LEADING_ZEROS = re.compile(r"(?<![^.])0+(?=[0-9])")
_WRAPPERS = frozenset({"module", "_orig_mod", "_fsdp_wrapped_module", "_checkpoint_wrapped_module"})
_SUFFIXES = frozenset(
    {
        *("weight", "bias", "parametrizations", "original", "module", "base_layer"),
        *("weight_quantizer", "input_quantizer", "output_quantizer"),
    }
)
"""What parameters, parametrizations, wrappers of NNI and PEFT, and quantizers add at the end of a layer's name."""
_EXPORTED = re.compile("^_?[Ll]__self___")
"""What torch.compile and torch.export put before the names of modules."""


def undecorated(word: str) -> str:
    """Return `word` without white space, quotes, brackets and slashes, as a dotted name writes it."""
    bare = _EXPORTED.sub("", "".join(word.split()).strip("'\"`,;"))
    return _BRACKETS.sub(r".\1\2\3", bare).replace("/", ".")


def _spellings(word: str) -> list[str]:
    """Return the names that `word` may stand for in other notations, the likeliest first; no number is left out.

    Brackets, slashes, scopes of NNCF, nodes of ONNX, wrappers, parameters, and components before the model's own.
    """
    dotted = undecorated(word).strip(".")
    texts = [dotted]
    if "/" in word:
        texts += [".".join(_SCOPES.findall(word)), dotted.rpartition(".")[0]]
    found: dict[str, None] = {}
    for text in filter(None, texts):
        components = _LEADING_ZEROS.sub("", text).split(".")
        bare = _without_repetitions(".".join(components)).split(".")
        while len(bare) > 1 and bare[-1] in _SUFFIXES:
            bare.pop()
        inner = [component for component in bare if component not in _WRAPPERS]
        for path in (components, bare, inner):
            for start, component in enumerate(path):
                found[".".join(path[start:])] = None
                if _DIGITS.search(component):
                    break
    return list(found)


def _part_spellings(part: str) -> Iterator[str]:
    """Yield what `part` may stand for in other notations; dots at its ends are kept."""
    dotted = _without_repetitions(undecorated(part))
    start, end = _dots(dotted)
    yield dotted
    yield _LEADING_ZEROS.sub("", dotted)
    components = dotted.strip(".").split(".")
    while len(components) > 1 and components[-1] in _SUFFIXES:
        components.pop()
        yield ".".join(components).join((start, ""))
    while len(components) > 1 and components[0] in _WRAPPERS:
        components.pop(0)
        yield ".".join(components).join(("", end))


def _without_beginning(part: str) -> Iterator[str]:
    """Yield what is left of a part without its first components; none of them has a number."""
    rest = undecorated(part).lstrip(".")
    while "." in rest.rstrip("."):
        first, _, rest = rest.partition(".")
        if _DIGITS.search(first):
            return
        yield rest


def _without_repetitions(dotted: str) -> str:
    """Return a name without empty components, and without those that repeat the one before them."""
    start, end = _dots(dotted)
    components = [component for component, _ in itertools.groupby(filter(None, dotted.split(".")))]
    return ".".join(components).join((start, end))


def _dots(part: str) -> tuple[str, str]:
    return "." if part.startswith(".") else "", "." if part.endswith(".") else ""


def _folded(text: str) -> str:
    return text.lower().replace("-", "_")


_SEPARATORS = re.compile(r"[^\w\0]|_")


def _squeezed(text: str) -> str:
    """Return `text` in lower case and without separators: FX writes `layer_0_fc`, others `layer0.fc`."""
    return _SEPARATORS.sub("", text.lower())


def _at_dot(name: str, word: str) -> bool:
    """Return whether what `name` ends with, as `word` without separators, begins after one of its dots."""
    squeezed = _squeezed(word)
    return any(_squeezed(name[at + 1 :]) == squeezed for at in places_of(".", name))


def _squeezed_pieces(inner: str, form: str) -> Iterator[str]:
    """Yield the pieces of `form` that are `inner` without separators, and end where a word does."""
    kept = [place for place, character in enumerate(form) if not _SEPARATORS.match(character)]
    for at in places_of(inner, "".join(form[place] for place in kept).lower()):
        start, end = kept[at], kept[at + len(inner) - 1] + 1
        if (start == 0 or form[start - 1] in "._") and (end == len(form) or form[end] in "._"):
            yield form[start:end]


def separate_words(word: str) -> list[str]:
    """Return the words of a text that are separated by commas, semicolons or white space.

    >>> separate_words("lm_head, classifier.0")
    ['lm_head', 'classifier.0']
    """
    return [part for part in re.split(r"[\s,;]+", word.strip(" \t\r\n[]")) if part.strip("'\"")]


# Types.

_CAPITAL = re.compile(r"[A-Z]")


def type_name(word: str) -> str:
    """Return the name of the class that `word` writes: qualified, printed, or called.

    >>> type_name("<class 'torch.nn.modules.linear.Linear'>"), type_name("nn.Linear()")
    ('Linear', 'Linear')
    """
    text = word.strip(" \t\r\n<>[]'\"`").removeprefix("class ").strip(" '\"")
    return text.partition("(")[0].rpartition(".")[2]


def nearest_types(word: str, known: Sequence[str]) -> list[str]:
    """Return the types among `known` that `word` may have meant, all equally near; empty when none is like it.

    Not one that merely shares a word: `ResnetBlock2D` is not a `Block`.
    """
    last = type_name(word)
    if last in known:
        return [last]
    most = min((len(last) + 1) // 3, 2)
    costs: dict[str, float] = {}
    for kind in known if len(known) <= _VOCABULARY else ():
        if _folded(kind) == _folded(last):
            costs[kind] = _OTHER_CASE
        elif _folded(form_of(kind)) == _folded(form_of(last)):
            costs[kind] = most
        elif (cost := _edit_distance(last, kind, most)) <= most and len(kind) > most:
            costs[kind] = cost
        elif len(last) > 3 and _derived(last, kind):  # noqa: PLR2004 - shorter ones are in too many
            costs[kind] = most + 1
    return [kind for kind, cost in costs.items() if cost == min(costs.values())]


def _derived(one: str, other: str) -> bool:
    """Return whether one name of a class is the other with a word before it, or digits after it: `ReLU6`, `Conv2d`.

    Those of quantized layers too: `Linear4bit`, `Linear8bitLt`.
    """
    short, long = sorted((one, other), key=len)
    if long.endswith(short):
        return _CAPITAL.match(short) is not None
    return long.startswith(short) and re.fullmatch("[0-9]+(?:[dD]?|bit[A-Za-z]*)", long[len(short) :]) is not None


# Negations, ranges, and layers that other models keep in one.


def negated(word: str) -> str | None:
    """Return what a word with a negation before it denies; None when it has none.

    >>> negated("!lm_head"), negated("not lm_head"), negated("lm_head")
    ('lm_head', 'lm_head', None)
    """
    found = re.fullmatch(r"(?:[!~]|not\s)\s*([\w.]+)", word.strip())
    return None if found is None else found[1]


def fused_from(component: str, siblings: Sequence[str]) -> list[str]:
    """Return the siblings whose weights a layer called `component` would hold together; empty when it is not such.

    >>> fused_from("qkv_proj", ["o_proj", "q_proj", "k_proj", "v_proj"])
    ['q_proj', 'k_proj', 'v_proj']
    """
    _, separator, last = component.rpartition("_")
    for tail in (separator + last, "") if separator else ("",):
        stems = {
            name.removesuffix(tail).replace("_", ""): name
            for name in siblings
            if name.endswith(tail) and name != tail and not name.isdecimal()
        }
        found = _put_together(component.removesuffix(tail).replace("_", ""), stems)
        if len(found) > 1:
            return [stems[stem] for stem in found]
    return []


def _put_together(text: str, stems: Iterable[str]) -> list[str]:
    """Return different `stems` that make `text` in a row; empty when none do."""
    waiting: list[tuple[str, list[str]]] = [(text, [])]
    while waiting:
        rest, taken = waiting.pop()
        if not rest:
            return taken
        waiting += (
            (rest[len(stem) :], [*taken, stem]) for stem in stems if rest.startswith(stem) and stem not in taken
        )
    return []


# Partial names for several layers.

MOST_PARTS = 40
"""So many partial names at most take the place of a pattern."""
_WINDOW = 8
"""So many components at most has a partial name that is made of a name."""


def covering_parts(
    meant: Sequence[str], taken_by: Callable[[str], frozenset[str] | None], most: int
) -> list[str] | None:
    """Return at most `most` partial names that together select exactly `meant`; None when they are not found.

    `taken_by` returns which of `meant` a partial name selects, or None when it selects any other layer. All of them
    begin and end where components do; each is the one that selects most of what is left, and of these the shortest.
    """
    left = dict.fromkeys(meant)
    chosen: list[str] = []
    while left and len(chosen) < most:
        taken = {part: found for part in _own_parts(next(iter(left))) if (found := taken_by(part))}
        if not taken:
            return None
        counts = {part: sum(name in left for name in found) for part, found in taken.items()}
        best = max(counts, key=lambda part: (counts[part], not part.lstrip(".")[:1].isdecimal(), -len(part)))
        chosen.append(best)
        if 2 * counts[best] * most < len(left):
            return None  # so small a part of what is meant that the others would be too many
        for name in taken[best]:
            left.pop(name, None)
    return None if left else chosen


def _own_parts(name: str) -> Iterator[str]:
    """Yield the runs of components of a name, with the dots around them; not the whole name."""
    components = name.split(".")
    size = len(components)
    for start in range(size):
        for end in range(start + 1, min(size, start + _WINDOW) + 1):
            dots = "." if start else "", "." if end < size else ""
            if any(dots) and form_of(".".join(components[start:end])) != NUMBER:
                yield ".".join(components[start:end]).join(dots)
                inside = ".".join(components[start:end])
                if start and dots[1] and _DIGITS.search(inside) and not _DIGITS.match(inside):
                    yield ".".join(components[start:end]) + "."


# Beginnings that most names of a list have wrong.


class Renaming(NamedTuple):
    """What many names of a list have before them, and what the names of the model have there instead."""

    before: str
    """It ends with a dot, or is empty."""
    after: str
    names: int
    """How many names of the list it would put right."""

    def applied(self, name: str) -> str | None:
        """Return `name` under the model's beginning; None when it does not have this one."""
        return self.after + name.removeprefix(self.before) if name.startswith(self.before) else None

    @property
    def words(self) -> str:
        """Where this is said once: for one of the names, and about the others."""
        others = self.names - 1
        rest = f", here and in {others:,} more {'names' if others > 1 else 'name'} of the list"
        if not self.after:
            return f"the model's names have no '{self.before}' before them{rest}"
        if not self.before:
            return f"the model's names have '{self.after}' before them{rest}"
        return f"the model's names begin with '{self.after}', not with '{self.before}'{rest}"


def common_renaming(meant: Mapping[str, str], words: Sequence[str], is_name: Callable[[str], bool]) -> Renaming | None:
    """Return what puts most of `words` right; None when nothing does so for two of them and for half of all.

    `meant` are some of the words with the name that each is likely to mean.
    """
    changes = Counter(filter(None, (_change_of_way(word, name) for word, name in meant.items())))
    for (before, after), _ in changes.most_common(1):
        renaming = Renaming(before, after, 0)
        right = sum(name is not None and is_name(name) for name in map(renaming.applied, words))
        if right > 1 and right * 2 >= len(words):
            return renaming._replace(names=right)
    return None


def _change_of_way(word: str, name: str) -> tuple[str, str] | None:
    """Return what comes before the common end of two names, with dots after it; None when it holds numbers."""
    one, other = word.split("."), name.split(".")
    while one and other and one[-1] == other[-1]:
        one.pop()
        other.pop()
    if any(component.isdecimal() for component in one + other) or len(one) == word.count(".") + 1:
        return None
    return "".join(f"{component}." for component in one), "".join(f"{component}." for component in other)
