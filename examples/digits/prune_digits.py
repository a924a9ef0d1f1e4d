"""Train a small network on scikit-learn's digits, prune it by two config lists, train it on, and verify both results.

    pip install torch scikit-learn numpy
    python examples/digits/prune_digits.py

Takes a few seconds on a CPU; the digits come with scikit-learn, nothing is downloaded. Both lists are resolved and
their findings are read before the training begins. Ends with status 1 when a network is not as sparse as its list says.
"""

from __future__ import annotations

import copy
import sys
from pathlib import Path

import torch
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from torch import Tensor, nn
from torch.nn.utils import prune

import compression_config as cc
from compression_config.interop.torch import prune_

__all__ = ["Network", "main"]

HERE = Path(__file__).parent
LISTS = ("pruning.yaml", "sparser.yaml")


class Network(nn.Module):
    """Two convolutions and two linear layers, for images of 8 x 8 pixels."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(1, 16, 3, padding=1)
        self.conv2 = nn.Conv2d(16, 32, 3, padding=1)
        self.fc1 = nn.Linear(32 * 4 * 4, 64)
        self.head = nn.Linear(64, 10)

    def forward(self, images: Tensor) -> Tensor:
        """Return one score for each digit."""
        features = nn.functional.max_pool2d(self.conv2(self.conv1(images).relu()).relu(), 2).flatten(1)
        return self.head(self.fc1(features).relu())


class Digits:
    """The digits, three quarters of them to train with and one quarter to test on."""

    def __init__(self) -> None:
        images, labels = load_digits(return_X_y=True)
        parts = train_test_split(images / 16, labels, random_state=0, stratify=labels)
        images, test_images, labels, test_labels = map(torch.tensor, parts)
        self.images, self.test_images = (part.float().view(-1, 1, 8, 8) for part in (images, test_images))
        self.labels, self.test_labels = labels, test_labels

    def train(self, model: nn.Module, *, epochs: int) -> None:
        """Train in batches of 64; masks of pruned weights stay in force."""
        optimizer = torch.optim.Adam(model.parameters(), lr=0.002)
        for _ in range(epochs):
            for batch in torch.randperm(len(self.images)).split(64):
                optimizer.zero_grad()
                nn.functional.cross_entropy(model(self.images[batch]), self.labels[batch]).backward()
                optimizer.step()

    @torch.no_grad()
    def accuracy(self, model: nn.Module) -> float:
        """Return the share of the test images that get their label."""
        return float((model(self.test_images).argmax(1) == self.test_labels).float().mean())


def main() -> int:
    """Prune by both lists, and return 0 when every count is as configured."""
    torch.manual_seed(0)
    torch.set_num_threads(1)  # the network is too small to be worth sharing among several
    model = Network()
    resolutions = {name: resolve(HERE / name, model) for name in LISTS}

    digits = Digits()
    digits.train(model, epochs=15)
    print(f"accuracy before pruning {digits.accuracy(model):.1%}")
    exact = True
    for name, resolution in resolutions.items():
        print(f"\n{name}")
        exact = prune_and_verify(copy.deepcopy(model), resolution, digits) and exact

    print(f"\nfrom {LISTS[0]} to {LISTS[1]}")
    print(cc.compare(*resolutions.values()))
    return 0 if exact else 1


def resolve(path: Path, model: nn.Module) -> cc.Resolution[cc.PruningSettings]:
    """Return what a list gives each layer; stop when it has an error or a warning."""
    resolution = cc.resolve(cc.load(path, kind="pruning"), model, strict=True)
    resolution.raise_for_findings()
    return resolution


def prune_and_verify(model: nn.Module, resolution: cc.Resolution[cc.PruningSettings], digits: Digits) -> bool:
    """Prune the model, train it on, and return whether exactly so many weights are masked as its list says."""
    counts = prune_(model, resolution)
    print(f"accuracy after pruning  {digits.accuracy(model):.1%}")
    digits.train(model, epochs=5)
    print(f"accuracy trained on     {digits.accuracy(model):.1%}")
    for name in counts:
        prune.remove(model.get_submodule(name), "weight")
    verification = cc.verify(resolution, model, tolerance="exact")
    print(verification)
    return not verification.findings


if __name__ == "__main__":
    sys.exit(main())
