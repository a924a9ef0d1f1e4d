"""Columns: the layers of a model as lists of plain values, one place in each list per layer.

Models have up to a million layers and most callers look at two or three columns of them: a `Layer`
is only made when somebody asks for it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TypeAlias, TypedDict

from compression_config.errors import InvalidInventory
from compression_config.inventory.layer import Layer, ParameterShapes, Shape, derived_parameters

__all__ = ["Columns", "Links", "ParameterPairs", "checked_positions", "columns_of", "linked", "packed", "unpacked"]

ParameterPairs: TypeAlias = tuple[tuple[str, Shape | None], ...]
"""The own parameters of a layer: names with shapes."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Columns:
    """What an inventory consists of; the sequences are of equal length, in the model's order."""

    names: tuple[str, ...] = ()
    types: tuple[str, ...] = ()
    weight_shapes: Sequence[Shape | None] = ()
    has_weight: Sequence[bool | None] = ()
    dtypes: Sequence[str | None] = ()
    parameters: Sequence[ParameterPairs | None] = ()
    """None where they are what the shape of the weight says already: `derived_parameters`."""
    owners: Mapping[int, int] = field(default_factory=dict)
    """Positions of the layers that share the weight of an earlier one -> position of the first that holds it."""
    aliases: Mapping[str, int] = field(default_factory=dict)
    """Further names of modules -> the position of their layer, in the order in which a walk meets them."""

    def __eq__(self, other: object) -> bool:
        """Return whether both hold equal layers; neither the order of parameters nor of aliases counts."""
        if not isinstance(other, Columns):
            return NotImplemented
        return (
            self.names == other.names
            and self.types == other.types
            and list(self.weight_shapes) == list(other.weight_shapes)
            and list(self.has_weight) == list(other.has_weight)
            and list(self.dtypes) == list(other.dtypes)
            and self.owners == other.owners
            and self.aliases == other.aliases
            and all(
                mine == others or (mine and others and dict(mine) == dict(others))
                for mine, others in zip(self.parameters, other.parameters, strict=True)
            )
        )

    __hash__ = None  # type: ignore[assignment]  # lists are among the columns

    @cached_property
    def _aliases_by_position(self) -> dict[int, list[str]]:
        aliases: dict[int, list[str]] = {}
        for alias, position in self.aliases.items():
            aliases.setdefault(position, []).append(alias)
        return aliases

    def layers(self, positions: Iterable[int]) -> Iterator[Layer]:
        """Return the layers at `positions`, made one by one."""
        aliases = self._aliases_by_position
        for position in positions:
            owner = self.owners.get(position)
            yield Layer(
                name=self.names[position],
                type=self.types[position],
                weight_shape=self.weight_shapes[position],
                has_weight=self.has_weight[position],
                parameters=unpacked(self.parameters[position], self.weight_shapes[position]),
                dtype=self.dtypes[position],
                tied_to=None if owner is None else self.names[owner],
                aliases=tuple(aliases.get(position, ())),
            )


def packed(parameters: Mapping[str, Shape | None], weight_shape: Shape | None) -> ParameterPairs | None:
    """Return `parameters` as the column has them."""
    derived = {} if weight_shape is None else {"weight": weight_shape}
    return None if dict(parameters) == derived else tuple(parameters.items())


def unpacked(parameters: ParameterPairs | None, weight_shape: Shape | None) -> ParameterShapes:
    """Return what `packed` was made from."""
    return derived_parameters(weight_shape) if parameters is None else ParameterShapes(parameters)


class Links(TypedDict):
    """The columns that lead from one layer to another."""

    owners: dict[int, int]
    aliases: dict[str, int]


def columns_of(layers: Sequence[Layer]) -> Columns:
    """Return the columns of `layers`; raises `InvalidInventory` where they contradict one another."""
    names = tuple(layer.name for layer in layers)
    shapes = [layer.weight_shape for layer in layers]
    return Columns(
        names=names,
        types=tuple(layer.type for layer in layers),
        weight_shapes=shapes,
        has_weight=[layer.has_weight for layer in layers],
        dtypes=[layer.dtype for layer in layers],
        parameters=[packed(layer.parameters, layer.weight_shape) for layer in layers],
        **linked(names, shapes, [layer.tied_to for layer in layers], [layer.aliases for layer in layers]),
    )


def linked(
    names: Sequence[str],
    shapes: Sequence[Shape | None],
    tied_to: Iterable[str | None],
    aliases: Iterable[Iterable[str]],
) -> Links:
    """Return the columns of ties and aliases for layers that state them by name.

    Raises `InvalidInventory` for two layers of one name, an alias that is already the name of a layer,
    and a layer that is tied to something else than the first layer with its weight.
    """
    positions = checked_positions(names)
    owners: dict[int, int] = {}
    for position, owner_name in enumerate(tied_to):
        if owner_name is not None:
            owner = positions.get(owner_name)
            tie = f"layer {names[position]!r} is tied to {owner_name!r}"
            if owner is None:
                raise InvalidInventory(f"{tie}, which is no layer of the model")
            if owner >= position or owner in owners:
                raise InvalidInventory(f"{tie}, which is not the first layer with that weight")
            if shapes[owner] != shapes[position]:
                raise InvalidInventory(f"{tie}, whose weight has another shape")
            owners[position] = owner
    known: dict[str, int] = {}
    for position, layer_aliases in enumerate(aliases):
        for alias in layer_aliases:
            if alias in positions or known.setdefault(alias, position) != position:
                raise InvalidInventory(
                    f"{alias!r}, an alias of layer {names[position]!r}, is the name of another layer"
                )
    return Links(owners=owners, aliases=known)


def checked_positions(names: Sequence[str]) -> dict[str, int]:
    """Return name -> position; raises `InvalidInventory` for two layers of one name."""
    positions = dict(zip(names, range(len(names)), strict=True))
    if len(positions) != len(names):
        twice = next(name for position, name in enumerate(names) if positions[name] != position)
        raise InvalidInventory(f"two layers have the name {twice!r}")
    return positions
