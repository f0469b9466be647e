"""Whichever change of the disk fails, or ends the process, the old outputs or the new ones are there, and whole.

The same call afterwards succeeds and leaves nothing else. The fast tests draw a few of the changes, the slow ones all.
"""

import random
import shutil

import pytest

from gnnmax.experiments.results import read_results
from gnnmax.experiments.sweeps.driver import run_sweep
from gnnmax.io.toml import toml_text
from tests.support.failing_writes import KINDS, Commands
from tests.support.run_results import figures
from tests.support.sweeps import PLAN

BUDGET = ["--seeds", "1", "--steps", "2", "--evaluate-every", "1", "--device", "cpu"]
COMPARE = ["compare", "--data", "tiles", "--models", "cnn", *BUDGET, "--out", "run"]
TILES = ["generate", "tiles-3", "--set", "splits.train=2", "--set", "splits.val=1", "--set", "splits.test=2"]
DETECT = ["detect", "matrix.csv", "--k", "3", "--models", "none", "--out", "maxima.csv"]
BOARD = ["leaderboard", "board.json", "--data", "tiles"]

SWEEP = ["sweep", "plan.toml", "--table", "table.csv"]
MERGE = ["merge", "part-1", "part-2"]
UNITS = PLAN | {"models": ["deepsets"], "grid": {"training.learning_rate": [0.01, 0.1]}}

CALLS = {
    "generate": ([*TILES, "--out", "data"], 4),
    "generate --force": ([*TILES, "--set", "seed=5", "--out", "tiles", "--force"], 4),
    "detect": (DETECT, 10),
    "detect again": ([*DETECT, "--ties", "all", "--windows", "windows.npz"], 4),
    "leaderboard": ([*BOARD, "--rules", "nms", "--page", "board.html", "--force"], 4),
    "card --force": (["card", "tiles", "--out", "card", "--no-probes", "--force"], 4),
    "croissant": (["croissant", "tiles", "--out", "tiles/croissant.json"], 2),
    "compare": ([*COMPARE, "--resume"], 1),
    "compare --force": ([*COMPARE[:-1], "old", "--force"], 1),
    "report": (["report", "old"], 1),
    "sweep": ([*SWEEP, "--out", "new"], 4),
    "sweep of a changed plan": ([*SWEEP, "--out", "sweep"], 4),
    "merge": ([*MERGE, "--out", "merged"], 2),
    "merge --force": ([*MERGE, "--out", "sweep", "--force"], 2),
}
"""Calls, each with the number of changes that the fast test of each kind of failure tries."""


@pytest.fixture(scope="module")
def commands():
    commands = Commands()
    yield commands
    commands.close()


@pytest.fixture(scope="module")
def place(commands, tmp_path_factory):
    """A folder with a data set, a matrix, maxima and a run with a page, each command loaded."""
    place = tmp_path_factory.mktemp("place")
    (place / "matrix.csv").write_text("a,b,1\nb,c,2\nc,d,3\nd,e,3\n")
    commands.load(place, *TILES, "--out", "tiles")
    commands.load(place, *DETECT, "--windows", "windows.npz")
    commands.load(place, *BOARD, "--rules", "margin")
    commands.load(place, "card", "tiny", "--out", "card", "--no-probes")
    return place


@pytest.fixture(scope="module")
def place_with_run(commands, place):
    commands.load(place, *COMPARE[:-1], "old")
    commands.load(place, "report", "old")
    (place / "old" / "report.html").write_text("an old page, made by gnnmax")
    return place


@pytest.fixture(scope="module")
def place_with_sweep(commands, tmp_path_factory):
    """A folder with a plan, a finished sweep of a smaller plan with its page and table, and two shards."""
    place = tmp_path_factory.mktemp("sweeps")
    (place / "plan.toml").write_text(toml_text(UNITS | {"grid": {"training.learning_rate": [0.1, 0.3]}}))
    commands.load(place, *SWEEP, "--out", "sweep")
    (place / "plan.toml").write_text(toml_text(UNITS))
    for part in (1, 2):
        run_sweep(UNITS, place / f"part-{part}", shard=f"{part}/2")
    return place


def content(folder):
    """Every file of a folder, hidden ones too; of a run, its figures without the clock."""
    found = {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    for name in found:
        if name.endswith("results.json"):
            found[name] = figures_of((folder / name).parent)
        elif name.rpartition("/")[2] in ("log.txt", "environment.json", "config.json"):
            found[name] = b"" if name.endswith("json") else bytes(bool(found[name]))
        elif name.endswith((".jsonl", "model.json", ".card.json")):
            found[name] = b""
    return found


def figures_of(run):
    found = figures(read_results(run))
    return {key: found[key] for key in ("models", "tests", "digest") if key in found}


def turns_of(call, kind, steps, *, every):
    """The changes of a call that fail: all, or some that are drawn."""
    turns = range(1, steps + 1)
    return turns if every else random.Random(f"{call} {kind}").sample(turns, min(steps, CALLS[call][1]))


def check(commands, origin, call, kind, *, every, tmp_path):
    arguments, _ = CALLS[call]
    before = content(origin)
    place = shutil.copytree(origin, tmp_path / "whole")
    ended = commands(place, *arguments)
    assert ended.status == 0, ended
    after = content(place)
    changed = {name for name in before.keys() | after.keys() if before.get(name) != after.get(name)}
    for turn in turns_of(call, kind, ended.steps, every=every):
        place = shutil.copytree(origin, tmp_path / f"{turn}")
        failed = commands(place, *arguments, kind=kind, turn=turn)
        assert_one_line(failed, kind)
        check_found(content(place), before, after, call=call, turn=turn)
        again = commands(place, *arguments, *force_again(call, place))
        assert again.status == 0, (turn, again)
        assert content(place) == after, turn
        shutil.rmtree(place)
    assert changed, "the premise: something is written"


def force_again(call, place):
    """The option of a call that is made again although the first one wrote its folder whole."""
    written = {"generate": "data", "merge": "merged"}.get(call)
    return ["--force"] if written and (place / written).exists() else []


NOTES = ("the plan has changed", "no longer belongs to the plan")
"""Words of messages that are no failures."""


def assert_one_line(failed, kind):
    """The failure is said in one line, or did not matter."""
    if kind == "SIGKILL":
        assert failed.status == -9
        return
    assert failed.status in (0, 2), failed
    said = [line for line in failed.said.splitlines() if not any(note in line for note in NOTES)]
    assert len(said) == (failed.status == 2) and "Traceback" not in failed.said, failed


WHOLE = {
    "generate": "data/",
    "generate --force": "tiles/",
    "compare --force": "old/",
    "merge": "merged/",
    "merge --force": "sweep/",
    "card --force": "card/",
}
"""Folders whose files are all old or all new."""


def check_found(found, before, after, *, call, turn):
    """Every output is the old one or the new one, and outputs that belong together are of one of them."""
    folder = WHOLE.get(call)
    for name in before.keys() | after.keys():
        if call == "compare" and name.startswith("run/"):
            continue  # a run in progress
        assert found.get(name) in (before.get(name), after.get(name)), (turn, name)
    if folder:
        own = [{name: each[name] for name in each if name.startswith(folder)} for each in (found, before, after)]
        assert own[0] in own[1:], turn
    if "run/results.json" in found:
        assert found["run/results.json"] == after["run/results.json"], turn
    left = {name for name in found if name not in before and name not in after}
    if call.startswith("sweep"):
        left = {name for name in left if "/pending/" not in name}
    if call != "compare":
        assert all(".partial" in name or name.split("/")[0].endswith(".old") for name in left), (turn, left)


DEPTHS = pytest.mark.parametrize(
    "every", [pytest.param(False, id="some"), pytest.param(True, id="every", marks=pytest.mark.slow)]
)


@DEPTHS
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("call", [name for name in CALLS if name.startswith(("generate", "detect"))])
def test_data_and_maxima_are_the_old_ones_or_the_new_ones(commands, place, call, kind, every, tmp_path):
    check(commands, place, call, kind, every=every, tmp_path=tmp_path)


@DEPTHS
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("call", ["compare", "compare --force", "report"])
def test_a_run_is_the_old_one_or_the_new_one(commands, place_with_run, call, kind, every, tmp_path):
    check(commands, place_with_run, call, kind, every=every, tmp_path=tmp_path)


@DEPTHS
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("call", [name for name in CALLS if name.startswith(("sweep", "merge"))])
def test_every_unit_and_table_of_a_sweep_is_whole_or_not_there(commands, place_with_sweep, call, kind, every, tmp_path):
    check(commands, place_with_sweep, call, kind, every=every, tmp_path=tmp_path)
