"""Training on examples that are drawn on the device, a fresh batch at every step: how the shipped map nets came to be.

On a GPU every update is one CUDA graph: drawing, forward, backward, clipping, AdamW. A running mean of the weights is
kept. Bits differ from one device to another.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from typing import Protocol

import torch
from torch import Tensor, nn

__all__ = ["DeviceTraining", "Source"]

RATE, WARM_UP, CLIP, DECAY = 3e-3, 300, 1.0, 1e-4
KEEP = 0.998
"""Share of the running mean of the weights that an update keeps."""


class Source(Protocol):
    """Draws batches of examples on the device of a training."""

    def loss(self, net: nn.Module, rng: torch.Generator) -> Tensor:
        """Return the loss of a net on a fresh batch, in nats an example."""


class DeviceTraining:
    """Updates of one net: all state lies in tensors, so that an update can be captured as a CUDA graph."""

    def __init__(self, net: nn.Module, device: torch.device, seed: int = 0) -> None:
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

    def update(self, source: Source) -> Callable[[], None]:
        """Return a call that makes one update on examples of a source."""

        def step() -> None:
            loss = source.loss(self.net, self.rng)
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

    def run(
        self,
        sources: Sequence[Source],
        seconds: float = math.inf,
        write: Callable[[str], object] = lambda _line: None,
        *,
        steps: float = math.inf,
    ) -> int:
        """Train for some seconds or updates, with a cosine schedule, and keep the running mean of the weights.

        Args:
            sources: The updates take them in turn.
            seconds: Time to train, after which it ends.
            write: Is called with lines about the progress.
            steps: Number of updates, after which it ends. On one machine they alone decide the weights.

        Returns:
            The number of updates.
        """
        updates = [self.update(source) for source in sources]
        self.loss.zero_()
        started, step, done = time.monotonic(), 0, 0.0
        while done < 1:
            if self.device.type != "cuda" or step % 20 == 0:  # looking at the clock waits for a GPU
                done = min(1.0, max((time.monotonic() - started) / seconds, (step + 1) / steps))
                warm = min(1.0, (step + 20) / WARM_UP)
                self.set_rate(RATE * warm * (0.01 + 0.495 * (1 + math.cos(math.pi * done))))
            if step % 1000 == 0:
                write(f"step {step:,}, loss {float(self.loss):.3f} nats an example\n")
            updates[step % len(updates)]()
            step += 1
        with torch.no_grad():
            for weight, mean in zip(self.weights, self.mean, strict=True):
                weight.copy_(mean)
        return step
