"""Layer names: which of a model's names, or parts of names, somebody meant who wrote one that it does not have.

Nothing is offered that does not hold: a name is looked up before it is returned, a part is found in a name.
What a word is mended to depends on its form alone (see `layer_forms`), and is remembered by it: a thousand
names with the same mistake and different numbers cost one search and a thousand look-ups.
"""

from __future__ import annotations

import difflib
import itertools
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from typing import NamedTuple

__all__ = [
    "NUMBER",
    "Forms",
    "LayerNames",
    "Renaming",
    "common_renaming",
    "filled",
    "form_of",
    "has_wildcards",
    "numbers_of",
    "one_letter_off",
    "plain_parts",
    "respelt",
    "texts_of",
]


_LONGEST = 500
"""Words of more characters than this are no misspelt names; nothing is searched for them."""
_MANY = 2000
"""Models with more forms than this are flat; only what a look-up finds is found in them."""
_LEFT_OUT = 3
"""So many components may be missing inside a name."""
_OFFERED = 3
_PARAMETERS = ("weight", "bias")

_DIGITS = re.compile(r"\d+")
_DOT_MISSING = re.compile(r"(?<=[^\W\d_])(?=\d+(?:\.|$))")
"""Between a word and the number at its end, where a list of layers has a dot: `h0.` for `h.0.`."""

_BRACKETS = re.compile(r"\[['\"]?(\w+)['\"]?\]")


class LayerNames:
    """The names of layers, ready to be asked what a word was meant to be."""

    def __init__(self, names: Iterable[str]) -> None:
        self.forms = Forms(names)
        self._nearest: dict[str, tuple[str, ...]] = {}
        self._similar: dict[str, tuple[str, ...]] = {}
        self._remembered: dict[str, dict[str, tuple[str, ...]]] = {}

    def __contains__(self, name: str) -> bool:
        return name in self.forms.names

    def nearest(self, word: str, limit: int = 3) -> tuple[str, ...]:
        """Return up to `limit` names (at most three) that `word` may have been meant to be, the likeliest first.

        All of them differ from it in the same manner; empty when none is like it.

        >>> LayerNames(["encoder", "encoder.0", "encoder.0.query"]).nearest("module.encoder.0.query")
        ('encoder.0.query',)
        """
        found = self._nearest.get(word)
        if found is None:
            found = self._nearest[word] = self._found_for(word) if len(word) <= _LONGEST else ()
        return found[:limit]

    def _found_for(self, word: str) -> tuple[str, ...]:
        names = self.forms.names
        for ways in (respelt, _shortened, self.forms.ending, *map(self._mended, self._means)):
            meant = itertools.islice((way for way in ways(word) if way in names and way != word), _OFFERED)
            if found := tuple(dict.fromkeys(meant)):
                return found
        return ()

    @cached_property
    def containers(self) -> LayerNames:
        """What stands before the dots of these names, as names."""
        return LayerNames(self.forms.containers)

    def nearest_part(self, part: str) -> str | None:
        """Return what `part` may have been meant to be, such that a name contains it; None when nothing is like it.

        >>> LayerNames(["encoder.0.query"]).nearest_part("atention") is None
        True
        >>> LayerNames(["encoder.0.query"]).nearest_part("encodr.0.")
        'encoder.0.'
        """
        if len(part) > _LONGEST:
            return None
        ways = itertools.chain(
            respelt(part),
            self._part_in_other_case(part),
            self._corrected_part(part),
            self._shortened_part(part),
            self._completed_part(part),
        )
        return next((way for way in ways if way != part and way.strip(".0123456789") and self.holds(way)), None)

    def holds(self, part: str) -> bool:
        """Return whether a name contains `part`."""
        return self.forms.holds(part)

    def shows(self, word: str) -> bool:
        """Return whether `word` would be in a name if its numbers were others."""
        return len(word) <= _LONGEST and any(text in self.forms.text for text in texts_of(word))

    def numbers(self, word: str) -> tuple[str, tuple[int, ...]] | None:
        """Return where a number of `word` leads out of the sequence that the names have there.

        What stands before the number, and the numbers that there are, ascending; None when that is not
        what is wrong with it.

        >>> LayerNames(["layer.0.fc", "layer.1.fc"]).numbers("layer.7.fc")
        ('layer.', (0, 1))
        """
        if not self.shows(word):
            return None
        way = ""
        for component in word.split("."):
            numbers = self.forms.numbers_below(way) if way and component.isdecimal() else ()
            if numbers and int(component) not in numbers:
                return way, numbers
            way += f"{component}."
        return None

    # What a whole name was meant to be: each of these is one manner in which a form may differ from another.

    @cached_property
    def _means(self) -> tuple[Callable[[str], Iterator[str]], ...]:
        return self._in_other_case, self._respelt, self._respelt_ends, self._with_all_components, self._another_way

    def _mended(self, means: Callable[[str], Iterator[str]]) -> Callable[[str], Iterator[str]]:
        """Return a function that finds names by the form, and puts the numbers of the word into them."""
        remembered: dict[str, tuple[str, ...]] = self._remembered.setdefault(means.__name__, {})

        def mended(word: str) -> Iterator[str]:
            form = form_of(word)
            targets = remembered.get(form)
            if targets is None:
                found = (target for target in means(form) if target.count(NUMBER) == form.count(NUMBER))
                targets = remembered[form] = tuple(dict.fromkeys(found))
            numbers = numbers_of(word)
            return (filled(target, numbers) for target in targets)

        return mended

    def _in_other_case(self, form: str) -> Iterator[str]:
        yield from self._folded_forms.get(_folded(form), ())

    @cached_property
    def _folded_forms(self) -> dict[str, list[str]]:
        folded: dict[str, list[str]] = {}
        for form in self.forms.groups:
            folded.setdefault(_folded(form), []).append(form)
        return folded

    def _respelt(self, form: str) -> Iterator[str]:
        return (right for right in self._corrected(form.split(".")) if right in self.forms.groups)

    def _respelt_ends(self, form: str) -> Iterator[str]:
        for right in self._corrected(form.split(".")):
            yield from self.forms.ends.get(right, ())

    def _another_way(self, form: str) -> Iterator[str]:
        """Yield the forms that end like `form`, in at least two components, and begin differently."""
        groups, ends = self.forms.groups, self.forms.ends
        end = form.partition(".")[2]
        while "." in end and NUMBER not in form[: -len(end)]:
            yield from ([end] if end in groups else [])
            yield from ends.get(end, ())
            end = end.partition(".")[2]

    def _corrected(self, components: Sequence[str]) -> Iterator[str]:
        """Yield `components` as one form, the misspelt ones replaced by components that the model has."""
        unknown = [place for place, component in enumerate(components) if component not in self.forms.components]
        # A component may be right elsewhere and wrong here: `layers` for `layer`.
        for places in [unknown] if unknown else [[place] for place in range(len(components))]:
            options = [
                self._similar_to(component) if place in places else (component,)
                for place, component in enumerate(components)
            ]
            yield from map(".".join, itertools.product(*options))

    def _with_all_components(self, form: str) -> Iterator[str]:
        """Yield the forms that have further components inside, those with the fewest first."""
        wanted = form.split(".")
        if len(wanted) < 2 or len(self.forms.groups) > _MANY:  # noqa: PLR2004 - an inside needs two ends
            return
        longer = (other for other in self.forms.groups if other.endswith(wanted[-1]))
        fuller = ((other.count("."), other) for other in longer if _in_order(wanted, other.split(".")))
        fewest = len(wanted) - 1 + _LEFT_OUT
        yield from (other for dots, other in sorted(fuller, key=lambda pair: pair[0]) if dots <= fewest)

    def _similar_to(self, component: str) -> tuple[str, ...]:
        """Return the components of the model that `component` may have been meant to be."""
        found = self._similar.get(component)
        if found is None:
            found = self._similar[component] = tuple(self._look_for(component))
        return found

    def _look_for(self, component: str) -> list[str]:
        known = self.forms.components
        if component == NUMBER or not component:
            return []
        same = [other for other in self._folded_components.get(_folded(component), ()) if other != component]
        near = [other for other in one_letter_off(component, self._letters) if other in known]
        near = [other for other in near if _wordings_differ(component, other)]
        if not same and not near and len(known) <= _MANY:
            alike = [other for other in known if abs(len(other) - len(component)) <= _LEFT_OUT]
            near = difflib.get_close_matches(component, alike, n=_OFFERED, cutoff=0.75)
            near = [other for other in near if _wordings_differ(component, other)]
        return list(dict.fromkeys(same + near))

    @cached_property
    def _folded_components(self) -> dict[str, list[str]]:
        folded: dict[str, list[str]] = {}
        for component in self.forms.components:
            folded.setdefault(_folded(component), []).append(component)
        return folded

    @cached_property
    def _letters(self) -> str:
        return "".join(sorted(set("".join(self.forms.components)) - {NUMBER}))

    # What a part of a name was meant to be.

    def _part_in_other_case(self, part: str) -> Iterator[str]:
        form = form_of(part)
        found = self.forms.folded_text.find(form.lower())
        if found >= 0:
            meant = self.forms.text[found : found + len(form)]
            if meant.count(NUMBER) == form.count(NUMBER):
                yield filled(meant, numbers_of(part))

    def _shortened_part(self, part: str) -> Iterator[str]:
        """Yield `part` without the dots at its ends, and without what leads nowhere before it."""
        yield part.rstrip(".")
        yield part.lstrip(".")
        way, rest = part, ""
        while "." in way:
            first, _, way = way.partition(".")
            if first in self.forms.components or not way.strip("."):
                break
            rest = way
            yield rest

    def _corrected_part(self, part: str) -> Iterator[str]:
        """Yield `part` with its misspelt components mended, all its numbers kept: without one it would take more."""
        yield _DOT_MISSING.sub(".", part)
        inner = part.strip(".")
        mended = _refilled(part, self._corrected(form_of(inner).split(".")))
        yield from (way for way in mended if _DIGITS.findall(way) == _DIGITS.findall(part))

    def _completed_part(self, part: str) -> Iterator[str]:
        return _refilled(part, self._windows(form_of(part.strip("."))))

    def _windows(self, inner: str) -> Iterator[str]:
        """Yield pieces of forms that begin and end like `inner` and have all its components in between."""
        wanted = inner.split(".")
        if len(wanted) < 2 or len(self.forms.groups) > _MANY:  # noqa: PLR2004 - an inside needs two ends
            return
        for form in self.forms.groups:
            components = form.split(".")
            if not _in_order(wanted, components):
                continue
            start = components.index(wanted[0])
            end = len(components) - components[::-1].index(wanted[-1])
            if end - start <= len(wanted) + _LEFT_OUT:
                yield ".".join(components[start:end])


def one_letter_off(word: str, letters: str) -> Iterator[str]:
    """Yield what `word` becomes when one letter is left out, doubled up with its neighbour, replaced or added.

    >>> sorted(one_letter_off("ab", "x"))
    ['a', 'abx', 'ax', 'axb', 'b', 'ba', 'xab', 'xb']
    """
    splits = [(word[:place], word[place:]) for place in range(len(word) + 1)]
    yield from (head + tail[1:] for head, tail in splits if tail)
    yield from (head + tail[1] + tail[0] + tail[2:] for head, tail in splits if len(tail) > 1 and tail[0] != tail[1])
    yield from (head + letter + tail[1:] for head, tail in splits if tail for letter in letters if letter != tail[0])
    yield from (head + letter + tail for head, tail in splits for letter in letters)


def respelt(word: str) -> Iterator[str]:
    """Yield `word` as a dotted name writes it: no spaces, no brackets, no slashes, no parameter behind it."""
    dotted = _BRACKETS.sub(r".\1", "".join(word.split())).replace("/", ".")
    yield dotted
    yield dotted.strip(".")
    name, _, last = dotted.rpartition(".")
    if last in _PARAMETERS:
        yield name


def _shortened(word: str) -> Iterator[str]:
    """Yield `word` without its first components, then without one of the others; a parameter behind it never counts."""
    name, _, last = word.rpartition(".")
    if last in _PARAMETERS:
        yield from _shortened(name)
    components = word.split(".")
    yield from (".".join(components[start:]) for start in range(1, len(components)))
    yield from (".".join(components[:at] + components[at + 1 :]) for at in range(1, len(components) - 1))


def _refilled(part: str, forms: Iterable[str]) -> Iterator[str]:
    """Yield `forms` with the numbers of `part`, and the dots that it begins and ends with."""
    inner, numbers = part.strip("."), numbers_of(part)
    before, after = part[: part.find(inner)], part[part.find(inner) + len(inner) :]
    return (before + filled(form, numbers) + after for form in forms if form.count(NUMBER) == len(numbers))


def _folded(word: str) -> str:
    return word.casefold().replace("-", "_")


def _in_order(wanted: Sequence[str], components: Sequence[str]) -> bool:
    """Return whether `components` has all of `wanted`, in this order and with others in between."""
    rest = iter(components)
    return all(component in rest for component in wanted)


def _wordings_differ(one: str, other: str) -> bool:
    """Return whether two words differ in more than a number: `fc3` is no misspelt `fc1`."""
    return re.sub(r"\d+", "0", one) != re.sub(r"\d+", "0", other)


NUMBER = "\0"
"""Stands in a form for a component that is a number."""

_NUMBER = re.compile(r"(?<![^.])\d+(?![^.])")
"""A component that is a number."""


def form_of(name: str) -> str:
    """Return `name` with each number among its components left out."""
    return _NUMBER.sub(NUMBER, name)


def numbers_of(name: str) -> list[str]:
    """Return the numbers that `form_of` leaves out, in their order."""
    return _NUMBER.findall(name)


def filled(form: str, numbers: Iterable[str]) -> str:
    """Return the name of `form` with these numbers; there are as many as it leaves out."""
    given = iter(numbers)
    return re.sub(NUMBER, lambda _: next(given), form)


class Forms:
    """Names of layers by their form."""

    def __init__(self, names: Iterable[str]) -> None:
        self.names = dict.fromkeys(names)
        """The names themselves, in the order given."""

    @cached_property
    def groups(self) -> dict[str, list[str]]:
        """Form -> the names that have it."""
        groups: dict[str, list[str]] = {}
        of_way = {"": ""}
        for name in self.names:
            end = name.rfind(".") + 1
            way, last = name[:end], name[end:]
            form = of_way.get(way)
            if form is None:
                start = name.rfind(".", 0, end - 1) + 1
                before = of_way.get(way[:start])  # mostly known: a model's order has containers first
                step = NUMBER + "." if way[start:-1].isdecimal() else way[start:]
                form = of_way[way] = form_of(way) if before is None else before + step
            groups.setdefault(form + (NUMBER if last.isdecimal() else last), []).append(name)
        return groups

    @cached_property
    def containers(self) -> dict[str, None]:
        """What stands before the dots of the names: the modules that have layers below them."""
        found: dict[str, None] = {}
        for name in self.names:
            way = name.rpartition(".")[0]
            while way and way not in found:
                found[way] = None
                way = way.rpartition(".")[0]
        return found

    @cached_property
    def components(self) -> dict[str, None]:
        """The distinct components of the forms."""
        return dict.fromkeys(component for form in self.groups for component in form.split("."))

    @cached_property
    def ends(self) -> dict[str, list[str]]:
        """The ends of forms, cut at a dot -> the longer forms that end so."""
        ends: dict[str, list[str]] = {}
        for form in self.groups:
            end = form.partition(".")[2]
            while end:
                ends.setdefault(end, []).append(form)
                end = end.partition(".")[2]
        return ends

    def ending(self, word: str) -> list[str]:
        """Return the names that end with the components of `word` and have more before them."""
        form, numbers = form_of(word), numbers_of(word)
        found: list[str] = []
        for longer in self.ends.get(form, ()):
            if longer.count(NUMBER) == len(numbers):
                found += (name for name in (filled(longer, numbers),) if name in self.names)
            else:
                found += self._by_end(longer, form.count(".") + 1).get(word, ())
        return found

    def _by_end(self, form: str, length: int) -> dict[str, list[str]]:
        """Return the last `length` components of the names of a form -> these names."""
        known = self._ends.get((form, length))
        if known is None:
            known = self._ends[form, length] = {}
            for name in self.groups[form]:
                known.setdefault(".".join(name.rsplit(".", length)[1:]), []).append(name)
        return known

    @cached_property
    def _ends(self) -> dict[tuple[str, int], dict[str, list[str]]]:
        return {}

    def holds(self, part: str) -> bool:
        """Return whether a name contains `part`."""
        return next(self.holding(part), None) is not None

    def holding(self, part: str) -> Iterator[str]:
        """Yield the names that contain `part`."""
        for form in self._fitting(part):
            yield from (name for name in self.groups[form] if part in name)

    def samples(self, part: str) -> dict[str, int]:
        """Return of each form one name that contains `part`, with the number of names of that form."""
        forms = self._fitting(part)
        found = ((next((name for name in self.groups[form] if part in name), None), form) for form in forms)
        return {name: len(self.groups[form]) for name, form in found if name is not None}

    def weight(self, part: str) -> int:
        """Return how many names there are of the forms that can contain `part`: a bound for those that do."""
        return sum(len(self.groups[form]) for form in self._fitting(part))

    def _fitting(self, part: str) -> Iterable[str]:
        """Return the forms of which names can contain `part`; in models that repeat themselves small ones first."""
        forms = dict.fromkeys(form for text in texts_of(part) for form in self._forms_with(text))
        return sorted(forms, key=lambda form: len(self.groups[form]))

    def _forms_with(self, text: str) -> Iterator[str]:
        """Yield the forms that contain `text`."""
        found = self.text.find(text)
        while found >= 0:
            end = self.text.find("\n", found)
            form = self.text[self.text.rfind("\n", 0, found) + 1 : end]
            if form in self.groups:
                yield form
            found = self.text.find(text, end)

    @cached_property
    def text(self) -> str:
        """All forms, one a line."""
        return "".join(f"{form}\n" for form in self.groups)

    @cached_property
    def folded_text(self) -> str:
        """`text` without regard to case; of equal length, so that places in one are places in the other."""
        folded = self.text.lower()
        return folded if len(folded) == len(self.text) else ""

    def numbers_below(self, way: str) -> tuple[int, ...]:
        """Return the numbers that names have behind `way` (it ends with a dot, and may be a part), ascending."""
        form = form_of(way)
        known = self._numbers.get(form)
        if known is None:
            known = self._numbers[form] = self._sequences(form)
        found: set[int] = set()
        return tuple(sorted(found.union(*(numbers for before, numbers in known.items() if before.endswith(way)))))

    @cached_property
    def _numbers(self) -> dict[str, dict[str, set[int]]]:
        return {}

    def _sequences(self, way: str) -> dict[str, set[int]]:
        """Return what stands before a number, for all names in whose forms it is like `way` -> these numbers."""
        found: dict[str, set[int]] = {}
        for form, depth in self._places(way):
            for name in self.groups[form]:
                *before, number = name.split(".", depth + 1)[: depth + 1]
                found.setdefault("".join(f"{component}." for component in before), set()).add(int(number))
        return found

    def _places(self, way: str) -> Iterator[tuple[str, int]]:
        """Yield the forms in which a number stands behind `way`, and which of their components it is.

        Where the numbered modules have names of their own, as in all models that were walked, these will do.
        """
        for text in texts_of(way):
            ends: dict[str, list[str]] = {}
            for form in self._forms_with(text + NUMBER):
                ends.setdefault(form[: form.find(text + NUMBER) + len(text) + 1], []).append(form)
            for end, forms in ends.items():
                yield from ((form, end.count(".")) for form in ([end] if end in self.groups else forms))


def texts_of(part: str) -> set[str]:
    """Return what of a form a name can show that contains `part`.

    A number at either end of it may be a piece of a longer number, or of a component like `conv1`.
    """
    first, *rest = part.split(".")
    if not rest:
        return {first, form_of(first)}
    *inner, last = rest
    middle = "".join(f"{form_of(component)}." for component in inner)
    return {f"{start}.{middle}{end}" for start in {first, form_of(first)} for end in {last, form_of(last)}}


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
    """Return what stands before the common end of two names, with dots behind; None when it holds numbers."""
    one, other = word.split("."), name.split(".")
    while one and other and one[-1] == other[-1]:
        one.pop()
        other.pop()
    if any(component.isdecimal() for component in one + other) or len(one) == word.count(".") + 1:
        return None
    return "".join(f"{component}." for component in one), "".join(f"{component}." for component in other)
