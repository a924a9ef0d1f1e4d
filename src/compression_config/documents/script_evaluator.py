"""What a script does to lists and dicts that are written in it, followed statement by statement, without running it.

Names keep their values, lists grow, loops over known elements are unrolled. Where a condition is not known, both ways
are followed, and what they change becomes unknown; so does everything that is not a literal or made of literals.
"""

from __future__ import annotations

import ast
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Literal, TypeAlias

from compression_config.documents.script_values import (
    LONGEST_TEXT,
    Constant,
    Items,
    Keys,
    Scalar,
    Unknown,
    Value,
    compared,
    computed,
    copied,
    formatted,
    interpolated,
    negated,
    plain,
    shown_in_text,
)

__all__ = ["Evaluation", "evaluated"]

_STEPS = 400_000
"""How many expressions and statements of a script are followed."""
_UNROLLED = 20_000
"""How many of them the turns of one loop may have together; a longer loop is followed once, for any turn."""
_ELEMENTS = 100_000
"""How many elements a list has at most."""

_End: TypeAlias = Literal["leaves", "breaks", "continues", "maybe"] | None
"""How a block ends: it returns or raises, ends the loop or its turn, may do either, or goes on (None)."""

_Function: TypeAlias = ast.FunctionDef | ast.AsyncFunctionDef
_SCOPES = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda)
_CHANGING = frozenset({"append", "clear", "extend", "insert", "pop", "popitem", "remove", "reverse", "setdefault", "sort",
                       "update"})  # fmt: skip
_READING = frozenset({"copy", "count", "get", "index", "items", "keys", "values"})


class _TooLong(Exception):  # noqa: N818 - not an error: the end of following the script
    """The script does more than is followed."""


@dataclass(slots=True)
class _Scope:
    """The names of a module, class, function or comprehension."""

    path: tuple[str, ...]
    outer: _Scope | None = None
    names: dict[str, Value] = field(default_factory=dict)
    own: frozenset[str] = frozenset()
    """Names that are bound somewhere in it: until then they are not those of the scope around it."""
    blind: bool = False
    """Whether nothing is known of any name: the scope of what is not reached."""


@dataclass(frozen=True, slots=True)
class Evaluation:
    """What was found in a script."""

    lists: tuple[Items, ...]
    """Each list with dicts in it, in the order in which they are made."""
    assigned_keys: frozenset[str]
    """Keys that the script assigns to in dicts that are not known: they may be any of those in the lists."""


def evaluated(tree: ast.Module) -> Evaluation:
    """Return the lists of dicts in a script."""
    evaluator = _Evaluator(tree)
    evaluator.run()
    found = tuple(made for made in evaluator.lists if any(isinstance(part, Keys) for part in made.parts))
    return Evaluation(found, frozenset(evaluator.assigned_keys))


class _Evaluator:
    def __init__(self, tree: ast.Module) -> None:
        self.tree = tree
        self.lists: list[Items] = []
        self.assigned_keys: set[str] = set()
        self._steps = 0
        self._depth = 0
        self._seen: set[int] = set()
        self._attributes: list[tuple[str, Items]] = []
        """Attributes to which lists are bound, by name."""
        self._changed_attributes: set[str] = set()
        """Names of attributes of which something is changed where their value is not known."""
        self._waiting: deque[tuple[_Function, _Scope, int]] = deque()
        functions = [node for node in ast.walk(tree) if isinstance(node, _Function)]
        self._changing = {function.name for function in functions if _changes_arguments(function)}
        self._shared = {
            name for node in ast.walk(tree) if isinstance(node, ast.Global | ast.Nonlocal) for name in node.names
        }
        """Names that functions bind for the scope around them: their values are not followed."""
        self._allowance = _UNROLLED
        """How many expressions and statements the turns of one loop may have together, to be followed one by one."""
        self._scope = _Scope((), own=_bound(tree.body))

    def run(self) -> None:
        """Follow the module, then its functions, then what neither has reached."""
        try:
            self._block(self.tree.body)
            self._functions()
            self._unreached()
        except (_TooLong, RecursionError):
            for made in self.lists:
                made.open = True
            self._waiting.clear()
            self._scope, self._steps, self._allowance = _Scope(()), 0, 0
            with suppress(_TooLong, RecursionError):
                self._unreached()
        for name, made in self._attributes:
            made.open = made.open or name in self._changed_attributes

    def _functions(self) -> None:
        while self._waiting:
            function, scope, depth = self._waiting.popleft()
            path = (*scope.path, function.name)
            inner = _Scope(path, scope, own=_bound(function.body) | _parameters(function))
            before, self._scope, self._depth = (self._scope, self._depth), inner, depth + 1
            self._block(function.body)
            self._scope, self._depth = before

    def _unreached(self) -> None:
        """Look at the rest of the script, of whose names nothing is known: what follows a `return`, for instance."""
        waiting: list[tuple[ast.AST, tuple[str, ...]]] = [(self.tree, ())]
        while waiting:
            node, path = waiting.pop()
            if isinstance(node, ast.stmt) and id(node) not in self._seen:
                self._blindly(path, lambda node=node: self._statement(node))  # type: ignore[misc]
                continue
            if isinstance(node, ast.List | ast.ListComp) and id(node) not in self._seen:
                self._blindly(path, lambda node=node: self._value(node))  # type: ignore[misc]
            if isinstance(node, (*_SCOPES[:3],)):
                path = (*path, node.name)  # noqa: PLW2901
            waiting += ((child, path) for child in ast.iter_child_nodes(node))

    def _blindly(self, path: tuple[str, ...], follow: Callable[[], object]) -> None:
        before, self._scope = self._scope, _Scope(path, blind=True)
        with self._maybe():
            follow()
        self._functions()
        self._scope = before

    def _step(self, node: ast.AST) -> None:
        self._seen.add(id(node))
        self._steps += 1
        if self._steps > _STEPS:
            raise _TooLong

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

    # Statements.

    def _block(self, body: Sequence[ast.stmt]) -> _End:
        for number, statement in enumerate(body):
            end = self._statement(statement)
            if end == "maybe":
                with self._maybe():
                    self._block(body[number + 1 :])
                return "maybe"
            if end is not None:
                return end
        return None

    def _statement(self, node: ast.stmt) -> _End:
        self._step(node)
        return _STATEMENTS.get(type(node), _Evaluator._other_statement)(self, node)

    def _other_statement(self, node: ast.stmt) -> _End:
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.expr):
                self._value(child)
        return None

    def _leave(self, node: ast.Return | ast.Raise) -> _End:
        if isinstance(node, ast.Return) and node.value is not None:
            self._named(self._value(node.value), "return")
        elif isinstance(node, ast.Raise):
            self._other_statement(node)
        return "leaves"

    def _break(self, _: ast.Break) -> _End:
        return "breaks"

    def _continue(self, _: ast.Continue) -> _End:
        return "continues"

    def _assign(self, node: ast.Assign) -> None:
        value = self._value(node.value)
        for target in node.targets:
            self._bind(target, value)

    def _annotated(self, node: ast.AnnAssign) -> None:
        if node.value is not None:
            self._bind(node.target, self._value(node.value))

    def _augmented(self, node: ast.AugAssign) -> None:
        right = self._value(node.value)
        if isinstance(node.target, ast.Subscript):
            self._changed_at(node.target, Unknown(node))
            return
        left = self._value(node.target)
        if isinstance(node.op, ast.Add) and isinstance(left, Items) and not left.is_tuple:
            self._extend(left, right)
        elif isinstance(node.op, ast.Add) and isinstance(left, Unknown):
            self._lost(right, self._target_name(node.target))
            self._changed_attributes.update(self._target_name(node.target)[-1:])
        elif isinstance(node.op, ast.BitOr) and isinstance(left, Keys):
            self._update(left, right)
        else:
            self._bind(node.target, self._operation(node, type(node.op), left, right))

    def _delete(self, node: ast.Delete) -> None:
        for target in node.targets:
            if isinstance(target, ast.Subscript):
                self._changed_at(target, None)
            else:
                self._bind(target, Unknown())

    def _import(self, node: ast.Import | ast.ImportFrom) -> None:
        for alias in node.names:
            local = alias.asname or alias.name.partition(".")[0]
            origin = alias.name if alias.asname else local
            if isinstance(node, ast.ImportFrom):
                origin = f"{node.module}.{alias.name}"
            self._scope.names[local] = Unknown(node, origin if origin.partition(".")[0] == "torch" else None)

    def _define(self, node: _Function) -> None:
        for decorator in node.decorator_list:
            self._value(decorator)
        arguments = [*node.args.posonlyargs, *node.args.args]
        pairs = zip(reversed(arguments), reversed(node.args.defaults), strict=False)
        keyword_pairs = zip(node.args.kwonlyargs, node.args.kw_defaults, strict=True)
        for argument, default in (*pairs, *keyword_pairs):
            if default is not None:
                self._named(self._value(default), node.name, argument.arg)
        self._scope.names[node.name] = Unknown(node)
        self._waiting.append((node, self._scope, self._depth))

    def _class(self, node: ast.ClassDef) -> None:
        outer = self._scope
        for expression in (*node.decorator_list, *node.bases, *(keyword.value for keyword in node.keywords)):
            self._value(expression)
        self._scope = _Scope((*outer.path, node.name), outer, own=_bound(node.body))
        waiting, self._waiting = self._waiting, deque()
        self._block(node.body)
        # The methods do not see the names of the class.
        methods = _Scope(self._scope.path, outer)
        for function, scope, depth in self._waiting:
            waiting.append((function, methods if scope is self._scope else scope, depth))
        self._waiting, self._scope = waiting, outer
        outer.names[node.name] = Unknown(node)

    def _if(self, node: ast.If) -> _End:
        truth = self._truth(self._value(node.test))
        if truth is not None:
            return self._block(node.body if truth else node.orelse)
        names = self._scope.names
        self._depth += 1
        before = dict(names)
        end = self._block(node.body)
        self._scope.names = before
        other_end = self._block(node.orelse)
        self._depth -= 1
        if other_end == "leaves":
            self._scope.names = names
        elif end != "leaves":
            self._join(names)
        ends = {end, other_end} - {"leaves"}
        if not ends:
            return "leaves"
        return next(iter(ends)) if len(ends) == 1 else "maybe"

    def _for(self, node: ast.For | ast.AsyncFor) -> _End:
        elements = self._elements(self._value(node.iter))
        cost = len(elements or ()) * sum(1 for statement in node.body for _ in ast.walk(statement))
        if elements is None or cost > self._allowance:
            return self._turns(node.body, node.orelse, node.target)
        with self._allowed(len(elements)):
            return self._each(node, elements)

    @contextmanager
    def _allowed(self, turns: int) -> Iterator[None]:
        """Share the allowance among the turns of a loop, for the loops inside it."""
        before, self._allowance = self._allowance, self._allowance // max(turns, 1)
        try:
            yield
        finally:
            self._allowance = before

    def _each(self, node: ast.For | ast.AsyncFor, elements: Sequence[Value]) -> _End:
        for number, element in enumerate(elements):
            self._bind(node.target, element)
            end = self._block(node.body)
            if end == "maybe":
                with self._maybe():
                    for other in elements[number + 1 :]:
                        self._bind(node.target, other)
                        self._block(node.body)
                break
            if end == "leaves":
                return end
            if end == "breaks":
                return None
        self._block(node.orelse)
        return None

    def _while(self, node: ast.While) -> _End:
        self._value(node.test)
        return self._turns(node.body, node.orelse, None)

    def _turns(self, body: Sequence[ast.stmt], orelse: Sequence[ast.stmt], target: ast.expr | None) -> _End:
        """Follow a loop of an unknown number of turns."""
        with self._maybe():
            for name in _bound(body):
                self._scope.names[name] = Unknown()
            if target is not None:
                self._bind(target, Unknown())
            self._block(body)
        with self._maybe():
            self._block(orelse)
        return None

    def _with(self, node: ast.With | ast.AsyncWith) -> _End:
        for item in node.items:
            self._value(item.context_expr)
            if item.optional_vars is not None:
                self._bind(item.optional_vars, Unknown())
        return self._block(node.body)

    def _try(self, node: ast.Try) -> _End:
        for body in (node.body, *(handler.body for handler in node.handlers), node.orelse):
            with self._maybe():
                self._block(body)
        return self._block(node.finalbody)

    def _match(self, node: ast.Match) -> _End:
        self._value(node.subject)
        for case in node.cases:
            with self._maybe():
                for name in _bound([node]):
                    self._scope.names[name] = Unknown()
                self._block(case.body)
        return None

    # Names, and what is bound to them.

    def _bind(self, target: ast.expr, value: Value) -> None:
        if isinstance(target, ast.Name):
            self._named(value, target.id)
            self._scope.names[target.id] = Unknown() if target.id in self._shared else value
        elif isinstance(target, ast.Tuple | ast.List):
            elements = self._elements(value)
            if elements is None or len(elements) != len(target.elts) or _starred(target.elts):
                elements = [Unknown()] * len(target.elts)
            for part, element in zip(target.elts, elements, strict=True):
                self._bind(part, element)
        elif isinstance(target, ast.Starred):
            self._bind(target.value, Unknown())
        elif isinstance(target, ast.Subscript):
            self._changed_at(target, value)
        elif isinstance(target, ast.Attribute):
            self._value(target.value)
            steps = self._target_name(target)
            self._named(value, *steps)
            # Followed inside one function, under its dotted name.
            self._scope.names[".".join(steps)] = value
            if isinstance(value, Items):
                self._attributes.append((target.attr, value))

    def _target_name(self, target: ast.expr) -> tuple[str, ...]:
        """Return the dotted name of a target as steps; empty for what has none."""
        if isinstance(target, ast.Name):
            return (target.id,)
        if isinstance(target, ast.Attribute):
            owner = self._target_name(target.value)
            return (*owner, target.attr) if owner else ()
        return ()

    def _named(self, value: Value, *name: str) -> None:
        if isinstance(value, Items) and value.name is None and name:
            value.name = (*self._scope.path, *name)

    def _lookup(self, name: str) -> Value | None:
        """Return the value of a name; None for a name that the script does not bind."""
        scope: _Scope | None = self._scope
        while scope is not None:
            if name in self._shared:
                return Unknown()
            if name in scope.names:
                return scope.names[name]
            if name in scope.own or scope.blind:
                return Unknown()
            scope = scope.outer
        return Constant("__main__", self.tree) if name == "__name__" else None

    # Changes of lists and dicts.

    def _certain(self, made: Items | Keys) -> bool:
        """Whether a change that is made here happens whenever `made` is there."""
        return made.depth >= self._depth

    def _put(self, made: Items, position: int | None, value: Value) -> None:
        """Insert `value` at `position`; at the end for None."""
        if len(made.parts) >= _ELEMENTS:
            raise _TooLong
        if not self._certain(made):
            made.open = True
        made.absorbed = False
        made.parts.insert(len(made.parts) if position is None else position, value)

    def _extend(self, made: Items, value: Value) -> None:
        elements = self._elements(value)
        if elements is None:
            self._lost(value, made.name or ())
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

    def _changed_at(self, target: ast.Subscript, value: Value | None) -> None:
        """Assign to an element of a list or to a key of a dict; None deletes it."""
        made, place = self._value(target.value), self._value(target.slice)
        key = place.value if isinstance(place, Constant) else None
        if isinstance(made, Keys):
            self._set(made, target.slice, key if isinstance(place, Constant) else Unknown(), value)
        elif isinstance(made, Items):
            known = isinstance(key, int) and value is not None and made.closed and self._certain(made)
            if known and isinstance(key, int) and value is not None and -len(made.parts) <= key < len(made.parts):
                made.parts[key] = value
            else:
                made.open = True
        else:
            self._changed_attributes.update(self._target_name(target.value)[-1:])
            if isinstance(key, str):
                self.assigned_keys.add(key)
            if isinstance(target.value, ast.Subscript):
                self._opened(target.value)

    def _opened(self, target: ast.Subscript) -> None:
        """Remember that one of the dicts in a list is changed, and not which."""
        made = self._value(target.value)
        self._changed_attributes.update(self._target_name(target.value)[-1:])
        for part in made.parts if isinstance(made, Items) else ():
            if isinstance(part, Keys):
                self._blur(part)

    def _blur(self, made: Keys) -> None:
        """Remember that the keys and values of a dict may be others."""
        made.open = True
        made.parts = {key: (node, Unknown(node)) for key, (node, _) in made.parts.items()}

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

    # Expressions.

    def _value(self, node: ast.expr) -> Value:
        self._step(node)
        return _EXPRESSIONS.get(type(node), _Evaluator._other)(self, node)

    def _other(self, node: ast.AST) -> Value:
        """Look for lists in what is not followed."""
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.expr):
                self._value(child)
            elif isinstance(child, ast.keyword):
                self._value(child.value)
        return Unknown(node)

    def _not_evaluated(self, node: ast.AST) -> Value:
        return Unknown(node)

    def _constant(self, node: ast.Constant) -> Value:
        value = node.value
        return Constant(value, node) if value is None or isinstance(value, str | int | float) else Unknown(node)

    def _name(self, node: ast.Name) -> Value:
        value = self._lookup(node.id)
        if value is None or isinstance(value, Unknown):
            return Unknown(node, value and value.origin)
        return value

    def _attribute(self, node: ast.Attribute) -> Value:
        known = self._scope.names.get(".".join(self._target_name(node)))
        if known is not None:
            return known
        owner = self._value(node.value)
        if node.attr in _CHANGING:
            self._blur_all(owner)  # a method that is handed on may be called
        origin = owner.origin if isinstance(owner, Unknown) else None
        return Unknown(node, origin and f"{origin}.{node.attr}")

    def _display(self, node: ast.List | ast.Tuple) -> Value:
        made = self._made(node, [], is_tuple=isinstance(node, ast.Tuple))
        for element in node.elts:
            if isinstance(element, ast.Starred):
                self._extend(made, self._value(element.value))
            else:
                made.parts.append(self._value(element))
        return made

    def _dict(self, node: ast.Dict) -> Value:
        made = Keys(node, {}, self._depth)
        for key_node, value_node in zip(node.keys, node.values, strict=True):
            value = self._value(value_node)
            if key_node is None:
                self._update(made, value)
                continue
            key = self._value(key_node)
            self._set(made, key_node, key.value if isinstance(key, Constant) else Unknown(), value)
            self._named(value, *([key.value] if isinstance(key, Constant) and isinstance(key.value, str) else []))
        return made

    def _comprehension(self, node: ast.ListComp | ast.GeneratorExp) -> Value:
        made = self._made(node, [])
        self._generate(node.generators, lambda: self._put(made, None, self._value(node.elt)))
        return made

    def _dict_comprehension(self, node: ast.DictComp) -> Value:
        made = Keys(node, {}, self._depth)

        def put() -> None:
            key = self._value(node.key)
            self._set(made, node.key, key.value if isinstance(key, Constant) else Unknown(), self._value(node.value))

        self._generate(node.generators, put)
        return made

    def _generate(self, generators: Sequence[ast.comprehension], put: Callable[[], None]) -> None:
        if not generators:
            put()
            return
        first, *others = generators
        elements = self._elements(self._value(first.iter))
        if elements is not None and len(elements) > self._allowance:
            elements = None
        outer, self._scope = self._scope, _Scope(self._scope.path, self._scope)
        with self._allowed(len(elements or ())):
            for element in [Unknown()] if elements is None else elements:
                self._bind(first.target, element)
                truths = [self._truth(self._value(test)) for test in first.ifs]
                if elements is None or None in truths:
                    with self._maybe():
                        self._generate(others, put)
                elif False not in truths:
                    self._generate(others, put)
        self._scope = outer

    def _f_string(self, node: ast.JoinedStr) -> Value:
        texts = [self._text(part) for part in node.values]
        known = [text for text in texts if text is not None]
        joined = "".join(known)
        if len(known) < len(texts):
            return Unknown(node)
        return _result(node, computed(ast.Add, joined, ""))

    def _text(self, part: ast.expr) -> str | None:
        if not isinstance(part, ast.FormattedValue):
            return part.value if isinstance(part, ast.Constant) and isinstance(part.value, str) else None
        value = self._value(part.value)
        spec = self._f_string(part.format_spec) if isinstance(part.format_spec, ast.JoinedStr) else Constant("", part)
        if not isinstance(value, Constant) or not isinstance(spec, Constant):
            return None
        return shown_in_text(value.value, part.conversion, str(spec.value))

    def _binary(self, node: ast.BinOp) -> Value:
        left, right = self._value(node.left), self._value(node.right)
        return self._operation(node, type(node.op), left, right)

    def _operation(self, node: ast.AST, kind: type[ast.operator], left: Value, right: Value) -> Value:
        if kind is ast.Add and (isinstance(left, Items) or isinstance(right, Items)):
            return self._sum(node, left, right)
        if kind is ast.BitOr and isinstance(left, Keys):
            made = Keys(node, dict(left.parts), self._depth, open=left.open)
            self._update(made, right)
            return made
        if kind is ast.Mult and isinstance(left, Items) and isinstance(right, Constant):
            if isinstance(right.value, int) and len(left.parts) * right.value <= _ELEMENTS:
                left.absorbed = right.value > 0
                return self._made(node, left.parts * right.value, is_tuple=left.is_tuple, sources=[left])
        if not isinstance(left, Constant):
            return Unknown(node)
        if kind is ast.Mod and isinstance(left.value, str):
            return _result(node, _interpolated(left.value, right))
        return _result(node, computed(kind, left.value, right.value) if isinstance(right, Constant) else Unknown())

    def _sum(self, node: ast.AST, left: Value, right: Value) -> Value:
        """Return a list or tuple that continues another, or remember that the known one goes into something else."""
        if isinstance(left, Items) and isinstance(right, Items) and left.is_tuple == right.is_tuple:
            made = self._made(node, [*left.parts, *right.parts], is_tuple=left.is_tuple, sources=(left, right))
            left.absorbed = right.absorbed = True
            return made
        self._lost(left, ())
        self._lost(right, ())
        return Unknown(node)

    def _made(
        self, node: ast.AST, parts: list[Value], *, is_tuple: bool = False, sources: Iterable[Value] = ()
    ) -> Items:
        """Return a new list or tuple, and remember it."""
        self._steps += len(parts) // 8
        if len(parts) > _ELEMENTS:
            raise _TooLong
        lists = tuple(source for source in sources if isinstance(source, Items))
        made = Items(node, parts, self._depth, is_tuple=is_tuple, sources=lists, scope=self._scope.path)
        self.lists.append(made)
        return made

    def _unary(self, node: ast.UnaryOp) -> Value:
        value = self._value(node.operand)
        if isinstance(node.op, ast.Not):
            truth = self._truth(value)
            return Unknown(node) if truth is None else Constant(not truth, node)
        return _result(node, negated(type(node.op), value.value) if isinstance(value, Constant) else Unknown())

    def _comparison(self, node: ast.Compare) -> Value:
        values = [_flat(self._value(part)) for part in (node.left, *node.comparators)]
        found: list[bool | None] = []
        for operation, left, right in zip(node.ops, values, values[1:], strict=False):
            known = not isinstance(left, Unknown) and not isinstance(right, Unknown)
            found.append(compared(type(operation), left, right) if known else None)
        if False in found:
            return Constant(value=False, node=node)
        return Unknown(node) if None in found else Constant(value=True, node=node)

    def _junction(self, node: ast.BoolOp) -> Value:
        """Follow `and` and `or`: what comes after an operand whose truth is not known may not be evaluated."""
        for number, operand in enumerate(node.values):
            value = self._value(operand)
            truth = self._truth(value)
            if truth is None:
                with self._maybe():
                    for other in node.values[number + 1 :]:
                        self._value(other)
                return Unknown(node)
            if truth is isinstance(node.op, ast.Or) or number == len(node.values) - 1:
                return value
        return Unknown(node)

    def _choice(self, node: ast.IfExp) -> Value:
        truth = self._truth(self._value(node.test))
        if truth is not None:
            return self._value(node.body if truth else node.orelse)
        for branch in (node.body, node.orelse):
            with self._maybe():
                self._value(branch)
        return Unknown(node)

    def _walrus(self, node: ast.NamedExpr) -> Value:
        value = self._value(node.value)
        self._bind(node.target, value)
        return value

    def _subscript(self, node: ast.Subscript) -> Value:
        made = self._value(node.value)
        if isinstance(node.slice, ast.Slice):
            return self._slice(node, made, node.slice)
        place = self._value(node.slice)
        if not isinstance(place, Constant):
            return Unknown(node)
        key = place.value
        if isinstance(made, Keys):
            return made.parts[key][1] if key in made.parts else Unknown(node)
        if isinstance(key, int):
            if isinstance(made, Items) and made.closed and -len(made.parts) <= key < len(made.parts):
                return made.parts[key]
            if isinstance(made, Constant) and isinstance(made.value, str) and -len(made.value) <= key < len(made.value):
                return Constant(made.value[key], node)
        return Unknown(node)

    def _slice(self, node: ast.Subscript, made: Value, bounds: ast.Slice) -> Value:
        values = [self._value(bound) if bound else None for bound in (bounds.lower, bounds.upper, bounds.step)]
        known = [value.value if isinstance(value, Constant) else None for value in values]
        if any(isinstance(value, Unknown | Items | Keys) for value in values) or known[2] == 0:
            return Unknown(node)
        if not all(number is None or isinstance(number, int) for number in known):
            return Unknown(node)
        part = slice(*known)
        if isinstance(made, Items) and made.closed:
            return self._made(node, made.parts[part], is_tuple=made.is_tuple, sources=[made])
        if isinstance(made, Constant) and isinstance(made.value, str):
            return Constant(made.value[part], node)
        return Unknown(node)

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

    # Calls.

    def _call(self, node: ast.Call) -> Value:
        function = node.func
        receiver = self._value(function.value) if isinstance(function, ast.Attribute) else None
        if receiver is None:
            self._value(function)
        name = function.attr if isinstance(function, ast.Attribute) else (*self._target_name(function), "")[0]
        args = [self._value(arg) for arg in node.args]
        kwargs = {keyword.arg: self._value(keyword.value) for keyword in node.keywords}
        exact = not _starred(node.args) and None not in kwargs
        if isinstance(function, ast.Name) and self._lookup(name) is None:
            if name == "dict" and len(args) <= 1:
                return self._dict_call(node, args)
            found = self._builtin(node, name, args) if exact and not kwargs else None
            if found is not None:
                return found
        if isinstance(receiver, Items):
            return self._list_method(node, receiver, name, args if exact else [Unknown()] * 3)
        if isinstance(receiver, Keys):
            return self._dict_method(node, receiver, name, args, kwargs if exact else None)
        if isinstance(receiver, Constant):
            return _result(node, _text_method(receiver.value, name, args, kwargs)) if exact else Unknown(node)
        if name in ("deepcopy", "copy") and len(args) == 1 and name not in self._changing:
            return self._registered(copied(args[0], self._depth, deep=name == "deepcopy"))
        self._foreign_call(node, name, args, kwargs)
        return Unknown(node)

    def _foreign_call(
        self, node: ast.Call, name: str, args: Sequence[Value], kwargs: Mapping[str | None, Value]
    ) -> None:
        """Follow what a call that is not known does with lists and dicts."""
        target = self._target_name(node.func.value) if isinstance(node.func, ast.Attribute) else ()
        if name in _CHANGING:
            self._changed_attributes.update(target[-1:])
        if name in ("append", "insert") and args and isinstance(args[-1], Keys):
            made = self._made(node, [args[-1]])
            made.open = True
            self._named(made, *target)
        elif name == "extend" and args:
            self._lost(args[-1], target)
        for arg in args:
            self._named(arg, name)
        for keyword, value in kwargs.items():
            self._named(value, keyword or name)
        if name in self._changing:
            for value in (*args, *kwargs.values()):
                self._blur_all(value)

    def _blur_all(self, value: Value) -> None:
        """Remember that a list or dict, and the dicts in the list, may have been changed."""
        if isinstance(value, Items):
            value.open = True
            for part in value.parts:
                if isinstance(part, Keys):
                    self._blur(part)
        elif isinstance(value, Keys):
            self._blur(value)

    def _registered(self, value: Value) -> Value:
        if isinstance(value, Items):
            value.scope = self._scope.path
            self.lists.append(value)
        return value

    def _dict_call(self, node: ast.Call, args: Sequence[Value]) -> Value:
        made = Keys(node, {}, self._depth)
        for arg in args:
            self._update(made, arg)
        for keyword in node.keywords:
            value = self._value(keyword.value)
            if keyword.arg is None:
                self._update(made, value)
            else:
                self._set(made, keyword, keyword.arg, value)
                self._named(value, keyword.arg)
        return made

    def _list_method(self, node: ast.Call, made: Items, name: str, args: Sequence[Value]) -> Value:
        if name == "append" and len(args) == 1:
            self._put(made, None, args[0])
        elif name == "extend" and len(args) == 1:
            self._extend(made, args[0])
        elif name == "insert" and len(args) == 2:  # noqa: PLR2004 - a place and an element
            place = args[0].value if isinstance(args[0], Constant) else None
            if not isinstance(place, int):
                made.open = True
            self._put(made, place if isinstance(place, int) else None, args[1])
        elif name == "copy" and not args:
            return self._registered(copied(made, self._depth, deep=False))
        elif name not in _READING:
            made.open = True
        return Unknown(node)

    def _dict_method(
        self, node: ast.Call, made: Keys, name: str, args: Sequence[Value], kwargs: Mapping[str | None, Value] | None
    ) -> Value:
        key = args[0].value if args and isinstance(args[0], Constant) else Unknown()
        old = Unknown() if isinstance(key, Unknown) or key not in made.parts else made.parts[key][1]
        if name == "update" and kwargs is not None and len(args) <= 1:
            for arg in args:
                self._update(made, arg)
            for keyword in node.keywords:
                self._set(made, keyword, keyword.arg, kwargs[keyword.arg])
        elif name == "setdefault" and len(args) == 2:  # noqa: PLR2004 - a key and a value
            if isinstance(key, Unknown) or key not in made.parts:
                self._set(made, node.args[0], key, args[1])
                return args[1]
            return old
        elif name == "pop" and args:
            self._set(made, node.args[0], key, None)
            return old
        elif name == "copy" and not args:
            return copied(made, self._depth, deep=False)
        elif name in ("items", "values") and not made.open:
            pairs = [(Constant(each, place), part) for each, (place, part) in made.parts.items()]
            parts: list[Value] = [self._made(node, [*pair], is_tuple=True) for pair in pairs]
            return self._made(node, [part for _, part in pairs] if name == "values" else parts)
        elif name == "get":
            return old
        elif name not in _READING:
            self._blur(made)
        return Unknown(node)

    def _builtin(self, node: ast.Call, name: str, args: Sequence[Value]) -> Value | None:
        """Return what a function of Python gives; None for those that are not followed, or not for these arguments."""
        constants = [arg.value for arg in args if isinstance(arg, Constant)]
        if name == "range" and len(constants) == len(args):
            return self._range(node, constants)
        if name in ("str", "int", "float", "len") and len(args) == 1:
            found = _flat(args[0])
            known = isinstance(args[0], Constant) or (name == "len" and not isinstance(found, Unknown))
            return _result(node, _converted(name, found)) if known else None
        lists = [self._elements(arg) for arg in args]
        known_lists = [elements for elements in lists if elements is not None]
        if (
            name in ("enumerate", "zip")
            and args
            and len(known_lists) == len(args)
            and (name == "zip" or len(args) == 1)
        ):
            if name == "enumerate":
                known_lists.insert(0, [Constant(number, node) for number in range(len(known_lists[0]))])
            rows = zip(*known_lists, strict=False)
            return self._made(node, [self._made(node, list(row), is_tuple=True) for row in rows], sources=args)
        if name not in ("list", "tuple", "sorted", "reversed") or len(args) != 1 or not known_lists:
            return None
        elements = known_lists[0]
        if name == "sorted":
            try:
                elements = sorted(elements, key=lambda part: _sortable(part))  # type: ignore[arg-type, return-value]
            except TypeError:
                return None
        if isinstance(args[0], Items):
            args[0].absorbed = True
        return self._made(node, elements[:: -1 if name == "reversed" else 1], is_tuple=name == "tuple", sources=args)

    def _range(self, node: ast.Call, bounds: Sequence[Scalar]) -> Value | None:
        if not 1 <= len(bounds) <= 3 or not all(isinstance(bound, int) for bound in bounds):  # noqa: PLR2004
            return None
        try:
            numbers = range(*bounds)  # type: ignore[arg-type]
            if len(numbers) > _ELEMENTS:
                return None
        except (ValueError, OverflowError):
            return None
        return self._made(node, [Constant(number, node) for number in numbers])


def _result(node: ast.AST, found: Scalar | list[str] | Unknown) -> Value:
    if isinstance(found, list):
        return Items(node, [Constant(text, node) for text in found])
    return Unknown(node) if isinstance(found, Unknown) else Constant(found, node)


def _flat(value: Value) -> object:
    """Return a scalar, or a list, tuple or dict of scalars, as Python's own; `Unknown` for everything else."""
    found = plain(value, [_ELEMENTS], 1)
    inside = found.values() if isinstance(found, dict) else found if isinstance(found, list | tuple) else ()
    return Unknown() if any(isinstance(part, Unknown) for part in inside) else found


def _interpolated(text: str, right: Value) -> Scalar | Unknown:
    found = _flat(right)
    if isinstance(found, tuple) or (isinstance(right, Constant)):
        return interpolated(text, found)  # type: ignore[arg-type]
    return Unknown()


def _converted(name: str, value: object) -> Scalar | Unknown:
    functions: Mapping[str, Callable[[Any], Scalar]] = {"str": str, "int": int, "float": float, "len": len}
    try:
        return functions[name](value)
    except (TypeError, ValueError, OverflowError):
        return Unknown()


def _sortable(part: Value) -> object:
    if not isinstance(part, Constant):
        raise TypeError
    return part.value


_TEXT_METHODS = frozenset({"endswith", "lower", "lstrip", "removeprefix", "removesuffix", "replace", "rstrip", "split",
                           "startswith", "strip", "title", "upper"})  # fmt: skip


def _text_method(
    text: Scalar, name: str, args: Sequence[Value], kwargs: Mapping[str | None, Value]
) -> Scalar | list[str] | Unknown:
    """Return what a method of a string gives for known arguments."""
    values = [arg.value for arg in args if isinstance(arg, Constant)]
    named = {str(key): value.value for key, value in kwargs.items() if isinstance(value, Constant)}
    if not isinstance(text, str):
        return Unknown()
    if name == "join" and len(args) == 1 and not kwargs:
        parts = _flat(args[0])
        if isinstance(parts, list | tuple) and all(isinstance(part, str) for part in parts):
            length = sum(map(len, parts)) + len(text) * len(parts)
            return text.join(parts) if length <= LONGEST_TEXT else Unknown()
        return Unknown()
    if len(values) < len(args) or len(named) < len(kwargs):
        return Unknown()
    if name == "format":
        return formatted(text, values, named)
    longest = max((len(value) for value in values if isinstance(value, str)), default=0)
    if name not in _TEXT_METHODS or kwargs or len(text) * (longest + 1) > LONGEST_TEXT:
        return Unknown()
    try:
        found: Scalar | list[str] = getattr(text, name)(*values)
    except (TypeError, ValueError):
        return Unknown()
    return found


def _starred(nodes: Iterable[ast.expr]) -> bool:
    return any(isinstance(node, ast.Starred) for node in nodes)


def _parameters(function: _Function) -> frozenset[str]:
    names = function.args
    return frozenset(
        arg.arg
        for arg in (*names.posonlyargs, *names.args, *names.kwonlyargs, names.vararg, names.kwarg)
        if arg is not None
    )


def _bound(body: Iterable[ast.AST]) -> frozenset[str]:
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
        if not isinstance(node, _SCOPES):
            waiting += ast.iter_child_nodes(node)
    return frozenset(names)


def _changes_arguments(function: _Function) -> bool:
    """Whether a function may change a list or dict that it is called with."""
    names = set(_parameters(function))
    for node in ast.walk(function):
        if isinstance(node, ast.For | ast.comprehension):
            names |= _bound([node.target])
    for node in ast.walk(function):
        target: ast.AST | None = None
        if isinstance(node, ast.Subscript) and not isinstance(node.ctx, ast.Load):
            target = node.value
        elif isinstance(node, ast.Attribute) and node.attr in _CHANGING:
            target = node.value
        elif isinstance(node, ast.AugAssign):
            target = node.target
        while isinstance(target, ast.Subscript | ast.Attribute):
            target = target.value
        if isinstance(target, ast.Name) and target.id in names:
            return True
    return False


_STATEMENTS: Mapping[type[ast.stmt], Callable[[_Evaluator, Any], _End]] = MappingProxyType(
    {
        ast.Assign: _Evaluator._assign,
        ast.AnnAssign: _Evaluator._annotated,
        ast.AugAssign: _Evaluator._augmented,
        ast.AsyncFor: _Evaluator._for,
        ast.AsyncFunctionDef: _Evaluator._define,
        ast.AsyncWith: _Evaluator._with,
        ast.Break: _Evaluator._break,
        ast.ClassDef: _Evaluator._class,
        ast.Continue: _Evaluator._continue,
        ast.Delete: _Evaluator._delete,
        ast.For: _Evaluator._for,
        ast.FunctionDef: _Evaluator._define,
        ast.If: _Evaluator._if,
        ast.Import: _Evaluator._import,
        ast.ImportFrom: _Evaluator._import,
        ast.Match: _Evaluator._match,
        ast.Raise: _Evaluator._leave,
        ast.Return: _Evaluator._leave,
        ast.Try: _Evaluator._try,
        ast.TryStar: _Evaluator._try,
        ast.While: _Evaluator._while,
        ast.With: _Evaluator._with,
    }
)
_EXPRESSIONS: Mapping[type[ast.expr], Callable[[_Evaluator, Any], Value]] = MappingProxyType(
    {
        ast.Attribute: _Evaluator._attribute,
        ast.BinOp: _Evaluator._binary,
        ast.BoolOp: _Evaluator._junction,
        ast.Call: _Evaluator._call,
        ast.Compare: _Evaluator._comparison,
        ast.Constant: _Evaluator._constant,
        ast.Dict: _Evaluator._dict,
        ast.DictComp: _Evaluator._dict_comprehension,
        ast.GeneratorExp: _Evaluator._comprehension,
        ast.IfExp: _Evaluator._choice,
        ast.JoinedStr: _Evaluator._f_string,
        ast.Lambda: _Evaluator._not_evaluated,
        ast.List: _Evaluator._display,
        ast.ListComp: _Evaluator._comprehension,
        ast.Name: _Evaluator._name,
        ast.NamedExpr: _Evaluator._walrus,
        ast.Subscript: _Evaluator._subscript,
        ast.Tuple: _Evaluator._display,
        ast.UnaryOp: _Evaluator._unary,
    }
)
