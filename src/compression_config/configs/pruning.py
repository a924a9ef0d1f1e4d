"""Pruning sub-configs. Spec: The Keys in Pruning Config."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, ClassVar

from pydantic import Field

from compression_config.configs.plain_data import Remark, shown
from compression_config.configs.sub_config import Kind, Needs, Rivals, SubConfig
from compression_config.configs.value_rules import RatioRule
from compression_config.findings import Code

__all__ = ["RATIO_KEYS", "PruningConfig"]

RATIO_KEYS = ("sparsity_per_layer", "total_sparsity", "sparsity")
"""The three keys that give a ratio; a sub-config has one of them, or `exclude` (D5)."""

_EXCLUDE_HINT = "keep 'exclude' to leave the layers alone, or delete it to prune them"


class PruningConfig(SubConfig):
    """Which layers to prune, and how much of their weight to mask."""

    kind: ClassVar[Kind] = "pruning"
    no_setting_hint: ClassVar = "write sparsity_per_layer: 0.5, total_sparsity: 0.5, or exclude: true"
    rivals: ClassVar = (
        Rivals(frozenset({"exclude", "sparsity"}), _EXCLUDE_HINT),  # Spec: exclude
        Rivals(frozenset({"exclude", "sparsity_per_layer"}), _EXCLUDE_HINT),  # D4
        Rivals(frozenset({"exclude", "total_sparsity"}), _EXCLUDE_HINT),  # D4
        Rivals(frozenset({"exclude", "max_sparsity_per_layer"}), _EXCLUDE_HINT),  # D4
        Rivals(
            frozenset(RATIO_KEYS),  # D5
            "keep one: sparsity_per_layer is the ratio of each layer, total_sparsity that of all layers together",
        ),
    )
    needs: ClassVar = (
        Needs("max_sparsity_per_layer", (*RATIO_KEYS, "exclude"), "write total_sparsity: 0.5 beside it"),  # D6
    )

    sparsity_per_layer: Annotated[float, RatioRule()] | None = Field(
        default=None,
        description="The share of the weight elements to mask in each selected layer, from 0 to below 1.",
        examples=[0.8],
    )
    total_sparsity: Annotated[float, RatioRule()] | None = Field(
        default=None,
        description="The share of the weight elements to mask in all layers that this sub-config wins together, "
        "from 0 to below 1; the pruning algorithm distributes it.",
        examples=[0.8],
    )
    sparsity: Annotated[float, RatioRule()] | None = Field(
        default=None,
        description="The old name of `sparsity_per_layer`; the two mean the same.",
        examples=[0.8],
        json_schema_extra={"deprecated": True},
    )
    max_sparsity_per_layer: Annotated[float, RatioRule(cap=True)] | None = Field(
        default=None,
        description="The largest share of any one layer that `total_sparsity` may mask, above 0 and up to 1.",
        examples=[0.9],
    )

    @property
    def ratio_per_layer(self) -> float | None:
        """The share masked in each layer, under either of its two names; None in a group and for `exclude`."""
        return self.sparsity if self.sparsity_per_layer is None else self.sparsity_per_layer

    def value_remarks(self) -> Iterator[Remark]:
        """Yield that the cap is below the ratio it would have to hold (D6)."""
        cap = self.max_sparsity_per_layer
        if cap is None:
            return
        for key in RATIO_KEYS:
            ratio = getattr(self, key)
            if ratio is not None and cap < ratio:
                message = (
                    f"'max_sparsity_per_layer' {shown(cap)} is below '{key}' {shown(ratio)}, so the ratio cannot be met"
                )
                hint = f"write a cap of at least {shown(ratio)}, or a ratio of at most {shown(cap)}"
                yield Remark(Code.CAP_TOO_LOW, message, hint, ("max_sparsity_per_layer",))

    def remarks(self) -> Iterator[Remark]:
        """Yield the old key (D5), and a cap beside a ratio per layer (D6), and what all sub-configs may show."""
        yield from super().remarks()
        if self.sparsity is not None:
            message = "'sparsity' is the old name of 'sparsity_per_layer'"
            yield Remark(Code.LEGACY_KEY, message, "write 'sparsity_per_layer'", ("sparsity",), at_key=True)
        if self.max_sparsity_per_layer is not None and self.total_sparsity is None:
            message = "'max_sparsity_per_layer' has no effect beside a ratio per layer"
            hint = "delete it, or write 'total_sparsity'"
            yield Remark(Code.CAP_WITHOUT_EFFECT, message, hint, ("max_sparsity_per_layer",), at_key=True)
