"""What engines share that have a default and exceptions: layers that are not compressed have to be named, too."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from compression_config.findings import Code
from compression_config.interop.base import Quantized, Request, numbered

__all__ = ["LEFT_ALONE", "Defaulted", "defaulted", "untied"]

LEFT_ALONE = -1
"""The outcome of a layer that is not compressed."""


@dataclass(frozen=True, slots=True)
class Defaulted:
    """What each layer gets that the engine might compress: a number of `settings`, or `LEFT_ALONE`."""

    settings: Sequence[Mapping[str, Any]]
    default: int | None
    """What most of the compressed layers get; None without any: then all layers are exceptions."""
    outcomes: Mapping[int, int]
    """By position, in the model's order."""

    @property
    def exceptions(self) -> dict[int, int]:
        """The layers that get something else than the default."""
        return {position: outcome for position, outcome in self.outcomes.items() if outcome != self.default}


def defaulted(
    request: Request, settings: Iterable[tuple[Mapping[str, Any], Sequence[int]]], types: Sequence[str]
) -> Defaulted:
    """Return what each layer gets: `settings` for the layers that have some, nothing for the others of `types`.

    `types` are all that the engine might compress. Of defaults that are equally frequent the first is taken.
    """
    different, outcomes = numbered(settings)
    default = Counter(outcomes.values()).most_common(1)[0][0] if outcomes else None
    outcomes.update(dict.fromkeys(request.others(outcomes, *types), LEFT_ALONE))
    return Defaulted(different, default, dict(sorted(outcomes.items())))


def untied(request: Request, part: Quantized) -> Quantized:
    """Return a part without the layers that share their weight with another one, which are reported.

    Mostly the output layer shares that of the embedding. These engines fail on it, or leave it as it is.
    """
    tied = set(itertools.chain.from_iterable(request.inventory.ties)).intersection(part.positions)
    message = f"'{request.engine.name}' does not quantize a layer that shares its weight with another one"
    hint = "exclude these layers"
    request.lose(part.decision, Code.LOSSY_SETTING, message, hint=hint, positions=sorted(tied))
    return Quantized(part.decision, part.tensors, [position for position in part.positions if position not in tied])
