"""What a script evaluates to without being run: the same as Python makes of it, or unknown."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from compression_config.documents.python_reader import ScriptList, Unknown, read_script

NAMES = ("a", "b", "c")
TEXTS = st.sampled_from(["fc", "layer.", "encoder.{}", "%d.x", "", "é", "x{0}{1}"])
NUMBERS = st.one_of(st.integers(-3, 12), st.sampled_from([0.5, -0.25, 2.0]))
SCALARS = st.one_of(TEXTS.map(repr), NUMBERS.map(repr), st.sampled_from(["True", "False", "None"]))


def lists(text: str) -> tuple[ScriptList, ...]:
    """Return the lists of a script that hold a dict with the key "op_names"."""
    script = read_script(text, "train.py", lambda keys: "op_names" in keys)
    assert script.problem is None
    return script.lists


def value(expression: str, before: str = "") -> Any:
    """Return what `expression` evaluates to after the statements `before`; `Unknown` where that is not known."""
    (found,) = lists(f"{before}\nanswer = [{{'op_names': {expression}}}]")
    (only,) = found.value
    assert isinstance(only, dict)
    return only["op_names"]


def final(statements: str) -> ScriptList:
    """Return the list that is bound to `answer` when the script ends."""
    (found,) = (each for each in lists(statements) if each.name == ("answer",) and each.reported and each.complete)
    return found


@st.composite
def expressions(draw: st.DrawFn, depth: int = 3) -> str:
    """Draw an expression of literals and of what the evaluator follows."""
    if depth == 0:
        return draw(SCALARS)
    part = expressions(depth - 1)
    form = draw(st.integers(0, 17))
    one, two, three = draw(part), draw(part), draw(part)
    number = draw(st.integers(-1, 4))
    return [
        f"[{one}, {two}]",
        f"({one}, {two})",
        f"{{'k': {one}, {two!r}: {three}}}",
        f"({one}) + ({two})",
        f"({one}) * {number}",
        f"({one}) % ({two})",
        f"({one}) - ({two})",
        f"({one}) / ({two})",
        f"-({one})",
        f"f'{{{draw(NUMBERS)!r}:>4}}/{{{draw(NUMBERS)!r}!r}}'",
        f"{draw(TEXTS)!r}.format({one}, {two})",
        f"[each for each in ({one}, {two}) if each == ({three})]",
        f"[(i, {one}) for i in range({number})]",
        f"({one}) if ({two}) else ({three})",
        f"({one}) == ({two})",
        f"[{one}, {two}, {three}][{number}]",
        f"[*({one},), {two}][:{number}]",
        f"({one}) and ({two}) or not ({three})",
    ][form]


def agrees(found: object, expected: object) -> bool:
    """Whether everything that is known of a value is as it should be, types included."""
    if isinstance(found, Unknown):
        return True
    if isinstance(found, list | tuple):
        same = type(found) is type(expected) and isinstance(expected, list | tuple) and len(found) == len(expected)
        return same and all(map(agrees, found, expected))  # type: ignore[arg-type]
    if isinstance(found, dict):
        return (
            isinstance(expected, dict)
            and list(found) == list(expected)
            and all(map(agrees, found.values(), expected.values()))
        )
    return type(found) is type(expected) and repr(found) == repr(expected)


@given(expressions())
@settings(max_examples=300, deadline=None)
def test_an_expression_is_what_python_makes_of_it_or_unknown(expression: str) -> None:
    try:
        expected = eval(expression, {})  # noqa: S307 - drawn from the forms above
    except (TypeError, ValueError, ArithmeticError, LookupError):
        return
    assert agrees(value(expression), expected)


@st.composite
def programs(draw: st.DrawFn) -> str:
    """Draw statements that fill the list `answer`, with conditions and loops that are known."""
    return "\n".join(["answer = [{'op_names': []}]", "names = ['x', 'y']", "limit = 2", *_block(draw, 0, 6)])


def _block(draw: st.DrawFn, depth: int, most: int) -> list[str]:
    lines = [line for _ in range(draw(st.integers(1, most))) for line in _statement(draw, depth)]
    return ["    " * depth + line if depth else line for line in lines] if depth == 0 else lines


def _statement(draw: st.DrawFn, depth: int) -> list[str]:
    entry = f"{{'op_names': [{draw(SCALARS)}, limit, *names]}}"
    simple = [
        f"answer.append({entry})",
        f"answer.insert({draw(st.integers(-2, 3))}, {entry})",
        f"answer.extend([{entry}])",
        f"answer += [{entry}, {entry}]",
        f"answer = answer + [dict(op_names={draw(SCALARS)})]",
        "names.append(str(limit))",
        "names = list(names)",
        "names = [name + '!' for name in names]",
        f"limit = limit + {draw(st.integers(-2, 2))}",
        "answer[0]['op_names'] = names",
        f"answer[-1].update(op_names={draw(SCALARS)})",
        "answer[0]['op_names'] = answer[0].get('op_names')",
        "copy = answer.copy(); copy.append(1)",
    ]
    form = draw(st.integers(0, len(simple) + (3 if depth < 2 else -1)))
    if form < len(simple):
        return [simple[form]]
    body = ["    " + line for _ in range(draw(st.integers(1, 3))) for line in _statement(draw, depth + 1)]
    if form == len(simple):
        return [f"for limit in range({draw(st.integers(0, 3))}):", *body]
    if form == len(simple) + 1:
        leave = draw(st.sampled_from(["continue", "break", "pass"]))
        return ["for name in ['p', 'q', 'r']:", f"    if name == {draw(st.sampled_from('pqr'))!r}: {leave}", *body]
    if form == len(simple) + 2:
        return [f"if limit > {draw(st.integers(-1, 3))}:", *body, "else:", "    " + draw(st.sampled_from(simple))]
    return [f"if len(answer) % 2 == {draw(st.integers(0, 1))} and limit:", *body]


@given(programs())
@settings(max_examples=300, deadline=None)
def test_a_program_leaves_the_list_that_python_leaves(program: str) -> None:
    names: dict[str, Any] = {}
    exec(program, names)  # noqa: S102 - drawn from the forms above
    found = final(program)
    assert found.complete
    assert agrees(found.value, names["answer"])
    assert not isinstance(found.value, Unknown)
