"""Sources: what a model is named by where it cannot be passed, as in `--model`; one row each in `SOURCES`."""

from __future__ import annotations

import contextlib
import importlib
import importlib.util
import inspect
import os
import re
import sys
import sysconfig
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any, Literal, NamedTuple, TypeAlias, get_args

from compression_config.errors import CompressionConfigError, UsageError
from compression_config.inventory.files import ENDINGS
from compression_config.text import listed, printable, represented

__all__ = [
    "MODEL_FORMS",
    "SOURCES",
    "WEIGHT_FILES",
    "Device",
    "Source",
    "foreign_code",
    "model_of",
    "weight_file_words",
]

Device: TypeAlias = Literal["meta", "cpu"]
"""Where models are made: on torch's meta device, without memory for their weights, or as their code makes them."""


class Source(NamedTuple):
    """One way to name a model."""

    form: str
    """How it is written, for messages and help."""
    matches: Callable[[str], bool]
    open: Callable[[str, Device], object]
    """Returns the model, or the path of an inventory file. Raises `UsageError` where there is neither."""


def model_of(source: str, device: Device = "meta") -> object:
    """Return what `source` stands for: the path of an inventory file, or what `as_inventory` takes.

    Raises `UsageError` for what matches no row of `SOURCES`, and for whatever goes wrong when a model is made.
    """
    if device not in get_args(Device):
        raise UsageError(f"a device is {listed(get_args(Device), last='or')}, not {represented(device)}")
    if not isinstance(source, str):
        raise UsageError(f"a source of a model is a string, not {represented(source)}")
    for known in SOURCES:
        if known.matches(source):
            return known.open(source, device)
    if source.lower().endswith(WEIGHT_FILES):
        raise UsageError(weight_file_words(source))
    if _is_directory(source):
        raise UsageError(
            f"{_quoted(source)} is a directory: write {_HF}{printable(source)} if a transformers config is in it"
        )
    raise UsageError(f"a model is {MODEL_FORMS}, not {_quoted(source)}")


# Inventory files.


WEIGHT_FILES = (".pt", ".pth", ".pkl", ".ckpt", ".bin", ".safetensors")
"""How the names of files with weights end, most of them pickles."""


def weight_file_words(path: str) -> str:
    """Return why a file with weights is not a model, and what is."""
    return (
        f"{_quoted(path)} holds weights, or a pickle that only Python can read: load it there and pass the model, "
        "or write its inventory with Inventory.from_model(model).save('model.json.gz')"
    )


def _is_inventory_file(source: str) -> bool:
    if source.startswith(_HF) or source.lower().endswith(WEIGHT_FILES):
        return False
    return source.endswith(ENDINGS) or _is_file(source)


def _inventory_file(source: str, _: Device) -> object:
    if source.lower().endswith(".py"):
        raise UsageError(
            f"{_quoted(source)} is a script: write {printable(source)}:NAME with what makes the model in it"
        )
    return Path(source)


# Factories.

_NAME = r"[^\W\d]\w*(?:\.[^\W\d]\w*)*"
_HF = "hf:"
_IN_PACKAGE = re.compile(f"(?!{_HF})({_NAME}):({_NAME})")
_IN_FILE = re.compile(rf"(.+\.py):({_NAME})", re.DOTALL)


def _from_package(source: str, device: Device) -> object:
    """Return what a factory in an importable module makes; the working directory is searched first."""
    module_name, _, path = source.partition(":")
    with foreign_code(source), _searched_first(Path.cwd()):
        return _made(_imported(module_name), module_name, path, device)


def _from_file(source: str, device: Device) -> object:
    """Return what a factory in a Python file makes; the file's directory is searched first, as when it is run."""
    name, _, path = source.rpartition(":")
    if not _is_file(name):
        raise UsageError(f"there is no file {_quoted(name)}")
    file = Path(name).resolve()
    with foreign_code(source), _searched_first(file.parent):
        spec = importlib.util.spec_from_file_location("compression_config_model", file)
        if spec is None or spec.loader is None:
            raise UsageError(f"{_quoted(name)} is not a Python file")
        module = importlib.util.module_from_spec(spec)
        sys.modules[spec.name] = module  # dataclasses look their module up there
        spec.loader.exec_module(module)
        return _made(module, name, path, device)


def _imported(module_name: str) -> ModuleType:
    try:
        return importlib.import_module(module_name)
    except ModuleNotFoundError as error:
        # One that the factory's module itself does not find is an error of that module.
        if error.name is None or not f"{module_name}.".startswith(f"{error.name}."):
            raise
        raise UsageError(f"there is no module '{error.name}' here or among the installed ones") from error


def _made(module: ModuleType, where: str, path: str, device: Device) -> object:
    """Return what is found in a module under a dotted path, or what that makes when it is a factory."""
    found: Any = module
    for name in path.split("."):
        if not hasattr(found, name):
            raise UsageError(f"{_quoted(where)} has no '{path}'")
        found = getattr(found, name)
    # A model that exists already is callable too, but calling it means running it.
    if callable(found) and (isinstance(found, type) or not hasattr(found, "named_modules")):
        if needed := _needed(found):
            words = f"'{path}' takes {listed(needed)}: name a function without arguments that makes the model"
            raise UsageError(words)
        with _on(device):
            found = found()
    return found


def _needed(factory: Callable[..., object]) -> list[str]:
    """Return the arguments without which a factory cannot be called; none where it does not tell its arguments."""
    try:
        parameters = inspect.signature(factory).parameters.values()
    except (TypeError, ValueError):
        return []
    return [
        each.name
        for each in parameters
        if each.default is each.empty and each.kind not in (each.VAR_POSITIONAL, each.VAR_KEYWORD)
    ]


# Transformers.


def _from_transformers(source: str, device: Device) -> object:
    """Return the model that the `config.json` in a directory describes."""
    directory = source.removeprefix(_HF)
    if not _is_file(os.path.join(directory, "config.json")):  # noqa: PTH118 - see _is_file
        raise UsageError(f"there is no config.json in {_quoted(directory)}: {_HF} takes a local directory")
    if importlib.util.find_spec("transformers") is None or importlib.util.find_spec("torch") is None:
        raise UsageError(f"{_HF} needs transformers and torch (pip install transformers torch)")
    with foreign_code(source):
        transformers = importlib.import_module("transformers")
        config = transformers.AutoConfig.from_pretrained(directory, local_files_only=True)
        build = _builder(transformers, config)
        with _on(device):
            return build(config)


def _builder(transformers: Any, config: Any) -> Callable[[Any], object]:  # noqa: ANN401 - no types without the package
    """Return what makes a model of a config: the class among its `architectures`, or the bare model."""
    for architecture in getattr(config, "architectures", None) or ():
        model_class = getattr(transformers, architecture, None)
        if model_class is None:
            raise UsageError(f"this transformers has no {represented(architecture)}, which config.json names")
        # A config is data, which may name anything: nothing but a model is called.
        if not isinstance(model_class, type) or not issubclass(model_class, transformers.PreTrainedModel):
            raise UsageError(f"config.json names {represented(architecture)}, which is not a model of transformers")
        build: Callable[[Any], object] = getattr(model_class, "_from_config", model_class)
        return build
    from_config: Callable[[Any], object] = transformers.AutoModel.from_config
    return from_config


SOURCES = (
    Source("an inventory file", _is_inventory_file, _inventory_file),
    Source("path/to/file.py:factory", lambda source: _IN_FILE.fullmatch(source) is not None, _from_file),
    Source("package.module:factory", lambda source: _IN_PACKAGE.fullmatch(source) is not None, _from_package),
    Source(f"{_HF}DIRECTORY", lambda source: source.startswith(_HF), _from_transformers),
)
"""The ways to name a model; the first row that matches is taken."""

MODEL_FORMS = ", ".join(source.form for source in SOURCES[:-1]) + f" or {SOURCES[-1].form}"


# What all of them need.


def _is_file(path: str) -> bool:
    """Return whether there is such a file; unlike Path.is_file(), also for names that no file can have."""
    return os.path.isfile(path)  # noqa: PTH113


def _is_directory(path: str) -> bool:
    return os.path.isdir(path)  # noqa: PTH112


def _quoted(source: str) -> str:
    return f"'{printable(source)}'"


@contextlib.contextmanager
def _on(device: Device) -> Iterator[None]:
    """Make models on `device`, where torch is installed."""
    if device == "cpu" or importlib.util.find_spec("torch") is None:
        yield
        return
    torch = importlib.import_module("torch")
    with torch.device(device):
        yield


@contextlib.contextmanager
def _searched_first(directory: Path) -> Iterator[None]:
    """Search modules in `directory` first, as Python does for the directory of a program."""
    path = str(directory)
    sys.path.insert(0, path)
    try:
        yield
    finally:
        with contextlib.suppress(ValueError):  # the code that ran in between may have removed it
            sys.path.remove(path)


_META_HINT = "; models are made on torch's meta device, without weights (device 'cpu' makes them as their code does)"


@contextlib.contextmanager
def foreign_code(source: str) -> Iterator[None]:
    """Run the code of a model: what it prints goes to standard error, what it raises becomes a `UsageError`."""
    what = f"the model {_quoted(source)}"
    try:
        with contextlib.redirect_stdout(sys.stderr):
            yield
    except UsageError:
        raise
    except CompressionConfigError as error:
        raise UsageError(f"{_quoted(source)} is not a model: {error}") from error
    except (Exception, SystemExit) as error:
        reason = traceback.format_exception_only(error)[-1].strip()
        hint = _META_HINT if "meta" in reason else ""
        raise UsageError(f"{what} could not be made: {reason} ({_where(error)}){hint}") from error


_INSTALLED = tuple(sysconfig.get_path(name) for name in ("stdlib", "platstdlib", "purelib", "platlib"))
"""Directories of code that is not the caller's."""


def _where(error: BaseException) -> str:
    """Return file and line of what went wrong: in the caller's own code if it is on the way there."""
    if isinstance(error, SyntaxError):
        return f"{error.filename}:{error.lineno}"
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if frame.filename != __file__]
    own = [frame for frame in frames if not frame.filename.startswith((*_INSTALLED, "<"))]
    frame = (own or frames or traceback.extract_tb(error.__traceback__))[-1]
    return f"{frame.filename}:{frame.lineno}"
