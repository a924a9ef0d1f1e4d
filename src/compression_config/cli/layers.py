"""Layers that a word names on the command line: by name, by a pattern, or by a part of their names."""

from __future__ import annotations

from typing import NamedTuple

from compression_config.errors import UnknownLayer, UsageError
from compression_config.inventory import Inventory
from compression_config.suggestions import MOST_PARTS, LayerNames, covering_parts
from compression_config.text import Notation, layers_words, represented, written
from compression_config.wildcards import MOST_STEPS, has_wildcards, readings

__all__ = ["Named", "layers_named"]

_MOST_NAMES = 8


class Named(NamedTuple):
    """The layers that a word names."""

    positions: list[int]
    """In the model's order; at least one."""
    words: str
    """How the word names them; empty for the name of a layer."""
    key: str
    """Under which key of a selector `elements` select just these layers; empty where that is not short."""
    elements: tuple[str, ...]

    def selector(self, notation: Notation) -> str:
        """Return what selects these layers in a config list; the empty string where that is not short."""
        return written(self.key, self.elements, notation) if self.key else ""


def layers_named(word: str, inventory: Inventory) -> Named:
    """Return the layers that a word names: the one of that name or alias, else those of a pattern or a partial name.

    A pattern is read as hints read it (D21): `*` stays inside a component, `**` crosses dots, and braces are what
    tables write. Raises `UnknownLayer` with the nearest names where it names none.
    """
    position = inventory.position(word)
    if position is not None:
        return Named([position], "", "", ())
    positions: list[int]
    if has_wildcards(word):
        positions, where = _matched(word, inventory)
        if positions:
            key, elements = _selector_of(positions, inventory)
            return Named(positions, f"'{word}' matches {layers_words(len(positions))}{where}", key, elements)
    elif word:
        positions = _containing(word, inventory)
        if positions:
            words = f"'{word}' is in the name{'s' * (len(positions) > 1)} of {layers_words(len(positions))}"
            return Named(positions, words, "op_partial_names", (word,))
    raise UnknownLayer(word, inventory.nearest(word))


def _matched(word: str, inventory: Inventory) -> tuple[list[int], str]:
    """Return the layers whose names or aliases a pattern matches, and where in the names; none where it is not one."""
    names = {**dict(zip(inventory.names, range(len(inventory)), strict=True)), **inventory.aliases}
    longest = max(map(len, names), default=0)
    for reading in readings(word, part=False):
        if reading.cost(len(names), longest) > MOST_STEPS:
            raise UsageError(f"{represented(word)} takes too long to match: write fewer wildcards")
        if found := sorted({position for name, position in names.items() if reading.matches(name)}):
            return found, "" if reading.where == "in full" else f" {reading.where} of their names"
    return [], ""


def _containing(part: str, inventory: Inventory) -> list[int]:
    """Return the layers that a partial name selects."""
    by_name = {position for position, name in enumerate(inventory.names) if part in name}
    return sorted(by_name | {position for alias, position in inventory.aliases.items() if part in alias})


def _selector_of(positions: list[int], inventory: Inventory) -> tuple[str, tuple[str, ...]]:
    """Return key and elements of a short selector of exactly these layers; empty without one."""
    names = [inventory.names[position] for position in positions]
    owners = {
        **{name: name for name in inventory.names},
        **{a: inventory.names[p] for a, p in inventory.aliases.items()},
    }
    layers, meant = LayerNames(owners), frozenset(names)

    def taken(part: str) -> frozenset[str] | None:
        found = frozenset(owners[name] for name in layers.containing(part))
        return found if found <= meant else None

    parts = covering_parts(names, taken, MOST_PARTS) if len(names) > 1 else None
    if parts and (len(parts) == 1 or len(parts) < len(names) // 2):
        return "op_partial_names", tuple(parts)
    return ("op_names", tuple(names)) if len(names) <= _MOST_NAMES else ("", ())
