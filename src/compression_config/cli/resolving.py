"""`resolve` and `explain`: what a config list makes of a model."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import PurePath
from typing import Any

from compression_config.cli.arguments import FORMATS
from compression_config.cli.console import Console, Exit
from compression_config.cli.files import expanded, load_joined, policy_options
from compression_config.cli.models import load_model
from compression_config.configs.config_list import ConfigList
from compression_config.errors import UnknownLayer, UsageError
from compression_config.findings import has_errors
from compression_config.naming.spelling import listed
from compression_config.reports.data import to_json, to_yaml
from compression_config.reports.explanation_text import explanation_lines
from compression_config.reports.findings_text import as_text
from compression_config.reports.lines import EMPTY, Line, plain_text
from compression_config.reports.resolution_text import resolution_lines
from compression_config.reports.tabular import as_csv, as_markdown
from compression_config.resolution import CompressionResolution, Resolution, Unmatched
from compression_config.resolving import Resolved

__all__ = ["Answer", "answered", "explain", "resolve"]


@dataclass(frozen=True, slots=True)
class Answer:
    """What there is to show: one resolution, or two for a two-part document."""

    parts: tuple[tuple[Resolved, Resolution[Any]], ...]
    whole: Resolution[Any] | CompressionResolution


def answered(arguments: argparse.Namespace, unmatched: Unmatched) -> Answer:
    """Return what the files that arguments name make of the model that they name."""
    config = load_joined(expanded(arguments.files), **policy_options(arguments))
    inventory = load_model(arguments.model)
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
