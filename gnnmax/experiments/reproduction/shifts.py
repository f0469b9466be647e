"""Generalisation from the training windows to other sides, other weights, and ties."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from gnnmax.data.recipe import Recipe
from gnnmax.data.recipe_files import load_recipe
from gnnmax.experiments.reproduction.outcome import Figure, Outcome, Progress, mean_and_error
from gnnmax.experiments.reproduction.training import Net, decided, drawn_for_test, title_of, trained
from gnnmax.task.claims import Check
from gnnmax.task.windows import Windows
from gnnmax.training.threads import one_thread

__all__ = ["shifts"]

RANKED: tuple[Net, ...] = (("gnn", {"encoding": "rank"}), ("exchangeable", {"encoding": "rank"}))
PLAIN: Net = ("exchangeable", {})
STEPS = 2_000
TESTED = 100
"""Hosts of each test."""

CUBED = "weights, cubed"


def shifts(seeds: Sequence[int], on_progress: Progress) -> Outcome:
    """Train set and graph nets on spikes at k = 9, and test them on other sides, other weight laws and ties.

    One of the nets reads values instead of ranks, to show the effect of ranks.

    Cost: about seven minutes a seed.

    References:
        Yehudai et al., "From Local Structures to Size Generalization in Graph Neural Networks", ICML 2021, on
        generalisation to other sizes.
    """
    nets = (*RANKED, PLAIN)
    found: dict[tuple[str, str, str], list[float]] = {}
    refused: list[float] = []
    rounds = [(name, seed) for name in ("spike-9", "weights") for seed in seeds]
    for done, (name, seed) in enumerate(rounds):
        with one_thread():
            modules = trained(nets, load_recipe(name), seed, steps=STEPS)
            for tested, windows in _tests(name, seed):
                for net, module in zip(nets, modules, strict=True):
                    called = decided(module, windows)
                    right = float((called == windows.label).mean())
                    found.setdefault((name, tested, title_of(net)), []).append(right)
                    if tested == "ties-9" and net in RANKED:
                        refused.append(float((~called[windows.kind == "tied"]).mean()))
        on_progress(done + 1, len(rounds))
    figures = {key: mean_and_error(right) for key, right in found.items()}
    rows: tuple[dict[str, Figure], ...] = tuple(
        {"trained on": trained_on, "tested on": tested, "net": net, "accuracy": mean, "s.e. over seeds": error}
        for (trained_on, tested, net), (mean, error) in figures.items()
    )
    return Outcome(
        f"Trained at k = 9 on one recipe, tested on others, {len(seeds)} seeds, {TESTED} hosts each",
        "the strict maximum, which is invariant to relabelling and increasing maps",
        rows,
        _checks({key: mean for key, (mean, _) in figures.items()}, min(refused)),
    )


def _tests(trained_on: str, seed: int) -> list[tuple[str, Windows]]:
    """Draw the test windows for the nets of a training recipe."""

    def drawn(recipe: Recipe) -> Windows:
        return drawn_for_test(recipe, seed, TESTED)

    if trained_on == "spike-9":
        sizes = load_recipe("sizes")
        return [
            *((name, drawn(load_recipe(name))) for name in ("spike-9", "ties-9")),
            *((f"sizes/{split}", drawn(sizes.of(split))) for split in ("k-5", "k-15", "k-31")),
        ]
    weights = load_recipe("weights")
    same = drawn(weights)
    return [
        ("weights", same),
        *((f"weights/{split}", drawn(weights.of(split))) for split in ("lognormal", "pareto")),
        (CUBED, dataclasses.replace(same, values=same.values**3)),
    ]


def _checks(right: dict[tuple[str, str, str], float], refused: float) -> tuple[Check, ...]:
    ranked = [title_of(net) for net in RANKED]
    spikes = min(right["spike-9", "spike-9", net] for net in ranked)
    sizes = min(value for (_, tested, net), value in right.items() if tested.startswith("sizes") and net in ranked)
    others = [tested for trained_on, tested, net in right if trained_on == "weights" and net == ranked[0]]

    def lost(net: str) -> float:
        """Return the largest loss of accuracy from the training weights to others."""
        return max(right["weights", "weights", net] - right["weights", tested, net] for tested in others)

    most = max(map(lost, ranked))
    behind = max(right[on, tested, ranked[0]] - right[on, tested, title_of(PLAIN)] for on, tested, _ in right)
    return (
        Check("nets that read ranks are right on spikes in .998", spikes >= 0.998, f"at least {spikes:.4f}"),
        Check("and in .99 at sides 5, 15 and 31", sizes >= 0.99, f"at least {sizes:.4f}"),
        Check("and refuse tied maxima in .99", refused >= 0.99, f"at least {refused:.4f}"),
        Check("and lose nothing on other weights, to .002", most <= 0.002, f"at most {most:.4f}"),
        Check("the net that reads values is .01 and more behind on some", behind >= 0.01, f"{behind:.4f}"),
    )
