"""Layers of a net as matrices, to count the linear maps that their weights span."""

import numpy as np
import torch


def linear_maps(layer: torch.nn.Module, apply, k: int) -> np.ndarray:
    """One matrix (k k, k k) per weight, without biases: the map of a one-feature layer whose other weights are 0."""
    cells = torch.eye(k * k, dtype=torch.float64).reshape(k * k, k, k, 1)
    weights = [weight for name, weight in layer.double().named_parameters() if not name.endswith("bias")]
    matrices = []
    with torch.no_grad():
        for weight in layer.parameters():
            weight.zero_()
        for weight in weights:
            for index in range(weight.numel()):
                weight.view(-1)[index] = 1.0
                matrices.append(apply(layer, cells).flatten(1).T.numpy())
                weight.view(-1)[index] = 0.0
    return np.stack(matrices)
