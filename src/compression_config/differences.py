"""What differs between two answers, as data: layers, the sub-configs that decide about them, and the budget.

An answer may come from a resolution or from a file that one was saved to, so that both are first brought to one form,
an `AnswerTable`. Layers are compared by name, and are equal when they get the same (D18).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from compression_config.budget import Budget
from compression_config.budget.counting import total
from compression_config.configs.sub_config import Kind
from compression_config.explanation import settings_words
from compression_config.patterns import NameGroup, NameGroups
from compression_config.resolving.resolved import Resolved, Status
from compression_config.resolving.selection import UNDECIDED
from compression_config.resolving.settings import AnySettings, PruningSettings, plain_settings
from compression_config.serialization import model_budget_to_dict

__all__ = ["AnswerTable", "Change", "Decision", "Difference", "answer_table", "difference"]


@dataclass(frozen=True, slots=True)
class Decision:
    """What layers get in one of two answers, and which sub-config decides that."""

    status: Status
    """`compressed`, `excluded` or `untouched`."""
    settings: AnySettings | None
    """None unless the layers are compressed."""
    index: int | None
    """Of the sub-config, from 0; None for untouched layers."""
    label: str | None
    """How the sub-config is referred to: `[2]`, or `pruning[2]` in a two-part document."""
    source: str | None = None
    """The file that the sub-config was read from; None for plain data and for a saved answer."""
    line: int | None = None
    """The line in that file on which the sub-config begins, from 1; None likewise."""
    group: frozenset[str] | None = field(default=None, repr=False)
    """The names of the layers that share the budget; None outside a group."""

    @property
    def gets(self) -> str:
        """What the layers get in words: "sparsity 0.5", "excluded", "untouched"."""
        return settings_words(self.settings) if self.settings else self.status.value

    @property
    def plain_settings(self) -> AnySettings | None:
        """The settings without the index of a group's sub-config, which is not a part of the answer (D18)."""
        return replace(self.settings, group=None) if isinstance(self.settings, PruningSettings) else self.settings

    @property
    def answer(self) -> tuple[object, ...]:
        """What two decisions have in common that mean the same (D18): not the index, nor where it is written."""
        return self.status, self.plain_settings, self.group

    def to_dict(self) -> dict[str, Any]:
        """Return it as plain data, ready for JSON."""
        return {
            "status": self.status.value,
            "settings": self.settings and plain_settings(self.settings),
            "group_size": None if self.group is None else len(self.group),
            "index": self.index,
            "at": self.label,
            "source": self.source,
            "line": self.line,
        }


@dataclass(frozen=True, slots=True)
class Change:
    """Layers that one sub-config decides about in the old answer, another in the new one, and that get something else.

    The two may have the same index. In a group, layers also change with those that they share the budget with.
    """

    kind: Kind
    """`pruning` or `quantization`."""
    layers: tuple[str, ...]
    """Their names, in the order of the new model; of layers that are gone, in that of the old one."""
    numel: int | None
    """Number of elements of their weights, shared ones counted once; None when it is not known."""
    before: Decision | None
    """None for layers that only the new model has."""
    after: Decision | None
    """None for layers that only the old model has."""

    @property
    def gets(self) -> tuple[str | None, str | None]:
        """What the layers get before and after, in words; with the size of a group where nothing else changes."""
        before, after = self.before, self.after
        if before is None or after is None or before.gets != after.gets:
            return None if before is None else before.gets, None if after is None else after.gets
        sizes = [len(decision.group or ()) for decision in (before, after)]
        if sizes[0] != sizes[1]:
            return f"{before.gets}, {sizes[0]:,} layers together", f"{after.gets}, {sizes[1]:,} layers together"
        return before.gets, f"{after.gets}, together with other layers"

    def written(self, longest: int | None = None) -> Iterator[NameGroup]:
        """Yield the names folded, as in `layer.{0..11}.fc`.

        Args:
            longest: How many characters a joined name has at most; None for no limit.
        """
        named = NameGroups((position, name, None) for position, name in enumerate(self.layers))
        return (group for group, _ in named.written(longest))

    def to_dict(self) -> dict[str, Any]:
        """Return it as plain data, ready for JSON."""
        return {
            "layers": list(self.layers),
            "numel": self.numel,
            "before": self.before and self.before.to_dict(),
            "after": self.after and self.after.to_dict(),
        }


@dataclass(frozen=True, slots=True)
class Difference:
    """What differs between two answers of one kind."""

    kind: Kind
    """`pruning` or `quantization`."""
    models: tuple[str | None, str | None]
    """The names of the old and of the new model."""
    sizes: tuple[int, int]
    """How many layers they have."""
    fingerprints: tuple[str, str]
    """Of the old and of the new answer."""
    changes: tuple[Change, ...]
    """Layers of both models that get something else, in the order of the new model."""
    added: tuple[Change, ...]
    """Layers that only the new model has, likewise."""
    removed: tuple[Change, ...]
    """Layers that only the old model has, in its order."""
    budgets: tuple[Mapping[str, Any], Mapping[str, Any]]
    """The counts of the whole model before and after, under the names of `Budget.model`; None where unknown."""

    @property
    def equal(self) -> bool:
        """Whether both answers are the same: their fingerprints are equal exactly then."""
        return not (self.changes or self.added or self.removed)

    @property
    def changed(self) -> int:
        """How many layers of both models get something else."""
        return sum(len(change.layers) for change in self.changes)

    def to_dict(self) -> dict[str, Any]:
        """Return it as plain data, ready for JSON."""
        sides = {
            side: {"model": model, "layers": size, "fingerprint": digest, "budget": dict(budget)}
            for side, model, size, digest, budget in zip(
                ("old", "new"), self.models, self.sizes, self.fingerprints, self.budgets, strict=True
            )
        }
        changes = {name: [change.to_dict() for change in getattr(self, name)] for name in _CHANGES}
        return {"equal": self.equal, **sides, **changes}


_CHANGES = ("changes", "added", "removed")


@dataclass(frozen=True, slots=True)
class AnswerTable:
    """An answer in the form in which two are compared: layers by position, decisions by the index of a sub-config."""

    kind: Kind
    model: str | None
    fingerprint: str
    names: Sequence[str]
    decided_by: Sequence[int]
    """For each layer the index of the deciding sub-config; `UNDECIDED` where none selects it."""
    decisions: Mapping[int, Decision]
    """For each index in `decided_by`."""
    numels: Sequence[int | None] | None
    """For each layer the number of elements that count for it (D17); None when that is not known of a saved answer."""
    budget: Mapping[str, Any]


def answer_table(resolved: Resolved, budget: Budget, fingerprint: str) -> AnswerTable:
    """Return the table of what a config list makes of a model; the resolution has its budget and its fingerprint."""
    names = resolved.inventory.names
    decisions = {}
    for index, decided in enumerate(resolved.decided):
        if decided:
            place = resolved.config_list.provenance.place((index,))
            status, settings = resolved.status(decided[0]), resolved.settings_of(index)
            decisions[index] = Decision(
                status,
                settings,
                index,
                resolved.label(index),
                place.source,
                place.span and place.span.start.line,
                frozenset(names[position] for position in decided) if index in resolved.groups else None,
            )
    decisions[UNDECIDED] = Decision(Status.UNTOUCHED, None, None, None)
    return AnswerTable(
        resolved.config_list.kind,
        resolved.inventory.model,
        fingerprint,
        names,
        resolved.decided_by,
        decisions,
        budget.weights.numels,
        model_budget_to_dict(budget),
    )


def difference(old: AnswerTable, new: AnswerTable) -> Difference:
    """Return what differs between two answers of one kind. O(layers)."""
    same_names = old.names == new.names
    places = {} if same_names else {name: position for position, name in enumerate(old.names)}
    changed: dict[tuple[int, int], list[int]] = {}
    added: dict[int, list[int]] = {}
    differs: dict[tuple[int, int], bool] = {}
    for position, (name, after) in enumerate(zip(new.names, new.decided_by, strict=True)):
        place = position if same_names else places.pop(name, None)
        if place is None:
            added.setdefault(after, []).append(position)
            continue
        pair = old.decided_by[place], after
        if pair not in differs:  # compared once for each pair of sub-configs, not for each layer
            differs[pair] = old.decisions[pair[0]].answer != new.decisions[after].answer
        if differs[pair]:
            changed.setdefault(pair, []).append(position)
    removed: dict[int, list[int]] = {}
    for place in places.values():
        removed.setdefault(old.decided_by[place], []).append(place)
    counted = new if new.numels is not None else replace(new, numels=old.numels if same_names else None)
    return Difference(
        kind=new.kind,
        models=(old.model, new.model),
        sizes=(len(old.names), len(new.names)),
        fingerprints=(old.fingerprint, new.fingerprint),
        changes=tuple(
            _change(counted, positions, old.decisions[before], new.decisions[after])
            for (before, after), positions in changed.items()
        ),
        added=tuple(_change(counted, positions, None, new.decisions[i]) for i, positions in added.items()),
        removed=tuple(_change(old, positions, old.decisions[i], None) for i, positions in removed.items()),
        budgets=(old.budget, new.budget),
    )


def _change(answer: AnswerTable, positions: Sequence[int], before: Decision | None, after: Decision | None) -> Change:
    numels = answer.numels
    numel = None if numels is None else total(numels[position] for position in positions)
    return Change(answer.kind, tuple(answer.names[position] for position in positions), numel, before, after)
