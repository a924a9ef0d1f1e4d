"""Layer: what this library knows of one named module, without its weights."""

from __future__ import annotations

import functools
import math
import operator
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, NoReturn, Self, TypeAlias

from compression_config.errors import InvalidInventory, is_a
from compression_config.frozen import FrozenMapping
from compression_config.text import represented

__all__ = [
    "NOTHING",
    "Columns",
    "Layer",
    "OwnParameters",
    "Shape",
    "WrongField",
    "checked_parameters",
    "checked_shape",
    "checked_texts",
    "columns_of",
    "derived_parameters",
    "numel_of",
]

Shape: TypeAlias = tuple[int, ...]
"""The lengths of a tensor's axes; `()` is a single number."""

Columns: TypeAlias = tuple[Sequence[Any], ...]
"""The layers of a model by field: one sequence for each field of `Layer`, in their order, all of one length."""

MAX_AXES = 64
"""How many axes a shape may have: as many as numpy's arrays."""

MAX_NUMEL = 2**63
"""A shape has fewer elements, as everywhere where sizes are 64-bit integers; no axis is longer either."""


_type = type
"""The parameters of the methods below hide the name."""

_NOT_GIVEN: FrozenMapping[str, Any] = FrozenMapping()
"""Stands for parameters that the caller left out; told from an empty mapping by identity."""

NOTHING: FrozenMapping[str, Any] = FrozenMapping()
"""What is known of the parameters of most layers besides their shapes."""


class WrongField(InvalidInventory):
    """A field of a layer breaks a rule: `path` leads to it from the layer, `rule` is the sentence about it."""

    def __init__(self, path: tuple[str, ...], rule: str, layer: object = None) -> None:
        self.path = path
        self.rule = rule
        self.layer = layer
        super().__init__(path, rule, layer)

    def __str__(self) -> str:
        return f"layer {represented(self.layer)}: {self.rule}" if isinstance(self.layer, str) else self.rule


class _Fields(NamedTuple):
    # A tuple takes a third of the time of a frozen dataclass to make, and models have up to a million layers.

    name: str
    """Dotted, as `named_modules()` gives it."""
    type: str
    """The exact name of the module's class."""
    weight_shape: Shape | None
    """None without a weight, and with one whose shape is not known (uninitialized lazy modules)."""
    has_weight: bool | None
    """None when unknown; left out, it is True where a `weight_shape` is given and unknown elsewhere."""
    parameters: FrozenMapping[str, Shape | None]
    """The module's own parameters (not its children's) with their shapes, None for uninitialized ones.

    Left out, its weight is the only one; empty also where nothing is known.
    """
    dtype: str | None
    """Of the weight, as in "float32" or "bfloat16"; None when unknown."""
    tied_to: str | None
    """The first layer in the model's order that holds the same weight; None when that is this one (D17)."""
    aliases: tuple[str, ...]
    """Further names of the same module, which `named_modules()` drops (D17)."""
    parameter_dtypes: FrozenMapping[str, str]
    """The dtypes of the parameters besides the weight, as far as they are known (D20)."""
    parameter_ties: FrozenMapping[str, str]
    """Parameters besides the weight that are stored elsewhere, with the full name of the one that counts (D20).

    That is the weight of a layer if one of them is, else the first in the model's order, the root's own last.
    """


class Layer(_Fields):
    """One named module of a model other than the root. Two layers are equal when all their fields are.

    Building one raises `InvalidInventory` when its fields cannot be true together; `_make`, which those use who
    have checked the fields already, checks nothing.

    >>> Layer(name="fc1", type="Linear", weight_shape=(10, 20)).numel
    200
    """

    __slots__ = ()

    def __new__(
        cls,
        *,
        name: str,
        type: str,  # noqa: A002 - the word of design and files
        weight_shape: Sequence[int] | None = None,
        has_weight: bool | None = None,
        parameters: Mapping[str, Sequence[int] | None] = _NOT_GIVEN,
        dtype: str | None = None,
        tied_to: str | None = None,
        aliases: Sequence[str] = (),
        parameter_dtypes: Mapping[str, str] = NOTHING,
        parameter_ties: Mapping[str, str] = NOTHING,
    ) -> Self:
        """Make the layer that the fields describe, once they are checked."""
        # Files of a million layers come through here: what is right takes no call.
        texts = _type(name) is _type(type) is str and (dtype is None or _type(dtype) is str)
        if not texts or not name or not type or tied_to is not None:
            _check_texts(name, type, dtype, tied_to)
        shape = None if weight_shape is None else checked_shape(weight_shape, ("weight_shape",), name)
        if has_weight is not None and has_weight is not True and has_weight is not False:
            _refuse(("has_weight",), f"'has_weight' is true or false, not {represented(has_weight)}", name)
        if shape is not None:
            if has_weight is False:
                _refuse(("has_weight",), "'has_weight' cannot be false beside a 'weight_shape'", name)
            has_weight = True
        if parameters is _NOT_GIVEN:
            shapes = derived_parameters(shape)
        elif _type(parameters) is FrozenMapping:
            shapes = parameters
        else:
            shapes = checked_parameters(parameters, name)
        others = _aliases(aliases, name) if aliases != () else ()
        dtypes, ties = parameter_dtypes, parameter_ties
        if dtypes is not NOTHING:
            dtypes = checked_texts(dtypes, "parameter_dtypes", shapes, name)
        if ties is not NOTHING:
            ties = checked_texts(ties, "parameter_ties", shapes, name)
        return tuple.__new__(cls, (name, type, shape, has_weight, shapes, dtype, tied_to, others, dtypes, ties))

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self)._make, (tuple(self),)

    def _replace(self, /, **changes: Any) -> Self:  # noqa: ANN401 - as typeshed has it
        """Return the layer with other fields, checked like a new one."""
        return type(self)(**(self._asdict() | changes))

    __replace__ = _replace  # what copy.replace() of Python 3.13 calls

    @property
    def numel(self) -> int | None:
        """The number of elements of the weight; None when it is unknown or there is no weight."""
        return numel_of(self.weight_shape)


class OwnParameters(NamedTuple):
    """The parameters that are the root's own, which is not a layer (D20)."""

    shapes: Mapping[str, Shape | None] = NOTHING
    dtypes: Mapping[str, str] = NOTHING
    ties: Mapping[str, str] = NOTHING
    """See `Layer.parameter_ties`."""


def numel_of(shape: Shape | None) -> int | None:
    """Return how many elements a tensor of `shape` has; None for None, 1 for `()`."""
    return None if shape is None else math.prod(shape)


def columns_of(layers: Sequence[Layer]) -> Columns:
    """Return the columns of `layers`."""
    return tuple(zip(*layers, strict=True)) or ((),) * len(Layer._fields)


@functools.lru_cache(maxsize=4096)
def derived_parameters(weight_shape: Shape | None) -> FrozenMapping[str, Shape | None]:
    """Return the parameters that a layer has when nothing but the shape of its weight is known."""
    return _NOT_GIVEN if weight_shape is None else FrozenMapping({"weight": weight_shape})


_INT = frozenset({int})


def checked_shape(given: object, path: tuple[str, ...], layer: object = None) -> Shape:
    """Return `given` as a shape: a list, a tuple or another sequence of integers, numpy's among them.

    Raises `WrongField` for anything else, and for more axes or elements than tensors have.
    """
    # Almost all shapes are lists or tuples of plain integers, and most were met before.
    usual: Any = given if type(given) is list or type(given) is tuple else ()
    if usual and len(usual) <= MAX_AXES and set(map(type, usual)) <= _INT:
        known = _bounded(tuple(usual))
        if known is not None:
            return known
    lengths, what = _lengths(given), represented(path[-1])
    if lengths is None or (lengths and min(lengths) < 0):
        _refuse(path, f"{what} is a list of whole numbers from 0, not {represented(given)}", layer)
    if len(lengths) > MAX_AXES:
        _refuse(path, f"{what} has at most {MAX_AXES} axes, not {len(lengths):,}", layer)
    shape = _bounded(tuple(lengths))
    if shape is None:
        _refuse(path, f"{what} has fewer than 2**63 elements, not {represented(given)}", layer)
    return shape


@functools.lru_cache(maxsize=4096)
def _bounded(shape: Shape) -> Shape | None:
    """Return `shape`, the same object for equal ones; None when it has a negative length or too many elements."""
    # Nothing is multiplied before the lengths are known to be bounded: products of long numbers take minutes.
    possible = min(shape, default=0) >= 0 and max(shape, default=0) < MAX_NUMEL and math.prod(shape) < MAX_NUMEL
    return shape if possible else None


def _lengths(given: object) -> list[int] | None:
    """Return the items of a sequence as plain integers; None when it is another thing, or one of them is."""
    if not is_a(given, Sequence) or is_a(given, (str, bytes)):
        return None
    try:
        return [-1 if is_a(length, bool) else operator.index(length) for length in given]
    except TypeError:
        return None


def _check_texts(name: object, layer_type: object, dtype: object, tied_to: object) -> None:
    """Raise `WrongField` unless the fields that hold text do."""
    if not is_a(name, str) or not name:
        _refuse(("name",), f"the name of a layer is a string that is not empty, not {_text(name)}")
    if not is_a(layer_type, str) or not layer_type:
        _refuse(("type",), f"'type' is the name of a class, not {_text(layer_type)}", name)
    if dtype is not None and not is_a(dtype, str):
        _refuse(("dtype",), f"'dtype' is a string, not {_text(dtype)}", name)
    if tied_to is not None and not is_a(tied_to, str):
        _refuse(("tied_to",), f"'tied_to' is the name of a layer, not {_text(tied_to)}", name)


def _text(value: object) -> str:
    """Return a value where text is expected, with a hint where YAML read text as something else."""
    return represented(value) + (" (put it in quotes)" if is_a(value, (bool, int, float)) else "")


def checked_parameters(given: object, layer: object = None) -> FrozenMapping[str, Shape | None]:
    """Return names and shapes of parameters; raise `WrongField` for anything else."""
    if not is_a(given, Mapping) or not all(is_a(name, str) for name in given):
        _refuse(("parameters",), f"'parameters' maps names to shapes, and is not {represented(given)}", layer)
    return FrozenMapping(
        {
            name: None if shape is None else checked_shape(shape, ("parameters", name), layer)
            for name, shape in given.items()
        }
    )


def checked_texts(
    given: object, key: str, parameters: Mapping[str, Shape | None], layer: object = None, *, weight: bool = False
) -> FrozenMapping[str, str]:
    """Return texts about some of `parameters`; raise `WrongField` for anything else.

    The `weight` of a layer has fields of its own and is not among them; that of the root is.
    """
    if not isinstance(given, Mapping) or not all(isinstance(text, str) and text for text in given.values()):
        _refuse((key,), f"{key!r} maps names of parameters to strings, and is not {represented(given)}", layer)
    for name in given:
        if name not in parameters or (name == "weight" and not weight):
            besides = "" if weight else " besides the weight"
            rule = f"{key!r} is about the 'parameters'{besides}, and {represented(name)} is not one of them"
            _refuse((key,), rule, layer)
    return FrozenMapping(given)


def _aliases(given: object, layer: str) -> tuple[str, ...]:
    if not is_a(given, (list, tuple)) or not all(is_a(alias, str) and alias for alias in given):
        _refuse(("aliases",), f"'aliases' is a list of names, not {represented(given)}", layer)
    return tuple(given)


def _refuse(path: tuple[str, ...], rule: str, layer: object = None) -> NoReturn:
    raise WrongField(path, rule, layer)
