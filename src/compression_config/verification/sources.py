"""Sources: where the weight or the mask of a layer is found, in whatever a compressed model comes as.

A model with `named_modules()` (with the masks of `torch.nn.utils.prune`, if any), a state dict, masks by layer as
NNI hands them out, `{layer: {"weight": mask}}`, or arrays by layer.
"""

from __future__ import annotations

import functools
import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeAlias

from compression_config.errors import InvalidInventory, UsageError, is_a
from compression_config.inventory import Inventory
from compression_config.inventory.torch_modules import has_named_modules, walk
from compression_config.inventory.wrappers import bare_name, wrappers_in
from compression_config.text import represented
from compression_config.verification.tensors import NotReadable, is_mask, values_of

__all__ = ["Found", "Source", "source_of"]

Foreign: TypeAlias = Any
"""A module, a tensor or an array: no type of its library can be named here."""

_SUFFIXES = (".weight_mask", ".weight", ".weight_orig")
"""How keys of a state dict end; a mask tells more than the weight."""


@dataclass(frozen=True, slots=True)
class Found:
    """What a source has of one layer: a mask, a weight, or both; None for the one that it has not."""

    mask: Foreign = None
    weight: Foreign = None


class Source(Protocol):
    """Where the tensors of layers are looked up, one layer at a time."""

    @property
    def only_masks(self) -> bool:
        """Whether it holds masks alone, so that a layer that is not in it is not masked."""

    @property
    def unexpected(self) -> tuple[str, ...]:
        """Names that are not layers, where that matters: among masks, and where no name is that of a layer."""

    def find(self, names: Sequence[str]) -> Found | None:
        """Return what there is of the layer with these names, the first of them first; None when nothing is.

        Raises `NotReadable` when there is something that cannot be had.
        """


def source_of(weights: object, inventory: Inventory) -> Source:
    """Return `weights` as a source. Raises `UsageError` for anything else, and where its own code fails."""
    try:
        if has_named_modules(weights):
            return _Model(weights, inventory)
        if is_a(weights, Mapping):
            return _Tensors(weights, inventory)
    except UsageError:
        raise
    # Foreign code runs here; whatever it raises means that there is nothing to look at.
    except Exception as error:
        reason = error.__cause__ if isinstance(error, InvalidInventory) and error.__cause__ else error
        raise UsageError(f"the names in {type(weights).__name__!r} could not be listed: {reason!r}") from error
    raise UsageError(
        f"what is verified is a model, a state dict, or masks or arrays by layer, not {type(weights).__name__!r}"
    )


_MOST = 1_000_000
"""How many tensors are looked at; the iterator of a foreign mapping may have no end."""


class _Model:
    """The modules of a model."""

    only_masks = False

    def __init__(self, model: Foreign, inventory: Inventory) -> None:
        walked = walk(model)  # without wrappers, as the names of layers are (D19)
        self._modules: dict[str, Foreign] = dict(zip(walked.names, walked.modules, strict=True))
        self._inventory = inventory

    @property
    def unexpected(self) -> tuple[str, ...]:
        if any(self._inventory.position(name) is not None for name in self._modules):
            return ()  # a model may have more layers than those that were asked about
        return tuple(name for name, module in self._modules.items() if _attribute(module, "weight") is not None)

    def find(self, names: Sequence[str]) -> Found | None:
        # Pruning one of two modules that share a weight leaves the other its own: each is looked up by itself.
        module = self._modules.get(names[0])
        if module is None:
            return None
        mask, weight = _attribute(module, "weight_mask"), _attribute(module, "weight")
        return None if mask is None and weight is None else Found(mask, weight)


def _attribute(module: Foreign, name: str) -> Foreign:
    """Return a tensor of `module`; None when it has none, or a function as quantized modules have."""
    try:
        value = getattr(module, name, None)
    # A weight may be computed when it is read, by code that may raise anything.
    except Exception:  # noqa: BLE001
        return None
    return None if callable(value) else value


class _Tensors:
    """Tensors by name: a state dict, or masks or arrays by layer."""

    def __init__(self, tensors: Mapping[str, Foreign], inventory: Inventory) -> None:
        self._tensors = tensors
        self._inventory = inventory
        self._keys: dict[tuple[int, str], str] = {}
        """Position of a layer and ending -> the key; the ending "" stands for the name of the layer itself."""
        self._others: list[str] = []
        names = list(itertools.islice(tensors, _MOST + 1))
        if len(names) > _MOST:
            raise UsageError(f"{type(tensors).__name__!r} has more than {_MOST:,} names")
        self._wrappers = wrappers_in([key for key in names if is_a(key, str)])
        for key in names:
            self._enter(key)

    def _enter(self, key: object) -> None:
        if not is_a(key, str):
            raise UsageError(f"tensors and masks are found by names, not by {represented(key)}")
        position = self._position(key)
        if position is not None:
            self._keys.setdefault((position, ""), key)
            return
        for suffix in _SUFFIXES:
            position = self._position(key.removesuffix(suffix)) if key.endswith(suffix) else None
            if position is not None:
                self._keys.setdefault((position, suffix), key)
                return
        self._others.append(key)

    def _position(self, name: str) -> int | None:
        """Return the position of the layer with a name, which may be that in a wrapped model (D19)."""
        position = self._inventory.position(name)
        return self._inventory.position(bare_name(name, self._wrappers)) if position is None else position

    @functools.cached_property
    def only_masks(self) -> bool:
        if any(suffix in (".weight", ".weight_orig") for _, suffix in self._keys):
            return False
        named = [self._tensors[key] for (_, suffix), key in self._keys.items() if not suffix]
        return bool(self._keys) and all(is_a(given, Mapping) or _is_mask(given) for given in named)

    @property
    def unexpected(self) -> tuple[str, ...]:
        if self._keys and not self.only_masks:
            return ()  # a state dict holds more than the weights of layers
        return tuple(key for key in self._others if self._position(key.rpartition(".")[0]) is None)

    def find(self, names: Sequence[str]) -> Found | None:
        for name in names:
            position = self._inventory.position(name)
            found = None if position is None else self._at(position)
            if found is not None:
                return found
        return None

    def _at(self, position: int) -> Found | None:
        key = self._keys.get((position, ""))
        if key is not None:
            given = _of(self._tensors, key)
            if is_a(given, Mapping):
                mask = _of(given, "weight") if "weight" in given else None
                return None if mask is None else Found(mask=mask)
            return Found(mask=given) if _is_mask(given) else Found(weight=given)
        keys = [self._keys.get((position, suffix)) for suffix in _SUFFIXES]
        mask, *weights = (None if key is None else _of(self._tensors, key) for key in keys)
        weight = next((weight for weight in weights if weight is not None), None)
        return None if mask is None and weight is None else Found(mask, weight)


def _of(tensors: Mapping[str, Foreign], key: str) -> Foreign:
    try:
        return tensors[key]
    # The mapping may be one that reads a file when a key is looked up.
    except Exception as error:
        raise NotReadable(f"cannot be read: {error}") from error


def _is_mask(tensor: Foreign) -> bool:
    try:
        return is_mask(values_of(tensor))
    # What cannot be read is not a mask; why not is found when it is measured.
    except Exception:  # noqa: BLE001
        return False
