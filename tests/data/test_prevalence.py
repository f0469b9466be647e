"""Natural prevalence: counted on windows without a plant, and exact if entries are exchangeable."""

import numpy as np
import pytest

from gnnmax import build, load_recipe
from gnnmax.cli.main import main
from gnnmax.data.card import describe
from gnnmax.data.prevalence import natural_prevalence
from gnnmax.report.card_page import render_card


def of(name: str, split: str = "test", **changes):
    return natural_prevalence(build(load_recipe(name).replace(**changes)), split)


def test_where_entries_are_equally_it_is_one_in_k_squared_and_counting_agrees():
    exact = of("noise-5-mu3", splits={"test": 1})
    assert (exact.share, exact.basis) == (1 / 25, "exact")
    noise = np.random.default_rng(0).normal(size=(100_000, 5, 5))
    flat = noise.reshape(len(noise), -1)
    counted = (flat.argmax(axis=1) == 12).mean()
    assert abs(counted - exact.share) < 4 * np.sqrt(exact.share / len(noise))


def test_on_real_graphs_the_split_itself_is_counted():
    data = build(load_recipe("real-les-miserables"))
    found = natural_prevalence(data, "test")
    assert (found.share, found.windows, found.standard_error) == (data.test.observed.mean(), len(data.test), None)


def test_a_planted_split_counts_its_hosts_without_the_plant():
    found, again = of("spike-9", splits={"test": 2}), of("spike-9", splits={"test": 2}, **{"kinds.centred": 0.5})
    assert found == again and found.basis == "natural windows"
    assert 0.01 < found.share < 0.1 < load_recipe("spike-9").kinds.centred
    other = of("spike-9", splits={"test": 2}, seed=5)
    assert abs(other.share - found.share) < 4 * np.hypot(found.standard_error, other.standard_error)


@pytest.mark.parametrize("name", ["tiny", "noise-3-mu3", "real-karate", "contact-11"])
def test_the_page_of_a_data_set_shows_windows_of_every_kind_and_links_to_nothing(name, tmp_path, capsys):
    recipe = load_recipe(name)
    small = recipe if recipe.kinds is None else recipe.replace(splits={"test": 3})
    data = build(small)
    page = render_card(data, describe(data, probes=False))
    for kind in np.unique(data.test.kind):
        assert f"<h3>{kind.replace('_', '-')} " in page
    assert "http" not in page and "<script" not in page and "nan" not in page
    assert small.digest in page
    assert main(["info", name, "--page", str(tmp_path / "no" / "card.html")]) == 2
    assert "does not exist" in capsys.readouterr().err
