"""What is fuzzed: each target takes any bytes, makes an input of them and asserts what holds for every input.

Nothing but an answer or a `CompressionConfigError` may come out. `guided.py` runs them under atheris, and
`test_found_inputs.py` on what that has found; the judges of texts are those of `test_fuzz.py` too.
"""

from __future__ import annotations

import atexit
import gzip
import io
import json
import os
import re
import shutil
import signal
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, Literal, TypeAlias, TypeVar
from unittest import mock

from command_line import command

import compression_config as cc
from compression_config.documents import Document, read_yaml
from compression_config.locations import Span
from compression_config.reports.findings import as_text

__all__ = [
    "TARGETS",
    "Format",
    "Target",
    "answer",
    "assert_findings_are_sound",
    "assert_reloads",
    "judge",
    "judge_pure",
    "time_limit",
]

Target: TypeAlias = Callable[[bytes], None]
Format: TypeAlias = Literal["yaml", "json"]
T = TypeVar("T")

_LINE_BREAK = re.compile(r"\r\n|\n|\r")
_PLACE = Path(tempfile.gettempdir()) / f"fuzzed-{os.getpid()}"
"""Where inputs are written that only a file can be."""
atexit.register(shutil.rmtree, _PLACE, ignore_errors=True)

_LAYERS: Final = (("fc1", "Linear"), ("block.0.fc2", "Linear"), ("block.1.conv", "Conv2d"), ("block.1.norm", "Norm"))


_LONGEST = 20
"""Seconds after which an input counts as one that hangs; sound ones take milliseconds."""


# Judges.


@contextmanager
def time_limit() -> Iterator[None]:
    """Raise `TimeoutError` in what takes too long, where the system has the signal for it."""
    if not hasattr(signal, "SIGALRM"):
        yield
        return

    def stop(*_: object) -> None:
        raise TimeoutError

    before = signal.signal(signal.SIGALRM, stop)
    signal.alarm(_LONGEST)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def judge(text: str, text_format: Format) -> None:
    """Assert everything that holds for any text."""
    config, findings = answer(lambda: cc.loads(text, format=text_format, name="fuzzed"))
    assert_findings_are_sound(findings, text.removeprefix("\ufeff"))
    if config is None:
        assert any(finding.severity is cc.Severity.ERROR for finding in findings)
    else:
        assert_reloads(config)


def answer(ask: Callable[[], Any]) -> tuple[Any, tuple[cc.Finding, ...]]:
    """Return the config that `ask()` gives, or None, and the findings; no other error may come out."""
    try:
        config = ask()
    except cc.InvalidConfig as error:
        return None, error.findings
    return config, config.findings


def assert_findings_are_sound(findings: tuple[cc.Finding, ...], text: str | None) -> None:
    """Assert that findings can be printed, and that their places are in `text`; None is plain data, without places."""
    report = as_text(findings)
    assert "".join(report.split("\n")).isprintable(), report
    lengths = None if text is None else [len(line) for line in _LINE_BREAK.split(text)]
    for finding in findings:
        assert finding.message in str(finding)
        if lengths is None:
            assert finding.span is None
        elif finding.span is not None:
            _assert_inside(finding.span, lengths)


def _assert_inside(span: Span, lengths: list[int]) -> None:
    assert span.start <= span.end
    for line, column in span:
        assert 1 <= line <= len(lengths), span
        assert 1 <= column <= lengths[line - 1] + 1, span


def assert_reloads(config: Any) -> None:
    """Assert that a config is the same after it was plain data or JSON."""
    data = config.to_dict() if isinstance(config, cc.CompressionConfig) else config.to_list()
    assert cc.validate(data) == config
    assert cc.loads(json.dumps(data), format="json") == config


def judge_pure(text: str) -> None:
    """Assert that PyYAML's own parser gives an answer too: the same value where neither finds fault.

    In corners of YAML it accepts less than libyaml, or more, and places an error elsewhere.
    """
    fast, pure = (read_yaml(text, "fuzzed", pure=pure) for pure in (False, True))
    assert_findings_are_sound(pure.findings, text.removeprefix("\ufeff"))
    lengths = [len(line) for line in _LINE_BREAK.split(text.removeprefix("\ufeff"))]
    for document in (fast, pure):
        for span in _places(document):
            _assert_inside(span, lengths)
    if not fast.findings and not pure.findings and "!" not in text:
        assert repr(fast.value) == repr(pure.value)


def _places(document: Document) -> list[Span]:
    """Return where everything is, down to the values of the sub-configs."""
    found = [document.positions.span(())]
    value: Any = document.value
    for step in range(len(value)) if isinstance(value, list) else list(value) if isinstance(value, dict) else ():
        part: Any = value[step]
        found += (document.positions.span((step,)), document.positions.span((step,), key=True))
        for key in part if isinstance(part, dict) else ():
            found += (document.positions.span((step, key)), document.positions.span((step, key), key=True))
    return found


# Targets. The first byte of an input chooses among its forms.


def _loads(data: bytes) -> None:
    text = data[1:].decode(errors="surrogateescape")
    if data[:1] == b"j":
        judge(text, "json")
    elif data[:1] == b"p":
        judge_pure(text)
    else:
        judge(text, "yaml")
    if data[:1] == b"r":
        config, _ = answer(lambda: cc.loads(text))
        if config is not None:
            resolution = cc.resolve(config, _LAYERS, unmatched="ignore")
            assert_findings_are_sound(tuple(finding for finding in resolution.findings if finding.span is None), None)
            assert "".join(str(resolution).split("\n")).isprintable()
            json.dumps(resolution.to_dict())
            if not isinstance(config, cc.CompressionConfig):
                assert cc.resolve(resolution.to_list(), _LAYERS, kind=config.kind) == resolution


def _scripts(data: bytes) -> None:
    path = _file("script.py", data)
    findings = cc.check(path)
    assert_findings_are_sound(tuple(finding for finding in findings if finding.span is None), None)
    assert cc.check(path) == findings


def _inventories(data: bytes) -> None:
    ending = {b"y": ".yaml", b"z": ".json.gz", b"g": ".json.gz"}.get(data[:1], ".json")
    packed = gzip.compress(data[1:], 1) if data[:1] == b"g" else data[1:]
    path = _file(f"model{ending}", packed)
    inventory = _or_error(lambda: cc.Inventory.load(path))
    if inventory is None:
        return
    for name in ("copy.json", "copy.yaml.gz"):
        try:
            inventory.save(_PLACE / name)
        except cc.InvalidInventory:  # half of a character, in YAML
            continue
        assert cc.Inventory.load(_PLACE / name) == inventory
    for config in ([{"op_types": ["default"], "total_sparsity": 0.5}], [{"op_partial_names": ["1"], "sparsity": 0.5}]):
        resolution = cc.resolve(config, inventory, unmatched="ignore")
        assert "".join(as_text(resolution.findings).split("\n")).isprintable()
        assert "".join(str(resolution).split("\n")).isprintable()
        json.dumps(resolution.to_dict())


def _checkpoints(data: bytes) -> None:
    form, rest = data[:1], data[1:]
    for leftover in _PLACE.glob("*.safetensors*"):
        leftover.unlink()
    header, _, tensors = rest.partition(b"\0\0\0\0")
    whole = len(header).to_bytes(8, "little") + header + tensors
    if form == b"i":
        _file("net.safetensors.index.json", rest)
        header = b'{"fc1.weight":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}'
        whole = len(header).to_bytes(8, "little") + header + bytes(4)
    path = _file("net.safetensors", rest if form == b"r" else whole)
    config = [{"op_types": ["Linear"], "sparsity": 0.5}]
    resolution = cc.resolve(config, [cc.Layer(name="fc1", type="Linear", weight_shape=(1, 1)), ("fc2", "Linear")])
    verification = _or_error(lambda: cc.verify(resolution, path.parent if form == b"i" else path))
    if verification is None:
        return
    assert "".join(as_text(verification.findings).split("\n")).isprintable()
    assert "".join(str(verification).split("\n")).isprintable()


def _command_line(data: bytes) -> None:
    text = data.decode(errors="surrogateescape")
    # A factory is code that runs; `/` leads to files of others.
    argv = [argument for argument in re.split("[\n\r]", text) if ":" not in argument and "/" not in argument][:12]
    _file("l.yaml", b"- {op_types: [Linear], sparsity: 0.5}\n")
    _file("q.json", b'[{"op_names": ["fc1"], "quant_types": ["weight"], "quant_bits": 8}]')
    _file("wrong.yaml", b"- {op_type: [Linear], sparsity: 80}\n")
    _file("s.py", b'config_list = [{"op_types": ["Linear"], "sparsity": 0.5}]\n')
    if not (_PLACE / "m.json").exists():
        cc.Inventory.from_layers(_LAYERS).save(_PLACE / "m.json")
    before, known = Path.cwd(), {"l.yaml", "q.json", "wrong.yaml", "s.py", "m.json"}
    os.chdir(_PLACE)
    try:
        with mock.patch("sys.stdin", io.StringIO("- {op_types: [Linear], exclude: true}\n")):
            shown = command(*argv)
    finally:
        os.chdir(before)
        for path in _PLACE.iterdir():
            if path.name not in known and path.is_file():
                path.unlink()
    assert shown.code in (0, 1, 2, 3), argv
    for line in (shown.answer + "\n" + shown.talk).split("\n"):
        assert line.isprintable(), (argv, line)


def _or_error(ask: Callable[[], T]) -> T | None:
    """Return what `ask()` gives, or None for an error of ours, which one line can show."""
    try:
        return ask()
    except cc.CompressionConfigError as error:
        refused = str(error)
    assert refused.isprintable(), refused
    return None


def _file(name: str, data: bytes) -> Path:
    _PLACE.mkdir(exist_ok=True)
    (_PLACE / name).write_bytes(data)
    return _PLACE / name


TARGETS: Mapping[str, Target] = {
    "loads": _loads,
    "scripts": _scripts,
    "inventories": _inventories,
    "checkpoints": _checkpoints,
    "command_line": _command_line,
}
