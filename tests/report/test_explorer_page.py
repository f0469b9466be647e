"""The page with sliders: it holds every row of its table, and runs from the file system in a browser."""

import json
import re
import shutil
import subprocess
from dataclasses import replace
from itertools import product
from pathlib import Path

import pytest

from gnnmax import InputError
from gnnmax.experiments.reproduction.outcome import Outcome
from gnnmax.report.explorer_page import AXES, BEST, ERROR, SCORERS, write_explorer_page

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "assets" / "explorer.html"


def table():
    rows = []
    for number, values in enumerate(product((1.5, 2.0), (5, 9), (0.1, 0.8))):
        shares = {scorer["column"]: 0.5 + (number + place) / 100 for place, scorer in enumerate(SCORERS)}
        rows.append({**dict(zip(AXES, values, strict=True)), **shares, BEST: 0.95, ERROR: 0.01})
    return Outcome("bumps </script> & co", "a source", tuple(rows), ())


def data_of(page):
    return json.loads(re.search(r'<script type="application/json" id="data">(.*?)</script>', page, re.DOTALL)[1])


def test_the_page_holds_every_row_and_asks_nothing_of_the_network(tmp_path):
    page = write_explorer_page(table(), tmp_path / "page.html").read_text(encoding="utf-8")
    data = data_of(page)
    assert [row[BEST] for row in data["rows"]] == [0.95] * 8
    assert data["axes"] == {"amplitude": [1.5, 2.0], "k": [5, 9], "affinity noise": [0.1, 0.8]}
    assert not re.search(r"(src|href)=|https?://|@import", page)
    assert "bumps &lt;/script&gt; &amp; co." in page
    assert page.count("</script>") == 2


def test_the_script_is_short():
    assert len((ROOT / "gnnmax/report/templates/explorer.js").read_text(encoding="utf-8").splitlines()) <= 100


def test_a_table_with_holes_and_another_table_are_refused(tmp_path):
    whole = table()
    with pytest.raises(InputError, match="7 of 8 combinations of amplitude, k, affinity noise: measure all"):
        write_explorer_page(replace(whole, rows=whole.rows[1:]), tmp_path / "page.html")
    for rows in ((), ({"net": "cnn"},)):
        with pytest.raises(InputError, match="shows the table affinity"):
            write_explorer_page(replace(whole, rows=rows), tmp_path / "page.html")
    assert not list(tmp_path.iterdir())


def test_the_stored_page_is_of_this_version(tmp_path):
    page = PAGE.read_text(encoding="utf-8")
    data = data_of(page)
    assert set(data["axes"]) == set(AXES) and data["scorers"] == [dict(scorer) for scorer in SCORERS]
    script = (ROOT / "gnnmax/report/templates/explorer.js").read_text(encoding="utf-8")
    assert script.strip() in page
    for row in data["rows"]:
        assert all(0.4 < row[scorer["column"]] <= 1 for scorer in SCORERS)
        assert row["natural: image net"] <= row[BEST] + 4 * max(row[ERROR], 0.01)


@pytest.mark.skipif(shutil.which("chromium") is None, reason="no chromium")
@pytest.mark.slow
def test_a_browser_moves_the_sliders(tmp_path):
    page = write_explorer_page(table(), tmp_path / "page.html")
    moves = """<script>
    const range = document.getElementById("axis-amplitude"); range.value = 1; range.dispatchEvent(new Event("input"));
    document.getElementById("order-lost").click();
    </script></main>"""
    page.write_text(page.read_text(encoding="utf-8").replace("</main>", moves), encoding="utf-8")
    call = ["chromium", "--headless", "--no-sandbox", "--disable-gpu", "--dump-dom", page.as_uri()]
    shown = subprocess.run(call, capture_output=True, text=True, timeout=120, check=True).stdout
    assert "With the order lost, the graph net is the best net" in shown
    assert "image net after seriation" in shown and '<output for="axis-amplitude">2</output>' in shown
