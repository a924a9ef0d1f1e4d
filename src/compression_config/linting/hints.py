"""What to write instead of an element that matches no layer: in words, and as edits that a program can apply (D21).

`suggestions` proposes what a word may have meant; here each proposal is resolved against the model, with the types
that the selector lists, and the first that selects what was meant is offered.
"""

from __future__ import annotations

import fnmatch
import functools
import itertools
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from compression_config.configs.sub_config import DEFAULT_TYPES, SELECTOR_KEYS, SubConfig
from compression_config.findings import Edit
from compression_config.inventory import Inventory
from compression_config.locations import ConfigPath
from compression_config.resolving.resolved import Resolved
from compression_config.suggestions import (
    MOST_PARTS,
    LayerNames,
    Renaming,
    common_renaming,
    covering_parts,
    fused_from,
    nearest_types,
    negated,
    paths_of,
    separate_words,
    type_name,
    undecorated,
)
from compression_config.text import Notation, layers_words, listed, names_words, number_order, written
from compression_config.wildcards import MOST_STEPS, Reading, has_wildcards, pieces_of, readings, with_ranges

__all__ = ["GENERIC_TYPES", "Hints", "Offer", "Spot", "is_norm", "is_weighted"]


GENERIC_TYPES = frozenset({*DEFAULT_TYPES, "Conv1D"})
"""Weighted types that lists for several models name, whether or not a model has them."""
_SHOWN_TYPES = 3
_INDICES = 8
"""For so many different `op_types` the layers are indexed; selectors with others get no names offered."""
_SHOWN = 4
"""How many types, or beginnings of names, a hint lists."""
_NAMES_SHOWN = 8
"""How many names in full a hint lists; the edits have them all."""
_MOST_NAMES = 1_000
_STEPS_A_NAME = 200


@dataclass(frozen=True, slots=True)
class Offer:
    """What to write instead, in words and, where it comes down to one thing, as a selector."""

    hint: str
    key: str = ""
    words: tuple[str, ...] = ()
    """In place of the element, under `key`; empty when there is nothing definite to write."""
    safe: bool = False
    edits: tuple[Edit, ...] | None = None
    """Given where it takes more than to replace the element."""


@dataclass(frozen=True, slots=True)
class Spot:
    """An element of a selector that no layer matches."""

    config: SubConfig
    path: ConfigPath
    """As it is shown: it begins with the part in a two-part document."""
    notation: Notation

    @classmethod
    def at(cls, resolved: Resolved, path: ConfigPath) -> Spot:
        """Return the element at a path of a list, which begins with the index of its sub-config."""
        configs = resolved.config_list
        return cls(configs[int(path[0])], configs.provenance.place(path).path, configs.provenance.notation(path))

    @property
    def key(self) -> str:
        """The key of the selector."""
        return str(self.path[-2])

    @property
    def element(self) -> int:
        """Its place in the list of that key."""
        return int(self.path[-1])

    @property
    def word(self) -> str:
        """The element itself."""
        word: str = getattr(self.config, self.key)[self.element]
        return word

    def line(self, key: str, words: Iterable[str]) -> str:
        """Return a key with its list as the user would write it."""
        return written(key, words, self.notation)

    @property
    def alone(self) -> bool:
        """Whether the element is all that the selector says."""
        said = [getattr(self.config, key) for key in SELECTOR_KEYS]
        return sum(len(words) for words in said if words) == 1

    @property
    def alone_among_names(self) -> bool:
        """Whether it is the only name or partial name of the selector."""
        return len(self.config.op_names or ()) + len(self.config.op_partial_names or ()) == 1

    @property
    def needs_weight(self) -> bool:
        """Whether layers without a weight are of no use to the sub-config."""
        return not self.config.exclude and "weight" in (getattr(self.config, "quant_types", None) or ("weight",))

    def edits(self, key: str, words: Sequence[str]) -> tuple[Edit, ...] | None:
        """Return the edits that put `words` under `key` in place of the element; None when this would mean more."""
        *base, here, _ = self.path
        mine = getattr(self.config, self.key)
        there = getattr(self.config, key)
        if key == here:
            more = (Edit("insert", (*base, here, self.element + 1), word) for word in words[1:])
            return (Edit("replace", self.path, words[0]), *more)
        if "op_types" in (key, here) and not self.alone:
            return None  # types and names restrict each other
        if len(mine) == 1 and there is None:
            more = (Edit("insert", (*base, here, 1), word) for word in words[1:])
            return (Edit("rename", (*base, here), key), Edit("replace", self.path, words[0]), *more)
        delete = Edit("delete", self.path)
        if there is None:
            return (delete, Edit("insert", (*base, key), tuple(words)))
        return (delete, *(Edit("insert", (*base, key, len(there)), word) for word in words))


class Hints:
    """What to write instead, for one model. Each selector that is offered was resolved against it (D21)."""

    def __init__(self, inventory: Inventory) -> None:
        self._inventory = inventory
        self._indices: dict[frozenset[str], LayerNames] = {}
        self._work = MOST_STEPS

    @functools.cached_property
    def types(self) -> Counter[str]:
        """The types of the model, with the number of layers that have them."""
        return Counter(self._inventory.types)

    @functools.cached_property
    def _all(self) -> LayerNames:
        """All layers by name, whatever their type."""
        return LayerNames(self._inventory.names)

    def offer(self, spot: Spot) -> Offer | None:
        """Return what to write for an element that no layer matches; None when nothing is like it."""
        layers = self._layers(spot.config.types)
        if spot.key == "op_types":
            return self._for_type(spot)
        if layers is None:
            return self._beginnings()
        ways = (
            self._as_parameter_of_root,
            self._as_type,
            self._as_negation,
            self._as_spelled,
            self._as_several,
            self._as_pattern,
            self._as_container,
            self._as_number,
            self._as_fused,
            self._as_name if spot.key == "op_names" else self._as_part,
            self._as_other_key,
            self._as_type_in_other_case,
            self._as_child,
        )
        found = (way(spot, layers) for way in ways)
        return next(filter(None, found), None) or self._beginnings()

    # Names and partial names.

    def _write(self, spot: Spot, key: str, words: Sequence[str], more: str = "", *, safe: bool = False) -> Offer:
        """Return the offer of `words` under `key`."""
        what = listed(words) if key == spot.key else spot.line(key, words)
        return Offer(f"write {what}{more}", key, tuple(words), safe)

    def _as_type(self, spot: Spot, layers: LayerNames, word: str | None = None) -> Offer | None:
        word = spot.word.strip() if word is None else word
        if word not in self.types and word != "default":
            return None
        if word == "default":
            positions = [p for p, kind in enumerate(self._inventory.types) if kind in DEFAULT_TYPES]
        else:
            positions = [p for p, kind in enumerate(self._inventory.types) if kind == word]
        if not positions:
            return None
        names = [self._inventory.names[position] for position in positions]
        if all(map(self.only_holds_layers, names)):
            found = self._parts_below(names, layers)
            if found is None:
                return Offer(f"'{word}' is a type, and its layers only hold others")
            offer = self._write(spot, "op_partial_names", found, " for the layers in those of this type")
            return replace(offer, hint=f"'{word}' is a type, and its layers only hold others: {offer.hint}")
        if spot.needs_weight and all(self._inventory.has_weight(position) is False for position in positions):
            return Offer(f"'{word}' is a type, and its layers have no weight")
        if spot.needs_weight and is_norm(word):
            return Offer(f"'{word}' is a type, not a name")
        hint = f"'{word}' is a type: write {spot.line('op_types', [word])}"
        hint += "" if spot.alone else " in a sub-config of its own"
        near = layers.nearest(word, 1)
        if near and near[0].casefold() == word.casefold():
            return Offer(f"{hint}; the layer is '{near[0]}'")
        return Offer(hint, "op_types", (word,))

    def _as_parameter_of_root(self, spot: Spot, _: LayerNames) -> Offer | None:
        root = self._inventory.root
        if root is None or spot.word.strip(".") not in root.shapes:
            return None
        return Offer(f"'{spot.word.strip('.')}' is a parameter of the model itself: a selector names layers")

    def _as_negation(self, spot: Spot, layers: LayerNames) -> Offer | None:
        word = negated(spot.word)
        if word is None or not (word in layers if spot.key == "op_names" else layers.holds(word)):
            return None
        if spot.config.exclude:
            return Offer("a selector has no negation: name what is to be excluded")
        exclude = f"{spot.line(spot.key, [word])} and {written('exclude', True, spot.notation)}"
        return Offer(f"a selector has no negation: write {exclude} in a sub-config after it")

    def _as_fused(self, spot: Spot, layers: LayerNames) -> Offer | None:
        """Return the layers whose weights other models keep in one, as in `qkv_proj`."""
        dotted = undecorated(spot.word).rstrip(".")
        path, _, component = dotted.rpartition(".")
        if spot.key == "op_names":
            found = fused_from(component, self._children.get(path, ()))
        else:
            ending = path.lstrip(".")
            families = {tuple(names): None for at, names in self._children.items() if f".{at}".endswith(ending)}
            found = next(filter(None, (fused_from(component, names) for names in families)), [])
        words = [f"{dotted[: len(dotted) - len(component)]}{name}" for name in found]
        there = layers.__contains__ if spot.key == "op_names" else layers.holds
        return self._write(spot, spot.key, words) if words and all(map(there, words)) else None

    def _as_type_in_other_case(self, spot: Spot, layers: LayerNames) -> Offer | None:
        word = spot.word.strip().casefold()
        kind = next((kind for kind in (*self.types, "default") if kind.casefold() == word), None)
        return None if kind is None else self._as_type(spot, layers, kind)

    def _as_several(self, spot: Spot, layers: LayerNames) -> Offer | None:
        words = separate_words(spot.word)
        if len(words) < 2 or has_wildcards(spot.word.strip(" []")):  # noqa: PLR2004 - one word is not several
            return None
        found = [self._known(word.strip("'\""), spot.key, layers) for word in words]
        if None in found:
            return None
        return self._write(spot, spot.key, [word for word in found if word], ", each an element of its own")

    def _known(self, word: str, key: str, layers: LayerNames) -> str | None:
        if (word in layers) if key == "op_names" else layers.holds(word):
            return word
        near = layers.nearest(word, 2) if key == "op_names" else layers.nearest_parts(word)
        return near[0] if len(near) == 1 else None

    def _as_spelled(self, spot: Spot, layers: LayerNames) -> Offer | None:
        """Return the name that the element is in another notation, so that nothing else is seen in it."""
        if has_wildcards(undecorated(spot.word)):
            return None
        if spot.key == "op_names":
            return self._one_of(spot, layers.spelled(spot.word)[:1])
        parts = [part for part in layers.spelled_parts(spot.word) if self._of_use(spot, part, layers)][:1]
        return self._write(spot, spot.key, parts, safe=_plain(spot.word) == parts[0]) if parts else None

    def _as_container(self, spot: Spot, layers: LayerNames) -> Offer | None:
        return self._below(spot, spot.word, layers) if spot.key == "op_names" else None

    def _below(self, spot: Spot, name: str, layers: LayerNames) -> Offer | None:
        """Return the offer for a container whose layers are meant; None when none below is admitted."""
        if name not in layers.containers:
            return None
        parts = self._parts_below([name], layers)
        if parts is None or not any(self._of_use(spot, part, layers) for part in parts):
            return None
        return self._write(spot, "op_partial_names", parts, " for the layers in it")

    def _parts_below(self, containers: Sequence[str], layers: LayerNames, own: str = "") -> list[str] | None:
        """Return the partial names that select exactly what is admitted below some containers: `own` if it does."""
        below = [f"{name}." for name in containers]
        starts = set(below)
        found = layers.containing(below[0]) if len(below) == 1 else layers.names
        meant = [name for name in found if any(start in starts for start in paths_of(name))]
        if not meant:
            return None
        if len(below) == 1:
            natural = [below[0]]
        else:
            paths, lasts = zip(*(name.rpartition(".")[::2] for name in containers), strict=True)
            natural = [own, f".{lasts[0]}.", f"{paths[0]}."]
        for part in natural:
            if part.strip(".") and self._taken(part, layers, frozenset(meant)) == frozenset(meant):
                return [part]
        return covering_parts(meant, lambda part: self._taken(part, layers, frozenset(meant)), MOST_PARTS)

    def parts_below(self, containers: Sequence[str]) -> list[str] | None:
        """Return the partial names that select exactly the layers below `containers`; None when they are not found."""
        return self._parts_below(containers, self._all)

    def _taken(self, part: str, layers: LayerNames, meant: frozenset[str]) -> frozenset[str] | None:
        """Return which of `meant` a partial name selects; None when it selects any other of the layers."""
        taken = []
        for name in layers.containing(part):
            if name not in meant:
                return None
            taken.append(name)
        for alias, position in self._inventory.aliases.items():
            if part in alias and (name := self._inventory.names[position]) in layers:
                if name not in meant:
                    return None
                taken.append(name)
        return frozenset(taken)

    def _as_number(self, spot: Spot, layers: LayerNames) -> Offer | None:
        part = spot.key == "op_partial_names"
        found = layers.numbers_after(spot.word, part=part) and self._all.numbers_after(spot.word, part=part)
        if not found:
            return None
        path, numbers = found
        if len(numbers) == 1:
            return Offer(f"the only number after '{path}' is {numbers[0]}")
        return Offer(f"the numbers after '{path}' go from {numbers[0]} to {numbers[-1]}")

    def _as_name(self, spot: Spot, layers: LayerNames) -> Offer | None:
        word = spot.word
        names = layers.nearest(word, None)
        ending = layers.ending(word)
        if ending and spot.needs_weight and not any(map(self._is_of_use, ending)):
            ending, names = [], ()
        if len(ending) > 2:  # noqa: PLR2004 - up to two are named
            part = f".{word}"
            if self._taken(part, layers, frozenset(ending)) is not None:
                more = f" for the {len(ending):,} layers whose names end so"
                return self._write(spot, "op_partial_names", [part], more)
            count = f"{len(ending):,} layers whose names end so"
            return Offer(f"write in full which of the {count} is meant, such as '{ending[0]}'")
        if names:
            return self._one_of(spot, names)
        meant = layers.containers.nearest(word, None)
        if not meant:
            return None
        parts = self._parts_below(meant, layers, f".{word}.")
        if parts and not any(self._of_use(spot, part, layers) for part in parts):
            return None
        more = " for the layers in it" if len(meant) == 1 else " for the layers in these containers"
        return self._write(spot, "op_partial_names", parts, more) if parts and len(parts) <= 2 else None  # noqa: PLR2004

    def _one_of(self, spot: Spot, names: Sequence[str]) -> Offer | None:
        """Return the offer of a name, or of several equally near ones to choose from."""
        if not names:
            return None
        if len(names) == 1:
            name = names[0]
            if spot.needs_weight and self.only_holds_layers(name):
                return self._below(spot, name, self._layers(spot.config.types) or self._all)
            return self._write(spot, spot.key, names, safe=_plain(spot.word) == name)
        if len(names) <= _NAMES_SHOWN:
            return Offer(f"write {listed(names, last='or')}")
        layers = self._layers(spot.config.types) or self._all
        part = f".{names[0].rpartition('.')[2]}"
        if part.count(".") > spot.word.count(".") and self._taken(part, layers, frozenset(names)) == frozenset(names):
            return self._write(spot, "op_partial_names", [part], f" for the {len(names):,} layers whose names end so")
        return Offer(f"write in full which of {len(names):,} layers is meant, such as '{names[0]}'")

    def _as_part(self, spot: Spot, layers: LayerNames) -> Offer | None:
        found = layers.nearest_parts(spot.word)
        parts = [part for part in found if self._of_use(spot, part, layers)]
        if not parts:
            paths = (path[:-1] for part in found for name in layers.containing(part) for path in paths_of(f"{name}."))
            return next((Offer(fused) for path in paths if (fused := self._fused(path, layers))), None)
        if len(parts) == 1:
            return self._write(spot, spot.key, parts, safe=_plain(spot.word) == parts[0])
        return Offer(f"write {listed(parts[:_NAMES_SHOWN], last='or')}")

    def _of_use(self, spot: Spot, part: str, layers: LayerNames) -> bool:
        """Return whether a partial name takes a layer that the sub-config may be meant for."""
        if not spot.needs_weight:
            return True
        for name in layers.containing(part):
            position = self._inventory.position(name)
            norm = position is not None and spot.config.op_types is None and is_norm(self._inventory.types[position])
            if not norm and self._is_of_use(name):
                return True
        return False

    def _is_of_use(self, name: str) -> bool:
        """Return whether a layer can have a weight, so that compressing it makes sense."""
        return self._may_have_weight(name) and not self.only_holds_layers(name)

    def _as_other_key(self, spot: Spot, layers: LayerNames) -> Offer | None:
        if spot.key != "op_names" or not layers.holds(spot.word) or has_wildcards(spot.word):
            return None
        if not self._of_use(spot, spot.word, layers):
            return None
        offer = self._write(spot, "op_partial_names", [spot.word])
        return replace(offer, hint=f"it is a part of names: {offer.hint}")

    def _as_child(self, spot: Spot, layers: LayerNames) -> Offer | None:
        """Return what there is below the longest part of a name that exists."""
        path = undecorated(spot.word).strip(".").rpartition(".")[0] or spot.word
        while path and path not in self._all and path not in self._all.containers:
            if ending := self._all.ending(path):
                path = ending[0]
                break
            path = path.rpartition(".")[0]
        if not path:
            return None
        if (fused := self._fused(path, layers)) is not None:
            return Offer(fused)
        start = f"{path}."
        children = self._children.get(path, [])
        if not children:
            return Offer(f"there is nothing below '{path}'") if path != spot.word else None
        if children[0].isdecimal():
            numbers = sorted((child for child in children if child.isdecimal()), key=number_order)
            return Offer(f"the numbers after '{start}' go from {numbers[0]} to {numbers[-1]}")
        return Offer(
            f"below '{path}' there are {_some(children)}"
            if len(children) > 1
            else f"below '{path}' there is only '{children[0]}'"
        )

    @functools.cached_property
    def _children(self) -> dict[str, list[str]]:
        """The path to a layer or a container -> the last components below it."""
        children: dict[str, list[str]] = {}
        for name in dict.fromkeys((*self._all.containers.names, *self._all.names)):
            path, _, last = name.rpartition(".")
            children.setdefault(path, []).append(last)
        return children

    def _fused(self, path: str, layers: LayerNames) -> str | None:
        """Return that a layer holds the weights itself which others have below it; None when it does not."""
        position = self._inventory.position(path)
        if position is None or self._inventory.has_weight(position) is not False:
            return None
        own = [name for name in self._inventory.parameters(position) if name != "bias"]
        if not own or any(
            name.startswith(f"{path}.") and self._may_have_weight(name) for name in layers.containing(path)
        ):
            return None
        return f"'{path}' holds {names_words(own)} itself, and no layer below it has a weight"

    def _may_have_weight(self, name: str) -> bool:
        position = self._inventory.position(name)
        return position is not None and self._inventory.has_weight(position) is not False

    # Patterns.

    def _as_pattern(self, spot: Spot, layers: LayerNames) -> Offer | None:
        """Return the selector that selects what the element matches as a pattern; None when it is not a pattern."""
        word = with_ranges(spot.word)
        if not has_wildcards(word):
            return None
        part = spot.key == "op_partial_names"
        rule = "a partial name is a plain substring" if part else "a name is written in full"
        rule += ", without wildcards" if word == spot.word else ", without ranges"
        ways = readings(word, part=part)
        for glob in (True, False):
            some = [reading for reading in ways if reading.glob is glob]
            if found := list(self._matched(some, layers)):
                break
            if (inside := self._inside_matched(spot, some, layers)) is not None:
                return replace(inside, hint=f"{rule}: {inside.hint}")
        if not found:
            return None if word != spot.word or _PLACEHOLDER.search(word) else Offer(rule)
        reading, meant = found[0]
        more = f" for the {layers_words(len(meant))} that it matches"
        safe = all(set(other) == set(meant) for _, other in found[1:])
        if reading.where in ("at the end", "anywhere") and not part:
            more += f" {reading.where} of their names" if reading.glob else " anywhere in their names"
            safe = False
        elif not safe:
            more += f" {reading.where}"
        if part:
            more += _cut_numbers(reading, meant)
        if reading.glob and word == spot.word:
            others = self._other_readings(spot, meant, [way for way in ways if not way.glob], layers)
            more, safe = more + others, safe and not others
        pieces = pieces_of(word, glob=reading.glob)
        offer = self._selecting(spot, meant, pieces, layers, more) or Offer(f"it matches {layers_words(len(meant))}")
        return replace(offer, hint=f"{rule}: {offer.hint}", safe=offer.safe and safe)

    def _matched(self, ways: Iterable[Reading], layers: LayerNames) -> Iterator[tuple[Reading, list[str]]]:
        """Yield the readings of a pattern that match layers, with these; of globs the first alone."""
        longest = max(map(len, layers.names), default=0)
        for reading in ways:
            cost = reading.cost(len(layers.names), longest) + _STEPS_A_NAME * len(layers.names)
            if cost > self._work:
                return
            self._work -= cost
            if meant := [name for name in layers.names if reading.matches(name)]:
                yield reading, meant
                if reading.glob:
                    return

    def _inside_matched(self, spot: Spot, ways: Iterable[Reading], layers: LayerNames) -> Offer | None:
        """Return the selector of the layers in the containers that a pattern matches; None without any."""
        for _, names in self._matched(ways, self._all):
            parts = self._parts_below(names, layers) if all(map(self.only_holds_layers, names)) else None
            if parts:
                more = f" for the layers in the {len(names):,} that it matches"
                return self._write(spot, "op_partial_names", parts, more)
        return None

    def _selecting(
        self, spot: Spot, meant: Sequence[str], pieces: Iterable[str], layers: LayerNames, more: str
    ) -> Offer | None:
        """Return the offer of a selector for exactly the layers `meant`; None when there is no short one.

        It is safe, unless the pattern matches containers alone, or an exclude says "all but some".
        """
        if len(meant) == len(layers.names) and spot.config.op_types is not None:
            return self._everything(spot, len(meant))
        if spot.needs_weight and all(map(self.only_holds_layers, meant)):
            parts = self._parts_below(meant, layers)
            return self._write(spot, "op_partial_names", parts, " for the layers in what it matches") if parts else None
        parts = self._parts_for(pieces, meant, layers) if len(meant) > 1 else None
        if parts and (len(parts) == 1 or len(parts) < len(meant) // 2 or len(meant) > _SHOWN * len(parts)):
            return self._write(spot, "op_partial_names", parts, more, safe=True)
        if "(?!" in spot.word and (offer := self._all_but(spot, meant, layers)) is not None:
            return offer
        if parts and len(parts) < len(meant):
            return self._write(spot, "op_partial_names", parts, more, safe=True)
        if len(meant) <= _NAMES_SHOWN:
            return self._write(spot, "op_names", meant, more, safe=True)
        if len(meant) > _MOST_NAMES:
            return None
        hint = f"write in full the names '{meant[0]}' to '{meant[-1]}'{more}"
        return Offer(hint, "op_names", tuple(meant), safe=True)

    def _parts_for(self, pieces: Iterable[str], meant: Sequence[str], layers: LayerNames) -> list[str] | None:
        """Return the partial names that select exactly `meant`: the plain texts of a pattern, where these do."""
        taken = functools.cache(lambda part: self._taken(part, layers, frozenset(meant)))
        left, own = set(meant), []
        for piece in pieces:
            found = left & (taken(piece) or frozenset())
            if any(_is_whole(piece, name) for name in found):
                own.append(piece)
                left -= found
        parts = covering_parts(meant, taken, MOST_PARTS)
        if not left and (parts is None or len(own) <= 2 * len(parts)):
            return own
        return parts

    def _everything(self, spot: Spot, count: int) -> Offer:
        """Return the offer for a pattern that matches all layers of the types beside it."""
        names = [key for key in ("op_names", "op_partial_names") if getattr(spot.config, key)]
        hint = f"it matches all {layers_words(count)} of the types in 'op_types': leave {listed(names)} out"
        base = spot.path[:-2]
        edits = tuple(Edit("delete", (*base, key)) for key in names)
        return Offer(hint, "op_types", (), safe=spot.alone_among_names, edits=edits)

    def _all_but(self, spot: Spot, meant: Sequence[str], layers: LayerNames) -> Offer | None:
        """Return what says "all but some": an exclude after it, or for an exclude what is compressed instead."""
        others = [name for name in layers.names if name not in set(meant)]
        taken = functools.cache(lambda part: self._taken(part, layers, frozenset(others)))
        parts = covering_parts(others, taken, _SHOWN)
        key, words = ("op_partial_names", parts) if parts else ("op_names", others)
        if not words or len(words) > _SHOWN:
            return None
        line = spot.line(key, words)
        if spot.config.exclude:
            return Offer(
                f"it matches all layers but those of {line}: write that in the sub-config that compresses them"
            )
        names = [key for key in ("op_names", "op_partial_names") if getattr(spot.config, key)]
        if spot.config.op_types is None:
            return self._all_but_by_type(spot, meant, line)
        excluded = {key: list(words), "exclude": True}
        base = spot.path[:-2]
        index = int(base[-1])
        deleted = tuple(Edit("delete", (*base, key)) for key in names)
        edits = (*deleted, Edit("insert", (*base[:-1], index + 1), excluded))
        hint = f"leave {listed(names)} out, and exclude {line} in a sub-config after it"
        return Offer(hint, "op_types", (), edits=edits if spot.alone_among_names else None)

    def _all_but_by_type(self, spot: Spot, meant: Sequence[str], line: str) -> Offer | None:
        """Return how to say "all but some" where no types are listed: those of `meant` that can be compressed."""
        positions = (self._inventory.position(name) for name in meant)
        counts = Counter(self._inventory.types[position] for position in positions if position is not None)
        types = [kind for kind, _ in counts.most_common() if kind in self._likely]
        if not types or len(types) > _SHOWN:
            return None
        count = sum(counts[kind] for kind in types)
        of_these = f"for the {count:,} layers of these types among the {len(meant):,} that it matches"
        return Offer(f"write {spot.line('op_types', types)} {of_these}, and exclude {line} in a sub-config after it")

    def _other_readings(self, spot: Spot, meant: Sequence[str], regexes: Iterable[Reading], layers: LayerNames) -> str:
        """Return how what `fnmatch`, or a regular expression, selects differs from the layers that a glob means."""
        text = spot.word.strip()
        words: list[str] = []
        if "{" not in text:
            pattern = re.compile(fnmatch.translate(f"*{text}*" if spot.key == "op_partial_names" else text))
            words += _difference("fnmatch", meant, [name for name in layers.names if pattern.match(name)])
        for _, other in itertools.islice(self._matched(regexes, layers), 1):
            words += _difference("as a regular expression it", meant, other)
        return f" ({'; '.join(words)})" if words else ""

    # Types.

    def _for_type(self, spot: Spot) -> Offer | None:
        config, word = spot.config, spot.word
        named = self.types_named(config) if config.names_layers else self.types
        known = [kind for kind, _ in (named or self.types).most_common()]
        listed_types = config.types or frozenset()  # worked out each time that it is asked for
        of_use = self._weighted if spot.needs_weight else frozenset(known)
        fit = [kind for kind in known if kind in of_use and kind not in listed_types]
        if separate := self._several_types(spot):
            return separate
        if word != "default" and type_name(word).casefold() in ("default", "all", "*", "any"):
            return self._default(spot, fit)
        if word == self._inventory.model:
            return Offer(f"'{word}' is the class of the model itself, and the root is not a layer")
        if word in ("weight", "bias"):
            return Offer(f"'{word}' is a parameter: a selector names layers")
        if self._inventory.position(word) is not None:
            return Offer(f"'{word}' is a name: write {spot.line('op_names', [word])}", "op_names", (word,))
        meant = [] if word == "default" else self._types_like(word, fit)
        there = [kind for kind in known if kind in listed_types and kind.casefold() == type_name(word).casefold()]
        if there and not meant:
            return Offer(f"delete it: '{there[0]}' is listed", edits=(Edit("delete", spot.path),))
        generic = word in GENERIC_TYPES and not listed_types.isdisjoint(self.types)
        if generic and not any(kind.casefold().endswith(word.casefold()) for kind in meant):
            # It is spelled right: what is like it need not be meant.
            instead = f"write '{meant[0]}', or " if len(meant) == 1 else ""
            return Offer(f"{instead}delete it, unless the list is for several models")
        if len(meant) == 1:
            return self._write(spot, "op_types", meant, safe=type_name(word) == meant[0])
        if meant:
            several = has_wildcards(word)
            return self._write(spot, "op_types", meant) if several else Offer(f"write {listed(meant, last='or')}")
        if word != "default" and self._all.holds(word):
            line = spot.line("op_partial_names", [word])
            return Offer(f"'{word}' is a part of names: write {line}", "op_partial_names", (word,))
        return self._types_there(spot, known, fit)

    def _several_types(self, spot: Spot) -> Offer | None:
        words = [type_name(word) for word in separate_words(spot.word)]
        if len(words) < 2 or not all(word in self.types or word in DEFAULT_TYPES for word in words):  # noqa: PLR2004
            return None
        return self._write(spot, "op_types", words, ", each an element of its own")

    def _default(self, spot: Spot, fit: Sequence[str]) -> Offer:
        """Return the offer of `default`, with the types of the model that have weights and are not among them."""
        weighted = {t for p, t in enumerate(self._inventory.types) if self._inventory.has_weight(p)}
        others = [kind for kind in fit if kind in weighted and kind not in DEFAULT_TYPES]
        words = ["default", *others] if not self.types.keys().isdisjoint(DEFAULT_TYPES) else others
        words = [word for word in words if word not in (spot.config.op_types or ())]
        return (
            self._write(spot, "op_types", words) if words else Offer("'default' stands for the weighted types of NNI")
        )

    def _types_like(self, word: str, known: Sequence[str]) -> list[str]:
        """Return the types that an element of `op_types` may mean: all that a pattern matches, or the nearest."""
        if not has_wildcards(word) or type_name(word) in known:
            return nearest_types(word, known)
        for reading in readings(word, part=False):
            if reading.where in ("in full", "from the start") and (found := [t for t in known if reading.matches(t)]):
                return found
        return []

    @functools.cached_property
    def _weighted(self) -> frozenset[str]:
        """The types that may be offered to compress weights: without those that have none, and normalizations."""
        found: set[str] = set()
        for position, kind in enumerate(self._inventory.types):
            known = kind in found or is_norm(kind) or self._inventory.has_weight(position) is False
            if not known and not self.only_holds_layers(self._inventory.names[position]):
                found.add(kind)
        return frozenset(found)

    @functools.cached_property
    def _likely(self) -> frozenset[str]:
        """Of these the types that are known to have weights, or have the name of such a type."""
        known = {kind for p, kind in enumerate(self._inventory.types) if self._inventory.has_weight(p)}
        return frozenset(kind for kind in self._weighted if kind in known or _has_weighted_name(kind))

    def _to_compress(self, known: Sequence[str], spot: Spot) -> list[str]:
        """Return the types among `known` that are likely meant: those with weights, all where none is needed."""
        likely = [kind for kind in known if kind in self._likely]
        return likely if likely or spot.needs_weight else list(known)

    def _types_there(self, spot: Spot, known: Sequence[str], fit: Sequence[str]) -> Offer:
        """Return which types there are in place of one that is not: those that are of use and not listed yet."""
        if not known:
            return Offer("the model has no layers")
        of_all = len(known) == len(self.types)
        other = "" if (spot.config.types or frozenset()).isdisjoint(known) else "other "
        if spot.needs_weight:
            fit = self._to_compress(fit, spot) or fit
        limit = " that can be compressed" if spot.needs_weight and len(fit) < len(known) else ""
        if not fit:
            return Offer(f"{'the model has' if of_all else 'the layers that it names have'} no {other}type{limit}")
        whose = "the model" if of_all else "these layers" if limit else "the layers that it names"
        if len(fit) > 1:
            return Offer(f"the {other}types of {whose}{limit} are {_some(fit)}")
        return Offer(f"the only {other}type of {whose}{limit} is '{fit[0]}'")

    def types_named(self, config: SubConfig) -> Counter[str]:
        """Return the types of the layers that the names of a selector match, whatever `op_types` says."""
        names = dict.fromkeys(config.op_names or ())
        for part in config.op_partial_names or ():
            names.update(dict.fromkeys(itertools.islice(self._all.containing(part), _MOST_NAMES)))
        positions = (self._inventory.position(name) for name in names)
        return Counter(self._inventory.types[position] for position in positions if position is not None)

    # Sub-configs that select no layer, and layers of other types.

    def for_idle(self, config: SubConfig, notation: Notation, base: ConfigPath) -> Offer | None:
        """Return what to write where types and names match layers, and none of them the same."""
        spot = Spot(config, (*base, "op_types", 0), notation)
        layers = self._layers(config.types) or self._all
        for name in config.op_names or ():
            if (offer := self._below(Spot(config, (*base, "op_names", 0), notation), name, layers)) is not None:
                return Offer(offer.hint)
        container = next((name for name in config.op_names or () if self.only_holds_layers(name)), None)
        if container is not None:
            return self._inside(spot, container)
        named = [kind for kind, _ in self.types_named(config).most_common()]
        types = self._to_compress(named, spot)[:_SHOWN_TYPES]
        if types:
            edits = (Edit("replace", (*base, "op_types"), tuple(types)),)
            return Offer(f"write {spot.line('op_types', types)}", edits=edits)
        paths = (
            path[:-1]
            for part in config.op_partial_names or ()
            for name in self._all.containing(part)
            for path in paths_of(f"{name}.")
        )
        fused = next((Offer(fused) for path in paths if (fused := self._fused(path, self._all))), None)
        what = listed(named) if len(named) == 1 else _some(named)
        return fused or (Offer(f"the layers that it names have the type {what}") if named else None)

    def _inside(self, spot: Spot, container: str) -> Offer | None:
        """Return how to select the layers in a container, when the types beside it are of none of them."""
        path = f"{container}."
        inside = [name for name in self._all.containing(path) if name.startswith(path)]
        counts = Counter(
            self._inventory.types[p] for name in inside if (p := self._inventory.position(name)) is not None
        )
        types = self._to_compress([kind for kind, _ in counts.most_common()], spot)[:_SHOWN]
        if not types:
            return None
        lines = f"{spot.line('op_partial_names', [path])} and {spot.line('op_types', types)}"
        return Offer(f"write {lines} for the layers in it")

    def for_containers(self, spot: Spot, names: Sequence[str]) -> Offer | None:
        """Return what to write where an element means containers, for those in them; None when nothing is exact."""
        layers = self._layers(spot.config.types if spot.key == "op_names" else None)
        parts = self._parts_below(names, layers) if layers is not None else None
        if not parts:
            return None
        return self._write(spot, "op_partial_names", parts, f" for the layers in {'it' if len(names) == 1 else 'them'}")

    def for_mismatch(self, spot: Spot, types: Sequence[str]) -> Offer:
        """Return what to write for an element of which `op_types` filters out all layers; they have these types."""
        layers = self._layers(spot.config.types) if spot.key == "op_names" else None
        below = self._below(spot, spot.word, layers) if layers is not None else None
        if below is not None:
            return below
        of_use = [kind for kind in types if kind in self._weighted] if spot.needs_weight else list(types)
        what = "the name" if spot.key == "op_names" else "it"
        # Without the only name there would be an empty list.
        alone = spot.alone_among_names
        out = "name layers of the types that it lists" if alone else f"take {what} out of '{spot.key}'"
        if 0 < len(of_use) <= _SHOWN:
            return Offer(f"add {listed(of_use)} to 'op_types', or {out}")
        return Offer("name layers of the types that 'op_types' lists" if alone else out)

    def types_containing(self, part: str) -> list[str]:
        """Return the types of the layers whose names contain `part`, those of the most layers first."""
        positions = map(self._inventory.position, self._all.containing(part))
        return [kind for kind, _ in Counter(self._inventory.types[p] for p in positions if p is not None).most_common()]

    def renaming(self, elements: Sequence[tuple[str, SubConfig]], looked_at: int) -> Renaming | None:
        """Return what is wrong with the beginning of most of these names, as the first `looked_at` of them show."""
        meant: dict[str, str] = {}
        for word, config in elements[:looked_at]:
            layers = self._layers(config.types)
            meant.update((word, name) for name in (layers.nearest(word, 1) if layers else ()))
        return common_renaming(
            meant, [word for word, _ in elements], lambda name: self._inventory.position(name) is not None
        )

    def _layers(self, admitted: frozenset[str] | None) -> LayerNames | None:
        """Return the layers of the admitted types by name: all of them when none of the types is there."""
        if admitted is None or admitted.isdisjoint(self.types):
            return self._all
        if admitted not in self._indices and len(self._indices) < _INDICES:
            pairs = zip(self._inventory.names, self._inventory.types, strict=True)
            self._indices[admitted] = LayerNames(name for name, kind in pairs if kind in admitted)
        return self._indices.get(admitted)

    def only_holds_layers(self, name: str) -> bool:
        """Return whether a layer has others below it and no weight or parameters of its own."""
        position = self._inventory.position(name)
        if position is None or name not in self._all.containers:
            return False
        return not self._inventory.has_weight(position) and not self._inventory.parameters(position)

    @functools.cached_property
    def _first_components(self) -> list[str]:
        return list(dict.fromkeys(name.partition(".")[0] for name in self._inventory.names))

    def _beginnings(self) -> Offer:
        if not self._first_components:
            return Offer("the model has no layers")
        return Offer(f"the model's names begin with {_some(self._first_components)}")


_PLACEHOLDER = re.compile(r"\{[^\W\d]\w*\}")
"""What a formatted string has where a value goes: the `f` before it was left out."""
_WEIGHTED_NAME = re.compile(r"Linear|Conv|Embedding|PReLU|LSTM|GRU|RNN")


def _has_weighted_name(kind: str) -> bool:
    """Return whether a type is named like those that have weights: where nothing else is known of a layer."""
    return kind in GENERIC_TYPES or _WEIGHTED_NAME.search(kind) is not None


def is_weighted(inventory: Inventory, position: int) -> bool:
    """Return whether a layer has a weight; where that is not known, whether its type is named as if it had."""
    known = inventory.has_weight(position)
    return _has_weighted_name(inventory.types[position]) if known is None else known


def is_norm(kind: str) -> bool:
    """Return whether a type is a normalization, as its name says: `LayerNorm`, `BatchNorm2d`, `LlamaRMSNorm`."""
    return "norm" in kind.lower()


def _cut_numbers(reading: Reading, meant: Sequence[str]) -> str:
    """Return that some of what a pattern matches goes on with digits where it ends: `[0-3]` in "layer.10"."""
    found = ((name, reading.matches(name)) for name in meant)
    ends = ((name, match.end()) for name, match in found if isinstance(match, re.Match))
    cut = [name for name, end in ends if 0 < end < len(name) and name[end - 1].isdecimal() and name[end].isdecimal()]
    return f", of which {len(cut):,} go on with more digits, such as '{cut[0]}'" if 0 < len(cut) < len(meant) else ""


def _difference(who: str, meant: Sequence[str], other: Sequence[str]) -> Iterator[str]:
    """Yield how other layers differ from those that are meant, if they do."""
    extra, lost = set(other).difference(meant), set(meant).difference(other)
    words = []
    if extra:
        first = next(name for name in other if name in extra)
        words.append(f"matches {len(extra):,} more, such as '{first}'")
    if lost:
        words.append("matches none of them" if len(lost) == len(meant) else f"does not match {len(lost):,} of them")
    if words:
        yield f"{who} {' and '.join(words)}"


def _is_whole(part: str, name: str) -> bool:
    """Return whether `part` is in a name without cutting a word or a number."""
    at = name.find(part)
    end = at + len(part)
    return not (name[at - 1 : at].isalnum() and part[0].isalnum()) and not (
        name[end : end + 1].isalnum() and part[-1].isalnum()
    )


def _plain(word: str) -> str:
    """Return a word without white space and quotes around it: what it names does not depend on them."""
    return word.strip().strip("'\"`").strip()


def _some(words: Sequence[str]) -> str:
    """Return the first of `words` as a sentence lists them, and how many more there are."""
    if len(words) <= _SHOWN + 1:
        return listed(words)
    shown = ", ".join(f"'{word}'" for word in words[:_SHOWN])
    return f"{shown} and {len(words) - _SHOWN:,} more"
