"""Resolutions for other programs: a table with a row for each layer as CSV, and a grouped one as Markdown."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from compression_config.budget import Budget
from compression_config.findings import Finding, count_by_severity
from compression_config.reports.findings import counted
from compression_config.reports.resolution import layer_groups, sub_config_rows, type_words, untouched
from compression_config.resolving.resolved import Resolved
from compression_config.serialization import FORMAT_VERSION, finding_to_dict

__all__ = ["as_csv", "as_json", "as_markdown", "findings_to_dict", "to_json", "to_yaml"]


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
                    row.decided,
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


def as_json(findings: Iterable[Finding], **facts: object) -> str:
    """Return findings as a JSON document; `facts` go in front of them. Its shape is in docs/cli.md."""
    return to_json(findings_to_dict(findings, **facts))


def findings_to_dict(findings: Iterable[Finding], **facts: object) -> dict[str, Any]:
    """Return findings as versioned plain data: `facts`, the number of each severity, and the findings in order."""
    found = tuple(findings)
    return {
        "format": "compression-config-findings",
        "version": FORMAT_VERSION,
        **facts,
        "counts": {severity.value: number for severity, number in count_by_severity(found).items()},
        "findings": [finding_to_dict(finding) for finding in found],
    }


def to_json(data: Mapping[str, Any]) -> str:
    """Return plain data as JSON of readable size: an element of a list takes one line, and so does a scalar."""
    return "\n".join(_json_block(data, "")) + "\n"


def _json_block(data: Mapping[str, Any], indent: str) -> Iterator[str]:
    yield "{"
    inner = indent + "  "
    last = len(data) - 1
    for number, (key, value) in enumerate(data.items()):
        comma = "," if number < last else ""
        head = f"{inner}{json.dumps(key)}: "
        if isinstance(value, Mapping) and _is_deep(value):
            first, *more = _json_block(value, inner)
            yield head + first
            yield from more[:-1]
            yield more[-1] + comma
        elif isinstance(value, list) and value and isinstance(value[0], Mapping):
            yield head + "["
            yield from _elements(value, f"{inner}  ", _json_flow)
            yield f"{inner}]{comma}"
        else:
            yield f"{head}{_json_flow(value)}{comma}"
    yield indent + "}"


def _elements(values: list[Any], indent: str, flow: Callable[[object], str]) -> Iterator[str]:
    last = len(values) - 1
    return (f"{indent}{flow(value)}{',' if number < last else ''}" for number, value in enumerate(values))


def _is_deep(mapping: Mapping[str, Any]) -> bool:
    """Whether a mapping holds lists or mappings, so that it would not fit on a line."""
    return any(isinstance(value, Mapping | list) for value in mapping.values())


def _json_flow(value: object) -> str:
    return json.dumps(value)


def to_yaml(data: Mapping[str, Any]) -> str:
    """Return plain data as YAML: an element of a list takes one line, in the style of JSON."""
    return "\n".join(_yaml_block(data, "")) + "\n"


def _yaml_block(data: Mapping[str, Any], indent: str) -> Iterator[str]:
    for key, value in data.items():
        head = f"{indent}{_yaml_key(key)}:"
        if isinstance(value, Mapping) and _is_deep(value):
            yield head
            yield from _yaml_block(value, indent + "  ")
        elif isinstance(value, list) and value and isinstance(value[0], Mapping):
            yield head
            yield from (f"{indent}- {_yaml_flow(element)}" for element in value)
        else:
            yield f"{head} {_yaml_flow(value)}"


def _yaml_key(key: str) -> str:
    return key if _PLAIN_KEY.fullmatch(key) else _yaml_flow(key)


def _yaml_flow(value: object) -> str:
    """Return `value` as YAML on one line: as JSON, but for the characters that YAML breaks or refuses."""
    return _NOT_PLAIN.sub(lambda found: f"\\u{ord(found[0]):04x}", json.dumps(value, ensure_ascii=False))


_PLAIN_KEY = re.compile(r"[a-z][a-z0-9_]*")
_NOT_PLAIN = re.compile("[\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff\ud800-\udfff]")
