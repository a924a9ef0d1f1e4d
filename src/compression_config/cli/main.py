"""The program: its table of commands, its parser, and what becomes of an error.

Only the command that is run is imported, with everything that it needs: `--version` and `--help` do without pydantic.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final, NamedTuple, NoReturn

from compression_config import __version__
from compression_config.cli.console import Console, Exit, write
from compression_config.errors import CompressionConfigError, FindingsError
from compression_config.text import printable

if TYPE_CHECKING:
    import compression_config.cli.commands as commands  # noqa: PLR0402 - the package itself imports this module
    import compression_config.cli.exchange as exchange  # noqa: PLR0402
    import compression_config.cli.project as project  # noqa: PLR0402
    import compression_config.cli.reporting as reporting  # noqa: PLR0402
    import compression_config.cli.standard_input as standard_input  # noqa: PLR0402
else:

    class _Lazy:
        """A module, imported when something of it is asked for; a type checker sees the module itself."""

        def __init__(self, name: str) -> None:
            self._name = name

        def __getattr__(self, name: str) -> object:
            return getattr(import_module(self._name), name)

    commands = _Lazy("compression_config.cli.commands")
    exchange = _Lazy("compression_config.cli.exchange")
    project = _Lazy("compression_config.cli.project")
    reporting = _Lazy("compression_config.cli.reporting")
    standard_input = _Lazy("compression_config.cli.standard_input")

__all__ = ["COMMANDS", "PROGRAM", "command_parser", "main", "parser"]


PROGRAM: Final = "compression-config"


class _Row(NamedTuple):
    help: str
    command: Callable[[], commands.Command]
    """Return what it does; not called before the command is run."""


COMMANDS: Final[Mapping[str, _Row]] = {
    "validate": _Row("check config lists, and with a model what they select in it", lambda: commands.VALIDATE),
    "resolve": _Row("show what every layer of a model gets", lambda: commands.RESOLVE),
    "explain": _Row("explain what layers get, and why", lambda: commands.EXPLAIN),
    "diff": _Row("show what a change of a config list changes", lambda: commands.DIFF),
    "verify": _Row("check a compressed model against its config list", lambda: commands.VERIFY),
    "inventory": _Row("show the layers of a model, or write them to a file", lambda: commands.INVENTORY),
    "schema": _Row("print the JSON Schema of config lists", lambda: commands.SCHEMA),
    "export": _Row("write what every layer gets as the document of an engine", lambda: exchange.EXPORT),
    "import": _Row("write the document of another tool as a config list", lambda: exchange.IMPORT),
    "translate": _Row("write the document of one tool as that of another", lambda: exchange.TRANSLATE),
}


class _Parser(argparse.ArgumentParser):
    """A parser that writes as everything else here does: on any locale, to any reader, nothing raw."""

    def _print_message(self, message: str, file: Any = None) -> None:  # noqa: ANN401 - argparse keeps the type to itself
        write(file or sys.stderr, message)

    def error(self, message: str) -> NoReturn:
        """Say what is wrong with the arguments, which a message repeats, and exit."""
        super().error(printable(message))


def _help_formatter(prog: str) -> argparse.HelpFormatter:
    return argparse.RawDescriptionHelpFormatter(prog, max_help_position=28)


def parser() -> argparse.ArgumentParser:
    """Return the parser of what comes before a command; it knows the names of the commands and not their options."""
    program = _Parser(
        prog=PROGRAM,
        formatter_class=_help_formatter,
        description="Validate, resolve and explain neural-network compression config lists\nbefore the job starts.",
        epilog=f"'{PROGRAM} COMMAND --help' shows the options of a command, and examples.\n"
        "Exit codes: 0 fine, 1 findings of severity error, 2 the command was wrong,\n"
        "3 the answers of 'diff --exit-code' differ.",
    )
    program.add_argument("-V", "--version", action="version", version=f"{PROGRAM} {__version__}")
    commands_group = program.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for name, row in COMMANDS.items():
        commands_group.add_parser(name, help=row.help)
    return program


def command_parser(name: str) -> argparse.ArgumentParser:
    """Return the parser of what comes after the name of a command."""
    command = COMMANDS[name].command()
    command_line = _Parser(
        prog=f"{PROGRAM} {name}",
        formatter_class=_help_formatter,
        description=command.description,
        epilog="\n".join(("examples:", *(f"  {PROGRAM} {name} {example}" for example in command.examples))),
    )
    command.add_arguments(command_line)
    return command_line


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code; `argv` are the arguments after the name of the program."""
    console = Console.of_process()
    try:
        return int(_run(sys.argv[1:] if argv is None else list(argv), console))
    except SystemExit as stop:  # argparse has written what there is to say
        return stop.code if isinstance(stop.code, int) else Exit.OK
    except CompressionConfigError as error:
        console.talk(f"{PROGRAM}: error: {error}")
        return Exit.USAGE
    except KeyboardInterrupt:
        console.talk(f"{PROGRAM}: interrupted")
        return Exit.INTERRUPTED


def _run(argv: list[str], console: Console) -> Exit:
    name, *rest = argv or ["--help"]
    if name not in COMMANDS:
        program = parser()
        program.parse_args([name, *rest])
        program.error("the command comes first")
    arguments = command_parser(name).parse_args(rest)
    if "stdin_name" in arguments:
        standard_input.take_standard_input(arguments)
    if "severity" in arguments:
        project.apply_project(arguments)
    # A JSON document on standard error has nothing beside it.
    quiet = getattr(arguments, "quiet", False) or getattr(arguments, "findings", "text") == "json"
    console = replace(console, quiet=quiet)
    try:
        return COMMANDS[name].command().run(arguments, console)
    except FindingsError as error:
        reporting.refuse(error.findings, arguments, console)
        return Exit.FINDINGS
