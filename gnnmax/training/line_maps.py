"""Training on line maps that are drawn on the device, a fresh batch at every step: how the shipped map net came to be.

Maps of 32 to 96 nodes on a line, in random order: affinity 1 to 4.5, reach 2 to 5, one bump of height 1.25 to 4 and
radius 1.2 at least 10 places from the diagonal, unit noise, and in a quarter of the maps up to 10 % of the entries not
observed. On a GPU every update is one CUDA graph: drawing, forward, backward, clipping, AdamW. A running mean of the
weights is kept. Bits differ from one device to another.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional

from gnnmax.models.maps.product import MapProductNet

__all__ = ["LineTraining", "draw_line_maps"]

SIZES = ((32, 96), (48, 64), (64, 48), (96, 16))
"""Nodes of a map, and maps in a batch: the steps take them in turn."""

RATE, WARM_UP, CLIP, DECAY = 3e-3, 300, 1.0, 1e-4
DIAGONAL, RADIUS = 10, 1.2
KEEP = 0.998
"""Share of the running mean of the weights that an update keeps."""


def draw_line_maps(batch: int, allowed: Tensor, n: int, rng: torch.Generator) -> tuple[Tensor, Tensor, Tensor]:
    """Draw symmetric maps ``(B, n, n)``, and the rows and columns of their peaks, ``(B,)`` each.

    Args:
        batch: Number of maps.
        allowed: Places along the line that a peak can have, shape ``(P, 2)``.
        n: Number of nodes.
        rng: On the device.
    """
    device = allowed.device

    def uniform(*shape: int) -> Tensor:
        return torch.rand(*shape, device=device, generator=rng)

    place = uniform(batch, n).argsort(dim=1).float()
    apart = (place[:, :, None] - place[:, None, :]).abs()
    affinity, reach = 1 + 3.5 * uniform(batch, 1, 1), 2 + 3 * uniform(batch, 1, 1)
    height = 1.25 + 2.75 * uniform(batch, 1, 1)
    noise = torch.randn(batch, n, n, device=device, generator=rng).triu()
    peak = allowed[(uniform(batch) * len(allowed)).long().clamp_max(len(allowed) - 1)].float()
    ends = [torch.exp(-((place - peak[:, side, None]) ** 2) / (2 * RADIUS**2)) for side in range(2)]
    bump = ends[0][:, :, None] * ends[1][:, None, :]
    values = affinity * torch.exp(-apart / reach) + height * (bump + bump.mT) + noise + noise.triu(1).mT
    first, second = ((place - peak[:, side, None]).abs().argmin(dim=1) for side in range(2))
    row, column = torch.minimum(first, second), torch.maximum(first, second)
    share = 0.4 * (uniform(batch, 1, 1) - 0.75).clamp_min(0)
    at = torch.arange(n, device=device)
    top = (at == row[:, None])[:, :, None] & (at == column[:, None])[:, None, :]
    gone = (uniform(batch, n, n) < share).triu(1) & ~top
    return values.masked_fill(gone | gone.mT, torch.nan), row, column


class LineTraining:
    """Updates of one net: all state lies in tensors, so that an update can be captured as a CUDA graph."""

    def __init__(self, net: MapProductNet, device: torch.device, seed: int = 0) -> None:
        self.net, self.device = net, device
        self.rng = torch.Generator(device).manual_seed(seed)
        self.weights = list(net.parameters())
        self.mean = [weight.detach().clone() for weight in self.weights]
        self.rate = torch.zeros((), device=device)
        self.loss = torch.zeros((), device=device)
        on_gpu = device.type == "cuda"
        self.optimiser = torch.optim.AdamW(
            self.weights, lr=self.rate if on_gpu else RATE, weight_decay=DECAY, capturable=on_gpu
        )

    def update(self, n: int, batch: int) -> Callable[[], None]:
        """Return a call that makes one update on maps of ``n`` nodes."""
        upper = torch.ones(n, n, dtype=torch.bool, device=self.device).triu(1)
        allowed = torch.ones(n, n, device=self.device).triu(DIAGONAL).nonzero()

        def step() -> None:
            values, row, column = draw_line_maps(batch, allowed, n, self.rng)
            evidence = self.net(values, symmetric=True)
            places = evidence.masked_fill(~upper | values.isnan(), -1e9).flatten(1)
            loss = functional.cross_entropy(places, row * n + column)
            self.optimiser.zero_grad(set_to_none=False)
            loss.backward()  # type: ignore[no-untyped-call]
            torch.nn.utils.clip_grad_norm_(self.weights, CLIP)
            self.optimiser.step()
            torch._foreach_lerp_(self.mean, [weight.detach() for weight in self.weights], 1 - KEEP)
            self.loss.lerp_(loss.detach(), 0.01)

        return self.captured(step) if self.device.type == "cuda" else step

    def captured(self, step: Callable[[], None]) -> Callable[[], None]:
        """Capture an update as a CUDA graph, with gradients of its own; the learning rate is 0 meanwhile."""
        for weight in self.weights:
            weight.grad = torch.zeros_like(weight)
        kept = [weight.grad for weight in self.weights]
        stream = torch.cuda.Stream()  # type: ignore[no-untyped-call]
        stream.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(stream):
            for _ in range(3):
                step()
        torch.cuda.current_stream().wait_stream(stream)
        graph = torch.cuda.CUDAGraph()
        graph.register_generator_state(self.rng)
        with torch.cuda.graph(graph):
            step()

        def replay(_alive: tuple[object, ...] = (step, kept)) -> None:  # the graph reads tensors of both
            graph.replay()

        return replay

    def set_rate(self, rate: float) -> None:
        """Change the learning rate; a graph reads it from its tensor."""
        self.rate.fill_(rate)
        if self.device.type != "cuda":
            self.optimiser.param_groups[0]["lr"] = rate

    def run(self, seconds: float, write: Callable[[str], object] = lambda _line: None) -> int:
        """Train for some seconds, with a cosine schedule over them, and keep the running mean of the weights."""
        updates = [self.update(n, batch) for n, batch in SIZES]
        self.loss.zero_()
        started, steps, done = time.monotonic(), 0, 0.0
        while done < 1:
            if self.device.type != "cuda" or steps % 20 == 0:  # looking at the clock waits for a GPU
                done = min(1.0, (time.monotonic() - started) / seconds)
                warm = min(1.0, (steps + 20) / WARM_UP)
                self.set_rate(RATE * warm * (0.01 + 0.495 * (1 + math.cos(math.pi * done))))
            if steps % 1000 == 0:
                write(f"step {steps:,}, loss {float(self.loss):.3f} nats a map\n")
            updates[steps % len(updates)]()
            steps += 1
        with torch.no_grad():
            for weight, mean in zip(self.weights, self.mean, strict=True):
                weight.copy_(mean)
        return steps
