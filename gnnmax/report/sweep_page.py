"""The page of a sweep: one self-contained HTML file."""

from __future__ import annotations

from pathlib import Path

from gnnmax.experiments.sweeps.figure import draw_curves, draw_difference, draw_heat_map, short_name, shown_pairs
from gnnmax.experiments.sweeps.responses import heat_map
from gnnmax.experiments.sweeps.table import SweepTable
from gnnmax.io.toml import toml_text
from gnnmax.report.charts import canvas
from gnnmax.report.rendering import environment, write_whole
from gnnmax.report.sweep_tables import break_even_text, net_rows, reason_rows, share_rows

__all__ = ["render_sweep_page", "write_sweep_page"]


def render_sweep_page(table: SweepTable) -> str:
    """Render the page of a sweep as HTML that links to nothing and runs no script.

    The same results give the same page.
    """
    header, shares = share_rows(table) if table.tests else ([], [])
    return (
        environment()
        .get_template("sweep.html")
        .render(
            plan=table.plan,
            plan_text=_plan_text(table),
            metric=table.metric.replace("_", " "),
            test=table.tests[0] if table.tests else "",
            units=len({point.unit.digest for point in table.points}),
            data_sets=len({point.unit.key.recipe for point in table.points}),
            missing=table.missing,
            nets=net_rows(table),
            header=header,
            shares=shares,
            break_even=break_even_text(table),
            charts=_charts(table),
            maps=_maps(table),
            reasons=reason_rows(table),
            compared=table.compared,
        )
    )


def _charts(table: SweepTable) -> list[tuple[str, str]]:
    """Draw the response of the nets over each axis, and beside it their difference."""
    if not table.tests:
        return []
    nets, difference, best = table.responses(), table.difference(), table.best_possible()
    drawn = []
    for axis in table.axes:
        own = [one for one in nets if len({str(value) for value in one.places.get(axis, ())}) > 1]
        if own:
            with canvas(4.2, 3.0) as (axes, made):
                draw_curves(axes, own, axis, metric=table.metric, best=best)
            drawn.append((short_name(axis), made[0]))
        if own and difference is not None and axis in difference.places:
            with canvas(4.2, 3.0) as (axes, made):
                draw_difference(axes, difference, axis, table.metric)
            drawn.append((f"{short_name(axis)}, difference", made[0]))
    return drawn


def _maps(table: SweepTable) -> list[tuple[str, str]]:
    difference = table.difference()
    if difference is None:
        return []
    drawn = []
    for first, second in shown_pairs(difference):
        with canvas(4.2, 3.4) as (axes, made):
            draw_heat_map(axes, heat_map(difference, first, second))
        drawn.append((f"{short_name(first)} and {short_name(second)}", made[0]))
    return drawn


def _plan_text(table: SweepTable) -> str:
    plan = table.plan
    given = {name: getattr(plan, name) for name in plan.__struct_fields__}
    return toml_text({name: value for name, value in given.items() if value not in (None, {}, "")})


def write_sweep_page(table: SweepTable, path: Path) -> Path:
    """Write the page of a sweep to a file, whole or not at all.

    Raises:
        InputError: the folder of the file does not exist.
    """
    return write_whole(path, render_sweep_page(table))
