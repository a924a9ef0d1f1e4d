"""The commands: what each takes, and what it does with that. A command is a `Command` here and a row in `main`."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import PurePath
from typing import Any, NamedTuple, cast, get_args

from compression_config.api import answer, check_file, compare
from compression_config.api import verify as verify_weights
from compression_config.cli.console import Console, Exit
from compression_config.cli.files import (
    check_no_layers,
    check_output,
    expanded,
    joined_findings,
    load_alike,
    load_joined,
    policy_options,
    standard_input_of,
)
from compression_config.cli.fixing import add_fix_options, fixed_findings
from compression_config.cli.layers import Named, layers_named
from compression_config.cli.project import Models
from compression_config.cli.reporting import add_quiet, add_reporting, report
from compression_config.cli.standard_input import add_standard_input
from compression_config.configs.config_list import ConfigList
from compression_config.configs.json_schema import json_schema
from compression_config.configs.sub_config import Kind
from compression_config.errors import UsageError
from compression_config.findings import Finding, Severity, SeverityLevel, has_errors
from compression_config.inventory import Inventory
from compression_config.inventory.sources import MODEL_FORMS, Device
from compression_config.loading import holds_config_list, is_known_in_part
from compression_config.lockfile import read_saved
from compression_config.reports.findings import finding_lines
from compression_config.reports.layout import EMPTY, Line, Style, line, paragraph, plain_text
from compression_config.reports.resolution import explanation_lines
from compression_config.reports.writers import (
    COMPARISON_WRITERS,
    FINDING_WRITERS,
    RESOLUTION_WRITERS,
    VERIFICATION_WRITERS,
    Answer,
    Answered,
    Checked,
    inventory_lines,
    resolution_as_grid,
)
from compression_config.resolution import CompressionResolution, Resolution, Unmatched
from compression_config.text import SHOWN, joined, layers_words, listed
from compression_config.verification import Tolerance
from compression_config.writing import write_whole

__all__ = [
    "DIFF",
    "EXPLAIN",
    "INVENTORY",
    "RESOLVE",
    "SCHEMA",
    "VALIDATE",
    "VERIFY",
    "Command",
    "add_files",
    "add_model",
    "add_policy",
    "resolved",
]


class Command(NamedTuple):
    """What the program does with the arguments after the name of a command."""

    description: str
    """Lines for the help, as they are shown."""
    examples: tuple[str, ...]
    """Arguments that show how it is used, the plainest first; what they write to comes last, after `>`."""
    add_arguments: Callable[[argparse.ArgumentParser], None]
    run: Callable[[argparse.Namespace, Console], Exit]


# Arguments of several commands.


_LISTS = "config lists in YAML, JSON or Python (train.py::NAME), a base and what overwrites it"


def add_files(command: argparse.ArgumentParser, what: str = _LISTS) -> None:
    """Add the config lists that a command reads."""
    command.add_argument("files", nargs="+", metavar="FILE", help=f"{what}; '-' is standard input")
    add_standard_input(command)


_MODEL = f"{MODEL_FORMS} with a transformers config.json"


def add_model(command: argparse.ArgumentParser, *, required: bool = True, configured: bool = True) -> None:
    """Add the model that they are for, which may be `configured` in pyproject.toml."""
    more = "; without it what pyproject.toml sets" if configured else ""
    command.add_argument("--model", "-m", metavar="M", help=_MODEL + more)
    command.set_defaults(one_model=required)
    _add_device(command)


def _add_device(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--device",
        choices=get_args(Device),
        default="meta",
        help="where a model is made: on torch's meta device without weights (the default), or as its code makes it",
    )


def _add_kind(command: argparse.ArgumentParser) -> None:
    command.add_argument("--kind", choices=get_args(Kind), help="the kind of the lists; without it their keys tell")


def add_policy(command: argparse.ArgumentParser) -> None:
    """Add the kind of the lists, and what severities findings have."""
    _add_kind(command)
    strict = argparse.BooleanOptionalAction
    command.add_argument("--strict", action=strict, help="turn every warning into an error, or not")
    command.add_argument(
        "--severity",
        action="append",
        default=[],
        type=_severity,
        metavar="CODE=LEVEL",
        help="set what a finding is: error, warning, note or ignore; may be given more than once",
    )
    command.add_argument("--isolated", action="store_true", help="read no options from pyproject.toml")


def _add_unmatched(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--unmatched",
        choices=get_args(Unmatched),
        default="error",
        help="what becomes of errors about selectors without layers",
    )


def _severity(text: str) -> tuple[str, str]:
    code, equals, level = text.partition("=")
    if not equals or level not in get_args(SeverityLevel):
        raise argparse.ArgumentTypeError(f"write CODE=LEVEL, where LEVEL is {joined(get_args(SeverityLevel), 'or')}")
    return code, level


# validate


def _add_validate(command: argparse.ArgumentParser) -> None:
    add_files(command, "files in YAML, JSON or Python, directories, or patterns as in 'configs/**/*.yaml'")
    add_model(command, required=False)
    _add_unmatched(command)
    add_policy(command)
    command.add_argument("--format", choices=FINDING_WRITERS, default="text", help="how findings are written")
    add_quiet(command)
    together = command.add_mutually_exclusive_group()
    together.add_argument(
        "--join", action="store_true", help="the files are one list: a base, and what overwrites it, in this order"
    )
    together.add_argument(
        "--discover",
        action="store_true",
        help="take each file as found in a directory: pass over what holds no config list, and other dialects",
    )
    add_fix_options(command)


def _validate(arguments: argparse.Namespace, console: Console) -> Exit:
    """Check each file by itself, or the list that they make, and say how many findings there are in all."""
    paths = list(dict.fromkeys(expanded(arguments.files)))
    named = set(expanded(arguments.files, directories=False))
    if arguments.discover:
        named, paths = set(), [path for path in paths if standard_input_of(path, arguments) or holds_config_list(path)]
    models = Models(arguments)
    options = {**policy_options(arguments), "unmatched": arguments.unmatched}

    def check(path: str, text: str | None = None) -> Sequence[Finding]:
        if standard_input_of(path, arguments) is not None:
            return joined_findings([path], models.of(path), arguments)
        return check_file(path, models.of(path), discovered=path not in named, text=text, **options)

    if arguments.join:
        paths = expanded(arguments.files)
    inventories = dict.fromkeys(paths, models.of_all(paths)) if arguments.join else {p: models.of(p) for p in paths}
    findings = fixed_findings(paths, check, arguments, console)
    if findings is None:
        joined = joined_findings(paths, models.of_all(paths), arguments) if arguments.join else None
        findings = [finding for path in paths for finding in check(path)] if joined is None else list(joined)
    names = {path: inventory.model for path, inventory in inventories.items() if inventory is not None}
    checked = Checked(findings, paths, names, joined=arguments.join)
    if arguments.diff:
        console.talk(checked.summary)
        return Exit.FINDINGS if has_errors(findings) else Exit.OK
    if arguments.format == "text" and arguments.quiet:
        console.answer(tuple(finding_lines(findings, console.width)))
    else:
        console.answer(FINDING_WRITERS[arguments.format](checked, console.width))
    if arguments.format == "github":
        console.talk(checked.summary)
    if not console.quiet and (partly := [path for path in names if is_known_in_part(path)]):
        known = "config lists with values that are known only when the script runs; of these only selectors are checked"
        console.talk(f"{listed(partly, most=SHOWN)}: {known} against the model")
    return Exit.FINDINGS if has_errors(findings) else Exit.OK


VALIDATE = Command(
    "Check config lists, each file by itself, or with --join the list that they\n"
    "make. With a model, check too what their selectors find in it, what the lists\n"
    "do to it, and whether their budgets can be met.",
    (
        "prune.yaml",
        "'lists/**/*.yaml' train.py -m net.json",
        "--join base.yaml over.yaml -m net.json",
        "configs --strict --severity legacy-key=ignore",
        "- --stdin-name prune.json --quiet",
    ),
    _add_validate,
    _validate,
)


# resolve


def _add_resolve(command: argparse.ArgumentParser) -> None:
    add_files(command)
    add_model(command)
    command.add_argument("--format", choices=RESOLUTION_WRITERS, help="how the answer is written; without it OUT tells")
    command.add_argument(
        "--grid", action="store_true", help="draw a row for each role in a block, a column for each block"
    )
    command.add_argument("--output", "-o", metavar="OUT", help="a file to write the answer to")
    _add_unmatched(command)
    add_policy(command)
    add_reporting(command)


def _resolve(arguments: argparse.Namespace, console: Console) -> Exit:
    """Show what every layer gets; where programs read the answer, the findings go to standard error."""
    output = arguments.output
    written = arguments.format or _format_of(output)
    if arguments.grid and written not in ("table", "html"):
        raise UsageError(f"'--grid' is drawn in the formats table and html, not in {written}")
    if output is not None:
        check_output(output, (*expanded(arguments.files), arguments.model))
    whole, parts = resolved(arguments, arguments.unmatched)
    findings = [finding for part in parts for finding in part.findings]
    in_table = output is None and written == "table"
    elsewhere = in_table and arguments.findings != "text"
    shown = [Answer(part.resolved, part.budget, () if elsewhere else part.findings) for part in parts]
    write = resolution_as_grid if arguments.grid and written == "table" else RESOLUTION_WRITERS[written].write
    answered = write(Answered(shown, whole.to_dict), console.width if output is None else None)
    if output is None:
        console.answer(answered)
    else:
        text = answered if isinstance(answered, str) else plain_text(answered)
        write_whole(output, text.encode(errors="replace"))
    if elsewhere or not in_table:
        report(findings, arguments, console, whole.inventory.model)
    if output is not None:
        console.talk(f"wrote {output}")
    return Exit.FINDINGS if has_errors(findings) else Exit.OK


def _format_of(path: str | None) -> str:
    """Return the format that the ending of a file's name stands for."""
    ending = PurePath(path or "").suffix
    formats = {known: name for name, writer in RESOLUTION_WRITERS.items() for known in writer.endings}
    if ending not in formats:
        endings = listed(filter(None, formats), last="or")
        raise UsageError(f"the ending '{ending}' tells no format: write {endings}, or --format")
    return formats[ending]


def resolved(
    arguments: argparse.Namespace, unmatched: Unmatched
) -> tuple[Resolution[Any] | CompressionResolution, list[Resolution[Any]]]:
    """Return what files make of a model, and the resolutions in it: one, or those of the parts that are written."""
    config = load_joined(expanded(arguments.files), arguments)
    whole = answer(config, Inventory.from_source(arguments.model, device=arguments.device), unmatched)
    if isinstance(whole, Resolution):
        return whole, [whole]
    written = [config] if isinstance(config, ConfigList) else config.parts
    kinds = [part.kind for part in written]
    return whole, [part for part in (whole.pruning, whole.quantization) if part.kind in kinds]


RESOLVE = Command(
    "Show what every layer of a model gets, and which sub-config decides it.\n"
    "Several files are one list in their order: the sub-configs of later files\n"
    "overwrite those of earlier ones.",
    (
        "prune.yaml -m model.json.gz",
        "prune.yaml -m model.json.gz --grid",
        "base.yaml over.yaml -m models:build -o answer.md",
        "prune.yaml -m model.json.gz -o prune.lock.json",
    ),
    _add_resolve,
    _resolve,
)


# explain


def _add_explain(command: argparse.ArgumentParser) -> None:
    add_files(command)
    command.add_argument("layer", metavar="LAYER", help="a name of a layer, a part of names, or a pattern as in '*.fc'")
    command.add_argument(
        "--layer",
        "-l",
        action="append",
        default=[],
        dest="layers",
        metavar="L",
        help="one more; may be given more than once",
    )
    add_model(command)
    add_policy(command)
    add_reporting(command)


def _explain(arguments: argparse.Namespace, console: Console) -> Exit:
    """Show what layers get and why."""
    check_no_layers(arguments)
    _, parts = resolved(arguments, "ignore")
    words = dict.fromkeys((arguments.layer, *arguments.layers))
    console.answer(_explanations(parts, [layers_named(word, parts[0].inventory) for word in words], console.width))
    return Exit.OK


def _explanations(parts: Sequence[Resolution[Any]], asked: Sequence[Named], width: int | None) -> Iterator[Line]:
    for number, named in enumerate(asked):
        if number:
            yield EMPTY
        if named.words:
            yield from paragraph(line(named.words, Style.HEADING), width, indent=2)
            if selector := named.selector(parts[0].config_list.provenance.notation((0,))):
                yield from paragraph(
                    line(f"  {selector} selects the same {'layers' if len(named.positions) > 1 else 'layer'}"),
                    width,
                    indent=4,
                )
            yield EMPTY
        for place, part in enumerate(parts):
            if place:
                yield EMPTY
            yield from explanation_lines(part.resolved, part.budget, named.positions, width)


EXPLAIN = Command(
    "Explain what layers get: which sub-config decides, which ones that overwrites,\n"
    "and, where none selects a layer, which ones nearly do. Layers that get the same\n"
    "for the same reasons are told together.",
    (
        "prune.yaml encoder.0.output -m model.json.gz",
        "prune.yaml attention.self -m model.json.gz",
        "a.yaml 'encoder.{0,11}.**' --layer head -m net.json",
    ),
    _add_explain,
    _explain,
)


# diff


def _add_diff(command: argparse.ArgumentParser) -> None:
    saved = "a config list in YAML, JSON or Python, or a resolution saved as JSON"
    command.add_argument("old", metavar="OLD", help=saved)
    command.add_argument("new", metavar="NEW", help="likewise; one of them may be '-', standard input")
    add_standard_input(command)
    add_model(command, required=False)
    command.add_argument("--model-old", metavar="M", help="the model of OLD, where it is another one")
    command.add_argument("--model-new", metavar="M", help="the model of NEW, where it is another one")
    command.add_argument("--exit-code", action="store_true", help="exit with 3 when the answers differ")
    command.add_argument("--format", choices=COMPARISON_WRITERS, default="text", help="how the answer is written")
    add_policy(command)
    add_reporting(command)


def _diff(arguments: argparse.Namespace, console: Console) -> Exit:
    """Show what changes from one answer to another; the errors that count are those of the new one."""
    saved = [_saved(path, arguments) for path in (arguments.old, arguments.new)]
    paths = [path for path, data in zip((arguments.old, arguments.new), saved, strict=True) if data is None]
    configs = iter(load_alike(paths, arguments))
    of_project = arguments.project.model_of
    models = [
        arguments.model_old or arguments.model or of_project(arguments.old),
        arguments.model_new or arguments.model or of_project(arguments.new),
    ]
    sides: list[Any] = []
    inventories: dict[str, Inventory] = {}
    for path, data, model in zip((arguments.old, arguments.new), saved, models, strict=True):
        if data is not None:
            sides.append(path if standard_input_of(path, arguments) is None else data)
        elif model is None:
            raise UsageError(f"a model is needed to resolve '{path}': write --model M")
        else:
            if model not in inventories:
                inventories[model] = Inventory.from_source(model, device=arguments.device)
            sides.append(answer(next(configs), inventories[model], "error"))
    comparison = compare(*sides)
    console.answer(COMPARISON_WRITERS[arguments.format](comparison.parts, console.width))
    new = None if saved[1] is not None else sides[1]
    findings = () if new is None else new.findings
    errors = [finding for finding in findings if finding.severity is Severity.ERROR]
    report(errors, arguments, console, None if new is None else new.inventory.model)
    if errors:
        return Exit.FINDINGS
    return Exit.DIFFERENT if arguments.exit_code and not comparison.equal else Exit.OK


def _saved(path: str, arguments: argparse.Namespace) -> Mapping[str, Any] | None:
    given = standard_input_of(path, arguments)
    return read_saved(path) if given is None else given.saved()


DIFF = Command(
    "Show what a change of a config list changes on a model: which layers get\n"
    "something else, because of which sub-configs, and what that does to the budget.\n"
    "A resolution saved by 'resolve --format json' may take the place of a list: a\n"
    "lock file.",
    (
        "old.yaml prune.yaml -m model.json.gz",
        "lock.json prune.yaml -m net.json --exit-code",
        "- a.yaml -m net.json --format markdown > comment.md",
    ),
    _add_diff,
    _diff,
)


# verify


def _add_verify(command: argparse.ArgumentParser) -> None:
    add_files(command)
    command.add_argument("checkpoint", metavar="CHECKPOINT", help="a safetensors file, or a directory of them")
    add_model(command)
    command.add_argument(
        "--tolerance",
        default="element",
        metavar="T",
        help="by how much counts may be off: exact, element (the default), channel, or a share as in 0.01",
    )
    command.add_argument("--format", choices=VERIFICATION_WRITERS, default="text", help="how the answer is written")
    add_policy(command)
    add_reporting(command)


def _verify(arguments: argparse.Namespace, console: Console) -> Exit:
    """Compare a checkpoint with what a config list asks for, and show what was found."""
    whole, parts = resolved(arguments, "error")
    verification = verify_weights(whole, arguments.checkpoint, tolerance=_tolerance(arguments.tolerance))
    findings = [finding for part in parts for finding in part.unmatched] + list(verification.findings)
    elsewhere = arguments.findings != "text"
    shown = None if elsewhere and arguments.format == "text" else findings
    console.answer(VERIFICATION_WRITERS[arguments.format](verification, shown, console.width))
    if elsewhere:
        report(findings, arguments, console, whole.inventory.model)
    return Exit.FINDINGS if has_errors(findings) else Exit.OK


def _tolerance(text: str) -> Tolerance:
    """Return what `--tolerance` says: a share where it is a number; `verify` refuses a word that it does not know."""
    try:
        return float(text)
    except ValueError:
        return cast("Tolerance", text)


VERIFY = Command(
    "Check whether the weights of a compressed model are what its config list asks\n"
    "for: how many elements are zero in each layer and each group, and for how many\n"
    "values quantized weights have room.",
    (
        "prune.yaml pruned.safetensors -m model.json.gz",
        "prune.yaml checkpoint -m net.json --tolerance 0.01",
    ),
    _add_verify,
    _verify,
)


# inventory


def _add_inventory(command: argparse.ArgumentParser) -> None:
    command.add_argument("model", metavar="M", help=_MODEL)
    _add_device(command)
    command.add_argument("--output", "-o", metavar="OUT", help="a file ending in .json, .yaml, or these and .gz")
    add_quiet(command)


def _inventory(arguments: argparse.Namespace, console: Console) -> Exit:
    """Write the inventory of a model to a file, or show its names and types."""
    if arguments.output is not None:
        check_output(arguments.output, [arguments.model])
    layers = Inventory.from_source(arguments.model, device=arguments.device)
    if arguments.output is None:
        console.answer(inventory_lines(layers, console.width))
        return Exit.OK
    layers.save(arguments.output)
    weights = sum(bool(layers.has_weight(position)) for position in range(len(layers)))
    with_weight = f", {weights:,} of them with a weight" if weights else ""
    size = f"{layers_words(len(layers))}{with_weight}"
    console.talk(f"wrote {arguments.output}: {layers.model or 'a model'} with {size}")
    return Exit.OK


INVENTORY = Command(
    "Show the names and types of the layers of a model; with -o write them down,\n"
    "without weights: the other commands read that in place of the model, on\n"
    "machines without torch.",
    (
        "mypackage.models:build",
        "hf:checkpoint -o model.json.gz",
        "train.py:build --device cpu -o model.json.gz",
    ),
    _add_inventory,
    _inventory,
)


# schema


def _schema(arguments: argparse.Namespace, console: Console) -> Exit:
    """Print a JSON Schema."""
    console.answer(json.dumps(json_schema(arguments.kind), indent=2) + "\n")
    return Exit.OK


SCHEMA = Command(
    "Print the JSON Schema of config lists, with which editors complete and check\n"
    "them; without --kind, that of every document.",
    ("--kind pruning > pruning.schema.json",),
    _add_kind,
    _schema,
)
