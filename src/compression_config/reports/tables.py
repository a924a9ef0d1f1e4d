"""Answers for other programs: a row for each layer as CSV, tables as Markdown, all of it as JSON or YAML."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, TypeGuard

from compression_config.budget import Budget
from compression_config.findings import Finding
from compression_config.reports.resolution import layer_groups, sub_config_rows, totals
from compression_config.resolving.resolved import Resolved
from compression_config.text import json_flow, number_cell, printable, yaml_flow

__all__ = ["as_csv", "as_markdown", "markdown_code", "markdown_table", "markdown_text", "records", "to_json", "to_yaml"]


# CSV.

_FORMULA = ("=", "+", "-", "@")
"""How a cell begins that spreadsheets compute. No name of a Python module does, and no number here is negative."""


def as_csv(answers: Iterable[Mapping[str, Any]]) -> str:
    """Return the layers of answers, each as `Resolution.to_dict()` gives it, as CSV with one header.

    A setting with a value for each quant type takes a column for each, as in `bits.weight`; a value that is
    absent is an empty cell. Lines end with a line feed alone. A cell that a spreadsheet would compute begins with
    an apostrophe, and what cannot be seen is escaped.
    """
    rows = records(answers)
    columns = list(dict.fromkeys(key for row in rows for key in row))
    text = io.StringIO()
    writer = csv.DictWriter(text, columns or ["kind", "name"], lineterminator="\n", restval="")
    writer.writeheader()
    writer.writerows({key: _csv_cell(value) for key, value in row.items()} for row in rows)
    return text.getvalue()


def records(answers: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return a row for each layer of answers, each as `Resolution.to_dict()` gives it: what it is, and what it gets."""
    return [{"kind": answer["kind"], **_flat(layer)} for answer in answers for layer in answer["layers"]]


def _flat(layer: Mapping[str, Any]) -> dict[str, Any]:
    """Return a layer as one row: what it is, and what it gets."""
    flat: dict[str, Any] = {}
    for key, value in layer.items():
        if key == "settings":
            flat |= {name: part for name, part in _flat(value or {}).items() if name not in layer}
        elif isinstance(value, Mapping):
            flat |= {f"{key}.{name}": part for name, part in value.items()}
        elif isinstance(value, list):
            flat[key] = "x".join(map(str, value))
        else:
            flat[key] = value
    return flat


def _csv_cell(value: object) -> object:
    if not isinstance(value, str):
        return value
    return printable(f"'{value}" if value.startswith(_FORMULA) else value)


# Markdown.


def as_markdown(resolved: Resolved, budget: Budget, findings: Iterable[Finding]) -> str:
    """Return a resolution as a Markdown document: its sub-configs, its layers grouped, and the findings."""
    blocks = (*_markdown(resolved, budget), [f"- {markdown_text(str(finding))}" for finding in findings])
    return "\n\n".join("\n".join(block) for block in blocks if block) + "\n"


def _markdown(resolved: Resolved, budget: Budget) -> Iterator[list[str]]:
    """Yield the lines of each block; a table without rows has none."""
    yield [f"## {resolved.config_list.kind.capitalize()} of {markdown_text(resolved.inventory.model or 'a model')}"]
    sub_configs = list(sub_config_rows(resolved, budget))
    yield markdown_table(
        ("sub-config", "gets", "selector", "decides", "selects", "weights", "masked"),
        [
            (
                row.label,
                row.gets,
                markdown_text(row.selector),
                *map(number_cell, (row.decided, row.selected, row.numel, row.masked)),
            )
            for row in sub_configs
        ],
    )
    yield markdown_table(
        ("layers", "number", "type", "weight", "gets", "by"),
        [
            (
                markdown_code(group.written),
                f"{group.count:,}",
                markdown_text(facts.type),
                facts.weight_words,
                sub_configs[facts.decided_by].gets,
                sub_configs[facts.decided_by].label,
            )
            for group, facts in layer_groups(resolved).written()
        ],
    )
    yield [f"- {label}: {markdown_text(words)}" for label, words in totals(resolved, budget)]


def markdown_table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """Return the lines of a table of cells that are Markdown; one without rows has none."""
    lines = [f"| {' | '.join(row)} |" for row in (header, *rows)]
    return [lines[0], f"|{' --- |' * len(header)}", *lines[1:]] if rows else []


_MARKUP = re.compile(r"[\\`*_\[\]<>|~&#]")


def markdown_text(text: str) -> str:
    """Return text with what Markdown would read as markup escaped."""
    return _MARKUP.sub(r"\\\g<0>", printable(text))


def markdown_code(text: str) -> str:
    """Return a name as code; one with backticks is put between longer runs of them."""
    shown = printable(text).replace("|", "\\|")
    longest = max(map(len, re.findall("`+", shown)), default=0)
    fence, space = "`" * (longest + 1), " " * (longest > 0)
    return f"{fence}{space}{shown}{space}{fence}"


# JSON and YAML.


def to_json(data: Mapping[str, Any]) -> str:
    """Return plain data as JSON of readable size: an element of a list takes one line, and so does a scalar."""
    return _json(data, "") + "\n"


def _json(value: object, indent: str) -> str:
    inner = f"\n{indent}  "
    if isinstance(value, Mapping) and _is_deep(value):
        entries = (f"{inner}{json_flow(key)}: {_json(entry, f'{indent}  ')}" for key, entry in value.items())
        return "{" + ",".join(entries) + f"\n{indent}}}"
    if _has_rows(value):
        return "[" + ",".join(f"{inner}{json_flow(row)}" for row in value) + f"\n{indent}]"
    return json_flow(value)


_PLAIN_KEY = re.compile(r"[a-z][a-z0-9_]*")


def to_yaml(data: Mapping[str, Any], indent: str = "") -> str:
    """Return plain data as YAML, which readers of version 1.1 and 1.2 read alike: a list as `to_json` lays it out."""
    lines = []
    for key, value in data.items():
        head = f"{indent}{key if _PLAIN_KEY.fullmatch(key) else yaml_flow(key)}:"
        if isinstance(value, Mapping) and _is_deep(value):
            lines.append(f"{head}\n{to_yaml(value, f'{indent}  ')}")
        elif _has_rows(value):
            lines += [f"{head}\n", *(f"{indent}- {yaml_flow(row)}\n" for row in value)]
        else:
            lines.append(f"{head} {yaml_flow(value)}\n")
    return "".join(lines)


def _is_deep(mapping: Mapping[str, Any]) -> bool:
    """Whether a mapping holds lists or mappings, so that it would not fit on a line."""
    return any(isinstance(value, Mapping | list) for value in mapping.values())


def _has_rows(value: object) -> TypeGuard[list[Any]]:
    """Whether a value is a list of mappings, each of which takes a line."""
    return isinstance(value, list) and bool(value) and isinstance(value[0], Mapping)
