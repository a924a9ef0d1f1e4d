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
from compression_config.documents.comments import _YAML_START

SOURCE = Path(compression_config.__file__).parent

REVIEWED = {
    # Matched at one place only, and each quantifier ends where the next character cannot be its own.
    r"(.+\.py):([^\W\d]\w*(?:\.[^\W\d]\w*)*)",
    r"(?!hf:)([^\W\d]\w*(?:\.[^\W\d]\w*)*):([^\W\d]\w*(?:\.[^\W\d]\w*)*)",
    r"(?:[ ]|- )*([A-Za-z_][\w.-]*)(?:\s*=\s*|\s+)([^\s=:].*)",
    r"(?:[ ]|- )*([A-Za-z_][\w.-]*):([^\s:/].*)",
    r"(?:[&!]\S*\s+)*[\[{]",
    r"(?:bfloat|float|complex|uint|int|qint|quint)(\d+)(?:_e\d+m\d+(?:fn|fnu|fnuz)?)?",
    r"(?=\D*\d)[\w.+-]+|True|False",
    r"([ \t]*+)(?:(?:[\w, \t]+=[ \t]*)?[%!?].*|[\w.]+\?\??[ \t]*)",
    r"[-+]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][-+]?[0-9]+)?",
    r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?",
    r"[^\W\d][\w-]*(\.[\w-]+)*",
    r"W(\d+)A(\d+)(_ASYM)?",
    r"(?:[!~]|not\s)\s*([\w.]+)",
    r"[0-9]+(?:[dD]?|bit[A-Za-z]*)",
    r"[^0-9.-]*([0-9]{1,15})[^0-9.]*",
    r"[ ]*(?:-[ \t]+)+",
    r"[ ]*-[ \t]+",
    r"[ ]*:\s*",
    r"[ \t]*(?:#[^\r\n]*)?(\r\n|\n|\r|\Z)",
    r"[ \t]*,[ \t]*(?:#[^\r\n]*)?(\r\n|\n|\r)",
    # What begins a piece, a quote or not, and with or without a space before it, tells which alternative it is.
    _YAML_START.pattern,
    r"e(\d+)m(\d+)",
    # From each dot on it looks no further than to the next digit.
    r"(?:.*\.)?[^.]*[0-9](\.[^0-9]+)",
    r"q?u?int(\d+)(?:x\d+)?|float(8)_\w+",
    r"true|false|null|NaN|-?Infinity|-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?",
}
SEARCHED = {
    r"%(\(\w+\))?[-+ #0]*\d{0,2}(\.\d{1,2})?[diouxXeEfFgGcrs%]": "begins after a percent sign",
    r"(?<=\{)[\w-]+(?:,[\w-]+)+(?=\}$)": "begins after a brace, and no brace is inside",
    r"[*+?]|\{[0-9]*,?[0-9]*\}": "a match has at most one brace, and no brace is inside",
    r"([^0-9]+|^)([0-9]*)": "each character belongs to one match",
    r"[^.,/]*[.,/]+\s*|[^.,/]+": "what one match gives up, the second alternative takes",
    r"^(?:import [\w.]+|from [\w.]+ import |[A-Za-z_]\w*(?: *:[^=\n]*+)? *\+?= *(?:\[ *(?:\{|dict\(|$|\#)|\{))": (
        "begins at the start of a line, and each quantifier ends where the next character cannot be its own"
    ),
    r"#[ \t]*compression-config:[ \t]*ignore\b(?:\[([^\]#\r\n]*)\])?": "no number sign is inside",
    r"\S+\s*|\s+": "each character belongs to one match",
}
"""Patterns that are looked for anywhere in a text, with the reason why that takes linear time."""
MADE_AT_RUN_TIME = {
    "cli/project.py": 2,  # globs of one's own settings; a key, escaped
    "configs/dialects.py": 2,  # keys of other tools, written there; whether a text is a regex, without matching it
    "documents/yaml_errors.py": 1,  # an anchor, escaped
    "interop/modelopt.py": 2,  # fnmatch, whose stars do not backtrack
    "interop/transformers.py": 1,  # a name of letters, digits, underscores and dots
    "linting/hints.py": 1,  # fnmatch of a word that is known to be short
    "patterns.py": 1,  # fnmatch too
    "suggestions.py": 2,  # escaped names
    "wildcards.py": 4,  # globs and regexes with at most six quantifiers and a bound for their steps
}


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


def calls(path: Path, tree: ast.Module | None = None) -> list[ast.Call]:
    """Return the calls of functions of `re` that take a pattern."""
    return [
        node
        for node in ast.walk(tree or ast.parse(path.read_text(encoding="utf-8")))
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
    assert risky == REVIEWED | SEARCHED.keys()


def test_reviewed_patterns_are_matched_at_one_place_only() -> None:
    searched = set()
    for path in SOURCE.rglob("*.py"):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        patterns_by_name = {
            assigned.targets[0].id: assigned.value.args[0].value
            for assigned in tree.body
            if isinstance(assigned, ast.Assign)
            and isinstance(assigned.targets[0], ast.Name)
            and isinstance(assigned.value, ast.Call)
            and assigned.value in calls(path, tree)
            and isinstance(assigned.value.args[0], ast.Constant)
        }
        searched |= {
            patterns_by_name[node.value.id]
            for node in ast.walk(tree)
            if isinstance(node, ast.Attribute)
            and isinstance(node.value, ast.Name)
            and node.value.id in patterns_by_name
            and node.attr not in ("match", "fullmatch")
        }
    assert searched & REVIEWED == set()
    assert len(searched) > 10


def test_patterns_that_are_made_of_text_are_reviewed() -> None:
    made: dict[str, int] = {}
    for path in SOURCE.rglob("*.py"):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        at_import = {
            id(node) for statement in tree.body if isinstance(statement, ast.Assign) for node in ast.walk(statement)
        }
        inside = [
            call
            for call in calls(path, tree)
            if id(call) not in at_import and not isinstance(call.args[0], ast.Constant)
        ]
        if inside:
            made[path.relative_to(SOURCE).as_posix()] = len(inside)
    assert made == MADE_AT_RUN_TIME
