"""The model: a tag for each word of a sentence, of a thousand words."""

from __future__ import annotations

import torch
from torch import Tensor, nn

__all__ = ["Tagger"]

WIDTH = 128


class Attention(nn.Module):
    """Each word looks at all others."""

    def __init__(self) -> None:
        super().__init__()
        self.query = nn.Linear(WIDTH, WIDTH)
        self.key = nn.Linear(WIDTH, WIDTH)
        self.value = nn.Linear(WIDTH, WIDTH)
        self.output = nn.Linear(WIDTH, WIDTH)

    def forward(self, words: Tensor) -> Tensor:
        """Return what each word found."""
        scores = self.query(words) @ self.key(words).transpose(-1, -2) / WIDTH**0.5
        return self.output(torch.softmax(scores, dim=-1) @ self.value(words))


class Block(nn.Module):
    """Attention and a feed-forward layer."""

    def __init__(self) -> None:
        super().__init__()
        self.attention = Attention()
        self.norm = nn.LayerNorm(WIDTH)
        self.up = nn.Linear(WIDTH, 4 * WIDTH)
        self.down = nn.Linear(4 * WIDTH, WIDTH)

    def forward(self, words: Tensor) -> Tensor:
        """Return the words for the next block."""
        words = words + self.attention(words)
        return words + self.down(self.up(self.norm(words)).relu())


class Tagger(nn.Module):
    """Four blocks between an embedding and a classifier."""

    def __init__(self, words: int = 1000, tags: int = 10) -> None:
        super().__init__()
        self.embeddings = nn.Embedding(words, WIDTH)
        self.blocks = nn.ModuleList(Block() for _ in range(4))
        self.classifier = nn.Linear(WIDTH, tags)

    def forward(self, indices: Tensor) -> Tensor:
        """Return a score for each word and tag."""
        words = self.embeddings(indices)
        for block in self.blocks:
            words = block(words)
        return self.classifier(words)
