"""What the selectors find in the model, and what they do not (D14, D17).

Every element that no layer answers to is reported at its place. Of the many that a list may hold, only the
first get a remedy: after a thousand of them it is the list that does not belong to the model.
"""

from __future__ import annotations

import functools
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence

from compression_config.configs.sub_config import DEFAULT_TYPES, SELECTOR_KEYS, SubConfig
from compression_config.findings import Code, Finding, Severity
from compression_config.inventory import Inventory
from compression_config.locations import ConfigPath
from compression_config.resolving.resolved import Resolved
from compression_config.resolving.selection import AliasUse, Mismatch, Unmatched
from compression_config.suggestions import LayerNames, Renaming, common_renaming, has_wildcards, plain_parts, respelt
from compression_config.text import listed, nearest, written

__all__ = ["REMEDIES", "Remedies", "selection_findings"]


REMEDIES = 1_000
"""So many elements of each key get a remedy; the others are reported without one."""
_LONGEST_SHOWN = 120
"""How many characters of an element a message repeats."""
_SHOWN_TYPES = 3


def selection_findings(resolved: Resolved) -> Iterator[Finding]:
    """Yield what is to be said of the selectors, in list order; within a sub-config first what speaks of all of it.

    Nothing but `only-root` is said of a model that has no layers because its only module is the root.
    """
    if not resolved.config_list:
        return
    if resolved.inventory.only_root:
        message = "the only module of the model is the root, and the root is no layer"
        hint = "wrap it: in torch.nn.Sequential(model) it is the layer '0'"
        yield Finding.at(resolved.config_list.provenance.place(()), Code.ONLY_ROOT, message, hint)
        return
    selection = resolved.selection
    idle = next(selection.idle, None) is not None
    if idle or selection.unmatched or selection.mismatches or selection.alias_uses:
        yield from _Selecting(resolved).findings()


class _Selecting:
    """The findings about selectors in the making: how many remedies were given, and what is known of the model."""

    def __init__(self, resolved: Resolved) -> None:
        self._resolved = resolved
        self._configs = resolved.config_list
        self._names = resolved.inventory.names
        self._remedies = Remedies(resolved.inventory)
        self._given: Counter[str] = Counter()
        self._renaming: Renaming | None = None
        self._unsaid = True
        """Whether the renaming is still to be explained."""

    def findings(self) -> Iterator[Finding]:
        """Yield them in list order."""
        self._renaming = self._common_renaming()
        selection = self._resolved.selection
        said = [
            *((*_place_of(unmatched), self._of_unmatched(unmatched)) for unmatched in selection.unmatched),
            *((*_place_of(mismatch), self._of_mismatch(mismatch)) for mismatch in selection.mismatches),
            *((*_place_of(use), self._of_alias(use)) for use in selection.alias_uses),
        ]
        # What the caller has silenced does not say why a sub-config selects nothing.
        level = self._configs.policy.level
        wrong = {index for index, _, _, finding in said if level(finding) == "error"}
        spoken_of = {index for index, _, _, _ in said}
        unsaid = (
            index for index in selection.idle if index not in (spoken_of if self._configs[index].exclude else wrong)
        )
        said += [(index, -1, 0, self._of_idle(index)) for index in unsaid]
        yield from (finding for _, _, _, finding in sorted(said, key=lambda entry: entry[:3]))

    # What is said of each.

    def _of_unmatched(self, unmatched: Unmatched) -> Finding:
        config: SubConfig = self._configs[unmatched.index]
        word: str = getattr(config, unmatched.key)[unmatched.element]
        severity = None
        if unmatched.key == "op_types":
            code, message = Code.UNMATCHED_TYPE, f"no layer has the type {_shown(word)}"
            if word == "default":
                message = "no layer has one of the types that 'default' stands for"
            if not config.exclude and (config.types or frozenset()).isdisjoint(self._remedies.types):
                severity = Severity.ERROR  # this is why the sub-config selects nothing
        elif unmatched.key == "op_names":
            code, message = Code.UNMATCHED_NAME, f"no layer has the name {_shown(word)}"
        else:
            code, message = Code.UNMATCHED_PARTIAL_NAME, f"no layer has a name that contains {_shown(word)}"
        hint = self._remedy(unmatched, word, config)
        return self._finding(unmatched.path, code, message, hint, severity)

    def _of_mismatch(self, mismatch: Mismatch) -> Finding:
        config: SubConfig = self._configs[mismatch.index]
        name, kind = self._names[mismatch.position], self._resolved.inventory.types[mismatch.position]
        message = f"layer {_shown(name)} has the type '{kind}', which 'op_types' does not list"
        hint = None
        if self._given["mismatch"] < REMEDIES:
            self._given["mismatch"] += 1
            below = self._remedies.below(name, config)
            hint = below or f"add '{kind}' to 'op_types', or take the name out of 'op_names'"
        return self._finding((mismatch.index, "op_names", mismatch.element), Code.TYPE_MISMATCH, message, hint)

    def _of_alias(self, use: AliasUse) -> Finding:
        position = self._resolved.inventory.aliases[use.alias]
        name = self._names[position]
        word: str = getattr(self._configs[use.index], use.key)[use.element]
        if use.key == "op_names":
            message = f"{_shown(word)} is another name of layer {_shown(name)}, which it selects"
        else:
            message = f"{_shown(word)} takes layer {_shown(name)} by '{use.alias}', another name of it"
        hint = f"write '{name}'" if use.key == "op_names" else f"write {written('op_names', [name])}"
        return self._finding((use.index, use.key, use.element), Code.SELECTED_BY_ALIAS, message, hint)

    def _of_idle(self, index: int) -> Finding:
        config: SubConfig = self._configs[index]
        hint = None
        if not config.names_layers:
            message = "no layer has one of the types that this sub-config lists"
        elif index in self._named_in_vain:
            message = "no layer has one of the names that this sub-config lists"
        else:
            message = "no layer that this sub-config names has one of the types that 'op_types' lists"
            hint = self._remedy_for_idle(config)
        severity = Severity.WARNING if config.exclude else None
        return self._finding((index,), Code.SELECTS_NOTHING, message, hint, severity)

    def _finding(
        self, path: ConfigPath, code: Code, message: str, hint: str | None, severity: Severity | None = None
    ) -> Finding:
        place = self._configs.provenance.place(path)
        return Finding.at(place, code, message, hint, severity=severity)

    # What to write instead.

    def _remedy_for_idle(self, config: SubConfig) -> str | None:
        if self._given["idle"] >= REMEDIES:
            return None
        self._given["idle"] += 1
        containers = (self._remedies.below(name, config) for name in config.op_names or ())
        types = [kind for kind, _ in self._remedies.types_named(config).most_common(_SHOWN_TYPES)]
        return (
            next(filter(None, containers), None)
            or self._remedies.inside(config)
            or (f"write {written('op_types', types)}" if types else None)
        )

    @functools.cached_property
    def _named_in_vain(self) -> set[int]:
        """The sub-configs of which no name and no partial name is answered to."""
        unmatched = Counter(u.index for u in self._resolved.selection.unmatched if u.key != "op_types")
        return {
            index
            for index, count in unmatched.items()
            if count == len(self._configs[index].op_names or ()) + len(self._configs[index].op_partial_names or ())
        }

    def _remedy(self, unmatched: Unmatched, word: str, config: SubConfig) -> str | None:
        if self._given[unmatched.key] >= REMEDIES:
            return None
        self._given[unmatched.key] += 1
        find = {
            "op_types": self._remedies.for_type,
            "op_names": self._remedies.for_name,
            "op_partial_names": self._remedies.for_partial_name,
        }[unmatched.key]
        remedy = find(word, config)
        if unmatched.key == "op_names" and self._unsaid and self._renaming is not None:
            name = self._renaming.applied(word)
            if name is not None and remedy == f"write '{name}'":
                self._unsaid = False
                return f"{remedy}: {self._renaming.words}"
        return remedy

    def _common_renaming(self) -> Renaming | None:
        names = [unmatched for unmatched in self._resolved.selection.unmatched if unmatched.key == "op_names"]
        if len(names) < 2:  # noqa: PLR2004 - nothing is common to one
            return None
        elements = [(self._configs[u.index].op_names[u.element], self._configs[u.index]) for u in names]
        return self._remedies.renaming(elements, REMEDIES)


def _place_of(said: Unmatched | Mismatch | AliasUse) -> tuple[int, int, int]:
    """Return what sorts by sub-config, key and element."""
    key = "op_names" if isinstance(said, Mismatch) else said.key
    return said.index, SELECTOR_KEYS.index(key), said.element


def _shown(word: str) -> str:
    return f"'{word}'" if len(word) <= _LONGEST_SHOWN else f"'{word[: _LONGEST_SHOWN - 3]}...'"


_INDICES = 8
"""For so many different `op_types` the layers are indexed; selectors with others get no names offered."""
_SHOWN = 4
"""How many types, or beginnings of names, a remedy lists."""
_FEW = 2
"""Up to so many names are offered in full; more of them by what they have in common."""
_TYPES = 500
"""In models with more types than this none is looked for that resembles another."""


class Remedies:
    """What to write instead, for one model. None stands for: nothing is like it."""

    def __init__(self, inventory: Inventory) -> None:
        self._inventory = inventory
        self._indices: dict[frozenset[str], LayerNames] = {}

    @functools.cached_property
    def types(self) -> Counter[str]:
        """The types of the model, with the number of layers that have them."""
        return Counter(self._inventory.types)

    @functools.cached_property
    def _all(self) -> LayerNames:
        """All layers by name, whatever their type."""
        return LayerNames(self._inventory.names)

    @functools.cached_property
    def _folded_types(self) -> dict[str, str]:
        return {kind.casefold(): kind for kind in self.types}

    def for_name(self, word: str, config: SubConfig) -> str | None:
        """Return the remedy for an element of `op_names`."""
        index = self._index(config.types)
        if index is None:
            return self._beginnings()
        return (
            self._as_type(word, index)
            or self._without_wildcards(word, index, "op_names")
            or self.below(word, config)
            or self._number(word, index)
            or self._as_name(word, index, config)
            or self._as_container(word, index, config)
            or (f"it is a part of names: write {written('op_partial_names', [word])}" if index.holds(word) else None)
            or self._as_type(self._folded_types.get(word.strip().casefold(), ""), index)
            or self._beginnings()
        )

    def for_partial_name(self, word: str, config: SubConfig) -> str | None:
        """Return the remedy for an element of `op_partial_names`."""
        index = self._index(config.types)
        if index is None:
            return self._beginnings()
        remedy = (
            self._as_type(word, index)
            or self._without_wildcards(word, index, "op_partial_names")
            or self._number(word, index)
        )
        if remedy is None and (part := index.nearest_part(word)):
            remedy = f"write '{part}'"
        return remedy or self._as_type(self._folded_types.get(word.strip().casefold(), ""), index) or self._beginnings()

    def for_type(self, word: str, config: SubConfig) -> str | None:
        """Return the remedy for an element of `op_types`."""
        types = self.types_named(config) if config.names_layers else self.types
        known = [kind for kind, _ in (types or self.types).most_common()]
        last = word.strip().rpartition(".")[2].strip("<>'\"")
        if last in known:
            return f"write '{last}'"
        position = self._inventory.position(word)
        if position is not None:
            return f"'{word}' is a name: write {written('op_names', [word])}"
        meant = _types_like(word, last, known)
        if meant:
            return f"write {_alternatives(meant)}"
        if word != "default" and self._all.holds(word):
            return f"'{word}' is a part of names: write {written('op_partial_names', [word])}"
        if not known:
            return "the model has no layers"
        whose = "the model" if len(known) == len(self.types) else "the layers that it names"
        return (
            f"the types of {whose} are {_some(known)}"
            if len(known) > 1
            else f"the only type of {whose} is '{known[0]}'"
        )

    def below(self, name: str, config: SubConfig) -> str | None:
        """Return the remedy for a container of which the layers are meant; None when none below is admitted."""
        index = self._index(config.types)
        if index is None or name not in index.containers:
            return None
        return f"write {written('op_partial_names', [f'{name}.'])} for the layers in it"

    def inside(self, config: SubConfig) -> str | None:
        """Return the remedy for a selector that names a container, and lists types that no layer in it has."""
        container = next(filter(self._only_holds_layers, config.op_names or ()), None)
        if container is None:
            return None
        way = f"{container}."
        samples = self._all.forms.samples(way).items()
        types = self._types_of({name: weight for name, weight in samples if name.startswith(way)})
        kinds = [kind for kind, _ in types.most_common(_SHOWN)]
        return f"write {written('op_partial_names', [way])} and {written('op_types', kinds)} for the layers in it"

    def renaming(self, elements: Sequence[tuple[str, SubConfig]], looked_at: int) -> Renaming | None:
        """Return what is wrong with the beginning of most of these names, as the first `looked_at` of them show."""
        meant: dict[str, str] = {}
        for word, config in elements[:looked_at]:
            index = self._index(config.types)
            meant.update((word, name) for name in (index.nearest(word, 1) if index else ()))
        return common_renaming(
            meant, [word for word, _ in elements], lambda name: self._inventory.position(name) is not None
        )

    def types_named(self, config: SubConfig) -> Counter[str]:
        """Return the types of the layers that the names of a selector hold for, whatever `op_types` says.

        With about how many layers have them; empty when its names hold for none.
        """
        samples = dict.fromkeys(config.op_names or (), 1)
        for part in config.op_partial_names or ():
            samples.update(self._all.forms.samples(part))
        return self._types_of(samples)

    def _types_of(self, names: Mapping[str, int]) -> Counter[str]:
        """Return the types of layers, each counted as often as `names` says.

        Of those with parameters of their own, if there are any; of containers only when all are.
        """
        with_parameters: Counter[str] = Counter()
        types: Counter[str] = Counter()
        of_containers: Counter[str] = Counter()
        for name, weight in names.items():
            position = self._inventory.position(name)
            if position is not None:
                counted = of_containers if self._only_holds_layers(name) else types
                if self._inventory.has_weight(position) or self._inventory.parameters(position):
                    counted = with_parameters
                counted[self._inventory.types[position]] += weight
        return with_parameters or types or of_containers

    def _index(self, admitted: frozenset[str] | None) -> LayerNames | None:
        """Return the layers of the admitted types by name: all of them when none of the types is there."""
        if admitted is None or admitted.isdisjoint(self.types):
            return self._all
        if admitted not in self._indices and len(self._indices) < _INDICES:
            pairs = zip(self._inventory.names, self._inventory.types, strict=True)
            self._indices[admitted] = LayerNames(name for name, kind in pairs if kind in admitted)
        return self._indices.get(admitted)

    def _as_type(self, word: str, index: LayerNames) -> str | None:
        word = word.strip()
        if word not in self.types and not (word == "default" and not self.types.keys().isdisjoint(DEFAULT_TYPES)):
            return None
        remedy = f"'{word}' is a type: write {written('op_types', [word])}"
        names = index.nearest(word, 1)
        if names and names[0].casefold() == word.casefold():
            remedy += f"; the layer is '{names[0]}'"
        return remedy

    def _without_wildcards(self, word: str, index: LayerNames, key: str) -> str | None:
        """Return the plain text that comes closest to a pattern; None when `word` is none."""
        if not has_wildcards(word) or any(map(index.holds, respelt(word))):
            return None
        rule = "a partial name is a plain substring" if key == "op_partial_names" else "a name is written in full"
        rule += ", without wildcards"
        whole = word.strip("^$").replace("\\", "")
        anchored = word.startswith("^") and word.endswith("$")
        meant = whole in index and not self._only_holds_layers(whole) and (anchored or key == "op_names")
        alternatives = [[whole]] if meant else plain_parts(word)
        parts = [_tightest(index, pieces) for pieces in alternatives]
        held = list(dict.fromkeys(filter(None, parts)))
        if not held:
            return rule
        verb = "write" if all(len(pieces) == 1 for pieces in alternatives) else "the nearest to it is"
        if key == "op_partial_names":
            return f"{rule}: {verb} {written('op_names', held) if meant else listed(held)}"
        in_full = all(part in index for part in held)
        return f"{rule}: {verb} {listed(held) if in_full else written('op_partial_names', held)}"

    def _as_name(self, word: str, index: LayerNames, config: SubConfig) -> str | None:
        names = index.nearest(word, _FEW + 1)
        if not names or (config.op_types is None and self._only_holds_layers(names[0])):
            return None
        if len(names) <= _FEW or not names[-1].endswith(f".{word}"):
            return f"write {_alternatives(names[:_FEW])}"
        part, ending = f".{word}", len(index.forms.ending(word))
        if ending == sum(1 for _ in index.forms.holding(part)):
            return f"write {written('op_partial_names', [part])} for the {ending:,} layers whose names end so"
        return f"write in full which of the {ending:,} layers whose names end so is meant, such as '{names[0]}'"

    def _as_container(self, word: str, index: LayerNames, config: SubConfig) -> str | None:
        """Return the remedy for a word that is like the name of a container, or the end of several."""
        meant = index.containers.nearest(word, 2)
        if len(meant) > 1 and meant[1].endswith(f".{word}"):
            return f"write {written('op_partial_names', [f'.{word}.'])} for the layers in these containers"
        return self.below(meant[0], config) if meant else None

    def _only_holds_layers(self, name: str) -> bool:
        """Return whether a layer has others below it and no weight of its own."""
        position = self._inventory.position(name)
        if position is None or name not in self._all.containers:
            return False
        return not self._inventory.has_weight(position)

    def _number(self, word: str, index: LayerNames) -> str | None:
        found = self._all.numbers(word) if index.shows(word) else None
        if found is None:
            return None
        way, numbers = found
        if len(numbers) == 1:
            return f"the only number behind '{way}' is {numbers[0]}"
        return f"the numbers behind '{way}' go from {numbers[0]} to {numbers[-1]}"

    @functools.cached_property
    def _first_components(self) -> list[str]:
        return list(dict.fromkeys(name.partition(".")[0] for name in self._inventory.names))

    def _beginnings(self) -> str:
        if not self._first_components:
            return "the model has no layers"
        return f"the model's names begin with {_some(self._first_components)}"


def _alternatives(words: Iterable[str]) -> str:
    return listed(words, last="or")


def _some(words: Sequence[str]) -> str:
    """Return the first of `words` as a sentence lists them, and how many more there are."""
    if len(words) <= _SHOWN + 1:
        return listed(words)
    shown = ", ".join(f"'{word}'" for word in words[:_SHOWN])
    return f"{shown} and {len(words) - _SHOWN:,} more"


def _types_like(word: str, last: str, known: Sequence[str]) -> list[str]:
    """Return the types among `known` that `word`, of which `last` stands behind the dots, may mean: at most two."""
    if word == "default":
        return []
    if has_wildcards(word):
        parts = [part for pieces in plain_parts(word) for part in pieces]
        return [kind for kind in known if any(part in kind for part in parts)][:_FEW]
    close = nearest(last, known) if len(known) <= _TYPES else []
    if close or not last[:1].isupper():  # classes begin with a capital: anything else is a part of a name
        return close
    return [kind for kind in known if last in kind or kind in last][:_FEW]


def _tightest(index: LayerNames, pieces: Iterable[str]) -> str | None:
    """Return of some texts the one that the fewest names contain; None when no name contains any of them."""
    held: list[tuple[int, str]] = []
    for piece in pieces:
        part = next((part for part in _with_and_without_dots(piece) if index.holds(part)), None)
        if part is not None:
            held.append((index.forms.weight(part), part))
    return min(held)[1] if held else None


def _with_and_without_dots(piece: str) -> Iterator[str]:
    yield from (piece, piece.rstrip("."), piece.strip("."))
