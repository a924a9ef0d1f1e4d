"""Files that arguments name: patterns to paths, several files to one config list, and where an answer goes."""

from __future__ import annotations

import argparse
import functools
import glob
import operator
import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path, PurePath
from typing import Any, cast

from compression_config.api import answer
from compression_config.cli.standard_input import StandardInput
from compression_config.configs.config_list import ConfigList
from compression_config.errors import InvalidConfig, UsageError
from compression_config.findings import Finding, SeverityLevel, SeverityPolicy
from compression_config.inventory import Inventory
from compression_config.loading import AnyConfig, holds_config_list, loaded, policy_of
from compression_config.scripts import ABOUT_A_WHOLE_LIST, is_about_whole_list, split_name

__all__ = [
    "check_no_layers",
    "check_output",
    "expanded",
    "joined_findings",
    "load_alike",
    "load_joined",
    "policy_options",
    "standard_input_of",
]


def policy_options(arguments: argparse.Namespace) -> dict[str, Any]:
    """Return the kind and the severities that arguments set. Raises `UsageError` for wrong ones."""
    policy = policy_of(strict=arguments.strict, severity=dict(arguments.severity))
    return {"kind": arguments.kind, "policy": policy}


def expanded(patterns: Sequence[str], *, directories: bool = True) -> list[str]:
    """Return the files that `patterns` name, in their order, and those of one pattern or directory sorted.

    A directory contributes the files in it that hold a config list, or without `directories` nothing. `**` goes
    through directories. The name of a file that is there is not a pattern, whatever is in it. Raises `UsageError` for
    a pattern that names no file; a plain path is returned whether or not there is a file.
    """
    paths: list[str] = []
    for pattern in patterns:
        # Unlike those of pathlib, this is False too for what can be no name of a file, as it is too long.
        if os.path.isdir(pattern):  # noqa: PTH112
            paths += filter(holds_config_list, _candidates(pattern)) if directories else ()
            continue
        if not glob.has_magic(pattern) or os.path.lexists(pattern):
            paths.append(pattern)
            continue
        found = sorted(path for path in glob.iglob(pattern, recursive=True) if not Path(path).is_dir())  # noqa: PTH207
        if not found:
            raise UsageError(f"no file is named like '{pattern}'")
        paths += found
    return paths


_ENDINGS = (".yaml", ".yml", ".json", ".py", ".pyw")
_NOT_ENTERED = frozenset({"__pycache__", "node_modules", "site-packages"})


def _candidates(directory: str) -> Iterator[str]:
    """Yield the files in a directory that may hold a config list, sorted; hidden and installed ones are left out."""
    for parent, directories, files in os.walk(directory):
        directories[:] = sorted(
            name
            for name in directories
            if not name.startswith(".")
            and name not in _NOT_ENTERED
            and not os.path.exists(os.path.join(parent, name, "pyvenv.cfg"))  # noqa: PTH110, PTH118
        )
        yield from (os.path.join(parent, name) for name in sorted(files) if name.lower().endswith(_ENDINGS))  # noqa: PTH118


def check_no_layers(arguments: argparse.Namespace) -> None:
    """Raise `UsageError` where a file after the first is not there and has no ending of one: a layer was meant."""
    for path in arguments.files[1:]:
        is_list = PurePath(split_name(path)[0]).suffix.lower() in _ENDINGS or standard_input_of(path, arguments)
        if not is_list and not os.path.lexists(path) and not glob.glob(path, recursive=True):  # noqa: PTH207
            raise UsageError(f"there is no file '{path}': write '--layer' before the name of another layer")


def check_output(output: str, inputs: Iterable[str]) -> None:
    """Raise `UsageError` when an answer would overwrite what it is made from, or where standard output is meant."""
    if output == "-":
        raise UsageError("the answer goes to standard output without '--output': leave it out")
    for path, _ in map(split_name, inputs):
        if os.path.exists(path) and os.path.exists(output) and os.path.samefile(path, output):  # noqa: PTH110, PTH121
            raise UsageError(f"'{output}' is read by this command: write the answer to another file")


def load_joined(paths: Sequence[str], arguments: argparse.Namespace, *, beside_model: bool = True) -> AnyConfig:
    """Return the config list that several files make in their order: later sub-configs overwrite earlier ones.

    They are joined by `+` (D12). Raises like `load_alike`, and `UsageError` without any file.
    """
    if not paths:
        raise UsageError("there is no config list in these directories")
    policy: SeverityPolicy = policy_options(arguments)["policy"]
    policy = policy.beside_model() if beside_model else policy
    if len(paths) == 1:
        return _loaded(paths, arguments, policy)[0]
    # That a file alone is empty, or does not show its kind, does not matter here: the severities of the caller are
    # those of the whole list.
    levels: dict[str, SeverityLevel] = {**policy.levels, **dict.fromkeys(ABOUT_A_WHOLE_LIST, "note")}
    # Each of these can be joined to any other, which type checkers do not see of their union.
    configs = cast("list[Any]", _loaded(paths, arguments, replace(policy, levels=levels)))
    return cast("AnyConfig", functools.reduce(operator.add, configs).with_policy(policy))


def joined_findings(
    paths: Sequence[str], inventory: Inventory | None, arguments: argparse.Namespace
) -> tuple[Finding, ...]:
    """Return everything worth knowing about the list that several files make; each finding has the file of its part."""
    try:
        config = load_joined(paths, arguments, beside_model=inventory is not None)
    except InvalidConfig as error:
        return error.findings
    return config.findings if inventory is None else answer(config, inventory, arguments.unmatched).findings


def load_alike(paths: Sequence[str], arguments: argparse.Namespace) -> list[AnyConfig]:
    """Return the config lists of several files; one that does not say its kind has that of the others.

    Raises `InvalidConfig` with the findings of all files when one of them has errors.
    """
    configs = _loaded(paths, arguments, policy_options(arguments)["policy"].beside_model())
    stated = {config.kind for config in configs if isinstance(config, ConfigList) and config.kind_stated}
    if len(stated) != 1:
        return configs
    (only,) = stated
    return [config.of_kind(only) if isinstance(config, ConfigList) else config for config in configs]


def _loaded(paths: Sequence[str], arguments: argparse.Namespace, policy: SeverityPolicy) -> list[AnyConfig]:
    """Return what is in files, each by itself. Raises `InvalidConfig` with all findings when one of them has errors."""
    configs: list[AnyConfig] = []
    findings: list[Finding] = []
    for path in paths:
        given = standard_input_of(path, arguments)
        try:
            if given is None:
                config = loaded(path, kind=arguments.kind, policy=policy)
            else:
                config = given.loaded(kind=arguments.kind, policy=policy)
        except InvalidConfig as error:
            findings += error.findings
        else:
            configs.append(config)
            findings += (finding for finding in config.findings if not is_about_whole_list(finding))
    if len(configs) < len(paths):
        raise InvalidConfig(findings)
    return configs


def standard_input_of(path: str, arguments: argparse.Namespace) -> StandardInput | None:
    """Return standard input where that is what a path names, else None."""
    given: StandardInput | None = arguments.standard_input
    return given if given is not None and given.name == path else None
