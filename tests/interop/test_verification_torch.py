"""Verification of torch models, pruned and quantized by torch itself, against counting by hand."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file
from torch import nn
from torch.ao import quantization as ao
from torch.nn.utils import parametrizations, prune

import compression_config as cc
from compression_config.resolving.resolved import Resolved
from compression_config.verification import Verification, read_checkpoint
from compression_config.verification import verify as verify_resolved


@pytest.fixture(params=["numpy", "torch"], autouse=True)
def counted_by(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let tensors be counted through numpy, as on the CPU, and by torch's own methods, as on other devices."""

    def refuse(_: torch.Tensor) -> None:
        raise TypeError("this tensor is on another device")

    if request.param == "torch":
        monkeypatch.setattr(torch.Tensor, "numpy", refuse)


def net() -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(3, 16, 3),
        nn.BatchNorm2d(16),
        nn.ReLU(),
        nn.Conv2d(16, 8, 3),
        nn.Flatten(),
        nn.Linear(32, 50),
        nn.Linear(50, 10),
    )


def resolved_for(configs: list[dict[str, Any]], model: nn.Module) -> Resolved:
    return Resolved(cc.validate(configs), cc.Inventory.from_model(model))


def zeros(tensor: torch.Tensor) -> int:
    return sum(1 for number in tensor.flatten().tolist() if number == 0)


def by_hand(model: nn.Module) -> dict[str, int]:
    """Return how many elements of each weight are zero, one by one."""
    return {
        name: zeros(module.weight)
        for name, module in model.named_modules()
        if isinstance(getattr(module, "weight", None), torch.Tensor)
    }


def assert_agrees(found: Verification, model: nn.Module) -> None:
    assert {row.layer: row.masked for row in found.layers} == by_hand(model)


CONFIGS: list[dict[str, Any]] = [
    {"op_types": ["Conv2d", "Linear"], "sparsity_per_layer": 0.37},
    {"op_names": ["6"], "exclude": True},
]


@pytest.mark.parametrize("method", [prune.l1_unstructured, prune.random_unstructured])
def test_pruning_layer_by_layer_as_the_readme_does_passes(method: Any) -> None:
    model = net()
    resolution = cc.resolve(CONFIGS, model)
    for name, layer in resolution.prunable.items():
        method(model.get_submodule(name), "weight", amount=layer.settings.sparsity)
    found = verify_resolved(resolved_for(CONFIGS, net()), model)
    assert found.findings == ()
    assert_agrees(found, model)
    assert [row.evidence for row in found.layers] == ["mask", "weight", "mask", "mask", "weight"]


def test_budgets_as_amounts_are_met_to_the_element() -> None:
    model = net()
    for layer in cc.resolve(CONFIGS, model).budget.layers:
        prune.l1_unstructured(model.get_submodule(layer.layer), "weight", amount=layer.masked)
    found = verify_resolved(resolved_for(CONFIGS, net()), model, tolerance="exact")
    assert found.findings == ()
    assert_agrees(found, model)


TOTAL: list[dict[str, Any]] = [
    {"op_types": ["Conv2d", "Linear"], "total_sparsity": 0.6},
    {"op_names": ["6"], "exclude": True},
]


def test_pruning_a_group_globally_passes() -> None:
    model = net()
    resolution = cc.resolve(TOTAL, model)
    modules = [(model.get_submodule(name), "weight") for name in resolution.prunable]
    (group,) = resolution.budget.groups
    prune.global_unstructured(modules, pruning_method=prune.L1Unstructured, amount=group.demanded)
    found = verify_resolved(resolved_for(TOTAL, net()), model, tolerance="exact")
    assert found.findings == ()
    assert found.groups[0].masked == group.demanded == sum(by_hand(model)[name] for name in group.names)
    assert_agrees(found, model)


@pytest.mark.parametrize("scored", [False, True])
def test_pruning_by_allocation_meets_the_demand_under_the_caps(scored: bool) -> None:
    model = net()
    configs = [TOTAL[0] | {"max_sparsity_per_layer": 0.7}, TOTAL[1]]
    budget = cc.resolve(configs, model).budget
    scores = {name: model.state_dict()[f"{name}.weight"].var().item() for name in budget.groups[0].names}
    for name, amount in budget.allocate(scores if scored else None).items():
        prune.l1_unstructured(model.get_submodule(name), "weight", amount=amount)
    found = verify_resolved(resolved_for(configs, net()), model, tolerance="exact")
    assert found.findings == ()
    assert found.groups[0].masked == budget.groups[0].demanded
    assert_agrees(found, model)


def test_whole_channels_pass_with_the_tolerance_made_for_them() -> None:
    configs = [{"op_types": ["Conv2d"], "sparsity_per_layer": 0.3}]
    model = net()
    prune.ln_structured(model[0], "weight", amount=0.3, n=2, dim=0)
    prune.ln_structured(model[3], "weight", amount=0.3, n=2, dim=1)
    found = verify_resolved(resolved_for(configs, net()), model)
    assert [finding.code for finding in found.findings] == ["sparsity-missed"]
    assert found.findings[0].hint == "where whole channels are pruned, verify with tolerance 'channel'"
    assert verify_resolved(resolved_for(configs, net()), model, tolerance="channel").findings == ()
    assert_agrees(found, model)


@pytest.mark.parametrize(
    ("name", "amount", "code"),
    [
        pytest.param("0", 200, "sparsity-missed", id="too-many"),
        pytest.param("6", 1, "touched-layer", id="excluded"),
        pytest.param("1", 1, "touched-layer", id="untouched"),
    ],
)
@pytest.mark.parametrize("removed", [False, True])
def test_wrong_masks_are_caught_while_they_are_there_and_once_they_are_burnt_in(
    name: str, amount: int, code: str, removed: bool
) -> None:
    model = net()
    for layer in cc.resolve(CONFIGS, model).budget.layers:
        prune.l1_unstructured(model.get_submodule(layer.layer), "weight", amount=layer.masked)
    prune.random_unstructured(model.get_submodule(name), "weight", amount=amount)
    if removed:
        for module in list(model.modules()):
            if isinstance(module, nn.Conv2d | nn.Linear | nn.BatchNorm2d) and prune.is_pruned(module):
                prune.remove(module, "weight")
    for given in (model, model.state_dict()):
        found = verify_resolved(resolved_for(CONFIGS, net()), given)
        assert {row.layer: tuple(row.codes) for row in found.layers if row.codes} == {name: (code,)}
    assert_agrees(found, model)


def test_a_layer_that_was_forgotten_is_caught() -> None:
    model = net()
    prune.l1_unstructured(model[0], "weight", amount=0.37)
    found = verify_resolved(resolved_for(CONFIGS, net()), model)
    assert [row.layer for row in found.layers if row.codes] == ["3", "5"]


def test_masks_by_layer_as_nni_hands_them_out() -> None:
    masks = {
        name: {"weight": torch.ones_like(module.weight), "bias": None}
        for name, module in net().named_modules()
        if isinstance(module, nn.Conv2d | nn.Linear)
    }
    for layer in cc.resolve(CONFIGS, net()).budget.layers:
        masks[layer.layer]["weight"].view(-1)[: layer.masked] = 0
    assert verify_resolved(resolved_for(CONFIGS, net()), masks, tolerance="exact").findings == ()
    masks["6"]["weight"].view(-1)[0] = 0
    (finding,) = verify_resolved(resolved_for(CONFIGS, net()), masks).findings
    assert (finding.code, finding.path) == ("touched-layer", (1, "exclude"))


def test_a_model_on_the_meta_device_is_not_verified() -> None:
    found = verify_resolved(resolved_for(CONFIGS, net()), net().to("meta"))
    assert {finding.code for finding in found.findings} == {"not-verified"}
    with pytest.raises(cc.FindingsError):
        found.raise_for_findings()


def test_a_shared_weight_is_verified_once() -> None:
    model = nn.ModuleDict({"embed": nn.Embedding(20, 10), "head": nn.Linear(10, 20, bias=False)})
    model["head"].weight = model["embed"].weight
    configs = [{"op_types": ["Embedding", "Linear"], "sparsity_per_layer": 0.5}]
    with torch.no_grad():
        model["embed"].weight.view(-1)[:100] = 0
    found = verify_resolved(resolved_for(configs, model), model)
    assert [(row.layer, row.masked) for row in found.layers] == [("embed", 100)]
    assert found.findings == ()


def test_pruning_one_of_two_layers_that_share_a_weight_is_caught() -> None:
    model = nn.ModuleDict(
        {"embed": nn.Embedding(20, 10), "fc": nn.Linear(10, 10), "head": nn.Linear(10, 20, bias=False)}
    )
    model["head"].weight = model["embed"].weight
    configs = [{"op_names": ["fc"], "sparsity_per_layer": 0.5}]
    resolved = resolved_for(configs, model)
    prune.l1_unstructured(model["fc"], "weight", amount=0.5)
    assert verify_resolved(resolved, model).findings == ()
    prune.l1_unstructured(model["head"], "weight", amount=0.5)
    for weights in (model, model.state_dict()):
        found = verify_resolved(resolved, weights)
        assert [(row.layer, row.masked) for row in found.layers if row.codes] == [("head", 100)]
        assert [finding.code for finding in found.findings] == ["touched-layer"]


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float8_e4m3fn])
def test_weights_of_narrow_types_are_counted(dtype: torch.dtype) -> None:
    weight = (torch.rand(40, 50) + 0.5).to(dtype)
    flat = weight.float().view(-1)
    flat[:600] = 0
    configs = [{"op_names": ["a"], "sparsity_per_layer": 0.3}]
    resolved = Resolved(cc.validate(configs, kind="pruning"), cc.Inventory.from_layers([("a", "Linear")]))
    found = verify_resolved(resolved, {"a.weight": flat.view(40, 50).to(dtype)}, tolerance="exact")
    assert (found.layers[0].masked, found.findings) == (600, ())


def test_sparse_layouts_are_counted() -> None:
    weight = torch.rand(10, 10) + 0.5
    weight.view(-1)[:30] = 0
    configs = [{"op_names": ["a"], "sparsity_per_layer": 0.3}]
    resolved = Resolved(cc.validate(configs, kind="pruning"), cc.Inventory.from_layers([("a", "Linear")]))
    assert verify_resolved(resolved, {"a.weight": weight.to_sparse()}).findings == ()


def test_a_parametrized_weight_is_the_one_that_it_shows() -> None:
    model = nn.Sequential(parametrizations.weight_norm(nn.Linear(10, 10)))
    configs = [{"op_names": ["0"], "exclude": True}]
    found = verify_resolved(resolved_for(configs, model), model)
    assert ([row.masked for row in found.layers if row.layer == "0"], found.findings) == ([0], ())


# --- quantization

BITS: list[dict[str, Any]] = [
    {
        "op_types": ["Linear"],
        "quant_types": ["weight", "input"],
        "quant_bits": 4,
        "quant_scheme": "per_channel_symmetric",
    },
    {"op_names": ["6"], "exclude": True},
]


def fake_quantized(weight: torch.Tensor, bits: int, *, by_channel: bool) -> torch.Tensor:
    low, high = -(2 ** (bits - 1)), 2 ** (bits - 1) - 1
    if not by_channel:
        return torch.fake_quantize_per_tensor_affine(weight, float(weight.abs().max()) / high, 0, low, high)
    scale = weight.abs().flatten(1).amax(1) / high
    return torch.fake_quantize_per_channel_affine(
        weight, scale, torch.zeros(len(weight), dtype=torch.int32), 0, low, high
    )


@pytest.mark.parametrize(
    ("bits", "by_channel", "passes"),
    [(4, True, True), (4, False, True), (3, True, True), (5, True, False), (8, False, False)],
)
def test_fake_quantized_weights_show_their_bits(bits: int, by_channel: bool, passes: bool) -> None:
    model = nn.Sequential(nn.Linear(300, 40))
    configs = [BITS[0]]
    with torch.no_grad():
        model[0].weight.copy_(fake_quantized(model[0].weight, bits, by_channel=by_channel))
    found = verify_resolved(resolved_for(configs, model), model)
    assert (found.findings == ()) is passes
    assert found.layers[0].levels == min(17, max(len(row.unique()) for row in model[0].weight))


def test_a_weight_that_was_not_quantized_exceeds_its_bits() -> None:
    model = net()
    found = verify_resolved(resolved_for(BITS, model), model)
    assert [finding.code for finding in found.findings] == ["bits-exceeded"]


def test_quantized_tensors_are_read_as_what_they_stand_for() -> None:
    weight = torch.randn(64, 64)
    with warnings.catch_warnings():  # torch will drop these tensors; checkpoints with them remain
        warnings.simplefilter("ignore")
        tensor = torch.quantize_per_tensor(weight, 0.1, 0, torch.qint8)
    layers = [("a", "Linear")]
    for bits, exceeded in ((8, False), (4, True)):
        configs = [{"op_names": ["a"], "quant_types": ["weight", "input"], "quant_bits": bits}]
        resolved = Resolved(cc.validate(configs, kind="quantization"), cc.Inventory.from_layers(layers))
        found = verify_resolved(resolved, {"a.weight": tensor})
        assert ([finding.code for finding in found.findings] == ["bits-exceeded"]) is exceeded


# --- checkpoints


@pytest.mark.parametrize(
    "dtype",
    [torch.float32, torch.float16, torch.bfloat16, torch.float8_e4m3fn, torch.float8_e5m2, torch.int8, torch.bool],
)
def test_what_safetensors_writes_is_read_to_the_bit(tmp_path: Path, dtype: torch.dtype) -> None:
    tensor = (torch.randn(7, 9) * 5).to(dtype)
    save_file({"a": tensor, "empty": torch.zeros(0, 3, dtype=dtype)}, tmp_path / "m.safetensors")
    checkpoint = read_checkpoint(tmp_path)
    assert checkpoint["empty"].shape == (0, 3)
    assert torch.equal(torch.from_numpy(checkpoint["a"]).double(), tensor.double())


def test_every_8_bit_float_has_the_value_that_torch_gives_it(tmp_path: Path) -> None:
    codes = torch.arange(256, dtype=torch.uint8)
    tensors = {str(dtype): codes.clone().view(dtype) for dtype in (torch.float8_e4m3fn, torch.float8_e5m2)}
    save_file(tensors, tmp_path / "m.safetensors")
    checkpoint = read_checkpoint(tmp_path / "m.safetensors")
    for name, tensor in tensors.items():
        assert torch.equal(torch.from_numpy(checkpoint[name]).nan_to_num(nan=1e9), tensor.float().nan_to_num(nan=1e9))


def test_a_pruned_model_is_verified_from_the_checkpoint_that_was_saved(tmp_path: Path) -> None:
    model = net()
    for layer in cc.resolve(CONFIGS, model).budget.layers:
        prune.l1_unstructured(model.get_submodule(layer.layer), "weight", amount=layer.masked)
    save_file(model.state_dict(), tmp_path / "masks.safetensors")
    for layer in cc.resolve(CONFIGS, net()).budget.layers:
        prune.remove(model.get_submodule(layer.layer), "weight")
    save_file(model.state_dict(), tmp_path / "plain.safetensors")
    for path in ("plain", "masks"):
        found = verify_resolved(resolved_for(CONFIGS, net()), tmp_path / f"{path}.safetensors", tolerance="exact")
        assert found.findings == ()
        assert_agrees(found, model)


# --- models as torch's own quantization leaves them

EIGHT: list[dict[str, Any]] = [
    {"op_types": ["Conv2d", "Linear"], "quant_types": ["weight", "input"], "quant_bits": 8},
    {"op_names": ["2"], "exclude": True},
]


def small() -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(3, 8, 3), nn.Flatten(), nn.Linear(32, 10), nn.Linear(10, 300))


def prepared(left_out: int | None) -> nn.Module:
    """Return a model after a step of training that is aware of quantization, one module left out of it."""
    model = small().train()
    vars(model)["qconfig"] = ao.get_default_qat_qconfig("x86")
    if left_out is not None:
        vars(model[left_out])["qconfig"] = None
    ready: nn.Module = ao.prepare_qat(model)
    ready(torch.randn(4, 3, 4, 4))
    return ready


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::UserWarning")
class TestTorchsOwnQuantization:
    @pytest.mark.parametrize("as_state_dict", [False, True])
    def test_while_it_trains_weights_are_floats_and_not_decided(self, as_state_dict: bool) -> None:
        model = prepared(left_out=2)
        found = verify_resolved(resolved_for(EIGHT, small()), model.state_dict() if as_state_dict else model)
        (finding,) = found.findings
        assert (finding.code, finding.severity, finding.path) == ("not-verified", "warning", (0,))
        assert [row.layer for row in found.layers if row.codes] == ["0", "3"]

    @pytest.mark.parametrize("as_state_dict", [False, True])
    def test_what_is_converted_is_in_integers(self, as_state_dict: bool) -> None:
        model = ao.convert(prepared(left_out=2).eval())
        found = verify_resolved(resolved_for(EIGHT, small()), model.state_dict() if as_state_dict else model)
        assert found.findings == ()
        assert [row.bits for row in found.layers] == [8, None, 8]

    @pytest.mark.parametrize("as_state_dict", [False, True])
    def test_integers_that_were_not_asked_for_are_seen(self, as_state_dict: bool) -> None:
        model = ao.convert(prepared(left_out=None).eval())
        found = verify_resolved(resolved_for(EIGHT, small()), model.state_dict() if as_state_dict else model)
        (finding,) = found.findings
        assert (finding.code, finding.path) == ("touched-layer", (1, "exclude"))
        assert [row.layer for row in found.layers if row.codes] == ["2"]

    def test_dynamic_quantization_packs_weights_too(self) -> None:
        configs = [{"op_types": ["Linear"], "quant_types": ["weight"], "quant_bits": 8}]
        model = ao.quantize_dynamic(small(), {nn.Linear}, dtype=torch.qint8)
        for weights in (model, model.state_dict()):
            assert verify_resolved(resolved_for(configs, small()), weights).findings == ()
        four = [configs[0] | {"quant_bits": 4}]
        assert {finding.code for finding in verify_resolved(resolved_for(four, small()), model).findings} <= {
            "bits-exceeded",
            "not-verified",
        }
        assert verify_resolved(resolved_for(four, small()), model).findings != ()


@pytest.mark.parametrize("bits", range(2, 9))
@pytest.mark.parametrize("by_channel", [True, False])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bfloat16])
def test_fake_quantized_weights_are_never_said_to_be_wrong(bits: int, by_channel: bool, dtype: torch.dtype) -> None:
    torch.manual_seed(bits)
    model = nn.Sequential(nn.Linear(300, 40), nn.Conv2d(8, 8, 3, groups=8))
    configs: list[dict[str, Any]] = [
        {"op_types": ["Linear", "Conv2d"], "quant_types": ["weight", "input"], "quant_bits": bits}
    ]
    resolved = resolved_for(configs, model)
    random = verify_resolved(resolved, model.to(dtype))
    assert all(row.codes for row in random.layers)
    for layer in model:
        tensor = fake_quantized(layer.weight.detach().float(), bits, by_channel=by_channel)
        layer.weight = nn.Parameter(tensor.to(dtype))
    found = verify_resolved(resolved, model)
    assert {finding.code for finding in found.findings} <= {"not-verified"}
    if dtype is not torch.bfloat16:
        assert found.layers[0].codes == ()


def test_a_model_whose_channels_are_removed_is_one_finding() -> None:
    configs: list[dict[str, Any]] = [
        {"op_types": ["Conv2d"], "sparsity_per_layer": 0.5},
        {"op_names": ["3"], "sparsity_per_layer": 0.25},
    ]
    model = net()
    fast = nn.Sequential(nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8), nn.ReLU(), nn.Conv2d(8, 6, 3), *list(model)[4:])
    for weights in (fast, fast.state_dict()):
        (finding,) = verify_resolved(resolved_for(configs, net()), weights).findings
        assert (finding.code, finding.severity, finding.path) == ("not-verified", "error", ())
        assert finding.message == (
            "3 of 5 layers have fewer channels than in the model: '0' (8x3x3x3 instead of 16x3x3x3), "
            "'1' (8 instead of 16), '3' (6x8x3x3 instead of 8x16x3x3)"
        )


def test_adapters_and_residual_branches_may_start_at_zero() -> None:
    model = nn.ModuleDict({"fc": nn.Linear(10, 10), "lora_B": nn.Linear(4, 10, bias=False)})
    nn.init.zeros_(model["lora_B"].weight)
    prune.l1_unstructured(model["fc"], "weight", amount=50)
    found = verify_resolved(resolved_for([{"op_names": ["fc"], "sparsity_per_layer": 0.5}], model), model)
    (finding,) = found.findings
    assert (finding.code, finding.severity) == ("not-verified", "warning")
    assert finding.message == (
        "1 of 1 layers could not be verified: 'lora_B' is zero throughout, masked or as it was initialized"
    )


def test_a_model_within_a_module_for_training_is_the_model() -> None:
    class Lightning(nn.Module):
        def __init__(self, model: nn.Module) -> None:
            super().__init__()
            self.model = model

    model = net()
    for layer in cc.resolve(CONFIGS, model).budget.layers:
        prune.l1_unstructured(model.get_submodule(layer.layer), "weight", amount=layer.masked)
    for weights in (Lightning(model), Lightning(model).state_dict(), nn.DataParallel(Lightning(model)).state_dict()):
        assert verify_resolved(resolved_for(CONFIGS, net()), weights, tolerance="exact").findings == ()


def test_zeros_that_8_bit_floats_round_to_are_not_masked() -> None:
    torch.manual_seed(0)
    weight = torch.nn.Linear(800, 80).weight.detach().to(torch.float8_e4m3fn)
    assert zeros(weight.float()) > 100
    layers = [cc.Layer(name="a", type="Linear", weight_shape=(80, 800), dtype="float32")]
    resolution = cc.resolve([{"op_names": ["a"], "exclude": True}], layers, kind="pruning")
    assert cc.verify(resolution, {"a.weight": weight}).findings == ()
