"""Layers that share one weight and get different answers (D17)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from compression_config.findings import Code, Finding
from compression_config.linting.phrases import indices_words, layers_words
from compression_config.resolving import Resolved
from compression_config.selection import NOBODY
from compression_config.settings import PruningSettings, QuantizationSettings

__all__ = ["tie_findings"]


def tie_findings(resolved: Resolved) -> Iterator[Finding]:
    """Yield where one weight is compressed and left alone, or compressed in different ways; in the model's order.

    Ties between which the same sub-configs decide are said once, by the first of them. Members of one group get
    one share of its budget and are in no conflict; neither is what concerns the input or output alone.
    """
    conflicts: dict[tuple[int, ...], list[Sequence[int]]] = {}
    for tied in resolved.inventory.ties:
        winners = tuple(sorted({resolved.winners[position] for position in tied}))
        if len({_for_weight(resolved, winner) for winner in winners}) > 1:
            conflicts.setdefault(winners, []).append(tied)
    for winners, ties in conflicts.items():
        yield _finding(resolved, winners, ties)


def _for_weight(resolved: Resolved, winner: int) -> object:
    """Return what a sub-config makes of a weight, comparable; None when it leaves it alone."""
    settings = None if winner == NOBODY else resolved.settings_of(winner)
    if not isinstance(settings, QuantizationSettings):
        return settings
    if "weight" not in settings.bits:
        return None
    by_type = (settings.bits, settings.dtype or {}, settings.scheme or {})
    return (*(values.get("weight") for values in by_type), settings.start_step)


def _finding(resolved: Resolved, winners: Sequence[int], ties: Sequence[Sequence[int]]) -> Finding:
    compressing = [winner for winner in winners if _for_weight(resolved, winner) is not None]
    first = ties[0]
    by_outcome: dict[object, int] = {}
    for position in first:
        by_outcome.setdefault(_for_weight(resolved, resolved.winners[position]), position)
    names = [f"'{resolved.inventory.names[position]}'" for position in by_outcome.values()]
    message = f"{' and '.join(names[:2])} share one weight, but "
    if None in by_outcome:
        left = resolved.inventory.names[by_outcome[None]]
        position = next(position for outcome, position in by_outcome.items() if outcome is not None)
        done = resolved.inventory.names[position]
        verb = "pruned" if isinstance(resolved.settings(position), PruningSettings) else "quantized"
        message += f"only '{done}' is {verb}"
        hint = f"exclude '{done}', or give '{left}' the same settings"
    else:
        message += f"get different settings from {indices_words(resolved, compressing)}"
        hint = "name both in one sub-config"
    if len(ties) > 1:
        message += f" (the same holds for {layers_words(sum(map(len, ties[1:])))} more)"
    place = resolved.config_list.provenance.place((compressing[-1],))
    return Finding.at(place, Code.TIED_CONFLICT, message, hint)
