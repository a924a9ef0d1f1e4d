"""Train a small network, prune it as a config list says, train it on, and print configured beside achieved sparsity.

    python examples/prune_and_report.py

Takes a few seconds on a CPU; the data are drawn at random, nothing is downloaded. The config list is resolved and its
findings are read before the training begins. Ends with status 1 when a layer is not as sparse as it should be.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn.utils import prune

import compression_config as cc

__all__ = ["Classifier", "main"]

CONFIG_LIST = [
    {"op_types": ["Conv2d", "Linear"], "sparsity_per_layer": 0.5},
    # The two wide layers share one budget: 80 % of both together, at most 90 % of either.
    {"op_names": ["body.fc1", "body.fc2"], "total_sparsity": 0.8, "max_sparsity_per_layer": 0.9},
    {"op_names": ["stem", "head"], "exclude": True},
    {"op_names": ["head"], "sparsity_per_layer": 0.29},  # taken back
]
CLASSES = 4
SIZE = 8


class Classifier(nn.Module):
    """A small network for small images."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(1, 8, 3, padding=1)
        self.mix = nn.Conv2d(8, 8, 3, padding=1)
        self.body = nn.ModuleDict({"fc1": nn.Linear(8 * SIZE * SIZE // 4, 64), "fc2": nn.Linear(64, 32)})
        self.head = nn.Linear(32, CLASSES)

    def forward(self, images: Tensor) -> Tensor:
        """Return one score for each class."""
        features = nn.functional.max_pool2d(self.mix(self.stem(images).relu()).relu(), 2).flatten(1)
        return self.head(self.body["fc2"](self.body["fc1"](features).relu()).relu())


def main() -> int:
    """Prune, report, and return 0 when every count is as configured."""
    torch.manual_seed(0)
    torch.set_num_threads(1)  # the network is too small to be worth sharing among several
    model = Classifier()
    resolution = cc.resolve(CONFIG_LIST, model, kind="pruning")
    for finding in resolution.findings:
        print(finding)
    resolution.raise_for_findings()

    images, labels = draw_images(256)
    train(model, images, labels, steps=40)
    print(f"accuracy before pruning {accuracy(model, images, labels):.1%}")
    apply_masks(model, resolution)
    print(f"accuracy after pruning  {accuracy(model, images, labels):.1%}")
    train(model, images, labels, steps=40)
    print(f"accuracy trained on     {accuracy(model, images, labels):.1%}")

    print(f"\n{'':12}{'configured':>12}{'achieved':>12}{'elements':>10}{'to mask':>10}{'masked':>10}")
    exact = True
    for row in report(model, resolution):
        print(f"{row.name:12}{row.configured:>12}{row.masked / row.numel:>12.4f}{row.numel:>10}", end="")
        print(f"{'open' if row.demanded is None else row.demanded:>10}{row.masked:>10}")
        exact = exact and row.demanded in (None, row.masked)
    return 0 if exact else 1


def apply_masks(model: nn.Module, resolution: cc.Resolution[cc.PruningSettings]) -> None:
    """Mask the smallest weights of each layer: as many as its ratio says, or as its group's budget leaves it."""
    for name, count in resolution.budget.counts().items():
        prune.l1_unstructured(model.get_submodule(name), "weight", amount=count)


class Row(NamedTuple):
    """One line of the report: a layer, or a group of layers that share a budget."""

    name: str
    configured: str
    """The ratio as it was written, or how the layer is pruned."""
    demanded: int | None
    """How many elements are to be masked; None for a layer of a group, where the pruner decides."""
    masked: int
    numel: int


def report(model: nn.Module, resolution: cc.Resolution[cc.PruningSettings]) -> Iterator[Row]:
    """Yield the pruned layers, the groups, and the layers that were left out."""
    zeros = {name: int((model.get_submodule(name).weight == 0).sum()) for name in resolution if has_weight(model, name)}
    for layer in resolution.budget.layers:
        settings = resolution.compressed[layer.layer].settings
        configured = f"in [{settings.group}]" if settings.sparsity is None else str(settings.sparsity)
        yield Row(layer.layer, configured, layer.masked, zeros[layer.layer], layer.numel or 0)
    for group in resolution.budget.groups:
        masked = sum(zeros[layer.layer] for layer in group.layers)
        yield Row(f"group [{group.index}]", str(group.total_sparsity), group.demanded, masked, group.numel or 0)
    for name in resolution.excluded:
        yield Row(name, "excluded", 0, zeros[name], resolution[name].layer.numel or 0)


def has_weight(model: nn.Module, name: str) -> bool:
    """Return whether a layer has something to prune."""
    return hasattr(model.get_submodule(name), "weight")


def draw_images(count: int) -> tuple[Tensor, Tensor]:
    """Return images of noise in which one quarter is brighter, and which quarter that is."""
    labels = torch.randint(CLASSES, (count,))
    images = torch.randn(count, 1, SIZE, SIZE)
    half = SIZE // 2
    for image, label in zip(images, labels.tolist(), strict=True):
        top, left = divmod(label, 2)
        image[0, top * half : (top + 1) * half, left * half : (left + 1) * half] += 0.7
    return images, labels


def train(model: nn.Module, images: Tensor, labels: Tensor, *, steps: int) -> None:
    """Train on all images at once; the masks of pruned weights stay in force."""
    optimizer = torch.optim.Adam(model.parameters(), lr=0.005)
    for _ in range(steps):
        optimizer.zero_grad()
        nn.functional.cross_entropy(model(images), labels).backward()
        optimizer.step()


@torch.no_grad()
def accuracy(model: nn.Module, images: Tensor, labels: Tensor) -> float:
    """Return the share of images that get their label."""
    return float((model(images).argmax(1) == labels).float().mean())


if __name__ == "__main__":
    sys.exit(main())
