"""`--model`: an inventory file, a factory in a Python package, or a directory with a transformers config."""

from __future__ import annotations

import contextlib
import importlib
import importlib.util
import re
import sys
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from compression_config.errors import CompressionConfigError, UsageError
from compression_config.inventory import Inventory, as_inventory

__all__ = ["load_model"]


_FILE_ENDINGS = (".json", ".yaml", ".yml", ".json.gz", ".yaml.gz", ".yml.gz")
_FACTORY = re.compile(r"[^\W\d]\w*(\.[^\W\d]\w*)*:[^\W\d]\w*(\.[^\W\d]\w*)*")
_TRANSFORMERS = "hf:"
_META_HINT = (
    "; models are made on torch's meta device, without weights: for one that cannot be, write its inventory in Python, "
    "Inventory.from_model(model).save('model.json.gz')"
)
_FORMS = "an inventory file, package.module:factory, or hf:DIRECTORY"


def load_model(model: str) -> Inventory:
    """Return the layers of the model that an argument names.

    Raises `UsageError` with what is wrong, also for whatever foreign code raises on the way, and
    `InvalidInventory` for a file that is none.
    """
    if model.startswith(_TRANSFORMERS):
        return _from_transformers(Path(model.removeprefix(_TRANSFORMERS)))
    if model.endswith(_FILE_ENDINGS) or Path(model).is_file():
        return Inventory.load(model)
    if _FACTORY.fullmatch(model):
        return _from_factory(model)
    if Path(model).is_dir():
        raise UsageError(f"'{model}' is a directory: write {_TRANSFORMERS}{model} if a transformers config is in it")
    raise UsageError(f"a model is {_FORMS}, not '{model}'")


def _from_factory(model: str) -> Inventory:
    """Return the layers of what a factory makes. The working directory comes first among those searched."""
    module_name, _, path = model.partition(":")
    with _foreign(f"the model '{model}'"), _working_directory_first():
        found: Any = _imported(module_name)
        for name in path.split("."):
            if not hasattr(found, name):
                raise UsageError(f"'{module_name}' has no '{path}'")
            found = getattr(found, name)
        # A model that exists already is callable too, but calling it means running it.
        if callable(found) and (isinstance(found, type) or not hasattr(found, "named_modules")):
            with _meta_device():
                found = found()
        return as_inventory(found)


def _imported(module_name: str) -> object:
    try:
        return importlib.import_module(module_name)
    except ModuleNotFoundError as error:
        if error.name is None or not f"{module_name}.".startswith(f"{error.name}."):
            raise
        raise UsageError(f"there is no module '{error.name}' here or among the installed ones") from error


def _from_transformers(directory: Path) -> Inventory:
    """Return the layers of the model that the `config.json` in a directory describes."""
    if not (directory / "config.json").is_file():
        raise UsageError(f"there is no config.json in '{directory}': {_TRANSFORMERS} takes a local directory")
    if importlib.util.find_spec("transformers") is None or importlib.util.find_spec("torch") is None:
        raise UsageError(f"{_TRANSFORMERS} needs transformers and torch (pip install transformers torch)")
    with _foreign(f"the model in '{directory}'"):
        transformers = importlib.import_module("transformers")
        config = transformers.AutoConfig.from_pretrained(str(directory), local_files_only=True)
        build = _builder(transformers, config)
        with _meta_device():
            return as_inventory(build(config))


def _builder(transformers: Any, config: Any) -> Callable[[Any], object]:  # noqa: ANN401 - no types without the package
    """Return what makes a model of a config: the class among its `architectures`, or the bare model."""
    for architecture in getattr(config, "architectures", None) or ():
        model_class = getattr(transformers, architecture, None)
        if model_class is None:
            raise UsageError(f"this transformers has no '{architecture}', which config.json names")
        build: Callable[[Any], object] = getattr(model_class, "_from_config", model_class)
        return build
    from_config: Callable[[Any], object] = transformers.AutoModel.from_config
    return from_config


@contextlib.contextmanager
def _meta_device() -> Iterator[None]:
    """Build models without memory for their weights, when torch is there."""
    if importlib.util.find_spec("torch") is None:
        yield
        return
    torch = importlib.import_module("torch")
    with torch.device("meta"):
        yield


@contextlib.contextmanager
def _working_directory_first() -> Iterator[None]:
    """Search modules in the working directory first, as `python -m` does."""
    directory = str(Path.cwd())
    sys.path.insert(0, directory)
    try:
        yield
    finally:
        sys.path.remove(directory)


@contextlib.contextmanager
def _foreign(what: str) -> Iterator[None]:
    """Run foreign code: what it prints is talk, and what it raises becomes a `UsageError` that says where."""
    try:
        with contextlib.redirect_stdout(sys.stderr):
            yield
    except UsageError:
        raise
    except CompressionConfigError as error:
        raise UsageError(f"{what} is none: {error}") from error
    except (Exception, SystemExit) as error:
        said = traceback.format_exception_only(error)[-1].strip()
        hint = _META_HINT if "meta" in said else ""
        raise UsageError(f"{what} could not be made: {said} ({_where(error)}){hint}") from error


def _where(error: BaseException) -> str:
    """Return file and line of what went wrong: in the caller's own code if it is on the way there."""
    if isinstance(error, SyntaxError):
        return f"{error.filename}:{error.lineno}"
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if Path(frame.filename).is_relative_to(Path.cwd())]
    frame = (own or frames)[-1]
    return f"{frame.filename}:{frame.lineno}"
