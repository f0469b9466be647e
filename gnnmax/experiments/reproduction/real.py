"""Real graphs: the rule compared with plain loops, and with nets trained on synthetic graphs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from gnnmax.data.generation import build
from gnnmax.data.hosts.families import Real
from gnnmax.data.recipe_files import load_recipe
from gnnmax.detection import find_maxima
from gnnmax.experiments.reproduction.outcome import Figure, Outcome, Progress
from gnnmax.models.model_folders import load_model
from gnnmax.task.claims import Check

__all__ = ["real"]

RECIPES = ("real-les-miserables", "real-karate", "real-florentine")
NETS = ("cnn", "gnn")
SIDES = (5, 9)
UNWEIGHTED = "real-florentine"
"""All of its edges are tied, so it has no maximum: the nets were not trained on such windows."""


def real(seeds: Sequence[int], on_progress: Progress) -> Outcome:  # noqa: ARG001  # there is nothing to draw
    """Find the maxima of the real graphs by the rule and by plain loops; let the shipped nets score their windows.

    Cost: seconds, whatever the seeds.
    """
    rows: list[dict[str, Figure]] = []
    equal, agreement = True, 1.0
    places = [(name, k) for name in RECIPES for k in (SIDES if name != UNWEIGHTED else SIDES[:1])]
    for done, (name, k) in enumerate(places):
        recipe = load_recipe(name).replace(k=k)
        (host,) = recipe.hosts
        assert isinstance(host, Real)
        graph = _networkx(host.name)
        found, counted = len(find_maxima(graph, mode="graph")), _by_loops(graph)
        equal &= found == counted
        windows = build(recipe).test
        row: dict[str, Figure] = {"graph": host.name, "k": k, "maxima": found, "by loops": counted}
        row |= {"windows": len(windows), "centred": int(windows.observed.sum())}
        for net in NETS:
            share = float(((load_model(net, device="cpu")(windows) > 0) == windows.observed).mean())
            row[net] = share
            agreement = agreement if name == UNWEIGHTED else min(agreement, share)
        rows.append(row)
        on_progress(done + 1, len(places))
    checks = (
        Check("the rule counts what plain loops count", equal, "in every graph" if equal else "not everywhere"),
        Check(
            "the nets agree with it in .99 of the windows of weighted graphs",
            agreement >= 0.99,
            f"{agreement:.4f}",
        ),
    )
    return Outcome(
        "Maxima of real graphs, and windows around every edge on which the shipped nets agree with the exact rule",
        "the strict rule",
        tuple(rows),
        checks,
    )


def _networkx(name: str) -> Any:
    import networkx as nx

    return getattr(nx, f"{name}_graph")()


def _by_loops(graph: Any) -> int:
    """Count the edges that exceed all other edges at both ends."""
    weight = {frozenset(edge): graph.edges[edge].get("weight", 1) for edge in graph.edges}
    return sum(
        all(weight[frozenset(other)] < weight[frozenset(edge)] for other in graph.edges(edge) if {*other} != {*edge})
        for edge in graph.edges
    )
