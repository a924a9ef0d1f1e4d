"""A megabyte of any input: each is made, read and used in a process of its own, within 10 seconds and 500 MB.

The limit of memory is set for the process, so that going beyond it fails. Exits 1 when an input does.

    python tests/benchmarks/one_megabyte.py
"""

from __future__ import annotations

import contextlib
import gzip
import io
import json
import random
import resource
import subprocess
import sys
import tempfile
import time
import zlib
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import compression_config as cc
from compression_config.cli import main as command

SIZE = 10**6
SECONDS, MEGABYTES = 10, 500
LAYERS = [(f"block.{number}.fc", "Linear") for number in range(100)]
LIST = [{"op_types": ["Linear"], "sparsity_per_layer": 0.5}]

Input = Callable[[], object]


def filled(unit: str, start: str = "", end: str = "") -> str:
    """Return a megabyte of `unit` between `start` and `end`."""
    return start + unit * ((SIZE - len(start) - len(end)) // len(unit)) + end


def checked(text: str, text_format: str) -> object:
    """Check a text on the command line: read it, validate it, report it, resolve it where that goes."""
    with tempfile.TemporaryDirectory() as place, contextlib.redirect_stdout(io.StringIO()):
        path, model = Path(place) / f"list.{text_format}", Path(place) / "model.json"
        path.write_text(text, encoding="utf-8")
        cc.Inventory.from_layers(LAYERS).save(model)
        with contextlib.redirect_stderr(io.StringIO()):
            return command(["validate", str(path), "-m", str(model)])


def texts() -> Iterator[tuple[str, str, str]]:
    """Yield name, text and format of config lists."""
    keys = ", ".join(f'"{letter}": 1' for letter in "abcdefghij")
    for text_format in ("yaml", "json"):
        yield "wrong keys", filled(f"{{{keys}}},\n", "[", "{}]"), text_format
        yield "wrong keys on one line", filled(f"{{{keys}}}, ", "[", "{}]"), text_format
        yield "numbers", filled("1, ", "[", "1]"), text_format
        yield "brackets", filled("["), text_format
        yield "empty lists", filled("[], ", "[", "[]]"), text_format
        yield "one word", filled("a", '"', '"'), text_format
        yield "open quote", filled("a ", '"'), text_format
        sub_config = '{"op_names": ["a", "a", "b"], "sparsity_per_layer": 0.5},\n'
        yield "sound sub-configs", filled(sub_config, "[", sub_config.strip(",\n") + "]"), text_format
        for key in ("op_names", "op_partial_names", "op_types"):
            start, end = f'[{{"sparsity_per_layer": 0.5, "{key}": [', '"a"]}]'
            words = (f'"{word:06}", ' for word in range(SIZE // 10))
            yield f"unknown {key}", start + "".join(list(words)[: SIZE // 10 - 20]) + end, text_format
            for unit in ("{a,", "(a|", "[a", ".*", "1", "1.", "a.", "a_", "a[0]"):
                yield f"{key} of {unit}", filled(unit, start + '"', '", ' + end), text_format
        noise = random.Random(0)  # noqa: S311 - a fixed seed is the point
        yield "noise", "".join(noise.choices("[]{}:,-&*!|>'\"%@`# \n\ta1", k=SIZE)), text_format
    yield "aliases", filled("- *a\n", "- &a {op_types: [Linear], sparsity: 80}\n"), "yaml"
    yield "merges", filled("- {<<: *a, b: 1}\n", "- &a {op_types: [Linear], sparsity: 0.5}\n"), "yaml"
    yield "tags", filled("!a ! "), "yaml"
    yield "exclamation marks", filled("!"), "yaml"
    yield "comments", filled("# a\n"), "yaml"
    yield "script", filled("    {'op_types': ['Linear'], 'sparsity': 80},\n", "config_list = [\n", "]\n"), "py"
    yield "nested script", filled("("), "py"
    yield "blanks in a script", filled(" ", "", "!"), "py"
    yield "calls in a script", filled("a.append({'op_types': [1]})\n", "a = [{'sparsity': 1}]\n"), "py"


def inventory(text: str, ending: str) -> object:
    """Load an inventory, and use it where it is one."""
    with tempfile.TemporaryDirectory() as place:
        path = Path(place) / f"model{ending}"
        path.write_bytes(gzip.compress(text.encode()) if ending.endswith(".gz") else text.encode())
        try:
            layers = cc.Inventory.load(path)
        except cc.CompressionConfigError as error:
            return len(str(error))
        return len(str(cc.resolve(LIST, layers, unmatched="ignore")))


def inventories() -> Iterator[tuple[str, str, str]]:
    """Yield name, text and ending of inventory files."""
    head = '{"format": "compression-config-inventory", "version": 1, "layers": ['
    layers = ", ".join(
        f'{{"name": "block.{number}.fc", "type": "Linear", "weight_shape": [8, 8]}}' for number in range(14_000)
    )
    aliases = ", ".join(f'"alias.{number}"' for number in range(50_000))
    axes = ", ".join(["1"] * 300_000)
    for ending in (".json", ".yaml", ".json.gz"):
        yield "layers", f"{head}{layers}]}}", ending
        yield "aliases", f'{head}{{"name": "a", "type": "Linear", "aliases": [{aliases}]}}]}}', ending
        yield "axes", f'{head}{{"name": "a", "type": "Linear", "weight_shape": [{axes}]}}]}}', ending
        yield "digits", f'{head}{{"name": "a", "type": "Linear", "weight_shape": [{"9" * (SIZE - 200)}]}}]}}', ending
        deep = ", ".join(f'{{"name": "{"1." * 199}{number}", "type": "Linear"}}' for number in range(2_200))
        yield "deep names", f"{head}{deep}]}}", ending
        yield "one name", f'{head}{{"name": "{"1." * (SIZE // 2 - 100)}", "type": "Linear"}}]}}', ending
        yield "empty lists", filled("[], ", "[", "[]]"), ending
        yield "brackets", filled("["), ending


def packed() -> object:
    """Load a megabyte of gzip that unpacks to a hundred times as much and more."""
    packer = zlib.compressobj(9, wbits=31)
    parts = [packer.compress(b"[" + b"[]," * 2**20) for _ in range(80)]
    with tempfile.TemporaryDirectory() as place:
        path = Path(place) / "model.json.gz"
        path.write_bytes(b"".join((*parts, packer.flush())))
        try:
            return cc.Inventory.load(path)
        except cc.CompressionConfigError as error:
            return str(error)


def checkpoint(header: str) -> object:
    """Verify a safetensors file with this header."""
    with tempfile.TemporaryDirectory() as place:
        path = Path(place) / "net.safetensors"
        data = header.encode()
        path.write_bytes(len(data).to_bytes(8, "little") + data + bytes(64))
        try:
            return len(str(cc.verify(cc.resolve(LIST, LAYERS), path)))
        except cc.CompressionConfigError as error:
            return len(str(error))


def product(kind: str) -> object:
    """Resolve half a megabyte of list against half a megabyte of model, and write every answer there is."""
    count = 8_000
    if kind == "every partial name in every layer":
        layers = [("x" * 50 + str(number), "Linear") for number in range(count)]
        data = [{"op_partial_names": ["x" * (1 + number % 50)], "sparsity_per_layer": 0.5} for number in range(count)]
    elif kind == "groups":
        layers = [("x" * 50 + str(number), "Linear") for number in range(count)]
        data = [{"op_partial_names": ["x" * (1 + number % 50)], "total_sparsity": 0.5} for number in range(count)]
    elif kind == "full and partial names":
        layers = [("x" * 50 + str(number), "Linear") for number in range(count)]
        data = [{"op_names": [name], "op_partial_names": ["x"], "sparsity_per_layer": 0.5} for name, _ in layers]
    else:
        layers = [(f"layer.{number}", f"Type{number}") for number in range(count)]
        data = [{"op_types": [f"Xtype{number}q"], "sparsity_per_layer": 0.5} for number in range(count)]
    resolution = cc.resolve(json.loads(json.dumps(data)), layers, unmatched="ignore")
    outputs = (
        resolution.explain(layers[0][0]),
        str(resolution),
        resolution.to_html(),
        json.dumps(resolution.to_dict()),
    )
    return sum(map(len, outputs)) + len(resolution.to_list()) + len(resolution.fingerprint)


def inputs() -> Mapping[str, Input]:
    """Return every input by its name."""
    found: dict[str, Input] = {}
    for name, text, text_format in texts():
        found[f"{text_format} of {name}"] = lambda text=text, text_format=text_format: checked(text, text_format)  # type: ignore[misc]
    for name, text, ending in inventories():
        found[f"inventory{ending} of {name}"] = lambda text=text, ending=ending: inventory(text, ending)  # type: ignore[misc]
    found["inventory.json.gz that unpacks to a gigabyte"] = packed
    tensors = ", ".join(
        f'"block.{number}.fc.weight": {{"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}}'
        for number in range(12_000)
    )
    found["header of tensors"] = lambda: checkpoint(f"{{{tensors}}}")
    found["header of digits"] = lambda: checkpoint(f'{{"a": {{"dtype": "F32", "shape": [{"9" * (SIZE - 100)}]}}}}')
    found["header of brackets"] = lambda: checkpoint(filled("["))
    kinds = ("every partial name in every layer", "groups", "full and partial names", "unknown types")
    for kind in kinds:
        found[f"list x model: {kind}"] = lambda kind=kind: product(kind)  # type: ignore[misc]
    return found


def run(name: str) -> None:
    """Use one input in this process, under the limits."""
    ask = inputs()[name]
    cc.check([], LAYERS)
    limit = MEGABYTES * 2**20
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    start = time.process_time()
    ask()
    print(f"{time.process_time() - start:.2f} {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024}")


def main() -> int:
    """Run every input in a process of its own and return the exit code."""
    failed = 0
    for name in inputs():
        done = subprocess.run([sys.executable, __file__, name], capture_output=True, text=True, check=False)
        seconds, peak = map(float, done.stdout.split()) if done.returncode == 0 else (0.0, 0.0)
        bad = done.returncode != 0 or seconds > SECONDS
        failed += bad
        said = done.stderr.strip().splitlines()[-1:] if done.returncode else []
        print(f"{name:60} {seconds:6.2f} s {peak:5.0f} MB{'  FAILED ' * bad}{' '.join(said)}", flush=True)
    print(f"{failed} inputs are beyond {SECONDS} s or {MEGABYTES} MB" if failed else "every input is within its limits")
    return 1 if failed else 0


if __name__ == "__main__":
    if sys.argv[1:]:
        run(sys.argv[1])
    else:
        sys.exit(main())
