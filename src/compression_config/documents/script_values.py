"""Values of a Python script as far as its text shows them, and what the operations of Python make of known ones.

Nothing of the script runs: the operations here are those of Python on strings, numbers and booleans, each refused
where its result would be large. Whatever is refused, or raises, is unknown.
"""

from __future__ import annotations

import ast
import operator
import re
import string
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, TypeAlias

__all__ = [
    "Constant",
    "Items",
    "Keys",
    "Scalar",
    "Unknown",
    "Value",
    "compared",
    "computed",
    "converted",
    "copied",
    "flat",
    "interpolated",
    "negated",
    "plain",
    "shown_in_text",
    "text_method",
]

_LONGEST_TEXT = 10_000
"""How many characters a computed string has at most; longer ones are unknown."""
_LARGEST = 2**64
"""Numbers from here on are not computed with."""
_FLAT = 100_000
"""The greatest length of a list that is compared, joined or formatted."""
_DEEPEST = 32
"""How deep a value nests at most; what is deeper is unknown."""

Scalar: TypeAlias = str | int | float | bool | None


@dataclass(frozen=True, slots=True)
class Unknown:
    """A value that the text of a script does not show."""

    node: ast.AST | None = field(default=None, compare=False)
    origin: str | None = None
    """The dotted name of what is imported from torch: `torch.nn.Linear`; None for everything else."""

    @property
    def class_name(self) -> str | None:
        """The name of the class where the value is a class of `torch.nn`, as in `op_types=[nn.Linear]`; else None."""
        module, _, name = (self.origin or "").rpartition(".")
        return name if module == "torch.nn" and name[:1].isupper() else None


@dataclass(frozen=True, slots=True)
class Constant:
    """A string, number, boolean or None, and the expression that it comes from."""

    value: Scalar
    node: ast.AST


@dataclass(slots=True, eq=False)
class Items:
    """A list or tuple. Shared like the object that it stands for, and changed as that is."""

    node: ast.AST
    parts: list[Value]
    depth: int = 0
    """How many conditions apply where it is made: what changes it under more of them may not happen."""
    is_tuple: bool = False
    open: bool = False
    """Whether there may be other elements, or others in their place."""
    sources: tuple[Items, ...] = ()
    """The lists that it was copied from: it is open where one of them is."""
    absorbed: bool = False
    """Whether all its elements are in another list as well, which is reported instead of this one."""
    scope: tuple[str, ...] = ()
    """The functions and classes around the place where it is made."""
    name: tuple[str, ...] | None = None
    """What it is bound to first, as steps from the module: `("main", "config_list")`; None while it is not."""

    @property
    def closed(self) -> bool:
        """Whether its elements are exactly `parts`."""
        waiting = [self]
        while waiting:
            made = waiting.pop()
            if made.open:
                return False
            waiting += made.sources
        return True


@dataclass(slots=True, eq=False)
class Keys:
    """A dict: for each key the expression of the key and the value. Shared and changed as `Items` are."""

    node: ast.AST
    parts: dict[Scalar, tuple[ast.AST, Value]]
    depth: int = 0
    open: bool = False
    """Whether there may be other keys, or some of these may be missing."""


Value: TypeAlias = Unknown | Constant | Items | Keys


def plain(value: Value, budget: list[int], depth: int = _DEEPEST) -> object:
    """Return `value` as plain data, with `Unknown` for everything inside it that is not known.

    `budget` holds one number, how many values may still be converted: sharing multiplies them.
    """
    budget[0] -= 1
    if isinstance(value, Constant):
        return value.value
    if isinstance(value, Unknown):
        return value
    if not depth or budget[0] <= 0 or not (value.closed if isinstance(value, Items) else not value.open):
        return Unknown(value.node)
    if isinstance(value, Items):
        parts = [plain(part, budget, depth - 1) for part in value.parts]
        return tuple(parts) if value.is_tuple else parts
    return {key: plain(part, budget, depth - 1) for key, (_, part) in value.parts.items()}


def copied(value: Value, depth: int, *, deep: bool, nesting: int = _DEEPEST) -> Value:
    """Return a copy of `value`, made where `depth` conditions apply; with `deep` of everything inside it as well."""
    if isinstance(value, Constant | Unknown):
        return value
    if not nesting:
        return Unknown(value.node)
    if isinstance(value, Items):
        parts = [copied(part, depth, deep=True, nesting=nesting - 1) if deep else part for part in value.parts]
        return Items(value.node, parts, depth, is_tuple=value.is_tuple, open=value.open, sources=(value,))
    pairs = {
        key: (node, copied(part, depth, deep=True, nesting=nesting - 1) if deep else part)
        for key, (node, part) in value.parts.items()
    }
    return Keys(value.node, pairs, depth, open=value.open)


_BINARY: Mapping[type[ast.operator], Callable[[Any, Any], Any]] = MappingProxyType(
    {
        ast.Add: operator.add,
        ast.Sub: operator.sub,
        ast.Mult: operator.mul,
        ast.Div: operator.truediv,
        ast.FloorDiv: operator.floordiv,
        ast.Mod: operator.mod,
    }
)
_COMPARISONS: Mapping[type[ast.cmpop], Callable[[Any, Any], Any]] = MappingProxyType(
    {
        ast.Eq: operator.eq,
        ast.NotEq: operator.ne,
        ast.Lt: operator.lt,
        ast.LtE: operator.le,
        ast.Gt: operator.gt,
        ast.GtE: operator.ge,
        ast.In: lambda left, right: left in right,
        ast.NotIn: lambda left, right: left not in right,
        ast.Is: lambda left, right: left is right,
        ast.IsNot: lambda left, right: left is not right,
    }
)


def computed(kind: type[ast.operator], left: Scalar, right: Scalar) -> Scalar | Unknown:
    """Return what a binary operator gives for two scalars; `%` on a string is `interpolated`."""
    if kind not in _BINARY or left is None or right is None or not (_small(left) and _small(right)):
        return Unknown()
    if isinstance(left, str) or isinstance(right, str):
        if kind is ast.Add and isinstance(left, str) and isinstance(right, str):
            return _short(left + right)
        text, times = (left, right) if isinstance(left, str) else (right, left)
        if kind is ast.Mult and isinstance(text, str) and isinstance(times, int):
            return text * times if len(text) * times <= _LONGEST_TEXT else Unknown()
        return Unknown()
    try:
        found: Scalar = _BINARY[kind](left, right)
    except ArithmeticError:
        return Unknown()
    return found


def _small(value: Scalar) -> bool:
    return not isinstance(value, int) or abs(value) < _LARGEST


def _short(text: str) -> str | Unknown:
    return text if len(text) <= _LONGEST_TEXT else Unknown()


def negated(kind: type[ast.unaryop], value: Scalar) -> Scalar | Unknown:
    """Return what a minus or plus gives for a scalar."""
    if isinstance(value, int | float):
        if kind is ast.USub:
            return -value
        if kind is ast.UAdd:
            return +value
    return Unknown()


def compared(kind: type[ast.cmpop], left: object, right: object) -> bool | None:
    """Return what a comparison of two known values gives; None for what is not known."""
    if kind in (ast.Is, ast.IsNot) and not (left is None or right is None):
        return None  # which other objects are one and the same is not known
    try:
        return bool(_COMPARISONS[kind](left, right))
    except TypeError:
        return None


_SPEC = re.compile(r"([^{}]?[<>=^])?[-+ ]?#?0?\d{0,2}[,_]?(\.\d{1,2})?[bcdeEfFgGnosxX%]?")
"""Format specifications with a width of at most two digits."""
_FIELD_NAME = re.compile(r"\d{0,2}|[^\W\d]\w*")
_CONVERSION = re.compile(r"%(\(\w+\))?[-+ #0]*\d{0,2}(\.\d{1,2})?[diouxXeEfFgGcrs%]")
_CONVERTERS: Mapping[int, Callable[[object], str]] = MappingProxyType({ord("r"): repr, ord("s"): str, ord("a"): ascii})


def shown_in_text(value: Scalar, conversion: int, spec: str) -> str | None:
    """Return what a replacement field of an f-string gives; None for what is not known."""
    if not _small(value) or not _SPEC.fullmatch(spec):
        return None
    try:
        return format(_CONVERTERS[conversion](value) if conversion in _CONVERTERS else value, spec)
    except (ValueError, TypeError, OverflowError):
        return None


def _formatted(text: str, args: Sequence[Scalar], kwargs: Mapping[str, Scalar]) -> str | Unknown:
    """Return `text.format(*args, **kwargs)`, where its fields are plain names and numbers."""
    try:
        fields = [(name, spec or "") for _, name, spec, _ in string.Formatter().parse(text) if name is not None]
        if not all(_FIELD_NAME.fullmatch(name) and _SPEC.fullmatch(spec) for name, spec in fields):
            return Unknown()
        if not _fits(len(fields), (*args, *kwargs.values())):
            return Unknown()
        return _short(text.format(*args, **kwargs))
    except (ValueError, TypeError, LookupError, OverflowError):
        return Unknown()


def interpolated(text: str, values: tuple[Scalar, ...] | Scalar) -> str | Unknown:
    """Return `text % values`."""
    found = len(_CONVERSION.findall(text))
    given = values if isinstance(values, tuple) else (values,)
    if "%" in _CONVERSION.sub("", text) or not _fits(found, given):
        return Unknown()
    try:
        return _short(text % values)
    except (ValueError, TypeError, LookupError, OverflowError):
        return Unknown()


def _fits(fields: int, values: Sequence[Scalar]) -> bool:
    longest = max((len(value) for value in values if isinstance(value, str)), default=0)
    return all(map(_small, values)) and fields * (longest + 100) <= 10 * _LONGEST_TEXT


def flat(value: Value) -> object:
    """Return a scalar, or a list, tuple or dict of scalars, as Python's own; `Unknown` for everything else."""
    found = plain(value, [_FLAT], 1)
    inside = found.values() if isinstance(found, dict) else found if isinstance(found, list | tuple) else ()
    return Unknown() if any(isinstance(part, Unknown) for part in inside) else found


def converted(name: str, value: object) -> Scalar | Unknown:
    """Return what `str`, `int` or `float`, by name, makes of a value."""
    functions: Mapping[str, Callable[[Any], Scalar]] = {"str": str, "int": int, "float": float}
    try:
        return functions[name](value)
    except (TypeError, ValueError, OverflowError):
        return Unknown()


_TEXT_METHODS = frozenset(
    {
        "endswith", "lower", "lstrip", "removeprefix", "removesuffix", "replace", "rstrip", "split", "startswith",
        "strip", "title", "upper",
    }
)  # fmt: skip


def text_method(
    text: Scalar, name: str, args: Sequence[Value], kwargs: Mapping[str | None, Value]
) -> Scalar | list[str] | Unknown:
    """Return what a method of a string gives for known arguments."""
    values = [arg.value for arg in args if isinstance(arg, Constant)]
    named = {str(key): value.value for key, value in kwargs.items() if isinstance(value, Constant)}
    if not isinstance(text, str):
        return Unknown()
    if name == "join" and len(args) == 1 and not kwargs:
        parts = flat(args[0])
        if isinstance(parts, list | tuple) and all(isinstance(part, str) for part in parts):
            length = sum(map(len, parts)) + len(text) * len(parts)
            return text.join(parts) if length <= _LONGEST_TEXT else Unknown()
        return Unknown()
    if len(values) < len(args) or len(named) < len(kwargs):
        return Unknown()
    if name == "format":
        return _formatted(text, values, named)
    longest = max((len(value) for value in values if isinstance(value, str)), default=0)
    if name not in _TEXT_METHODS or kwargs or len(text) * (longest + 1) > _LONGEST_TEXT:
        return Unknown()
    try:
        found: Scalar | list[str] = getattr(text, name)(*values)
    except (TypeError, ValueError):
        return Unknown()
    return found
