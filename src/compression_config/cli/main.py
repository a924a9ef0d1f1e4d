"""What a command says: the answer on standard output, the talk about it on standard error, and its exit code."""

from __future__ import annotations

import argparse
import contextlib
import enum
import os
import shutil
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any, Final, TextIO, get_args

from compression_config import __version__
from compression_config.errors import CompressionConfigError, FindingsError, UsageError
from compression_config.findings import SeverityLevel
from compression_config.reports.findings import as_text
from compression_config.reports.layout import Line, as_rich, plain_text

__all__ = ["FORMATS", "KINDS", "PROGRAM", "UNMATCHED", "Console", "Exit", "main", "parser"]


class Exit(enum.IntEnum):
    """What a caller of the command may rely on; docs/cli.md says it too."""

    OK = 0
    FINDINGS = 1
    """There are findings of severity error."""
    USAGE = 2
    """The command was wrong: its options (argparse's own code), the model, or a place to write to."""
    INTERRUPTED = 130
    """What shells say of a command that was interrupted."""


@dataclass(frozen=True, slots=True)
class Console:
    """Where a command writes to. A reader that goes away early, like `head`, is no error."""

    width: int | None
    """Of the terminal that standard output is, in columns; None when it is none."""
    coloured: bool

    @classmethod
    def of_process(cls) -> Console:
        """Return the console of this process, whose streams from now on take any text on any locale."""
        for stream in (sys.stdout, sys.stderr):
            if hasattr(stream, "reconfigure"):
                stream.reconfigure(encoding="utf-8", errors="replace")
        terminal = sys.stdout is not None and sys.stdout.isatty()
        coloured = terminal and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
        return cls(shutil.get_terminal_size().columns if terminal else None, coloured)

    def show(self, lines: Iterable[Line]) -> None:
        """Write lines as the answer, in colour where that is wanted and possible."""
        self.answer(as_rich(lines) if self.coloured else plain_text(lines))

    def answer(self, text: str) -> None:
        """Write text as the answer."""
        _write(sys.stdout, text)

    def save(self, text: str, path: str) -> None:
        """Write text as the answer to a file. Raises `UsageError` when that cannot be."""
        try:
            Path(path).write_text(text, encoding="utf-8", errors="replace", newline="\n")
        except (OSError, ValueError) as error:
            reason = error.strerror if isinstance(error, OSError) else error
            raise UsageError(f"'{path}' cannot be written: {reason}") from error

    def talk(self, text: str) -> None:
        """Say something about the answer; it ends with a line break."""
        _write(sys.stderr, text if text.endswith("\n") or not text else f"{text}\n")


def _write(stream: TextIO | None, text: str) -> None:
    """Write to a standard stream, which may be closed already or close in the middle."""
    if stream is None:
        return
    try:
        stream.write(text)
        stream.flush()
    except OSError as error:
        # Python flushes once more when it ends: that goes nowhere, and quietly.
        with contextlib.suppress(OSError, ValueError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
        if not isinstance(error, BrokenPipeError):
            raise UsageError(f"standard output cannot be written: {error.strerror}") from error


PROGRAM: Final = "compression-config"
KINDS: Final = ("pruning", "quantization")
UNMATCHED: Final = ("error", "warn", "ignore")

FORMATS: Final = {"table": "", "json": ".json", "yaml": ".yaml", "csv": ".csv", "markdown": ".md"}
"""The forms of a resolution, and the endings of file names that stand for them."""

_MODEL = "an inventory file, package.module:factory, or hf:DIRECTORY with a transformers config.json"


def parser() -> argparse.ArgumentParser:
    """Return the parser; what it returns has the place of the command's function as `run`: "module:function"."""
    program = argparse.ArgumentParser(
        prog=PROGRAM,
        description="Validate, resolve and explain neural-network compression config lists before the job starts.",
        epilog="Exit codes: 0 fine, 1 findings of severity error, 2 the command was wrong.",
    )
    program.add_argument("--version", action="version", version=f"{PROGRAM} {__version__}")
    commands = program.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for add in (_add_validate, _add_resolve, _add_explain, _add_verify, _add_inventory, _add_schema):
        add(commands)
    for add in (_add_export, _add_import, _add_translate):
        add(commands)
    return program


def _add_validate(commands: Any) -> None:  # noqa: ANN401 - argparse keeps the type to itself
    command = commands.add_parser(
        "validate",
        help="check config lists, and with a model what they select in it",
        description="Check config lists, each file by itself. With a model, check too what their selectors find in "
        "it, what the lists do to it, and whether their budgets can be met.",
    )
    _add_files(command, "config lists in YAML or JSON; patterns as in 'configs/**/*.yaml' are expanded")
    _add_model(command, required=False)
    _add_policy(command)
    command.add_argument(
        "--format", choices=("text", "json", "github"), default="text", help="how findings are written"
    )
    command.set_defaults(run="commands:validate")


def _add_resolve(commands: Any) -> None:  # noqa: ANN401
    command = commands.add_parser(
        "resolve",
        help="show what every layer of a model gets",
        description="Show what every layer of a model gets, and which sub-config decides it. Several files are one "
        "list in their order: the sub-configs of later files overwrite those of earlier ones.",
    )
    _add_files(command, "config lists in YAML or JSON: a base, and what overwrites it")
    _add_model(command)
    command.add_argument("--format", choices=tuple(FORMATS), help="how the answer is written; without it OUT tells")
    command.add_argument("--output", "-o", metavar="OUT", help="a file to write the answer to")
    command.add_argument(
        "--unmatched", choices=UNMATCHED, default="error", help="what becomes of errors about selectors without layers"
    )
    _add_policy(command)
    command.set_defaults(run="commands:resolve")


def _add_explain(commands: Any) -> None:  # noqa: ANN401
    command = commands.add_parser(
        "explain",
        help="say what one layer gets, and why",
        description="Say what one layer gets, which sub-config decides it and which ones that overrules.",
    )
    _add_files(command, "config lists in YAML or JSON, as for resolve")
    command.add_argument("layer", metavar="LAYER", help="the name of a layer, or an alias")
    _add_model(command)
    _add_policy(command)
    command.set_defaults(run="commands:explain")


def _add_verify(commands: Any) -> None:  # noqa: ANN401
    command = commands.add_parser(
        "verify",
        help="check a compressed model against its config list",
        description="Check whether the weights of a compressed model are what its config list asks for: how many "
        "elements are zero in each layer and each group, and for how many values quantized weights have room.",
    )
    _add_files(command, "config lists in YAML or JSON, as for resolve")
    command.add_argument("checkpoint", metavar="CHECKPOINT", help="a safetensors file, or a directory of them")
    _add_model(command)
    command.add_argument(
        "--tolerance",
        default="element",
        metavar="T",
        help="by how much counts may be off: exact, element (the default), channel, or a share as in 0.01",
    )
    command.add_argument("--format", choices=("text", "json"), default="text", help="how the answer is written")
    _add_policy(command)
    command.set_defaults(run="commands:verify")


def _add_inventory(commands: Any) -> None:  # noqa: ANN401
    command = commands.add_parser(
        "inventory",
        help="write down the layers of a model",
        description="Write down the layers of a model, without weights: the other commands read that in place of the "
        "model, on machines without torch.",
    )
    command.add_argument("model", metavar="M", help=_MODEL)
    command.add_argument(
        "--output", "-o", metavar="OUT", required=True, help="a file ending in .json, .yaml, or these and .gz"
    )
    command.set_defaults(run="commands:inventory")


def _add_schema(commands: Any) -> None:  # noqa: ANN401
    command = commands.add_parser(
        "schema",
        help="print the JSON Schema of config lists",
        description="Print the JSON Schema of config lists, with which editors complete and check them.",
    )
    command.add_argument("--kind", choices=KINDS, help="of the lists of one kind; without it, of every document")
    command.set_defaults(run="commands:schema")


def _add_export(commands: Any) -> None:  # noqa: ANN401
    command = commands.add_parser(
        "export",
        help="write what every layer gets as the document of an engine",
        description="Write what every layer of a model gets as the document of an engine, such as llm-compressor or "
        "compressed-tensors. What the document cannot say is a finding; where a layer would get something else than "
        "asked, it is an error.",
    )
    _add_files(command, "config lists in YAML or JSON, as for resolve")
    _add_model(command)
    _add_target(command)
    _add_policy(command)
    command.set_defaults(run="exchange:export")


def _add_import(commands: Any) -> None:  # noqa: ANN401
    command = commands.add_parser(
        "import",
        help="write the document of another tool as a config list",
        description="Write the document of another tool as a config list that gives each layer of a model the same.",
    )
    _add_document(command)
    command.set_defaults(run="exchange:import_list")


def _add_translate(commands: Any) -> None:  # noqa: ANN401
    command = commands.add_parser(
        "translate",
        help="write the document of one tool as that of another",
        description="Write the document of one tool as that of another, for one model: import and export in a row.",
    )
    _add_document(command)
    _add_target(command)
    command.set_defaults(run="exchange:translate")


def _add_document(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "document", metavar="DOCUMENT", help="a YAML or JSON file, or hf:DIRECTORY, a checkpoint with a config.json"
    )
    command.add_argument("--from", dest="dialect", metavar="DIALECT", help="whose it is; without it its keys tell")
    command.add_argument("--model", "-m", metavar="M", help=f"{_MODEL}; without it that of hf:DIRECTORY")
    if command.prog.endswith("import"):
        command.add_argument("--output", "-o", metavar="OUT", help="a file to write the config list to")


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
    command.add_argument("--names", choices=("auto", "exact", "patterns"), default="auto", help="how layers are named")
    command.add_argument(
        "--on-loss", choices=("error", "warn", "ignore"), default="error", help="what becomes of errors"
    )
    command.add_argument("--output", "-o", metavar="OUT", help="a file ending in .json, .yaml or .yml to write to")


def _option(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals or not name:
        raise argparse.ArgumentTypeError("write K=V, as in group_size=128")
    return name.replace("-", "_"), value


def _add_files(command: argparse.ArgumentParser, what: str) -> None:
    command.add_argument("files", nargs="+", metavar="FILE", help=what)


def _add_model(command: argparse.ArgumentParser, *, required: bool = True) -> None:
    command.add_argument("--model", "-m", required=required, metavar="M", help=_MODEL)


def _add_policy(command: argparse.ArgumentParser) -> None:
    command.add_argument("--kind", choices=KINDS, help="the kind of the lists; without it their keys tell")
    command.add_argument("--strict", action="store_true", help="turn every warning into an error")
    command.add_argument(
        "--severity",
        action="append",
        default=[],
        type=_severity,
        metavar="CODE=LEVEL",
        help="set what a finding is: error, warning, note or ignore; may be given more than once",
    )


def _severity(text: str) -> tuple[str, str]:
    code, equals, level = text.partition("=")
    if not equals or level not in get_args(SeverityLevel):
        raise argparse.ArgumentTypeError(f"write CODE=LEVEL, where LEVEL is {', '.join(get_args(SeverityLevel))}")
    return code, level


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code; `argv` are the arguments behind the name of the program."""
    console = Console.of_process()
    try:
        arguments = parser().parse_args(argv)
        module, _, function = arguments.run.partition(":")
        run = getattr(import_module(f"compression_config.cli.{module}"), function)
        return int(run(arguments, console))
    except SystemExit as stop:  # argparse has said what it wanted to say
        return stop.code if isinstance(stop.code, int) else Exit.OK
    except FindingsError as error:
        console.talk(as_text(error.findings))
        return Exit.FINDINGS
    except CompressionConfigError as error:
        console.talk(f"{PROGRAM}: error: {error}")
        return Exit.USAGE
    except KeyboardInterrupt:
        console.talk(f"{PROGRAM}: interrupted")
        return Exit.INTERRUPTED
