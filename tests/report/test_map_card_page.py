"""The page of maps: every split has its pictures, every table its rows, and the page stands alone."""

import re

import pytest
from markupsafe import escape

from gnnmax import build
from gnnmax.data.maps.card import describe_maps
from gnnmax.report.map_card_page import render_map_card, write_map_card
from tests.support.maps import TABLES, few_maps_for_ceilings, map_recipe


@pytest.fixture(autouse=True)
def few_maps(monkeypatch):
    few_maps_for_ceilings(monkeypatch)


@pytest.mark.parametrize(("name", "pictures"), [("needle", 2), ("contact", 4), ("ragged", 4), ("no peak", 2)])
def test_every_map_is_drawn_as_it_is_and_along_another_host_order(name, pictures):
    data = build(map_recipe(2, **TABLES[name]))
    page = render_map_card(data, describe_maps(data))
    assert page.count('<img src="data:image/png;base64,') == pictures
    assert not re.search(r'(src|href)="(?!data:)', page)
    for table in describe_maps(data).tables():
        assert all(str(escape(cell)) in page for row in table.rows for cell in row)


def test_the_page_is_written_whole(tmp_path):
    data = build(map_recipe(splits={"train": 1, "test": 2}))
    written = write_map_card(data, describe_maps(data), tmp_path / "card.html").read_text(encoding="utf-8")
    assert written.endswith("</html>")
    assert "<h3>train" in written
    assert "<h3>test" in written
