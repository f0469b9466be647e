"""A small net of one's own, as a class that gives the factory."""

from typing import Literal

from torch import nn


class Mine(nn.Module):
    inputs = "values"

    def __init__(self, k, width: int = 4, act: Literal["relu", "tanh"] = "relu", layer=nn.Linear):
        super().__init__()
        self.layers = nn.Sequential(nn.Flatten(), layer(k * k, width), nn.ReLU(), nn.Linear(width, 1), nn.Flatten(0))

    def forward(self, values):
        return self.layers(values)
