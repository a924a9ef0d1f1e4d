"""Lines of a config list as YAML writes them: what a remedy tells people to write."""

from __future__ import annotations

import re
from collections.abc import Iterable

__all__ = ["written"]

_PLAIN = re.compile(r"[^\W\d][\w-]*(\.[\w-]+)*")
_YAML_WORDS = frozenset({"true", "false", "null", "yes", "no", "on", "off", "y", "n"})


def written(key: str, words: Iterable[str]) -> str:
    """Return a key with a list of names as one line of YAML.

    >>> written("op_names", ["fc1", "0", "layer1."])
    "op_names: [fc1, '0', 'layer1.']"
    """
    return f"{key}: [{', '.join(map(_scalar, words))}]"


def _scalar(word: str) -> str:
    if _PLAIN.fullmatch(word) and word.casefold() not in _YAML_WORDS:
        return word
    return "'" + word.replace("'", "''") + "'"
