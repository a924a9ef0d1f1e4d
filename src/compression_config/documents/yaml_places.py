"""Where things are in a YAML text that its events do not tell: what lies behind an anchor, a tag, a gap."""

from __future__ import annotations

import re

from compression_config.documents.positions import Spot, make_spot

__all__ = ["WHITE_SPACE", "behind_gap", "behind_properties", "tag_place"]

_BREAKS = "\r\n\x85\u2028\u2029"
WHITE_SPACE = " \t" + _BREAKS
"""What the parsers skip; as in YAML 1.1, with three line breaks that editors do not count as such."""

# The quantifiers are possessive: a gap of millions of lines would otherwise fill the memory with ways back.
_GAP = re.compile(rf"(?:[{WHITE_SPACE}]++|#[^{_BREAKS}]*+)*+")
_TAG = rf"!<[^>]*+>|![^{WHITE_SPACE},\[\]{{}}]*+"
_PROPERTIES = re.compile(rf"(?:(?:&[\w-]++|{_TAG}){_GAP.pattern})++", re.ASCII)
_COMMENT_OR_TAG = re.compile(rf"#[^{_BREAKS}]*+|({_TAG})")


def behind_gap(text: str, index: int) -> int:
    r"""Return where the next token begins at or after `index`: behind white space and comments.

    >>> behind_gap("a: # said\n  b", 2)
    12
    """
    found = _GAP.match(text, index)
    return found.end() if found else index


def behind_properties(text: str, index: int) -> int:
    """Return where the node itself begins whose anchor or tag stands at `index`.

    >>> behind_properties("&name !!str value", 0)
    12
    """
    found = _PROPERTIES.match(text, index)
    return found.end() if found else index


def tag_place(text: str, start: int, end: int) -> Spot:
    """Return where the tag stands among the properties from `start` to `end`; all of them if there is none."""
    for found in _COMMENT_OR_TAG.finditer(text, start, end):
        if found[1]:
            return make_spot(*found.span())
    return make_spot(start, end)
