"""Totals: the layers that no sub-config selects, and what the list makes of the model's weights as a whole."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from compression_config.budget import Budget
from compression_config.naming.spelling import printable
from compression_config.reports.findings_text import counted
from compression_config.reports.lines import Line, Part, Style, paragraph
from compression_config.reports.rows import Counts, Untouched, type_words, untouched
from compression_config.resolving import Resolved

__all__ = ["total_lines"]

_LABEL = 11
_TYPES_SHOWN = 4
_NEGLIGIBLE = 100
"""Elements that are not counted are mentioned when they are more than one in so many of those that are."""


def total_lines(resolved: Resolved, budget: Budget, width: int) -> Iterator[Line]:
    """Yield what concerns the model as a whole, a label before each line."""
    if resolved.config_list.kind == "pruning":
        outcome = "masked", _masked_words(budget)
    else:
        outcome = "stored", _stored_words(budget)
    lines = [("untouched", _untouched_words(untouched(resolved))), outcome]
    outside, numel = budget.model.outside, budget.model.numel
    if outside and outside > (numel or 0) // _NEGLIGIBLE:
        lines.append(("besides", f"{outside:,} elements in layers without a 'weight', not counted here"))
    for label, words in lines:
        yield from paragraph((Part(f"{label:{_LABEL}}", Style.STRONG),), printable(words), width)


def _untouched_words(rest: Untouched) -> str:
    """Return how many layers no sub-config selects, and of which types those are that hold something."""
    if not rest.layers:
        return "no layer"
    parts = [_types(rest.with_weight, "weight elements")] if rest.with_weight.layers else []
    if rest.with_parameters.layers:
        parts.append(f"{_types(rest.with_parameters, 'elements')} without a 'weight'")
    if rest.without.layers:
        parts.append(f"{rest.without.layers:,} without parameters")
    return f"{counted(rest.layers, 'layer')}: {'; '.join(parts)}"


def _types(counts: Counts, what: str) -> str:
    """Return how many elements layers have, as far as that is known, and of which types they are."""
    return (f"{counts.numel:,} {what} in " if counts.numel else "") + type_words(counts, _TYPES_SHOWN)


def _masked_words(budget: Budget) -> str:
    """Return how much of the model is masked."""
    model = budget.model
    if budget.unknown:
        return f"unknown, as the model does not say how many weight elements {_named(budget.unknown)} have"
    if not model.compressed:
        return "nothing"
    share = f"{model.masked:,} of {model.compressed:,} compressed elements ({model.masked_share:.3f})"
    if model.masked_share_of_all is None:
        return share
    return f"{share}, {model.numel:,} in all ({model.masked_share_of_all:.3f})"


def _stored_words(budget: Budget) -> str:
    """Return what the weights take, before and after."""
    model = budget.model
    if model.mean_weight_bits is None or model.bytes_before is None or model.bytes_after is None:
        return "unknown, as the model does not say the size and type of all weights"
    before, after = _bytes(model.bytes_before), _bytes(model.bytes_after)
    return f"{model.mean_weight_bits:.2f} bits a weight element on average, {after} instead of {before} for all weights"


def _bytes(number: int) -> str:
    """Return a number of bytes in the unit that people use for it: 438.1 MB."""
    size = float(number)
    for unit in ("bytes", "kB", "MB", "GB"):
        if size < 1000:  # noqa: PLR2004 - decimal units, as file managers and model hubs have them
            return f"{size:.1f} {unit}" if unit != "bytes" else f"{number} bytes"
        size /= 1000
    return f"{size:.1f} TB"


def _named(names: Sequence[str]) -> str:
    """Return some layers by the first of them and how many there are."""
    return f"'{names[0]}'" + (f" and {len(names) - 1:,} more" if len(names) > 1 else "")
