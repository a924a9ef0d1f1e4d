"""Views of an answer: one layer, one sub-config. They hold no data of their own."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Generic, TypeVar, cast, overload

from compression_config.configs.base import SubConfig
from compression_config.inventory import Layer
from compression_config.resolving import Resolved, Status
from compression_config.selection import NOBODY
from compression_config.settings import AnySettings

__all__ = ["CompressedLayer", "LayerResolution", "SubConfigResolution", "SubConfigs", "layer_view"]

S_co = TypeVar("S_co", bound=AnySettings, covariant=True)


class LayerResolution(Generic[S_co]):
    """What one layer gets and why. Two are equal when layer, status, settings, index and claims are."""

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
        index = self._resolved.winners[self._position]
        return None if index == NOBODY else index

    @property
    def claims(self) -> tuple[int, ...]:
        """The indices of all sub-configs that select the layer, in list order; the last one decides."""
        return self._resolved.selection.claims(self._position)

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
        return self.layer, self.status, self.settings, self.index, self.claims


class CompressedLayer(LayerResolution[S_co]):
    """A layer that is compressed, so that it has settings."""

    __slots__ = ()

    @property
    def settings(self) -> S_co:
        """What the deciding sub-config means for this layer."""
        return cast("S_co", self._resolved.settings(self._position))


def layer_view(resolved: Resolved, position: int) -> LayerResolution[AnySettings]:
    """Return the view of the layer at `position`."""
    compressed = resolved.status(position) is Status.COMPRESSED
    return (CompressedLayer if compressed else LayerResolution)(resolved, position)


class SubConfigResolution:
    """What became of one sub-config. Two are equal when index, sub-config and the layers selected and won are."""

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
        """The names of the layers that its selector holds for, in the model's order."""
        names = self._resolved.inventory.names
        return tuple(names[position] for position in self._resolved.selection.selected(self.index))

    @property
    def won(self) -> tuple[str, ...]:
        """The names of the layers about which it decides, in the model's order."""
        names = self._resolved.inventory.names
        return tuple(names[position] for position in self._resolved.won[self.index])

    @property
    def shadowed(self) -> bool:
        """Whether it selects layers and later sub-configs take every one of them."""
        return self._resolved.shadowed(self.index)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, SubConfigResolution):
            return NotImplemented
        return self._facts == other._facts

    def __hash__(self) -> int:
        return hash(self._facts)

    @property
    def _facts(self) -> tuple[object, ...]:
        return self.index, self.config, self.selected, self.won

    def __repr__(self) -> str:
        return f"SubConfigResolution({self.index}, won={len(self._resolved.won[self.index])})"


class SubConfigs(Sequence[SubConfigResolution]):
    """What became of each sub-config, in list order; made when asked for."""

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
