"""Complaints: what does not fit together in a recipe whose fields are each in their bounds."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from gnnmax.generate.families import Complete, Family, Line
from gnnmax.generate.plants import Bump, Natural, Noise, Shares, Spike
from gnnmax.generate.subgraphs import Sampling
from gnnmax.generate.weights import BoundLaw, Lognormal, Normal, Poisson

if TYPE_CHECKING:
    from gnnmax.generate.recipe import Recipe

__all__ = ["complaints", "twice"]


def complaints(recipe: Recipe) -> list[str]:
    """List what is wrong with a recipe by itself, its shifts left aside.

    Example:
        >>> from gnnmax.generate.recipe import load_recipe
        >>> complaints(load_recipe("spike-9"))
        []
    """
    return [*_shape_complaints(recipe), *_host_complaints(recipe), *_plant_complaints(recipe)]


def twice(hosts: Iterable[Family]) -> list[str]:
    """Complain of every fixed host that stands in the splits more than once.

    Example:
        >>> from gnnmax.generate.families import Real
        >>> twice([Real("karate_club"), Real("les_miserables")])
        []
        >>> len(twice([Real("karate_club"), Real("karate_club")]))
        1
    """
    seen: set[Family] = set()
    found = []
    for host in hosts:
        if host in seen:
            found.append(f"real hosts and those from a file stand in one split once, and this one more often: {host}")
        seen.add(host)
    return found


def _shape_complaints(recipe: Recipe) -> list[str]:
    found = []
    if recipe.k % 2 == 0:
        found.append(f"k must be odd, not {recipe.k}: only then a window has a centre")
    largest = max((s.nodes for s in recipe.subgraphs if s.nodes is not None), default=0)
    sizes = [host.nodes for host in recipe.hosts if hasattr(host, "nodes")]
    smallest = min(sizes, default=largest)
    if largest > smallest:
        found.append(f"a subgraph of {largest} nodes does not fit into a host of {smallest}")
    taken = sorted({"bayes", "ceiling", "ceiling_of", "groups", "recipe", "split", "splits"} & set(recipe.splits))
    if taken:
        found.append(f"a split cannot be called {taken[0]!r}: a data set has something else of that name")
    if recipe.graphs * (recipe.windows_per_graph or 1) > 1_000_000_000:
        found.append("more than 1,000,000,000 windows in all: lower splits or windows_per_graph")
    return found


def _host_complaints(recipe: Recipe) -> list[str]:
    found = []
    fixed = [host.fixed for host in recipe.hosts]
    own = [host.own_weights for host in recipe.hosts]
    complete = [isinstance(host, Complete) for host in recipe.hosts]
    line = [isinstance(host, Line) for host in recipe.hosts]
    if any(any(sort) != all(sort) for sort in (fixed, complete, line)):
        found.append("real, complete and line hosts do not mix with others: make a recipe for each")
    if any(own) != all(own):
        found.append("hosts that bring their own weights do not mix with others: make a recipe for each")
    if all(own) and recipe.weights:
        found.append("these hosts bring their own weights: give no weights")
    graphs = sum(recipe.shared.values())
    if all(fixed) and graphs and graphs != len(fixed):
        found.append(
            "real hosts and those from a file stand in one split once: give as many graphs in the splits as hosts "
            f"({len(fixed)}), not {graphs}"
        )
    if not any(own) and not recipe.weights:
        found.append("weights must name at least one law")
    fresh = all(complete) or all(line)
    if fresh and any(isinstance(law, BoundLaw) for law in recipe.weights):
        found.append("laws bound to a host's blocks or degrees need hosts with edges of their own")
    if all(complete) and recipe.subgraphs:
        found.append("a complete host has no subgraphs: all orders of it are alike")
    if fresh and recipe.cuts:
        found.append("complete and line hosts have no cuts: each window takes nodes of its own")
    if fresh and recipe.overlap != "none":
        found.append("complete and line hosts have no cuts, so no overlap of rows and columns: leave it out")
    if not all(complete) and not recipe.subgraphs:
        found.append("subgraphs must have at least one entry")
    if not fresh and not recipe.cuts:
        found.append("cuts must have at least one entry")
    if all(line) and any(
        s != Sampling(order=s.order) or s.order not in ("natural", "shuffled") for s in recipe.subgraphs
    ):
        found.append("a subgraph of a line host has an order, natural or shuffled, and nothing else")
    return found


def _plant_complaints(recipe: Recipe) -> list[str]:
    found = []
    plant = recipe.plant
    natural, noise = isinstance(plant, Natural), isinstance(plant, Noise | Bump)
    ladder = recipe.pairing == "ladder"
    if (natural or ladder) != (recipe.kinds is None) or natural != (recipe.windows_per_graph is None):
        found.append("kinds and windows_per_graph belong to planted windows; natural ones take every edge once")
    if natural and recipe.pairing != "independent":
        found.append("natural windows have no twins: use pairing = 'independent'")
    if not natural and (recipe.windows_per_graph or 0) % recipe.twins:
        found.append(f"windows_per_graph must be a multiple of {recipe.twins}: no window is without its twin")
    if recipe.pairing == "matched" and recipe.kinds is not None and recipe.kinds.centred != 0.5:
        found.append("matched pairs hold centred = 0.5: each centred window has one twin")
    if isinstance(plant, Spike) and plant.distractors:
        most = max(recipe.k**2 // (2 * plant.gap - 1) ** 2 - 2, 0)  # besides the centre and the maximum
        if plant.distractors > most:
            found.append(f"at k = {recipe.k} there is room for {most} distractors with a gap of {plant.gap}")
        if ladder:
            found.append("a ladder takes its spike through every entry: it leaves distractors no place of their own")
    if ladder and not isinstance(plant, Spike):
        found.append("a ladder takes a spike through every entry: it needs a spike plant")
    if natural and any(s.separation for s in recipe.subgraphs):
        found.append("natural windows take every edge: a separation of their centres belongs to planted ones")
    if natural and recipe.label != "observed":
        found.append("natural windows have no planted label: use label = 'observed'")
    if natural and isinstance(recipe.hosts[0], Complete | Line):
        found.append("natural windows need hosts with edges of their own, not complete ones or lines")
    mirrored = any(not getattr(host, "directed", False) for host in recipe.hosts)
    if recipe.overlap != "none" and not natural and mirrored:
        found.append(
            "a plant moves one entry, and where rows and columns overlap an undirected host has it twice: "
            "use overlap = 'none', a natural plant or directed hosts"
        )
    if recipe.label_noise and recipe.label != "planted":
        found.append("label noise flips the planted label, never the observed one: use label = 'planted'")
    if noise and recipe.kinds != Shares(centred=0.5, shifted=0.5):
        found.append("a noise or bump plant holds centred = 0.5 and shifted = 0.5 alone, or its ceiling is another")
    if isinstance(plant, Noise):
        wanted = {"gaussian": Normal(), "lognormal": Lognormal(sigma=1.0), "poisson": Poisson(mean=plant.base)}[
            plant.law
        ]
        if not (isinstance(recipe.hosts[0], Complete) and recipe.weights == (wanted,)):
            found.append(f"a noise plant of law {plant.law} needs complete hosts with weights = [{wanted}]")
    if isinstance(plant, Bump) and not (isinstance(recipe.hosts[0], Line) and recipe.weights == (Normal(),)):
        found.append("a bump plant needs line hosts with normal weights of mean 0, sd 1 and unit [1, 1]")
    if isinstance(plant, Spike) and plant.margin[1] > recipe.k:
        found.append(
            f"a margin of {plant.margin[1]:g} standard deviations does not exist at k = {recipe.k}: at most {recipe.k}"
        )
    if isinstance(plant, Spike) and isinstance(recipe.hosts[0], Line):
        found.append("a line host takes a bump: spikes go on complete hosts, or on hosts with edges of their own")
    return found
