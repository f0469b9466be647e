"""Small recipes of maps."""

from gnnmax.data.maps import ceilings
from gnnmax.data.maps.recipe import parse_map_recipe


def map_recipe(maps=3, *, splits=None, **table):
    """A recipe of symmetric maps of 20 nodes with one spike, with changes of its table."""
    table = {"n": 20, "plant": {"type": "spike", "amplitude": 4.0}, **table}
    return parse_map_recipe({"name": "x", "splits": splits or {"test": maps}, "map": table}, "x")


BUMP = {"type": "bump", "amplitude": 3.0, "radius": 1.2}
LINE = {"type": "line", "affinity": 4.0, "reach": 3.0}
CONTACT = {"type": "contact", "depth": 50.0, "domains": 2}

TABLES = {
    "needle": {"structure": "directed"},
    "symmetric spikes": {"peaks": [0, 3], "separation": 3},
    "line": {"plant": BUMP, "diagonal": 8, "background": LINE},
    "line, shuffled": {"plant": BUMP, "diagonal": 8, "background": LINE, "order": "shuffled"},
    "line, seriated": {"plant": BUMP, "diagonal": 8, "background": LINE, "order": "seriated"},
    "near the diagonal": {"plant": BUMP},
    "lognormal": {"plant": BUMP, "noise": "lognormal", "background": LINE, "order": "shuffled"},
    "contact": {
        "n": 40,
        "plant": {**BUMP, "radius": 1.0},
        "noise": "poisson",
        "diagonal": 9,
        "background": CONTACT,
        "order": "shuffled",
    },
    "counts": {"structure": "directed", "noise": "poisson", "base": 5.0, "plant": BUMP},
    "two sets": {"structure": "bipartite", "columns": 30, "plant": BUMP, "peaks": [0, 4], "separation": 4},
    "ragged": {"structure": "bipartite", "n": [12, 20], "columns": [14, 30], "plant": BUMP, "order": "shuffled"},
    "host": {
        "n": 24,
        "background": {"type": "host", "family": {"type": "contact", "nodes": 24, "domains": 3}},
        "order": "shuffled",
    },
    "directed host": {
        "n": 24,
        "structure": "directed",
        "background": {
            "type": "host",
            "family": {"type": "erdos_renyi", "nodes": 24, "probability": 0.3, "directed": True},
            "weights": {"type": "exponential"},
        },
    },
    "no peak": {"peaks": 0},
}
"""One table for every path through the generator."""


BLOCK = {"type": "block", "amplitude": 4.0, "nodes": 6}
BLOCKS = {
    "block": {"plant": {**BLOCK, "amplitude": [2.0, 6.0]}},
    "block, shuffled, or none": {"plant": BLOCK, "order": "shuffled", "peaks": [0, 1], "n": [16, 20]},
    "block, seriated": {"plant": BLOCK, "order": "seriated"},
    "directed block": {"plant": BLOCK, "structure": "directed", "order": "shuffled", "noise": "lognormal"},
    "rectangle": {
        "plant": {**BLOCK, "columns": 9},
        "structure": "bipartite",
        "n": [16, 24],
        "columns": [20, 30],
        "order": "shuffled",
    },
    "block of counts": {"plant": {**BLOCK, "amplitude": 2.0}, "noise": "poisson", "base": 3.0},
    "clique": {
        "n": 60,
        "plant": {**BLOCK, "amplitude": 1.0, "nodes": 16},
        "noise": "bernoulli",
        "base": 0.5,
        "order": "shuffled",
    },
}
"""One table for every path through the generator of hidden blocks."""


def few_maps_for_ceilings(monkeypatch):
    """Draw a hundredth of the entries for a ceiling, and keep no ceiling for later tests."""
    monkeypatch.setattr(ceilings, "ENTRIES", ceilings.ENTRIES // 100)
    monkeypatch.setattr(ceilings, "_ceilings", ceilings._ceilings.__wrapped__)
