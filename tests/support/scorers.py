"""Scorers whose symmetry is known, each with the verdicts that an audit must reach."""

import dataclasses

import numpy as np
import torch
from torch import nn

from gnnmax import RULES, Windows, on_values
from gnnmax.evaluation.adapters import from_module
from gnnmax.models.registry import build_model

K = 5


def windows(n: int = 60, k: int = K, seed: int = 0, contexts: bool = False) -> Windows:
    """Random windows, half of them centred, as spikes on noise."""
    rng = np.random.default_rng(seed)
    values = rng.uniform(0.1, 1.0, size=(n, k, k)).astype(np.float32)
    values[::2, k // 2, k // 2] += 1
    values[1::2, 0, 1] += 1
    found = Windows.from_values(values)
    if not contexts:
        return found
    both = [np.triu(rng.uniform(size=(n, k, k)).astype(np.float32)) for _ in range(2)]
    return dataclasses.replace(found, row_context=both[0], column_context=both[1])


class Pooled(nn.Module):
    """Two 3 x 3 convolutions and a mean over all positions."""

    def __init__(self, padding_mode: str):
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv2d(1, 4, 3, padding=1, padding_mode=padding_mode),
            nn.ReLU(),
            nn.Conv2d(4, 4, 3, padding=1, padding_mode=padding_mode),
            nn.ReLU(),
        )
        self.head = nn.Linear(4, 1)

    def forward(self, values):
        return self.head(self.layers(values[:, None]).mean(dim=(2, 3)))[:, 0]


class Exchangeable(nn.Module):
    """One exchangeable layer (entry, row, column and total mean), unmarked, and a mean over all entries."""

    def __init__(self):
        super().__init__()
        self.mix, self.head = nn.Linear(4, 8), nn.Linear(8, 1)

    def forward(self, values):
        parts = [values, values.mean(1, True), values.mean(2, True), values.mean((1, 2), True)]
        stacked = torch.stack([part.expand_as(values) for part in parts], dim=-1)
        return self.head(torch.relu(self.mix(stacked)).mean(dim=(1, 2)))[:, 0]


class Sequence(nn.Module):
    """A recurrent net over the entries in row-major order."""

    def __init__(self):
        super().__init__()
        self.cell, self.head = nn.LSTM(1, 6, batch_first=True), nn.Linear(6, 1)

    def forward(self, values):
        return self.head(self.cell(values.flatten(1)[:, :, None])[0][:, -1])[:, 0]


class DeepSet(nn.Module):
    """A function of each other entry and the centre, summed over entries: it has the symmetry group of the label."""

    def __init__(self):
        super().__init__()
        self.inner, self.outer = nn.Linear(1, 8), nn.Linear(9, 1)
        self.each = nn.Parameter(torch.ones(K, K))

    def forward(self, values):
        entries = torch.tanh(self.inner(values[..., None])) * self.each[..., None]
        centre = values[:, K // 2, K // 2, None]
        return self.outer(torch.cat([entries.sum(dim=(1, 2)), centre], dim=1))[:, 0]


def net(make, seed=0):
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed)
        return make()


CENTRE = on_values(lambda values: values[:, K // 2, K // 2])


TRUTH = {  # who, then the letters of the verdicts in the order of the columns: i, e or n
    "rank": (RULES["argmax"], "iiiii iii nn"),
    "margin": (RULES["margin"], "iiiii nii nn"),
    "sorted entries": (RULES["sorted_entries"], "iiiii nii ii"),
    "centre value": (CENTRE, "iiiii eee nn"),
    "corner value": (on_values(lambda values: values[:, 0, 0]), "nninn eee nn"),
    "constant": (on_values(lambda values: np.full(len(values), 3.0)), "iiiii iii ii"),
    "circular CNN": (from_module(net(lambda: Pooled("circular"))), "nnnnn nnn ii"),
    "zero-padded CNN": (from_module(net(lambda: Pooled("zeros"))), "nnnnn nnn nn"),
    "unmarked exchangeable net": (from_module(net(Exchangeable)), "iinin nnn ii"),
    "LSTM over entries": (from_module(net(Sequence)), "nnnnn nnn nn"),
    "deep set": (from_module(net(DeepSet)), "iiiii nnn nn"),
    "marked graph net": (from_module(net(lambda: build_model("gnn", k=K)), contexts=True), "iiiii nii nn"),
}
