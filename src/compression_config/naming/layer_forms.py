"""Forms: the names of a model with the numbers left out, and what can be asked of them quickly.

A model repeats itself: a hundred thousand names are a few dozen forms, `model.layers.N.mlp.gate_proj` with
a list of names each. What is true of a form is found once for all of its names.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import cached_property

__all__ = ["NUMBER", "Forms", "filled", "form_of", "numbers_of", "texts_of"]

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
