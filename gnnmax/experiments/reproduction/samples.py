"""Accuracy against the number of training windows: where image nets break even with the graph net."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from gnnmax.data.recipe_files import load_recipe
from gnnmax.experiments.reproduction.outcome import Figure, Outcome, Progress, mean_and_error
from gnnmax.experiments.reproduction.training import Net, decided, drawn_for_test, title_of, trained
from gnnmax.task.claims import Check
from gnnmax.task.rules import RULES
from gnnmax.training.threads import one_thread

__all__ = ["samples"]

IMAGES: tuple[Net, ...] = (("question", {}), ("cnn", {}))
GRAPH: Net = ("gnn", {})
RECIPE = "noise-9-mu3"
WINDOWS = (100, 1_000, 10_000, 100_000, 1_000_000)
LEAST_STEPS = 1_000
TESTED = 200
"""Hosts of 128 windows."""

EVEN = 0.005


def samples(seeds: Sequence[int], on_progress: Progress) -> Outcome:
    """Train the question's CNN, a strong one and a graph net on 100 to a million windows of noisy spikes.

    Each takes at least 1,000 steps: a small number of windows is repeated many times. 2,560 further windows choose the
    best weights and are not counted. The break-even of an image net is the number of windows from which on its accuracy
    is within half a point of the graph net's.

    Cost: about twelve minutes a seed, most of it for the million.
    """
    recipe = load_recipe(RECIPE)
    nets = (*IMAGES, GRAPH)
    names = [title_of(net) for net in nets]
    rounds = [(count, seed) for count in WINDOWS for seed in seeds]
    found: dict[tuple[int, str], list[float]] = {}
    for done, (count, seed) in enumerate(rounds):
        with one_thread():
            modules = trained(nets, recipe, seed, steps=max(LEAST_STEPS, count // 128), windows=count)
            windows = drawn_for_test(recipe, seed, TESTED)
            decisions = [*(decided(net, windows) for net in modules), RULES["bayes"](windows) > 0]
        for name, called in zip((*names, "bayes"), decisions, strict=True):
            found.setdefault((count, name), []).append(float((called == windows.label).mean()))
        on_progress(done + 1, len(rounds))
    figures = {key: mean_and_error(right) for key, right in found.items()}
    graph = title_of(GRAPH)
    even = {
        name: _break_even({count: figures[count, graph][0] - figures[count, name][0] for count in WINDOWS})
        for name in map(title_of, IMAGES)
    }
    rows: list[dict[str, Figure]] = []
    for count in WINDOWS:
        row: dict[str, Figure] = {"windows": count}
        for name in names:
            row[name], row["s.e. " + name] = figures[count, name]
        row["bayes"] = figures[count, "bayes"][0]
        rows.append(row | {"break-even": ", ".join(name for name, least in even.items() if least == count)})
    behind = max(figures[WINDOWS[-1], "bayes"][0] - figures[WINDOWS[-1], name][0] for name in names)
    checks = (
        Check("each image net breaks even with the graph net", None not in even.values(), _said(even)),
        Check("with most windows all are within .01 of the Bayes rule", behind <= 0.01, f"at most {behind:.4f} below"),
    )
    return Outcome(
        f"Accuracy on {RECIPE} against training windows, {len(seeds)} seeds, {TESTED * 128:,} test windows each",
        "the Bayes rule on the same windows",
        tuple(rows),
        checks,
    )


def _said(even: Mapping[str, int | None]) -> str:
    return ", ".join(f"{name} nowhere" if least is None else f"{name} at {least:,}" for name, least in even.items())


def _break_even(gaps: Mapping[int, float]) -> int | None:
    """Return the smallest number of windows from which on every gap is small.

    Example:
        >>> _break_even({10: 0.1, 100: 0.001, 1000: 0.02, 10000: 0.004}), _break_even({10: 0.1})
        (10000, None)
    """
    even = None
    for count in sorted(gaps, reverse=True):
        if gaps[count] > EVEN:
            break
        even = count
    return even
