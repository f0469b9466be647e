"""Charts of a run on maps: curves, recall on slices, test sets, and the maps themselves."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from gnnmax.evaluation.peaks.peak_verdict import draw_froc
from gnnmax.experiments.map_results import MapPicture, MapSplitResult
from gnnmax.report.charts import Band, banded_chart, canvas
from gnnmax.report.map_tables import column_text, main_metric
from gnnmax.task.plotting import COLOURS, draw_matrix, mark_entry

__all__ = ["froc_chart", "map_picture", "map_splits_chart", "recall_chart"]

TRUTH = "#1971c2"
"""Colour of the peaks that are there."""


def froc_chart(test: MapSplitResult, callers: Sequence[str]) -> str:
    """Draw recall against false calls a map, one curve a caller; of nets from the first seed."""
    with canvas(5.6, 3.4) as (axes, drawn):
        draw_froc(axes, {name: test.verdicts[name] for name in callers})
    return drawn[0]


def recall_chart(test: MapSplitResult, group: str, callers: Sequence[str]) -> str:
    """Draw the recall of as many calls as peaks on the slices of a group, one colour a caller."""
    slices = [test.verdicts[name].slices[group] for name in callers]
    names = [f"{name}\n{part.n:,}" for name, part in slices[0].items()]
    bands = [[Band(part.recall, part.low, part.high) for part in found.values()] for found in slices]
    return banded_chart(names, dict(zip(callers, bands, strict=True)), "recall, %")


def map_splits_chart(tests: Sequence[MapSplitResult], callers: Sequence[str]) -> str:
    """Draw the main metric of each caller over the test sets of a run, those that score all of them."""
    metric = main_metric(tests[0])
    names = [test.name.replace("/", "/\n") for test in tests]
    found = {name: [_band(test, name, metric) for test in tests] for name in callers}
    whole = {name: [band for band in bands if band is not None] for name, bands in found.items()}
    return banded_chart(
        names, {name: bands for name, bands in whole.items() if len(bands) == len(tests)}, f"{column_text(metric)}, %"
    )


def _band(test: MapSplitResult, caller: str, metric: str) -> Band | None:
    """Return the metric of a caller with its interval; None where there is none."""
    verdict = test.verdicts.get(caller)
    value = None if verdict is None else verdict.metrics[metric]
    if verdict is None or value is None:
        return None
    return Band(value, *verdict.intervals.get(metric, (value, value)))


def map_picture(picture: MapPicture) -> str:
    """Draw a map along its host: peaks are framed, calls are crosses, one colour a caller."""
    values = np.array([[np.nan if entry is None else entry for entry in row] for row in picture.values])
    with canvas(3.6, 3.9) as (axes, drawn):
        draw_matrix(axes, values)
        top, left = picture.first
        for row, column in picture.peaks:
            mark_entry(axes, row - top, column - left, colour=TRUTH)
        for place, (name, calls) in enumerate(picture.calls.items()):
            at = np.array([(row - top, column - left) for row, column in calls]).reshape(-1, 2)
            inside = ((at >= 0) & (at < values.shape)).all(axis=1)
            colour = COLOURS[place % len(COLOURS)]
            marker = "x+1234"[place % 6]
            axes.plot(at[inside, 1], at[inside, 0], marker, color=colour, ms=8, mew=1.6, label=name)
        axes.set_xlim(-0.5, values.shape[1] - 0.5)
        axes.set_ylim(values.shape[0] - 0.5, -0.5)
        axes.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=2, fontsize=8)
    return drawn[0]
