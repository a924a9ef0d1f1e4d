"""`verify`: a checkpoint beside what was asked for."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from checkpoint_files import saved, with_zeros
from samples import run


class TestVerify:
    def test_a_model_that_is_what_was_asked_for(self, here: Path, capsys: pytest.CaptureFixture[str]) -> None:
        saved(here / "net.safetensors", {"fc1.weight": with_zeros(50), "fc2.weight": with_zeros(50)})
        assert run("verify", "pruning.yaml", "net.safetensors", "--model", "net.json") == 0
        assert capsys.readouterr().out == (
            "2 layers looked at, 2 shown\n"
            "\n"
            "layers      by   elements  demanded  masked  verdict\n"
            "fc{1,2}  2  [0]       100        50      50  ok\n"
            "\n"
            "no findings\n"
        )

    def test_what_is_missed_is_a_finding(self, here: Path, capsys: pytest.CaptureFixture[str]) -> None:
        saved(here / "net.safetensors", {"fc1.weight": with_zeros(30), "fc2.weight": with_zeros(50)})
        assert run("verify", "pruning.yaml", "net.safetensors", "--model", "net.json") == 1
        shown = capsys.readouterr().out
        assert "fc1     1  [0]       100        50      30  sparsity-missed\n" in shown
        assert "error[sparsity-missed]: " in shown
        assert run("verify", "pruning.yaml", "net.safetensors", "--model", "net.json", "--tolerance", "0.2") == 0

    def test_a_group_is_counted_together(self, here: Path, capsys: pytest.CaptureFixture[str]) -> None:
        (here / "total.yaml").write_text("- op_types: [Linear]\n  total_sparsity: 0.5\n  max_sparsity_per_layer: 0.9\n")
        saved(here / "net.safetensors", {"fc1.weight": with_zeros(30), "fc2.weight": with_zeros(70)})
        assert run("verify", "total.yaml", "net.safetensors", "--model", "net.json") == 0
        lines = capsys.readouterr().out.splitlines()
        assert [line.split() for line in lines[3:5]] == [
            ["fc{1,2}", "2", "[0]", "100", "ok"],
            ["together", "2", "[0]", "200", "100", "100", "ok"],
        ]

    def test_json_carries_a_version(self, here: Path, capsys: pytest.CaptureFixture[str]) -> None:
        saved(here / "net.safetensors", {"fc1.weight": with_zeros(30), "fc2.weight": with_zeros(50)})
        assert run("verify", "two-parts.yaml", "net.safetensors", "--model", "net.json", "--format", "json") == 1
        report = json.loads(capsys.readouterr().out)
        assert (report["format"], report["version"]) == ("compression-config-verification", 2)
        assert [row["masked"] for row in report["layers"]] == [30, 50]
        assert "sparsity-missed" in [finding["code"] for finding in report["findings"]]

    @pytest.mark.parametrize("tolerance", ["almost", "1.5"])
    def test_a_tolerance_is_one_of_a_few(self, here: Path, tolerance: str, capsys: pytest.CaptureFixture[str]) -> None:
        saved(here / "net.safetensors", {"fc1.weight": with_zeros(50)})
        assert run("verify", "pruning.yaml", "net.safetensors", "-m", "net.json", "--tolerance", tolerance) == 2
        assert "a tolerance is 'exact', 'element', 'channel' or a number" in capsys.readouterr().err
