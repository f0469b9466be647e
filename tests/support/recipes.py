"""A small recipe around any host family."""

import msgspec

from gnnmax.data.recipe import parse_recipe


def recipe_of(family, **changes):
    return parse_recipe(
        {
            "name": "x",
            "k": 5,
            "label": "observed",
            "contexts": True,
            "windows_per_graph": 24,
            "splits": {"train": 2, "test": 2},
            "hosts": [msgspec.to_builtins(family)],
            "weights": [] if family.own_weights else [{"type": "exponential", "unit": [0.1, 10.0]}],
            "subgraphs": [{}],
            "cuts": ["contiguous", "neighbours"],
            "plant": {"type": "spike"},
            "kinds": {"centred": 0.5, "shifted": 0.3, "runner_up": 0.1, "tied": 0.1},
            **changes,
        },
        "x",
    )
