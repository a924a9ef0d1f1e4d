"""`export`, `import` and `translate`: documents of other tools on standard output, what they lose on standard error."""

from __future__ import annotations

import argparse
import warnings
from collections.abc import Sequence
from typing import Any, get_args

import yaml

from compression_config.api import export as export_resolution
from compression_config.api import import_list as import_foreign
from compression_config.api import resolve
from compression_config.cli.commands import Command, add_files, add_model, add_policy, resolved
from compression_config.cli.console import Console, Exit
from compression_config.cli.files import check_output, expanded
from compression_config.cli.reporting import add_reporting, report
from compression_config.errors import LossyExport, LossyExportWarning, UsageError
from compression_config.findings import Finding, has_errors
from compression_config.interop import Import, Names, OnLoss, tolerated, without_settled
from compression_config.interop.importing import TRANSFORMERS
from compression_config.inventory import Inventory
from compression_config.resolution import CompressionResolution, Resolution
from compression_config.writing import write_whole

__all__ = ["EXPORT", "IMPORT", "TRANSLATE"]


# export


def _add_export(command: argparse.ArgumentParser) -> None:
    add_files(command)
    add_model(command)
    _add_target(command)
    add_policy(command)
    add_reporting(command)


def _add_target(command: argparse.ArgumentParser) -> None:
    command.add_argument("--to", required=True, metavar="ENGINE", help="the engine to write for")
    command.add_argument(
        "--option",
        action="append",
        default=[],
        type=_option,
        metavar="K=V",
        help="an option of the engine, as in group_size=128; may be given more than once",
    )
    command.add_argument("--serve", metavar="RUNTIME", help="check what a runtime can serve, as in vllm")
    command.add_argument("--allocate", action="store_true", help="divide the budget of each group among its layers")
    command.add_argument("--names", choices=get_args(Names), default="auto", help="how layers are named")
    command.add_argument("--on-loss", choices=get_args(OnLoss), default="error", help="what becomes of errors")
    command.add_argument("--output", "-o", metavar="OUT", help="a file ending in .json, .yaml or .yml to write to")


def _option(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals or not name:
        raise argparse.ArgumentTypeError("write K=V, as in group_size=128")
    return name.replace("-", "_"), value


def _export(arguments: argparse.Namespace, console: Console) -> Exit:
    """Write what the files that arguments name make of the model as the document of an engine."""
    _check_output(arguments, expanded(arguments.files))
    whole, _ = resolved(arguments, "error")
    unmatched = list(whole.unmatched)
    if has_errors(unmatched):
        report(unmatched, arguments, console, whole.inventory.model)
        return Exit.FINDINGS
    return _written_for(whole, arguments, console, unmatched)


def _written_for(
    whole: Resolution[Any] | CompressionResolution,
    arguments: argparse.Namespace,
    console: Console,
    before: list[Finding],
) -> Exit:
    """Write a resolution as the document of an engine, and `before` with what is lost; nothing where it is refused."""
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
                **_options(arguments),
            )
    except LossyExport as error:
        report([*before, *error.findings], arguments, console, whole.inventory.model)
        return Exit.FINDINGS
    if arguments.output is None:
        console.answer(exported.to_yaml())
    else:
        exported.save(arguments.output)
        console.talk(f"wrote {arguments.output}: {arguments.to}")
    findings = [*before, *exported.findings]
    report(findings, arguments, console, whole.inventory.model)
    return Exit.FINDINGS if has_errors(findings) else Exit.OK


def _options(arguments: argparse.Namespace) -> dict[str, object]:
    return {name: _value(value) for name, value in arguments.option}


def _value(text: str) -> object:
    """Return the value of an option, which is written as in YAML."""
    try:
        return yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise UsageError(f"the value of an option is YAML, not {text!r}") from error


def _check_output(arguments: argparse.Namespace, inputs: Sequence[str]) -> None:
    """Refuse an output that would overwrite what is read."""
    if arguments.output is not None:
        check_output(arguments.output, filter(None, (*inputs, arguments.model)))


EXPORT = Command(
    "Write what every layer of a model gets as the document of an engine, such as\n"
    "llm-compressor or torchao. What the document cannot say is a finding; where a\n"
    "layer would get something else than asked, it is an error.",
    (
        "prune.yaml -m net.json --to llm-compressor",
        "q.yaml -m net.json --to modelopt -o q.json",
        "q.yaml -m m.json --to torchao --option group_size=32",
    ),
    _add_export,
    _export,
)


# import


def _add_document(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "document", metavar="DOCUMENT", help="a YAML or JSON file, or hf:DIRECTORY, a checkpoint with a config.json"
    )
    command.add_argument("--from", dest="dialect", metavar="DIALECT", help="whose it is; without it its keys tell")
    add_model(command, required=False, configured=False)


def _add_import(command: argparse.ArgumentParser) -> None:
    _add_document(command)
    command.add_argument("--output", "-o", metavar="OUT", help="a file to write the config list to")
    add_reporting(command)


def _import(arguments: argparse.Namespace, console: Console) -> Exit:
    """Write the document of another tool as a config list."""
    found, inventory = _imported(arguments)
    text = yaml.safe_dump(found.to_data(), sort_keys=False, allow_unicode=True, default_flow_style=None, width=120)
    if arguments.output is None:
        console.answer(text)
    else:
        write_whole(arguments.output, text.encode())
        console.talk(f"wrote {arguments.output}")
    report(found.findings, arguments, console, None if inventory is None else inventory.model)
    return Exit.FINDINGS if has_errors(found.findings) else Exit.OK


def _imported(arguments: argparse.Namespace) -> tuple[Import, Inventory | None]:
    """Return what a document says, and the model that it is read for: where none is given, that of `hf:DIRECTORY`."""
    _check_output(arguments, [arguments.document])
    model = arguments.model
    if model is None and arguments.document.startswith(TRANSFORMERS):
        model = arguments.document
    inventory = None if model is None else Inventory.from_source(model, device=arguments.device)
    return import_foreign(arguments.document, arguments.dialect, inventory), inventory


IMPORT = Command(
    "Write the document of another tool as a config list that gives each layer of a\n"
    "model the same; without --model, that of hf:DIRECTORY. A list of NNI needs none\n"
    "where its selectors are those of a config list.",
    (
        "hf:checkpoint -o quantize.yaml",
        "recipe.yaml --from llm-compressor -m model.json.gz",
        "nni.json -o prune.yaml",
    ),
    _add_import,
    _import,
)


# translate


def _add_translate(command: argparse.ArgumentParser) -> None:
    _add_document(command)
    _add_target(command)
    add_reporting(command)


def _translate(arguments: argparse.Namespace, console: Console) -> Exit:
    """Write the document of one tool as that of another."""
    found, inventory = _imported(arguments)
    if inventory is None:
        raise UsageError("a document names layers of a model: write --model")
    losses = without_settled(found.findings, arguments.to, _options(arguments))
    if arguments.on_loss != "error":
        losses = list(tolerated(losses, arguments.on_loss))
    if has_errors(losses):
        report(losses, arguments, console, inventory.model)
        return Exit.FINDINGS
    return _written_for(resolve(found.config_list, inventory), arguments, console, losses)


TRANSLATE = Command(
    "Write the document of one tool as that of another, for one model: import and\nexport in a row.",
    ("recipe.yaml -m net.json --to torchao",),
    _add_translate,
    _translate,
)
