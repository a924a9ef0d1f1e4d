"""What the selectors find in the model, and what they do not (D14, D17).

Every element that no layer answers to is reported at its place. Of the many that a list may hold, only the
first get a remedy: after a thousand of them it is the list that does not belong to the model.
"""

from __future__ import annotations

import functools
from collections import Counter
from collections.abc import Iterator

from compression_config.configs.base import SELECTOR_KEYS, SubConfig
from compression_config.configs.yaml_words import written
from compression_config.findings import Code, Finding, Severity
from compression_config.naming.renaming import Renaming
from compression_config.remedies import Remedies
from compression_config.resolving import Resolved
from compression_config.selection import AliasUse, Mismatch, Unmatched
from compression_config.spans import ConfigPath

__all__ = ["REMEDIES", "selection_findings"]

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
