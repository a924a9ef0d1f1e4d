"""Layer: what this library knows of one named module, without its weights."""

from __future__ import annotations

import math
import operator
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias, cast

from compression_config.errors import InvalidInventory

__all__ = ["Layer", "ParameterShapes", "Shape", "derived_parameters", "numel_of"]

Shape: TypeAlias = tuple[int, ...]
"""The lengths of a tensor's axes; `()` is a single number."""


class ParameterShapes(Mapping[str, Shape | None]):
    """Parameter names with their shapes, in the module's order: a mapping that hashes and never changes."""

    __slots__ = ("_shapes",)

    def __init__(self, shapes: Mapping[str, Shape | None] | Sequence[tuple[str, Shape | None]] = ()) -> None:
        self._shapes: dict[str, Shape | None] = dict(shapes)

    def __getitem__(self, name: str) -> Shape | None:
        return self._shapes[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._shapes)

    def __len__(self) -> int:
        return len(self._shapes)

    def __hash__(self) -> int:
        return hash(frozenset(self._shapes.items()))

    def __repr__(self) -> str:
        return repr(self._shapes)


_NOT_GIVEN = ParameterShapes()
"""Stands for parameters that the caller left out; told from an empty mapping by identity."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Layer:
    """One named module of a model other than the root. Two layers are equal when all their fields are.

    Building one raises `InvalidInventory` when its fields cannot be true together.
    """

    name: str
    """Dotted, as `named_modules()` gives it."""
    type: str
    """The exact name of the module's class."""
    weight_shape: Shape | None = None
    """None without a weight, and with one whose shape is not known (uninitialized lazy modules)."""
    has_weight: bool | None = None
    """None when unknown; left out, it is True where a `weight_shape` is given and unknown elsewhere."""
    parameters: Mapping[str, Shape | None] = _NOT_GIVEN
    """The module's own parameters (not its children's) with their shapes, None for uninitialized ones.

    Left out, the weight is the only one that is known of; empty also where nothing is known.
    """
    dtype: str | None = None
    """Of the weight, as in "float32" or "bfloat16"; None when unknown."""
    tied_to: str | None = None
    """The first layer in the model's order that holds the same weight; None when that is this one (D17)."""
    aliases: tuple[str, ...] = ()
    """Further names of the same module, which `named_modules()` drops (D17)."""

    def __post_init__(self) -> None:
        _check_texts(self)
        shape = None if self.weight_shape is None else _shape(self.weight_shape, self.name, "weight_shape")
        has_weight = _untyped(self, "has_weight")
        if has_weight is not None and not isinstance(has_weight, bool):
            raise InvalidInventory(f"'has_weight' of layer {self.name!r} is true, false or unknown, not {has_weight!r}")
        if has_weight is False and shape is not None:
            raise InvalidInventory(f"layer {self.name!r} has a 'weight_shape', so 'has_weight' cannot be false")
        put = object.__setattr__
        put(self, "weight_shape", shape)
        put(self, "has_weight", True if shape is not None else has_weight)
        put(self, "parameters", _parameters(self.parameters, shape, self.name))

    @property
    def numel(self) -> int | None:
        """The number of elements of the weight; None when it is unknown or there is no weight."""
        return numel_of(self.weight_shape)


def numel_of(shape: Shape | None) -> int | None:
    """Return how many elements a tensor of `shape` has; None for None, 1 for `()`."""
    return None if shape is None else math.prod(shape)


def derived_parameters(weight_shape: Shape | None) -> ParameterShapes:
    """Return the parameters that a layer has when nothing but the shape of its weight is known."""
    return _NOT_GIVEN if weight_shape is None else ParameterShapes({"weight": weight_shape})


def _check_texts(layer: Layer) -> None:
    """Raise `InvalidInventory` unless the fields that hold text do."""
    name, kind, aliases = _untyped(layer, "name"), _untyped(layer, "type"), _untyped(layer, "aliases")
    if not isinstance(name, str) or not name:
        raise InvalidInventory(f"the name of a layer is a string that is not empty, not {name!r}")
    if not isinstance(kind, str) or not kind:
        raise InvalidInventory(f"the type of layer {name!r} is the name of a class, not {kind!r}")
    for field in ("dtype", "tied_to"):
        value = _untyped(layer, field)
        if value is not None and not isinstance(value, str):
            raise InvalidInventory(f"'{field}' of layer {name!r} is a string, not {value!r}")
    if not isinstance(aliases, tuple) or not all(isinstance(alias, str) for alias in aliases):
        raise InvalidInventory(f"'aliases' of layer {name!r} is a tuple of names, not {aliases!r}")


def _untyped(layer: Layer, field: str) -> object:
    """Return a field that is not known to have its type as yet."""
    return getattr(layer, field)


def _parameters(given: object, weight_shape: Shape | None, layer: str) -> ParameterShapes:
    if given is _NOT_GIVEN:
        return derived_parameters(weight_shape)
    if type(given) is ParameterShapes:
        return given
    if not isinstance(given, Mapping) or not all(isinstance(name, str) for name in given):
        raise InvalidInventory(f"'parameters' of layer {layer!r} maps names to shapes, and is not {given!r}")
    return ParameterShapes(
        {name: None if shape is None else _shape(shape, layer, name) for name, shape in given.items()}
    )


def _shape(given: object, layer: str, what: str) -> Shape:
    """Return `given` as a tuple of whole numbers; raise `InvalidInventory` when it is no shape."""
    if type(given) is tuple and all(type(length) is int and length >= 0 for length in given):
        return given
    if isinstance(given, Sequence) and not isinstance(given, str | bytes):
        lengths = [_length(length) for length in cast("Sequence[object]", given)]
        if None not in lengths:
            return tuple(length for length in lengths if length is not None)
    raise InvalidInventory(f"'{what}' of layer {layer!r} is a sequence of whole numbers from 0, not {given!r}")


def _length(given: object) -> int | None:
    """Return `given` as the length of an axis (numpy's integers are fine), or None when it is none."""
    if isinstance(given, bool):
        return None
    try:
        length = operator.index(given)  # type: ignore[arg-type]
    except TypeError:
        return None
    return length if length >= 0 else None
