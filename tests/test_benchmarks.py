"""The benchmark suite runs, row by row, and its arithmetic is correct. Nothing is timed here."""

import re

import numpy as np
import pytest

from benchmarks import chance
from benchmarks.__main__ import GROUPS, HEADER, PAGE, chosen, main, markdown, rows_of
from benchmarks.rows import Figure, Row, Setting, Target
from benchmarks.timing import Lane, race


def row(reading, ours, other, bound=None):
    return Row("name", Figure("ours", ours, "item"), Figure("other", other, "item"), Target(reading, bound))


@pytest.mark.parametrize(("reading", "ratio"), [("cost", 3.0), ("speed", 1 / 3), ("share", 1 / 3)])
def test_a_ratio_reads_as_its_target_does(reading, ratio):
    assert row(reading, 6.0, 2.0).ratio == pytest.approx(ratio)


@pytest.mark.parametrize(("reading", "better", "worse"), [("cost", 1.0, 9.0), ("speed", 1.0, 9.0), ("share", 1.0, 9.0)])
def test_taking_less_meets_what_taking_more_misses(reading, better, worse):
    assert row(reading, better, 3.0, bound=1.0).met is True
    assert row(reading, worse, 3.0, bound=1.0).met is False


def test_the_bound_itself_is_met():
    assert row("cost", 2.0, 1.0, bound=2.0).met
    assert row("speed", 1.0, 5.0, bound=5.0).met


def test_without_a_bound_nothing_is_met_or_missed():
    assert row("cost", 2.0, 1.0).met is None
    assert row("cost", 2.0, 1.0).cells()[-2:] == ["", ""]


@pytest.mark.parametrize(
    ("amount", "written"),
    [(1.0, "1.00 s/item"), (0.0123, "12.3 ms/item"), (4.5e-6, "4.50 µs/item"), (1.49e-7, "149 ns/item")],
)
def test_a_figure_is_written_with_three_digits(amount, written):
    assert str(Figure("ours", amount, "item")) == written


def test_a_peer_that_is_not_installed_is_named_and_nothing_is_met():
    alone = Row("name", Figure("ours", 1.0, "item"), None, Target("speed", 2.0), absent="photutils find_peaks")
    assert alone.cells() == ["name", "1.00 s/item", "photutils find_peaks: not installed", "", ">= 2x", ""]
    assert alone.ratio is alone.met is None


def test_a_race_divides_by_the_items_of_each_lane(tmp_path, monkeypatch):
    clock = iter(range(0, 1000, 3))
    monkeypatch.setattr("benchmarks.timing.cpu_seconds", lambda: float(next(clock)))
    ran = []
    ours, other = Lane("ours", lambda: ran.append("ours"), 10), Lane("other", lambda: ran.append("other"), 1)
    result = race("name", ours, other, "item", Target("speed"), Setting(quick=True, folder=tmp_path))
    assert ran == ["ours", "other"] * 2
    assert (result.ours.amount, result.other.amount, result.ratio) == (0.3, 3.0, 10.0)


@pytest.mark.parametrize("group", GROUPS)
def test_every_row_of_a_group_runs_at_its_smallest_size(group, tmp_path):
    rows = rows_of(group)
    assert all(name.startswith(f"{group}: ") for name in rows)
    for name, run in rows.items():
        measured = run(name, Setting(quick=True, folder=tmp_path))
        assert measured.name == name
        assert measured.ours.amount > 0
        assert measured.absent if measured.other is None else measured.other.amount > 0
        assert len(measured.cells()) == len(HEADER)


def test_rows_are_picked_by_the_beginning_of_their_names():
    assert list(chosen("batch,evaluate: i")) == ["batch: graphs of windows", "evaluate: import"]


@pytest.mark.parametrize("wanted", ["fast", "cut: nothing", ""])
def test_a_row_that_is_not_there_is_refused(wanted, capsys):
    with pytest.raises(SystemExit, match=r"^2$"):
        chosen(wanted)
    assert "known: " in capsys.readouterr().err


def test_quick_metrics_do_not_go_on_the_page(capsys):
    with pytest.raises(SystemExit, match=r"^2$"):
        main(["--quick", "--markdown"])
    assert "leave out" in capsys.readouterr().err


def test_the_command_prints_the_rows(capsys):
    assert main(["--quick", "--rows", "fresh: uniform"]) == 0
    printed = capsys.readouterr().out
    assert "fresh: uniform values" in printed
    assert "too small to judge by" in printed


def test_the_markdown_has_one_line_a_row_under_the_command():
    lines = markdown([row("cost", 1.0, 2.0), row("share", 1.0, 2.0)], "make bench").splitlines()
    assert lines[0].startswith("`make bench`, ")
    assert all(line.count("|") == len(HEADER) + 1 for line in lines[2:])
    assert len(lines) == 6


def test_the_page_has_the_marks_and_names_every_group():
    page = PAGE.read_text(encoding="utf-8")
    assert page.index("<!-- table -->") < page.index("<!-- /table -->")
    assert all(f"| `{group}` |" in page for group in GROUPS)


def test_the_rates_of_decoys_are_printed_with_intervals_row_by_row_for_any_seed(capsys):
    call = ["--repeats", "3", "--rows", "graph with"]
    assert chance.main([*call, "--seed", "5"]) == 0
    printed = capsys.readouterr().out
    head, rule, line = printed.splitlines()
    assert head == "| matrices | decoys | drawn | anything found | false calls | bumps found |" and set(rule) <= set(
        "|- "
    )
    assert line.startswith("| graph with exponential weights | `shuffle` | 3 | ")
    mean, low, high = map(int, re.search(r"(\d+)% \((\d+)% to (\d+)%\)", line).groups())
    assert low <= mean <= high
    found = [chance.outcomes(chance.SIMULATIONS["graph with exponential weights"], 3, seed=seed) for seed in (5, 5, 6)]
    np.testing.assert_array_equal(found[0], found[1])
    assert found[0].shape == (3, 3) and round(100 * found[0][:, 0].mean()) == mean


@pytest.mark.parametrize("wrong", [["--repeats", "0"], ["--seed", "-1"], ["--rows", "nowhere"], ["--seed", "x"]])
def test_a_wrong_call_for_the_rates_of_decoys_has_status_2(wrong, capsys):
    with pytest.raises(SystemExit, match="2"):
        chance.main(wrong)
    assert wrong[0] in capsys.readouterr().err or wrong[1] == "nowhere"
