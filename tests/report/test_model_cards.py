"""Model cards state what their run holds: figures with their ceilings, where data come from, how to load."""

import json

import pytest

from gnnmax import load_recipe
from gnnmax.report.model_cards import Figure, SplitFigures, is_imported, model_head, origin_of

TESTS = [
    SplitFigures("bump-9", {"windows": 640}, [Figure("accuracy", "accuracy", 0.95678, 0.9602)]),
    SplitFigures("bump-9/far", {"windows": 64}, [Figure("accuracy", "accuracy", 0.9)]),
    SplitFigures("bump-9/none", {"windows": 64}, []),
]


def fields(head):
    """The fields of a head; each value is JSON, which YAML includes."""
    return {key: json.loads(value) for key, _, value in (line.partition(": ") for line in head.splitlines()[1:-1])}


def test_the_head_states_every_figure_its_split_and_its_ceiling():
    (index,) = fields(model_head("mine", TESTS, trained_on="bump-9"))["model-index"]
    first, second = index["results"]  # a test set without a figure would be refused
    assert first["metrics"] == [{"type": "accuracy", "name": "accuracy", "value": 0.9568, "args": {"ceiling": 0.9602}}]
    assert second["metrics"] == [{"type": "accuracy", "name": "accuracy", "value": 0.9}]
    assert [each["dataset"]["split"] for each in index["results"]] == ["test", "far"]
    assert first["dataset"] == {"type": "gnnmax/bump-9", "name": "bump-9", "split": "test", "args": {"windows": 640}}


def test_a_head_without_figures_or_a_recipe_leaves_their_fields_out():
    found = fields(model_head("mine", [], licence="unknown"))
    assert found == {
        "license": "unknown",
        "library_name": "gnnmax",
        "tags": ["gnnmax", "graph", "adjacency-matrix"],
        "metrics": [],
    }


@pytest.mark.parametrize(
    ("recipe", "origin"),
    [
        ("tiny", "synthetic graphs only"),
        ("real-karate", "real graphs"),
        ("line-64", "synthetic graphs only"),
        ("contact-256", "synthetic graphs only"),
    ],
)
def test_the_origin_is_that_of_the_hosts(recipe, origin):
    plain = load_recipe(recipe).to_dict()
    assert origin_of(plain) == origin and not is_imported(plain)
