"""Model cards of nets on maps: what they find on each test set, beside the ceiling and the best rule."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from gnnmax.evaluation.peaks.peak_metrics import PEAK_METRICS
from gnnmax.experiments.map_results import MapResults, MapSplitResult
from gnnmax.models.maps.registry import MAP_MODELS
from gnnmax.report.map_tables import column_text, shown_metrics
from gnnmax.report.model_cards import Figure, SplitFigures, is_imported, model_head, training_text
from gnnmax.task.tabulation import interval_text, markdown

__all__ = ["TASK", "map_figures", "map_figures_table", "map_model_markdown"]

TASK = "where in the map are the peaks?"

LOG_ODDS = (
    "Scores are the log odds of a peak against none, less those of the prior, calibrated on its training maps alone."
)
EVIDENCE = "Scores are evidence, up to a constant of each map: they say where a peak is, not whether there is one."


def map_model_markdown(results: MapResults, name: str, seed: int, *, title: str) -> str:
    """Write the card of a net on maps in Markdown: description, training, evaluation, limits.

    Args:
        results: Of the run that trained it.
        name: Its name in the run.
        seed: Of the weights that the card is of; the table shows its metrics.
        title: Its name on the card.
    """
    record = next(model for model in results.models if model.name == name)
    entry, place = MAP_MODELS[record.reference], results.seeds.index(seed)
    recipe = results.recipe
    tests = [map_figures(test, name, place) for test in results.tests]
    licence = "unknown" if is_imported(recipe) else "mit"
    return f"""{model_head(title, tests, task=TASK, trained_on=recipe["name"], licence=licence)}

# {title}

{entry.summary} {record.runs[place].parameters:,} parameters. Source: {entry.source}.

**Use.** `load_map_model("FOLDER")` of `gnnmax.models.maps.trained` scores every entry of a map: is a peak here?
`gnnmax detect FILE --by FOLDER` searches a matrix by it.

**Training.** {training_text(results, seed)}

**How it does.** Test maps, none of them seen in training or for a choice. A call is right within one place along
the host. The net searches the whole map; the rules are given where a peak can be, and those that know the order or the
background are left out.

{map_figures_table(results.tests, name, place)}

**What it cannot do.** {entry.cannot} It says little about maps of other backgrounds, noise or
numbers of peaks than those it was shown. {EVIDENCE if results.prior is None else LOG_ODDS}
"""


def map_figures(test: MapSplitResult, name: str, place: int = 0) -> SplitFigures:
    """Return the shares that a net finds on a test set of maps, those that exist.

    Args:
        test: The results on it.
        name: Name of the net.
        place: Number of its seed.
    """
    verdict = test.verdicts[name]
    figures = [
        Figure(metric, column_text(metric), verdict.by_seed[metric][place], verdict.ceilings.get(metric))
        for metric in shown_metrics(test)
        if metric in verdict.by_seed and not PEAK_METRICS[metric].lower_is_better
    ]
    return SplitFigures(test.name, {"maps": test.maps, "peaks": test.peaks}, figures)


def map_figures_table(tests: Sequence[MapSplitResult], name: str, place: int = 0) -> str:
    """Lay out what a net finds on each test set of maps as a Markdown table, one row for each metric.

    Args:
        tests: The results on each.
        name: Name of the net.
        place: Number of its seed.
    """
    header = [
        "test set",
        "maps",
        "order",
        "metric",
        "this net",
        "95 % interval",
        "best possible",
        "best rule",
    ]
    return markdown([header, *(row for test in tests for row in _rows(test, name, place))])


def _rows(test: MapSplitResult, name: str, place: int) -> Iterator[list[str]]:
    verdict = test.verdicts[name]
    for figure in map_figures(test, name, place).figures:
        yield [
            f"`{test.name}`",
            f"{test.maps:,}",
            test.order,
            figure.title,
            f"{figure.value:.4f}",
            interval_text(verdict.intervals.get(figure.metric)),
            "" if figure.best is None else f"{figure.best:.4f}",
            _best_rule(test, figure.metric),
        ]


def _best_rule(test: MapSplitResult, metric: str) -> str:
    """Return the greatest value of the rules that know no more than the nets, and the rule."""
    values = {
        rule: value
        for rule, verdict in test.verdicts.items()
        if rule not in {*test.nets, *test.knowing} and (value := verdict.metrics[metric]) is not None
    }
    if not values:
        return ""
    best = max(values, key=lambda rule: values[rule])
    return f"{values[best]:.4f} (`{best}`)"
