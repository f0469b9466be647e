"""The page of a matrix: axes, scale, hatching, borders and rings linked with the table, in a file of bounded size."""

import re
from html import unescape

import numpy as np
import pandas as pd
import pytest
from scipy.sparse import coo_array

from gnnmax import find_maxima
from gnnmax.cli.main import main
from gnnmax.detection.matrix_input import NamedMatrix, as_source
from gnnmax.detection.search import prepare_matrix
from gnnmax.detection.search_options import SearchOptions
from gnnmax.detection.sparse_storage import UpperTriangle
from gnnmax.detection.table import detections_of
from gnnmax.report.matrix_page import LISTED, RINGED, render_matrix

CARD = {
    "matrix": "m.npy", "positions": None, "by": None, "mode": "ordered", "k": [3, 3],
    "symmetry": {"read": "directed", "note": ""},
    "ties": "strict", "border": "shrink", "max_missing": None, "threshold": None, "min_distance": 1, "steps": [],
    "decoys": None, "unstored": "zero", "command": "gnnmax detect m.npy", "versions": {"gnnmax": "1"}, "seconds": 0.1,
}  # fmt: skip


def page_of(matrix, *, k=3, why_none="", **options):
    table = detections_of(find_maxima(matrix, k, **options))
    return render_matrix(as_source(matrix, **options), table, CARD, why_none=why_none)


def labels(page, way):
    axis = page.split(f'<div class="axis {way}')[1].split("</div>")[0]
    return re.findall(r'class="tick[^"]*"[^>]*>([^<]*)<', axis)


@pytest.fixture(scope="module")
def noise():
    return np.random.default_rng(0).random((40, 60))


def test_both_axes_have_positions_and_the_colours_a_scale(noise):
    page = page_of(noise)
    assert {"0", "10", "20", "30"} <= set(labels(page, "down")) and "50" in labels(page, "across")
    assert "colour scale from 0.0" in page and "url(#scale)" in page and "linear" in page


def test_names_are_labels_and_escaped_and_long_ones_keep_to_their_column():
    names = [f"<b>{'long ' * 40}{number}" for number in range(6)]
    matrix = pd.DataFrame(np.random.default_rng(1).random((6, 6)), index=names, columns=names)
    page = page_of(matrix)
    assert [unescape(label) for label in labels(page, "down")] == names
    assert "<b>long" not in page and f'<td class="name" title="&lt;b&gt;{"long " * 40}' in page
    assert "td.name { max-width" in page and "text-overflow: ellipsis" in page


@pytest.mark.parametrize("kind", ["entry", "lines", "diagonal", "unstored"])
def test_missing_is_hatched_and_explained_and_low_is_not(kind, noise):
    square = noise[:, :40]
    lines = np.arange(40) == 7
    given = {
        "entry": (np.where(square == square[3, 4], np.nan, square), {}),
        "lines": (square, {"missing": (lines, lines)}),
        "diagonal": (square, {"diagonal": False}),
        "unstored": (coo_array(np.where(square > 0.5, square, 0)), {"unstored": "missing"}),
    }[kind]
    page = page_of(given[0], **given[1])
    assert 'class="missing"' in page and "not measured" in page
    plain = page_of(np.where(square > 0.5, square, 0))
    assert 'class="missing"' not in plain and "not measured" not in plain


def test_after_steps_the_scale_is_of_scores_and_what_has_none_is_not_said_to_be_unmeasured(noise):
    source = prepare_matrix(noise[:, :40], SearchOptions(3, steps=("distance",), breaks=([25], [25])))
    nothing = detections_of(find_maxima(np.ones((5, 5)), 3))
    page = render_matrix(source, nothing, {**CARD, "steps": ["distance"]})
    assert "<span>score <svg" in page and "not measured, or without a score</span>" in page
    plain = render_matrix(as_source(noise[:, :40]), nothing, CARD)
    assert "<span>value <svg" in plain and "beyond its ends the colour does not change" in plain


def test_breaks_are_borders_and_parts_are_named_by_what_their_names_share(noise):
    names = tuple(f"chr{1 + (place >= 25)}:{place}-{place + 1}" for place in range(40))
    matrix = NamedMatrix(noise[:, :40], (names, names), breaks=([25], [25]))
    page = page_of(matrix)
    assert "M0,450.0H720M450.0,0V720" in page and "border between parts" in page
    assert re.findall(r"<b>(chr\d)</b>", page) == ["chr1", "chr2"] * 2 and "0-1" in labels(page, "across")
    assert 'class="border"' not in page_of(noise)


def test_many_borders_do_not_cover_the_picture():
    breaks, nothing = list(range(1, 2000)), detections_of(find_maxima(np.ones((5, 5)), 3))
    source = as_source(NamedMatrix(coo_array(np.eye(2000)), None, breaks=(breaks, breaks)))
    page = render_matrix(source, nothing, CARD)
    assert page.count("H720") <= 720 / 3 + 2 and "too close to be drawn" in page


def test_without_maxima_nothing_is_ringed_and_the_reason_stands_there():
    page = page_of(np.ones((5, 6)), why_none="all entries are equal")
    assert "ringed" not in page and "<a class=" not in page and "<circle" not in page and "<thead" not in page
    assert "No maximum was found: all entries are equal." in page and "every value: 1" in page


def test_a_matrix_without_any_measured_entry_has_a_page():
    page = page_of(coo_array((4, 4)), unstored="missing")
    assert "not measured" in page and "colour scale" not in page and "every value" not in page


def test_rings_and_rows_lead_to_each_other_and_no_ring_lies_over_another():
    matrix = np.random.default_rng(2).random((400, 400))
    page = page_of(matrix)
    found = find_maxima(matrix, 3)
    rings = [int(number) for number in re.findall(r'id="m(\d+)"', page)]
    assert len(rings) == RINGED and rings[:3] == [1, 2, 3] and page.count("<tr") == LISTED + 1
    assert [int(number) for number in re.findall(r'href="#t(\d+)"', page)] == rings
    assert re.findall(r'id="t(\d+)"', page) == re.findall(r'href="#m(\d+)"', page) == [str(ring) for ring in rings]
    centres = np.array(re.findall(r'id="m\d+" cx="([\d.]+)" cy="([\d.]+)"', page), dtype=float)
    apart = np.hypot(*(centres[:, None] - centres[None]).T)
    assert apart[~np.eye(len(centres), dtype=bool)].min() >= 2 * 5.5 - 0.02
    assert np.allclose(centres[0], (720 / 400 * (found.columns[0] + 0.5), 720 / 400 * (found.rows[0] + 0.5)), atol=0.01)
    assert f"{RINGED} of the {len(found):,} maxima are ringed" in page


def test_a_page_runs_no_script_and_asks_no_network(noise):
    page = page_of(noise)
    assert page.count("http") == 1 and "<script" not in page and "@import" not in page  # the one names the SVG language
    assert {target[0] for target in re.findall(r'(?:href|src)="([^"]*)"', page)} == {"#", "d"}
    assert set(re.findall(r"url\((.)", page)) == {"#"}
    targets = set(re.findall(r'id="([^"]+)"', page))
    assert set(re.findall(r'href="#([^"]+)"', page)) | set(re.findall(r"url\(#([^)]+)\)", page)) <= targets | {
        f"hatch{level}" for level in range(5)
    }


def test_print_and_dark_styles_are_there_and_maxima_do_not_depend_on_colour(noise):
    page = page_of(noise)
    assert "prefers-color-scheme: dark" in page and page.count("@media print") == 2
    assert "stroke: var(--paper); stroke-width: 4" in page and '<text class="number' in page


def test_the_page_of_a_large_sparse_matrix_is_small_and_reads_only_stored_entries(monkeypatch):
    n, rng = 309_000, np.random.default_rng(3)
    rows = rng.integers(0, n, 100_000)
    columns = np.minimum(rows + rng.integers(0, 200, len(rows)), n - 1)
    upper = coo_array((rng.random(len(rows)), (rows, columns)), shape=(n, n)).tocsr()
    source = as_source(UpperTriangle(upper), missing=(np.arange(n) % 1000 < 400,) * 2)
    monkeypatch.setattr(type(source), "block", None)  # nothing is read in rectangles
    table = detections_of(find_maxima(coo_array(np.eye(5)), 3))
    page = render_matrix(source, table, CARD)
    assert "largest of up to 344 x 344 entries" in page and 'class="missing"' in page
    assert len(page) < 2_000_000


@pytest.mark.parametrize("shape", [(12, 9), (40, 2000)])
def test_the_command_writes_the_page_with_its_options(shape, tmp_path, capsys):
    matrix = np.random.default_rng(0).random(shape)
    matrix[3, 4] = np.nan
    np.save(tmp_path / "m.npy", matrix)
    call = ["detect", str(tmp_path / "m.npy"), "--models", "none", "--page", str(tmp_path / "m.html"), "--k", "3"]
    assert main([*call, "--max-missing", "4", "--min-distance", "3"]) == 0
    page = (tmp_path / "m.html").read_text(encoding="utf-8")
    assert "border\nshrink, at most 4 missing, at least 3\napart." in page
    assert "at most 4 missing" in " ".join(capsys.readouterr().out.split())
    assert f"{len(find_maxima(matrix, 3, max_missing=4, min_distance=3)):,} maxima" in page
    assert ("largest of up to 1 x 3 entries" in page) == (shape[1] > 900)
    assert main([*call, "--threshold", "2", "--force"]) == 0
    page = (tmp_path / "m.html").read_text(encoding="utf-8")
    assert "No maximum was found: no maximum is above --threshold 2; without --threshold 2: " in page
