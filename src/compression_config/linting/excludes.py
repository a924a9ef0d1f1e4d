"""Excludes that leave layers compressed which they seem to spare: written too early, or of a container (D3)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from compression_config.configs.sub_config import SubConfig
from compression_config.findings import Code, Finding, Severity
from compression_config.linting.hints import Hints, Offer, Spot, paths_of
from compression_config.resolving.resolved import Resolved, Status
from compression_config.suggestions import block_form
from compression_config.text import names_words

__all__ = ["exclude_findings"]


def exclude_findings(resolved: Resolved) -> Iterator[Finding]:
    """Yield the excludes of containers, and those that change nothing, in list order.

    An exclude that decides about no layer at all is reported where sub-configs are overwritten. One that states which
    blocks of a sequence are left alone, while the others are compressed, changes nothing either, and is fine.
    """
    excludes = [
        index for index, config in enumerate(resolved.config_list) if config.exclude and resolved.decided[index]
    ]
    if not excludes:
        return
    containers = _Containers(resolved)
    compressed_forms: frozenset[str] | None = None
    for index in excludes:
        found = list(containers.findings(index))
        yield from found
        if found or any(resolved.compressed_without_excludes(position) for position in resolved.decided[index]):
            continue
        if later := _compressed_later(resolved, index):
            yield _too_early(resolved, index, later)
            continue
        if compressed_forms is None:
            compressed_forms = frozenset(_forms(resolved, _compressed(resolved)))
        if compressed_forms.isdisjoint(_forms(resolved, resolved.decided[index])):
            message = "this exclude has no effect: no earlier sub-config compresses a layer that it excludes"
            hint = "delete it, unless it is a safeguard"
            place = resolved.config_list.provenance.place((index, "exclude"), key=True)
            yield Finding.at(place, Code.EXCLUDE_WITHOUT_EFFECT, message, hint, severity=Severity.NOTE)


def _compressed(resolved: Resolved) -> Iterator[int]:
    return (p for p in range(len(resolved.inventory)) if resolved.status(p) is Status.COMPRESSED)


def _forms(resolved: Resolved, positions: Iterator[int] | Sequence[int]) -> Iterator[str]:
    return (block_form(resolved.inventory.names[position]) for position in positions)


def _compressed_later(resolved: Resolved, index: int) -> list[int]:
    """Return the layers that an exclude selects and a later sub-config compresses."""
    selected = resolved.selection.selected(index)
    return [p for p in selected if resolved.decided_by[p] > index and resolved.status(p) is Status.COMPRESSED]


def _too_early(resolved: Resolved, index: int, later: Sequence[int]) -> Finding:
    deciders = sorted({resolved.decided_by[position] for position in later})
    names = names_words(resolved.inventory.names[position] for position in later)
    verb = "compresses" if len(deciders) == 1 else "compress"
    message = f"this exclude has no effect: {resolved.labels(deciders)} {verb} {names}, which it selects"
    hint = f"delete it, or move it after {resolved.label(deciders[-1])} so that it takes effect"
    place = resolved.config_list.provenance.place((index, "exclude"), key=True)
    return Finding.at(place, Code.EXCLUDE_WITHOUT_EFFECT, message, hint)


class _Containers:
    """Excluded containers that have compressed layers in them."""

    def __init__(self, resolved: Resolved) -> None:
        self._resolved = resolved
        self._hints = Hints(resolved.inventory)
        self._inside: Mapping[str, list[int]] | None = None

    def findings(self, index: int) -> Iterator[Finding]:
        """Yield the names and types of an exclude that mean containers whose layers earlier sub-configs compress."""
        inventory, config = self._resolved.inventory, self._resolved.config_list[index]
        for element, name in enumerate(config.op_names or ()):
            position = inventory.position(name)
            if position is not None and self._resolved.decided_by[position] == index:
                yield from self._finding(index, "op_names", element, [inventory.names[position]])
        if config.names_layers:
            return
        decided = self._resolved.decided[index]
        for element, kind in enumerate(config.op_types or ()):
            names = [inventory.names[position] for position in decided if inventory.types[position] == kind]
            yield from self._finding(index, "op_types", element, names)

    def _finding(self, index: int, key: str, element: int, names: Sequence[str]) -> Iterator[Finding]:
        if not names or not all(map(self._hints.only_holds_layers, names)):
            return
        inside = dict.fromkeys(p for name in names for p in self._compressed_inside.get(name, ()))
        compressed = [p for p in inside if self._resolved.decided_by[p] < index]
        if not compressed:
            return
        deciders = sorted({self._resolved.decided_by[position] for position in compressed})
        layers = names_words(self._resolved.inventory.names[position] for position in compressed)
        config: SubConfig = self._resolved.config_list[index]
        place = self._resolved.config_list.provenance.place((index, key, element))
        spot = Spot(config, place.path, self._resolved.config_list.provenance.notation((index,)))
        offer = self._hints.for_containers(spot, names) or Offer("name the layers in it")
        verb = "compresses" if len(deciders) == 1 else "compress"
        message = f"'{spot.word}' only holds other layers, and {self._resolved.labels(deciders)} still {verb} {layers}"
        fix = spot.edits(offer.key, offer.words) if offer.words else None
        yield Finding.at(place, Code.EXCLUDED_CONTAINER, message, offer.hint, fix=fix)

    @property
    def _compressed_inside(self) -> Mapping[str, list[int]]:
        """The path to a container -> the compressed layers in it."""
        if self._inside is None:
            inside: dict[str, list[int]] = {}
            for position in _compressed(self._resolved):
                for path in paths_of(self._resolved.inventory.names[position]):
                    inside.setdefault(path[:-1], []).append(position)
            self._inside = inside
        return self._inside
