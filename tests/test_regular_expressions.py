"""No regular expression takes more than linear time on text of users, but for reviewed ones on text of bounded length.

A pattern can take longer when an unbounded quantifier is inside another, or when several of them follow one another,
so that a match can be divided among them in many ways. Possessive quantifiers divide in one. Every pattern of the
package that has either is listed here, with the reason why it does no harm.
"""

from __future__ import annotations

import ast
import importlib
import pkgutil
import re
import re._constants as constants  # type: ignore[import-not-found] # of the standard library
import re._parser as parser  # type: ignore[import-not-found]
from pathlib import Path
from typing import Any

import compression_config

SOURCE = Path(compression_config.__file__).parent

SHORT = "the text is at most one line of a message, one key or one word, cut before"
REVIEWED: dict[str, str] = {}

MADE_AT_RUN_TIME: dict[str, int] = {}


def patterns() -> set[str]:
    """Return the patterns of the package: those that are constants of a module, and those written in a call."""
    found = set()
    for module in pkgutil.walk_packages([str(SOURCE)], "compression_config."):
        if not module.name.endswith("__main__"):
            values = vars(importlib.import_module(module.name)).values()
            found |= {value.pattern for value in values if isinstance(value, re.Pattern)}
    for path in SOURCE.rglob("*.py"):
        found |= {call.args[0].value for call in calls(path) if isinstance(call.args[0], ast.Constant)}
    return found


def calls(path: Path) -> list[ast.Call]:
    """Return the calls of functions of `re` that take a pattern."""
    return [
        node
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and isinstance(node.func.value, ast.Name)
        and (node.func.value.id, node.func.attr != "escape") == ("re", True)
    ]


def hazards(parsed: Any, *, inside: bool = False) -> int:
    """Return how many unbounded quantifiers of a parsed pattern may share one match; an inner one counts twice."""
    count = 0
    for operation, argument in parsed:
        if operation in (constants.MAX_REPEAT, constants.MIN_REPEAT):
            _, most, inner = argument
            unbounded = most == constants.MAXREPEAT
            count += unbounded * (1 + inside) + hazards(inner, inside=inside or unbounded)
        elif operation is constants.BRANCH:
            count += max(hazards(branch, inside=inside) for branch in argument[1])
        elif operation is constants.SUBPATTERN:
            count += hazards(argument[-1], inside=inside)
        elif operation in (constants.ASSERT, constants.ASSERT_NOT):
            count += hazards(argument[1], inside=inside)
    return count


def test_every_pattern_is_linear_or_reviewed() -> None:
    risky = {pattern for pattern in patterns() if hazards(parser.parse(pattern)) > 1}
    assert risky == REVIEWED.keys()


def test_patterns_that_are_made_of_text_are_reviewed() -> None:
    made: dict[str, int] = {}
    for path in SOURCE.rglob("*.py"):
        inside = [
            call
            for function in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
            if isinstance(function, ast.FunctionDef)
            for call in ast.walk(function)
            if isinstance(call, ast.Call)
            and isinstance(call.func, ast.Attribute)
            and isinstance(call.func.value, ast.Name)
            and call.func.value.id == "re"
            and call.func.attr != "escape"
            and not isinstance(call.args[0], ast.Constant)
        ]
        if inside:
            made[str(path.relative_to(SOURCE))] = len(inside)
    assert made == MADE_AT_RUN_TIME
