"""The answer to the question in one table: image nets and a graph net, with the order of the nodes known and lost."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt
import torch

from gnnmax.data.generation import build
from gnnmax.data.recipe_files import load_recipe
from gnnmax.data.subgraphs.node_order import spectral_order
from gnnmax.evaluation.evaluator import evaluate
from gnnmax.evaluation.verdict import Verdict
from gnnmax.experiments.reproduction.outcome import Figure, Outcome, Progress, mean_and_error
from gnnmax.models.encoding import encode
from gnnmax.models.images.cnn import ImageNet
from gnnmax.models.inference import scored
from gnnmax.models.model_folders import load_model
from gnnmax.models.trained import TrainedModel
from gnnmax.task.claims import Check
from gnnmax.task.rules import RULES
from gnnmax.task.scorers import Scorer
from gnnmax.task.windows import Windows
from gnnmax.training.threads import one_thread

__all__ = [
    "BEST",
    "GRAPH",
    "NATURAL",
    "SERIATED",
    "SHUFFLED",
    "OrderVerdicts",
    "answer",
    "bump_scorers",
    "bump_windows",
    "score_seriated",
    "verdicts_on_bumps",
]

TESTED = 40
"""Hosts of 128 windows, for each order and seed."""

FRESH = 50_000
"""Added to the seed of the recipes: no shipped net was trained or tested on these hosts."""

NATURAL, SHUFFLED, SERIATED, GRAPH, BEST = (
    "image net, trained in natural order",
    "image net, trained in shuffled order",
    "image net after seriation",
    "graph net (product)",
    "best possible (bayes)",
)
"""The scorers."""

Scores = npt.NDArray[np.float32]

OrderVerdicts = dict[str, dict[str, Verdict]]
"""Verdicts by scorer, for ``natural`` and for ``shuffled`` order."""


def answer(seeds: Sequence[int], on_progress: Progress) -> Outcome:
    """Score bumps in noise by the shipped nets, with rows and columns in natural and in shuffled order.

    The image nets were trained in either order, the product net in shuffled order. Seriation sorts rows and columns by
    the spectral order of their contexts before the image net, as one would try first. Nothing is trained.

    Cost: about fifteen seconds a seed.

    References:
        ai.stackexchange.com, question 12010; the figures of the trainings are in docs/results.md.
    """
    rows: list[dict[str, Figure]] = []
    mean: dict[tuple[str, str], float] = {}
    for number, order in enumerate(("natural", "shuffled")):
        found = [verdicts_on_bumps(order, seed) for seed in seeds]
        for name in found[0]:
            mean[order, name], error = mean_and_error([one[name].accuracy for one in found])
            rows.append({"order": order, "scorer": name, "accuracy": mean[order, name], "s.e. over seeds": error})
        on_progress(number + 1, 2)
    return Outcome(
        f"A bump in noise, k = 9, shipped weights, {len(seeds)} seeds, {TESTED * 128:,} fresh test windows each",
        "the Bayes rule, which knows the order",
        tuple(rows),
        _checks(mean),
    )


def verdicts_on_bumps(order: str, seed: int) -> dict[str, Verdict]:
    """Evaluate every scorer on fresh windows of one order.

    Args:
        order: ``natural`` or ``shuffled``.
        seed: Selects the hosts.

    Returns:
        The verdicts by scorer, with intervals over hosts.
    """
    w = bump_windows(order, seed, hosts=TESTED)
    with one_thread():
        return {name: evaluate(np.asarray(scorer(w)), w) for name, scorer in bump_scorers().items()}


def bump_scorers() -> dict[str, Scorer]:
    """Return the scorers of bumps: shipped nets and the Bayes rule."""
    nets = {name: load_model(name, device="cpu") for name in ("cnn-natural", "cnn-shuffled", "product")}
    return {
        NATURAL: nets["cnn-natural"],
        SHUFFLED: nets["cnn-shuffled"],
        SERIATED: lambda w: score_seriated(nets["cnn-natural"], w),
        GRAPH: nets["product"],
        BEST: RULES["bayes"],
    }


def bump_windows(
    order: str, seed: int, *, hosts: int, k: int = 9, spread: float | None = None, amplitude: float | None = None
) -> Windows:
    """Draw windows of bumps, 128 of each host, that no shipped net was trained or tested on.

    Args:
        order: ``natural`` or ``shuffled``.
        seed: Selects the hosts.
        hosts: Number of hosts.
        k: Side of the windows; the nets were trained at 9.
        spread: Noise of the affinities among near nodes; None for that of the training, 0.1.
        amplitude: Height of the bumps; None for that of the training, 2.

    Example:
        >>> len(bump_windows("shuffled", 0, hosts=2, spread=0.5))
        256
    """
    recipe = load_recipe(f"bump-9-{order}").replace(k=k, seed=FRESH + seed, splits={"test": hosts})
    if spread is not None:
        recipe = recipe.replace(hosts=[{"type": "line", "reach": 3.0, "spread": spread}])
    if amplitude is not None:
        recipe = recipe.replace(**{"plant.amplitude": amplitude})
    return build(recipe).test


def _checks(mean: Mapping[tuple[str, str], float]) -> tuple[Check, ...]:
    """Check the claims about the mean accuracy by order and scorer."""
    image, best = mean["natural", NATURAL], mean["natural", BEST]
    lost, seriated, graph = (mean["shuffled", name] for name in (SHUFFLED, SERIATED, GRAPH))
    gap = graph - max(mean["shuffled", NATURAL], lost)
    known = mean["shuffled", BEST]
    return (
        Check(
            "in natural order the image net is within a point of the best possible",
            best - image < 0.01,
            f"{image:.4f} of {best:.4f}",
        ),
        Check("where the order is lost, every image net is 9 points below the graph net", gap > 0.09, f"{gap:.4f}"),
        Check(
            "where the order is lost, the graph net is within a point of the best possible that knows the order",
            known - graph < 0.01,
            f"{graph:.4f} of {known:.4f}",
        ),
        Check("seriation recovers a part of the loss, not all of it", lost < seriated < graph, f"{seriated:.4f}"),
    )


def score_seriated(model: TrainedModel, w: Windows) -> Scores:
    """Score windows by an image net after rows and columns were put in the spectral order of their contexts.

    The centre moves with its row and column; it is marked and read where it then lies.

    Args:
        model: An image net that reads values alone, such as the shipped ``cnn-natural``.
        w: Windows with contexts.

    Returns:
        Shape ``(N,)``, float32.

    Example:
        >>> w = build(load_recipe("bump-9-shuffled").replace(splits={"test": 1})).test
        >>> score_seriated(load_model("cnn-natural", device="cpu"), w).shape
        (128,)
    """
    net = model.module
    assert isinstance(net, ImageNet) and w.row_context is not None and w.column_context is not None
    rows, columns = (np.stack([spectral_order(c, c != 0) for c in side]) for side in (w.row_context, w.column_context))
    every = np.arange(len(w))[:, None, None]
    values = torch.from_numpy(w.values[every, rows[:, :, None], columns[:, None, :]])
    place = np.stack([np.argmax(order == w.k // 2, axis=1) for order in (rows, columns)], axis=1)
    scores = np.empty(len(w), dtype=np.float32)
    for row, column in np.unique(place, axis=0).tolist():
        here = np.flatnonzero((place == (row, column)).all(axis=1))
        scores[here] = scored(_ReadAt(net, row, column), (values[here], None, None)).numpy()
    return scores


class _ReadAt(torch.nn.Module):
    """An image net with its mark and its readout at another entry than the middle."""

    def __init__(self, net: ImageNet, row: int, column: int) -> None:
        super().__init__()
        self.net, self.row, self.column = net, row, column

    def forward(self, values: torch.Tensor, *_contexts: object) -> torch.Tensor:
        mark = torch.zeros_like(values)
        mark[:, self.row, self.column] = 1
        image = torch.stack([encode(values, self.net.encoding), mark], dim=1)
        return self.net.read(image, self.row, self.column)
