"""Walking: the modules of a model by name, in the order of `named_modules()`, in one pass.

A torch model is walked over its `_modules` with a stack of our own. That takes less time than
`named_modules()`, which passes every name up through a generator per level, and it shows the names
that `named_modules()` drops: those of a module that the model holds twice. A model in which a class
has its own idea of `named_modules()` is asked for it instead, and so is everything that is not torch's.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeAlias

from compression_config.errors import InvalidInventory
from compression_config.inventory.columns import checked_positions

__all__ = ["MAX_ALIASES", "SupportsNamedModules", "Walk", "stored_in", "walk"]

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
    aliases: dict[str, int] = field(default_factory=dict)
    """Further names of modules -> position; empty where they cannot be known."""
    has_root: bool = True

    @classmethod
    def of(cls, pairs: Iterable[tuple[str, object]]) -> Walk:
        """Return the walk over `pairs` of a name and a module, its class, or the name of its class.

        Raises `InvalidInventory` for two pairs of one name and for modules that cannot be any.
        """
        given = list(pairs)
        names = [name for name, _ in given if name]
        modules = [module for name, module in given if name]
        checked_positions(names)
        return cls(
            names=names,
            types=[_type_name(module) for module in modules],
            modules=modules,
            parameters=[_own(module) for module in modules],
            has_root=len(names) < len(given),
        )


def walk(model: SupportsNamedModules) -> Walk:
    """Return the modules of `model`.

    Raises `InvalidInventory` when `model` gives no modules by name.
    """
    torch_module = getattr(getattr(sys.modules.get("torch"), "nn", None), "Module", None)
    if torch_module is not None and isinstance(model, torch_module):
        try:
            walked = _walk_torch(model, torch_module)
        except (AttributeError, KeyError):  # a module whose __init__ did not call that of its base
            walked = None
        if walked is not None:
            return walked
    return _ask(model)


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
            raise InvalidInventory(f"named_modules() gives {name!r} as the name of a module")
    return Walk.of(pairs)


_PLAIN_VALUES = (type(None), str, bool, int, float, complex, bytes, list, tuple, dict, set)


def _type_name(module: object) -> str:
    """Return the name of the class of `module`, which may be that name or that class."""
    if isinstance(module, str) and module:
        return module
    if type(module) in _PLAIN_VALUES:
        raise InvalidInventory(f"a layer comes with the name of its type, a class or a module, not {module!r}")
    return module.__name__ if isinstance(module, type) else type(module).__name__


def _own(module: object) -> dict[str, Any] | None:
    """Return the own parameters of a torch module; None for everything else."""
    return None if isinstance(module, str | type) else stored_in(module, "_parameters")


def stored_in(module: object, what: str) -> dict[str, Any] | None:
    """Return the dict in which a torch module keeps `what`; None when `module` is not made like one."""
    try:
        found = vars(module).get(what)
    except TypeError:
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
    return Walk(names, types, modules, parameters, _aliases(met_again, modules) if met_again else {})


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


def _aliases(met_again: list[_MetAgain], modules: list[object]) -> dict[str, int]:
    """Return the names of the modules in `met_again` and of all below them, at most `MAX_ALIASES`.

    A module on the way to itself gets the name but is not entered: there is no end to such names.
    """
    positions = {id(module): position for position, module in enumerate(modules)}
    aliases: dict[str, int] = {}
    to_do = met_again[::-1]
    while to_do and len(aliases) < MAX_ALIASES:
        met = to_do.pop()
        identity = id(met.module)
        if identity in positions:
            aliases[met.name] = positions[identity]
        if identity not in met.path:
            path = met.path | {identity}
            to_do += (
                _MetAgain(f"{met.name}.{name}", child, path)
                for name, child in reversed(met.module._modules.items())  # noqa: SLF001
                if child is not None
            )
    return aliases
