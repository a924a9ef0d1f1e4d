"""Files that arguments name: patterns to paths, several files to one config list, and where an answer goes."""

from __future__ import annotations

import argparse
import functools
import glob
import operator
import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, cast

from compression_config.configs.sub_config import Kind
from compression_config.errors import InvalidConfig, UsageError
from compression_config.findings import Finding
from compression_config.loading import AnyConfig, load

__all__ = ["check_output", "expanded", "load_joined", "policy_options"]


def policy_options(arguments: argparse.Namespace) -> dict[str, Any]:
    """Return the kind and the severities that arguments set, as `load` and `check` take them."""
    return {"kind": arguments.kind, "strict": arguments.strict, "severity": dict(arguments.severity)}


def expanded(patterns: Sequence[str]) -> list[str]:
    """Return the files that `patterns` name, in their order, and those of one pattern sorted.

    `**` goes through directories. The name of a file that is there is not a pattern, whatever is in it. Raises
    `UsageError` for a pattern that names no file; a plain path is returned whether or not there is a file.
    """
    paths: list[str] = []
    for pattern in patterns:
        # Unlike those of pathlib, this is False too for what can be no name of a file, as it is too long.
        if not glob.has_magic(pattern) or os.path.lexists(pattern):
            paths.append(pattern)
            continue
        found = sorted(path for path in glob.iglob(pattern, recursive=True) if not Path(path).is_dir())  # noqa: PTH207
        if not found:
            raise UsageError(f"no file is named like '{pattern}'")
        paths += found
    return paths


def check_output(output: str, inputs: Iterable[str]) -> None:
    """Raise `UsageError` when an answer would overwrite one of the files or directories that it is made from."""
    for path in inputs:
        if os.path.exists(path) and os.path.exists(output) and os.path.samefile(path, output):  # noqa: PTH110, PTH121
            raise UsageError(f"'{output}' is read by this command: write the answer to another file")


def load_joined(paths: Sequence[str], *, kind: Kind | None, **options: Any) -> AnyConfig:  # noqa: ANN401
    """Return the config list that several files make in their order: later sub-configs overwrite earlier ones.

    They are joined by `+` (D12). Raises `InvalidConfig` with the findings of all files that have errors.
    """
    configs: list[AnyConfig] = []
    findings: list[Finding] = []
    for path in paths:
        try:
            configs.append(load(path, kind=kind, **options))
        except InvalidConfig as error:
            findings += error.findings
    if findings:
        raise InvalidConfig(findings)
    # Each of these can be joined to any other, which type checkers do not see of their union.
    return cast("AnyConfig", functools.reduce(operator.add, cast("list[Any]", configs)))
