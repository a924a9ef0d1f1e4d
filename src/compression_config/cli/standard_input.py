"""`-`: a config list, or a saved resolution, on standard input. It is read once, and has the name that it is given."""

from __future__ import annotations

import argparse
import functools
import json
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import PurePath
from typing import Any

from compression_config.configs.sub_config import Kind
from compression_config.documents import Format
from compression_config.documents.document import DEFAULT_LIMITS
from compression_config.documents.files import decode
from compression_config.errors import InvalidConfig, UsageError
from compression_config.findings import Finding, SeverityPolicy
from compression_config.loading import AnyConfig, loaded
from compression_config.lockfile import is_saved, saved_answers
from compression_config.scripts import is_script
from compression_config.text import printable

__all__ = ["StandardInput", "add_standard_input", "take_standard_input"]

_DASH = "-"
_FORMATS: Mapping[str, Format] = {".json": "json", ".yaml": "yaml", ".yml": "yaml"}
_FILES = ("old", "new")
"""The arguments that are one file each."""


def add_standard_input(command: argparse.ArgumentParser) -> None:
    """Add what names the text on standard input."""
    command.add_argument(
        "--stdin-name",
        default="<stdin>",
        metavar="NAME",
        help="the name of what '-' reads; its ending, .json or .yaml, sets the format",
    )


@dataclass(frozen=True)
class StandardInput:
    """Standard input under its name; it is read when something of it is asked for, and once."""

    name: str

    @functools.cached_property
    def data(self) -> bytes:
        """What is read from it. Raises `UsageError` where that cannot be."""
        if sys.stdin is None:
            raise UsageError("there is no standard input to read")
        try:
            # One byte more than the limit tells a text that is too long, and no more of it is read.
            data = getattr(sys.stdin, "buffer", sys.stdin).read(DEFAULT_LIMITS.bytes + 1)
        except (OSError, ValueError) as error:  # ValueError: it was closed
            raise UsageError(f"standard input cannot be read: {error}") from error
        # What another program put in its place may have characters instead of bytes.
        return data.encode(errors="surrogatepass") if isinstance(data, str) else bytes(data)

    def loaded(self, *, kind: Kind | None, policy: SeverityPolicy) -> AnyConfig:
        """Return the config list in it. Raises like `load`."""
        text = decode(self.data, self.name)
        if isinstance(text, Finding):
            raise InvalidConfig([text])
        known = _FORMATS.get(PurePath(self.name).suffix.lower())
        notation: Format = known or ("yaml" if self._plain_data() is None else "json")
        return loaded(self.name, kind=kind, policy=policy, text=text, notation=notation)

    def saved(self) -> Mapping[str, Any] | None:
        """Return the resolution that was saved as JSON in it; None for anything else.

        Raises `UsageError` like `compare`, which does not know the name.
        """
        data = self._plain_data()
        if not isinstance(data, Mapping) or not is_saved(data):
            return None
        saved_answers(data, printable(self.name))
        return data

    def _plain_data(self) -> object:
        """Return what it is as JSON; None for what is not a list or an object of JSON."""
        try:
            data = json.loads(self.data)
        except (ValueError, RecursionError):
            return None
        return data if isinstance(data, list | dict) else None


def take_standard_input(arguments: argparse.Namespace) -> None:
    """Put the name of standard input into the place of `-`, and note that it is meant.

    Raises `UsageError` where it is named twice, or has the name of another file.
    """
    given = vars(arguments)
    files: list[str] = given.get("files") or [given[name] for name in _FILES]
    arguments.standard_input = None
    if _DASH not in files:
        return
    name = arguments.stdin_name
    if files.count(_DASH) > 1 or name in files:
        raise UsageError(f"{_DASH!r} is one file, which is read once: name it once, and no other file {name!r}")
    if is_script(name):
        raise UsageError(f"{_DASH!r} is read as YAML or JSON, not as a Python script")
    arguments.standard_input = StandardInput(name)
    if "files" in given:
        arguments.files = [name if path == _DASH else path for path in files]
    else:
        arguments.old, arguments.new = (name if path == _DASH else path for path in files)
