"""The accuracy ceilings that symmetry forces, compared with trained nets."""

from __future__ import annotations

import math
from collections.abc import Sequence

from gnnmax.data.recipe_files import load_recipe
from gnnmax.experiments.reproduction.outcome import Figure, Outcome, Progress, mean_and_error
from gnnmax.experiments.reproduction.training import Net, decided, drawn_for_test, title_of, trained
from gnnmax.models.registry import MODELS, parse_config
from gnnmax.task.claims import Check
from gnnmax.training.threads import one_thread

__all__ = ["ceilings"]

NETS: tuple[Net, ...] = (
    ("deepsets", {"marked": False}),
    ("exchangeable", {"mark": "none"}),
    ("circular-global", {}),
    ("polyphase", {}),
    ("valid-global", {}),
    ("question-global", {}),
    ("exchangeable", {"mark": "row"}),
    ("simultaneous", {"marked": False}),
    ("circular-strided", {}),
    ("blurpool", {}),
    ("zero-global", {}),
    ("coordconv", {}),
    ("question", {}),
    ("cnn", {}),
    ("vit", {}),
    ("deepsets", {}),
    ("exchangeable", {}),
    ("simultaneous", {}),
    ("gnn", {}),
)
"""Nets of every ceiling, from blind ones to those without a limit."""

SIDES = (9, 15)
STEPS = 500
TESTED = 200
"""Hosts of 128 windows."""


def ceilings(seeds: Sequence[int], on_progress: Progress) -> Outcome:
    """Train nets of every symmetry on peaks far above the noise, and compare with what each symmetry allows.

    A net above its ceiling indicates a leak in the data; a net far below it indicates failed training or a wrong net.
    The entries around such a peak are nearly zero, so that a border of zeros is harder to see: where padding matters,
    accuracy approaches the ceiling from that of a zero background.

    Cost: about ten minutes a seed.

    References:
        The ceiling of an orbit: :func:`gnnmax.task.symmetry_groups.forced_ceiling`.
    """
    found: dict[tuple[str, int], list[float]] = {}
    allowed: dict[tuple[str, int], tuple[float, float]] = {}
    rounds = [(k, seed) for k in SIDES for seed in seeds]
    for done, (k, seed) in enumerate(rounds):
        recipe = load_recipe("noise-9-mu3").replace(k=k, **{"plant.amplitude": 20.0})
        with one_thread():
            nets = trained(NETS, recipe, seed, steps=STEPS)
            windows = drawn_for_test(recipe, seed, TESTED)
            accuracies = [float((decided(net, windows) == windows.label).mean()) for net in nets]
        for net, accuracy in zip(NETS, accuracies, strict=True):
            name, config = net
            found.setdefault((title_of(net), k), []).append(accuracy)
            entry, chosen = MODELS[name], parse_config(name, config)
            ceiling, on_zeros = entry.ceiling(k, chosen), entry.ceiling(k, chosen, "zero")
            assert ceiling is not None and on_zeros is not None
            allowed[title_of(net), k] = ceiling, on_zeros
        on_progress(done + 1, len(rounds))
    rows: list[dict[str, Figure]] = []
    farthest, above = 0.0, -math.inf
    for (name, k), accuracies in found.items():
        ceiling, on_zeros = allowed[name, k]
        mean, error = mean_and_error(accuracies)
        drawn = math.sqrt(max(ceiling * (1 - ceiling), 1e-4) / (TESTED * 128 * len(seeds)))
        farthest, above = max(farthest, on_zeros - mean), max(above, (mean - ceiling) / drawn)
        rows.append(
            {
                "net": name,
                "k": k,
                "ceiling": ceiling,
                "on zeros": on_zeros,
                "accuracy": mean,
                "s.e. over seeds": error,
            }
        )
    checks = (
        Check(
            "every net comes within .03 of its ceiling on a background of zeros",
            farthest < 0.03,
            f"farthest {farthest:.4f} below",
        ),
        Check("no net passes its ceiling by 4 standard errors", above < 4, f"at most {above:.1f}"),
    )
    return Outcome(
        f"One maximum far above the noise, {len(seeds)} seeds, {TESTED * 128:,} test windows each",
        "the orbit of the centre under the net's symmetry: 1 - (o - 1) / (2 (k^2 - 1))",
        tuple(rows),
        checks,
    )
