"""What the selectors find in the model, and what they do not (D14, D17).

Every element that matches no layer is reported at its place, with a hint that was tried (`linting.hints`).
"""

from __future__ import annotations

import functools
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace

from compression_config.configs.sub_config import SELECTOR_KEYS, SubConfig
from compression_config.findings import Code, Finding, Severity
from compression_config.linting.hints import GENERIC_TYPES, Hints, Offer, Spot
from compression_config.locations import ConfigPath
from compression_config.resolving.resolved import Resolved
from compression_config.resolving.selection import UNDECIDED, AliasUse, Mismatch, Unmatched
from compression_config.suggestions import Renaming
from compression_config.text import SHOWN, listed

__all__ = ["HINTS", "findings_about", "list_findings", "selection_findings"]


HINTS = 100
"""For so many elements of each key it is looked for what was meant; the second hundred is seldom read."""
_DEEPEST = 100
"""In dots: for an element of more it is not looked for what was meant."""
_REPETITIONS = 10
"""For so many names that are written twice it is looked for another one that was meant."""
_LONGEST_SHOWN = 120
"""How many characters of an element a message repeats."""


def list_findings(resolved: Resolved) -> Iterator[Finding]:
    """Yield the findings of the list itself as they read beside a model, in list order.

    What may be a pattern was matched now: if it is one, it is unmatched. A name that is written twice may have been
    meant for one that no sub-config selects.
    """
    repetitions = 0
    for finding in resolved.config_list.findings:
        if finding.code is Code.WILDCARD:
            continue
        if finding.code is Code.UNPAIRED_QUANT_TYPES and not _is_one_sided(resolved):
            continue
        if finding.code is Code.REPEATED_ELEMENT and finding.path[-2] == "op_names" and repetitions < _REPETITIONS:
            repetitions += 1
            forgotten = _forgotten(resolved, int(finding.path[-3]), int(finding.path[-1]))
            if forgotten is not None:
                yield replace(finding, hint=f"{finding.hint}, or write '{forgotten}', which no sub-config selects")
                continue
        yield finding


def _is_one_sided(resolved: Resolved) -> bool:
    """Return whether a sub-config quantizes weights alone, or inputs alone of layers that may have a weight."""
    for index, config in enumerate(resolved.config_list):
        quant_types = getattr(config, "quant_types", None) or ()
        if "weight" in quant_types and "input" not in quant_types:
            return True
        if "input" in quant_types and "weight" not in quant_types:
            decided = resolved.decided[index]
            if not decided or any(resolved.inventory.has_weight(position) is not False for position in decided):
                return True
    return False


def _forgotten(resolved: Resolved, index: int, element: int) -> str | None:
    """Return the one layer that no sub-config selects among those whose names differ from one in the same number.

    Two of these at least are listed beside it. None when there is no such layer, or more than one.
    """
    config: SubConfig = resolved.config_list[index]
    names = config.op_names or ()
    found: dict[str, None] = {}
    for number in re.finditer("[0-9]+", names[element]):
        start, end = names[element][: number.start()], names[element][number.end() :]
        between = {name[len(start) : len(name) - len(end)] for name in names if name.startswith(start)}
        numbers = {int(text) for text in between if re.fullmatch("0|[1-9][0-9]{0,4}", text)}
        listed_numbers = {number for number in numbers if f"{start}{number}{end}" in names}
        if len(listed_numbers) > 1:
            around = range(min(listed_numbers) - 1, max(listed_numbers) + 2)
            siblings = (f"{start}{number}{end}" for number in around if number not in listed_numbers)
            found.update((name, None) for name in siblings if _is_left(resolved, config, name))
    return next(iter(found)) if len(found) == 1 else None


def _is_left(resolved: Resolved, config: SubConfig, name: str) -> bool:
    """Return whether there is a layer of this name that no sub-config selects, of a type that `config` admits."""
    position = resolved.inventory.position(name)
    if position is None or resolved.decided_by[position] != UNDECIDED:
        return False
    return config.types is None or resolved.inventory.types[position] in config.types


def selection_findings(resolved: Resolved) -> Iterator[Finding]:
    """Yield the findings about the selectors, in list order; within a sub-config first those about all of it.

    A model that has no layers because its only module is the root gets `only-root` and nothing else.
    """
    if not resolved.config_list:
        return
    if resolved.inventory.only_root:
        message = "the only module of the model is the root, which is not a layer"
        hint = "wrap it: in torch.nn.Sequential(model) it is the layer '0'"
        yield Finding.at(resolved.config_list.provenance.place(()), Code.ONLY_ROOT, message, hint)
        return
    selection = resolved.selection
    idle = next(selection.idle, None) is not None
    if idle or selection.unmatched or selection.mismatches or selection.alias_uses:
        yield from _Selecting(resolved).findings()


def findings_about(resolved: Resolved, position: int) -> Iterator[Finding]:
    """Yield the findings about selectors that may have meant the layer at `position`: their hints name or select it."""
    name = resolved.inventory.names[position]
    for finding in selection_findings(resolved):
        values = [edit.value for edit in finding.fix or ()]
        words = [word for value in values for word in ((value,) if isinstance(value, str) else tuple(value or ()))]
        named = finding.path[-2:-1] == ("op_names",) and f"'{name}'" in (finding.hint or "")
        partial = any("op_partial_names" in edit.path or edit.value == "op_partial_names" for edit in finding.fix or ())
        if named or name in words or (partial and any(word in name for word in words)):
            yield finding


class _Selecting:
    """The findings about selectors in the making: how many hints were given, and what is known of the model."""

    def __init__(self, resolved: Resolved) -> None:
        self._resolved = resolved
        self._configs = resolved.config_list
        self._names = resolved.inventory.names
        self._hints = Hints(resolved.inventory)
        self._given: Counter[str] = Counter()
        self._no_types: dict[int, bool] = {}
        self._renaming: Renaming | None = None
        self._renaming_shown = False

    def findings(self) -> Iterator[Finding]:
        """Yield them in list order."""
        self._renaming = self._common_renaming()
        selection = self._resolved.selection
        found = [
            *((*_order(unmatched), self._of_unmatched(unmatched)) for unmatched in selection.unmatched),
            *((*_order(use), self._of_alias(use)) for use in selection.alias_uses),
        ]
        # What the caller has silenced does not explain why a sub-config selects nothing.
        level = self._configs.policy.level
        wrong = {
            index for index, _, _, finding in found if finding.severity is Severity.ERROR and level(finding) == "error"
        }
        reported = {index for index, *_ in found}
        mismatched = {mismatch.index for mismatch in selection.mismatches}
        idle = {
            index
            for index in selection.idle
            if not _lists_nothing(self._configs[index])
            and index not in (reported | mismatched if self._configs[index].exclude else wrong)
        }
        found += [(index, -1, 0, self._of_idle(index)) for index in idle]
        found += [(*_order(mismatch), self._of_mismatch(mismatch)) for mismatch in selection.mismatches]
        yield from (finding for _, _, _, finding in sorted(found, key=lambda entry: entry[:3]))

    def _no_type_is_there(self, index: int) -> bool:
        """Return whether the model has none of the types that a sub-config lists; worked out once for each."""
        if index not in self._no_types:
            config: SubConfig = self._configs[index]
            self._no_types[index] = not any(name in self._hints.types for name in config.types or ())
        return self._no_types[index]

    def _of_unmatched(self, unmatched: Unmatched) -> Finding:
        config: SubConfig = self._configs[unmatched.index]
        word: str = getattr(config, unmatched.key)[unmatched.element]
        severity = None
        if unmatched.key == "op_types":
            code, message = Code.UNMATCHED_TYPE, f"no layer has the type {_shown(word)}"
            if word == "default":
                message = "no layer has one of the types that 'default' stands for"
            if not self._no_type_is_there(unmatched.index):
                severity = Severity.NOTE if word in GENERIC_TYPES else None
            elif not config.exclude or self._filters_all_out(unmatched.index):
                severity = Severity.ERROR  # this is why the sub-config selects nothing (D14)
        elif unmatched.key == "op_names":
            code, message = Code.UNMATCHED_NAME, f"no layer has the name {_shown(word)}"
        else:
            code, message = Code.UNMATCHED_PARTIAL_NAME, f"no layer has a name that contains {_shown(word)}"
        spot = Spot.at(self._resolved, unmatched.path)
        offer = self._hints.offer(spot) if _is_shallow(word) and self._may_hint(unmatched.key) else None
        if offer is not None and unmatched.key == "op_names":
            offer = self._with_renaming(offer, word)
        return self._finding(unmatched.path, code, message, offer, severity)

    def _filters_all_out(self, index: int) -> bool:
        """Return whether all layers that a sub-config names are of other types, and that is not reported for each."""
        config: SubConfig = self._configs[index]
        reported = any(mismatch.index == index for mismatch in self._resolved.selection.mismatches)
        return config.names_layers and not reported and bool(self._hints.types_named(config))

    def _of_mismatch(self, mismatch: Mismatch) -> Finding:
        config: SubConfig = self._configs[mismatch.index]
        path = (mismatch.index, mismatch.key, mismatch.element)
        spot = Spot.at(self._resolved, path)
        if mismatch.position is not None:
            types = [self._resolved.inventory.types[mismatch.position]]
            name = _shown(self._names[mismatch.position])
            message = f"layer {name} has the type '{types[0]}', which 'op_types' does not list"
        else:
            types = self._hints.types_containing(spot.word)
            which = f"the type {listed(types)}" if len(types) == 1 else f"the types {listed(types, most=SHOWN)}"
            message = f"the layers with {_shown(spot.word)} in their names have {which}, which 'op_types' does not list"
        offer = self._hints.for_mismatch(spot, types) if self._may_hint("mismatch") else None
        # An exclude that selects none of the layers it names leaves them all compressed.
        severity = Severity.ERROR if config.exclude and not self._resolved.selection.selects(mismatch.index) else None
        return self._finding(path, Code.TYPE_MISMATCH, message, offer, severity)

    def _of_alias(self, use: AliasUse) -> Finding:
        position = self._resolved.inventory.aliases[use.alias]
        name = self._names[position]
        path = (use.index, use.key, use.element)
        spot = Spot.at(self._resolved, path)
        if use.key == "op_names":
            message = f"{_shown(spot.word)} is another name of layer {_shown(name)}, which it selects"
            offer = Offer(f"write '{name}'", "op_names", (name,), safe=True)
        else:
            message = f"{_shown(spot.word)} takes layer {_shown(name)} by '{use.alias}', another name of it"
            offer = Offer(f"write {spot.line('op_names', [name])}")
        return self._finding(path, Code.SELECTED_BY_ALIAS, message, offer)

    def _of_idle(self, index: int) -> Finding:
        config: SubConfig = self._configs[index]
        offer = None
        severity = Severity.WARNING if config.exclude else None
        if not config.names_layers:
            message = "no layer has one of the types that this sub-config lists"
        elif index in self._named_in_vain:
            message = "no layer has one of the names that this sub-config lists"
        else:
            message = "no layer that this sub-config names has one of the types that 'op_types' lists"
            severity = None
            if self._may_hint("idle"):
                place = self._configs.provenance.place((index,))
                offer = self._hints.for_idle(config, self._configs.provenance.notation((index,)), place.path)
        return self._finding((index,), Code.SELECTS_NOTHING, message, offer, severity)

    def _finding(
        self, path: ConfigPath, code: Code, message: str, offer: Offer | None, severity: Severity | None = None
    ) -> Finding:
        place = self._configs.provenance.place(path)
        if offer is None:
            return Finding.at(place, code, message, severity=severity)
        fix = Spot.at(self._resolved, path).edits(offer.key, offer.words) if offer.words else offer.edits
        return Finding.at(place, code, message, offer.hint, severity=severity, fix=fix, safe=offer.safe)

    def _may_hint(self, key: str) -> bool:
        self._given[key] += 1
        return self._given[key] <= HINTS

    @functools.cached_property
    def _named_in_vain(self) -> set[int]:
        """The sub-configs whose names and partial names all match no layer."""
        unmatched = Counter(u.index for u in self._resolved.selection.unmatched if u.key != "op_types")
        return {
            index
            for index, count in unmatched.items()
            if count == len(self._configs[index].op_names or ()) + len(self._configs[index].op_partial_names or ())
        }

    def _with_renaming(self, offer: Offer, word: str) -> Offer:
        """Return an offer with what is wrong with most names of the list, the first time that it is one of these."""
        name = None if self._renaming is None or self._renaming_shown else self._renaming.applied(word)
        if self._renaming is None or name is None or offer.words != (name,):
            return offer
        self._renaming_shown = True
        return replace(offer, hint=f"{offer.hint}: {self._renaming.words}")

    def _common_renaming(self) -> Renaming | None:
        names = [unmatched for unmatched in self._resolved.selection.unmatched if unmatched.key == "op_names"]
        if len(names) < 2:  # noqa: PLR2004 - nothing is common to one
            return None
        elements = [(self._configs[u.index].op_names[u.element], self._configs[u.index]) for u in names]
        elements = [(word, config) for word, config in elements if _is_shallow(word)]
        return self._hints.renaming(elements, HINTS)


def _lists_nothing(config: SubConfig) -> bool:
    """Return whether a key of the selector is an empty list, which is reported without a model (D1)."""
    return any(getattr(config, key) == () for key in SELECTOR_KEYS)


def _order(found: Unmatched | Mismatch | AliasUse) -> tuple[int, int, int]:
    """Return what sorts by sub-config, key and element."""
    return found.index, SELECTOR_KEYS.index(found.key), found.element


def _is_shallow(word: str) -> bool:
    return word.count(".") <= _DEEPEST


def _shown(word: str) -> str:
    return f"'{word}'" if len(word) <= _LONGEST_SHOWN else f"'{word[: _LONGEST_SHOWN - 3]}...'"
