"""The program: from arguments to an exit code, and what becomes of everything that goes wrong on the way."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module

from compression_config.cli.arguments import PROGRAM, parser
from compression_config.cli.console import Console, Exit
from compression_config.errors import CompressionConfigError, FindingsError
from compression_config.reports.findings_text import as_text

__all__ = ["main"]


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
