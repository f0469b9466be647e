"""Data sets on any executor, and after the loss of a worker: the bytes of one process."""

import functools
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from multiprocessing import get_context

import pytest

from gnnmax.cli.main import main
from gnnmax.data.generation import build
from gnnmax.data.maps.dataset import MapSet
from gnnmax.data.recipe_files import load_recipe
from gnnmax.data.store import load_data, write_dataset
from gnnmax.errors import InputError
from tests.support.dying import draw_or_die

RECIPE = load_recipe("tiny").replace(splits={"train": 24, "test": 9})


def files_of(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.fixture
def dying(monkeypatch):
    """A function that sets which graphs end their worker."""

    def set_deaths(deaths):
        monkeypatch.setattr("gnnmax.data.generation.generate_graphs", functools.partial(draw_or_die, deaths))

    return set_deaths


def test_a_worker_lost_while_drawing_changes_no_byte(dying, tmp_path):
    whole = files_of(write_dataset(RECIPE, tmp_path / "whole"))
    dying({9: tmp_path / "marker"})
    seen = []
    found = write_dataset(RECIPE, tmp_path / "data", workers=2, on_progress=lambda done, total: seen.append(done))
    assert files_of(found) == whole
    assert (tmp_path / "marker").exists(), "the premise: a worker ended"
    assert seen == [8, 16, 24, 32, 33]


def test_graphs_that_always_end_their_worker_are_named_in_one_line_and_nothing_is_written(
    dying, tmp_path, monkeypatch, capfd
):
    dying({17: None})
    monkeypatch.chdir(tmp_path)
    assert main(["generate", "tiny", "--set=splits.train=32", "--workers", "2", "--out", "data"]) == 1
    error = capfd.readouterr().err
    assert error.startswith("gnnmax: graphs 16 to 23: the worker process ended 3 times before the result was there")
    assert error.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "executor",
    [ThreadPoolExecutor, functools.partial(ProcessPoolExecutor, 2, mp_context=get_context("spawn"))],
)
def test_every_way_to_draw_takes_an_executor_and_gives_the_same_bytes(executor, tmp_path):
    whole = write_dataset(RECIPE, tmp_path / "whole")
    with executor() as given:
        assert files_of(write_dataset(RECIPE, tmp_path / "data", executor=given)) == files_of(whole)
        drawn = build(RECIPE, executor=given)
        assert files_of(drawn.save(tmp_path / "drawn")).keys() == files_of(whole).keys()
        assert (load_data(RECIPE, executor=given).test.values == drawn.test.values).all()
        maps = load_recipe("line-64").replace(splits={"test": 4})
        found, expected = build(maps, executor=given), build(maps)
        assert isinstance(found, MapSet) and (found.test.values == expected.test.values).all()


def test_what_is_no_executor_is_refused_before_anything_is_written(tmp_path):
    for call in (build, functools.partial(write_dataset, path=tmp_path / "data")):
        with pytest.raises(InputError, match="executor must be"):
            call(RECIPE, executor=2)
    assert list(tmp_path.iterdir()) == []
