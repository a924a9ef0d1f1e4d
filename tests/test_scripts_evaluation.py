"""What a script evaluates to without being run: the same as Python makes of it, or unknown."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from compression_config.documents.python_reader import ScriptList, Unknown, has_unknown, read_script

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


def agrees(found: Any, expected: Any) -> bool:
    """Whether everything that is known of a value is as it should be, types included."""
    if isinstance(found, Unknown):
        return True
    if isinstance(found, list | tuple):
        same = type(found) is type(expected) and len(found) == len(expected)
        return same and all(map(agrees, found, expected))
    if isinstance(found, dict):
        same = isinstance(expected, dict) and list(found) == list(expected)
        return same and all(map(agrees, found.values(), expected.values()))
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


BEFORE = """
PREFIX, COUNT = "encoder", 3
NAMES = ["q", "k"]
BASE = {"a": 1}
"""


@pytest.mark.parametrize(
    "expression",
    [
        "f'{PREFIX}.{COUNT:02d}.{NAMES[0]!r:>5}'",
        "'{}.{}'.format(PREFIX, COUNT)",
        "'{1}.{name:>3}'.format(PREFIX, COUNT, name='x')",
        "'%s.%02d' % (PREFIX, COUNT)",
        "'%s' % PREFIX",
        "PREFIX + '.' + str(COUNT)",
        "[f'{PREFIX}.{i}.{n}' for i in range(COUNT) for n in NAMES if i != 1]",
        "[n.upper() for n in sorted(NAMES)]",
        "list(f'{i}' for i in range(1, 9, 3))",
        "NAMES + ['v'] * 2",
        "[*NAMES, *('x', 'y')]",
        "{**BASE, 'b': 2, 'a': 3}",
        "BASE | {'b': 2}",
        "dict(BASE, b=2)",
        "{n: COUNT for n in NAMES}",
        "[key + str(part) for key, part in BASE.items()]",
        "['.'.join((PREFIX, n)) for n in NAMES]",
        "'a,b'.split(',')",
        "[f'{i}{n}' for i, n in enumerate(NAMES)]",
        "[a + b for a, b in zip(NAMES, NAMES[::-1])]",
        "tuple(reversed(NAMES))",
        "0.8 if COUNT > 2 and PREFIX in ('encoder', 'decoder') else 0.5",
        "1 - COUNT / 4",
        "-COUNT // 2 % 5",
        "len(NAMES) == 2 != COUNT",
        "NAMES[-1] or None",
        "not NAMES[:0] and BASE['a'] is not None",
        "(n := COUNT) + n",
        "'x' 'y'",
        "list(BASE.values())",
        "BASE.get('a')",
        "int('7') + float('0.5')",
        "PREFIX[0] + PREFIX[1:3] + PREFIX[::-1]",
        "+COUNT - -COUNT",
        "NAMES.copy() + sorted(BASE)",
        "BASE.copy()",
        "{**BASE}.setdefault('a', 7)",
        "{**BASE}.setdefault('b', 7)",
        "{**BASE}.pop('a')",
        "'{:>4}'.format(COUNT).strip()",
    ],
)
def test_what_scripts_do_to_literals_is_known(expression: str) -> None:
    names: dict[str, Any] = {}
    exec(BEFORE, names)  # noqa: S102 - it is above
    found = value(expression, BEFORE)
    assert not has_unknown(found)
    assert repr(found) == repr(eval(expression, names))  # noqa: S307 - likewise


@pytest.mark.parametrize(
    "expression",
    [
        "open('file').read()",
        "NAMES.pop()",
        "name",
        "b'bytes'",
        "1j",
        "{1, 2}",
        "9 ** 99",
        "'x' * 10_001",
        "'%9999d' % 3",
        "'%*d' % (3, 3)",
        "f'{3:9999}'",
        "'{0.real}'.format(3)",
        "'{:{}}'.format(3, 9)",
        "[0] * 100_001",
        "range(10 ** 9)",
        "2 ** 3",
        "1 / 0",
        "'a' < 1",
        "lambda: 1",
        "[x for x in names]",
        "NAMES[7]",
        "NAMES is NAMES",
        "('x' * 9_000).replace('x', 'y' * 9_000)",
        "int('x')",
        "float('nan') if flag else 1",
        "(yield)",
        "dict(names)",
        "sorted(NAMES, key=len)",
        "sorted([1, 'x'])",
        "BASE[names]",
        "BASE['b']",
        "NAMES[names:]",
        "NAMES[::0]",
        "names[1:]",
        "NAMES[1:'x']",
        "[i for i in range(20_001)]",
        "range(1, 2, 3, 4)",
        "range('x')",
        "range(1, 2, 0)",
        "~COUNT",
        "-PREFIX",
        "PREFIX + COUNT",
        "PREFIX * 0.5",
        "PREFIX - PREFIX",
        "None + 1",
        "f'{PREFIX:d}'",
        "'{}{}'.format(PREFIX)",
        "'{'.format(PREFIX)",
        "'%s' % (PREFIX, COUNT)",
        "'%d' % PREFIX",
        "'%s' % [names]",
        "'x'.join(names)",
        "'x'.join([1])",
        "'x'.split(1)",
        "'x'.casefold()",
        "'x'.strip(names)",
        "COUNT.bit_length()",
        "a + [[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]",
        "print(end=names)",
        "max(NAMES)",
    ],
)
def test_what_is_not_known_is_not_guessed(expression: str) -> None:
    found = value(expression, BEFORE)
    assert isinstance(found, Unknown) or (isinstance(found, list) and all(isinstance(part, Unknown) for part in found))


@pytest.mark.parametrize(
    "text",
    [
        "answer.append({})",
        "for name in names:\n    answer.append({'op_names': name})",
        "while flag:\n    answer.append({'op_names': 3})",
        "if flag:\n    answer.append({'op_names': 3})",
        "try:\n    answer.append({'op_names': 3})\nexcept ValueError:\n    pass",
        "match flag:\n    case 1:\n        answer.clear()",
        "flag and answer.append({'op_names': 3})",
        "flag or answer.append({'op_names': 3})",
        "answer.append({'op_names': 3}) if flag else None",
        "def f():\n    answer.append({'op_names': 3})",
        "def f():\n    nonlocal answer\n    answer = 3",
        "answer.sort(key=len)",
        "answer[:] = []",
        "answer[flag] = {}",
        "del answer[0]",
        "answer += names",
        "answer *= 2\nanswer[0]['op_names'] = flag",
        "answer[0] |= names",
        "answer[0]['op_names'] += 1",
        "both = answer[0]\nboth |= names",
        "if flag:\n    answer[0].pop('op_names')",
        "if flag:\n    answer[0] = 3",
        "def change(each):\n    each += [1]\nchange(each=answer[0])",
        "add = answer[0].update",
        "answer.extend(names)",
        "answer.insert(flag, {'op_names': 3})",
        "add = answer.append",
        "def change(each):\n    each.append(3)\nchange(answer)",
        "def change(each):\n    for one in each:\n        one['x'] = 3\nobject.change(answer)",
        "answer[0][flag] = 3",
        "answer[0].popitem()",
        "answer[0].update(names)",
        "from settings import *\nanswer[0]['op_names'] = 3",
        "job.answer = answer\njob.answer.append(flag)",
        "for i in range(10_000):\n    answer.append({'op_names': i})",
        "for i in range(3):\n    if flag == i: continue\n    answer.append({'op_names': i})",
        "for i in range(3):\n    if flag == i: break\n    answer.append({'op_names': i})",
    ],
)
def test_a_list_that_may_be_another_when_the_script_runs_is_not_complete(text: str) -> None:
    before = "def main(flag, names):\n    answer = [{'op_names': [1]}]\n"
    inside = "\n".join("    " + line for line in text.splitlines())
    assert not [made for made in lists(before + inside) if made.complete and "{})" not in text]


@pytest.mark.parametrize(
    "text",
    [
        "answer = [{'op_names': 1}]\nprune(model, answer)\nprint(len(answer), answer[0])",
        "def main():\n    if flag:\n        raise SystemExit\n    answer = [{'op_names': 1}]",
        "def main():\n    if flag:\n        return\n    answer = [{'op_names': 1}]\n    answer.append({'op_names': 2})",
        "if __name__ == '__main__':\n    answer = []\n    answer.append({'op_names': 1})",
        "with open(path) as file:\n    answer = [{'op_names': 1}]",
        "def show(each):\n    print(each)\nanswer = [{'op_names': 1}]\nshow(answer)",
        "from copy import deepcopy\nanswer = deepcopy([{'op_names': 1}])",
        "BASE = [{'op_names': 1}]\ndef main():\n    answer = BASE + [{'op_names': 2}]",
        "class Job:\n    size = 3\n    answer = [{'op_names': size}]",
        "answer: list = [{'op_names': 1}]",
        "answer: list\nanswer = [{'op_names': 1}]",
        "answer = [3]\nanswer[0] = {'op_names': 1}",
        "answer = [{'op_names': 1}]\nboth = answer[0]\nboth |= {'a': 1}",
        "size = 1\nsize += 1\nanswer = [{'op_names': size}]",
        "job.size = 1\nanswer = [{'op_names': job.size}]",
        "job.size = 1\njob = other\nanswer = [{'op_names': 1}]",
        "first, *rest = names\nanswer = [{'op_names': 1}]",
        "@decorated([1])\ndef main(a, /, *b, c=1, **d):\n    answer = [{'op_names': 1}]",
        "def main():\n    if flag:\n        x = 1\n    else:\n        return\n    answer = [{'op_names': 1}]",
        "def main():\n    for i in (1, 2):\n        return [{'x': 1}]\nanswer = [{'op_names': 1}]",
        "def main():\n    if x:\n        return 1\n    else:\n        raise x\nanswer = [{'op_names': 1}]",
        "answer = [dict({'op_names': 1}, **{'a': 2})]",
        "answer, other = [{'op_names': 1}], 3",
        "answer = []\nfor size in (1, 2):\n    for i in range(size):\n        answer.append({'op_names': i})",
    ],
)
def test_a_list_is_complete_where_nothing_else_can_happen_to_it(text: str) -> None:
    assert [made.name[-1] for made in lists(text) if made.complete and made.reported] == ["answer"]


def test_a_class_is_not_seen_by_its_methods() -> None:
    (made,) = lists("size = 1\nclass Job:\n    size = 2\n    def run(self):\n        return [{'op_names': size}]")
    assert made.value == [{"op_names": 1}]


def test_a_local_name_is_not_that_of_the_module() -> None:
    (made,) = lists("size = 1\ndef run(found):\n    answer = [{'op_names': size}]\n    size = 2")
    assert not made.complete


@pytest.mark.parametrize("size", [300, 600, 900])
def test_a_long_sum_ends_in_no_error(size: int) -> None:
    found = lists(f"a = [{{'op_names': {'+'.join(['1'] * size)}}}]\nb = [{{'op_names': 1}}]")
    assert [made.value for made in found][-1] == [{"op_names": 1}]


def test_what_doubles_ends() -> None:
    (made,) = lists("a = [1]\n" + "a = [a, a]\n" * 60 + "answer = [{'op_names': a}]")
    assert not made.complete
    (made,) = lists("answer = [{'op_names': 1}]\nanswer[0]['op_types'] = answer[0]\nanswer.append(answer)")
    assert not made.complete


def test_a_script_that_does_too_much_is_followed_to_a_point() -> None:
    loops = "for a in range(90):\n  for b in range(90):\n    x = [a, b]\n"
    found = lists("first = [{'op_names': 1}]\n" + loops * 250 + "last = [{'op_names': 2}]")
    assert [(made.name, made.complete) for made in found] == [(("first",), False), (("last",), False)]
