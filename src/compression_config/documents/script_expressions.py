"""Expressions of a script: what they evaluate to as far as the text shows it, and what they change."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, ClassVar

from compression_config.documents.script_names import CHANGING, ELEMENTS, Names, Scope, changes_arguments
from compression_config.documents.script_values import (
    Constant,
    Items,
    Keys,
    Scalar,
    Unknown,
    Value,
    compared,
    computed,
    converted,
    copied,
    flat,
    interpolated,
    negated,
    shown_in_text,
    text_method,
)

__all__ = ["Expressions"]

_READING = frozenset({"copy", "count", "get", "index", "items", "keys", "values"})
"""The methods that change nothing."""


class Expressions(Names):
    """Follows expressions."""

    def _value(self, node: ast.expr) -> Value:
        self._step(node)
        follow = self._EXPRESSIONS.get(type(node))
        return self._other(node) if follow is None else follow(self, node)

    def _other(self, node: ast.AST) -> Value:
        """Look for lists in what is not followed."""
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.expr):
                self._value(child)
        return Unknown(node)

    def _not_evaluated(self, node: ast.AST) -> Value:
        return Unknown(node)

    def _constant(self, node: ast.Constant) -> Value:
        value = node.value
        return Constant(value, node) if value is None or isinstance(value, str | int | float) else Unknown(node)

    def _name(self, node: ast.Name) -> Value:
        value = self._lookup(node.id)
        if value is None or isinstance(value, Unknown):
            return Unknown(node, value.origin if value is not None else None)
        return value

    def _attribute(self, node: ast.Attribute) -> Value:
        known = self._scope.names.get(".".join(self._target_name(node)))
        if known is not None:
            return known
        owner = self._value(node.value)
        if node.attr in CHANGING:
            self._blur_all(owner)  # a method that is handed on may be called
        origin = owner.origin if isinstance(owner, Unknown) else None
        return Unknown(node, origin and f"{origin}.{node.attr}")

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
        numbers: list[int | None] = []
        for bound in (bounds.lower, bounds.upper, bounds.step):
            value = None if bound is None else self._value(bound)
            number = value.value if isinstance(value, Constant) else None
            if not isinstance(number, int | None) or isinstance(value, Unknown | Items | Keys):
                return Unknown(node)
            numbers.append(number)
        part = slice(*numbers)
        if part.step == 0:
            return Unknown(node)
        if isinstance(made, Items) and made.closed:
            return self._made(node, made.parts[part], is_tuple=made.is_tuple, sources=[made])
        if isinstance(made, Constant) and isinstance(made.value, str):
            return Constant(made.value[part], node)
        return Unknown(node)

    # Lists, dicts and comprehensions.

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
        outer, self._scope = self._scope, Scope(self._scope.path, self._scope)
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

    # Operations.

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
        times = right.value if kind is ast.Mult and isinstance(right, Constant) else None
        if isinstance(left, Items) and isinstance(times, int) and len(left.parts) * times <= ELEMENTS:
            left.absorbed = times > 0
            return self._made(node, left.parts * times, is_tuple=left.is_tuple, sources=[left])
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

    def _unary(self, node: ast.UnaryOp) -> Value:
        value = self._value(node.operand)
        if isinstance(node.op, ast.Not):
            truth = self._truth(value)
            return Unknown(node) if truth is None else Constant(not truth, node)
        return _result(node, negated(type(node.op), value.value) if isinstance(value, Constant) else Unknown())

    def _comparison(self, node: ast.Compare) -> Value:
        values = [flat(self._value(part)) for part in (node.left, *node.comparators)]
        found: list[bool | None] = []
        for operation, left, right in zip(node.ops, values, values[1:], strict=False):
            known = not isinstance(left, Unknown) and not isinstance(right, Unknown)
            found.append(compared(type(operation), left, right) if known else None)
        if False in found:
            return Constant(value=False, node=node)
        return Unknown(node) if None in found else Constant(value=True, node=node)

    def _junction(self, node: ast.BoolOp) -> Value:
        """Follow `and` and `or`: what comes after an operand whose truth is not known may not be evaluated."""
        value: Value = Unknown(node)
        for number, operand in enumerate(node.values, 1):
            value = self._value(operand)
            truth = self._truth(value)
            if truth is None:
                with self._maybe():
                    for other in node.values[number:]:
                        self._value(other)
                return Unknown(node)
            if truth is isinstance(node.op, ast.Or):
                break
        return value

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

    # Assignments.

    def _bind(self, target: ast.expr, value: Value) -> None:
        if isinstance(target, ast.Name):
            self._named(value, target.id)
            for name in [name for name in self._scope.names if name.startswith(f"{target.id}.")]:
                self._scope.names[name] = Unknown()
            if target.id in self._shared and isinstance(value, Items):
                value.open = True
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
            if steps := self._target_name(target):
                self._named(value, *steps)
                # Followed inside one function, under its dotted name.
                self._scope.names[".".join(steps)] = value
            if isinstance(value, Items):
                self._attributes.append((target.attr, value))

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

    # Calls.

    def _call(self, node: ast.Call) -> Value:
        function = node.func
        receiver = self._value(function.value) if isinstance(function, ast.Attribute) else None
        if receiver is None:
            self._value(function)
        name = function.attr if isinstance(function, ast.Attribute) else (*self._target_name(function), "")[0]
        args = [self._value(arg) for arg in node.args]
        keywords = [(keyword, self._value(keyword.value)) for keyword in node.keywords]
        kwargs = {keyword.arg: value for keyword, value in keywords}
        exact = not _starred(node.args) and None not in kwargs
        if isinstance(function, ast.Name) and self._lookup(name) is None:
            if name == "dict" and len(args) <= 1:
                made = Keys(node, {}, self._depth)
                self._update_with(made, args, keywords)
                return made
            found = self._builtin(node, name, args) if exact and not kwargs else None
            if found is not None:
                return found
        if isinstance(receiver, Items):
            return self._list_method(node, receiver, name, args if exact else [Unknown()] * 3)
        if isinstance(receiver, Keys):
            if name == "update" and len(args) <= 1:
                self._update_with(receiver, args, keywords)
                return Unknown(node)
            return self._dict_method(node, receiver, name, args)
        if isinstance(receiver, Constant):
            return _result(node, text_method(receiver.value, name, args, kwargs)) if exact else Unknown(node)
        if name in ("deepcopy", "copy") and len(args) == 1 and name not in self._function_nodes:
            if isinstance(args[0], Items) and args[0].name is None:
                args[0].absorbed = True
            return self._registered(copied(args[0], self._depth, deep=name == "deepcopy"))
        self._foreign_call(node, name, args, kwargs)
        return Unknown(node)

    def _foreign_call(
        self, node: ast.Call, name: str, args: Sequence[Value], kwargs: Mapping[str | None, Value]
    ) -> None:
        """Follow what a call that is not known does with lists and dicts."""
        target = self._target_name(node.func.value) if isinstance(node.func, ast.Attribute) else ()
        if name in CHANGING:
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
        if any(isinstance(value, Items | Keys) for value in (*args, *kwargs.values())) and self._changes(name):
            for value in (*args, *kwargs.values()):
                self._blur_all(value)

    def _changes(self, name: str) -> bool:
        """Whether a function of the script that has this name may change what it is called with."""
        return any(map(changes_arguments, self._function_nodes.get(name, ())))

    def _registered(self, value: Value) -> Value:
        if isinstance(value, Items):
            value.scope = self._scope.path
            self.lists.append(value)
        return value

    def _update_with(self, made: Keys, args: Sequence[Value], keywords: Sequence[tuple[ast.keyword, Value]]) -> None:
        """Follow the arguments of `dict` and of the method `update`."""
        for arg in args:
            self._update(made, arg)
        for keyword, value in keywords:
            if keyword.arg is None:
                self._update(made, value)
            else:
                self._set(made, keyword, keyword.arg, value)
                self._named(value, keyword.arg)

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

    def _dict_method(self, node: ast.Call, made: Keys, name: str, args: Sequence[Value]) -> Value:
        key = args[0].value if args and isinstance(args[0], Constant) else Unknown()
        old = Unknown() if isinstance(key, Unknown) or key not in made.parts else made.parts[key][1]
        if name == "setdefault" and len(args) == 2:  # noqa: PLR2004 - a key and a value
            if isinstance(key, Unknown) or key not in made.parts:
                self._set(made, node.args[0], key, args[1])
                return args[1]
            return old
        if name == "pop" and args:
            self._set(made, node.args[0], key, None)
            return old
        if name == "copy" and not args:
            return copied(made, self._depth, deep=False)
        if name in ("items", "values") and not made.open:
            pairs = [(Constant(each, place), part) for each, (place, part) in made.parts.items()]
            parts: list[Value] = [self._made(node, [*pair], is_tuple=True) for pair in pairs]
            return self._made(node, [part for _, part in pairs] if name == "values" else parts)
        if name == "get":
            return old
        if name not in _READING:
            self._blur(made)
        return Unknown(node)

    def _builtin(self, node: ast.Call, name: str, args: Sequence[Value]) -> Value | None:
        """Return what a function of Python gives; None for those that are not followed, or not for these arguments."""
        constants = [arg.value for arg in args if isinstance(arg, Constant)]
        lists = [elements for arg in args if (elements := self._elements(arg)) is not None]
        if name == "range" and len(constants) == len(args):
            return self._range(node, constants)
        if name in ("str", "int", "float") and len(args) == len(constants) == 1:
            return _result(node, converted(name, constants[0]))
        if name == "zip" and len(args) == len(lists):
            return self._rows(node, lists, args)
        if len(args) != 1 or len(lists) != 1:
            return None
        (elements,) = lists
        if name == "len":
            return Constant(len(elements), node)
        if name == "enumerate":
            return self._rows(node, [[Constant(number, node) for number in range(len(elements))], elements], args)
        if name == "sorted":
            try:
                elements = sorted(elements, key=_sortable)  # type: ignore[arg-type]
            except TypeError:
                return None
        elif name == "reversed":
            elements.reverse()
        elif name not in ("list", "tuple"):
            return None
        if isinstance(args[0], Items):
            args[0].absorbed = True
        return self._made(node, elements, is_tuple=name == "tuple", sources=args)

    def _rows(self, node: ast.Call, lists: Sequence[Sequence[Value]], sources: Sequence[Value]) -> Items:
        rows: list[Value] = [self._made(node, [*row], is_tuple=True) for row in zip(*lists, strict=False)]
        return self._made(node, rows, sources=sources)

    def _range(self, node: ast.Call, bounds: Sequence[Scalar]) -> Value | None:
        if not 1 <= len(bounds) <= 3 or not all(isinstance(bound, int) for bound in bounds):  # noqa: PLR2004
            return None
        try:
            numbers = range(*bounds)  # type: ignore[arg-type]
            if len(numbers) > ELEMENTS:
                return None
        except (ValueError, OverflowError):
            return None
        return self._made(node, [Constant(number, node) for number in numbers])

    _EXPRESSIONS: ClassVar[Mapping[type[ast.expr], Callable[[Any, Any], Value]]] = MappingProxyType(
        {
            ast.Attribute: _attribute,
            ast.BinOp: _binary,
            ast.BoolOp: _junction,
            ast.Call: _call,
            ast.Compare: _comparison,
            ast.Constant: _constant,
            ast.Dict: _dict,
            ast.DictComp: _dict_comprehension,
            ast.GeneratorExp: _comprehension,
            ast.IfExp: _choice,
            ast.JoinedStr: _f_string,
            ast.Lambda: _not_evaluated,
            ast.List: _display,
            ast.ListComp: _comprehension,
            ast.Name: _name,
            ast.NamedExpr: _walrus,
            ast.Subscript: _subscript,
            ast.Tuple: _display,
            ast.UnaryOp: _unary,
        }
    )


def _result(node: ast.AST, found: Scalar | list[str] | Unknown) -> Value:
    if isinstance(found, list):
        return Items(node, [Constant(text, node) for text in found])
    return Unknown(node) if isinstance(found, Unknown) else Constant(found, node)


def _interpolated(text: str, right: Value) -> Scalar | Unknown:
    found = flat(right)
    if isinstance(found, tuple) or (isinstance(right, Constant)):
        return interpolated(text, found)  # type: ignore[arg-type]
    return Unknown()


def _sortable(part: Value) -> object:
    if not isinstance(part, Constant):
        raise TypeError
    return part.value


def _starred(nodes: Iterable[ast.expr]) -> bool:
    return any(isinstance(node, ast.Starred) for node in nodes)
