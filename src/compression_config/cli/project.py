"""`[tool.compression-config]` in a pyproject.toml: the options that a command does not set itself, and models of files.

The file is the nearest one with such a table from the working directory upward, as the tables of other tools are found.
"""

from __future__ import annotations

import argparse
import functools
import os
import re
import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from compression_config.cli.files import expanded
from compression_config.errors import UsageError
from compression_config.inventory import Inventory
from compression_config.loading import policy_of
from compression_config.scripts import split_name
from compression_config.text import nearest, printable, represented

__all__ = ["Models", "Project", "apply_project", "project_of"]

_FILE = "pyproject.toml"
_TABLE = ("tool", "compression-config")


class _Table(BaseModel):
    """What the table may say."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)

    severity: dict[str, str] = Field(default={}, description="maps codes to error, warning, note or ignore")
    strict: bool = Field(default=False, description="is true or false")
    models: dict[str, str] = Field(default={}, description="maps globs of files to models")


@dataclass(frozen=True, slots=True)
class Project:
    """The table of a project, or what there is without one."""

    directory: str = ""
    """That of the pyproject.toml, which its paths start from."""
    table: _Table = field(default_factory=_Table)

    def model_of(self, path: str) -> str | None:
        """Return the source of the model that is set for a file: that of the last glob that matches it, or None."""
        if not self.table.models:
            return None
        try:
            inside = os.path.relpath(split_name(path)[0], self.directory or ".")
        except ValueError:  # another drive of Windows
            return None
        inside = inside.replace(os.sep, "/")
        matching = [model for glob, model in self.table.models.items() if _regex_of(glob).fullmatch(inside)]
        return self._seen_from_here(matching[-1]) if matching else None

    def _seen_from_here(self, source: str) -> str:
        """Return the source of a model with its path as seen from the working directory; modules have none."""
        prefix, path, factory = "", source, ""
        if source.startswith("hf:"):
            prefix, path = "hf:", source.removeprefix("hf:")
        elif ".py:" in source:
            path, _, name = source.rpartition(":")
            factory = f":{name}"
        elif ":" in source:
            return source
        return f"{prefix}{os.path.relpath(os.path.join(self.directory, path))}{factory}"  # noqa: PTH118


_GLOB = re.compile(r"(?:^|(?<=/))\*\*/|\*+|\?|\[!?\]?[^\]]*\]|.", re.DOTALL)


@functools.cache
def _regex_of(glob: str) -> re.Pattern[str]:
    """Return a glob as a regex: `*` stays inside a directory, `**` goes through any number of them."""

    def piece(found: re.Match[str]) -> str:
        text = found[0]
        if text[0] == "[" and len(text) > 1:
            negated = text[1] == "!"
            characters = re.sub(r"[\\^\[\]]", r"\\\g<0>", text[1 + negated : -1])
            return f"[^/{characters}]" if negated else f"[{characters}]"
        if text[0] == "*":
            return "(?:[^/]+/)*" if text[-1] == "/" else ".*" if len(text) > 1 else "[^/]*"
        return "[^/]" if text == "?" else re.escape(text)

    return re.compile(_GLOB.sub(piece, glob.removeprefix("./")), re.DOTALL)


def project_of(directory: Path) -> Project:
    """Return the table of the nearest pyproject.toml that has one, in a directory or above it.

    Raises `UsageError` for everything that is wrong with it, at its line.
    """
    for parent in (directory, *directory.parents):
        path = parent / _FILE
        try:
            data = path.read_bytes()
        except OSError:
            continue
        if _TABLE[1].encode() in data and (project := _read(path, data)) is not None:
            return project
    return Project()


def _read(path: Path, data: bytes) -> Project | None:
    name = printable(os.path.relpath(path))
    try:
        text = data.decode()
        document = tomllib.loads(text)
    except ValueError as error:
        raise UsageError(f"'{name}' is not TOML: {error}") from error
    table = _at(document, _TABLE)
    if table is None:
        return None
    problems = list(_problems(table))
    if problems:
        places = [(*_place(text, (*_TABLE, *keys)), message) for keys, message in problems]
        raise UsageError("; ".join(f"{name}:{row}:{column}: {message}" for row, column, message in sorted(places)))
    return Project(str(path.parent), _Table.model_validate(table))


def _at(document: object, keys: Sequence[str]) -> object:
    """Return what a TOML document has under some keys; None without it."""
    for key in keys:
        document = document.get(key) if isinstance(document, dict) else None
    return document


def _problems(table: object) -> Iterator[tuple[tuple[str, ...], str]]:
    """Yield what is wrong with a table: the keys that lead there, and a sentence."""
    if not isinstance(table, dict):
        yield (), "'tool.compression-config' is a table"
        return
    try:
        _Table.model_validate(table)
    except ValidationError as error:
        for fault in error.errors():
            keys = tuple(map(str, fault["loc"]))
            if fault["type"] == "extra_forbidden":
                close = nearest(keys[0], _Table.model_fields)
                meant = f": write '{close}'" if close else f"; it has {', '.join(_Table.model_fields)}"
                yield keys, f"[tool.compression-config] has no key {represented(keys[0])}{meant}"
            else:
                yield keys, f"'{keys[0]}' {_Table.model_fields[keys[0]].description}"
    globs = table.get("models")
    for glob in globs if isinstance(globs, dict) else ():
        try:
            _regex_of(glob)
        except re.error:
            yield ("models", glob), f"{represented(glob)} is not a glob"
    levels = table.get("severity")
    for code, level in levels.items() if isinstance(levels, dict) else ():
        if isinstance(level, str):
            try:
                policy_of(strict=False, severity={code: level})
            except UsageError as error:
                yield ("severity", code), str(error)


def _place(text: str, keys: Sequence[str]) -> tuple[int, int]:
    """Return line and column of what sets a key, as tomllib does not tell.

    That is the statement after which the beginning of the text has it: what ends inside a statement is not TOML.
    """
    lines = text.split("\n")
    start = 0
    for end in range(1, len(lines) + 1):
        try:
            document = tomllib.loads("\n".join(lines[:end]))
        except ValueError:
            continue
        if _at(document, keys) is not None:
            break
        start = end
    found = re.search(rf"(?<![\w-]){re.escape(keys[-1])}(?![\w-])", lines[start])
    return start + 1, found.start() + 1 if found else 1


def apply_project(arguments: argparse.Namespace) -> None:
    """Give the arguments of a command what its project sets and they do not."""
    project = Project() if arguments.isolated else project_of(Path.cwd())
    arguments.project = project
    arguments.severity = [*project.table.severity.items(), *arguments.severity]
    arguments.strict = project.table.strict if arguments.strict is None else arguments.strict
    if arguments.model is None and getattr(arguments, "one_model", False):
        arguments.model = _model_of_all(expanded(arguments.files), project)


def _model_of_all(paths: Sequence[str], project: Project) -> str:
    """Return the source of the model that is set for the files of one list."""
    found = {path: model for path in paths if (model := project.model_of(path)) is not None}
    if not found:
        raise UsageError("a model is needed: write --model M, or set one for the file in pyproject.toml")
    if len(set(found.values())) > 1:
        (first, one), (second, other) = next((a, b) for a in found.items() for b in found.items() if a[1] != b[1])
        raise UsageError(
            f"pyproject.toml sets the model '{one}' for '{first}' and '{other}' for '{second}': write --model M"
        )
    return next(iter(found.values()))


class Models:
    """The models that files are checked against, each made once."""

    def __init__(self, arguments: argparse.Namespace) -> None:
        self._arguments = arguments
        self._made: dict[str, Inventory] = {}

    def of(self, path: str) -> Inventory | None:
        """Return the model of a file: that of the command, else that of the project; None without one."""
        source = self._arguments.model or self._arguments.project.model_of(path)
        return None if source is None else self._model(source)

    def of_all(self, paths: Sequence[str]) -> Inventory | None:
        """Return the model of the list that files make; None without one. Raises `UsageError` for several."""
        if self._arguments.model is None and all(self._arguments.project.model_of(path) is None for path in paths):
            return None
        return self._model(self._arguments.model or _model_of_all(paths, self._arguments.project))

    def _model(self, source: str) -> Inventory:
        """Return the model that a source names."""
        if source not in self._made:
            self._made[source] = Inventory.from_source(source, device=self._arguments.device)
        return self._made[source]
