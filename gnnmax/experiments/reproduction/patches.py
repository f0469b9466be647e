"""The worth of locality and of shared weights: samples needed to find a signal in one of k patches."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt
import torch
from scipy.special import ndtri
from torch import Tensor, nn
from torch.nn import functional

from gnnmax.errors import InputError
from gnnmax.experiments.reproduction.cells import CellOptions, Cells, Key
from gnnmax.experiments.reproduction.crossing import crossing_point
from gnnmax.experiments.reproduction.outcome import Figure, Outcome, Progress, mean_and_error
from gnnmax.experiments.reproduction.patches_figure import draw_patches
from gnnmax.models.seeding import torch_seed
from gnnmax.task.claims import Check
from gnnmax.training.threads import one_thread

__all__ = ["PatchNet", "draw_in_patches", "linear_samples", "patches"]

FULLY, LOCALLY, CONVOLUTIONAL, GRAPH = "fully connected", "locally connected", "convolutional", "graph net"
LINEAR = "linear rule"
NETS = {
    FULLY: (2.0, math.inf),
    LINEAR: (3.0, math.inf),
    LOCALLY: (1.0, 2.0),
    CONVOLUTIONAL: (0.0, 1.0),
    GRAPH: (0.0, 1.0),
}
"""Nets, and the exponents of k between which the theorems put the number of samples at a fixed d.

That of the linear rule is :func:`linear_samples`.
"""

PATCHES, QUICK_PATCHES = (4, 8, 16, 32), (4, 8, 16)
"""Numbers of patches k."""

DIMENSION, NOISE = 16, 0.2
"""Entries of a patch d, and the deviation of their noise; the signal is a vector of length 1."""

LEVEL, ENOUGH = 0.8, 0.9
"""Accuracy at which samples are counted, and mean accuracy from which no larger number of samples is tried."""

SAMPLES = tuple(2**power for power in range(1, 15))
TESTED = 2_000

STEPS, STEP_LENGTH, START = 400, 0.1, 0.03
"""Updates of the weights, the length of the first, and the length of the weights at the start."""

SLACK = 0.3
"""How far an exponent may be outside its theorem."""

SAME = 2.0
"""Factor within which two numbers of samples agree."""

VERSION = 1
"""Version of the measurement: increased when a cell of the same key would change."""


def draw_in_patches(
    rng: np.random.Generator, signal: npt.NDArray[np.float32], samples: int, k: int
) -> tuple[Tensor, Tensor]:
    """Draw inputs with a signal in one patch, whose sign is the label.

    Args:
        rng: Source of randomness.
        signal: The signal, shape ``(d,)``.
        samples: Number of inputs.
        k: Number of patches.

    Returns:
        Inputs, shape ``(samples, k, d)``, and labels 1 and -1, shape ``(samples,)``.

    Example:
        >>> inputs, labels = draw_in_patches(np.random.default_rng(0), np.ones(4, dtype=np.float32), 5, 3)
        >>> inputs.shape, labels.shape
        (torch.Size([5, 3, 4]), torch.Size([5]))
    """
    inputs = np.float32(NOISE) * rng.standard_normal((samples, k, len(signal)), dtype=np.float32)
    labels = rng.choice(np.array([-1, 1], dtype=np.float32), size=samples)
    inputs[np.arange(samples), rng.integers(k, size=samples)] += labels[:, None] * signal
    return torch.from_numpy(inputs), torch.from_numpy(labels)


class PatchNet(nn.Module):
    """Filters on patches, an odd activation that favours large responses, and their sum.

    ``fully connected``: k filters on all entries. ``linear rule``: one, without an activation. ``locally connected``:
    one filter for each patch.
    ``convolutional``: one filter for all. ``graph net``: patches are the nodes of a complete graph without an order,
    and each adds a second filter of its neighbours' mean to the first of its own entries.

    Args:
        kind: One of :data:`NETS`.
        k: Number of patches.
        d: Entries of a patch.

    Example:
        >>> {kind: sum(w.numel() for w in PatchNet(kind, k=4, d=16).parameters()) for kind in NETS}
        {'fully connected': 256, 'linear rule': 64, 'locally connected': 64, 'convolutional': 16, 'graph net': 32}
    """

    def __init__(self, kind: str, *, k: int, d: int) -> None:
        super().__init__()
        self.kind = kind
        shapes = {FULLY: (k, k * d), LINEAR: (1, k * d), LOCALLY: (k, d), CONVOLUTIONAL: (1, d), GRAPH: (2, d)}
        shape = shapes[kind]
        self.filters = nn.Parameter(START * torch.randn(shape) / math.sqrt(math.prod(shape)))

    def forward(self, inputs: Tensor) -> Tensor:
        """Return logarithmic odds of label 1, shape ``(N,)``, of inputs ``(N, k, d)``."""
        if self.kind in (FULLY, LINEAR):
            response = inputs.flatten(1) @ self.filters.T
        elif self.kind == GRAPH:
            others = (inputs.sum(dim=1, keepdim=True) - inputs) / max(inputs.shape[1] - 1, 1)
            response = inputs @ self.filters[0] + others @ self.filters[1]
        else:
            response = (inputs * self.filters).sum(dim=-1)
        return (response if self.kind == LINEAR else response + response**3).sum(dim=1)


def _descend(net: nn.Module, inputs: Tensor, labels: Tensor) -> None:
    """Minimise the log loss by gradient descent with updates of set lengths: it turns with the inputs."""
    weights = list(net.parameters())
    for step in range(STEPS):
        slopes = torch.autograd.grad(functional.softplus(-labels * net(inputs)).mean(), weights)
        length = math.sqrt(sum(float(slope.square().sum()) for slope in slopes))
        rate = STEP_LENGTH * (1 + math.cos(math.pi * step / STEPS)) / 2
        with torch.no_grad():
            for weight, slope in zip(weights, slopes, strict=True):
                weight.sub_(rate * slope / max(length, 1e-12))


def linear_samples(k: int) -> float:
    """Return how many samples a linear rule needs, for large k and d; infinity where no number is enough.

    The mean of m samples times their labels is the signal over k in every patch, plus noise of variance s^2 / m in
    each of k d entries. On a fresh input its response to the signal is 1 / k, and its noise has the variance
    s^2 (1 / k + s^2 k d / m). The accuracy is the normal distribution at their ratio. So the number grows as
    s^4 k^3 d, and faster where s^2 k nears the bound at which even the exact mean is too weak: s^2 k = 1.4 for an
    accuracy of .8.

    Example:
        >>> [round(linear_samples(k)) for k in (8, 16, 32)], linear_samples(64)
        ([12, 136, 6366], inf)
    """
    least = float(ndtri(LEVEL)) ** -2
    beyond = least - NOISE**2 * k
    return NOISE**4 * k**3 * DIMENSION / beyond if beyond > 0 else math.inf


def _accuracy(kind: str, k: int, samples: int, seed: int) -> float:
    """Train a net, and return its accuracy on fresh inputs."""
    rng = np.random.default_rng((seed, k))
    signal = rng.standard_normal(DIMENSION).astype(np.float32)
    signal /= np.linalg.norm(signal)
    test, wanted = draw_in_patches(rng, signal, TESTED, k)
    inputs, labels = draw_in_patches(rng, signal, samples, k)
    with torch_seed(seed), one_thread():
        net = PatchNet(kind, k=k, d=DIMENSION)
        _descend(net, inputs, labels)
        with torch.no_grad():
            return float(((net(test) > 0) == (wanted > 0)).float().mean())


def patches(seeds: Sequence[int], on_progress: Progress, options: CellOptions) -> Outcome:
    """Measure how the number of samples that a net needs grows with the number of patches.

    A vector of d entries, times the label, lies in one of k patches of noise. All nets are trained by gradient descent
    from small weights, which treats all directions of the inputs equally, as the theorems assume.

    The theorem of the fully connected net is a lower bound. Gradient descent needs more here, because it learns a
    linear rule first, and that one is measured beside it: :func:`linear_samples` says how its number grows.

    Cost: half a minute a seed.

    References:
        Lahoti, Karp, Winston, Singh and Li, "Role of Locality and Weight Sharing in Image-Based Tasks", ICLR 2024: at
        least k^2 d samples fully connected, k d to k (k + d) locally connected, k + d convolutional.
    """
    if options.sizes is not None or options.nets is not None:
        raise InputError("the table patches has its own sizes and nets: leave out sizes and nets")
    numbers = QUICK_PATCHES if options.quick else PATCHES
    cells = Cells(options.folder)
    rows: list[dict[str, Figure]] = []
    for done, kind in enumerate(NETS):
        rows.extend(_rows(kind, numbers, seeds, cells))
        on_progress(done + 1, len(NETS))
    return Outcome(
        f"Samples needed for an accuracy of {LEVEL:g}: a signal in one of k patches of {DIMENSION} entries, "
        f"{len(seeds)} seeds",
        "Lahoti et al., ICLR 2024: exponents of k",
        tuple(rows),
        tuple(_checks(rows)),
        draw_patches,
        note=cells.cost,
    )


def _rows(kind: str, numbers: Sequence[int], seeds: Sequence[int], cells: Cells) -> Iterator[dict[str, Figure]]:
    curves = [_curve(kind, k, seeds, cells) for k in numbers]
    needed = np.array([[crossing_point(samples, own, LEVEL) for own in found.T] for samples, found in curves])
    slopes = [float(np.polyfit(np.log(numbers), np.log(own), 1)[0]) for own in needed.T]
    exponent, error = mean_and_error(slopes)
    least, most = NETS[kind]
    for k, own in zip(numbers, needed, strict=True):
        yield {
            "net": kind,
            "k": k,
            "samples": float(np.exp(np.log(own).mean())),
            "least": float(own.min()),
            "most": float(own.max()),
            "exponent": exponent,
            "its s.e.": error,
            "theorem": f"{least:g} or more" if math.isinf(most) else f"{least:g} to {most:g}",
        }


def _curve(
    kind: str, k: int, seeds: Sequence[int], cells: Cells
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Return numbers of samples, shape ``(S,)``, and accuracies, ``(S, seeds)``, up to where all find enough."""
    key: Key = {"table": "patches", "version": VERSION, "net": kind, "k": k}
    found: list[list[float]] = []
    for samples in SAMPLES:
        found.append(
            [
                cells.measured(
                    {**key, "samples": samples, "seed": seed},
                    lambda samples=samples, seed=seed: _accuracy(kind, k, samples, seed),  # type: ignore[misc]
                )
                for seed in seeds
            ]
        )
        if min(found[-1]) >= ENOUGH:
            break
    return np.array(SAMPLES[: len(found)], dtype=np.float64), np.array(found)


def _checks(rows: Sequence[dict[str, Figure]]) -> Iterator[Check]:
    exponents = {str(row["net"]): float(row["exponent"]) for row in rows}
    for kind, (least, most) in NETS.items():
        between = f"{least:g} or more" if math.isinf(most) else f"between {least:g} and {most:g}"
        yield Check(
            f"{kind}: the exponent of k is {between}, to {SLACK:g}",
            least - SLACK <= exponents[kind] <= most + SLACK,
            f"{exponents[kind]:.2f}",
        )
    yield Check(
        "locality and shared weights each save samples",
        exponents[FULLY] > exponents[LOCALLY] > max(exponents[CONVOLUTIONAL], exponents[GRAPH]),
        ", ".join(f"{value:.2f}" for value in exponents.values()),
    )
    samples = {(row["net"], row["k"]): float(row["samples"]) for row in rows}
    apart = [samples[FULLY, k] / samples[LINEAR, k] for net, k in samples if net == LINEAR]
    yield Check(
        f"fully connected needs as many samples as the linear rule, within a factor of {SAME:g}",
        max(max(each, 1 / each) for each in apart) <= SAME,
        ", ".join(f"{each:.2f}" for each in apart),
    )
