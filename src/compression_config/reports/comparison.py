"""A comparison as people read it: what changes for which layers and why, and what that does to the budget."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple

from compression_config.configs.sub_config import Kind
from compression_config.differences import Change, Decision, Difference
from compression_config.reports.layout import DEFAULT_WIDTH, EMPTY, Line, Part, Row, Style, line, paragraph, table
from compression_config.reports.resolution import bytes_words
from compression_config.reports.tables import markdown_code, markdown_table, markdown_text
from compression_config.serialization import FORMAT_VERSION
from compression_config.text import cut, joined, layers_words, more_words, percent_words

__all__ = [
    "FIGURES_HEADER",
    "ChangedLayers",
    "Figure",
    "Section",
    "comparison_as_markdown",
    "comparison_lines",
    "comparison_to_dict",
    "figures",
    "sections",
    "size_words",
    "summary",
    "title",
]


# What every form of the report shows.


class ChangedLayers(NamedTuple):
    """Layers under one written name that change because of the same two sub-configs."""

    names: str
    number: int
    before: str
    """The deciding sub-config; empty for layers that only the new model has."""
    after: str
    """Likewise; empty for layers that only the old model has."""

    @property
    def because(self) -> str:
        """Which sub-configs decide before and after."""
        return " -> ".join(filter(None, (self.before, self.after)))


class Section(NamedTuple):
    """Layers that get the same before, and the same after."""

    before: str | None
    """In words; None for layers that only the new model has."""
    after: str | None
    """In words; None for layers that only the old model has."""
    layers: int
    numel: int | None
    """Number of elements of their weights; None when it is not known."""
    changes: tuple[Change, ...]

    @property
    def heading(self) -> str:
        """What changes, in words."""
        if self.before is None:
            return f"{self.after} (only in the new model)"
        if self.after is None:
            return f"{self.before} (only in the old model)"
        return f"{self.before} -> {self.after}"

    def rows(self, longest: int | None = None) -> Iterator[ChangedLayers]:
        """Yield the layers, folded, those of one pair of sub-configs after the other."""
        one_file = all(len({d.source for d in side if d}) <= 1 for side in self._sides)
        for change in self.changes:
            before, after = (_decided_words(decision, one_file) for decision in (change.before, change.after))
            for group in change.written(longest):
                yield ChangedLayers(group.written, group.count, before, after)

    @property
    def _sides(self) -> tuple[list[Decision | None], list[Decision | None]]:
        return [change.before for change in self.changes], [change.after for change in self.changes]


def _decided_words(decision: Decision | None, one_file: bool) -> str:
    """Return which sub-config decides, and where it is written."""
    if decision is None:
        return ""
    if decision.label is None:
        return "no sub-config"
    if decision.line is None:
        return decision.label
    where = f"line {decision.line}" if one_file else f"{decision.source}:{decision.line}"
    return f"{decision.label} {where}"


def sections(difference: Difference) -> list[Section]:
    """Return all that changes by what it changes from and to, that of the largest weights first."""
    found: dict[tuple[str | None, str | None], list[Change]] = {}
    for change in (*difference.changes, *difference.added, *difference.removed):
        found.setdefault(change.gets, []).append(change)
    rows = [Section(*gets, _layers(changes), _numel(changes), tuple(changes)) for gets, changes in found.items()]
    return sorted(rows, key=lambda section: (-(section.numel or 0), -section.layers))


def _layers(changes: Iterable[Change]) -> int:
    return sum(len(change.layers) for change in changes)


def _numel(changes: Iterable[Change]) -> int | None:
    numels = [change.numel for change in changes]
    return None if None in numels else sum(numel for numel in numels if numel is not None)


def title(difference: Difference) -> str:
    """Return what is compared: "pruning of BertForMaskedLM"."""
    old, new = (model or "a model" for model in difference.models)
    return f"{difference.kind} of {old}" + ("" if old == new else f" and {new}")


def summary(difference: Difference) -> str:
    """Return how many layers change, in a few words."""
    if difference.equal:
        return f"no change for any of {layers_words(difference.sizes[1])}"
    shared = difference.sizes[1] - _layers(difference.added)
    parts = []
    if difference.changed:
        share = percent_words(difference.changed, shared)
        verb = "changes" if difference.changed == 1 else "change"
        parts.append(f"{difference.changed:,} of {layers_words(shared)} {verb} ({share})")
    for changes, which in ((difference.added, "new"), (difference.removed, "old")):
        if changes:
            parts.append(f"{layers_words(_layers(changes))} only in the {which} model")
    return joined(parts)


class Figure(NamedTuple):
    """A count of the whole model, before and after, in words."""

    name: str
    before: str
    after: str
    change: str
    """Empty where both are equal."""


def _number_change(before: float, after: float) -> str:
    return f"{after - before:+,}" + (f" ({(after - before) / before:+.1%})".replace("%", " %") if before else "")


def _points(before: float, after: float) -> str:
    points = 100 * (after - before)
    if abs(points) < 0.05:  # noqa: PLR2004 - what would be rounded to 0.0
        return f"{'+' if points > 0 else '-'}<0.1 points"
    return f"{points:+.1f} points"


def _relative(before: float, after: float) -> str:
    return f"{(after - before) / before:+.1%}".replace("%", " %") if before else ""


class _Count(NamedTuple):
    """How a count of a model is shown."""

    key: str
    """Its name in the budget."""
    name: str
    words: Callable[[Any], str]
    change: Callable[[float, float], str]


_COUNTS: Final[Mapping[Kind, Sequence[_Count]]] = {
    "pruning": (
        _Count("masked", "masked elements", "{:,}".format, _number_change),
        _Count("masked_share", "share of compressed weights", percent_words, _points),
        _Count("masked_share_of_all", "share of all parameters", percent_words, _points),
    ),
    "quantization": (
        _Count("mean_bits", "bits per parameter", "{:.2f}".format, _relative),
        _Count("bytes_after", "size of all parameters", bytes_words, _relative),
    ),
}


def figures(difference: Difference) -> list[Figure]:
    """Return what becomes of the counts of the model, those that are known."""
    found = []
    for count in _COUNTS[difference.kind]:
        old, new = (budget.get(count.key) for budget in difference.budgets)
        if old is None and new is None:
            continue
        before, after = ("unknown" if value is None else count.words(value) for value in (old, new))
        change = "" if old == new or old is None or new is None else count.change(old, new)
        found.append(Figure(count.name, before, after, change))
    return found


FIGURES_HEADER = ("", "before", "after", "change")


# Text.

_INDENT = 6


def comparison_lines(differences: Sequence[Difference], width: int | None = None) -> Iterator[Line]:
    """Yield the report of a comparison, part by part.

    `width` is that of the terminal, in columns; None without one: tables then take 100.
    """
    for number, difference in enumerate(differences):
        if number:
            yield EMPTY
        heading = Part(title(difference), Style.HEADING), Part(": "), Part(summary(difference), Style.STRONG)
        yield from paragraph(heading, width, indent=4)
        if not difference.equal:
            yield from _section_lines(sections(difference), difference, width or DEFAULT_WIDTH)
            yield from _figure_lines(difference, width or DEFAULT_WIDTH)


def _section_lines(found: Sequence[Section], difference: Difference, width: int) -> Iterator[Line]:
    rows: list[Row] = []
    ends: list[int] = []
    for section in found:
        rows += (
            (Part(row.names), Part(f"{row.number:,}"), Part(row.because, Style.QUIET))
            for row in section.rows(width - _INDENT)
        )
        ends.append(len(rows))
    laid_out = list(table(rows, width, right={1}, indent=_INDENT))
    start = 0
    for section, end in zip(found, ends, strict=True):
        yield EMPTY
        style = Style.GOOD if section.before is None else Style.WARNING if section.after is None else Style.STRONG
        yield from paragraph(line(section.heading, style), width, indent=4)
        yield from paragraph((Part("    "), Part(size_words(section, difference))), width, indent=4)
        for lines in laid_out[start:end]:
            yield from lines
        start = end


def size_words(section: Section, difference: Difference) -> str:
    """Return how many layers and weight elements change, and which share of the model that is."""
    words = layers_words(section.layers)
    whole = difference.budgets[section.after is not None].get("parameters")
    if not section.numel:
        return words
    share = f" ({percent_words(section.numel, whole)} of all parameters)" if whole else ""
    return f"{words}, {section.numel:,} weight elements{share}"


def _figure_lines(difference: Difference, width: int) -> Iterator[Line]:
    found = figures(difference)
    if found:
        rows: list[Row] = [tuple(Part(text, Style.QUIET) for text in FIGURES_HEADER)]
        rows += (
            (Part(figure.name), Part(figure.before), Part(figure.after, Style.STRONG), Part(figure.change))
            for figure in found
        )
        yield EMPTY
        for lines in table(rows, width, right={1, 2, 3}):
            yield from lines


# JSON.


def comparison_to_dict(differences: Sequence[Difference]) -> dict[str, Any]:
    """Return a comparison as versioned plain data, ready for JSON; docs/cli.md has its shape."""
    return {
        "format": "compression-config-comparison",
        "version": FORMAT_VERSION,
        "equal": all(difference.equal for difference in differences),
        **{difference.kind: difference.to_dict() for difference in differences},
    }


# Markdown.

_MOST_CHARACTERS = 65_000
"""What a comment on GitHub may have is 65,536; the rest is for who puts a line of its own before it."""
_NAME = 300
"""How many characters of a name are shown."""


def comparison_as_markdown(differences: Sequence[Difference]) -> str:
    """Return a comparison for a comment on a pull request, which has a limit, with how much was left out."""
    blocks: list[str] = []
    tables: list[tuple[int, Difference]] = []
    for difference in differences:
        blocks.append(f"### {_short(title(difference))}: {summary(difference)}")
        blocks += filter(None, ["\n".join(_figures_table(difference))])
        if not difference.equal:
            tables.append((len(blocks), difference))
            blocks.append("")
    room = _MOST_CHARACTERS - sum(len(block) + 2 for block in blocks)
    for number, (place, difference) in enumerate(tables):
        blocks[place] = _changes_table(difference, room // (len(tables) - number))
        room -= len(blocks[place])
    return "\n\n".join(blocks) + "\n"


def _figures_table(difference: Difference) -> list[str]:
    rows = figures(difference)
    return [] if difference.equal else markdown_table(FIGURES_HEADER, rows)


def _changes_table(difference: Difference, room: int) -> str:
    """Return the changes as a table of at most `room` characters."""
    header = ("layers", "number", "before", "after", "decided by")
    cells = (
        (
            _short_code(row.names),
            f"{row.number:,}",
            _short(section.before or "not in the model"),
            f"**{_short(section.after or 'not in the model')}**",
            _short(row.because),
        )
        for section in sections(difference)
        for row in section.rows()
    )
    lines = markdown_table(header, [("",) * len(header)])[:2]
    left = room - sum(map(len, lines)) - _NOTE
    rows_left = layers_left = 0
    for row in cells:
        text = markdown_table(header, [row])[2]
        left -= len(text) + 1
        if left < 0:
            rows_left += 1
            layers_left += int(row[1].replace(",", ""))
        else:
            lines.append(text)
    if rows_left:
        cause = f"{more_words(rows_left)} rows with {layers_words(layers_left)} do not fit into a comment"
        lines += ["", f"{cause}: the formats text, json and html show them."]
    return "\n".join(lines)


_NOTE = 200
"""How many characters are kept for the sentence about what was left out."""


def _short(text: str) -> str:
    return markdown_text(cut(text, _NAME))


def _short_code(text: str) -> str:
    return markdown_code(cut(text, _NAME))
