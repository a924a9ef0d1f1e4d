"""The answer as users see it: a mapping over the layers of a model, and a sequence of what became of each sub-config.

Both are views of `Resolved`, which knows layers by position; they hold no data of their own, and what takes time is
computed when it is first asked for.
"""

from __future__ import annotations

import functools
import hashlib
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, Generic, Literal, NamedTuple, TypeAlias, TypeVar, cast, overload

from compression_config.budget import Budget, budget_findings, budget_of
from compression_config.configs.config_list import ConfigList
from compression_config.configs.sub_config import Kind, SubConfig
from compression_config.configs.validation import CONFIG_TYPES
from compression_config.errors import HasFindings, UnknownLayer
from compression_config.explanation import explanation
from compression_config.findings import Finding, Severity
from compression_config.inventory import Inventory, Layer
from compression_config.linting import review
from compression_config.linting.selectors import list_findings, selection_findings
from compression_config.reports.html import resolution_as_html
from compression_config.reports.layout import plain_text
from compression_config.reports.resolution import resolution_lines
from compression_config.reports.tables import as_markdown, records
from compression_config.resolving.canonical import canonical_list, fingerprint
from compression_config.resolving.resolved import Resolved, Status
from compression_config.resolving.selection import UNDECIDED
from compression_config.resolving.settings import AnySettings, PruningSettings, QuantizationSettings
from compression_config.serialization import resolution_to_dict

__all__ = [
    "CompressedLayer",
    "CompressedLayers",
    "CompressionLayer",
    "CompressionResolution",
    "LayerResolution",
    "Resolution",
    "SubConfigResolution",
    "SubConfigs",
    "Unmatched",
]


S_co = TypeVar("S_co", bound=AnySettings, covariant=True)


class LayerResolution(Generic[S_co]):
    """What one layer gets and why. Two are equal when layer, status, settings, index and selected_by are."""

    __slots__ = ("_position", "_resolved")

    def __init__(self, resolved: Resolved, position: int) -> None:
        self._resolved = resolved
        self._position = position

    @property
    def name(self) -> str:
        """The name of the layer."""
        return self._resolved.inventory.names[self._position]

    @property
    def layer(self) -> Layer:
        """The layer itself: type, weight shape, numel, aliases and more."""
        return self._resolved.inventory[self._position]

    @property
    def status(self) -> Status:
        """`compressed`, `excluded` or `untouched`; it equals these strings."""
        return self._resolved.status(self._position)

    @property
    def settings(self) -> S_co | None:
        """What the deciding sub-config means for this layer; None unless the layer is compressed."""
        return cast("S_co | None", self._resolved.settings(self._position))

    @property
    def config(self) -> SubConfig | None:
        """The deciding sub-config as it was written; None when the layer is untouched."""
        return self._resolved.config(self._position)

    @property
    def index(self) -> int | None:
        """The index of the deciding sub-config, from 0; None when the layer is untouched."""
        index = self._resolved.decided_by[self._position]
        return None if index == UNDECIDED else index

    @property
    def selected_by(self) -> tuple[int, ...]:
        """The indices of all sub-configs that select the layer, in list order; the last one decides."""
        return self._resolved.selection.selected_by(self._position)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, LayerResolution):
            return NotImplemented
        return self._facts == other._facts

    def __hash__(self) -> int:
        return hash(self._facts)

    def __repr__(self) -> str:
        return f"LayerResolution({self.name!r}, {self.status.value}, index={self.index}, settings={self.settings})"

    @property
    def _facts(self) -> tuple[object, ...]:
        return self.layer, self.status, self.settings, self.index, self.selected_by


class CompressedLayer(LayerResolution[S_co]):
    """A layer that is compressed, so that it has settings."""

    __slots__ = ()

    @property
    def settings(self) -> S_co:
        """What the deciding sub-config means for this layer."""
        return cast("S_co", self._resolved.settings(self._position))


class CompressedLayers(Mapping[str, CompressedLayer[S_co]], Generic[S_co]):
    """Compressed layers by name, in the model's order. Read-only; it can be pickled and copied.

    Its keys are those of `Resolution`, and it accepts the same other names.
    """

    __slots__ = ("_positions", "_resolved")

    def __init__(self, resolved: Resolved, positions: Iterable[int]) -> None:
        self._resolved = resolved
        self._positions = {resolved.inventory.keys[position]: position for position in positions}

    def __getitem__(self, name: str) -> CompressedLayer[S_co]:
        inventory = self._resolved.inventory
        position = inventory.position(name)
        if position is None or inventory.keys[position] not in self._positions:
            raise KeyError(name)
        return CompressedLayer(self._resolved, position)

    def __iter__(self) -> Iterator[str]:
        return iter(self._positions)

    def __len__(self) -> int:
        return len(self._positions)

    def __repr__(self) -> str:
        return repr(dict(self))


class SubConfigResolution:
    """What became of one sub-config. Two are equal when index, sub-config and the layers selected and decided are."""

    __slots__ = ("_resolved", "index")

    def __init__(self, resolved: Resolved, index: int) -> None:
        self._resolved = resolved
        self.index = index
        """Its place in the config list, from 0."""

    @property
    def config(self) -> SubConfig:
        """The sub-config as it was written."""
        config: SubConfig = self._resolved.config_list[self.index]
        return config

    @property
    def selected(self) -> tuple[str, ...]:
        """The names of the layers that it selects, in the model's order."""
        names = self._resolved.inventory.names
        return tuple(names[position] for position in self._resolved.selection.selected(self.index))

    @property
    def decided(self) -> tuple[str, ...]:
        """The names of the layers about which it decides, in the model's order."""
        names = self._resolved.inventory.names
        return tuple(names[position] for position in self._resolved.decided[self.index])

    @property
    def shadowed(self) -> bool:
        """Whether it selects layers and decides about none."""
        return self._resolved.shadowed(self.index)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, SubConfigResolution):
            return NotImplemented
        return self._facts == other._facts

    def __hash__(self) -> int:
        return hash(self._facts)

    @property
    def _facts(self) -> tuple[object, ...]:
        return self.index, self.config, self.selected, self.decided

    def __repr__(self) -> str:
        return f"SubConfigResolution({self.index}, decided={len(self._resolved.decided[self.index])})"


class SubConfigs(Sequence[SubConfigResolution]):
    """What became of each sub-config, in list order; made on demand."""

    def __init__(self, resolved: Resolved) -> None:
        self._resolved = resolved

    def __len__(self) -> int:
        return len(self._resolved.config_list)

    @overload
    def __getitem__(self, index: int) -> SubConfigResolution: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[SubConfigResolution]: ...
    def __getitem__(self, index: int | slice) -> SubConfigResolution | Sequence[SubConfigResolution]:
        places = range(len(self))[index]
        if isinstance(places, range):
            return tuple(SubConfigResolution(self._resolved, place) for place in places)
        return SubConfigResolution(self._resolved, places)


Unmatched: TypeAlias = Literal["error", "warn", "ignore"]
"""What becomes of an error about a selector that selects nothing (D14)."""


class _Answer(HasFindings, ABC):
    """What one resolution and two have in common: how they are shown."""

    @property
    @abstractmethod
    def _parts(self) -> tuple[Resolution[Any], ...]:
        """The resolutions, pruning first."""

    def __str__(self) -> str:
        """Return the table of the command `resolve`, 100 columns wide."""
        parts = (plain_text(resolution_lines(part.resolved, part.budget, part.findings)) for part in self._parts)
        return "\n".join(parts).rstrip("\n")

    def to_records(self) -> list[dict[str, Any]]:
        """Return a flat row for each layer, as a data frame takes them: what it is, and what it gets.

        A setting with a value for each quant type has a key for each, as in `bits.weight`; what says nothing is None or
        absent. Those of a two-part document come one after the other, told apart by `kind`.
        """
        return records(part.to_dict() for part in self._parts)

    def to_markdown(self) -> str:
        """Return the tables of the command `resolve` as a Markdown document."""
        return "\n".join(as_markdown(part.resolved, part.budget, part.findings) for part in self._parts)

    def to_html(self) -> str:
        """Return a whole page that needs nothing else: a grid of the blocks, the sub-configs, and the findings."""
        return self._html(in_notebook=False)

    def _repr_html_(self) -> str:
        return self._html(in_notebook=True)

    def _html(self, *, in_notebook: bool) -> str:
        parts = [(part.resolved, part.budget, part.findings) for part in self._parts]
        return resolution_as_html(parts, in_notebook=in_notebook)


class Resolution(_Answer, Mapping[str, LayerResolution[S_co]], Generic[S_co]):
    """The answer of a config list for a model: for every layer, in the model's order, what it gets and why.

    Its keys are the names by which `model.get_submodule()` finds the layers, wrappers included (D19); names without
    them, which everything else uses, and aliases are accepted as keys too. Two resolutions are equal when their
    answers are (D18).
    """

    def __init__(self, resolved: Resolved, unmatched: Unmatched = "error") -> None:
        self._resolved = resolved
        self._on_unmatched = unmatched

    @property
    def resolved(self) -> Resolved:
        """The data that this shows, in which layers are known by position; for modules of this package."""
        return self._resolved

    @property
    def kind(self) -> Kind:
        """`pruning` or `quantization`."""
        return self._resolved.config_list.kind

    @property
    def config_list(self) -> ConfigList[Any]:
        """The config list that was resolved."""
        return self._resolved.config_list

    @property
    def inventory(self) -> Inventory:
        """The layers that it was resolved against."""
        return self._resolved.inventory

    def __getitem__(self, name: str) -> LayerResolution[S_co]:
        position = self._position(name)
        compressed = self._resolved.status(position) is Status.COMPRESSED
        view: type[LayerResolution[S_co]] = CompressedLayer if compressed else LayerResolution
        return view(self._resolved, position)

    def __iter__(self) -> Iterator[str]:
        return iter(self.inventory.keys)

    def __len__(self) -> int:
        return len(self.inventory)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Resolution):
            return NotImplemented
        return self.fingerprint == other.fingerprint

    def __hash__(self) -> int:
        return hash(self.fingerprint)

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle what was asked, not what was answered so far."""
        return type(self), (self._resolved, self._on_unmatched)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {len(self.config_list)} sub-configs for {len(self)} layers>"

    @functools.cached_property
    def compressed(self) -> Mapping[str, CompressedLayer[S_co]]:
        """The compressed layers by name, in the model's order; see `prunable` for those that have a weight."""
        return CompressedLayers(self._resolved, self._with_status(Status.COMPRESSED))

    @functools.cached_property
    def prunable(self) -> Mapping[str, CompressedLayer[S_co]]:
        """The compressed layers that have a weight, by name, in the model's order.

        A layer of which nothing is known but name and type counts as having one.
        """
        compressed, has_weight = self._with_status(Status.COMPRESSED), self.inventory.has_weight
        return CompressedLayers(self._resolved, (p for p in compressed if has_weight(p) is not False))

    @property
    def excluded(self) -> tuple[str, ...]:
        """The names of the excluded layers, in the model's order."""
        return tuple(map(self.inventory.names.__getitem__, self._with_status(Status.EXCLUDED)))

    @property
    def untouched(self) -> tuple[str, ...]:
        """The names of the layers that no sub-config selects, in the model's order."""
        return tuple(map(self.inventory.names.__getitem__, self._with_status(Status.UNTOUCHED)))

    @property
    def sub_configs(self) -> Sequence[SubConfigResolution]:
        """What became of each sub-config, in list order."""
        return SubConfigs(self._resolved)

    @functools.cached_property
    def findings(self) -> tuple[Finding, ...]:  # type: ignore[override]
        """Everything worth knowing: of the list itself, of what it selects, does and demands; in document order."""
        about_model = (*review(self._resolved), *budget_findings(self._resolved, self.budget))
        policy = self.config_list.policy
        selected = (finding for finding in self._selecting if finding.severity is not Severity.ERROR)
        found = (*list_findings(self._resolved), *self.unmatched, *policy.apply((*selected, *about_model)))
        return tuple(sorted(found, key=_list_order))

    @functools.cached_property
    def unmatched(self) -> tuple[Finding, ...]:
        """What D14 calls errors about selectors, with the severities that were set: those for a code come first."""
        policy, errors = self.config_list.policy, [f for f in self._selecting if f.severity is Severity.ERROR]
        if self._on_unmatched == "error":
            return policy.apply(errors)
        stated = [finding for finding in errors if finding.code in policy.levels or self._on_unmatched == "warn"]
        return tuple(
            finding if finding.code in policy.levels else replace(finding, severity=Severity.WARNING)
            for finding in policy.apply(stated)
        )

    @functools.cached_property
    def _selecting(self) -> tuple[Finding, ...]:
        """What the selectors find in the model, and what they do not; before any severity is set."""
        return tuple(selection_findings(self._resolved))

    @functools.cached_property
    def budget(self) -> Budget:
        """How many weight elements are masked, at least, at most and in all; for quantization, bits and bytes."""
        return budget_of(self._resolved)

    @functools.cached_property
    def fingerprint(self) -> str:
        """A digest of the answer (D18): equal on every rank and machine for the same answer."""
        return fingerprint(self._resolved)

    def explain(self, name: str) -> str:
        """Return in words what a layer gets, which sub-config decides and which ones it overwrites.

        Args:
            name: The name of a layer, or an alias.

        Returns:
            Several lines, without a line break at the end.

        Raises:
            UnknownLayer: The model has no such layer; it has the nearest names.
        """
        return explanation(self._resolved, self.budget, self._position(name))

    def to_list(self) -> list[dict[str, Any]]:
        """Return the canonical config list: exact, disjoint names; the same answer in any order of its sub-configs."""
        return canonical_list(self._resolved)

    def to_dict(self) -> dict[str, Any]:
        """Return the answer as versioned plain data, ready for JSON; see docs/cli.md for its shape."""
        return resolution_to_dict(self._resolved, self.findings, self.budget)

    @property
    def _parts(self) -> tuple[Resolution[Any], ...]:
        return (self,)

    def _position(self, name: object) -> int:
        position = self.inventory.position(name)
        if position is None:
            raise UnknownLayer(name, self.inventory.nearest(name))
        return position

    def _with_status(self, status: Status) -> Iterator[int]:
        statuses = {UNDECIDED: Status.UNTOUCHED}
        for index, config in enumerate(self.config_list):
            statuses[index] = Status.EXCLUDED if config.exclude else Status.COMPRESSED
        return (position for position, index in enumerate(self._resolved.decided_by) if statuses[index] is status)


_KEYS = tuple(dict.fromkeys(key for config in CONFIG_TYPES.values() for key in config.model_fields))


def _list_order(finding: Finding) -> tuple[int, tuple[int, int], int, int]:
    """Sort by sub-config, then by place in its file, or for plain data by key and element.

    What concerns the whole list comes first.
    """
    index, element = ([step for step in finding.path if isinstance(step, int)] + [-1, -1])[:2]
    key = next((_KEYS.index(step) for step in finding.path if step in _KEYS), -1)
    return index, finding.span.start if finding.span else (0, 0), key, element


class CompressionLayer(NamedTuple):
    """What one layer gets from both lists of a two-part document."""

    pruning: LayerResolution[PruningSettings]
    """What it gets from the pruning list."""
    quantization: LayerResolution[QuantizationSettings]
    """What it gets from the quantization list."""


class CompressionResolution(_Answer, Mapping[str, CompressionLayer]):
    """The answers of a two-part document for one model: resolved apart, shown together (D12)."""

    def __init__(self, pruning: Resolution[PruningSettings], quantization: Resolution[QuantizationSettings]) -> None:
        self.pruning = pruning
        """The answer of the pruning list."""
        self.quantization = quantization
        """The answer of the quantization list."""

    @property
    def inventory(self) -> Inventory:
        """The layers that both lists were resolved against."""
        return self.pruning.inventory

    def __getitem__(self, name: str) -> CompressionLayer:
        return CompressionLayer(self.pruning[name], self.quantization[name])

    def __iter__(self) -> Iterator[str]:
        return iter(self.pruning)

    def __len__(self) -> int:
        return len(self.pruning)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, CompressionResolution):
            return NotImplemented
        return self.fingerprint == other.fingerprint

    def __hash__(self) -> int:
        return hash(self.fingerprint)

    def __repr__(self) -> str:
        return f"<CompressionResolution of {self.pruning!r} and {self.quantization!r}>"

    @property
    def findings(self) -> tuple[Finding, ...]:  # type: ignore[override]
        """The findings of both lists, those of pruning first."""
        # Those about the text are found by both.
        return tuple(dict.fromkeys(self.pruning.findings + self.quantization.findings))

    @property
    def unmatched(self) -> tuple[Finding, ...]:
        """The findings of both lists about selectors that select nothing (D14)."""
        return self.pruning.unmatched + self.quantization.unmatched

    @property
    def fingerprint(self) -> str:
        """A digest of both answers (D18)."""
        return hashlib.sha256(f"{self.pruning.fingerprint} {self.quantization.fingerprint}".encode()).hexdigest()

    def explain(self, name: str) -> str:
        """Return in words what a layer gets from either list.

        Args:
            name: The name of a layer, or an alias.

        Returns:
            What `Resolution.explain` returns of the pruning list, an empty line, and the same of the quantization list.

        Raises:
            UnknownLayer: The model has no such layer; it has the nearest names.
        """
        return "\n\n".join((self.pruning.explain(name), self.quantization.explain(name)))

    def to_dict(self) -> dict[str, Any]:
        """Return both answers as versioned plain data, ready for JSON."""
        return {"pruning": self.pruning.to_dict(), "quantization": self.quantization.to_dict()}

    @property
    def _parts(self) -> tuple[Resolution[Any], ...]:
        return self.pruning, self.quantization
