"""A run on maps from the command line: trained, reported, evaluated and audited; a wrong call gives one line."""

import json
from pathlib import Path

import pytest

from gnnmax.cli.main import main
from gnnmax.models.maps.trained import load_map_model
from tests.support.maps import few_maps_for_ceilings
from tests.support.refusals import refused

RECIPE = """
name = "few"
splits = { train = 8, val = 6, test = 6, far = 4 }
[map]
n = 14
plant = { type = "bump", amplitude = 4.0, radius = 1.2 }
diagonal = 4
[shifts.far]
n = 18
"""
TINY = ["--steps", "3", "--evaluate-every", "3", "--batch-size", "4", "--device", "cpu"]


@pytest.fixture(scope="module")
def recipe(tmp_path_factory):
    file = tmp_path_factory.mktemp("recipes") / "few.toml"
    file.write_text(RECIPE)
    patch = pytest.MonkeyPatch()
    few_maps_for_ceilings(patch)
    yield str(file)
    patch.undo()


@pytest.fixture(scope="module")
def run(recipe, tmp_path_factory):
    out = str(tmp_path_factory.mktemp("runs") / "few")
    models = "map-cnn,slid=sliding-valid-global"
    assert main(["compare", "--data", recipe, "--models", models, "--seeds", "1", "--out", out, *TINY]) == 0
    return out


def test_a_run_on_maps_has_a_page_that_links_to_nothing_and_a_table(run, capsys):
    capsys.readouterr()
    assert main(["report", run]) == 0
    assert "within 1" in capsys.readouterr().out
    page = Path(run, "report.html").read_text(encoding="utf-8")
    assert page.count("<svg") >= 9 and "<script" not in page and "http" not in page.replace("http://www.w3.org", "")
    for word in ("map-cnn", "slid", "few/far", "spectral_seriation", "cross-entropy", "Best possible at amplitude 4"):
        assert word in page
    assert main(["report", run, "--force"]) == 0
    assert Path(run, "report.html").read_text(encoding="utf-8") == page
    assert main(["report", run, "--markdown"]) == 0
    assert "few\n\n| caller | within 1 |" in capsys.readouterr().out


def test_the_nets_of_a_run_are_evaluated_on_another_split_and_audited(run, recipe, capsys):
    capsys.readouterr()
    assert main(["evaluate", "--run", run, "--data", recipe, "--split", "far", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["name"] == "few/far" and found["nets"] == ["map-cnn", "slid"] and not found["trained"]
    assert main(["audit", "--run", run, "--data", recipe, "--rule", "argmax", "--assert", "--most", "3", "--json"]) == 0
    audits = json.loads(capsys.readouterr().out)
    assert list(audits) == ["argmax", "map-cnn (seed 0)", "slid (seed 0)"]
    assert audits["map-cnn (seed 0)"]["broken"] == []
    assert audits["map-cnn (seed 0)"]["findings"]["transposition"]["verdict"] == "equivariant"
    assert main(["audit", "--data", recipe, "--rule", "nms", "--most", "2"]) == 0
    assert "nms, declared: nothing" in capsys.readouterr().out


def test_the_nets_of_a_run_become_folders_with_cards_of_their_figures(run, tmp_path, capsys):
    capsys.readouterr()
    assert main(["card", run, "--out", str(tmp_path / "cards")]) == 0
    assert capsys.readouterr().out.split() == [str(tmp_path / "cards" / name) for name in ("map-cnn", "slid")]
    assert load_map_model(tmp_path / "cards" / "slid", device="cpu").name == "slid"
    card = (tmp_path / "cards" / "map-cnn" / "README.md").read_text(encoding="utf-8")
    (index,) = json.loads(next(line for line in card.splitlines() if line.startswith("model-index: "))[13:])
    tests = json.loads(Path(run, "results.json").read_text())["tests"]
    assert [each["dataset"]["name"] for each in index["results"]] == [test["name"] for test in tests]
    for result, test in zip(index["results"], tests, strict=True):
        stated = {each["type"]: each for each in result["metrics"]}
        assert {"found_exactly", "found_within", "recall_at_fdr", "average_precision"} <= set(stated)
        verdict = test["verdicts"]["map-cnn"]
        for metric, each in stated.items():
            assert each["value"] == round(verdict["by_seed"][metric][0], 4)
            ceiling = verdict["ceilings"].get(metric)
            assert each.get("args") == (None if ceiling is None else {"ceiling": round(ceiling, 4)})
            assert f"| `{test['name']}` | {test['maps']} | natural | {each['name']} | {each['value']:.4f} |" in card
    assert "(`posterior`)" not in card and "matched_filter" not in card  # rules that know more


def test_the_stored_calls_are_evaluated_as_the_lists_of_other_programs(run, capsys):
    capsys.readouterr()
    calls = str(Path(run, "map-cnn", "seed-0", "calls-few.csv"))
    truth = str(Path(run, "truth-few.csv"))
    assert main(["evaluate-peaks", calls, "--truth", truth, "--symmetric", "--json"]) == 0
    stated = json.loads(Path(run, "results.json").read_text())["tests"][0]["verdicts"]["map-cnn"]["metrics"]
    shown = capsys.readouterr().out
    assert f'"found_exactly": {stated["found_exactly"]}' in shown


def test_lists_name_the_nets_on_maps(capsys):
    assert main(["list", "map-models"]) == 0
    shown = capsys.readouterr().out
    assert "map-gnn" in shown and "sliding-cnn" in shown


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (["train", "--data", "RECIPE", "--model", "gnn", "--out", "OUT"], "give sliding-gnn, which slides it over the"),
        (["compare", "--data", "RECIPE", "--models", "map-cnn,gnn", "--out", "OUT"], "or one of map-cnn, map-unet"),
        (
            ["train", "--data", "tiny", "--model", "map-cnn", "--out", "OUT"],
            "map-cnn reads maps, and the data set holds",
        ),
        (["compare", "--data", "RECIPE", "--also", "tiny", "--out", "OUT"], "some of the data sets hold maps"),
        (["train", "--data", "RECIPE", "--model", "map-cnn", "--out", "OUT", "--steps", "0"], "steps"),
        (["train", "--data", "RECIPE", "--model", "map-cnn", "--out", "OUT", "--config", "nope"], "nope"),
        (["train", "--data", "RECIPE", "--model", "map-cnn", "--out", "OUT", "--train-windows", "99"], "stream"),
        (["audit", "--data", "RECIPE", "--rule", "bayes"], "unknown rule of maps 'bayes'"),
        (["audit", "--data", "RECIPE"], "nothing to audit"),
        (["audit", "--data", "RECIPE", "--rule", "nms", "--most", "0"], "--most must be at least 1"),
        (["audit", "--data", "RECIPE", "--run", "RUN", "--layers"], "holds maps: leave out --layers"),
        (["evaluate", "--data", "tiny", "--run", "RUN"], "map-cnn reads maps, and tiny holds windows"),
        (["audit", "--data", "tiny", "--run", "RUN"], "map-cnn reads maps, and tiny holds windows"),
        (["evaluate", "--data", "RECIPE", "--run", "RUN", "--split", "nope"], "unknown split"),
        (["report", "RUN", "--answer"], "whose report has no --answer"),
        (["report", "RUN", "--heat-maps", "x.svg"], "whose report has no --heat-maps"),
    ],
)
def test_a_wrong_call_is_refused_in_one_line(words, complaint, run, recipe, tmp_path, capsys):
    places = {"RECIPE": recipe, "RUN": run, "OUT": str(tmp_path / "out")}
    assert complaint in refused([places.get(word, word) for word in words], capsys)
    assert not (tmp_path / "out").exists()
