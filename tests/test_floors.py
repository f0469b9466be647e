"""The floors of the package: imports point down only, read from the source."""

from pathlib import Path

import pytest

from tests.support.house import FLOORS, House, floors_table

HOUSE = House.read()


def test_imports_point_down_only():
    assert HOUSE.wrong_floor() == []


def test_there_is_no_circle_even_counting_imports_inside_functions_and_for_type_checkers():
    assert HOUSE.circles(lazy=False) == []
    assert HOUSE.circles(lazy=True) == []


def test_own_modules_are_imported_at_the_top_of_a_file_outside_the_command_line():
    assert HOUSE.hidden_imports() == []


def test_every_entry_of_the_package_has_a_floor_and_there_are_at_most_sixteen():
    assert set(HOUSE.entries()) - {"__init__"} == set(FLOORS)
    assert len(HOUSE.entries()) <= 16


def test_functions_take_few_arguments_by_position_and_no_boolean():
    assert HOUSE.many_positional() == []
    assert HOUSE.positional_booleans() == []


def test_no_function_grows_out_of_sight():
    assert HOUSE.longest_body()[0] <= 60


def test_no_name_of_the_package_is_collected_as_a_test():
    names = [name for module, name in HOUSE.definitions() if module != "gnnmax.testing"]
    assert [name for name in names if name.startswith(("test_", "Test"))] == []


def test_contributing_shows_the_floors_that_are_tested():
    page = (Path(__file__).parents[1] / "CONTRIBUTING.md").read_text(encoding="utf-8")
    assert floors_table() in page


@pytest.mark.parametrize(
    ("module", "source"),
    [
        ("gnnmax.errors", "import numpy"),
        ("gnnmax.task.label", "def f():\n    from gnnmax.data.recipe import Recipe"),
        ("gnnmax.task.label", "from gnnmax.io.atomic import write_file"),
        ("gnnmax.task.label", "import torch"),
        ("gnnmax.data.store", "from gnnmax.evaluation.metrics import auroc"),
        ("gnnmax.evaluation.metrics", "import torch"),
        ("gnnmax.training.loop", "from gnnmax.experiments.comparison import compare"),
        ("gnnmax.detection.search", "from gnnmax.training.loop import train_models"),
        ("gnnmax.experiments.results", "import matplotlib.pyplot"),
        ("gnnmax.report.page", "from gnnmax.cli.main import main"),
        ("gnnmax.cli.main", "import pandas"),
    ],
)
def test_an_import_that_does_not_point_down_is_caught(module, source):
    assert House({module: source}).wrong_floor()


def test_a_circle_by_an_import_inside_a_function_is_caught():
    house = House(
        {
            "gnnmax.data.a": "from gnnmax.data.b import f",
            "gnnmax.data.b": "def f():\n    from gnnmax.data.a import g",
        }
    )
    assert house.circles(lazy=False) == []
    assert len(house.circles(lazy=True)) == 1
    assert len(house.hidden_imports()) == 1


def test_a_circle_by_an_import_for_type_checkers_is_caught():
    guarded = "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from gnnmax.data.a import g"
    house = House({"gnnmax.data.a": "from gnnmax.data.b import f", "gnnmax.data.b": guarded})
    assert len(house.circles(lazy=True)) == 1


def test_positional_parameters_and_booleans_are_counted():
    house = House(
        {
            "gnnmax.data.a": "def f(a, b, c, d, e, g): ...\ndef h(a, *, b: bool): ...",
            "gnnmax.data.b": "class A:\n    def f(self, a, b: bool): ...",
        }
    )
    assert house.many_positional() == ["gnnmax.data.a.f"]
    assert house.positional_booleans() == ["gnnmax.data.b.f(b)"]
