"""The page and the tables: self-contained, escaped, the same for the same results."""

import dataclasses
import json
import re
from pathlib import Path
from xml.etree import ElementTree

import msgspec
import numpy as np
import pytest
from rich.console import Console

from gnnmax.auditing.findings import Audit
from gnnmax.data.recipe_files import load_recipe
from gnnmax.data.store import load_data
from gnnmax.errors import InputError
from gnnmax.evaluation.evaluator import evaluate
from gnnmax.evaluation.metrics import METRICS, Metric
from gnnmax.evaluation.verdict import Offsets, Verdict
from gnnmax.experiments.comparison import compare
from gnnmax.experiments.reproduction import answer
from gnnmax.experiments.results import read_results, write_results
from gnnmax.experiments.scoreboard import evaluate_split
from gnnmax.interop.metric import VerdictMetric
from gnnmax.report.answers import answers, flagged_by_distance, headline
from gnnmax.report.audits import conclusions, worst_finding, worst_findings
from gnnmax.report.documents import metrics_markdown, peak_metrics_markdown
from gnnmax.report.page import render_page, write_heat_maps, write_page
from gnnmax.report.pictures import heat_map_svg, window_svg
from gnnmax.report.tables import run_tables
from gnnmax.training.config import TrainingConfig

SVG = "{http://www.w3.org/2000/svg}"


def heat_map_of(flagged, count):
    return Offsets.from_dict({"flagged": flagged, "count": count})


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    recipe = load_recipe("spike-9").replace(splits={"train": 4, "val": 2, "test": 20})
    budget = TrainingConfig(steps=4, evaluate_every=2, device="cpu")
    out = tmp_path_factory.mktemp("runs") / "small"
    return compare(recipe, ["cnn", "question", "gnn"], out, seeds=(0, 1), also=["real-karate"], training=budget)


@pytest.fixture(scope="module")
def page(results):
    return render_page(results)


def test_a_metric_added_to_the_table_of_metrics_is_found_everywhere(results, monkeypatch, tmp_path):
    added = Metric(
        lambda sums: sums.true_positives / sums.positives + sums.true_negatives / sums.negatives - 1,
        "informedness",
        "Recall plus specificity, less one.",
        range=(-1.0, 1.0),
    )
    monkeypatch.setitem(METRICS, "informedness", added)
    data, rng = load_data("real-karate"), np.random.default_rng(0)
    w = data.test
    scores = rng.normal(size=len(w)) + w.label - 0.5
    verdict = evaluate(scores, w, resamples=20)
    expected = verdict.recall + verdict.specificity - 1
    assert verdict.informedness == verdict.to_dict()["informedness"] == pytest.approx(expected)
    assert verdict.intervals["informedness"] == (-1.0, 1.0)  # one host
    low, high = evaluate(scores, w.label, resamples=200).intervals["informedness"]
    assert -1 < low < expected < high < 1
    assert "informedness" in verdict._repr_html_()

    metric = VerdictMetric()
    metric.update(scores, w.label)
    assert metric.compute()["informedness"].item() == pytest.approx(expected)

    split = evaluate_split(data, {name: [scores] * 2 for name in results.tests[0].nets}, trained=True)
    run = msgspec.structs.replace(results, tests=[split])
    write_results(tmp_path, run)
    stored = json.loads((tmp_path / "results.json").read_bytes())
    assert stored["tests"][0]["verdicts"]["cnn"]["informedness"] == pytest.approx(expected)
    read = read_results(tmp_path)
    assert read.tests[0].verdicts["cnn"].informedness == pytest.approx(expected)

    console = Console(width=300)
    with console.capture() as printed:
        console.print(*run_tables(read))
    (line,) = (line for line in printed.get().splitlines() if "informedness" in line)
    assert f"{expected:+.4f}" in line
    section = render_page(read).partition("<h2>More metrics</h2>")[2].partition("</table>")[0]
    assert "<th>informedness</th>" in section
    assert f"<td>{expected:.3f}<small>-1.000–1.000</small></td>" in section
    assert "| `informedness` | informedness | -1 to 1 | decisions |" in metrics_markdown()


def test_the_table_of_metrics_in_the_docs_is_that_of_the_code():
    page = Path(__file__).parents[2] / "docs" / "metrics.md"
    assert metrics_markdown() in page.read_text(encoding="utf-8")
    assert peak_metrics_markdown() in page.with_name("peaks.md").read_text(encoding="utf-8")


def test_a_metric_that_a_stored_verdict_lacks_is_left_empty(results):
    test = results.tests[0]
    plain = test.verdicts["cnn"].to_dict()
    del plain["mcc"]
    verdict = Verdict.from_dict(plain)
    assert verdict.mcc is None
    shown = msgspec.structs.replace(test, verdicts={**test.verdicts, "cnn": verdict})
    assert "MCC" in render_page(msgspec.structs.replace(results, tests=[shown]))


def test_the_page_needs_nothing_but_itself(page):
    assert not re.search(r"<script|<link|<iframe|<img|@import|url\(\s*['\"]?(?!#)", page, flags=re.IGNORECASE)
    targets = re.findall(r"(?:xlink:)?href=\"([^\"]*)\"", page)
    assert all(target.startswith("#") for target in targets)


def test_the_same_results_give_the_same_page(results, page):
    assert render_page(results) == page


def test_the_page_says_every_figure_of_the_table(results, page):
    for verdict in results.tests[0].verdicts.values():
        assert f"{100 * verdict.accuracy:.2f}" in page
    for section in ("Side by side", "Where each scorer says True", "The worst mistakes", "The answer", "The data"):
        assert f"<h2>{section}</h2>" in page


def test_the_page_says_what_each_net_notices(results, page):
    section = page.partition("<h2>What each net notices</h2>")[2].partition("<h2>")[0]
    head, *rows = re.findall(r"<tr>(.*?)</tr>", section.partition("<tbody>")[2], flags=re.DOTALL)
    for model, row in zip(results.models, (head, *rows), strict=True):
        cells = re.findall(r"<td>(.*?)</td>", row, flags=re.DOTALL)[1:]
        findings = worst_findings(model)
        for cell, finding in zip(cells, findings.values(), strict=True):
            assert finding.verdict in cell
            assert f"{'flips' if finding.label_stays else 'unexpected'} {100 * finding.unexpected_flips:.1f}" in cell
            assert ("<br>expected" in cell) == (finding.expected_flips is not None)
            assert ("--bad" in cell) == bool(finding.fault)
        assert all(said.replace("_", " ") in section for said in conclusions(model))
    assert "declared" in rows[-1]


def test_what_is_said_of_a_net_is_the_worst_of_its_seeds(results):
    first, second = (run.audit.findings["relabelling"] for run in results.models[0].runs)
    better = dataclasses.replace(first, verdict="invariant", unexpected_flips=0.0, expected_flips=1.0)
    worse = dataclasses.replace(second, verdict="neither", unexpected_flips=0.3, expected_flips=0.2)
    for order in ([better, worse], [worse, better]):
        worst = worst_finding(order)
        assert (worst.verdict, worst.unexpected_flips, worst.expected_flips) == ("neither", 0.3, 0.2)
        assert worst.fault == "notices relabelling"
    without_flips = dataclasses.replace(better, expected_flips=None, unexpected_flips=None)
    assert worst_finding([better, without_flips]).expected_flips == 1.0


def test_a_seed_that_ignores_a_move_is_not_hidden_by_one_that_notices_it(results):
    moves = results.models[0].runs[0].audit.findings["roll"]
    ignoring, noticing = (dataclasses.replace(moves, verdict=verdict) for verdict in ("invariant", "neither"))
    for order in ([ignoring, noticing], [noticing, ignoring]):
        assert worst_finding(order).fault == "ignores roll"


def test_a_conclusion_of_some_seeds_names_them(results):
    cnn = results.models[0]
    right = Audit(
        {
            name: dataclasses.replace(finding, verdict="invariant" if finding.label_stays else "neither")
            for name, finding in cnn.runs[1].audit.items()
        },
        constant=False,
    )
    runs = [cnn.runs[0], msgspec.structs.replace(cnn.runs[1], audit=right)]
    model = msgspec.structs.replace(cnn, runs=runs)
    assert conclusions(model) == {cnn.runs[0].audit.conclusion: [0], "right symmetry": [1]}
    assert "<b>cnn</b>, seed 1: right symmetry." in render_page(
        msgspec.structs.replace(results, models=[model, *results.models[1:]])
    )


def test_names_on_the_page_are_escaped(results):
    hostile = msgspec.structs.replace(results, command='gnnmax "<script>alert(1)</script>"')
    assert "<script>" not in render_page(hostile)


def test_all_of_the_askers_questions_are_answered_with_metrics(results):
    said = answers(results)
    assert len(said) == 4
    assert all(re.search(r"\d", " ".join(answer.sentences)) for answer in said)
    assert headline(results).startswith("Right on held-out hosts: ")


def test_answers_do_not_speak_of_a_net_that_was_not_trained(results):
    test = results.tests[0]
    fewer = msgspec.structs.replace(
        results,
        models=[model for model in results.models if model.name != "question"],
        tests=[msgspec.structs.replace(test, nets=[name for name in test.nets if name != "question"])],
    )
    assert "not trained in this run" in answers(fewer)[2].sentences[0]


def test_a_window_is_drawn_cell_by_cell_with_its_maximum_ringed(results):
    for picture in results.tests[0].gallery:
        root = ElementTree.fromstring(window_svg(picture))
        classes = [element.get("class") for element in root.iter()]
        entries = [value for row in picture.values for value in row]
        assert classes.count("cell") == 81
        assert classes.count("ring") == entries.count(max(entries))


def test_a_heat_map_shows_its_shares_and_leaves_absent_offsets_empty():
    heat_map = heat_map_of([[0.0, 0.25, None], [0.0, 1.0, 0.0], [0.0, 0.0, 0.0]], [[1] * 3] * 3)
    root = ElementTree.fromstring(heat_map_svg(heat_map))
    assert [text.text or "" for text in root.iter("text")] == ["0", "25", "", "0", "100", "0", "0", "0", "0"]


def test_the_strip_of_heat_maps_is_an_svg_file(results, tmp_path):
    root = ElementTree.parse(write_heat_maps(results, tmp_path / "maps.svg")).getroot()
    titles = [text.text for text in root.iter(f"{SVG}text") if text.get("class") == "title"]
    assert titles == ["cnn", "question", "gnn", "argmax"]


def test_flags_are_averaged_over_windows_not_over_cells():
    heat_map = heat_map_of([[1.0, 0.0, 0.0], [0.0, 0.5, 0.0], [0.0, 0.0, 0.0]], [[98, 0, 0], [1, 4, 1], [0, 0, 0]])
    assert flagged_by_distance(heat_map) == (0.5, 0.98, None)


def test_tables_have_a_row_for_every_scorer(results):
    tables = run_tables(results)
    assert [table.row_count for table in tables[::2]] == [len(test.verdicts) for test in results.tests]
    assert [len(table.columns) - 1 for table in tables[1::2]] == [len(test.verdicts) for test in results.tests]


def test_a_page_without_a_folder_to_stand_in_is_refused(results, tmp_path):
    with pytest.raises(InputError, match="does not exist"):
        write_page(results, tmp_path / "nowhere" / "page.html")
    with pytest.raises(InputError, match="is a folder"):
        write_page(results, tmp_path)


def test_with_the_answer_the_page_opens_with_three_sentences_and_one_picture(results, monkeypatch):
    monkeypatch.setattr(answer, "TESTED", 4)
    orders = {order: answer.verdicts_on_bumps(order, seed=0) for order in ("natural", "shuffled")}
    page = render_page(results, orders=orders)
    top = page.partition("<nav>")[0]
    assert top.count("<li>") == 3 and top.count("<svg") == 1
    assert "512 fresh windows" in top
    accuracy = f"{100 * orders['shuffled'][answer.GRAPH].accuracy:.1f}"
    assert accuracy in top.partition("<figure>")[0] and accuracy in top.partition("<figure>")[2]
    assert "<ol" not in render_page(results)
