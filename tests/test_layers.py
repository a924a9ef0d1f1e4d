"""Imports point downwards, and no engine is imported before it is used."""

from __future__ import annotations

import graphlib
import subprocess
import sys

import pytest
from sources import PACKAGE, folder, imports, modules

LEVELS = (
    ("locations", "text", "html", "frozen", "patterns", "suggestions", "wildcards"),
    ("findings", "errors", "writing"),
    ("documents",),
    ("configs", "inventory"),
    ("loading", "scripts", "resolving"),
    ("linting", "budget"),
    ("verification", "serialization", "explanation"),
    ("differences",),
    ("lockfile", "reports"),
    ("resolution", "comparison"),
    ("interop",),
    ("api",),
    ("",),
    ("cli",),
    ("__main__",),
)
"""The folders, from the ground up; "" is the front door. A folder may use its own level and those below it."""

LEVEL_OF = {name: level for level, folders in enumerate(LEVELS) for name in folders}

UNRELATED = (("configs", "documents"), ("configs", "inventory"), ("inventory", "configs"), ("documents", "configs"))
"""Folders that know nothing of one another, whichever level is higher."""

ENGINES = ("torch", "rich", "numpy", "safetensors", "transformers", "compressed_tensors", "torchao")

INSIDE = [
    (found.module, found.origin.removeprefix(PACKAGE).lstrip("."))
    for found in imports()
    if folder(found.origin) == PACKAGE and found.origin.removeprefix(PACKAGE).lstrip(".") != found.module
]


def test_every_folder_has_its_level() -> None:
    assert {folder(module) for module in modules()} <= set(LEVEL_OF)


def test_imports_point_downwards() -> None:
    upwards = [(here, there) for here, there in INSIDE if LEVEL_OF[folder(there)] > LEVEL_OF[folder(here)]]
    assert upwards == []


def test_imports_form_no_circle() -> None:
    graph: dict[str, set[str]] = {}
    for here, there in INSIDE:
        graph.setdefault(here, set()).add(there)
    assert set(graphlib.TopologicalSorter(graph).static_order()) <= set(modules())


@pytest.mark.parametrize(("here", "there"), UNRELATED)
def test_strangers_stay_strangers(here: str, there: str) -> None:
    assert [pair for pair in INSIDE if (folder(pair[0]), folder(pair[1])) == (here, there)] == []


def test_only_engines_are_imported_inside_functions() -> None:
    """But for the command line, so that an interrupt while it is imported is caught."""
    inside = {(found.module, folder(found.origin)) for found in imports() if found.in_function}
    inside.remove(("__main__", "compression_config"))
    assert {(module, origin) for module, origin in inside if origin not in ENGINES} == set()


def test_modules_import_the_standard_library_pydantic_and_yaml_alone() -> None:
    allowed = sys.stdlib_module_names | {PACKAGE, "pydantic", "pydantic_core", "yaml"}
    assert {
        found.origin for found in imports() if not found.in_function and folder(found.origin) not in allowed
    } == set()


def test_importing_any_module_imports_no_engine() -> None:
    names = [f"{PACKAGE}.{module}".rstrip(".") for module in modules() if module != "__main__"]
    program = f"import sys, importlib; [importlib.import_module(m) for m in {names}]; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True).stdout.split()
    assert set(names) <= set(loaded)
    assert set(loaded).isdisjoint(ENGINES)


def test_using_the_front_door_imports_no_engine() -> None:
    """Design: importing any module of the package imports no engine; the import log of Python shows it."""
    program = (
        f"import {PACKAGE} as cc; cc.resolve([{{'op_names': ['a'], 'exclude': True}}], [('a', 'Linear')]).findings"
    )
    command = [sys.executable, "-X", "importtime", "-c", program]
    log = subprocess.run(command, check=True, capture_output=True, text=True).stderr
    loaded = {folder(line.rpartition("|")[2].strip()) for line in log.splitlines()}
    assert {PACKAGE, "pydantic"} <= loaded
    assert loaded.isdisjoint(ENGINES)
