"""`validate`: whether anything is wrong with files."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import PurePath
from typing import Any, cast

from compression_config.api import check
from compression_config.cli.files import expanded, load_joined, policy_options
from compression_config.cli.main import FORMATS, Console, Exit
from compression_config.configs.config_list import ConfigList
from compression_config.configs.json_schema import json_schema
from compression_config.errors import UnknownLayer, UsageError
from compression_config.findings import Finding, has_errors
from compression_config.inventory import Inventory
from compression_config.reports.findings import as_github, as_text, counted, finding_lines, tally
from compression_config.reports.layout import EMPTY, Line, line, plain_text
from compression_config.reports.resolution import explanation_lines, resolution_lines
from compression_config.reports.tables import as_csv, as_json, as_markdown, to_json, to_yaml
from compression_config.reports.verification import verification_lines
from compression_config.resolution import CompressionResolution, Resolution, Unmatched
from compression_config.resolving.resolved import Resolved
from compression_config.serialization import FORMAT_VERSION, finding_to_dict
from compression_config.text import listed
from compression_config.verification import Tolerance
from compression_config.verification import verify as verify_resolved

__all__ = ["Answer", "answered", "explain", "inventory", "resolve", "schema", "validate", "verify"]


def validate(arguments: argparse.Namespace, console: Console) -> Exit:
    """Check each file by itself, and say how many findings there are in all."""
    paths = list(dict.fromkeys(expanded(arguments.files)))
    inventory = None if arguments.model is None else Inventory.from_source(arguments.model, device=arguments.device)
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


@dataclass(frozen=True, slots=True)
class Answer:
    """What there is to show: one resolution, or two for a two-part document."""

    parts: tuple[tuple[Resolved, Resolution[Any]], ...]
    whole: Resolution[Any] | CompressionResolution


def answered(arguments: argparse.Namespace, unmatched: Unmatched) -> Answer:
    """Return what the files that arguments name make of the model that they name."""
    config = load_joined(expanded(arguments.files), **policy_options(arguments))
    inventory = Inventory.from_source(arguments.model, device=arguments.device)
    lists = (config,) if isinstance(config, ConfigList) else (config.pruning, config.quantization)
    written = lists if isinstance(config, ConfigList) else config.parts
    resolved = tuple(Resolved(part, inventory) for part in lists)
    answers = [Resolution[Any](part, unmatched) for part in resolved]
    whole = answers[0] if len(answers) == 1 else CompressionResolution(*answers)
    pairs = zip(resolved, answers, strict=True)
    return Answer(tuple(pair for pair, part in zip(pairs, lists, strict=True) if part in written), whole)


def resolve(arguments: argparse.Namespace, console: Console) -> Exit:
    """Show what every layer gets, with the findings behind it or, where programs read the answer, beside it."""
    written = arguments.format or _format_of(arguments.output)
    answer = answered(arguments, arguments.unmatched)
    findings = [finding for _, part in answer.parts for finding in part.findings]
    if written == "table" and arguments.output is None:
        console.show(_table(answer, console.width))
    else:
        text = plain_text(_table(answer, None)) if written == "table" else _written(answer, written)
        if arguments.output is None:
            console.answer(text)
        else:
            console.save(text, arguments.output)
        console.talk(as_text(findings))
    return Exit.FINDINGS if has_errors(findings) else Exit.OK


def _format_of(path: str | None) -> str:
    """Return the form that the ending of a file's name stands for; none at all stands for a table, as `.txt` does."""
    ending = PurePath(path or "").suffix
    known = {**{known: name for name, known in FORMATS.items()}, ".yml": "yaml", ".txt": "table"}
    if ending not in known:
        endings = listed(filter(None, known), last="or")
        raise UsageError(f"the ending '{ending}' tells no format: write {endings}, or --format")
    return known[ending]


def _table(answer: Answer, width: int | None) -> Iterator[Line]:
    for number, (resolved, part) in enumerate(answer.parts):
        if number:
            yield EMPTY
        yield from resolution_lines(resolved, part.budget, part.findings, width)


def _written(answer: Answer, form: str) -> str:
    if form == "markdown":
        return "\n".join(as_markdown(resolved, part.budget, part.findings) for resolved, part in answer.parts)
    if form == "csv":
        return as_csv([part.to_dict() for _, part in answer.parts])
    return (to_json if form == "json" else to_yaml)(answer.whole.to_dict())


def explain(arguments: argparse.Namespace, console: Console) -> Exit:
    """Say what one layer gets and why."""
    answer = answered(arguments, "ignore")
    console.show(_explanations(answer, arguments.layer, console.width))
    return Exit.OK


def _explanations(answer: Answer, name: str, width: int | None) -> Iterator[Line]:
    for number, (resolved, part) in enumerate(answer.parts):
        position = resolved.inventory.position(name)
        if position is None:
            raise UnknownLayer(name, resolved.inventory.nearest(name))
        if number:
            yield EMPTY
        yield from explanation_lines(resolved, part.budget, position, width)


def inventory(arguments: argparse.Namespace, console: Console) -> Exit:
    """Write the inventory of a model to a file."""
    layers = Inventory.from_source(arguments.model, device=arguments.device)
    layers.save(arguments.output)
    weights = sum(bool(layers.has_weight(position)) for position in range(len(layers)))
    with_weight = f", {weights:,} of them with a weight" if weights else ""
    size = f"{counted(len(layers), 'layer')}{with_weight}"
    console.talk(f"wrote {arguments.output}: {layers.model or 'a model'} with {size}")
    return Exit.OK


def schema(arguments: argparse.Namespace, console: Console) -> Exit:
    """Print a JSON Schema."""
    console.answer(json.dumps(json_schema(arguments.kind), indent=2) + "\n")
    return Exit.OK


def verify(arguments: argparse.Namespace, console: Console) -> Exit:
    """Hold a checkpoint against a config list, and show what was found."""
    parts = answered(arguments, "error").parts
    resolved, *beside = (resolved for resolved, _ in parts)
    verification = verify_resolved(
        resolved, arguments.checkpoint, beside=beside[0] if beside else None, tolerance=_tolerance(arguments.tolerance)
    )
    unmatched = [finding for _, part in parts for finding in part.unmatched]
    findings = [*unmatched, *verification.findings]
    if arguments.format == "json":
        rows = {key: rows for key, rows in verification.to_dict().items() if key != "findings"}
        heading = {"format": "compression-config-verification", "version": FORMAT_VERSION}
        console.answer(to_json(heading | rows | {"findings": [finding_to_dict(finding) for finding in findings]}))
    else:
        console.show(verification_lines(verification, findings, console.width))
    return Exit.FINDINGS if has_errors(findings) else Exit.OK


def _tolerance(text: str) -> Tolerance:
    """Return what `--tolerance` says: a share where it is a number; `verify` refuses a word that it does not know."""
    try:
        return float(text)
    except ValueError:
        return cast("Tolerance", text)
