"""Findings as GitHub's workflow commands, which show them beside the line that they speak of."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from compression_config.findings import Finding, Severity
from compression_config.naming.spelling import printable
from compression_config.spans import format_path

__all__ = ["as_github"]

_COMMANDS: Final = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.NOTE: "notice"}


def as_github(findings: Iterable[Finding]) -> str:
    """Return one workflow command a line for each finding; no findings give the empty string.

    Columns are left out where a span goes over several lines: GitHub knows them on one line only.
    """
    return "".join(f"{_command(finding)}\n" for finding in findings)


def _command(finding: Finding) -> str:
    properties: dict[str, object] = {}
    if finding.source is not None:
        properties["file"] = finding.source
    span = finding.span
    if span is not None:
        properties["line"] = span.start.line
        if span.start.line == span.end.line:
            properties |= {"col": span.start.column, "endColumn": max(span.end.column, span.start.column + 1)}
        else:
            properties["endLine"] = span.end.line
    path = format_path(finding.path)
    properties["title"] = f"{finding.code} at {path}" if path else finding.code
    written = ",".join(f"{key}={_property(str(value))}" for key, value in properties.items())
    message = printable(finding.message) + (f"\nhelp: {printable(finding.hint)}" if finding.hint else "")
    return f"::{_COMMANDS[finding.severity]} {written}::{_data(message)}"


def _data(text: str) -> str:
    """Return `text` with what would end a command escaped."""
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    """Return `text` with what would end a property escaped as well."""
    return _data(text).replace(":", "%3A").replace(",", "%2C")
