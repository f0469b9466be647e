"""Which of two maxima lies left: padded nets rely on the position of the pair, and fail at other positions."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import numpy as np
import torch
from torch.nn import functional

from gnnmax.experiments.reproduction.fitting import Examples, fit
from gnnmax.experiments.reproduction.outcome import Figure, Outcome, Progress, mean_and_error
from gnnmax.models.images.tower import Tower
from gnnmax.models.seeding import seeded
from gnnmax.models.tower_spec import Padding, TowerSpec
from gnnmax.task.claims import Check
from gnnmax.training.threads import one_thread

__all__ = ["pairs", "translation"]

SIDE = 32
BANDS = (8, 24)
"""Middle rows of the upper and the lower band; they differ by a multiple of every net's stride."""

HALF_BAND = 4
HEIGHTS = (2.0, 1.0)
LEAST_APART = 5
CHANNELS, STEPS_BETWEEN = (8, 16, 16, 16), (1, 2, 2, 2)

STEPS, BATCH = 600, 128
TESTED = 4_000

PAPER: dict[Padding, tuple[float, float]] = {
    "valid": (1.000, 0.002),
    "zero": (0.998, 0.084),
    "circular": (0.737, 0.737),
    "full": (0.897, 0.897),
}
"""The paper's accuracies where the training was, and in the other band."""


def pairs(rng: np.random.Generator, count: int, *, swapped: bool) -> Examples:
    """Draw matrices of zeros with two entries above, and whether the higher one lies left.

    The band of the pair reveals the label too: the upper band means "left". If the bands are swapped, it means "right".

    Returns:
        Matrices ``(count, 1, 32, 32)`` and labels ``(count,)``, both float32.

    Example:
        >>> images, left = pairs(np.random.default_rng(0), 4, swapped=False)
        >>> (images[:, 0, :16].amax(dim=(1, 2)) > 0).equal(left > 0)
        True
    """
    label = rng.integers(2, size=count)
    first = rng.integers(SIDE // 2, size=count)
    columns = np.stack([first, rng.integers(first + LEAST_APART, SIDE - HALF_BAND)], axis=1)
    rows = rng.integers(-HALF_BAND, HALF_BAND, size=(count, 2)) + np.take(BANDS, (label == 0) ^ swapped)[:, None]
    images = np.zeros((count, 1, SIDE, SIDE), dtype=np.float32)
    heights = np.where(label[:, None] == 1, [HEIGHTS], [HEIGHTS[::-1]])
    images[np.arange(count)[:, None], 0, rows, columns] = heights
    return torch.from_numpy(images), torch.from_numpy(label.astype(np.float32))


def translation(seeds: Sequence[int], on_progress: Progress) -> Outcome:
    """Train the same tower with four kinds of padding to decide which of two maxima lies left; move the pair in tests.

    In training, one class lies in the upper band and the other in the lower one, so position is a shortcut. Nets that
    see a border use it and are wrong elsewhere, although all pool globally; circular and full nets cannot see it.

    Cost: about 15 seconds a net and seed.

    References:
        Kayhan, van Gemert, "On Translation Invariance in CNNs: Convolutional Layers Can Exploit Absolute Spatial
        Location", CVPR 2020, table 1: colours there, heights here.
    """
    rows: list[dict[str, Figure]] = []
    gaps: dict[str, float] = {}
    for place, (padding, (known, known_elsewhere)) in enumerate(PAPER.items()):
        found = []
        for turn, seed in enumerate(seeds):
            with one_thread():
                found.append(_accuracies(padding, seed))
            on_progress(place * len(seeds) + turn + 1, len(PAPER) * len(seeds))
        (here, error), (elsewhere, error_elsewhere) = (mean_and_error(part) for part in zip(*found, strict=True))
        gaps[padding] = here - elsewhere
        rows.append(
            {
                "padding": padding,
                "same bands": here,
                "s.e.": error,
                "paper": known,
                "bands swapped": elsewhere,
                "s.e. ": error_elsewhere,
                "paper ": known_elsewhere,
            }
        )
    seen, blind = min(gaps["valid"], gaps["zero"]), max(abs(gaps["circular"]), abs(gaps["full"]))
    checks = (
        Check("valid and zero-padded nets lose .80 and more elsewhere", seen >= 0.8, f"at least {seen:.3f}"),
        Check("circular and full nets lose nothing, to .01", blind <= 0.01, f"at most {blind:.4f}"),
    )
    return Outcome(
        f"Which of two maxima lies left, accuracy, {len(seeds)} seeds, {TESTED:,} matrices",
        "Kayhan and van Gemert, CVPR 2020, table 1",
        tuple(rows),
        checks,
    )


def _accuracies(padding: Padding, seed: int) -> tuple[float, float]:
    """Train one net; return its accuracies with the bands of training and with the bands swapped."""
    rng = np.random.default_rng(seed)
    spec = TowerSpec(channels=CHANNELS, steps=STEPS_BETWEEN, padding=padding, head="global")
    net = seeded(partial(Tower, spec, SIDE), seed)
    draw = partial(pairs, rng, BATCH, swapped=False)
    fit(net, draw, functional.binary_cross_entropy_with_logits, steps=STEPS, learning_rate=3e-3)
    accuracies = []
    for swapped in (False, True):
        images, left = pairs(np.random.default_rng([seed, 1]), TESTED, swapped=swapped)  # the same pairs
        with torch.no_grad():
            accuracies.append(float(((net(images) > 0) == (left > 0)).float().mean()))
    return accuracies[0], accuracies[1]
