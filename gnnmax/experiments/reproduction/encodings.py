"""A fair fight: image and graph nets on equal inputs, to separate the encoding of the values from the architecture."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import fmean

from gnnmax.data.recipe_files import load_recipe
from gnnmax.experiments.reproduction.outcome import Figure, Outcome, Progress, mean_and_error
from gnnmax.experiments.reproduction.training import Net, decided, drawn_for_test, trained
from gnnmax.task.claims import Check
from gnnmax.task.windows import Windows
from gnnmax.training.threads import one_thread

__all__ = ["encodings"]

READ = ("standard", "rank")
"""Encodings that every net reads: values on the window's own scale, or ranks."""

SPIKES, BUMPS = "close-9", "bump-9-shuffled"

NETS: dict[str, tuple[str, ...]] = {SPIKES: ("cnn", "gnn"), BUMPS: ("cnn", "product")}
"""Image net and graph net by training recipe; in the bump only a net that reads the contexts can see the order."""

STEPS = {SPIKES: 1_000, BUMPS: 600}
"""Updates with 128 windows by training recipe."""

OTHERS = {SPIKES: ("weights/lognormal", "weights/pareto"), BUMPS: ()}
"""Splits of other recipes to be tested on, by training recipe."""

TESTED = 100
"""Hosts of each test."""


def encodings(seeds: Sequence[int], on_progress: Progress) -> Outcome:
    """Train an image net and a graph net on standardised values and on ranks, with equal batches and equal budgets.

    Spikes have margins down to one unit in the last place, and are tested on other weights as well: a scorer that reads
    the order of the entries, not their scale, loses nothing there.

    Cost: about ten minutes a seed.
    """
    found: dict[tuple[str, str, str], list[float]] = {}
    rounds = [(recipe, seed) for recipe in NETS for seed in seeds]
    for done, (recipe, seed) in enumerate(rounds):
        nets: list[Net] = [(name, {"encoding": read}) for name in NETS[recipe] for read in READ]
        with one_thread():
            modules = trained(nets, load_recipe(recipe), seed, steps=STEPS[recipe])
            for tested, windows in _tests(recipe, seed):
                for (name, config), module in zip(nets, modules, strict=True):
                    right = float((decided(module, windows) == windows.label).mean())
                    found.setdefault((tested, name, config["encoding"]), []).append(right)
        on_progress(done + 1, len(rounds))
    steps = " and ".join(f"{count:,}" for count in STEPS.values())
    figures = {key: mean_and_error(right) for key, right in found.items()}
    rows: tuple[dict[str, Figure], ...] = tuple(
        {"tested on": tested, "net": name, "reads": read, "accuracy": mean, "s.e. over seeds": error}
        for (tested, name, read), (mean, error) in figures.items()
    )
    return Outcome(
        f"Equal inputs: nets trained on the same batches, {steps} steps, {len(seeds)} seeds, {TESTED} hosts each",
        "the label of each recipe: the strict maximum for spikes, the planted entry for bumps",
        rows,
        _checks({key: mean for key, (mean, _) in figures.items()}),
    )


def _tests(recipe: str, seed: int) -> list[tuple[str, Windows]]:
    """Draw the test windows for the nets of a training recipe."""
    others = [(name, load_recipe(name.split("/")[0]).of(name.split("/")[1])) for name in OTHERS[recipe]]
    return [(name, drawn_for_test(each, seed, TESTED)) for name, each in ((recipe, load_recipe(recipe)), *others)]


def _checks(right: dict[tuple[str, str, str], float]) -> tuple[Check, ...]:
    image, graph = NETS[SPIKES]

    def on_spikes(name: str, read: str) -> float:
        return fmean(right[tested, name, read] for tested in (SPIKES, *OTHERS[SPIKES]))

    by_encoding = min(on_spikes(name, "rank") - on_spikes(name, "standard") for name in (image, graph))
    by_net = abs(on_spikes(image, "rank") - on_spikes(graph, "rank"))
    _, product = NETS[BUMPS]
    ahead = min(right[BUMPS, product, read] - right[BUMPS, image, read] for read in READ)
    changed = max(abs(right[BUMPS, name, "rank"] - right[BUMPS, name, "standard"]) for name in NETS[BUMPS])
    return (
        Check("on spikes the encoding decides: both nets gain by ranks", by_encoding > 0, f"{by_encoding:.4f}"),
        Check("and on ranks the two nets differ by less than that", by_net < by_encoding, f"{by_net:.4f}"),
        Check("on shuffled bumps the architecture decides: .05 with either encoding", ahead >= 0.05, f"{ahead:.4f}"),
        Check("and the encoding changes less than that", changed < ahead, f"{changed:.4f}"),
    )
