"""The page of a run on maps: one self-contained HTML file."""

from __future__ import annotations

from pathlib import Path

from gnnmax.auditing.map_audit import MapFinding
from gnnmax.evaluation.peaks.peak_metrics import PEAK_METRICS
from gnnmax.experiments.map_results import MapModelRecord, MapResults, MapSplitResult
from gnnmax.report.charts import learning_chart
from gnnmax.report.map_charts import froc_chart, map_picture, map_splits_chart, recall_chart
from gnnmax.report.map_tables import column_text, main_metric, map_split_rows, title_of
from gnnmax.report.rendering import environment, write_whole
from gnnmax.task.plotting import COLOURS

__all__ = ["map_headline", "render_map_page", "write_map_page"]

DRAWN_RULES = ("neighbours", "argmax", "spectral_seriation")
"""Rules that are drawn beside the nets and the best rule, as many as there are colours."""


def map_headline(results: MapResults) -> str:
    """State how many peaks each net finds, in one sentence; the best rule that knows the order, and argmax, beside it.

    Example:
        >>> from gnnmax.report.map_page import map_headline  # map_headline(read_results("runs/maps"))
    """
    test = results.tests[0]
    metric = main_metric(test)
    nets = sorted(test.nets, key=lambda name: -(test.verdicts[name].metrics[metric] or 0.0))
    said = ", ".join(f"{name} {_percent(test.verdicts[name].metrics[metric])}" for name in nets)
    beside = [name for name in ("neighbours", "argmax") if name in test.verdicts]
    rules = ", ".join(f"{name} {_percent(test.verdicts[name].metrics[metric])}" for name in beside)
    ceiling = next(iter(test.verdicts.values())).ceilings.get(metric)
    limit = "" if ceiling is None else f" The best possible, with the order known, is {_percent(ceiling)}."
    what = "Peaks found within one place" if metric == "found_within" else "Peaks found within one place, as many calls"
    return f"{what}: {said or 'no net finished its training'}; rules: {rules}.{limit}"


def _percent(share: float | None) -> str:
    return "unknown" if share is None else f"{100 * share:.1f}\N{NO-BREAK SPACE}%"


def render_map_page(results: MapResults) -> str:
    """Render the page of a run on maps as HTML that links to nothing and runs no script.

    The same results give the same page.
    """
    test = results.tests[0]
    best = "posterior" if main_metric(test) == "found_within" else "matched_filter"
    drawn = [*test.nets, *(name for name in (best, *DRAWN_RULES) if name in test.verdicts)][: len(COLOURS)]
    groups = next(iter(test.verdicts.values())).slices
    return (
        environment()
        .get_template("map_page.html")
        .render(
            results=results,
            test=test,
            headline=map_headline(results),
            tables=[(each, title_of(each), *map_split_rows(each), _sentences(each)) for each in results.tests],
            froc=froc_chart(test, drawn),
            slices={group: recall_chart(test, group, drawn) for group, parts in groups.items() if len(parts) > 1},
            across=map_splits_chart(results.tests, drawn) if len(results.tests) > 1 else "",
            pictures=[(picture.map, map_picture(picture)) for picture in test.gallery],
            audits={model.name: _worst(model) for model in results.finished},
            learning=learning_chart({m.name: [run.history for run in m.runs] for m in results.finished}),
            main=column_text(main_metric(test)),
            titles={name: metric.title for name, metric in PEAK_METRICS.items()},
        )
    )


def _sentences(test: MapSplitResult) -> list[str]:
    """Return the differences of every net from all others in the main metric."""
    metric = main_metric(test)
    return [each.sentence() for each in test.differences if each.metric == metric]


def _worst(model: MapModelRecord) -> dict[str, MapFinding]:
    """Return the finding of the worst seed about each action."""
    findings = [run.audit for run in model.runs]
    return {name: max((found[name] for found in findings), key=lambda f: f.maximum) for name in findings[0]}


def write_map_page(results: MapResults, path: Path) -> Path:
    """Write the page of a run on maps to a file, whole or not at all.

    Raises:
        InputError: the folder of the file does not exist.
    """
    return write_whole(path, render_map_page(results))
