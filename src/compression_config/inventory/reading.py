"""Reading: what modules say of their weights and parameters, as columns.

The attributes of a torch module are read where torch stores them (`_parameters`, `_buffers`, the
instance itself), so that nothing of the model is computed: a parametrized weight costs an
orthogonalisation or a power iteration each time it is looked at, and wrappers forward attributes
that they do not have to the module that they wrap.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple, TypeAlias

from compression_config.inventory.columns import Columns, ParameterPairs, packed
from compression_config.inventory.layer import Shape
from compression_config.inventory.walking import Walk, stored_in

__all__ = ["read_modules"]

Module: TypeAlias = Any
"""A module as torch makes it or something like one; no type of torch's can be named here."""
Tensor: TypeAlias = Any
"""What a module has for a parameter: mostly something with `shape` and `dtype`."""


def read_modules(walked: Walk) -> Columns:
    """Return the columns of the modules in `walked`.

    Shapes are read now and kept: what becomes of the model later does not change them.
    """
    modules: list[Module] = walked.modules
    size = len(modules)
    has_weight: list[bool | None] = [True] * size
    weight_shapes: list[Shape | None] = [None] * size
    dtypes: list[str | None] = [None] * size
    parameters: list[ParameterPairs | None] = [None] * size
    stored: list[Tensor | None] = [None] * size
    reader = _Reader()
    shapes, dtype_names, weightless = reader.shapes, reader.dtype_names, reader.weightless
    # The hot loop. It serves a torch module that keeps its weight among its parameters, or has neither,
    # if its shapes, its dtype or its class were met before. Whatever it does not expect raises, and is
    # read with care: a table that lacks a key, a parameter without shape, a module that is not torch's.
    for position, own in enumerate(walked.parameters):
        try:
            if own:
                weight = own["weight"]
                weight_shapes[position] = shapes[weight.shape]
                dtypes[position] = dtype_names[weight.dtype]
                stored[position] = weight
                if len(own) > 1 and (len(own) > 2 or own["bias"] is not None):  # noqa: PLR2004
                    parameters[position] = tuple([(name, shapes[p.shape]) for name, p in own.items() if p is not None])
                continue
            module = modules[position]
            attributes = module.__dict__
            if type(module) in weightless and "weight" not in attributes and "weight" not in attributes["_buffers"]:
                has_weight[position] = False
                continue
        except Exception:  # noqa: BLE001, S110  # foreign code: anything can come out of it
            pass
        found = reader.weight(modules[position], own)
        has_weight[position], weight_shapes[position], dtypes[position], stored[position] = found
        parameters[position] = reader.parameters(own, found)
    return Columns(
        names=tuple(walked.names),
        types=tuple(walked.types),
        weight_shapes=weight_shapes,
        has_weight=has_weight,
        dtypes=dtypes,
        parameters=parameters,
        owners=_owners(stored, weight_shapes),
        aliases=walked.aliases,
    )


class _Weight(NamedTuple):
    """What is known of the weight of one module."""

    known: bool | None
    """Whether there is one; None when that cannot be told."""
    shape: Shape | None = None
    dtype: str | None = None
    stored: object = None
    """What holds the numbers: layers that store the same object share their weight."""


_NO_WEIGHT = _Weight(known=False)
_NOT_KNOWN = _Weight(known=None)


@dataclass(slots=True)
class _Reader:
    """Reads one module at a time, whatever it is, and remembers what the hot loop asks for."""

    shapes: dict[object, Shape] = field(default_factory=dict)
    """Shapes as they were met -> as plain tuples."""
    dtype_names: dict[object, str] = field(default_factory=dict)
    weightless: set[type] = field(default_factory=set)
    """Classes that have no `weight` of their own, such as a property."""

    def weight(self, module: Module, own: dict[str, Tensor] | None) -> _Weight:
        """Return what is known of the weight of `module`, whose own parameters are `own` if it is like torch's."""
        if isinstance(module, str | type):
            return _NOT_KNOWN
        if own is None:
            return self._shown(module)
        if "weight" in own:
            return self._tensor(own["weight"]) if own["weight"] is not None else _NO_WEIGHT
        # Pruning and the older weight_norm leave a plain attribute where the parameter was.
        for place in (vars(module), stored_in(module, "_buffers") or {}):
            if _has_shape(place.get("weight")):
                return self._tensor(place["weight"], own.get("weight_orig"))
        parametrizations = (stored_in(module, "_modules") or {}).get("parametrizations")
        originals = (stored_in(parametrizations, "_modules") or {}).get("weight")
        if originals is not None:
            return self._parametrized(originals)
        if getattr(type(module), "weight", None) is None:
            self.weightless.add(type(module))
            return _NO_WEIGHT
        return self._shown(module)

    def parameters(self, own: dict[str, Tensor] | None, weight: _Weight) -> ParameterPairs | None:
        """Return the parameters `own` of a module, as the column has them."""
        if own is None:
            return None
        return packed({name: self._shape(tensor) for name, tensor in own.items() if tensor is not None}, weight.shape)

    def _shown(self, module: Module) -> _Weight:
        """Return the weight that `module` shows when it is asked, which may run its own code."""
        try:
            weight = module.weight
        except AttributeError:
            return _NO_WEIGHT
        except Exception:  # noqa: BLE001  # foreign code: anything can come out of it
            return _NOT_KNOWN
        return self._tensor(weight) if _has_shape(weight) else _NO_WEIGHT

    def _parametrized(self, originals: Module) -> _Weight:
        """Return the weight that `torch.nn.utils.parametrize` makes of `originals`."""
        tensors = {**(stored_in(originals, "_parameters") or {}), **(stored_in(originals, "_buffers") or {})}
        steps = [type(step) for step in (stored_in(originals, "_modules") or {}).values()]
        # Torch lets a step change the shape if it is registered as unsafe. Torch's own are, and do not.
        torch_only = all(step.__module__ == "torch.nn.utils.parametrizations" for step in steps)
        if not torch_only and getattr(originals, "unsafe", True):
            return _Weight(known=True)
        # Of several tensors a weight of any shape can be made; only of weight_norm it is known which.
        norm = bool(steps) and steps[0].__name__ == "_WeightNorm"
        original = tensors.get("original1" if norm else "original")
        return _Weight(known=True) if original is None else self._tensor(original)

    def _tensor(self, tensor: Tensor, stored: object = None) -> _Weight:
        return _Weight(True, self._shape(tensor), self._dtype(tensor), tensor if stored is None else stored)

    def _shape(self, tensor: Tensor) -> Shape | None:
        """Return the shape of `tensor`, None when it has none yet or none of plain numbers."""
        try:
            given = tensor.shape
            shape = tuple(int(operator.index(length)) for length in given)
            if any(length < 0 for length in shape):
                return None
            self.shapes[given] = shape
        except Exception:  # noqa: BLE001  # foreign code: anything can come out of it
            return None
        return shape

    def _dtype(self, tensor: Tensor) -> str | None:
        try:
            dtype = tensor.dtype
            name = str(dtype).removeprefix("torch.")
            self.dtype_names[dtype] = name
        except Exception:  # noqa: BLE001  # foreign code: anything can come out of it
            return None
        return name


def _has_shape(weight: Tensor) -> bool:
    """Return whether `weight` is a tensor, be it one without a shape as yet."""
    try:
        weight.shape  # noqa: B018
    except AttributeError:
        return False
    except Exception:  # noqa: BLE001  # torch says so of a lazy tensor with a RuntimeError
        return True
    return not callable(weight)


def _owners(stored: Sequence[Tensor | None], shapes: Sequence[Shape | None]) -> dict[int, int]:
    """Return position -> position of the first layer that stores the same weight, for those that share one."""
    some = next((tensor for tensor in stored if tensor is not None), None)
    identify: Callable[[Tensor], int] = id if getattr(some, "is_meta", True) else _address
    identities = [identify(tensor) for tensor in stored if tensor is not None]
    if len(set(identities)) == len(identities):
        return {}
    owners: dict[int, int] = {}
    first: dict[tuple[int, Shape | None], int] = {}
    for position, tensor in enumerate(stored):
        if tensor is not None:
            # Tensors that begin at one address may still be slices of different length.
            owner = first.setdefault((identify(tensor), shapes[position]), position)
            if owner != position:
                owners[position] = owner
    return owners


def _address(tensor: Tensor) -> int:
    """Return where the numbers of `tensor` begin: two parameters may store theirs in one place.

    Where that cannot be told (no memory yet, a tensor with a layout of its own) its identity stands in.
    """
    try:
        return (tensor.data_ptr() if type(tensor).__name__ == "Parameter" else 0) or id(tensor)
    except Exception:  # noqa: BLE001  # foreign code: anything can come out of it
        return id(tensor)
