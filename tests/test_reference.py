"""The API reference has every public name, and the docstrings there every parameter, result and error."""

from __future__ import annotations

import ast
import functools
import importlib
import inspect
import re
from collections.abc import Callable, Iterator, Mapping
from enum import Enum
from typing import Any, NamedTuple

import pytest
from pydantic import BaseModel
from recording import ROOT
from sources import PACKAGE, modules

import compression_config as cc

DIRECTIVE = re.compile(r"^::: (compression_config\.\S+)\n((?:    .*\n)*)", re.MULTILINE)
MEMBERS = re.compile(r"^      members: \[(.*)\]$", re.MULTILINE)
SECTION = re.compile(r"^(Args|Returns|Raises|Examples):\n((?:    .*\n|\n)*)", re.MULTILINE)
ENTRY = re.compile(r"^    (\w+): \S", re.MULTILINE)


class Documented(NamedTuple):
    """A name with a place in the reference."""

    target: str
    listed: frozenset[str]
    """The attributes that the page lists; empty where it shows all of them."""

    @property
    def value(self) -> Any:
        """The thing itself."""
        module, _, name = self.target.rpartition(".")
        return getattr(importlib.import_module(module), name)


def documented() -> Iterator[Documented]:
    for page in sorted((ROOT / "docs" / "reference").glob("*.md")):
        for target, options in DIRECTIVE.findall(page.read_text(encoding="utf-8") + "\n"):
            members = MEMBERS.search(options)
            yield Documented(target, frozenset(members[1].split(", ") if members else ()))


ALL = list(documented())
CLASSES = {each.value: each for each in ALL if inspect.isclass(each.value)}
FUNCTIONS = [each.value for each in ALL if inspect.isfunction(each.value)]


def family(of_class: type) -> list[type]:
    """Return a class and those of its bases that this package defines."""
    return [base for base in of_class.__mro__ if base.__module__.partition(".")[0] == PACKAGE]


@functools.cache
def attributes(of_class: type) -> Mapping[str, str | None]:
    """Return the public attributes that a class itself defines or sets, each with its docstring.

    Members of enumerations are left out: they are values, and each code has its section in docs/codes.md.
    """
    if issubclass(of_class, Enum):
        return {}
    tree = next(
        node
        for node in ast.walk(modules()[of_class.__module__.partition(".")[2]])
        if isinstance(node, ast.ClassDef) and node.name == of_class.__name__
    )
    methods = [node for node in tree.body if isinstance(node, ast.FunctionDef)]
    found: dict[str, str | None] = {}
    for method in methods:
        found[method.name] = found.get(method.name) or ast.get_docstring(method)  # of overloads, one has it
    for body in (tree.body, *(method.body for method in methods)):
        for node, following in zip(body, [*body[1:], None], strict=True):
            name = assigned(node, in_method=body is not tree.body)
            if name is not None:
                found[name] = found.get(name) or docstring_after(following) or description(of_class, name)
    for base in family(of_class)[1:]:
        found.update({name: text for name, text in attributes(base).items() if name in found and not found[name]})
    return {name: text for name, text in found.items() if not name.startswith("_") and name != "model_config"}


def assigned(node: ast.stmt, *, in_method: bool) -> str | None:
    """Return the attribute that a statement sets: `name = ...` in a class, `self.name = ...` in a method."""
    targets = [node.target] if isinstance(node, ast.AnnAssign) else node.targets if isinstance(node, ast.Assign) else []
    for target in targets:
        if not in_method and isinstance(target, ast.Name):
            return target.id
        if in_method and isinstance(target, ast.Attribute) and getattr(target.value, "id", "") == "self":
            return target.attr
    return None


def docstring_after(node: ast.stmt | None) -> str | None:
    """Return the docstring of an attribute: a string that follows it."""
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str):
        return node.value.value
    return None


def description(of_class: type, name: str) -> str | None:
    """Return what pydantic knows about a field."""
    field = of_class.model_fields.get(name) if issubclass(of_class, BaseModel) else None
    return field.description if field else None


def shown(of_class: type) -> set[str]:
    """Return the attributes of a class that the reference shows: with it, with a base, or with what derives from it."""
    names: set[str] = set()
    for other, page in CLASSES.items():
        if other in family(of_class) or of_class in family(other):
            names |= page.listed or {name for base in family(other) for name in attributes(base)}
    return names


def callables() -> dict[str, Callable[..., Any]]:
    """Return the functions and methods of the reference, by name."""
    found: dict[str, Callable[..., Any]] = {function.__name__: function for function in FUNCTIONS}
    for of_class in CLASSES:
        overridden: set[str] = set()  # the docstring of the first base is the one to read
        for base in reversed(family(of_class)):
            for name in sorted((attributes(base).keys() & vars(base).keys()) - overridden):
                value = getattr(vars(base)[name], "__func__", vars(base)[name])
                value = getattr(value, "__wrapped__", value)
                if inspect.isfunction(value) and value.__name__ == name:
                    found[f"{base.__name__}.{name}"] = value
                    overridden.add(name)
    return found


def test_every_public_name_is_in_the_reference_once() -> None:
    targets = [each.target for each in ALL]
    assert len(set(targets)) == len(targets)
    at_the_top = {target for target in targets if target.count(".") == 1}
    assert at_the_top == {f"{PACKAGE}.{name}" for name in cc.__all__}


def test_the_attributes_that_pages_list_are_there() -> None:
    for of_class, page in CLASSES.items():
        assert page.listed <= {name for base in family(of_class) for name in attributes(base)}, page.target


@pytest.mark.parametrize("of_class", CLASSES, ids=lambda each: each.__name__)
def test_every_public_attribute_has_a_docstring_and_is_shown(of_class: type) -> None:
    for base in family(of_class):
        assert [name for name, text in attributes(base).items() if not text] == [], base
        assert attributes(base).keys() - shown(of_class) == set(), base


@pytest.mark.parametrize(("name", "function"), callables().items())
def test_its_docstring_has_every_parameter_result_and_error(name: str, function: Callable[..., Any]) -> None:
    sections = dict(SECTION.findall(f"{inspect.getdoc(function)}\n"))
    taken = [parameter for parameter in inspect.signature(function).parameters if parameter not in ("self", "cls")]
    assert ENTRY.findall(sections.get("Args", "")) == taken
    returned = inspect.signature(function).return_annotation
    assert ("Returns" in sections) or not taken or returned == "None" or returned.startswith("Iterator")
    assert set(ENTRY.findall(sections.get("Raises", ""))) <= set(cc.__all__)
    assert "Raises `" not in (function.__doc__ or ""), f"{name} has a section for what it raises"


def test_each_function_but_one_says_what_it_raises() -> None:
    for function in set(FUNCTIONS) - {cc.engines}:
        assert "\nRaises:\n" in str(inspect.getdoc(function)), function.__name__
