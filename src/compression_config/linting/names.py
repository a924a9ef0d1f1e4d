"""Partial names that end or begin in the middle of a number: `layer.1` is in `layer.10` too."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from compression_config.configs.sub_config import SubConfig
from compression_config.findings import Code, Finding
from compression_config.resolving.resolved import Resolved
from compression_config.text import Notation, layers_words, number_order, written

__all__ = ["boundary_findings"]


_LONG_NUMBER = re.compile(r"\d\d")
_LONGEST = 500
"""How many characters a partial name and a layer's name have that are looked at; real ones have a tenth of it."""
_MOST = 64
"""So many partial names a layer's name contains that is looked at."""
_NAMED = 2
"""So many of the longer numbers are named; of more of them the first and the last."""


@dataclass(slots=True)
class _Reach:
    """What one partial name takes of the layers that its sub-config decides."""

    longer: dict[str, None] = field(default_factory=dict)
    """The texts with longer numbers in which it was found, and nothing else selects the layer."""
    layers: int = 0
    """How many layers it takes by them."""
    before: set[str] = field(default_factory=set)
    """The letters before it where it stands for a whole number; "" at the start of a name."""
    after: set[str] = field(default_factory=set)
    names: dict[str, None] = field(default_factory=dict)
    """The names that end with it there."""


def boundary_findings(resolved: Resolved) -> Iterator[Finding]:
    """Yield the partial names that take layers by a longer number than they show, in list order.

    Only layers count that the sub-config decides, and that no other element of its selector holds for.
    """
    for index, config in enumerate(resolved.config_list):
        parts = config.op_partial_names or ()
        if resolved.decided[index] and any(part[0].isdecimal() or part[-1].isdecimal() for part in parts):
            elements = {part: element for element, part in reversed(tuple(enumerate(parts)))}
            for part, reach in _reaches(resolved, index, config).items():
                yield _finding(resolved, (index, "op_partial_names", elements[part]), part, reach)


def _reaches(resolved: Resolved, index: int, config: SubConfig) -> dict[str, _Reach]:
    """Return the partial names of a sub-config that take longer numbers beside the one that they show."""
    parts, full_names = frozenset(config.op_partial_names or ()), frozenset(config.op_names or ())
    names = resolved.inventory.names
    reaches: dict[str, _Reach] = {}
    for position in resolved.decided[index]:
        name = names[position]
        if len(name) > _LONGEST or _LONG_NUMBER.search(name) is None or name in full_names:
            continue
        contained = parts.intersection(resolved.selection.few_partial_names_in(position, _MOST) or ())
        longer = {part: text for part in contained if (text := _longer_number(part, name)) is not None}
        if len(longer) == len(contained):
            for part, text in longer.items():
                reach = reaches.setdefault(part, _Reach())
                reach.longer[text] = None
                reach.layers += 1
    if reaches:
        for position in resolved.decided[index]:
            if len(names[position]) <= _LONGEST:
                for part in reaches.keys() & (resolved.selection.few_partial_names_in(position, _MOST) or ()):
                    _note_whole_numbers(reaches[part], part, names[position])
    return {part: reaches[part] for part in config.op_partial_names or () if part in reaches and reaches[part].after}


def _longer_number(part: str, name: str) -> str | None:
    """Return `part` with the whole of the numbers that it cuts, in `name`; None where it cuts none.

    >>> _longer_number("layer.1", "layer.10.fc")
    'layer.10'
    """
    longer = None
    for start, end in _places(part, name):
        if not (_cuts(name, start) or _cuts(name, end)):
            return None
        while _cuts(name, start):
            start -= 1  # noqa: PLW2901 - to the start of the number
        while _cuts(name, end):
            end += 1  # noqa: PLW2901 - to its end
        longer = longer or name[start:end]
    return longer


def _cuts(name: str, place: int) -> bool:
    """Return whether `place` lies in the middle of a number."""
    return 0 < place < len(name) and name[place - 1].isdecimal() and name[place].isdecimal()


def _places(part: str, name: str) -> Iterator[tuple[int, int]]:
    start = name.find(part)
    while start >= 0:
        yield start, start + len(part)
        start = name.find(part, start + 1)


def _note_whole_numbers(reach: _Reach, part: str, name: str) -> None:
    for start, end in _places(part, name):
        if not (_cuts(name, start) or _cuts(name, end)):
            reach.before.add(name[start - 1 : start])
            reach.after.add(name[end : end + 1])
            if end == len(name):
                reach.names[name] = None


def _finding(resolved: Resolved, path: tuple[int, str, int], part: str, reach: _Reach) -> Finding:
    texts = sorted(reach.longer, key=lambda text: [number_order(number) for number in re.findall(r"\d+", text)])
    shown = " and ".join(f"'{text}'" for text in texts)
    if len(texts) > _NAMED:
        shown = f"'{texts[0]}' to '{texts[-1]}'"
    message = f"'{part}' also takes {shown}, {layers_words(reach.layers)} more"
    notation = resolved.config_list.provenance.notation(path)
    return Finding.at(
        resolved.config_list.provenance.place(path), Code.DIGIT_BOUNDARY, message, _hint(part, reach, notation)
    )


def _hint(part: str, reach: _Reach, notation: Notation) -> str:
    """Return the partial name that stops at the number, where the layers that it is to keep allow for one."""
    ended = part
    if part[-1].isdecimal():
        ended = part + "." if "." in reach.after else ""
    if ended and part[0].isdecimal():
        ended = "." + ended if "." in reach.before else ""
    if ended:
        return f"write '{ended}'"
    if len(reach.names) == 1:
        return f"write {written('op_names', list(reach.names), notation)}"
    return "write the names in full, in 'op_names'"
