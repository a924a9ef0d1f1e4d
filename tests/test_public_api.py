"""What the package promises by name: the front door exactly, and an honest `__all__` in each module."""

from __future__ import annotations

import ast
import importlib
import importlib.metadata
from collections.abc import Iterator

import pytest
from sources import PACKAGE, imports, modules

import compression_config as cc

FRONT_DOOR = [
    "Change",
    "Code",
    "Comparison",
    "CompressedLayer",
    "CompressionConfig",
    "CompressionConfigError",
    "CompressionLayer",
    "CompressionResolution",
    "Decision",
    "Difference",
    "Edit",
    "Engine",
    "Export",
    "Finding",
    "FindingsError",
    "Import",
    "InvalidConfig",
    "InvalidInventory",
    "Inventory",
    "Layer",
    "LayerResolution",
    "LossyExport",
    "LossyExportWarning",
    "PruningConfig",
    "PruningConfigList",
    "PruningSettings",
    "QuantizationConfig",
    "QuantizationConfigList",
    "QuantizationSettings",
    "Resolution",
    "Severity",
    "Status",
    "SubConfigResolution",
    "UnknownLayer",
    "UnknownNumel",
    "UnmatchedSelector",
    "UnmatchedSelectorWarning",
    "UsageError",
    "Verification",
    "check",
    "compare",
    "engines",
    "export",
    "import_list",
    "json_schema",
    "load",
    "loads",
    "resolve",
    "validate",
    "verify",
]

with_names = pytest.mark.parametrize(
    "module",
    # What runs the command line, and packages that are nothing but a docstring, have no names.
    [module for module, tree in modules().items() if module not in ("", "__main__") and len(tree.body) > 1],
)


def test_the_front_door_has_exactly_the_agreed_names() -> None:
    assert cc.__all__ == FRONT_DOOR
    assert sorted(FRONT_DOOR) == FRONT_DOOR
    for name in FRONT_DOOR:
        assert getattr(cc, name).__module__.startswith(PACKAGE)


def test_the_version_of_the_code_is_that_of_the_installed_package() -> None:
    """After a new version, install the checkout again: an editable install keeps the version it was made with."""
    assert importlib.metadata.version("compression-config") == cc.__version__


def test_type_checkers_see_each_name_where_it_comes_from() -> None:
    """The front door has a table to fetch names by, and the same as imports for those who only read it."""
    seen = {(found.name, found.origin) for found in imports() if found.module == "" and found.origin != "typing"}
    fetched = {(name, vars(cc)["_MODULE_OF"][name]) for name in cc.__all__}
    assert seen - {("import_module", "importlib")} == fetched


def test_errors_are_of_one_family() -> None:
    public = [getattr(cc, name) for name in cc.__all__]
    errors = [kind for kind in public if isinstance(kind, type) and issubclass(kind, Exception)]
    assert len(errors) > 5
    assert all(issubclass(kind, cc.CompressionConfigError | Warning) for kind in errors)


@with_names
def test_every_module_says_what_is_public_in_it(module: str) -> None:
    names = importlib.import_module(f"{PACKAGE}.{module}").__all__
    assert len(set(names)) == len(names)
    assert [name for name in names if name.startswith("_")] == []
    bound = vars(importlib.import_module(f"{PACKAGE}.{module}"))
    assert [name for name in names if name not in bound] == []
    assert [name for name in defined(modules()[module]) if name not in names] == []


def test_modules_take_from_one_another_only_what_is_public() -> None:
    private = []
    for found in imports():
        inner = found.origin.removeprefix(PACKAGE).lstrip(".")
        if found.origin.startswith(PACKAGE) and inner and found.name is not None:
            public = importlib.import_module(found.origin).__all__
            if found.name not in public and f"{inner}.{found.name}" not in modules():
                private.append((found.module, found.origin, found.name))
    assert private == []


def defined(tree: ast.Module) -> Iterator[str]:
    """Yield the classes and functions that a module defines without an underscore."""
    for node in tree.body:
        if isinstance(node, ast.ClassDef | ast.FunctionDef) and not node.name.startswith("_"):
            yield node.name
