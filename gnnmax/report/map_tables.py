"""Tables of a run on maps, for the terminal, for documents and for the page."""

from __future__ import annotations

from rich.table import Table

from gnnmax.evaluation.peaks.peak_metrics import PEAK_METRICS
from gnnmax.evaluation.peaks.peak_verdict import PeakVerdict
from gnnmax.experiments.map_results import MapResults, MapSplitResult
from gnnmax.report.tables import figure_text
from gnnmax.task.tabulation import interval_text, number_text

__all__ = [
    "column_text",
    "main_metric",
    "map_run_tables",
    "map_split_rows",
    "map_split_table",
    "shown_metrics",
    "title_of",
]

MAP_COLUMNS = ("found_exactly", "found_within", "best_distance", "recall", "f1", "recall_at_fdr", "average_precision")
"""Metrics of the table of callers, those that exist for some caller."""

SHORT = {
    "found_exactly": "found exactly",
    "found_within": "within 1",
    "best_distance": "distance",
    "recall": "recall",
    "f1": "F1",
    "recall_at_fdr": "recall at 10 % false",
    "average_precision": "average precision",
}


def main_metric(test: MapSplitResult) -> str:
    """Return the metric of a test set that its callers are compared by: what is found within one place, or the recall.

    The recall is that of as many calls as peaks, where maps have several peaks or none.
    """
    first = next(iter(test.verdicts.values()))
    every = first.metrics["found_within"] is not None and test.peaks == test.maps
    return "found_within" if every else "recall"


def columns_of(test: MapSplitResult) -> list[str]:
    """Return the metrics that exist for some caller, the main one and its interval apart."""
    main = main_metric(test)
    known = [name for name in MAP_COLUMNS if any(v.metrics[name] is not None for v in test.verdicts.values())]
    if main == "recall":  # the best call says little where there are several peaks
        return [name for name in known if PEAK_METRICS[name].needs != "best" and name != main]
    return [name for name in known if name not in (main, "recall")]  # with one call a map they are equal


def shown_metrics(test: MapSplitResult) -> list[str]:
    """Return the metrics that the tables of a test set show, the main one first."""
    return [main_metric(test), *columns_of(test)]


def column_text(metric: str) -> str:
    """Return the heading of a metric."""
    return SHORT[metric]


def title_of(test: MapSplitResult) -> str:
    """Describe the maps of a test set in a few words.

    Example:
        >>> from gnnmax.report.map_tables import title_of  # title_of(read_results("runs/maps").tests[0])
    """
    low, high = test.rows
    side = f"{low}" if low == high else f"{low} to {high}"
    known = "held-out maps of the training recipe" if test.trained else "never seen in training"
    return f"{test.maps:,} {test.structure} maps of {side} rows, order {test.order}, {test.peaks:,} peaks; {known}"


def map_run_tables(results: MapResults) -> list[Table]:
    """Lay out the results of a run on maps: a table for each test set."""
    return [map_split_table(test) for test in results.tests]


def map_split_table(test: MapSplitResult) -> Table:
    """Lay out the callers on one test set, nets first, then the rules."""
    table = Table(title=f"{test.name}: {title_of(test)}", title_justify="left", caption_justify="left")
    header, rows = map_split_rows(test)
    table.add_column(header[0])
    for name in header[1:]:
        table.add_column(name, justify="right")
    last = [*test.nets, *test.diverged][-1:] or [""]
    for row in rows:
        table.add_row(*row, end_section=row[0] == last[0])
    sentences = [each.sentence() for each in test.differences if _between_nets(each, test)]
    table.caption = "\n".join([*sentences, *_ceiling_notes(test)]) or None
    return table


def _between_nets(difference: object, test: MapSplitResult) -> bool:
    pair = {getattr(difference, "first", ""), getattr(difference, "second", "")}
    return getattr(difference, "metric", "") == main_metric(test) and pair <= set(test.nets)


def _ceiling_notes(test: MapSplitResult) -> list[str]:
    notes = []
    for one in test.ceilings:
        level = "" if one.amplitude is None else f" at amplitude {one.amplitude:g}"
        near = "" if one.within_one is None else f", within one {one.within_one:.3f}"
        notes.append(f"ceiling{level}: found {one.found:.3f}{near} ({one.basis})")
    return notes


def map_split_rows(test: MapSplitResult) -> tuple[list[str], list[list[str]]]:
    """Write the callers on one test set as text: a header, and one row a caller.

    The gap is the distance of the main metric from its ceiling; rules that know what nets do not see bear a star.
    """
    main, others = main_metric(test), columns_of(test)
    gaps = any(main in verdict.ceilings for verdict in test.verdicts.values())
    rows = []
    for name, verdict in test.verdicts.items():
        starred = f"{name} *" if name in test.knowing else name
        gap = [_gap_text(verdict, main)] if gaps else []
        values = [figure_text(verdict.metrics[metric]) for metric in others]
        rows.append([starred, number_text(verdict.metrics[main]), _interval(verdict, main), *gap, *values])
    width = len(others) + int(gaps)
    place = len(test.nets)
    rows[place:place] = [[name, "", why, *[""] * width] for name, why in test.diverged.items()]
    gap_name = ["gap to ceiling"] if gaps else []
    return ["caller", SHORT[main], "95 % interval", *gap_name, *(SHORT[metric] for metric in others)], rows


def _interval(verdict: PeakVerdict, metric: str) -> str:
    return interval_text(verdict.intervals.get(metric))


def _gap_text(verdict: PeakVerdict, metric: str) -> str:
    gap = verdict.gaps.get(metric)
    return "" if gap is None else f"{gap:+.4f}"
