"""The names of a script, the lists and dicts that are bound to them, and what changes these.

A change under a condition that is not known may not happen: then the list or dict is open.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TypeAlias

from compression_config.documents.script_values import Constant, Items, Keys, Scalar, Unknown, Value

__all__ = [
    "CHANGING",
    "ELEMENTS",
    "Function",
    "Names",
    "Scope",
    "TooLong",
    "bound_names",
    "changes_arguments",
    "parameters",
]

_STEPS = 400_000
"""How many expressions and statements of a script are followed."""
_UNROLLED = 20_000
"""How many of them the turns of one loop may have together; a longer loop is followed once, for any turn."""
ELEMENTS = 100_000
"""How many elements a list has at most."""

Function: TypeAlias = ast.FunctionDef | ast.AsyncFunctionDef
CHANGING = frozenset(
    {"append", "clear", "extend", "insert", "pop", "popitem", "remove", "reverse", "setdefault", "sort", "update"}
)
"""The methods that change a list or dict."""


class TooLong(Exception):
    """The script does more than is followed."""


@dataclass(slots=True)
class Scope:
    """The names of a module, class, function or comprehension."""

    path: tuple[str, ...]
    outer: Scope | None = None
    names: dict[str, Value] = field(default_factory=dict)
    own: frozenset[str] = frozenset()
    """Names that are bound somewhere in it: until then they are not those of the scope around it."""
    blind: bool = False
    """Whether nothing is known of any name: the scope of what is not reached."""


class Names:
    """The state of following a script: the scope, and what is known of the lists and dicts in it."""

    def __init__(self, tree: ast.Module) -> None:
        self.tree = tree
        self.lists: list[Items] = []
        """Every list and tuple that is made."""
        self.assigned_keys: set[str] = set()
        """Keys that are assigned in dicts that are not known."""
        self._scope = Scope((), own=bound_names(tree.body))
        self._depth = 0
        """How many conditions that are not known apply."""
        self._steps = 0
        self._allowance = _UNROLLED
        """How many expressions and statements the turns of one loop may have together, to be followed one by one."""
        self._seen: set[int] = set()
        """Identities of the nodes that were followed."""
        self._attributes: list[tuple[str, Items]] = []
        """Attributes to which lists are bound, by name."""
        self._changed_attributes: set[str] = set()
        """Names of attributes of which something is changed where their value is not known."""
        self._function_nodes: dict[str, list[Function]] = {}
        self._shared: set[str] = set()
        """Names that functions bind for the scope around them: their values are not followed."""
        for node in ast.walk(tree):
            if isinstance(node, Function):
                self._function_nodes.setdefault(node.name, []).append(node)
            elif isinstance(node, ast.Global | ast.Nonlocal):
                self._shared.update(node.names)

    def _step(self, node: ast.AST) -> None:
        self._seen.add(id(node))
        self._steps += 1
        if self._steps > _STEPS:
            raise TooLong

    @contextmanager
    def _maybe(self) -> Iterator[None]:
        """Follow what may not happen: names that it binds are unknown afterwards, what it changes is open."""
        before = dict(self._scope.names)
        self._depth += 1
        try:
            yield
        finally:
            self._depth -= 1
            self._join(before)

    def _join(self, other: Mapping[str, Value]) -> None:
        """Keep the names that have the same value in `other`; the others are unknown."""
        names = self._scope.names
        for name in {*names, *other}:
            if names.get(name) is not other.get(name):
                names[name] = Unknown()

    @contextmanager
    def _allowed(self, turns: int) -> Iterator[None]:
        """Share the allowance among the turns of a loop, for the loops inside it."""
        before, self._allowance = self._allowance, self._allowance // max(turns, 1)
        try:
            yield
        finally:
            self._allowance = before

    def _lookup(self, name: str) -> Value | None:
        """Return the value of a name; None for a name that the script does not bind."""
        scope: Scope | None = self._scope
        while scope is not None:
            if name in self._shared:
                return Unknown()
            if name in scope.names:
                return scope.names[name]
            if name in scope.own or scope.blind:
                return Unknown()
            scope = scope.outer
        return Constant("__main__", self.tree) if name == "__name__" else None

    def _named(self, value: Value, *name: str) -> None:
        if isinstance(value, Items) and value.name is None and name:
            value.name = (*self._scope.path, *name)

    def _target_name(self, target: ast.expr) -> tuple[str, ...]:
        """Return the dotted name of a target as steps; empty for what has none."""
        if isinstance(target, ast.Name):
            return (target.id,)
        if isinstance(target, ast.Attribute):
            owner = self._target_name(target.value)
            return (*owner, target.attr) if owner else ()
        return ()

    def _made(
        self, node: ast.AST, parts: list[Value], *, is_tuple: bool = False, sources: Iterable[Value] = ()
    ) -> Items:
        """Return a new list or tuple, and remember it."""
        self._steps += len(parts) // 8
        if len(parts) > ELEMENTS:
            raise TooLong
        lists = tuple(source for source in sources if isinstance(source, Items))
        made = Items(node, parts, self._depth, is_tuple=is_tuple, sources=lists, scope=self._scope.path)
        self.lists.append(made)
        return made

    def _certain(self, made: Items | Keys) -> bool:
        """Whether a change that is made here happens whenever `made` is there."""
        return made.depth >= self._depth

    def _put(self, made: Items, position: int | None, value: Value) -> None:
        """Insert `value` at `position`; at the end for None."""
        if len(made.parts) >= ELEMENTS:
            raise TooLong
        if not self._certain(made):
            made.open = True
        made.absorbed = False
        made.parts.insert(len(made.parts) if position is None else position, value)

    def _extend(self, made: Items, value: Value) -> None:
        elements = self._elements(value)
        if elements is None:
            self._lost(value, ())
            if isinstance(value, Items) and made.name is not None:
                value.scope = made.name  # findings call it what it extends; it cannot be asked for by that name
            made.open = True
            return
        if isinstance(value, Items):
            value.absorbed = True
        for element in elements:
            self._put(made, None, element)

    def _lost(self, value: Value, name: tuple[str, ...]) -> None:
        """Remember that the elements of a list go into one that is not known."""
        if isinstance(value, Items):
            value.open = True
            self._named(value, *name)

    def _set(self, made: Keys, node: ast.AST, key: Scalar | Unknown, value: Value | None) -> None:
        if isinstance(key, Unknown):
            self._blur(made)
        elif value is None:
            if made.parts.pop(key, None) and not self._certain(made):
                made.open = True
        elif self._certain(made):
            made.parts[key] = (node, value)
        elif key in made.parts:
            made.parts[key] = (made.parts[key][0], Unknown(node))
        else:
            made.open = True

    def _update(self, made: Keys, value: Value) -> None:
        if isinstance(value, Keys) and not value.open:
            for key, (node, part) in value.parts.items():
                self._set(made, node, key, part)
        else:
            self._blur(made)

    def _blur(self, made: Keys) -> None:
        """Remember that the keys and values of a dict may be others."""
        made.open = True
        made.parts = {key: (node, Unknown(node)) for key, (node, _) in made.parts.items()}

    def _blur_all(self, value: Value) -> None:
        """Remember that a list or dict, and the dicts in the list, may have been changed."""
        if isinstance(value, Items):
            value.open = True
            for part in value.parts:
                if isinstance(part, Keys):
                    self._blur(part)
        elif isinstance(value, Keys):
            self._blur(value)

    def _truth(self, value: Value) -> bool | None:
        """Return whether a value counts as true; None for what is not known."""
        if isinstance(value, Constant):
            return bool(value.value)
        if isinstance(value, Items):
            return bool(value.parts) if value.closed else None
        return bool(value.parts) if isinstance(value, Keys) and not value.open else None

    def _elements(self, value: Value) -> list[Value] | None:
        """Return what an iteration over a value gives; None for what is not known."""
        if isinstance(value, Items):
            return list(value.parts) if value.closed else None
        if isinstance(value, Keys):
            return None if value.open else [Constant(key, node) for key, (node, _) in value.parts.items()]
        if isinstance(value, Constant) and isinstance(value.value, str):
            return [Constant(character, value.node) for character in value.value]
        return None


def parameters(function: Function) -> frozenset[str]:
    """Return the names of the parameters of a function."""
    names = function.args
    return frozenset(
        arg.arg
        for arg in (*names.posonlyargs, *names.args, *names.kwonlyargs, names.vararg, names.kwarg)
        if arg is not None
    )


def bound_names(body: Iterable[ast.AST]) -> frozenset[str]:
    """Return the names that statements bind in their own scope, or more."""
    names: set[str] = set()
    waiting = list(body)
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load):
            names.add(node.id)
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            names.add(node.name)
        elif isinstance(node, ast.Import | ast.ImportFrom):
            names.update(alias.asname or alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ExceptHandler | ast.MatchAs | ast.MatchStar) and node.name:
            names.add(node.name)
        elif isinstance(node, ast.MatchMapping) and node.rest:
            names.add(node.rest)
        if not isinstance(node, Function | ast.ClassDef | ast.Lambda):
            waiting += ast.iter_child_nodes(node)
    return frozenset(names)


def changes_arguments(function: Function) -> bool:
    """Whether a function may change a list or dict that it is called with."""
    names = set(parameters(function))
    for node in ast.walk(function):
        if isinstance(node, ast.For | ast.comprehension):
            names |= bound_names([node.target])
    for node in ast.walk(function):
        target: ast.AST | None = None
        if isinstance(node, ast.AugAssign):
            target = node.target
        elif isinstance(node, ast.Subscript):
            target = None if isinstance(node.ctx, ast.Load) else node.value
        elif isinstance(node, ast.Attribute) and node.attr in CHANGING:
            target = node.value
        while isinstance(target, ast.Subscript | ast.Attribute):
            target = target.value
        if isinstance(target, ast.Name) and target.id in names:
            return True
    return False
