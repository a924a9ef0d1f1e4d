"""Resolutions for other programs: a table with a row for each layer as CSV, and a grouped one as Markdown."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from compression_config.budget import Budget
from compression_config.findings import Finding
from compression_config.reports.findings_text import counted
from compression_config.reports.rows import layer_groups, sub_config_rows, type_words, untouched
from compression_config.resolving import Resolved

__all__ = ["as_csv", "as_markdown"]


def as_csv(answers: Sequence[Mapping[str, Any]]) -> str:
    """Return the layers of answers, each as `Resolution.to_dict()` gives it, as CSV with one header.

    A setting with a value for each quant type takes a column for each, as in `bits.weight`; a value that is
    absent is an empty cell. Lines end with a line feed alone.
    """
    rows = [{"kind": answer["kind"], **_flat(layer)} for answer in answers for layer in answer["layers"]]
    columns = list(dict.fromkeys(key for row in rows for key in row))
    text = io.StringIO()
    writer = csv.DictWriter(text, columns or ["kind", "name"], lineterminator="\n", restval="")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def _flat(layer: Mapping[str, Any]) -> dict[str, Any]:
    """Return a layer as one row: what it gets stands beside what it is."""
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


def as_markdown(resolved: Resolved, budget: Budget, findings: Iterable[Finding]) -> str:
    """Return a resolution as a Markdown document: its sub-configs, its layers grouped, and the findings."""
    return "\n".join(_markdown(resolved, budget, findings)) + "\n"


def _markdown(resolved: Resolved, budget: Budget, findings: Iterable[Finding]) -> Iterator[str]:
    inventory = resolved.inventory
    yield f"## {resolved.config_list.kind.capitalize()} of {_text(inventory.model or 'a model')}"
    sub_configs = list(sub_config_rows(resolved, budget))
    if sub_configs:
        yield ""
        yield from _table(
            ("sub-config", "gets", "selector", "wins", "selects", "weights", "masked"),
            (
                (
                    row.label,
                    row.gets,
                    _text(row.selector),
                    row.won,
                    row.selected,
                    _number(row.numel),
                    _number(row.masked),
                )
                for row in sub_configs
            ),
        )
    layers = list(layer_groups(resolved).written())
    if layers:
        yield ""
        yield from _table(
            ("layers", "number", "type", "weight", "gets", "by"),
            (
                (
                    _code(group.written),
                    group.count,
                    _text(facts.type),
                    facts.weight_words,
                    sub_configs[facts.winner].gets,
                    sub_configs[facts.winner].label,
                )
                for group, facts in layers
            ),
        )
    rest = untouched(resolved)
    if rest.layers:
        types = ", ".join(type_words(counts, 4) for counts in rest if counts.layers)
        yield f"\nUntouched: {counted(rest.layers, 'layer')} ({_text(types)})."
    said = list(findings)
    if said:
        yield ""
        yield from (f"- {_text(str(finding))}" for finding in said)


def _table(header: Sequence[str], rows: Iterable[Sequence[object]]) -> Iterator[str]:
    yield f"| {' | '.join(header)} |"
    yield f"|{' --- |' * len(header)}"
    yield from (f"| {' | '.join(map(str, row))} |" for row in rows)


def _number(number: int | None) -> str:
    return "" if number is None else f"{number:,}"


def _code(text: str) -> str:
    """Return a name as code, in which only the bar between cells is special; and a backtick, which no name has."""
    return f"`{_one_line(text).replace('`', '')}`".replace("|", "\\|")


def _text(text: str) -> str:
    """Return text with what Markdown would read as markup escaped."""
    return "".join(f"\\{letter}" if letter in "\\`*_[]<>|" else letter for letter in _one_line(text))


def _one_line(text: str) -> str:
    return " ".join(text.split())
