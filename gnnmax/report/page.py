"""The page: one self-contained HTML file about a run."""

from __future__ import annotations

from pathlib import Path

from gnnmax.evaluation.metrics import METRICS
from gnnmax.experiments.reproduction.answer import BEST, OrderVerdicts
from gnnmax.experiments.results import Results, SplitResult
from gnnmax.report.answers import answers, headline, in_short
from gnnmax.report.audits import conclusions, worst_findings
from gnnmax.report.charts import (
    accuracy_chart,
    curve_chart,
    learning_chart,
    order_chart,
    reliability_chart,
    splits_chart,
)
from gnnmax.report.pictures import heat_map_strip, heat_map_svg
from gnnmax.report.rendering import environment, write_whole
from gnnmax.report.tables import headline_metrics, metric_text, metrics_of
from gnnmax.task.plotting import COLOURS
from gnnmax.task.tabulation import percent_text

__all__ = ["render_page", "write_heat_maps", "write_page"]

SHOWN_RULES = ("argmax", "nms", "bayes")
"""Rules whose heat maps and decisions are shown beside those of the nets."""


def render_page(results: Results, *, orders: OrderVerdicts | None = None) -> str:
    """Render the page of a run as HTML that links to nothing and runs no script.

    The same results give the same page.

    Args:
        results: Of the run.
        orders: Verdicts on windows whose order is known or lost; the page then opens with the answer to the question.

    Example:
        >>> from gnnmax.report.page import render_page  # render_page(read_results("runs/demo"))
    """
    test = results.tests[0]
    nets = test.nets
    rules = [name for name in SHOWN_RULES if name in test.verdicts]
    drawn = nets or rules[:1]  # every net may have diverged
    return (
        environment()
        .get_template("page.html")
        .render(
            results=results,
            test=test,
            nets=nets,
            shown=[*nets, *rules],
            colours=dict(zip(nets, COLOURS * (len(nets) // len(COLOURS) + 1), strict=False)),
            headline=headline(results),
            in_short=in_short(results, orders) if orders else [],
            order=order_chart(orders) if orders else "",
            fresh=orders["natural"][BEST].n if orders else 0,
            answers=answers(results),
            heat_maps=[(name, heat_map_svg(test.heat_map(name))) for name in [*nets, *rules[:1]]],
            charts=_slice_charts(test, drawn),
            across=splits_chart(results.tests, drawn) if len(results.tests) > 1 else None,
            curves={
                "ROC, with its area": curve_chart(test, drawn),
                "Precision over recall, with the average": curve_chart(test, drawn, precision=True),
                "Reliability of the first seed": reliability_chart(test, drawn),
            },
            audits={model.name: worst_findings(model) for model in results.finished},
            conclusions={model.name: conclusions(model) for model in results.finished},
            titles={name: metric.title for name, metric in METRICS.items()},
            shares={name for name, metric in METRICS.items() if metric.share_of},
            headlines={each.name: headline_metrics(each) for each in results.tests},
            more=[name for name in metrics_of(test) if not METRICS[name].headline],
            natural_share=percent_text(next(iter(test.verdicts.values())).natural_prevalence),
            text=metric_text,
            learning=learning_chart({m.name: [run.history for run in m.runs] for m in results.finished}),
            note=results.card.note,
        )
    )


def _slice_charts(test: SplitResult, nets: list[str]) -> dict[str, str]:
    """Draw accuracy over every group of slices that parts the windows."""
    groups = next(iter(test.verdicts.values())).slices
    return {group: accuracy_chart(test, group, nets) for group, parts in groups.items() if len(parts) > 1}


def write_page(results: Results, path: Path, *, orders: OrderVerdicts | None = None) -> Path:
    """Write the page of a run to a file, whole or not at all; see :func:`render_page`.

    Raises:
        InputError: the folder of the file does not exist.
    """
    return write_whole(path, render_page(results, orders=orders))


def write_heat_maps(results: Results, path: Path) -> Path:
    """Write the heat maps of nets and the rule, side by side, as one SVG file.

    Raises:
        InputError: the folder of the file does not exist.
    """
    test = results.tests[0]
    named = [(name, test.heat_map(name)) for name in (*test.nets, "argmax")]
    return write_whole(path, heat_map_strip(named))
