"""What verification finds: one row for each layer and one for each group."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, NamedTuple

from compression_config.errors import HasFindings
from compression_config.findings import Code, Finding
from compression_config.html import element, escaped, fragment, items, table
from compression_config.patterns import NameGroups
from compression_config.resolving.resolved import Status
from compression_config.text import aligned, counted, layers_words, number_cell
from compression_config.verification.measuring import Evidence

__all__ = [
    "OK",
    "GroupVerification",
    "LayerVerification",
    "Verification",
    "numbers_of",
    "shown_layers",
    "table_of",
]


@dataclass(frozen=True, slots=True)
class LayerVerification:
    """What one layer was to get and what it got.

    A weight that several layers share is that of the first (D17); another has a row where it has a mask of its own.
    """

    layer: str
    """The name of the layer."""
    status: Status
    """`compressed`, `excluded` or `untouched`, in the list that was verified; of two lists, in the pruning list."""
    index: int | None
    """The index of the deciding sub-config in that list; None when the layer is untouched."""
    numel: int | None
    """Weight elements; None when neither the inventory nor the tensor says."""
    demanded: int | None
    """Elements to be masked: 0 for a layer that is not compressed; None in a group, and without a pruning list."""
    cap: int | None
    """The most that its group may mask in it; None outside a group or where nothing limits it."""
    masked: int | None
    """Elements that are zero; None when they were not counted."""
    evidence: Evidence | None
    """Where they were counted; None when they were not."""
    bits: int | None
    """For how many bits the weight is quantized; None when it is not."""
    levels: int | None
    """How many distinct values a quantized weight has in what shares a scale: in all, or in the channel, or the run of
    inputs, that has the most. They are counted as far as `bits` can tell values apart, and None where they are not."""
    codes: tuple[Code, ...]
    """What is wrong with it, or that it was not verified; empty when it is what the list asks for."""

    @property
    def verified(self) -> bool:
        """Whether it could be looked at."""
        return Code.NOT_VERIFIED not in self.codes


@dataclass(frozen=True, slots=True)
class GroupVerification:
    """What the layers of one group were to mask together and what they did."""

    index: int
    """Of the sub-config, from 0."""
    layers: tuple[str, ...]
    """Their names, in the model's order."""
    numel: int | None
    """The elements of their weights; None when that of one is not known."""
    demanded: int | None
    """As written; None when the number of elements is not known."""
    granted: int | None
    """What the caps leave of that."""
    masked: int | None
    """Elements that are zero in all of its layers; None when one of them was not verified."""
    codes: tuple[Code, ...]
    """What is wrong with it; empty when it is what the list asks for."""


@dataclass(frozen=True, slots=True)
class Verification(HasFindings):
    """What a compressed model is, compared to what its config list asks for."""

    layers: tuple[LayerVerification, ...]
    """All layers with a weight, those that were not to be compressed too, in the model's order."""
    groups: tuple[GroupVerification, ...]
    """The groups, in list order."""
    findings: tuple[Finding, ...]
    """What differs and what could not be verified: one for each sub-config and cause, in list order."""

    def to_dict(self) -> dict[str, Any]:
        """Return the rows as plain data, ready for JSON; the findings as lines of text."""
        return {
            "layers": [_plain(row) for row in self.layers],
            "groups": [_plain(row) for row in self.groups],
            "findings": [str(finding) for finding in self.findings],
        }

    def __str__(self) -> str:
        """Return a table of the compressed layers and of those that are not as they should be, and the findings."""
        rows = table_of(self)
        cells = aligned(rows, right=numbers_of(rows[0])) if len(rows) > 1 else []
        return "\n".join((*("  ".join(row).rstrip() for row in cells), *map(str, self.findings)))

    def _repr_html_(self) -> str:
        header, *rows = table_of(self)
        shown = [row for row in rows if row[-1] != OK] or rows
        heading = f"{layers_words(len(self.layers))} verified, {counted(len(self.findings), 'finding')}"
        found = items([str(finding) for finding in self.findings[:_MOST]])
        return fragment(
            element("h1", escaped(heading)) + found + table(header, shown, numbers=numbers_of(header), most=_MOST)
        )


OK = "ok"
"""The verdict on what is as it should be; for others it is their codes."""

_HEADER = ("layers", "", "by", "elements", "demanded", "masked", "bits", "values", "verdict")
_WORDS = ("layers", "by", "verdict")
"""The columns that hold words; the others hold numbers."""
_MOST = 50
"""How many rows and findings a notebook shows."""


def shown_layers(verification: Verification) -> list[LayerVerification]:
    """Return the layers that are compressed or not as they should be."""
    return [row for row in verification.layers if row.codes or row.status is Status.COMPRESSED or row.bits is not None]


def table_of(verification: Verification, longest: int | None = None) -> list[tuple[str, ...]]:
    """Return the header and rows of a table of the shown layers, those alike on one row, and of the groups.

    Columns in which nothing is known are left out. Joined names are `longest` characters long at most.
    """
    named = NameGroups((position, row.layer, _alike(row)) for position, row in enumerate(shown_layers(verification)))
    rows = [(group.written, f"{group.count:,}", *_cells(found)) for group, found in named.written(longest)]
    rows += [("together", f"{len(row.layers):,}", *_cells(_alike(row))) for row in verification.groups]
    kept = [column for column in range(len(_HEADER)) if any(row[column] for row in rows)]
    return [tuple(row[column] for column in kept) for row in (_HEADER, *rows)]


def numbers_of(header: Sequence[str]) -> frozenset[int]:
    """Return which columns of a table with this header hold numbers."""
    return frozenset(column for column, text in enumerate(header) if text not in _WORDS)


class _Alike(NamedTuple):
    """What layers have in common that are shown as one."""

    by: int | None
    numel: int | None
    demanded: int | None
    masked: int | None
    """None in a group, where each layer has its own; that of the group is a row of its own."""
    bits: int | None
    levels: int | None
    codes: tuple[Code, ...]


def _alike(row: LayerVerification | GroupVerification) -> _Alike:
    if isinstance(row, GroupVerification):
        return _Alike(row.index, row.numel, row.demanded, row.masked, None, None, row.codes)
    in_group = row.demanded is None and row.bits is None and not row.codes
    masked, levels = (None, None) if in_group else (row.masked, row.levels)
    return _Alike(row.index, row.numel, row.demanded, masked, row.bits, levels, row.codes)


def _cells(found: _Alike) -> tuple[str, ...]:
    by = "" if found.by is None else f"[{found.by}]"
    return (by, *map(number_cell, found[1:-1]), ", ".join(found.codes) or OK)


def _plain(row: LayerVerification | GroupVerification) -> dict[str, Any]:
    """Return a row as plain data."""
    plain = asdict(row)
    plain["codes"] = [code.value for code in row.codes]
    if isinstance(row, LayerVerification):
        plain["status"] = row.status.value
    else:
        plain["layers"] = list(row.layers)
    return plain
