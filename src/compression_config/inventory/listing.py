"""The layers of a model as rows for people: those of one type and one weight together, under folded names."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from compression_config.html import element, escaped, fragment, table
from compression_config.inventory.layer import Layer
from compression_config.patterns import NameGroups
from compression_config.text import layers_words, percent_words

__all__ = ["LISTING_HEADER", "as_html", "listing", "size_words"]


LISTING_HEADER = ("layers", "number", "type", "weight", "of all")

_MOST = 50
"""How many rows a notebook shows."""


def size_words(layers: Sequence[Layer], model: str | None) -> str:
    """Return how large a model is: "Net with 2 layers, 200 weight elements"."""
    numel = _numel(layers)
    weights = f", {numel:,} weight elements" if numel else ""
    return f"{model or 'a model'} with {layers_words(len(layers))}{weights}"


def _numel(layers: Sequence[Layer]) -> int:
    """Return how many elements the weights have, each once, as far as that is known."""
    return sum(layer.numel or 0 for layer in layers if layer.tied_to is None)


def listing(layers: Sequence[Layer], longest: int | None = None) -> list[tuple[str, ...]]:
    """Return a row for layers that are alike: names, number, type, shape of the weight, and its share of all weights.

    They are in the order of the first of them. See `NameGroups.written` for `longest`.
    """
    whole = _numel(layers)
    groups = NameGroups(
        (position, layer.name, (layer.type, _weight_words(layer), layer.numel, layer.tied_to is not None))
        for position, layer in enumerate(layers)
    )

    def rows() -> Iterator[tuple[str, ...]]:
        for group, (layer_type, weight, numel, tied) in groups.written(longest):
            share = "tied" if tied else percent_words(numel * group.count, whole) if numel else ""
            yield group.written, f"{group.count:,}", layer_type, weight, share

    return list(rows())


def _weight_words(layer: Layer) -> str:
    """Return the shape of a weight as people write it; empty without one, and "?" when it is not known."""
    if layer.weight_shape is None:
        return "?" if layer.has_weight else ""
    return "x".join(map(str, layer.weight_shape)) or "scalar"


def as_html(layers: Sequence[Layer], model: str | None) -> str:
    """Return what a notebook shows of a model, bounded in size."""
    rows = table(LISTING_HEADER, listing(layers), numbers=(1, 4), most=_MOST)
    return fragment(element("h1", escaped(size_words(layers, model))) + rows)
