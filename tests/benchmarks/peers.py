"""The selection of other libraries, each asked what `resolve` answers: who decides about a layer.

A selection is a list of `Choice` in the order of the config list: one class, one exact name, or one part of a name.
Each peer gets it in its own words and with its own precedence, so that the answers have to be the same. Where the
whole would take minutes, a peer is given a part of the work and the time is extrapolated; the answers are compared
for that part.
"""

from __future__ import annotations

import contextlib
import copy
import importlib.util
import io
import os
import re
import statistics
import sys
import time
import types
import zipfile
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Literal, NamedTuple, TypeAlias

from compressed_tensors.utils import match_named_modules, match_targets
from modelopt.torch.quantization.conversion import replace_quant_module, set_quantizer_by_cfg
from torch import nn
from torchao.core.config import AOBaseConfig
from torchao.quantization import FqnToConfig, quantize_
from torchao.quantization.transform_module import register_quantize_module_handler

__all__ = ["PEERS", "Choice", "Outcome", "Peer"]

ENOUGH = 2.0
"""A part of the work that takes so many seconds is enough to extrapolate from."""


class Choice(NamedTuple):
    """One sub-config, as far as selection goes."""

    by: Literal["type", "name", "part"]
    text: str


Selection: TypeAlias = Sequence[Choice]
Winners: TypeAlias = Mapping[str, int]
"""Layers by name -> the place of the choice that decides; layers that none selects are left out."""


@dataclass(frozen=True)
class Outcome:
    """What a peer answered, how long it took, and how much of the work it was given."""

    decided_by: Winners
    seconds: float
    """For the whole of the work."""
    choices: Sequence[int]
    """The places of the choices that it was given, in order."""
    layers: Sequence[str]
    """The names of the layers that it was asked about."""
    extrapolated: bool


class Part:
    """Some modules of a model, behind the same `named_modules()`."""

    def __init__(self, modules: Sequence[tuple[str, nn.Module]]) -> None:
        self._modules = modules

    def named_modules(self) -> Iterator[tuple[str, nn.Module]]:
        """Return the modules with their names."""
        return iter(self._modules)


class Peer:
    """A library that selects layers. A subclass says which, and divides the work by choices or by layers."""

    name: str
    distribution: str

    def outcome(self, model: nn.Module, selection: Selection) -> Outcome:
        """Return what this peer makes of `selection` on `model`."""
        raise NotImplementedError


class ByChoices(Peer):
    """A peer that goes over the whole model for each choice: a part of the work is some of the choices."""

    def prepared(self, model: nn.Module) -> nn.Module:
        """Return what the peer needs in place of `model`; not timed."""
        return model

    def select(self, model: nn.Module, selection: Selection) -> Winners:
        """Return the decided_by of all of `selection`."""
        raise NotImplementedError

    def outcome(self, model: nn.Module, selection: Selection) -> Outcome:
        """Give it one choice, then more and more, spread over the list."""
        own = self.prepared(model)
        work = measured(lambda places: self.select(own, [selection[place] for place in places]), len(selection), 1)
        decided_by = {name: work.places[winner] for name, winner in work.decided_by.items()}
        layers = [name for name, _ in model.named_modules() if name]
        return Outcome(decided_by, work.seconds, work.places, layers, extrapolated=len(work.places) < len(selection))


class ByLayers(Peer):
    """A peer that goes over all choices for each layer: a part of the work is some of the layers."""

    def select(self, model: Part, selection: Selection) -> Winners:
        """Return the decided_by for the modules of `model`."""
        raise NotImplementedError

    def outcome(self, model: nn.Module, selection: Selection) -> Outcome:
        """Give it some layers, then more and more, spread over the model."""
        modules = list(model.named_modules())
        work = measured(
            lambda places: self.select(Part([modules[place] for place in places]), selection), len(modules), 4
        )
        layers = [modules[place][0] for place in work.places if modules[place][0]]
        extrapolated = len(work.places) < len(modules)
        return Outcome(work.decided_by, work.seconds, range(len(selection)), layers, extrapolated=extrapolated)


class Work(NamedTuple):
    """What was done for some places of a sequence, and how long it takes for all of them."""

    places: Sequence[int]
    decided_by: Winners
    seconds: float


def measured(select: Callable[[Sequence[int]], Winners], total: int, first: int) -> Work:
    """Do the work for `first` places of `total`, then for four times as many, until all are done or that takes long.

    All of it is done five times when it is short; the median counts. Else what the last two parts differ by is
    extrapolated, so that what is paid once is counted once.
    """
    size, before = first, Work((), {}, 0.0)
    while True:
        places = spread(range(total), size)
        seconds, decided_by = timed(select, places)
        if len(places) < total and seconds > ENOUGH and before.places:
            each = max(0.0, seconds - before.seconds) / (len(places) - len(before.places))
            return Work(places, decided_by, seconds + each * (total - len(places)))
        before = Work(places, decided_by, seconds)
        if len(places) == total:
            again = [] if seconds > ENOUGH else [timed(select, places)[0] for _ in range(4)]
            return before._replace(seconds=statistics.median([seconds, *again]))
        size = len(places) * 4


def timed(select: Callable[[Sequence[int]], Winners], places: Sequence[int]) -> tuple[float, Winners]:
    """Return how long the work for `places` takes, and the decided_by."""
    start = time.perf_counter()
    decided_by = select(places)
    return time.perf_counter() - start, decided_by


def spread(values: Sequence[int], size: int) -> Sequence[int]:
    """Return `size` of `values`, evenly spread, or all when that is nearly all of them."""
    return values if size * 2 > len(values) else [values[place * len(values) // size] for place in range(size)]


class Nni(ByChoices):
    """NNI 3.0: `select_modules_by_config` for one config after the other; the wheel is read, not installed."""

    name = "NNI 3.0 select_modules_by_config"
    distribution = "nni"

    def __init__(self) -> None:
        self._select = nni_function()

    def select(self, model: nn.Module, selection: Selection) -> Winners:
        """Return the decided_by: the last config that selects a layer."""
        decided_by: dict[str, int] = {}
        for place, choice in enumerate(selection):
            selected, _, _ = self._select(model, self._config(choice))
            decided_by.update(dict.fromkeys(selected, place))
        return decided_by

    def _config(self, choice: Choice) -> dict[str, Any]:
        if choice.by == "part":
            return {"op_names_re": [f".*{re.escape(choice.text)}.*"], "sparse_ratio": 0.5}
        return {"op_types" if choice.by == "type" else "op_names": [choice.text], "sparse_ratio": 0.5}


def nni_function() -> Callable[..., Any]:
    """Return `select_modules_by_config` out of the wheel that the environment variable NNI_WHEEL names."""
    with TemporaryDirectory() as directory:
        zipfile.ZipFile(os.environ["NNI_WHEEL"]).extractall(directory)
        base = Path(directory, "nni", "compression", "base")
        for package in ("nni", "nni.compression", "nni.compression.base"):
            sys.modules.setdefault(package, types.ModuleType(package))
        loaded = None
        for module in ("setting", "config"):
            spec = importlib.util.spec_from_file_location(f"nni.compression.base.{module}", base / f"{module}.py")
            assert spec is not None
            assert spec.loader is not None
            loaded = sys.modules[spec.name] = importlib.util.module_from_spec(spec)
            spec.loader.exec_module(loaded)
    assert loaded is not None
    select: Callable[..., Any] = loaded.select_modules_by_config
    return select


class CompressedTensors(ByLayers):
    """compressed-tensors: the layers by `match_named_modules`, then the targets of each by `match_targets`."""

    name = "compressed-tensors match_named_modules + match_targets"
    distribution = "compressed-tensors"

    def select(self, model: Part, selection: Selection) -> Winners:
        """Return the decided_by: of the targets that match, the last one of the list."""
        places = {self._target(choice): place for place, choice in enumerate(selection)}
        return {
            name: max(places[target] for target in match_targets(name, module, places))
            for name, module in match_named_modules(model, places)
        }

    def _target(self, choice: Choice) -> str:
        return f"re:.*{re.escape(choice.text)}.*" if choice.by == "part" else choice.text


@dataclass
class Remembered(AOBaseConfig):
    """A config of torchao that changes nothing and remembers which modules it was given for."""

    place: int
    decided_by: dict[int, int]


@register_quantize_module_handler(Remembered)  # type: ignore[untyped-decorator]
def remember(module: nn.Module, config: Remembered, parameter_name: str = "") -> nn.Module:  # noqa: ARG001
    """Note that `config` was given for `module`; torchao asks for this signature."""
    config.decided_by[id(module)] = config.place
    return module


class TorchAo(ByLayers):
    """torchao: `quantize_` with an `FqnToConfig`, whose configs do nothing but remember who got them."""

    name = "torchao quantize_(FqnToConfig)"
    distribution = "torchao"

    def select(self, model: Part, selection: Selection) -> Winners:
        """Return the decided_by; torchao takes the first pattern that matches, so the list is turned round."""
        decided_by: dict[int, int] = {}
        configs: OrderedDict[str, Any] = OrderedDict()
        for place, choice in reversed(list(enumerate(selection))):
            configs.setdefault(self._pattern(choice), Remembered(place, decided_by))
        quantize_(model, FqnToConfig(configs), filter_fn=None)
        return {name: decided_by[id(module)] for name, module in model.named_modules() if id(module) in decided_by}

    def _pattern(self, choice: Choice) -> str:
        if choice.by == "name":
            return choice.text
        # It knows no types: with the first choice alone by type, all that no other takes comes to the same.
        part = "" if choice.by == "type" else f"{re.escape(choice.text)}.*"
        # Of patterns that match a parameter it applies all, not the first: these match none.
        return rf"re:.*{part}(?<!\.weight)(?<!\.bias)"


class ModelOpt(ByChoices):
    """ModelOpt: `set_quantizer_by_cfg` on a model whose quantizers were inserted before, which is not timed."""

    name = "ModelOpt set_quantizer_by_cfg"
    distribution = "nvidia-modelopt"
    _widths = (2, 3, 4, 5, 6, 7, 8)

    def __init__(self) -> None:
        self._of: nn.Module | None = None
        self._converted: nn.Module | None = None

    def prepared(self, model: nn.Module) -> nn.Module:
        """Return a copy of `model` with quantizers; made once for each model."""
        if self._of is not model or self._converted is None:
            self._of, self._converted = model, copy.deepcopy(model)
            with contextlib.redirect_stdout(io.StringIO()):
                replace_quant_module(self._converted)
        return self._converted

    def select(self, model: nn.Module, selection: Selection) -> Winners:
        """Return the decided_by; which entry a quantizer was set by is told by an attribute that numbers them."""
        entries: list[dict[str, Any]] = [{"quantizer_name": "*", "enable": False}]
        for place, choice in enumerate(selection):
            pattern = {"type": "*", "name": choice.text + ".", "part": f"*{choice.text}*"}[choice.by]
            bits = {"num_bits": self._widths[place % 7], "axis": place // 7 or None}
            entries.append({"quantizer_name": f"{pattern}weight_quantizer", "cfg": bits})
        set_quantizer_by_cfg(model, entries)
        decided_by = {}
        for name, module in model.named_modules():
            if name.endswith(".weight_quantizer") and module.is_enabled:
                place = (module.axis or 0) * 7 + self._widths.index(module.num_bits)
                decided_by[name.removesuffix(".weight_quantizer")] = place
        return decided_by


PEERS: Mapping[str, Callable[[], Peer]] = {
    "nni": Nni,
    "compressed-tensors": CompressedTensors,
    "torchao": TorchAo,
    "modelopt": ModelOpt,
}
