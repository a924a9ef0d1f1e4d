"""Safetensors files for the layers of `samples`, written by hand."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

__all__ = ["saved", "with_zeros"]


def saved(path: Path, tensors: Mapping[str, Any]) -> None:
    """Write a safetensors file by hand: the length of a header, the header, the bytes."""
    header: dict[str, Any] = {}
    data = b""
    for name, array in tensors.items():
        taken = np.ascontiguousarray(array, dtype="<f4").tobytes()
        shape = list(np.shape(array))
        header[name] = {"dtype": "F32", "shape": shape, "data_offsets": [len(data), len(data) + len(taken)]}
        data += taken
    text = json.dumps(header).encode()
    path.write_bytes(len(text).to_bytes(8, "little") + text + data)


def with_zeros(masked: int) -> Any:
    """Return the weight of a layer of `net.json` with so many zeros."""
    weight = np.ones(100)
    weight[:masked] = 0
    return weight.reshape(10, 10)
