"""Reports for programs: findings as JSON, and any versioned plain data as JSON or YAML, one thing a line."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from compression_config.findings import Finding, count_by_severity
from compression_config.serialization import FORMAT_VERSION, finding_to_dict

__all__ = ["as_json", "findings_to_dict", "to_json", "to_yaml"]


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
