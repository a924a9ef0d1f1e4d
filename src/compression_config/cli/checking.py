"""`validate`: whether anything is wrong with files."""

from __future__ import annotations

import argparse

from compression_config.asking import check
from compression_config.cli.console import Console, Exit
from compression_config.cli.files import expanded, policy_options
from compression_config.cli.models import load_model
from compression_config.findings import Finding, has_errors
from compression_config.inventory import Inventory
from compression_config.reports.data import as_json
from compression_config.reports.findings_text import counted, finding_lines, tally
from compression_config.reports.github import as_github
from compression_config.reports.lines import line

__all__ = ["validate"]


def validate(arguments: argparse.Namespace, console: Console) -> Exit:
    """Check each file by itself, and say how many findings there are in all."""
    paths = list(dict.fromkeys(expanded(arguments.files)))
    inventory = None if arguments.model is None else load_model(arguments.model)
    findings = [finding for path in paths for finding in check(path, inventory, **policy_options(arguments))]
    summary = _summary(paths, inventory, findings)
    if arguments.format == "json":
        console.answer(as_json(findings, files=paths, model=inventory and inventory.model))
    elif arguments.format == "github":
        console.answer(as_github(findings))
        console.talk(summary)
    else:
        console.show([*finding_lines(findings, console.width), line(summary)])
    return Exit.FINDINGS if has_errors(findings) else Exit.OK


def _summary(paths: list[str], inventory: Inventory | None, findings: list[Finding]) -> str:
    against = "" if inventory is None else f" against {inventory.model or 'the model'}"
    return f"checked {counted(len(paths), 'file')}{against}: {tally(findings)}"
