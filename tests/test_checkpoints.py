"""Checkpoints: safetensors files and directories of them, read without torch."""

from __future__ import annotations

import json
import struct
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import compression_config as cc
from compression_config.resolving.resolved import Resolved
from compression_config.verification import Checkpoint, read_checkpoint, verify

NAMES = {
    "float32": "F32",
    "float16": "F16",
    "float64": "F64",
    "int8": "I8",
    "uint8": "U8",
    "int64": "I64",
    "bool": "BOOL",
}


def write(path: Path, tensors: Mapping[str, Any], dtypes: Mapping[str, str] | None = None) -> Path:
    """Write `tensors` the way the format has it: header length, header, bytes."""
    header: dict[str, Any] = {"__metadata__": {"format": "pt"}}
    body = b""
    for name, tensor in tensors.items():
        array = np.asarray(tensor)
        dtype = (dtypes or {}).get(name) or NAMES[array.dtype.name]
        start = len(body)
        body += array.tobytes()
        header[name] = {"dtype": dtype, "shape": list(array.shape), "data_offsets": [start, len(body)]}
    text = json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(text)) + text + body)
    return path


@pytest.mark.parametrize("dtype", NAMES)
def test_tensors_come_back_as_they_were(tmp_path: Path, dtype: str) -> None:
    tensors = {"a.weight": np.arange(6).reshape(2, 3).astype(dtype), "b": np.array(1).astype(dtype)}
    tensors["empty"] = np.zeros((0, 4), dtype=dtype)
    checkpoint = read_checkpoint(write(tmp_path / "model.safetensors", tensors))
    assert isinstance(checkpoint, Checkpoint)
    assert list(checkpoint) == ["a.weight", "b", "empty"]
    assert "b" in checkpoint
    assert "c" not in checkpoint
    assert repr(checkpoint) == "<Checkpoint of 3 tensors>"
    for name, tensor in tensors.items():
        assert checkpoint[name].dtype == tensor.dtype
        assert np.array_equal(checkpoint[name], tensor)
        assert checkpoint[name].shape == tensor.shape


def test_brain_floats_come_as_32_bit_floats_of_the_same_value(tmp_path: Path) -> None:
    values = np.array([0.0, -0.0, 1.0, -2.5, 3.140625, 2.0**120, np.inf], dtype="float32")
    halves = (values.view("uint32") >> 16).astype("uint16")
    found = read_checkpoint(write(tmp_path / "m.safetensors", {"a": halves}, {"a": "BF16"}))["a"]
    assert found.dtype == np.float32
    assert np.array_equal(found, values)


def test_8_bit_floats_come_as_32_bit_floats_of_the_same_value(tmp_path: Path) -> None:
    codes = np.array([0x00, 0x80, 0x38, 0xB8, 0x7E, 0x01, 0x08, 0x7F], dtype="uint8")
    wide = np.array([0x00, 0x80, 0x3C, 0xBC, 0x7B, 0x01, 0x7C], dtype="uint8")
    path = write(tmp_path / "m.safetensors", {"a": codes, "b": wide}, {"a": "F8_E4M3", "b": "F8_E5M2"})
    checkpoint = read_checkpoint(path)
    assert checkpoint["a"].dtype == checkpoint["b"].dtype == np.float32
    assert checkpoint["a"][:-1].tolist() == [0.0, -0.0, 1.0, -1.0, 448.0, 2.0**-9, 2.0**-6]
    assert np.isnan(checkpoint["a"][-1])
    assert checkpoint["b"].tolist() == [0.0, -0.0, 1.0, -1.0, 57344.0, 2.0**-16, np.inf]


def test_each_look_up_reads_one_tensor_and_nothing_is_kept(tmp_path: Path) -> None:
    path = write(tmp_path / "m.safetensors", {"a": np.ones(4), "b": np.ones(4)})
    checkpoint = read_checkpoint(path)
    text = path.read_bytes()
    path.write_bytes(text[:-32] + np.full(4, 7.0).tobytes())
    assert checkpoint["b"].tolist() == [7.0] * 4
    path.unlink()
    with pytest.raises(cc.UsageError, match=r"m\.safetensors' cannot be read"):
        checkpoint["a"]


def test_a_directory_is_read_by_its_index(tmp_path: Path) -> None:
    write(tmp_path / "model-1.safetensors", {"a": np.zeros(2), "c": np.ones(1), "left_out": np.zeros(1)})
    write(tmp_path / "model-2.safetensors", {"b": np.ones(2)})
    index = {"weight_map": {"b": "model-2.safetensors", "a": "model-1.safetensors", "c": "model-1.safetensors"}}
    (tmp_path / "model.safetensors.index.json").write_text(json.dumps(index), encoding="utf-8")
    checkpoint = read_checkpoint(str(tmp_path))
    assert {name: checkpoint[name].tolist() for name in checkpoint} == {"b": [1, 1], "a": [0, 0], "c": [1]}


def test_without_an_index_all_files_of_a_directory_count(tmp_path: Path) -> None:
    write(tmp_path / "2.safetensors", {"b": np.ones(2)})
    write(tmp_path / "1.safetensors", {"a": np.zeros(2)})
    assert list(read_checkpoint(tmp_path)) == ["a", "b"]
    write(tmp_path / "3.safetensors", {"a": np.zeros(2)})
    with pytest.raises(cc.UsageError, match=r"both '1\.safetensors' and '3\.safetensors' hold 'a'"):
        read_checkpoint(tmp_path)


@pytest.mark.parametrize(
    ("index", "reason"),
    [
        ("{", "it is not an index with a 'weight_map'"),
        ("[]", "it is not an index with a 'weight_map'"),
        ('{"weight_map": []}', "it is not an index with a 'weight_map'"),
        (
            '{"weight_map": {"a": "../m.safetensors"}}',
            "'../m.safetensors' is not the name of a file beside it",
        ),
        ('{"weight_map": {"c": "m.safetensors"}}', "'m.safetensors' does not hold 'c'"),
    ],
)
def test_an_index_that_cannot_be_true_is_refused(tmp_path: Path, index: str, reason: str) -> None:
    write(tmp_path / "m.safetensors", {"a": np.ones(2)})
    place = tmp_path / "model.safetensors.index.json"
    place.write_text(index, encoding="utf-8")
    with pytest.raises(cc.UsageError) as caught:
        read_checkpoint(tmp_path)
    assert str(caught.value) == f"the checkpoint {str(place)!r} cannot be used: {reason}"


def test_a_directory_with_two_indices_or_no_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(cc.UsageError, match="it holds no safetensors file"):
        read_checkpoint(tmp_path)
    for name in "ab":
        (tmp_path / f"{name}.safetensors.index.json").write_text("{}", encoding="utf-8")
    with pytest.raises(cc.UsageError, match="it holds 2 indices"):
        read_checkpoint(tmp_path)


def file_of(header: str) -> bytes:
    text = header.encode()
    return struct.pack("<Q", len(text)) + text + b"\0\0\0\0"


def header(**fields: Any) -> bytes:
    return file_of(json.dumps({"a": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]} | fields}))


ENTRY = '{"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}'
NOT_GIVEN = "its header does not give dtype, shape and data_offsets of 'a'"


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        pytest.param(b"", "its first 8 bytes are not the length of a header", id="empty"),
        pytest.param(b"PK\3\4 a zip file, as torch.save makes it", "its first 8 bytes are not the length", id="zip"),
        pytest.param(struct.pack("<Q", 2**63) + b"{}", "its first 8 bytes are not the length", id="endless"),
        pytest.param(struct.pack("<Q", 2) + b"{]", "its header is not JSON", id="no-json"),
        pytest.param(struct.pack("<Q", 2) + b"[]", "its header is not a mapping", id="list"),
        pytest.param(struct.pack("<Q", 10**4) + b"[" * 10**4, "its header is not JSON", id="deep"),
        pytest.param(header(shape=[2]), "'a' does not take as many bytes as its dtype and shape", id="size"),
        pytest.param(header(shape=[-1]), NOT_GIVEN, id="negative"),
        pytest.param(header(shape=[True]), NOT_GIVEN, id="boolean"),
        pytest.param(header(dtype=3), NOT_GIVEN, id="dtype"),
        pytest.param(header(data_offsets=[0, 5]), "'a' does not take as many bytes as", id="longer"),
        pytest.param(
            header(shape=[2], data_offsets=[0, 8]),
            "its tensors take 8 bytes, and 4 follow the header",
            id="beyond-the-end",
        ),
        pytest.param(header(shape=[0], data_offsets=[0, 0]), "its tensors take 0 bytes, and 4 follow", id="bytes-left"),
        pytest.param(
            file_of(f'{{"a": {ENTRY}, "b": {ENTRY}}}'),
            "the bytes of 'b' do not start where those of the tensor before it end",
            id="overlapping",
        ),
        pytest.param(
            header(data_offsets=[4, 8]),
            "the bytes of 'a' do not start where those of the tensor before it end",
            id="hole",
        ),
        pytest.param(file_of(f'{{"a": {ENTRY}, "a": {ENTRY}}}'), "its header has 'a' twice", id="twice"),
        pytest.param(header(shape=[2**62] * 400), "its header does not give dtype, shape", id="axes"),
        pytest.param(header(shape=[10**4000, 2]), "its header does not give dtype, shape", id="product"),
        pytest.param(
            header(data_offsets=[4, 0]),
            NOT_GIVEN,
            id="backwards",
        ),
        pytest.param(
            header(data_offsets=[0]),
            NOT_GIVEN,
            id="one-offset",
        ),
        pytest.param(header(shape=None), NOT_GIVEN, id="no-shape"),
    ],
)
def test_a_file_that_is_no_checkpoint_is_refused(tmp_path: Path, content: bytes, reason: str) -> None:
    path = tmp_path / "m.safetensors"
    path.write_bytes(content)
    with pytest.raises(cc.UsageError) as caught:
        read_checkpoint(path)
    assert str(caught.value).startswith(f"the checkpoint {str(path)!r} cannot be used: ")
    assert reason in str(caught.value)


def test_a_path_that_leads_nowhere_is_refused(tmp_path: Path) -> None:
    with pytest.raises(cc.UsageError, match=r"nowhere' cannot be read: No such file"):
        read_checkpoint(tmp_path / "nowhere")


@pytest.mark.parametrize("name", ["a\0b", "\ud800", "x" * 5000])
def test_a_name_that_no_file_has_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(cc.UsageError, match="cannot be read: "):
        read_checkpoint(name)
    index = {"weight_map": {"a": name}}
    (tmp_path / "model.safetensors.index.json").write_text(json.dumps(index), encoding="utf-8")
    with pytest.raises(cc.UsageError, match="cannot be read: "):
        read_checkpoint(tmp_path)


def test_without_numpy_the_error_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(tmp_path / "m.safetensors", {"a": np.ones(2)})
    monkeypatch.setitem(sys.modules, "numpy", None)
    with pytest.raises(cc.CompressionConfigError, match=r"needs numpy.*pip install 'compression-config\[numpy\]'"):
        read_checkpoint(path)


# --- verified


def resolved() -> Resolved:
    layers = [cc.Layer(name=name, type="Linear", weight_shape=(4, 5)) for name in ("fc1", "fc2")]
    configs = [{"op_names": ["fc1"], "sparsity_per_layer": 0.5}, {"op_names": ["fc2"], "exclude": True}]
    return Resolved(cc.validate(configs, kind="pruning"), cc.Inventory.from_layers(layers))


def test_a_path_is_verified_like_the_tensors_in_it(tmp_path: Path) -> None:
    weight = np.arange(1, 21, dtype="float32").reshape(4, 5)
    path = write(tmp_path / "m.safetensors", {"fc1.weight": weight * (weight > 10), "fc2.weight": weight})
    assert verify(resolved(), path).findings == ()
    assert verify(resolved(), str(tmp_path)).findings == ()
    found = verify(resolved(), {"fc1.weight": weight, "fc2.weight": weight * (weight > 3)})
    assert [finding.code for finding in found.findings] == ["sparsity-missed", "touched-layer"]


def test_a_type_that_cannot_be_read_leaves_its_layer_unverified(tmp_path: Path) -> None:
    codes = np.zeros((4, 5), dtype="uint8")
    path = write(tmp_path / "m.safetensors", {"fc1.weight": codes, "fc2.weight": codes + 1}, {"fc1.weight": "F4"})
    (finding,) = verify(resolved(), path).findings
    assert (finding.code, finding.severity) == ("not-verified", "error")
    assert finding.message == (
        "1 of 1 layers could not be verified: "
        "'fc1' cannot be read: 'fc1.weight' is stored as 'F4', which cannot be read here"
    )


@pytest.mark.parametrize("name", ["model.pt", "model.PTH", "pytorch_model.bin", "last.ckpt"])
def test_a_pickle_is_to_be_loaded_by_its_own_library(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.write_bytes(b"PK\3\4" + bytes(100))
    words = (
        f"{name!r} is a pickle, which is code and not loaded here (pass torch.load({str(path)!r}, weights_only=True, "
        "map_location='cpu') from Python)"
    )
    with pytest.raises(cc.UsageError) as caught:
        read_checkpoint(path)
    assert str(caught.value) == f"the checkpoint {str(path)!r} cannot be used: {words}"
    with pytest.raises(cc.UsageError) as caught:
        read_checkpoint(tmp_path)
    assert str(caught.value) == (
        f"the checkpoint {str(tmp_path)!r} cannot be used: it holds no safetensors file, and {words}"
    )


def test_a_checkpoint_may_have_any_name(tmp_path: Path) -> None:
    assert list(read_checkpoint(write(tmp_path / "model.bin", {"a": np.zeros(3)}))) == ["a"]
