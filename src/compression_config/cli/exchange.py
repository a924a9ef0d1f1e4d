"""`export`, `import` and `translate`: documents of other tools on standard output, what they lose on standard error."""

from __future__ import annotations

import argparse
import warnings
from pathlib import Path
from typing import Any

import yaml

from compression_config.api import export as export_resolution
from compression_config.api import import_list as import_foreign
from compression_config.api import resolve
from compression_config.cli.commands import answered
from compression_config.cli.main import Console, Exit
from compression_config.errors import LossyExport, LossyExportWarning, UsageError
from compression_config.findings import Finding, has_errors
from compression_config.interop import Import
from compression_config.interop.importing import TRANSFORMERS
from compression_config.inventory import Inventory
from compression_config.inventory.sources import load_model
from compression_config.reports.findings import as_text
from compression_config.resolution import CompressionResolution, Resolution

__all__ = ["export", "import_list", "translate"]


def export(arguments: argparse.Namespace, console: Console) -> Exit:
    """Write what the files that arguments name make of the model as the document of an engine."""
    whole = answered(arguments, "error").whole
    unmatched = list(whole.unmatched)
    if has_errors(unmatched):
        console.talk(as_text(unmatched))
        return Exit.FINDINGS
    return _export(whole, arguments, console, unmatched)


def import_list(arguments: argparse.Namespace, console: Console) -> Exit:
    """Write the document of another tool as a config list."""
    found, _ = _imported(arguments)
    text = yaml.safe_dump(found.to_data(), sort_keys=False, allow_unicode=True, default_flow_style=None, width=120)
    _write(text, arguments, console)
    console.talk(as_text(found.findings))
    return Exit.FINDINGS if has_errors(found.findings) else Exit.OK


def translate(arguments: argparse.Namespace, console: Console) -> Exit:
    """Write the document of one tool as that of another."""
    found, inventory = _imported(arguments)
    return _export(resolve(found.config_list, inventory), arguments, console, list(found.findings))


def _imported(arguments: argparse.Namespace) -> tuple[Import, Inventory]:
    model = arguments.model
    if model is None:
        if not arguments.document.startswith(TRANSFORMERS):
            raise UsageError("a document may have patterns, which only a model resolves: write --model")
        model = arguments.document
    inventory = load_model(model)
    return import_foreign(arguments.document, arguments.dialect, inventory), inventory


def _export(
    whole: Resolution[Any] | CompressionResolution,
    arguments: argparse.Namespace,
    console: Console,
    before: list[Finding],
) -> Exit:
    """Write a resolution as the document of an engine, and `before` with what is lost; nothing where it is refused."""
    options = {name: _value(value) for name, value in arguments.option}
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", LossyExportWarning)  # its findings are shown
            exported = export_resolution(
                whole,
                arguments.to,
                on_loss=arguments.on_loss,
                allocate=arguments.allocate,
                names=arguments.names,
                serve=arguments.serve,
                **options,
            )
    except LossyExport as error:
        console.talk(as_text([*before, *error.findings]))
        return Exit.FINDINGS
    if arguments.output is None:
        console.answer(exported.to_yaml())
    else:
        _refuse_input(arguments)
        exported.save(arguments.output)
        console.talk(f"wrote {arguments.output}: {arguments.to}")
    findings = [*before, *exported.findings]
    console.talk(as_text(findings))
    return Exit.FINDINGS if has_errors(findings) else Exit.OK


def _value(text: str) -> object:
    """Return the value of an option, which is written as in YAML."""
    try:
        return yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise UsageError(f"the value of an option is YAML, not {text!r}") from error


def _write(text: str, arguments: argparse.Namespace, console: Console) -> None:
    if arguments.output is None:
        console.answer(text)
        return
    _refuse_input(arguments)
    console.save(text, arguments.output)
    console.talk(f"wrote {arguments.output}")


def _refuse_input(arguments: argparse.Namespace) -> None:
    """Raise `UsageError` when the output would overwrite what was read."""
    output = Path(arguments.output)
    for path in (*getattr(arguments, "files", ()), getattr(arguments, "document", None), arguments.model):
        if path and output.exists() and Path(path).exists() and output.samefile(path):
            raise UsageError(f"'{output}' is an input: write the output to another file")
