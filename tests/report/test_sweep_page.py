"""The page and the tables of a sweep, however few results it has."""

import pytest

from gnnmax.errors import InputError
from gnnmax.experiments.sweeps.driver import run_sweep
from gnnmax.report.sweep_page import render_sweep_page
from gnnmax.report.sweep_tables import break_even_text, sweep_tables
from tests.support.sweeps import PLAN


@pytest.mark.parametrize("shard", ["1/1", "3/3", "8/8"])
def test_any_part_of_a_sweep_has_a_page(tmp_path, shard):
    table = run_sweep(PLAN, tmp_path / "sweep", shard=shard).table
    page = render_sweep_page(table)
    assert "cnn" in page
    assert sweep_tables(table)
    assert len(break_even_text(table)) == (1 if shard == "1/1" else 0)


def test_a_sweep_without_any_result_has_a_page_and_no_figure(tmp_path):
    for change in ({"max_hours": 1e-9}, {}):
        plan = PLAN | {"training": PLAN["training"] | {"train_windows": 9_999}}
        table = run_sweep(plan, tmp_path / "sweep", **change).table
        assert "cnn" in render_sweep_page(table)
        assert sweep_tables(table)
        with pytest.raises(InputError, match="has no result to draw"):
            table.plot()


def test_an_unknown_metric_is_refused(tmp_path):
    table = run_sweep(PLAN, tmp_path / "sweep", shard="3/3").table
    with pytest.raises(InputError, match="unknown metric 'acuracy': did you mean accuracy"):
        table.plot(metric="acuracy")
