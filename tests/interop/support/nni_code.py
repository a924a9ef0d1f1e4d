"""NNI's own code, read out of its wheels: the parts that read a config list and apply it, without the rest.

The wheels are those that the environment variables NNI_WHEEL (3.0) and NNI_2_WHEEL (2.10) name.
"""

from __future__ import annotations

import functools
import importlib
import importlib.util
import os
import sys
import zipfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from types import ModuleType
from typing import Any

__all__ = ["nni_2", "nni_3"]

_WANTED = "nni/compression/", "nni/algorithms/compression/v2/pytorch/utils/"


def _package(name: str, path: Path | None = None, **content: Any) -> ModuleType:
    """Enter a package without running its `__init__`, which imports what no test needs."""
    module = ModuleType(name)
    module.__dict__.update(content, __path__=[] if path is None else [str(path)])
    sys.modules[name] = module
    return module


@contextmanager
def _unpacked(variable: str) -> Iterator[Path]:
    """Unpack a wheel while its modules are loaded; hide those of another release, and these from the next one."""
    before = {name: sys.modules.pop(name) for name in list(sys.modules) if name.partition(".")[0] == "nni"}
    try:
        with TemporaryDirectory() as directory, zipfile.ZipFile(os.environ[variable]) as wheel:
            wheel.extractall(directory, [name for name in wheel.namelist() if name.startswith(_WANTED)])
            yield Path(directory, "nni")
    finally:
        for name in [name for name in sys.modules if name.partition(".")[0] == "nni"]:
            del sys.modules[name]
        sys.modules.update(before)


@functools.cache
def nni_3() -> Mapping[str, Any]:
    """Return names of NNI 3.0: its translation, schema and wrappers, and the LevelPruner, which masks elements."""
    with _unpacked("NNI_WHEEL") as root:
        for name in ("", ".compression", ".compression.base", ".compression.pruning"):
            _package(f"nni{name}", root.joinpath(*name.split(".")))
        evaluator: dict[str, Any] = {"Evaluator": type("Evaluator", (), {}), "_EVALUATOR_DOCSTRING": ""}
        utils = _package("nni.compression.utils", root / "compression" / "utils", **evaluator)
        _package("nni.compression.utils.evaluator", **evaluator)
        for name in ("attr", "scaling", "fused_utils"):
            vars(utils).update(_public(f"nni.compression.utils.{name}"))
        found: dict[str, Any] = {}
        for name in ("base.config", "base.wrapper", "base.compressor", "pruning.basic_pruner"):
            found |= _public(f"nni.compression.{name}")
        return found


def _public(name: str) -> dict[str, Any]:
    content = vars(importlib.import_module(name))
    return {key: value for key, value in content.items() if not key.startswith("_")}


@functools.cache
def nni_2() -> tuple[Callable[..., list[dict[str, Any]]], type[Any]]:
    """Return `config_list_canonical` of the newer pruners of NNI 2.10, and the `Compressor` of all others."""
    with _unpacked("NNI_2_WHEEL") as root:
        canonical = root / "algorithms" / "compression" / "v2" / "pytorch" / "utils" / "pruning.py"
        spec = importlib.util.spec_from_file_location("nni_2_pruning", canonical)
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        pytorch = root / "compression" / "pytorch"
        _package("nni")
        _package("nni.common")
        _package("nni.common.graph_utils", build_module_graph=None)
        _package("nni.compression", root / "compression")
        _package("nni.compression.pytorch", pytorch)
        _package("nni.compression.pytorch.quantization", pytorch / "quantization")
        compressor = importlib.import_module("nni.compression.pytorch.compressor")
        return module.config_list_canonical, compressor.Compressor
