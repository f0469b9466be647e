"""Maps with planted peaks that are drawn on the device on which a net is trained, a fresh batch at every step.

They are of the kinds that recipes describe, with every parameter drawn over a range. Nothing waits for the device, so a
draw can be part of a CUDA graph. Bits differ from one device to another; recipes draw the maps that are stored.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from gnnmax.errors import unknown_name
from gnnmax.training.device_training import Source
from gnnmax.training.objectives import NO_PLACE, OTHER, PEAK, PlaceObjective

__all__ = ["ContactMaps", "LineMaps", "PlainMaps", "sources_of"]

DIAGONAL, RADIUS, SEPARATION = 10, 1.2, 8


Range = tuple[float, float]
"""Least and greatest value of a parameter that is drawn for each map."""


class _Square:
    """What all kinds of symmetric maps need: the places, their distances, where a peak can be, and the loss of a net.

    Args:
        n: Number of nodes.
        batch: Number of maps in a draw.
        device: Where they are drawn.
        most: Greatest number of peaks in a map; each number from 0 on is as likely. None: always one.

    Attributes:
        objective: The loss that fits the number of their peaks.
    """

    def __init__(self, n: int, batch: int, device: torch.device, *, most: int | None = None) -> None:
        self.n, self.batch, self.device, self.most = n, batch, device, most
        self.place = torch.arange(n, device=device)
        self.apart = (self.place[:, None] - self.place).abs()
        self.upper = torch.ones(n, n, dtype=torch.bool, device=device).triu(1)
        self.allowed = torch.ones(n, n, device=device).triu(DIAGONAL).nonzero()
        self.objective = PlaceObjective(None if most is None else most / n**2)

    def draw(self, rng: torch.Generator) -> tuple[Tensor, Tensor]:
        """Return values and codes of entries (see :func:`~gnnmax.training.objectives.place_codes`), ``(B, n, n)``."""
        raise NotImplementedError

    def loss(self, net: nn.Module, rng: torch.Generator) -> Tensor:
        """Return the loss of a net on fresh maps."""
        values, codes = self.draw(rng)
        return self.objective.loss(net(values, symmetric=True), codes)

    def uniform(self, *shape: int, rng: torch.Generator) -> Tensor:
        """Draw uniform numbers between 0 and 1."""
        return torch.rand(*shape, device=self.device, generator=rng)

    def between(self, bounds: Range, rng: torch.Generator) -> Tensor:
        """Draw one number a map between two bounds, uniform on a logarithmic scale, shape ``(B, 1, 1)``."""
        low, high = bounds
        return low * (high / low) ** self.uniform(self.batch, 1, 1, rng=rng)

    def noise(self, rng: torch.Generator) -> Tensor:
        """Draw symmetric unit noise, shape ``(B, n, n)``."""
        drawn = torch.randn(self.batch, self.n, self.n, device=self.device, generator=rng).triu()
        return drawn + drawn.triu(1).mT

    def peaks(self, amplitude: Range, rng: torch.Generator) -> tuple[Tensor, Tensor]:
        """Draw peaks along the line: their summed profiles, and 1 where one is, shape ``(B, n, n)`` each.

        A peak nearer than ``SEPARATION`` to an earlier one is left out.
        """
        most = self.most or 1
        where = (self.uniform(self.batch, most, rng=rng) * len(self.allowed)).long().clamp_max(len(self.allowed) - 1)
        peak = self.allowed[where]  # (B, P, 2)
        there = torch.ones(self.batch, most, dtype=torch.bool, device=self.device)
        if self.most is not None:
            count = (self.uniform(self.batch, 1, rng=rng) * (most + 1)).long()
            far = (peak[:, :, None] - peak[:, None]).abs().amax(dim=-1)
            there = (torch.arange(most, device=self.device) < count) & ~(far < SEPARATION).tril(-1).any(dim=-1)
        low, high = amplitude
        height = there * low * (high / low) ** self.uniform(self.batch, most, rng=rng)
        rows, columns = (torch.exp(-((self.place - peak[..., side, None]) ** 2) / (2 * RADIUS**2)) for side in (0, 1))
        profile = (rows * height[..., None]).mT @ columns
        marks = [(self.place == peak[..., side, None]).to(profile.dtype) for side in (0, 1)]
        return profile + profile.mT, (marks[0] * there[..., None]).mT @ marks[1]

    def codes(self, peak: Tensor, values: Tensor) -> Tensor:
        """Return the codes of entries: places are observed entries above the diagonal."""
        place = self.upper & ~values.isnan()
        return torch.where(place, torch.where(peak > 0, PEAK, OTHER), NO_PLACE).to(torch.int8)

    def gaps(self, protected: Tensor, rng: torch.Generator) -> Tensor:
        """Mark entries that are not observed: in a quarter of the maps up to a tenth of those not protected."""
        share = 0.4 * (self.uniform(self.batch, 1, 1, rng=rng) - 0.75).clamp_min(0)
        gone = (self.uniform(self.batch, self.n, self.n, rng=rng) < share).triu(1) & (protected == 0)
        return gone | gone.mT


class LineMaps(_Square):
    """Nodes along a line, near ones strongly joined, and one bump in unit noise; the order is known, or lost.

    A quarter of the maps has entries that are not observed.

    Example:
        >>> source = LineMaps(24, 5, torch.device("cpu"), shuffled=True)
        >>> values, codes = source.draw(torch.Generator().manual_seed(0))
        >>> values.shape, int((codes == PEAK).sum())
        (torch.Size([5, 24, 24]), 5)
    """

    def __init__(
        self,
        n: int,
        batch: int,
        device: torch.device,
        *,
        shuffled: bool,
        affinity: Range = (1.0, 4.5),
        reach: Range = (2.0, 5.0),
        amplitude: Range = (1.25, 4.0),
    ) -> None:
        super().__init__(n, batch, device)
        self.shuffled, self.affinity, self.reach, self.amplitude = shuffled, affinity, reach, amplitude

    def draw(self, rng: torch.Generator) -> tuple[Tensor, Tensor]:
        """Draw values and codes."""
        affinity, reach = self.between(self.affinity, rng), self.between(self.reach, rng)
        signal, peak = self.peaks(self.amplitude, rng)
        mean = affinity * torch.exp(-self.apart / reach) + signal
        if self.shuffled:
            order = self.uniform(self.batch, self.n, rng=rng).argsort(dim=1)
            every = torch.arange(self.batch, device=self.device)[:, None, None]
            mean, peak = (each[every, order[:, :, None], order[:, None]] for each in (mean, peak + peak.mT))
        values = mean + self.noise(rng)
        values = values.masked_fill(self.gaps(peak, rng), torch.nan)
        return values, self.codes(peak, values)


class PlainMaps(_Square):
    """None to eight bumps in noise without a background, Gaussian or lognormal; the order is known.

    Example:
        >>> values, codes = PlainMaps(64, 5, torch.device("cpu")).draw(torch.Generator().manual_seed(0))
        >>> int((codes == PEAK).sum()) > 5
        True
    """

    def __init__(self, n: int, batch: int, device: torch.device) -> None:
        super().__init__(n, batch, device, most=8)

    def draw(self, rng: torch.Generator) -> tuple[Tensor, Tensor]:
        """Draw values and codes."""
        signal, peak = self.peaks((1.25, 5.0), rng)
        values = signal + self.noise(rng)
        lognormal = self.uniform(self.batch, 1, 1, rng=rng) < 0.25
        values = torch.where(lognormal, values.exp(), values).masked_fill(self.gaps(peak, rng), torch.nan)
        return values, self.codes(peak, values)


class ContactMaps(_Square):
    """Counts of contacts that fall with the distance, with domains, and none to twelve bumps over the local mean.

    Decay 0.7 to 1.3, up to 16 domains of boost 1 to 4. Half of the maps have biases of bins, divided out again as
    balancing does; a quarter has bins that are not observed; and if asked for, counts are divided by their mean at
    their distance.

    Example:
        >>> source = ContactMaps(32, 4, torch.device("cpu"), by_distance=True)
        >>> values, codes = source.draw(torch.Generator().manual_seed(0))
        >>> bool((codes == PEAK).any()), bool(values.isnan().any(dim=2).all(dim=1).any())
        (True, False)
    """

    def __init__(
        self,
        n: int,
        batch: int,
        device: torch.device,
        *,
        by_distance: bool,
        depth: Range = (20.0, 1000.0),
        amplitude: Range = (0.75, 5.0),
    ) -> None:
        super().__init__(n, batch, device, most=12)
        self.by_distance, self.depth, self.amplitude = by_distance, depth, amplitude
        self.lag = torch.nn.functional.one_hot(self.apart.flatten(), n).to(torch.float32)  # (n * n, n)
        self.lagged = self.lag.sum(dim=0)

    def draw(self, rng: torch.Generator) -> tuple[Tensor, Tensor]:
        """Draw values and codes."""
        depth, decay = self.between(self.depth, rng), self.between((0.7, 1.3), rng)
        fall = torch.where(self.apart == 0, 0.0, self.apart.clamp_min(1).float() ** -decay)
        signal, peak = self.peaks(self.amplitude, rng)
        mean = depth * fall * self._domains(rng) * (1 + signal)
        biased = self.uniform(self.batch, 1, rng=rng) < 0.5
        noise = torch.randn(self.batch, self.n, device=self.device, generator=rng)
        bias = torch.where(biased, (0.3 * noise).exp(), torch.ones_like(noise))
        both = bias[:, :, None] * bias[:, None]
        counts = torch.poisson(mean * both, generator=rng).triu(1)
        values = (counts + counts.mT) / both
        share = 0.4 * (self.uniform(self.batch, 1, rng=rng) - 0.75).clamp_min(0)
        lost = self.uniform(self.batch, self.n, rng=rng) < share
        if self.by_distance:
            usual = values.flatten(1) @ self.lag / self.lagged
            values = values / usual[:, self.apart].clamp_min(1e-3)
        values = values.masked_fill(lost[:, :, None] | lost[:, None], torch.nan)
        return values, self.codes(peak, values)

    def _domains(self, rng: torch.Generator) -> Tensor:
        """Draw the boost of pairs within one domain, shape ``(B, n, n)``: 1 between domains."""
        breaks = (self.uniform(self.batch, 1, rng=rng) * 16).long()
        rank = self.uniform(self.batch, self.n, rng=rng).argsort(dim=1)
        domain = (rank < breaks).cumsum(dim=1)
        return torch.where(
            domain[:, :, None] == domain[:, None], self.between((1.0, 4.0), rng), torch.ones((), device=self.device)
        )


def sources_of(name: str, device: torch.device) -> list[Source]:
    """Return the maps on which a shipped net is trained: the steps take them in turn.

    Raises:
        InputError: no net on maps of that name ships.

    Example:
        >>> len(sources_of("map-product", torch.device("cpu")))
        4
    """
    line: list[Source] = [
        LineMaps(n, batch, device, shuffled=True) for n, batch in ((32, 96), (48, 64), (64, 48), (96, 16))
    ]
    image: list[Source] = [
        LineMaps(64, 32, device, shuffled=False),
        PlainMaps(96, 12, device),
        ContactMaps(128, 12, device, by_distance=False),
        ContactMaps(128, 12, device, by_distance=True),
    ]
    known = {"map-cnn": image, "map-product": line}
    if name not in known:
        raise unknown_name("shipped net on maps", name, known)
    return known[name]
