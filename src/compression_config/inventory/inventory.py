"""Inventory: the layers of a model, without weights."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from os import PathLike
from types import MappingProxyType
from typing import Any, Self, TypeAlias, cast, overload

from compression_config.documents import paused_collector
from compression_config.errors import InvalidInventory, UnknownLayer
from compression_config.inventory.columns import Columns, checked_positions, columns_of, unpacked
from compression_config.inventory.entries import Contents
from compression_config.inventory.files import read_file, write_file
from compression_config.inventory.layer import Layer, Shape, numel_of
from compression_config.inventory.reading import read_modules
from compression_config.inventory.walking import SupportsNamedModules, Walk, walk
from compression_config.naming.layer_names import LayerNames

__all__ = ["Inventory", "LayerLike", "as_inventory"]

LayerLike: TypeAlias = Layer | tuple[str, object]
"""A layer, or a pair of its name and its type: the name of a class, a class, or a module."""


class Inventory(Sequence[Layer]):
    """The layers of a model in the model's order, read-only; the root is none of them.

    Two inventories are equal when their layers are. Layers are made when they are asked for: code that
    looks at all of them is faster with `names`, `types` and the functions that take a position.
    """

    def __init__(self, columns: Columns, *, model: str | None = None, only_root: bool = False) -> None:
        self._columns = columns
        self._model = model
        self._only_root = only_root

    @classmethod
    def from_model(cls, model: SupportsNamedModules) -> Self:
        """Return the layers of `model`: a torch module, or anything else with `named_modules()`.

        The model is walked once, and neither changed nor kept. Aliases are known of a torch model whose
        classes do not override `named_modules()`, up to 100,000 of them (D17).
        Raises `InvalidInventory` when `model` gives no modules by name.
        """
        if not _has_named_modules(model):
            raise InvalidInventory(f"a model has named_modules(), and {type(model).__name__!r} has not")
        with paused_collector():
            walked = walk(model)
            columns = read_modules(walked)
        return cls(columns, model=type(model).__name__, only_root=walked.has_root and not columns.names)

    @classmethod
    def from_layers(cls, layers: Iterable[LayerLike], *, model: str | None = None) -> Self:
        """Return the inventory of `layers`, which are `Layer` or pairs of a name and a type, in this order.

        The type is the name of a class, a class, or a module, whose weight is then looked at. A pair
        named `""` is the root and left out. Aliases are only known of a `Layer` that has them (D17).
        Raises `InvalidInventory` for anything else, and for two layers of one name.
        """
        given = _checked(layers)
        columns = read_modules(Walk.of(entry for entry in given if not isinstance(entry, Layer)))
        if any(isinstance(entry, Layer) for entry in given):
            read = columns.layers(range(len(columns.names)))
            kept = (entry for entry in given if isinstance(entry, Layer) or entry[0])
            columns = columns_of([entry if isinstance(entry, Layer) else next(read) for entry in kept])
        return cls(columns, model=model, only_root=bool(given) and not columns.names)

    @property
    def model(self) -> str | None:
        """The name of the model's class, or what else it was called; None when unknown."""
        return self._model

    @property
    def only_root(self) -> bool:
        """Whether the model has no module besides the root, which is no layer."""
        return self._only_root

    @property
    def names(self) -> Sequence[str]:
        """The names of the layers, one per layer."""
        return self._columns.names

    @property
    def types(self) -> Sequence[str]:
        """The class names of the layers, one per layer."""
        return self._columns.types

    @property
    def dtypes(self) -> Sequence[str | None]:
        """The dtypes of the weights, one per layer; None where unknown or without weight."""
        return self._columns.dtypes

    @property
    def weight_shapes(self) -> Sequence[Shape | None]:
        """The shapes of the weights, one per layer; None without a weight, and where its shape is unknown."""
        return self._columns.weight_shapes

    @property
    def aliases(self) -> Mapping[str, int]:
        """Further names of modules -> position of the layer (D17); empty where they cannot be known."""
        return MappingProxyType(self._columns.aliases)

    @cached_property
    def ties(self) -> tuple[tuple[int, ...], ...]:
        """The positions of layers that share one weight, two or more a tuple, in the model's order."""
        groups: dict[int, list[int]] = {}
        for position, owner in self._columns.owners.items():
            groups.setdefault(owner, [owner]).append(position)
        return tuple(tuple(groups[owner]) for owner in sorted(groups))

    def position(self, name: str) -> int | None:
        """Return the position of the layer that has `name` as its name or an alias; None when none has."""
        found = self._positions.get(name)
        return self._columns.aliases.get(name) if found is None else found

    def layer(self, name: str) -> Layer:
        """Return the layer that has `name` as its name or an alias.

        Raises `UnknownLayer` with the nearest names when none has.
        """
        position = self.position(name)
        if position is None:
            raise UnknownLayer(name, self.nearest(name))
        return self[position]

    def numel(self, position: int) -> int | None:
        """Return the number of elements of the weight at `position`; None when unknown or without weight."""
        return numel_of(self._columns.weight_shapes[position])

    def has_weight(self, position: int) -> bool | None:
        """Return whether the layer at `position` has a weight; None when unknown."""
        return self._columns.has_weight[position]

    def parameters(self, position: int) -> Mapping[str, Shape | None]:
        """Return the own parameters of the layer at `position` with their shapes; see `Layer.parameters`."""
        return unpacked(self._columns.parameters[position], self._columns.weight_shapes[position])

    def weight_owner(self, position: int) -> int:
        """Return the position of the first layer that holds the weight of the one at `position`: mostly itself."""
        return self._columns.owners.get(position, position)

    def __len__(self) -> int:
        return len(self._columns.names)

    def __iter__(self) -> Iterator[Layer]:
        return self._columns.layers(range(len(self)))

    @overload
    def __getitem__(self, index: int) -> Layer: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[Layer, ...]: ...
    def __getitem__(self, index: int | slice) -> Layer | tuple[Layer, ...]:
        positions = range(len(self))[index]
        if isinstance(positions, range):
            return tuple(self._columns.layers(positions))
        return next(self._columns.layers((positions,)))

    def __contains__(self, item: object) -> bool:
        """Return whether `item` is one of the layers, or the name or an alias of one."""
        if isinstance(item, Layer):
            position = self._positions.get(item.name)
            return position is not None and self[position] == item
        return isinstance(item, str) and self.position(item) is not None

    def __eq__(self, other: object) -> bool:
        return self._columns == other._columns if isinstance(other, Inventory) else NotImplemented

    __hash__ = None  # type: ignore[assignment]  # an inventory compares by all that it holds

    def __repr__(self) -> str:
        return f"<Inventory of {self._model or 'a model'}: {len(self)} layers>"

    @cached_property
    def _layer_names(self) -> LayerNames:
        return LayerNames(self._columns.names)

    @cached_property
    def _positions(self) -> dict[str, int]:
        return checked_positions(self._columns.names)

    def nearest(self, name: object, limit: int = 3) -> tuple[str, ...]:
        """Return up to `limit` names that `name` may have been meant to be, the likeliest first; three at most."""
        return self._layer_names.nearest(name, limit) if isinstance(name, str) else ()

    def save(self, path: str | PathLike[str]) -> None:
        """Write the inventory to the file `path`: JSON (`.json`) or YAML (`.yaml`, `.yml`), with `.gz` gzipped.

        Equal inventories of equal `model` give equal bytes. Raises `UsageError` for another ending.
        """
        write_file(path, Contents(self._columns, self._model, self._only_root))

    @classmethod
    def load(cls, path: str | PathLike[str]) -> Self:
        """Return the inventory that `save` wrote, or somebody by hand, to the file `path`.

        Raises `InvalidInventory` that says where the file is wrong, and `UsageError` for an ending
        that is not among those of `save`.
        """
        contents = read_file(path)
        return cls(contents.columns, model=contents.model, only_root=contents.only_root)


def as_inventory(model: object) -> Inventory:
    """Return `model` as an inventory: one as it is, anything with `named_modules()`, pairs or layers.

    Raises `InvalidInventory` for anything else.
    """
    if isinstance(model, Inventory):
        return model
    if _has_named_modules(model):
        return Inventory.from_model(cast("SupportsNamedModules", model))
    return Inventory.from_layers(cast("Iterable[LayerLike]", model))


def _has_named_modules(model: object) -> bool:
    try:
        return callable(getattr(model, "named_modules", None))
    except Exception:  # noqa: BLE001  # foreign code: anything can come out of it
        return False


def _checked(layers: object) -> list[Any]:
    """Return `layers` as a list; raise `InvalidInventory` unless it consists of layers and pairs."""
    if isinstance(layers, str | bytes | PathLike):
        raise InvalidInventory(f"{layers!r} is no model (write Inventory.load({str(layers)!r}) to read a file)")
    if isinstance(layers, Mapping):
        raise InvalidInventory("a mapping is no model (write .items() behind it for pairs of a name and a type)")
    if not isinstance(layers, Iterable):
        raise InvalidInventory(
            f"a model has named_modules(), or is an inventory or pairs of a name and a type, and not {layers!r}"
        )
    try:
        given = list(layers)
    # Foreign code runs here; whatever it raises means that there is no list of layers.
    except Exception as error:
        raise InvalidInventory(f"the layers could not be listed: {error!r}") from error
    for entry in given:
        if isinstance(entry, Layer):
            continue
        if not isinstance(entry, tuple | list) or len(entry) != 2 or not isinstance(entry[0], str):  # noqa: PLR2004
            raise InvalidInventory(f"a layer is a Layer or a pair of a name and a type, and not {entry!r}")
    return given
