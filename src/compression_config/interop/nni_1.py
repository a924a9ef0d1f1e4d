"""NNI 1.x and 2.x: their config lists, in the format of this library and with keys that some pruners and versions had.

The last config that selects a layer decides, as here, so that no model is needed. Read as the releases from 1.4 on do.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from compression_config.configs.dialects import nni_dialect
from compression_config.configs.sub_config import SELECTOR_KEYS, Kind
from compression_config.configs.validation import CONFIG_TYPES, inferred_kind
from compression_config.findings import Code
from compression_config.interop.base import Engine
from compression_config.interop.importing import Import, Reading
from compression_config.inventory import Inventory
from compression_config.locations import ConfigPath
from compression_config.text import listed

__all__ = ["ENGINE"]

_RENAMED: Mapping[str, str] = {
    "op_name": "op_names",
    "support_type": "op_types",
    "final_sparsity": "sparsity_per_layer",
}
_OF_PRUNERS = ("initial_sparsity", "start_epoch", "end_epoch", "frequency", "prune_iterations", "rho")
"""A schedule, or what else a pruner is told in a config."""


def _read(document: Any, inventory: Inventory | None) -> Import:  # noqa: ANN401 - foreign data
    """Return the config list for one of NNI 1.x or 2.x."""
    reading = Reading("nni-1", inventory)
    if not isinstance(document, Sequence) or isinstance(document, str):
        raise reading.refused("a list of configs", ())
    configs = [reading.mapping(data, (index,)) for index, data in enumerate(document)]
    read = [(index, _sub_config(reading, data, (index,))) for index, data in enumerate(configs)]
    kind: Kind = inferred_kind([config for _, config in read]) or "pruning"
    reading.has_list(kind)
    for index, config in read:
        if config is None:
            continue
        made = CONFIG_TYPES[kind].all_made([config])
        if isinstance(made, tuple):
            reading.write(kind, config)
            continue
        for _, finding in made:
            reading.lose(Code.LOSSY_SETTING, finding.message, (index,), finding.hint_in("python"))
    return reading.done()


def _sub_config(reading: Reading, data: Mapping[str, Any], path: ConfigPath) -> dict[str, Any] | None:
    """Return a config as a sub-config; None for one that selects nothing."""
    config = {_RENAMED.get(key, key): value for key, value in data.items() if key not in (*_OF_PRUNERS, "q_bits")}
    if "q_bits" in data:
        config.update(quant_types=["weight"], quant_bits=data["q_bits"])
    dropped = [key for key in data if key in _OF_PRUNERS]
    if dropped:
        message = f"a config list cannot express the schedule or options of a pruner: {listed(dropped)}"
        reading.lose(Code.LOSSY_DETAIL, message, (*path, dropped[0]))
    if "op_name" in data:
        message = "NNI does not read 'op_name', and compresses the layers that the other selectors leave"
        reading.lose(Code.LOSSY_APPROXIMATION, message, (*path, "op_name"), "check that these layers were meant")
    for key in SELECTOR_KEYS:
        if key in config:
            config[key] = list(reading.names(config[key], (*path, key)))
    if "exclude" in data:
        if not data["exclude"]:
            message = "NNI excludes these layers from version 1.4 on, whatever 'exclude' is"
            reading.lose(
                Code.LOSSY_APPROXIMATION, message, (*path, "exclude"), "delete the sub-config if they were meant"
            )
        return _selecting({key: config[key] for key in SELECTOR_KEYS if key in config} | {"exclude": True})
    if "sparsity" in config and "sparsity_per_layer" in config:
        message = "NNI refuses 'sparsity' beside another ratio for each layer"
        reading.lose(Code.LOSSY_SETTING, message, (*path, "sparsity"))
        del config["sparsity"]
    return _selecting(config)


def _selecting(config: dict[str, Any]) -> dict[str, Any] | None:
    """Return a sub-config without empty selectors; None where they select nothing.

    Partial names stand for names: what matches neither selects nothing, whatever the types are.
    """
    named = [config[key] for key in ("op_names", "op_partial_names") if key in config]
    if (named and not any(named)) or config.get("op_types") == []:
        return None
    return {key: value for key, value in config.items() if key not in SELECTOR_KEYS or value}


def _recognizes(document: Any) -> bool:  # noqa: ANN401
    """Return whether a document is a config list with a key that only NNI 1.x or 2.x have."""
    return nni_dialect(document) == "nni-1"


ENGINE = Engine(
    name="nni-1",
    reads="a config list of NNI 1.x or 2.x",
    version="nni 2.10",
    kinds=("pruning", "quantization"),
    read=_read,
    recognizes=_recognizes,
)
