"""Sources: where the weight or the mask of a layer is found, in whatever a compressed model comes as.

A model with `named_modules()` (with the masks of `torch.nn.utils.prune`, if any), a state dict, masks by layer as
NNI hands them out, `{layer: {"weight": mask}}`, or arrays by layer.
"""

from __future__ import annotations

import functools
import itertools
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeAlias

from compression_config.errors import InvalidInventory, UsageError, is_a
from compression_config.inventory import Inventory
from compression_config.inventory.torch_modules import has_named_modules, walk
from compression_config.inventory.wrappers import bare_name, wrappers_in
from compression_config.text import represented
from compression_config.verification.checkpoints import Checkpoint
from compression_config.verification.tensors import NotReadable, is_mask, values_of

__all__ = ["Found", "Source", "source_of"]

Foreign: TypeAlias = Any
"""A module, a tensor or an array: no type of its library can be named here."""

_TORCH_PACKED = "_packed_params._packed_params"
"""Where torch keeps a pair of the quantized weight and the bias."""

_INSTEAD = {
    "weight_packed": True,
    "qweight": True,
    "W_q": True,
    "_packed_params": True,
    "weight_g": False,
    "parametrizations.weight.original": False,
    "parametrizations.weight.original0": False,
}
"""What layers have instead of a weight -> whether that is a weight in packed integers."""

_SUFFIXES = tuple(f".{name}" for name in ("weight_mask", "weight", "weight_orig", _TORCH_PACKED, *_INSTEAD))
"""How keys of a state dict end; a mask tells more than the weight."""

_FAKE_QUANTIZER = ".weight_fake_quant."


@dataclass(frozen=True, slots=True)
class Found:
    """What a source has of one layer: a mask, a weight, or both; None for the one that it has not."""

    mask: Foreign = None
    weight: Foreign = None
    dtype: str | None = None
    """The type in which the weight is stored, where that is not its own."""
    trained: bool = False
    """Whether the weight is as it is before a fake quantizer: in training that is aware of quantization."""
    instead: str | None = None
    """What there is in place of a mask and a weight: packed numbers, or what the weight is computed from."""

    @property
    def packed(self) -> bool:
        """Whether the layer was quantized, in packed integers."""
        return self.instead is not None and _INSTEAD[self.instead]


class Source(Protocol):
    """Where the tensors of layers are looked up, one layer at a time."""

    @property
    def only_masks(self) -> bool:
        """Whether it holds masks alone, so that a layer that is not in it is not masked."""

    @property
    def empty(self) -> bool:
        """Whether it has no names at all."""

    @property
    def known(self) -> bool:
        """Whether any of the names is that of a layer."""

    @property
    def unexpected(self) -> tuple[str, ...]:
        """Names that are not layers, where that matters: among masks, and where no name is that of a layer."""

    @property
    def inner(self) -> str | None:
        """The name under which a state dict or a model is, as in checkpoints that hold more than one; else None."""

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


_FEW = 20
"""In so many of the names that are not layers it is looked for a state dict."""
_MOST = 1_000_000
"""How many tensors are looked at; the iterator of a foreign mapping may have no end."""


class _Names:
    """The layers that names stand for: of a model within another, or of a part of it, as well (D19)."""

    def __init__(self, names: Sequence[str], inventory: Inventory) -> None:
        self._inventory = inventory
        self._wrappers = wrappers_in(names)
        self._dropped = self._added = ""
        names = [_layer_name(name) for name in names]
        if not any(self.position(name) is not None for name in names):
            bare = [bare_name(name, self._wrappers) for name in names]
            self._dropped = _prefix(bare, frozenset(inventory.names))
            self._added = "" if self._dropped else _prefix(inventory.names, frozenset(bare))

    def position(self, name: str) -> int | None:
        """Return the position of the layer with a name; None where there is no such layer."""
        position = self._inventory.position(name)
        if position is not None:
            return position
        name = bare_name(name, self._wrappers)
        return self._inventory.position(self._added + name.removeprefix(self._dropped))


def _layer_name(key: str) -> str:
    """Return the name of the layer in a key of a state dict; other names as they are."""
    return next((key.removesuffix(suffix) for suffix in _SUFFIXES if key.endswith(suffix)), key)


def _prefix(names: Sequence[str], known: Collection[str]) -> str:
    """Return what is before `known` names in `names`, as in "model."; "" where nothing or several things may be."""
    found: Counter[str] = Counter()
    for name in names:
        start = name.find(".") + 1
        while start:
            if name[start:] in known:
                found[name[:start]] += 1
            start = name.find(".", start) + 1
    (prefix, count), (_, second) = (*found.most_common(2), ("", 0), ("", 0))[:2]
    return prefix if count > second else ""


class _Model:
    """The modules of a model."""

    only_masks = False

    def __init__(self, model: Foreign, inventory: Inventory) -> None:
        walked = walk(model)  # without wrappers, as the names of layers are (D19)
        modules: dict[str, Foreign] = dict(zip(walked.names, walked.modules, strict=True))
        names = _Names([name for name in modules if name], inventory)
        self._modules: dict[int, Foreign] = {}
        self._others: dict[str, Foreign] = {}
        for name, module in modules.items():
            position = names.position(name)
            if position is None:
                self._others[name] = module
            elif inventory.names[position] == name:
                self._modules[position] = module
            else:
                self._modules.setdefault(position, module)
        self._inventory = inventory

    @property
    def empty(self) -> bool:
        return not (self._modules or self._others)

    @property
    def known(self) -> bool:
        return bool(self._modules)

    @property
    def unexpected(self) -> tuple[str, ...]:
        if self._modules:
            return ()  # a model may have more layers than those that were asked about
        return tuple(name for name, module in self._others.items() if _tensor(module, "weight") is not None)

    @property
    def inner(self) -> str | None:
        return None

    def find(self, names: Sequence[str]) -> Found | None:
        # Pruning one of two modules that share a weight leaves the other its own: each is looked up by itself.
        position = self._inventory.position(names[0])
        module = None if position is None else self._modules.get(position)
        mask, weight = _tensor(module, "weight_mask"), _tensor(module, "weight")
        if mask is None and weight is None:
            instead = next((name for name in _INSTEAD if _attribute(module, name) is not None), None)
            return None if instead is None else Found(instead=instead)
        return Found(mask, weight, trained=_attribute(module, "weight_fake_quant") is not None)


def _attribute(module: Foreign, name: str) -> Foreign:
    try:
        return getattr(module, name, None)
    # A weight may be computed when it is read, by code that may raise anything.
    except Exception:  # noqa: BLE001
        return None


def _tensor(module: Foreign, name: str) -> Foreign:
    """Return a tensor of `module`, or what the method of that name returns where torch packs it; None without one."""
    value = _attribute(module, name)
    if not callable(value):
        return value
    if _attribute(module, "_packed_params") is None:
        return None
    try:
        return value()
    # Foreign code runs here; whatever it raises means that the numbers cannot be had.
    except Exception:  # noqa: BLE001
        return None


class _Tensors:
    """Tensors by name: a state dict, or masks or arrays by layer."""

    def __init__(self, tensors: Mapping[str, Foreign], inventory: Inventory) -> None:
        self._tensors = tensors
        self._inventory = inventory
        self._keys: dict[tuple[int, str], str] = {}
        """Position of a layer and ending -> the key; the ending "" stands for the name of the layer itself."""
        self._others: list[str] = []
        self._trained: set[int] = set()
        keys = list(itertools.islice(tensors, _MOST + 1))
        if len(keys) > _MOST:
            raise UsageError(f"{type(tensors).__name__!r} has more than {_MOST:,} names")
        for key in keys:
            if not is_a(key, str):
                raise UsageError(f"tensors and masks are found by names, not by {represented(key)}")
        self._layers = _Names(keys, inventory)
        for key in keys:
            self._enter(key)

    def _enter(self, key: str) -> None:
        position = self._layers.position(key)
        if position is not None:
            self._keys.setdefault((position, ""), key)
            return
        for suffix in _SUFFIXES:
            position = self._layers.position(key.removesuffix(suffix)) if key.endswith(suffix) else None
            if position is not None:
                self._keys.setdefault((position, suffix), key)
                return
        position = self._layers.position(key.partition(_FAKE_QUANTIZER)[0]) if _FAKE_QUANTIZER in key else None
        if position is None:
            self._others.append(key)
        else:
            self._trained.add(position)

    @property
    def empty(self) -> bool:
        return not (self._keys or self._others or self._trained)

    @property
    def known(self) -> bool:
        return bool(self._keys)

    @functools.cached_property
    def only_masks(self) -> bool:
        if any(suffix not in ("", ".weight_mask") for _, suffix in self._keys):
            return False
        named = [self._tensors[key] for (_, suffix), key in self._keys.items() if not suffix]
        return bool(self._keys) and all(is_a(given, Mapping) or _is_mask(given) for given in named)

    @property
    def unexpected(self) -> tuple[str, ...]:
        if self._keys and not self.only_masks:
            return ()  # a state dict holds more than the weights of layers
        return tuple(key for key in self._others if self._layers.position(key.rpartition(".")[0]) is None)

    @functools.cached_property
    def inner(self) -> str | None:
        if self.known or is_a(self._tensors, Checkpoint):
            return None
        return next((key for key in self._others[:_FEW] if self._holds_layers(key)), None)

    def _holds_layers(self, key: str) -> bool:
        try:
            value = self._tensors[key]
            if has_named_modules(value):
                return True
            names = list(itertools.islice(value, _MOST)) if is_a(value, Mapping) else []
            names = [name for name in names if is_a(name, str)]
            layers = _Names(names, self._inventory)
            return any(layers.position(_layer_name(name)) is not None for name in names)
        # Foreign code runs here, and this is only about a hint.
        except Exception:  # noqa: BLE001
            return False

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
            return Found(mask=given) if _is_mask(given) else Found(weight=given, dtype=self._dtype(key))
        keys = {suffix[1:]: self._keys[position, suffix] for suffix in _SUFFIXES if (position, suffix) in self._keys}
        mask = _of(self._tensors, keys["weight_mask"]) if "weight_mask" in keys else None
        for name in ("weight", "weight_orig", _TORCH_PACKED):
            weight = _of(self._tensors, keys[name]) if name in keys else None
            if is_a(weight, tuple) and name == _TORCH_PACKED:
                weight = weight[0]
            if weight is not None:
                return Found(mask, weight, self._dtype(keys[name]), trained=position in self._trained)
        instead = next((name for name in _INSTEAD if name in keys), None)
        return None if mask is None and instead is None else Found(mask, instead=None if mask is not None else instead)

    def _dtype(self, key: str) -> str | None:
        return self._tensors.dtype(key) if is_a(self._tensors, Checkpoint) else None


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
