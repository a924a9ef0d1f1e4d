"""Fuzzing that follows the coverage, under atheris: whatever opens a new branch is kept and changed further.

    pip install atheris
    python tests/fuzz/guided.py loads 60        # seconds; exits 1 when an input raises, hangs or takes 2 GB

Each target starts from its corpus and from the documents of the tests. What it keeps goes to a temporary directory. An
input that failed is left in the working directory: put it into tests/fuzz/corpus/TARGET once it is mended.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

HERE = Path(__file__).parent
sys.path += [str(HERE), str(HERE.parent / "support")]

LONGEST = 4096
"""In bytes; longer inputs cost time and open no branch."""
DICTIONARY = (
    "op_types", "op_names", "op_partial_names", "exclude", "sparsity", "sparsity_per_layer", "total_sparsity",
    "max_sparsity_per_layer", "quant_types", "quant_bits", "pruning", "quantization", "default", "Linear", "weight",
    "format", "version", "layers", "name", "type", "weight_shape", "tied_to", "aliases", "parameters", "data_offsets",
    "shape", "dtype", "F32", "weight_map", "compression-config-inventory", "--format", "--model", "-o", "--kind",
    "--severity", "--strict", "--join", "validate", "resolve", "explain", "diff", "verify", "inventory", "schema",
    "<<: *a", "&a ", "!!str ", "%YAML 1.2", "append(", "for i in range(", "config_list", "m.json", "l.yaml",
)  # fmt: skip


def seeds(target: str) -> Iterator[bytes]:
    """Yield inputs from which a target can start."""
    import mutations  # noqa: PLC0415 - imports what is to be instrumented

    if target == "loads":
        for form in "yrp":
            yield from (form.encode() + text.encode() for text in mutations.yaml_corpus())
        yield from (b"j" + text.encode(errors="surrogatepass") for text in mutations.json_corpus())
    elif target == "scripts":
        yield from (text.encode() for text in mutations.script_corpus())
    elif target == "inventories":
        layer = '"name": "a.0", "type": "Linear", "weight_shape": [2, 3], "parameters": {"bias": [2]}, "aliases": ["b"]'
        text = f'{{"format": "compression-config-inventory", "version": 1, "model": "M", "layers": [{{{layer}}}]}}'
        yield from (form + text.encode() for form in (b"j", b"y", b"g"))
    elif target == "checkpoints":
        header = b'{"fc1.weight":{"dtype":"F32","shape":[1,1],"data_offsets":[0,4]}}'
        yield b"h" + header + bytes(8)
        yield b"r" + len(header).to_bytes(8, "little") + header + bytes(4)
        yield b'i{"weight_map":{"fc1.weight":"net.safetensors"}}'
    else:
        files = "l.yaml\n-m\nm.json\n"
        for tail in ("", "--format\njson", "--format\nhtml\n-o\nx.html", "--grid", "--kind\npruning"):
            yield f"resolve\n{files}{tail}".encode()
        yield f"explain\nl.yaml\nfc1\n-m\nm.json\nvalidate\n{files}".encode()
        yield b"diff\nl.yaml\nq.json\n-m\nm.json\n--exit-code"
        yield b"validate\nwrong.yaml\ns.py\n--severity\nlegacy-key=ignore\n--format\ngithub"
        yield b"inventory\nm.json\n-o\nx.yaml.gz"
        yield b"schema\n--kind\nquantization"
        yield b"verify\nl.yaml\nnet.safetensors\n-m\nm.json\n--tolerance\n0.1"


def fuzz(target: str, seconds: int, place: Path) -> None:
    """Fuzz `target` for so many seconds with the directory `place` for its files; libFuzzer ends the process."""
    import atheris  # noqa: PLC0415 - a tool of its own environment

    tempfile.tempdir = str(place)
    kept, dictionary = place / "kept", place / "dictionary"
    with atheris.instrument_imports(include=["compression_config"]):
        from targets import TARGETS  # noqa: PLC0415 - instrumented while it is imported

        kept.mkdir()
        for number, seed in enumerate(seeds(target)):
            (kept / f"seed-{number}").write_bytes(seed)
        dictionary.write_text("".join(f'"{word}"\n' for word in DICTIONARY), encoding="utf-8")
        options = [f"-max_total_time={seconds}", f"-max_len={LONGEST}", f"-dict={dictionary}", "-print_final_stats=1"]
        corpus = [str(path) for path in (HERE / "corpus" / target,) if path.is_dir()]
        limits = ["-timeout=20", "-rss_limit_mb=2048", "-verbosity=0"]
        atheris.Setup([sys.argv[0], *options, *limits, str(kept), *corpus], TARGETS[target])
        atheris.Fuzz()


def main(target: str, seconds: str) -> int:
    """Fuzz in a process of its own, whose files are removed after it; return its exit code."""
    with tempfile.TemporaryDirectory() as place:
        return subprocess.run([sys.executable, __file__, target, seconds, place], check=False).returncode


if __name__ == "__main__":
    if sys.argv[3:]:
        fuzz(sys.argv[1], int(sys.argv[2]), Path(sys.argv[3]))
    else:
        sys.exit(main(*sys.argv[1:]))
