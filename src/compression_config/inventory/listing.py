"""The layers of a model as rows for people: those of one type and one weight together, under folded names."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from compression_config.html import element, escaped, fragment, table
from compression_config.inventory.layer import Layer, OwnParameters, numel_of
from compression_config.patterns import NameGroups
from compression_config.text import layers_words, percent_words

__all__ = ["LISTING_HEADER", "as_html", "listing", "parameters_in", "size_words"]


LISTING_HEADER = ("layers", "number", "type", "weight", "of all")

_MOST = 50
"""How many rows a notebook shows."""


def size_words(layers: Sequence[Layer], model: str | None, root: OwnParameters | None) -> str:
    """Return how large a model is: "Net with 2 layers, 220 parameters"; of weights alone where more is not known."""
    parameters = parameters_in(layers, root)
    weights = sum(layer.numel or 0 for layer in layers if layer.tied_to is None)
    size = f", {parameters:,} parameters" if parameters else f", {weights:,} weight elements" if weights else ""
    return f"{model or 'a model'} with {layers_words(len(layers))}{size}"


def parameters_in(layers: Iterable[Layer], root: OwnParameters | None) -> int | None:
    """Return how many elements all parameters have, each once (D20); None when they are not known."""
    if root is None:
        return None
    elements = sum(numel_of(shape) or 0 for name, shape in root.shapes.items() if name not in root.ties)
    for layer in layers:
        own = _elements(layer)
        if own is None:
            return None
        elements += own
    return elements


def _elements(layer: Layer) -> int | None:
    """Return how many elements count for a layer: its weight and its other parameters; None when not all are known."""
    ties = layer.parameter_ties
    numels = [numel_of(shape) for name, shape in layer.parameters.items() if name != "weight" and name not in ties]
    if layer.tied_to is None and layer.has_weight is not False:
        numels.append(layer.numel)
    return None if None in numels else sum(numel for numel in numels if numel is not None)


def listing(layers: Sequence[Layer], root: OwnParameters | None, longest: int | None = None) -> list[tuple[str, ...]]:
    """Return a row for layers that are alike: names, number, type, shape of the weight, and their share of the model.

    That is the share of all parameters, and empty where these are not known. The rows are in the order of the first
    layer of each. See `NameGroups.written` for `longest`.
    """
    whole = parameters_in(layers, root)
    groups = NameGroups(
        (position, layer.name, (layer.type, _weight_words(layer), _elements(layer), layer.tied_to is not None))
        for position, layer in enumerate(layers)
    )

    def rows() -> Iterator[tuple[str, ...]]:
        for group, (layer_type, weight, elements, tied) in groups.written(longest):
            share = "tied" if tied else percent_words(elements * group.count, whole) if elements and whole else ""
            yield group.written, f"{group.count:,}", layer_type, weight, share

    return list(rows())


def _weight_words(layer: Layer) -> str:
    """Return the shape of a weight as people write it; empty without one, and "?" when it is not known."""
    if layer.weight_shape is None:
        return "?" if layer.has_weight else ""
    return "x".join(map(str, layer.weight_shape)) or "scalar"


def as_html(layers: Sequence[Layer], model: str | None, root: OwnParameters | None) -> str:
    """Return what a notebook shows of a model, bounded in size."""
    rows = table(LISTING_HEADER, listing(layers, root), numbers=(1, 4), most=_MOST)
    return fragment(element("h1", escaped(size_words(layers, model, root))) + rows)
