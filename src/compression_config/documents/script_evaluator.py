"""What a script does to lists and dicts that are written in it, followed statement by statement, without running it.

Names keep their values, lists grow, loops over known elements are unrolled. Where a condition is not known, both ways
are followed, and what they change becomes unknown; so does everything that is not a literal or made of literals.
"""

from __future__ import annotations

import ast
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, ClassVar, Literal, TypeAlias

from compression_config.documents.script_expressions import Expressions
from compression_config.documents.script_names import Function, Scope, TooLong, bound_names, parameters
from compression_config.documents.script_values import Items, Keys, Unknown, Value

__all__ = ["Evaluation", "evaluated"]

_End: TypeAlias = Literal["leaves", "breaks", "continues", "maybe"] | None
"""How a block ends: it returns or raises, ends the loop or its turn, may do either, or goes on (None)."""


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


class _Evaluator(Expressions):
    """Follows statements."""

    def __init__(self, tree: ast.Module) -> None:
        super().__init__(tree)
        self._waiting: deque[tuple[Function, Scope, int]] = deque()
        """Functions whose bodies are not followed yet, with the scope and the conditions around them."""

    def run(self) -> None:
        """Follow the module, then its functions, then what neither has reached."""
        try:
            self._block(self.tree.body)
            self._functions()
            self._unreached()
        except (TooLong, RecursionError):
            for made in self.lists:
                made.open = True
            self._waiting.clear()
            self._scope, self._depth, self._steps, self._allowance = Scope(()), 0, 0, 0
            with suppress(TooLong, RecursionError):
                self._unreached()
        for name, made in self._attributes:
            made.open = made.open or name in self._changed_attributes

    def _functions(self) -> None:
        while self._waiting:
            function, scope, depth = self._waiting.popleft()
            path = (*scope.path, function.name)
            inner = Scope(path, scope, own=bound_names(function.body) | parameters(function))
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
            elif isinstance(node, ast.List | ast.ListComp) and id(node) not in self._seen:
                self._blindly(path, lambda node=node: self._value(node))  # type: ignore[misc]
            inside = (*path, node.name) if isinstance(node, Function | ast.ClassDef) else path
            waiting += ((child, inside) for child in ast.iter_child_nodes(node))

    def _blindly(self, path: tuple[str, ...], follow: Callable[[], object]) -> None:
        before, self._scope = self._scope, Scope(path, blind=True)
        first = len(self.lists)
        with self._maybe():
            follow()
        self._functions()
        self._scope = before
        for made in self.lists[first:]:
            made.open = True

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
        follow = self._STATEMENTS.get(type(node))
        return self._other_statement(node) if follow is None else follow(self, node)

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
            if alias.name == "*":
                for name, value in self._scope.names.items():
                    self._blur_all(value)
                    self._scope.names[name] = Unknown()
                continue
            local = alias.asname or alias.name.partition(".")[0]
            origin = alias.name if alias.asname else local
            if isinstance(node, ast.ImportFrom):
                origin = f"{node.module}.{alias.name}"
            self._scope.names[local] = Unknown(node, origin if origin.partition(".")[0] == "torch" else None)

    def _define(self, node: Function) -> None:
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
        self._scope = Scope((*outer.path, node.name), outer, own=bound_names(node.body))
        waiting, self._waiting = self._waiting, deque()
        self._block(node.body)
        # The methods do not see the names of the class.
        methods = Scope(self._scope.path, outer)
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
            for name in bound_names(body):
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
                for name in bound_names([node]):
                    self._scope.names[name] = Unknown()
                self._block(case.body)
        return None

    _STATEMENTS: ClassVar[Mapping[type[ast.stmt], Callable[[Any, Any], _End]]] = MappingProxyType(
        {
            ast.Assign: _assign,
            ast.AnnAssign: _annotated,
            ast.AugAssign: _augmented,
            ast.AsyncFor: _for,
            ast.AsyncFunctionDef: _define,
            ast.AsyncWith: _with,
            ast.Break: _break,
            ast.ClassDef: _class,
            ast.Continue: _continue,
            ast.Delete: _delete,
            ast.For: _for,
            ast.FunctionDef: _define,
            ast.If: _if,
            ast.Import: _import,
            ast.ImportFrom: _import,
            ast.Match: _match,
            ast.Raise: _leave,
            ast.Return: _leave,
            ast.Try: _try,
            ast.TryStar: _try,
            ast.While: _while,
            ast.With: _with,
        }
    )
