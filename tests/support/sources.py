"""The package's own source as data: modules, their syntax trees, and what they import."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import MappingProxyType

import compression_config

__all__ = ["PACKAGE", "Import", "folder", "imports", "modules"]

PACKAGE = "compression_config"
ROOT = Path(compression_config.__file__).parent


@dataclass(frozen=True)
class Import:
    """One name that one module imports from another."""

    module: str
    """The module that imports, from the package's root: "budget.groups"; "" for the root itself."""
    origin: str
    """What it imports from, in full: "compression_config.locations", "json"."""
    name: str | None
    """The name that it takes, or None for the module itself."""
    in_function: bool


@cache
def modules() -> Mapping[str, ast.Module]:
    """Return the syntax tree of each module, by its name from the package's root."""
    found = {}
    for path in sorted(ROOT.rglob("*.py")):
        parts = path.relative_to(ROOT).with_suffix("").parts
        found[".".join(part for part in parts if part != "__init__")] = ast.parse(path.read_text(encoding="utf-8"))
    return MappingProxyType(found)


def folder(module: str) -> str:
    """Return the top part of a module's name; "" for the front door."""
    return module.partition(".")[0]


def imports() -> Iterator[Import]:
    """Yield every import of every module, those inside functions and behind TYPE_CHECKING included."""
    for module, tree in modules().items():
        inside = {
            id(node)
            for function in ast.walk(tree)
            if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
            for node in ast.walk(function)
        }
        for node in ast.walk(tree):
            if isinstance(node, ast.Import):
                for alias in node.names:
                    yield Import(module, alias.name, None, id(node) in inside)
            elif isinstance(node, ast.ImportFrom):
                assert not node.level, f"{module} imports relative to itself"
                for alias in node.names:
                    yield Import(module, node.module or "", alias.name, id(node) in inside)
