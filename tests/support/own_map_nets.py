"""Nets on maps of one's own: one that averages over near nodes, as a file of source and as a class."""

SOURCE = """
import torch
from torch import nn

from gnnmax.models.maps.encoding import standardise_maps


class NearNodes(nn.Module):
    inputs = "maps"
    equivariant = ("relabelling",)
    needs_nodes = True

    def __init__(self, heads: int = 2):
        super().__init__()
        self.sharpness = nn.Parameter(torch.linspace(0.5, 2, heads))
        self.mix = nn.Linear(heads + 1, 1)

    def forward(self, values):
        units, seen = standardise_maps(values)
        features = [units]
        for sharpness in self.sharpness:
            near = (sharpness * units).masked_fill(~seen, -1e9).softmax(-1)
            features.append(near @ units @ near.mT)
        return self.mix(torch.stack(features, -1)).squeeze(-1)
"""
