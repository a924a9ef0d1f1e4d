"""`inventory` and `schema`: what a model consists of, and what a config list may say."""

from __future__ import annotations

import argparse
import json

from compression_config.cli.console import Console, Exit
from compression_config.cli.models import load_model
from compression_config.errors import UsageError
from compression_config.reports.findings_text import counted
from compression_config.schema import json_schema

__all__ = ["inventory", "schema"]


def inventory(arguments: argparse.Namespace, console: Console) -> Exit:
    """Write the inventory of a model to a file."""
    layers = load_model(arguments.model)
    try:
        layers.save(arguments.output)
    except OSError as error:
        raise UsageError(f"'{arguments.output}' cannot be written: {error.strerror}") from error
    weights = sum(bool(layers.has_weight(position)) for position in range(len(layers)))
    with_weight = f", {weights:,} of them with a weight" if weights else ""
    size = f"{counted(len(layers), 'layer')}{with_weight}"
    console.talk(f"wrote {arguments.output}: {layers.model or 'a model'} with {size}")
    return Exit.OK


def schema(arguments: argparse.Namespace, console: Console) -> Exit:
    """Print a JSON Schema."""
    console.answer(json.dumps(json_schema(arguments.kind), indent=2) + "\n")
    return Exit.OK
