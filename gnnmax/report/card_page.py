"""The page of a data set: its card, and windows of every kind to look at."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from gnnmax.data.card import Card
from gnnmax.data.dataset import DataSet
from gnnmax.experiments.scoreboard import examples_of, picture_of
from gnnmax.report.rendering import environment, write_whole
from gnnmax.task.label import KINDS
from gnnmax.task.windows import Windows

__all__ = ["render_card", "write_card"]

EXAMPLES = 5
"""Windows shown of each kind."""


def render_card(data: DataSet, card: Card) -> str:
    """Render the card of a data set, with windows of every kind to look at, as HTML that links to nothing.

    Example:
        >>> from gnnmax.data.card import describe
        >>> from gnnmax.data.store import load_data
        >>> data = load_data("real-karate")
        >>> render_card(data, describe(data)).count("<figure>") > 10
        True
    """
    split = "test" if "test" in data.splits else list(data.splits)[-1]
    w = data.split(split)
    chosen = {kind: examples_of(w, kind, EXAMPLES) for kind in KINDS}
    return (
        environment()
        .get_template("card.html")
        .render(
            card=card,
            note=card.note,
            k=w.k,
            label=w.label_rule,
            split=split,
            examples={kind: [picture_of(w, index) for index in indices] for kind, indices in chosen.items() if indices},
            labels={kind: _labels(w, indices) for kind, indices in chosen.items()},
            recipe=json.dumps(data.recipe.to_dict(), indent=1),
        )
    )


def _labels(w: Windows, indices: Sequence[int]) -> str:
    return " and ".join(sorted({str(bool(w.label[index])) for index in indices}, reverse=True))


def write_card(data: DataSet, card: Card, path: Path) -> Path:
    """Write the page of a data set to a file, whole or not at all.

    Raises:
        InputError: the folder of the file does not exist.
    """
    return write_whole(path, render_card(data, card))
