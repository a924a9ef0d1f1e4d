"""Whether a dict is a sub-config, by its keys alone: for files and scripts that hold other data as well."""

from __future__ import annotations

import functools
import re
from collections.abc import Collection, Iterable
from typing import Final, Literal, TypeAlias

from compression_config.configs.dialects import FOREIGN_KEYS
from compression_config.configs.sub_config import SELECTOR_KEYS
from compression_config.configs.validation import CONFIG_TYPES
from compression_config.text import nearest

__all__ = ["SETTINGS", "Likeness", "is_config_list", "is_foreign", "likeness", "may_hold_sub_configs"]

Likeness: TypeAlias = Literal["ours", "foreign"] | None
"""What a dict is by its keys: a sub-config, one of another dialect, or something else."""

SETTINGS: Final = frozenset(
    key for config in CONFIG_TYPES.values() for key in config.model_fields if key not in (*SELECTOR_KEYS, "exclude")
)
"""The keys that set how layers are compressed."""

_FOREIGN = frozenset(key for key, foreign in FOREIGN_KEYS.items() if foreign.dialect.startswith("NNI"))
"""Keys of the other dialects that select layers by the same keys."""
_FOREIGN_SETTINGS = frozenset(key for key in _FOREIGN if FOREIGN_KEYS[key].stands_for or key.startswith("exclude_op"))
_SELECTOR = re.compile(rf"(['\"])(?:{'|'.join(SELECTOR_KEYS)})\1|\b(?:{'|'.join(SELECTOR_KEYS)})\s*:|\bdict\(")
_SELECTOR_LIKE = re.compile(r"['\"\s(]op_?(?:partial_?)?(?:name|type)s?['\"\s=:]", re.IGNORECASE)
_SETTING = re.compile(rf"\b(?:{'|'.join(sorted(SETTINGS))})\b")
_PARTS_OF_SETTINGS = ("spars", "quant", "exclude", "q_bits", "target_")
"""Every setting, those of other dialects included, contains one of these, or is misspelt."""


def may_hold_sub_configs(text: str) -> bool:
    """Return whether a text can hold a sub-config: fast, for the many files that hold none.

    Plain searches come first, as they are many times faster than those for a pattern.
    """
    if any(key in text for key in SELECTOR_KEYS):
        return any(part in text for part in _PARTS_OF_SETTINGS) and _SELECTOR.search(text) is not None
    if "sparsity" not in text and "quant_" not in text:
        return False
    return _SETTING.search(text) is not None and _SELECTOR_LIKE.search(text) is not None


def likeness(keys: Collection[object]) -> Likeness:
    """Return what a dict in a list is by its keys.

    A sub-config has a selector and a setting or `exclude`; one of the two may be misspelt, or a key of another
    dialect. Where most keys are neither legal nor similar to a legal one it is a record of something else.

    >>> likeness(["op_types", "sparsity"]), likeness(["op_types", "sparse_ratio"]), likeness(["op_names", "accuracy"])
    ('ours', 'foreign', None)
    """
    given = frozenset(key for key in keys if isinstance(key, str))
    known = given & (SETTINGS | {*SELECTOR_KEYS, "exclude"})
    if not known:
        return None
    foreign = given & _FOREIGN
    strange = given - known - foreign
    misspelt = {key: meant for key in strange if (meant := _meant(key)) is not None}
    unlike = len(strange) - len(misspelt)
    settings = given & _FOREIGN_SETTINGS or (SETTINGS | {"exclude"}) & {*known, *misspelt.values()}
    if not known.isdisjoint(SELECTOR_KEYS):
        if not settings or unlike >= len(known) + len(foreign) + len(misspelt):
            return None
    elif (
        unlike
        or known.isdisjoint(SETTINGS)
        or not (set(SELECTOR_KEYS).intersection(misspelt.values()) or any(_selects(key) for key in foreign))
    ):
        return None
    return "foreign" if foreign else "ours"


def _selects(key: str) -> bool:
    return not set(SELECTOR_KEYS).isdisjoint(FOREIGN_KEYS[key].stands_for)


@functools.lru_cache(maxsize=4096)
def _meant(key: str) -> str | None:
    """Return the legal key that an unknown one resembles, or None."""
    return nearest(key, (*SELECTOR_KEYS, "exclude", *sorted(SETTINGS)))


def is_foreign(config_list: Iterable[object]) -> bool:
    """Return whether one of the dicts in a list is a sub-config of another dialect."""
    return any(isinstance(part, dict) and likeness(part) == "foreign" for part in config_list)


def is_config_list(data: Iterable[object]) -> bool:
    """Return whether one of the dicts in a list is a sub-config, and none is one of another dialect."""
    parts = {likeness(part) for part in data if isinstance(part, dict)}
    return "ours" in parts and "foreign" not in parts
