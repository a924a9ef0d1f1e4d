"""Findings beside an answer: on standard error, in the form that `--findings` sets; and those that leave no answer."""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Sequence
from typing import Any

from compression_config.cli.console import Console
from compression_config.cli.files import expanded
from compression_config.findings import Finding
from compression_config.reports.findings import finding_lines, tally
from compression_config.reports.layout import line
from compression_config.reports.tables import to_json, to_yaml
from compression_config.reports.writers import FINDING_WRITERS, Checked, checked_to_dict

__all__ = ["add_quiet", "add_reporting", "refuse", "report"]


def add_quiet(command: argparse.ArgumentParser) -> None:
    """Add what leaves out everything but the answer and the findings."""
    command.add_argument(
        "--quiet", "-q", action="store_true", help="write the answer and the findings, and no counts or remarks"
    )
    command.set_defaults(findings="text")


def add_reporting(command: argparse.ArgumentParser) -> None:
    """Add how the findings of a command are written whose `--format` is that of something else."""
    command.add_argument(
        "--findings",
        choices=FINDING_WRITERS,
        help="how findings are written: text (the default), or json or github on standard error",
    )
    add_quiet(command)


def report(
    findings: Iterable[Finding], arguments: argparse.Namespace, console: Console, model: str | None = None
) -> None:
    """Write findings to standard error; a JSON document even without any."""
    found = list(findings)
    if arguments.findings == "text":
        console.report((*finding_lines(found), *(() if arguments.quiet else (line(tally(found)),))) if found else ())
        return
    files = _files(arguments)
    checked = Checked(found, files, {} if model is None else dict.fromkeys(files, model))
    console.report(FINDING_WRITERS[arguments.findings](checked, None))
    if found:
        console.talk(tally(found))


def refuse(findings: Sequence[Finding], arguments: argparse.Namespace, console: Console) -> None:
    """Write the findings of files that have no answer; in place of one in JSON or YAML as a document too."""
    formats = {"json": to_json, "yaml": to_yaml}
    to_text = formats.get(getattr(arguments, "format", None) or "")
    if to_text is not None and getattr(arguments, "output", None) is None:
        console.answer(to_text(checked_to_dict(Checked(findings, _files(arguments), {}))))
    report(findings, arguments, console)


def _files(arguments: argparse.Namespace) -> list[str]:
    """Return the files that arguments name, whatever the command calls them."""
    given: dict[str, Any] = vars(arguments)
    named = [given[name] for name in ("old", "new", "document") if name in given]
    return expanded(given["files"]) if "files" in given else named
