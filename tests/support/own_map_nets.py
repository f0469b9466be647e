"""Nets on maps of one's own: one that averages over near nodes, as a file of source, and factories of any score."""

import torch
from torch import nn

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


class Scaled(nn.Module):
    inputs = "maps"

    def __init__(self, factor: float = 2.0):
        super().__init__()
        self.factor = nn.Parameter(torch.tensor(factor))

    def forward(self, values):
        return self.factor * values.nan_to_num()


def scoring(score, **attributes):
    """A factory of nets on maps that score by a function of the module and the values."""

    class Net(Scaled):
        def forward(self, values):
            return score(self.factor, values)

    def factory():
        return Net()

    for name, value in {"inputs": "maps", **attributes}.items():
        setattr(factory, name, value)
    return factory
