"""The comparison of callers of peaks: results are kept, failures are rows, and planted truth is exact."""

import json
import sys
from dataclasses import replace

import numpy as np
import pytest

from benchmarks import smoothing_widths
from benchmarks.peaks import Plan, main, orders_found, table
from benchmarks.peers import cells
from benchmarks.peers.callers import PEERS, Caller, read_json, settings
from benchmarks.peers.cells import Cell, MapFolder
from benchmarks.peers.environments import MissingPeerError, Packages, environment
from benchmarks.peers.judged import BOUND, best_setting, places_along_host, verdict_on
from benchmarks.peers.planting import planted_maps, stretches, thinned
from gnnmax import InputError, Maps, build, load_recipe
from gnnmax.interop.cool_files import maps_to_cool
from tests.support.maps import TABLES, map_recipe

PROGRAM = """
import json, sys
import numpy as np
maps, out, places, fails = sys.argv[1:]
if fails == "1":
    sys.exit("no such loop")
assert np.load(maps + "/maps.npz")["values"].ndim == 3
json.dump(json.loads(places), open(out + "/calls.json", "w"))
"""


@pytest.fixture
def caller(tmp_path):
    """A caller that names the places in its setting, or fails."""
    script = tmp_path / "program.py"
    script.write_text(PROGRAM)

    def commands(programs, maps, out, setting):
        return [[str(script), str(maps), str(out), json.dumps(setting["places"]), str(int(setting["fails"]))]]

    return Caller("mine", commands, read_json, {"places": [], "fails": False}, ())


@pytest.fixture(scope="module")
def maps():
    return build(map_recipe(3, **{**TABLES["contact"], "peaks": [2, 3], "separation": 8})).test


def right_calls(maps):
    return [[*place, 1.0 + number] for number, place in enumerate(maps.peaks.places.tolist())]


def test_results_are_kept_and_not_measured_twice(caller, maps, tmp_path, monkeypatch):
    setting = {"places": right_calls(maps), "fails": False}
    found = MapFolder(tmp_path, maps).found(caller, setting)
    assert verdict_on(found.calls, maps).f1 == 1
    assert found.bytes > 1_000_000
    assert found.seconds > 0
    monkeypatch.setattr(cells, "found_in", None)  # a call of it fails
    assert MapFolder(tmp_path, maps).found(caller, setting) == found


def test_a_caller_that_fails_says_why_and_is_tried_again_in_the_next_run(caller, maps, tmp_path):
    found = MapFolder(tmp_path, maps).found(caller, {"places": [], "fails": True})
    assert found.failure == "exit status 1: no such loop"
    assert not list(tmp_path.glob("*/mine*.json"))


def test_the_setting_that_finds_most_is_chosen_and_its_threshold_drops_what_is_false(caller, maps, tmp_path):
    right = right_calls(maps)
    mixed = [*right, [0, 0, 1, 0.5]]
    others = ({"places": [], "fails": True}, {"places": right[:2], "fails": False}, {"places": mixed, "fails": False})
    choice = best_setting(replace(caller, others=others), MapFolder(tmp_path, maps))
    assert choice.setting == others[2]
    assert verdict_on([tuple(call) for call in mixed], maps, threshold=choice.threshold).f1 == 1


def test_a_peer_that_cannot_be_installed_is_a_failure_with_its_reason(maps, caller, tmp_path, monkeypatch):
    monkeypatch.setattr(cells, "environment", lambda *given: environment(*given, cache=tmp_path / "peers"))
    monkeypatch.setattr("benchmarks.peers.environments.sys.executable", "/bin/false")
    absent = replace(caller, packages=Packages(("nothing",)))
    assert MapFolder(tmp_path, maps).found(absent, caller.default).failure.startswith("not installed: ")
    with pytest.raises(MissingPeerError, match="to try again, delete"):
        environment("mine", Packages(("nothing",)), cache=tmp_path / "peers")


def test_settings_are_every_combination_but_the_default():
    assert settings({"a": 1, "b": 2}, a=[1, 2], b=[2, 3]) == ({"a": 1, "b": 3}, {"a": 2, "b": 2}, {"a": 2, "b": 3})
    assert all(peer.default not in peer.others for peer in PEERS.values())


def test_contacts_are_thinned_in_proportion_to_the_peak():
    counts = np.full((200, 200), 50)
    signal = np.zeros((200, 200))
    signal[:, 100:] = 2.0
    left = thinned(counts, signal, np.random.default_rng(0))
    assert np.array_equal(left[:, :0], counts[:, :0])
    assert (left[:, 100:] == 50).all()
    assert left[:, :100].mean() == pytest.approx(50 / 3, rel=0.02)


def test_peaks_are_planted_into_stretches_of_a_map_and_nothing_is_invented(tmp_path):
    recipe = map_recipe(2, **{**TABLES["contact"], "n": 80, "order": "natural", "peaks": 0})
    file = maps_to_cool(build(recipe).test, tmp_path / "mine.cool")
    spec = map_recipe(1, **{**TABLES["contact"], "order": "natural", "peaks": [1, 2], "separation": 8}).map
    planted, whole = planted_maps(file, spec, 4), stretches(file, 40, 4)
    assert planted.values.shape == (4, 40, 40)
    assert all((np.triu(after, 1) <= before).all() for after, before in zip(planted.values, whole, strict=True))
    assert (planted.peak_count >= 1).all()
    with pytest.raises(InputError, match="has 4 stretches of 40 bins with contacts, not 5"):
        stretches(file, 40, 5)


def test_counts_that_are_no_whole_numbers_are_not_thinned(tmp_path):
    values = np.triu(np.full((12, 12), 1.5), 1)
    file = maps_to_cool(Maps.from_values(values + values.T, structure="symmetric"), tmp_path / "mine.cool")
    with pytest.raises(InputError, match="give raw counts"):
        stretches(file, 6, 2)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--peers", "hiccups"], "there is no peer 'hiccups'"),
        (["--net", "nowhere"], "nowhere is no folder of weights"),
        (["--maps", "1"], "--maps must be at least 2"),
        (["--depths", "1,two"], "--depths must be numbers above 0"),
        (["--amplitudes", "nan"], "--amplitudes must be numbers above 0"),
        (["--quick", "--into", "nowhere.cool"], "nowhere.cool"),
    ],
)
def test_wrong_words_are_one_line_and_status_2(words, message, capsys, tmp_path):
    assert main([*words, "--out", str(tmp_path)]) == 2
    said = capsys.readouterr().err
    assert message in said
    assert said.count("\n") == 1


def test_the_table_ends_with_the_recall_of_every_caller_in_every_cell(caller, maps, tmp_path, monkeypatch):
    monkeypatch.setattr(Cell, "maps", lambda self, split, count: maps)
    found = replace(caller, name="right", default={"places": right_calls(maps), "fails": False})
    failing = replace(caller, name="failing", default={"places": [], "fails": True})
    plan = Plan((100.0,), (2.0, 4.0), ("natural",), 3, 1, (found, failing), tmp_path)
    title, *rows = [line for line in list(table(plan))[-1].splitlines() if line]
    assert title == "Recall at 10 % false discoveries, natural order, each caller as chosen:"
    cells_of = [[cell.strip() for cell in row.split("|")[1:-1]] for row in rows]
    assert cells_of[0] == ["depth", "amplitude", BOUND, "right", "failing"]
    assert [row[:2] for row in cells_of[2:]] == [["100", "2"], ["100", "4"]]
    assert all(row[3].startswith("1.00") and row[4] == "failed" for row in cells_of[2:])


def test_every_caller_of_ours_runs_on_a_map(tmp_path):
    from benchmarks.peers.callers import own_callers

    recipe = load_recipe("contact-256").replace(splits={"test": 1}, **{"map.n": 64, "map.peaks": 2})
    folder = MapFolder(tmp_path, build(recipe).test)
    caller = own_callers()[0]
    found = folder.found(caller, caller.default)
    assert not found.failure, sys.version
    assert len(found.calls) > 2


def test_a_seriated_caller_names_the_bins_of_the_shuffled_map(tmp_path):
    from benchmarks.peers.callers import own_callers

    recipe = load_recipe("contact-256").replace(splits={"test": 2}, **{"map.n": 96, "map.peaks": 3})
    natural = build(recipe).test
    shuffled = natural.relabelled(np.random.default_rng(5))
    assert orders_found(shuffled) == 2 and orders_found(natural) == 2
    known = {one.name: one for one in own_callers()}
    seriated, plain = known["map rule laplacian_of_gaussian, seriated"], known["map rule laplacian_of_gaussian"]
    expected = MapFolder(tmp_path, natural).found(plain, plain.default)
    places = places_along_host(MapFolder(tmp_path, shuffled).found(seriated, seriated.default).calls, shuffled)
    ends = [
        {(int(m), *sorted((int(i), int(j)))) for m, i, j in np.array(calls)[:, :3]}
        for calls in (expected.calls, places)
    ]
    assert len(ends[0] & ends[1]) > 0.9 * len(
        ends[0]
    )  # the Laplacian of Gaussian of a reversed map differs by rounding


def test_callers_after_seriation_are_left_out_in_natural_order(caller, maps, tmp_path, monkeypatch):
    monkeypatch.setattr(Cell, "maps", lambda self, split, count: maps)
    found = replace(caller, name="right", default={"places": right_calls(maps), "fails": False})
    seriated = replace(found, name="right, seriated", default={**found.default, "seriate": True})
    tables = list(table(Plan((100.0,), (2.0,), ("natural", "shuffled"), 3, 1, (found, seriated), tmp_path)))
    said = {order: "".join(part for part in tables if f"{order} order" in part) for order in ("natural", "shuffled")}
    assert "right, seriated" not in said["natural"] and "seriation finds" not in said["natural"]
    assert "right, seriated" in said["shuffled"] and "seriation finds the whole order of" in said["shuffled"]


def test_the_widths_of_smoothing_are_compared_on_the_same_maps(monkeypatch, capsys):
    for name, values in (("DEPTHS", (200.0,)), ("AMPLITUDES", (4.0, 8.0)), ("WIDTHS", (1.0, 2.0))):
        monkeypatch.setattr(smoothing_widths, name, values)
    assert smoothing_widths.main(["--maps", "2"]) == 0
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in capsys.readouterr().out.splitlines()]
    assert rows[0] == ["depth", "amplitude", "`smooth:1`", "`smooth:2`"] and len(rows) == 5
    shares = np.array([row[2:] for row in rows[2:]], dtype=float)
    assert (shares[1] > 0).all() and np.abs(shares[:2].mean(axis=0) - shares[2]).max() < 0.002
    with pytest.raises(SystemExit, match=r"^2$"):
        smoothing_widths.main(["--maps", "0"])
