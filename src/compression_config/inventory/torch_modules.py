"""Live models: their modules by name, in the order of `named_modules()`, and what each is as a layer.

A torch model is walked over its `_modules` with an explicit stack. That takes less time than `named_modules()`, which
passes every name up through a generator per level, and it shows the names that `named_modules()` drops: those of a
module that the model holds twice. A model in which a class overrides `named_modules()` is asked for it instead, and so
is everything that is not made by torch. Of torch itself nothing is imported.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Protocol, TypeAlias, cast

from compression_config.errors import InvalidInventory
from compression_config.frozen import FrozenMapping
from compression_config.inventory.layer import (
    NOTHING,
    Columns,
    OwnParameters,
    Shape,
    checked_shape,
    derived_parameters,
)
from compression_config.inventory.wrappers import bare_name, bare_names, component_of, joined_name
from compression_config.text import represented

__all__ = [
    "MAX_ALIASES",
    "Read",
    "SupportsNamedModules",
    "Walk",
    "has_named_modules",
    "read_modules",
    "stored_in",
    "walk",
]


TorchModule: TypeAlias = Any
"""A `torch.nn.Module` or that class: nothing of torch is imported, so its type cannot be named."""

MAX_ALIASES = 100_000
"""How many aliases of one model are kept. Containers that hold one another twice have 2**depth of them."""


class SupportsNamedModules(Protocol):
    """A model as PyTorch shapes it; nothing of torch is imported for it."""

    def named_modules(self) -> Iterable[tuple[str, object]]:
        """Return every module with its dotted name, the root as `""`, each once."""
        ...


@dataclass(frozen=True, slots=True)
class Walk:
    """The modules of a model other than the root, in the model's order; lists of equal length."""

    names: list[str]
    types: list[str]
    modules: list[object]
    parameters: list[dict[str, Any] | None]
    """Where each module keeps its own parameters; None for what is not made like a torch module."""
    aliases: dict[int, list[str]] = field(default_factory=dict)
    """Position -> further names of the module; empty where they cannot be known."""
    root: object = None
    """The root: a module, or what a pair has in its place; None where it is not known."""
    keys: list[str] | None = None
    """The names with the components of wrappers; None without wrappers (D19)."""

    @classmethod
    def of(cls, pairs: Iterable[tuple[str, object]]) -> Walk:
        """Return the walk over `pairs` of a name and a module, its class, or the name of its class.

        Raises `InvalidInventory` for what cannot be a module.
        """
        # A subclass of str may compare and hash as it likes: names and types are plain strings.
        given = [(str.__str__(name), module) for name, module in pairs]
        names = [name for name, _ in given if name]
        modules = [module for name, module in given if name]
        return cls(
            names=names,
            types=[_type_name(module) for module in modules],
            modules=modules,
            parameters=[_own(module) for module in modules],
            # Of a wrapped model there are two: the wrapper comes first.
            root=next((module for name, module in reversed(given) if not name), None),
        )


def has_named_modules(model: object) -> bool:
    """Return whether `model` can be asked for its modules."""
    try:
        return callable(getattr(model, "named_modules", None))
    except Exception:  # noqa: BLE001  # foreign code: anything can come out of it
        return False


def walk(model: SupportsNamedModules) -> Walk:
    """Return the modules of `model`, without wrappers (D19).

    Raises `InvalidInventory` when `model` gives no modules by name.
    """
    torch_module = getattr(getattr(sys.modules.get("torch"), "nn", None), "Module", None)
    if torch_module is not None and isinstance(model, torch_module):
        try:
            walked = _walk_torch(model, torch_module)
        except (AttributeError, KeyError):  # a module whose __init__ did not call that of its base
            walked = None
        if walked is not None:
            return _unwrapped(walked)
    return _unwrapped(_ask(model))


def _ask(model: SupportsNamedModules) -> Walk:
    """Return what `model.named_modules()` says, each pair checked."""
    if isinstance(model, type):
        raise InvalidInventory(f"the model is the class {model.__name__!r}: pass an instance of it")
    try:
        pairs = [(name, module) for name, module in model.named_modules()]  # unpacking is the check
    # Foreign code runs here; whatever it raises means that there is no list of modules.
    except Exception as error:
        raise InvalidInventory(f"named_modules() of {type(model).__name__!r} failed: {error!r}") from error
    for name, _ in pairs:
        if not isinstance(name, str):
            raise InvalidInventory(f"named_modules() gives {represented(name)} as the name of a module")
    return Walk.of(pairs)


def _unwrapped(walked: Walk) -> Walk:
    """Return `walked` without the wrappers in it and without their components in names."""
    of_class = {cls: component_of(cls) for cls in {type(walked.root), *map(type, walked.modules)}}
    if not any(of_class.values()):
        return walked
    known = {*walked.names, *(alias for aliases in walked.aliases.values() for alias in aliases)}
    wrappers: dict[str, str] = {}
    for position, (name, module) in enumerate(zip(["", *walked.names], [walked.root, *walked.modules], strict=True)):
        component = of_class[type(module)]
        if component is not None and joined_name(name, component) in known:
            wrappers |= dict.fromkeys([name, *walked.aliases.get(position - 1, ())], component)
    bare = bare_names(walked.names, wrappers, known)
    kept = [position for position, name in enumerate(bare) if name]
    names = [bare[position] or "" for position in kept]
    own_names = frozenset(names)
    aliases: dict[int, list[str]] = {}
    for place, position in enumerate(kept):
        others = dict.fromkeys(bare_name(alias, wrappers) for alias in walked.aliases.get(position, ()))
        if others:
            aliases[place] = [alias for alias in others if alias not in own_names]
    way = ""
    while way in wrappers:
        way = joined_name(way, wrappers[way])
    return Walk(
        names=names,
        types=[walked.types[position] for position in kept],
        modules=[walked.modules[position] for position in kept],
        parameters=[walked.parameters[position] for position in kept],
        aliases=aliases,
        root=walked.modules[walked.names.index(way)] if way else walked.root,
        keys=[walked.names[position] for position in kept],
    )


_PLAIN_VALUES = (type(None), str, bool, int, float, complex, bytes, list, tuple, dict, set)


def _type_name(module: object) -> str:
    """Return the name of the class of `module`, which may be that name or that class."""
    cls = type(module)  # unlike `__class__`, which isinstance() asks for, it runs no code of the module
    if issubclass(cls, str) and (name := str.__str__(cast("str", module))):
        return name
    if issubclass(cls, _PLAIN_VALUES):
        raise InvalidInventory(
            f"a layer comes with the name of its type, a class or a module, not {represented(module)}"
        )
    return cast("type", module).__name__ if issubclass(cls, type) else cls.__name__


def _own(module: object) -> dict[str, Any] | None:
    """Return the own parameters of a torch module; None for everything else."""
    return None if issubclass(type(module), str | type) else stored_in(module, "_parameters")


def stored_in(module: object, what: str) -> dict[str, Any] | None:
    """Return the dict in which a torch module keeps `what`; None when `module` is not made like one."""
    try:
        found = vars(module).get(what)
    except Exception:  # noqa: BLE001  # a module may answer by code of its own
        return None
    return found if isinstance(found, dict) else None


def _walk_torch(root: TorchModule, torch_module: TorchModule) -> Walk | None:
    """Return the modules below `root`, or None when one of its classes must be asked instead."""
    type_names: dict[type, str] = {}
    if not _is_usual(type(root), torch_module):
        return None
    names: list[str] = []
    types: list[str] = []
    modules: list[object] = []
    parameters: list[dict[str, Any] | None] = []
    seen = {id(root)}
    met_again: list[_MetAgain] = []
    # One entry per module on the current path: its prefix, those of its children that are still
    # to come, and its identity. Modules without children, the most of them, never get one.
    path: list[tuple[str, Iterator[tuple[str, TorchModule]], int]] = [("", iter(root._modules.items()), id(root))]  # noqa: SLF001
    while path:
        prefix, children, _ = path[-1]
        for name, child in children:
            if child is None:
                continue
            identity = id(child)
            if identity in seen:
                met_again.append(_MetAgain(prefix + name, child, frozenset(entry[2] for entry in path)))
                continue
            type_name = type_names.get(type(child))
            if type_name is None:
                if not _is_usual(type(child), torch_module):
                    return None
                type_name = type_names[type(child)] = type(child).__name__
            seen.add(identity)
            full_name = prefix + name
            names.append(full_name)
            types.append(type_name)
            modules.append(child)
            attributes = child.__dict__
            parameters.append(attributes["_parameters"])
            grandchildren = attributes["_modules"]
            if grandchildren:
                path.append((full_name + ".", iter(grandchildren.items()), identity))
                break
        else:
            path.pop()
    return Walk(names, types, modules, parameters, _aliases(met_again, modules) if met_again else {}, root)


def _is_usual(cls: TorchModule, torch_module: TorchModule) -> bool:
    """Return whether modules of `cls` are enumerated, compared and stored the way torch's own are."""
    return (
        issubclass(cls, torch_module)
        and cls.named_modules is torch_module.named_modules
        and cls.__eq__ is object.__eq__
        and cls.__hash__ is object.__hash__
        # Scripted modules keep their children in the compiler, not in `_modules`.
        and not any(base.__module__.startswith("torch.jit") for base in cls.__mro__)
    )


@dataclass(frozen=True, slots=True)
class _MetAgain:
    """A module that a walk came to by a second way."""

    name: str
    module: TorchModule
    path: frozenset[int]
    """Identities of the modules that the way led through."""


def _aliases(met_again: list[_MetAgain], modules: list[object]) -> dict[int, list[str]]:
    """Return the names of the modules in `met_again` and of all below them by position, at most `MAX_ALIASES`.

    A module on the way to itself gets the name but is not entered: there is no end to such names.
    """
    positions = {id(module): position for position, module in enumerate(modules)}
    aliases: dict[int, list[str]] = {}
    count = 0
    to_do = met_again[::-1]
    while to_do and count < MAX_ALIASES:
        met = to_do.pop()
        identity = id(met.module)
        if identity in positions:
            aliases.setdefault(positions[identity], []).append(met.name)
            count += 1
        if identity not in met.path:
            path = met.path | {identity}
            to_do += (
                _MetAgain(f"{met.name}.{name}", child, path)
                for name, child in reversed(met.module._modules.items())  # noqa: SLF001
                if child is not None
            )
    return aliases


Module: TypeAlias = Any
"""A module as torch makes it or something like one; no type of torch's can be named here."""
Tensor: TypeAlias = Any
"""What a module has for a parameter: mostly something with `shape` and `dtype`."""


class Read(NamedTuple):
    """What modules are as layers."""

    columns: Columns
    root: OwnParameters | None
    """None where not all parameters are known: there is no root, or a module keeps its own in another way."""
    bases: dict[str, tuple[str, ...]]
    """Name of a class -> the names of its bases, the nearest first; of two classes of one name, those of both."""


def read_modules(walked: Walk) -> Read:
    """Return what the modules in `walked` are as layers.

    Shapes are read now and kept: what becomes of the model later does not change them.
    """
    modules: list[Module] = walked.modules
    size = len(modules)
    has_weight: list[bool | None] = [True] * size
    weight_shapes: list[Shape | None] = [None] * size
    parameters: list[FrozenMapping[str, Shape | None]] = [derived_parameters(None)] * size
    parameter_dtypes: list[FrozenMapping[str, str]] = [NOTHING] * size
    dtypes: list[str | None] = [None] * size
    stored: list[Tensor | None] = [None] * size
    reader = _Reader()
    shapes, derived, several = reader.shapes, reader.derived, reader.several
    dtype_names, weightless = reader.dtype_names, reader.weightless
    # The hot loop. It serves a torch module that keeps its weight among its parameters, or has neither,
    # if its shapes, its dtype or its class were met before. Whatever it does not expect raises, and is
    # read with care: a table that lacks a key, a parameter without shape, a module that is not torch's.
    for position, own in enumerate(walked.parameters):
        try:
            if own:
                weight = own["weight"]
                if len(own) > 1 and (len(own) > 2 or own["bias"] is not None):  # noqa: PLR2004
                    parameters[position], parameter_dtypes[position] = several[
                        tuple(
                            [(name, shapes[p.shape], dtype_names[p.dtype]) for name, p in own.items() if p is not None]
                        )
                    ]
                else:
                    parameters[position] = derived[weight.shape]
                weight_shapes[position] = shapes[weight.shape]
                dtypes[position] = dtype_names[weight.dtype]
                stored[position] = weight
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
        parameters[position], parameter_dtypes[position] = reader.parameters(own, found.shape)
    ties = _ties(stored, weight_shapes, walked, reader)
    aliases: list[tuple[str, ...]] = [()] * size
    for position, names in walked.aliases.items():
        aliases[position] = tuple(names)
    known = walked.names, walked.types, weight_shapes, has_weight, parameters, dtypes
    columns = (*known, ties.of_weights, aliases, parameter_dtypes, ties.of_others[:-1])
    return Read(columns, _own_of_root(walked, reader, ties.of_others[-1]), _bases(modules))


def _own_of_root(walked: Walk, reader: _Reader, ties: FrozenMapping[str, str]) -> OwnParameters | None:
    """Return the parameters of the root itself, with their `ties`; None where those of any module are not known."""
    own = _own(walked.root)
    if own is None or None in walked.parameters:
        return None
    given = {name: (reader.shape(p), reader.dtype(p)) for name, p in own.items() if p is not None}
    return OwnParameters(
        FrozenMapping({name: shape for name, (shape, _) in given.items()}),
        FrozenMapping({name: dtype for name, (_, dtype) in given.items() if dtype is not None}),
        ties,
    )


def _bases(modules: Iterable[object]) -> dict[str, tuple[str, ...]]:
    bases: dict[str, tuple[str, ...]] = {}
    classes = (cast("type", module) if issubclass(type(module), type) else type(module) for module in modules)
    for cls in dict.fromkeys(classes):
        if not issubclass(cls, str):
            names = tuple(base.__name__ for base in cls.__mro__[1:-1])
            met = bases.setdefault(cls.__name__, names)
            if met != names:
                bases[cls.__name__] = tuple(name for name in met if name in names)
    return bases


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


_Parameters: TypeAlias = tuple[FrozenMapping[str, Shape | None], FrozenMapping[str, str]]
"""The shapes of a module's own parameters, and the dtypes of those besides the weight."""


@dataclass(slots=True)
class _Reader:
    """Reads one module at a time, whatever it is, and remembers what the hot loop asks for."""

    shapes: dict[object, Shape] = field(default_factory=dict)
    """Shapes as they were met -> as plain tuples."""
    derived: dict[object, FrozenMapping[str, Shape | None]] = field(default_factory=dict)
    """Shapes as they were met -> the parameters of a module that has a weight of that shape and nothing else."""
    several: dict[tuple[tuple[str, Shape | None, str | None], ...], _Parameters] = field(default_factory=dict)
    """Names, shapes and dtypes of more parameters -> the mappings that all modules with these have."""
    dtype_names: dict[object, str] = field(default_factory=dict)
    weightless: set[type] = field(default_factory=set)
    """Classes that have no `weight` of their own, such as a property."""

    def weight(self, module: Module, own: dict[str, Tensor] | None) -> _Weight:
        """Return what is known of the weight of `module`, whose own parameters are `own` if it is like torch's."""
        if issubclass(type(module), str | type):
            return _NOT_KNOWN
        if own is None:
            return self._shown(module)
        if "weight" in own:
            return self._tensor(own["weight"]) if own["weight"] is not None else _NO_WEIGHT
        # Pruning and the older weight_norm leave a plain attribute where the parameter was.
        for place in (vars(module), stored_in(module, "_buffers") or {}):
            if _has_shape(place.get("weight")):
                # Both have the shape of the weight that is made of them.
                return self._tensor(place["weight"], own.get("weight_orig", own.get("weight_v")))
        parametrizations = (stored_in(module, "_modules") or {}).get("parametrizations")
        originals = (stored_in(parametrizations, "_modules") or {}).get("weight")
        if originals is not None:
            return self._parametrized(originals)
        if getattr(type(module), "weight", None) is None:
            self.weightless.add(type(module))
            return _NO_WEIGHT
        return self._shown(module)

    def parameters(self, own: dict[str, Tensor] | None, weight_shape: Shape | None) -> _Parameters:
        """Return shapes and dtypes of the parameters `own` of a module, or where it keeps none, of its weight."""
        if own is None:
            return derived_parameters(weight_shape), NOTHING
        known = tuple([(name, self.shape(p), self.dtype(p)) for name, p in own.items() if p is not None])
        if known not in self.several:
            shapes = FrozenMapping([(name, shape) for name, shape, _ in known])
            dtypes = [(name, dtype) for name, _, dtype in known if dtype is not None and name != "weight"]
            self.several[known] = shapes, FrozenMapping(dtypes) if dtypes else NOTHING
        return self.several[known]

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
        return _Weight(True, self.shape(tensor), self.dtype(tensor), tensor if stored is None else stored)

    def shape(self, tensor: Tensor) -> Shape | None:
        """Return the shape of `tensor`, None when it has none yet or none of plain numbers."""
        try:
            given = tensor.shape
            shape = checked_shape(tuple(given), ("shape",))
            self.shapes[given], self.derived[given] = shape, derived_parameters(shape)
        except Exception:  # noqa: BLE001  # foreign code: anything can come out of it
            return None
        return shape

    def dtype(self, tensor: Tensor) -> str | None:
        """Return the name of the dtype of `tensor`; None when it has none."""
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


class _Ties(NamedTuple):
    """Which parameters are stored elsewhere."""

    of_weights: list[str | None]
    """For each layer the name of the first one that stores the same weight; None for that one itself."""
    of_others: list[FrozenMapping[str, str]]
    """For each layer, and then for the root, `Layer.parameter_ties`."""


def _ties(stored: Sequence[Tensor | None], shapes: Sequence[Shape | None], walked: Walk, reader: _Reader) -> _Ties:
    """Return which parameters of a model are one: the weights of layers, and what else layers and the root have."""
    ties = _Ties([None] * len(stored), [NOTHING] * (len(stored) + 1))
    others = [
        (position, name, tensor)
        for position, own in enumerate(walked.parameters)
        if own and (len(own) > 1 or "weight" not in own)
        for name, tensor in own.items()
        if tensor is not None and name != "weight"
    ]
    of_root = (_own(walked.root) or {}).items()
    others += [(len(stored), name, tensor) for name, tensor in of_root if tensor is not None]
    some = next((tensor for tensor in stored if tensor is not None), others[0][2] if others else None)
    identify: Callable[[Tensor], int] = id if getattr(some, "is_meta", True) else _address
    identities = [None if tensor is None else identify(tensor) for tensor in stored]
    others_identities = [identify(tensor) for _, _, tensor in others]
    weights = [identity for identity in identities if identity is not None]
    if len({*weights, *others_identities}) == len(weights) + len(others):
        return ties
    # Tensors that begin at one address may still be slices of different length.
    first: dict[tuple[int, Shape | None], int] = {}
    for position, identity in enumerate(identities):
        if identity is not None:
            owner = first.setdefault((identity, shapes[position]), position)
            if owner != position:
                ties.of_weights[position] = walked.names[owner]
    counts: dict[tuple[int, Shape | None], str] = {
        key: joined_name(walked.names[owner], "weight") for key, owner in first.items()
    }
    names = [*walked.names, ""]
    for (position, name, tensor), identity in zip(others, others_identities, strict=True):
        own_name = joined_name(names[position], name)
        full_name = counts.setdefault((identity, reader.shape(tensor)), own_name)
        if full_name != own_name:
            ties.of_others[position] = FrozenMapping({**ties.of_others[position], name: full_name})
    return ties


def _address(tensor: Tensor) -> int:
    """Return where the numbers of `tensor` begin: two parameters may store theirs in one place.

    Where that cannot be told (no memory yet, a tensor with a layout of its own) its identity is returned.
    """
    try:
        return (tensor.data_ptr() if type(tensor).__name__ == "Parameter" else 0) or id(tensor)
    except Exception:  # noqa: BLE001  # foreign code: anything can come out of it
        return id(tensor)
