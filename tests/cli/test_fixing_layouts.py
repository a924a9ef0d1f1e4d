"""`validate --fix` in documents of any layout: what is wrong is written right, and every other character stays.

A document is drawn twice from one layout, once with what is wrong and once with what is right in the same places.
"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import pytest
from command_line import command
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st


class Written(NamedTuple):
    """Two texts: one with mistakes, and what a fix makes of it."""

    wrong: str
    right: str

    def __add__(self, other: object) -> Written:
        pair = other if isinstance(other, Written) else Written(str(other), str(other))
        return Written(self.wrong + pair.wrong, self.right + pair.right)

    def __radd__(self, other: str) -> Written:
        return Written(other, other) + self


KEYS = {
    "op_types": ("op_types", "op_type", "op_tpyes", "Op_Types"),
    "op_names": ("op_names", "op_nmaes"),
    "sparsity_per_layer": ("sparsity_per_layer", "sparsity", "sparsity_per_layers"),
    "quant_bits": ("quant_bits", "quant_bit"),
}
RATIOS = (("0.5", "0.5"), ("80", "0.8"), ("Q0.25Q", "0.25"), ("Q30%Q", "0.3"))
BITS = (("8", "8"), ("8.0", "8"), ("Q4Q", "4"))
TYPES = (("[QLinearQ, QConv2dQ]", "[QLinearQ, QConv2dQ]"), ("QLinearQ", "[QLinearQ]"))
NAMES = (
    ("[Qfc.0Q,  Qhöhe😀Q]", "[Qfc.0Q,  Qhöhe😀Q]"),
    ("[Qfc.0Q, 3]", "[Qfc.0Q, N3N]"),
    ("Qfc, headQ", "[QfcQ, QheadQ]"),
)
_QUOTED = ("Q0.25Q", "Q4Q", "Qfc, headQ")
"""What is something else without quotes."""
SETTINGS = {"sparsity_per_layer": RATIOS, "quant_bits": BITS}


class Layout(NamedTuple):
    """How one of the three notations is written."""

    quotes: tuple[str, ...]
    """Those of a key or a value; none where the empty string is among them."""
    newline: str
    comment: str
    """At the end of lines; empty for none."""
    flow: bool
    """Whether a sub-config is in braces."""
    indent: str
    gap: str
    """After a colon."""

    def value(self, pair: tuple[str, str], quote: str) -> Written:
        return Written(*(text.replace("Q", quote).replace("N", quote or "'") for text in pair))

    def joined(self, items: list[Written], start: str) -> Written:
        """Return a sub-config, in braces or in lines of YAML."""
        if not self.flow:
            after = f"{self.comment}{self.newline}"
            text = Written("", "")
            for number, item in enumerate(items):
                text += ("  " if number else start) + item + after
            return text
        inner = f",{self.comment}{self.newline}{self.indent}" if self.newline else ", "
        text = start + Written("{", "{")
        for number, item in enumerate(items):
            text += (inner if number else "") + item
        return text + "}"


def layouts(ending: str) -> st.SearchStrategy[Layout]:
    newlines = st.sampled_from(["\n", "\r\n"])
    if ending == "json":
        quotes, comments, flow = st.just(('"',)), st.just(""), st.just(value=True)
    elif ending == "py":
        quotes = st.sampled_from([("'",), ('"',), ("'", '"')])
        comments, flow = st.sampled_from(["", "  # [1, {'a': 2}]"]), st.just(value=True)
    else:
        quotes = st.sampled_from([("",), ("'",), ('"',), ("", "'", '"')])
        comments, flow = st.sampled_from(["", " # [1, {a: 2}]"]), st.booleans()
    indents = st.sampled_from(["  ", "\t", ""] if ending == "json" else ["    ", "      "])
    return st.builds(Layout, quotes, newlines, comments, flow, indents, st.sampled_from([" ", "  "]))


@st.composite
def documents(draw: st.DrawFn, ending: str) -> Written:
    layout = draw(layouts(ending))
    setting = draw(st.sampled_from(sorted(SETTINGS)))
    quote = st.sampled_from(layout.quotes)
    parts = []
    for _ in range(draw(st.integers(1, 3))):
        items = []
        for key, values in (("op_types", TYPES), ("op_names", NAMES), (setting, SETTINGS[setting])):
            wrong, mark = draw(st.sampled_from(KEYS[key])), draw(quote)
            value, inner = draw(st.sampled_from(values)), draw(quote)
            if not inner and value[0] in _QUOTED:
                inner = '"'
            name = Written(f"{mark}{wrong}{mark}", f"{mark}{key}{mark}")
            items.append(name + f":{layout.gap}" + layout.value(value, inner))
        if setting == "quant_bits":
            mark = draw(quote)
            items.append(Written("", "") + f"{mark}quant_types{mark}: [{mark}weight{mark}, {mark}input{mark}]")
        parts.append(layout.joined(draw(st.permutations(items)), "" if ending != "yaml" else "- "))
    if ending == "yaml":
        text = Written("", "")
        for part in parts:
            text += part + (layout.newline if layout.flow else "")
    else:
        text = Written("[", "[")
        for number, part in enumerate(parts):
            text += (f", {layout.newline}" if number else "") + part
        text += "]"
    if ending == "py":
        text = f"# höhe{layout.newline}rates = {{'a': 1}}; config_list = " + text
    last = draw(st.sampled_from(["", layout.newline]))
    if ending == "yaml" and not layout.flow and not last:
        return Written(text.wrong.removesuffix(layout.newline), text.right.removesuffix(layout.newline))
    return text + last


@pytest.mark.parametrize("ending", ["yaml", "json", "py"])
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data(), mark=st.sampled_from(["", "\ufeff"]))
def test_only_what_is_wrong_changes(ending: str, data: st.DataObject, mark: str) -> None:
    document = data.draw(documents(ending))
    file = Path(f"layout.{ending}")
    file.write_bytes((mark + document.wrong).encode())
    output = command("validate", file, "--fix", "--unsafe-fixes")
    assert file.read_bytes().decode() == mark + document.right, output.answer
    assert output.code == 0
    again = command("validate", file, "--fix", "--unsafe-fixes")
    assert (again.code, again.talk) == (0, "")
