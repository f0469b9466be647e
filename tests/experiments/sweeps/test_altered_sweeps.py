"""Altered plans and results of sweeps: refused in one line, read as what they were, or measured again."""

import json

import msgspec
import pytest

from gnnmax.cli.main import main
from gnnmax.errors import InputError
from gnnmax.experiments.sweeps.driver import estimate_sweep, run_sweep
from gnnmax.experiments.sweeps.ledger import Ledger
from gnnmax.experiments.sweeps.merging import merge_sweeps
from gnnmax.experiments.sweeps.plan import load_plan
from gnnmax.experiments.sweeps.table import read_sweep
from gnnmax.io.toml import toml_text
from tests.support.altered_json import Tried, altered_trees
from tests.support.mutations import mutants
from tests.support.special_files import SPECIAL, no_hang, put_special
from tests.support.sweeps import PLAN

pytestmark = pytest.mark.altered

SMALL = PLAN | {"models": ["deepsets"], "grid": {}}


@pytest.fixture
def sweep(tmp_path):
    """The folder of a sweep of one unit, the path of the unit, and the table."""
    found = run_sweep(SMALL, tmp_path / "sweep")
    (unit,) = (tmp_path / "sweep" / "units").iterdir()
    return tmp_path / "sweep", unit, found.table


def altered(content, count):
    yield from mutants(content, count // 2)
    yield from altered_trees(json.loads(content), count // 2)


def test_an_altered_unit_is_refused_or_is_the_same(sweep, mutant_count):
    folder, unit, table = sweep
    content, ledger, tried = unit.read_bytes(), Ledger.load(folder), Tried()
    expected = ledger.read(unit.stem)
    for mutant in altered(content, mutant_count):
        unit.write_bytes(mutant)
        assert tried(ledger.read, unit.stem) in (None, expected)
    tried.check(least=0.9)
    for mutant in altered(content, 6):
        unit.write_bytes(mutant)
        assert run_sweep(SMALL, folder).table == table
        assert ledger.read(unit.stem) == expected


def test_an_altered_plan_of_a_sweep_is_refused_or_is_the_same(sweep, mutant_count):
    folder, _, table = sweep
    mark, tried = folder / "sweep.json", Tried()
    content, ledger = mark.read_bytes(), Ledger(folder)
    identity = ledger.identity()
    for mutant in altered(content, mutant_count):
        mark.write_bytes(mutant)
        assert tried(ledger.identity) in (None, identity)
    tried.check(least=0.9)
    mark.unlink()
    assert run_sweep(SMALL, folder).measured == 0
    assert mark.read_bytes() == content
    assert read_sweep(folder) == table


def test_altered_times_change_estimates_alone(sweep, mutant_count):
    folder, _, table = sweep
    times, tried = folder / "times.jsonl", Tried()
    content = times.read_bytes()
    for mutant in altered(content, mutant_count):
        times.write_bytes(mutant)
        assert all(0 <= seconds <= 1e9 for seconds in tried(Ledger(folder).times).values())
    tried.check(least=0)
    assert estimate_sweep(SMALL, folder).finished == 1
    assert read_sweep(folder) == table


def test_an_altered_plan_file_is_read_or_refused(tmp_path, mutant_count):
    file, tried = tmp_path / "plan.toml", Tried()
    for mutant in mutants(toml_text(PLAN | {"seeds": 2, "compare": ["gnn", "cnn"]}).encode(), mutant_count):
        file.write_bytes(mutant)
        found = tried(load_plan, file)
        assert found is None or load_plan(msgspec.to_builtins(found)) == found
    tried.check(least=0.1)


@pytest.mark.parametrize("kind", SPECIAL)
@pytest.mark.parametrize("name", ["sweep.json", "unit", "times.jsonl", "units", "sweep.html", "plan.toml"])
def test_a_special_file_in_a_sweep_is_one_line(sweep, name, kind, capsys):
    folder, unit, _ = sweep
    plan = folder.parent / "plan.toml"
    plan.write_text(toml_text(SMALL))
    put_special({"unit": unit, "plan.toml": plan}.get(name, folder / name), kind)
    for arguments in (["sweep", plan], ["sweep", plan, "--dry-run"], ["report"], ["merge", folder]):
        out = folder.with_name("merged") if arguments[0] == "merge" else folder
        given = [*map(str, arguments), *([str(folder)] if arguments == ["report"] else ["--out", str(out)])]
        with no_hang(30):
            status = main(given)
        said = capsys.readouterr().err
        assert status in (0, 1, 2), said
        assert "Traceback" not in said
        assert status != 2 or said.count("\n") == 1, said


def test_a_folder_of_something_else_is_no_sweep_that_lost_its_plan(sweep):
    folder, unit, _ = sweep
    (folder / "sweep.json").unlink()
    (folder / "thesis.tex").touch()
    with pytest.raises(InputError, match=r"it has no sweep\.json"):
        run_sweep(SMALL, folder)
    (folder / "thesis.tex").unlink()
    unit.write_text("{}")
    with pytest.raises(InputError, match=r"it has no sweep\.json"):
        run_sweep(SMALL, folder)


def test_a_damaged_unit_is_not_merged(sweep):
    folder, unit, _ = sweep
    unit.write_bytes(unit.read_bytes()[:-9])
    with pytest.raises(InputError, match=r"the unit .* is damaged: .*; run the same sweep again"):
        merge_sweeps([folder], folder.with_name("merged"))
