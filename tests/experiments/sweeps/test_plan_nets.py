"""Nets of your own in plans: their units are named by the content of their file, and reading a sweep runs no code."""

import pytest

from gnnmax.cli.main import main
from gnnmax.errors import InputError
from gnnmax.experiments.sweeps.driver import run_sweep
from gnnmax.experiments.sweeps.merging import merge_sweeps
from gnnmax.experiments.sweeps.table import read_sweep
from gnnmax.io.toml import toml_text
from tests.support.own_nets import Mine
from tests.support.sweeps import PLAN

CODE = """
import torch


class Mine(torch.nn.Module):
    inputs = "values"

    def __init__(self, k, width: int = 2):
        super().__init__()
        self.layers = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(k * k, width), torch.nn.Linear(width, 1))

    def forward(self, values):
        return self.layers(values).squeeze(-1)
"""


@pytest.fixture
def plan(tmp_path, monkeypatch):
    """The path of a plan with a net of the registry and one of a file beside it, two widths of that one."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "net.py").write_text(CODE)
    grid = {"models.mine.width": [2, 3]}
    (tmp_path / "plan.toml").write_text(toml_text(PLAN | {"models": ["deepsets", "mine=net.py:Mine"], "grid": grid}))
    return "plan.toml"


def test_a_file_names_no_code_and_the_call_does(plan, tmp_path):
    with pytest.raises(InputError, match=r"a plan names no code, .* give --models mine=net.py:Mine"):
        run_sweep(plan, "sweep")
    assert not (tmp_path / "sweep").exists()
    found = run_sweep(plan, "sweep", models={"mine": "net.py:Mine"})
    assert found.complete
    assert [row["models.mine.width"] for row in found.table.rows if row["net"] == "mine"] == [2, 3]
    keys = {result.key.model for result in found.table.results.values()}
    assert keys == {"deepsets", "net.py:Mine"}


def test_other_code_is_another_unit_and_the_same_code_elsewhere_is_not(plan, tmp_path):
    run_sweep(plan, "sweep", models={"mine": "net.py:Mine"})
    (tmp_path / "elsewhere").mkdir()
    moved = (tmp_path / "net.py").rename(tmp_path / "elsewhere" / "net.py")
    assert run_sweep(plan, "sweep", models={"mine": f"{moved}:Mine"}).measured == 0
    moved.write_text(CODE + "\n# changed\n")
    found = run_sweep(plan, "sweep", models={"mine": f"{moved}:Mine"})
    assert found.measured == 2
    assert found.notes[0] == "the plan has changed: 2 units are new"


def test_a_sweep_is_read_and_merged_without_the_code_and_the_files_of_its_plan(plan, tmp_path):
    nets = {"mine": "net.py:Mine"}
    whole = run_sweep(plan, "sweep", models=nets).table
    for shard in ("2/2", "1/2"):
        run_sweep(plan, shard[0], shard=shard, models=nets)
    (tmp_path / "net.py").unlink()
    (tmp_path / plan).unlink()
    assert read_sweep("sweep") == whole
    assert merge_sweeps(["1", "2"], "merged") == whole


def test_a_recipe_file_that_was_changed_after_the_sweep_changes_no_table(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    from gnnmax.data.recipe_files import load_recipe

    (tmp_path / "own.toml").write_text(load_recipe("tiny").to_toml())
    plan = PLAN | {"data": "own.toml", "grid": {}, "models": ["deepsets"]}
    table = run_sweep(plan, "sweep").table
    (tmp_path / "own.toml").write_text(load_recipe("tiny").replace(seed=9).to_toml())
    assert read_sweep("sweep") == table
    assert run_sweep(plan, "sweep").notes[0] == "the plan has changed: 1 unit is new"


def test_a_plan_in_python_holds_its_code(tmp_path):
    found = run_sweep(
        PLAN | {"models": {"own": (Mine, {}), "narrow": {"model": "gnn", "width": 2}}, "grid": {}}, tmp_path / "sweep"
    )
    assert found.complete
    assert [row["net"] for row in found.table.rows] == ["own", "narrow"]


def test_code_without_a_file_is_refused(tmp_path):
    scope = {}
    exec(CODE, scope)
    with pytest.raises(InputError, match="the code of mine is in no file"):
        run_sweep(PLAN | {"models": {"mine": scope["Mine"]}}, tmp_path / "sweep")


@pytest.mark.parametrize(
    ("nets", "message"),
    [
        ("mine=nowhere.py:Mine", "there is no file"),
        ("mine=net.py:Main", "defines no Main"),
        ("other=net.py:Mine", "unknown net of the plan 'other'"),
    ],
)
def test_code_that_does_not_fit_the_plan_is_one_line(plan, nets, message, capsys):
    assert main(["sweep", plan, "--out", "sweep", "--models", nets]) == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert message in said
