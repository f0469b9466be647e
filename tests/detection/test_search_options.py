"""The options of a search: checked once, given by keyword, and known by one name."""

import inspect
import json
import re
from pathlib import Path
from typing import get_args

import msgspec
import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import rankdata

from gnnmax import InputError, find_maxima
from gnnmax.cli.detect_command import Detect
from gnnmax.cli.detect_needs import NEEDS
from gnnmax.cli.main import main
from gnnmax.detection import SearchOptions, false_discovery
from gnnmax.detection.search_options import Mode, Ties, Triangle, Unstored
from gnnmax.report.documents import markdown

MATRIX = np.random.default_rng(0).random((12, 12))


def test_the_keywords_of_find_maxima_are_the_fields_of_the_options():
    parameters = inspect.signature(find_maxima).parameters
    assert list(parameters) == ["matrix", *SearchOptions.__struct_fields__]
    assert [parameters[name].default for name in SearchOptions.__struct_fields__] == [
        getattr(SearchOptions(), name) for name in SearchOptions.__struct_fields__
    ]
    assert all(f"\n    {name}: " in find_maxima.__doc__ for name in parameters)
    assert "\n    options: " not in find_maxima.__doc__


def test_options_may_be_given_by_keyword_and_the_side_by_position_too():
    expected = list(find_maxima(MATRIX, 5))
    assert list(find_maxima(matrix=MATRIX, k=5)) == expected
    with pytest.raises(TypeError, match="positional"):
        find_maxima(MATRIX, 5, "graph")
    with pytest.raises(TypeError, match="kk"):
        find_maxima(MATRIX, kk=5)


def test_every_option_but_the_mask_and_the_breaks_has_a_flag_of_the_command():
    assert set(SearchOptions.__struct_fields__) - {"missing", "breaks", "contacts"} | {"cis", "trans"} <= set(
        Detect.__dataclass_fields__
    )


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ({"separation": 3}, "separation is called min_distance now: use min_distance=3"),
        ({"absent": "missing"}, "absent is called unstored now: use unstored='missing'"),
        ({"both": True}, "both is called triangle now: use triangle='both'"),
        ({"both": False}, "both is called triangle now: use triangle='upper'"),
        ({"border": 3}, "border must be shrink or drop, not 3: use max_missing=3"),
    ],
)
def test_an_old_name_of_an_option_is_refused_with_the_new_one(old, new):
    for search in (
        lambda: find_maxima(MATRIX, 3, **old),
        lambda: false_discovery(MATRIX, 3, decoys="shuffle", rng=np.random.default_rng(0), **old),
    ):
        with pytest.raises(InputError, match=f"^{re.escape(new)}$"):
            search()


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (["--separation", "3"], "--separation is called --min-distance now"),
        (["--separation=3"], "--separation is called --min-distance now"),
        (["--absent", "missing"], "--absent is called --unstored now"),
        (["--both"], "--both is called --triangle both now"),
        (["--border", "3"], "--border 3 is called --max-missing 3 now"),
    ],
)
def test_an_old_flag_is_refused_with_the_new_one(old, new, tmp_path, capsys):
    np.save(tmp_path / "m.npy", MATRIX)
    assert main(["detect", str(tmp_path / "m.npy"), *old]) == 2
    assert capsys.readouterr().err == f"gnnmax: {new}\n"


def test_old_flags_are_not_in_the_help(capsys):
    assert main(["detect", "--help"]) == 0
    words = capsys.readouterr().out
    assert "--min-distance" in words and "--max-missing" in words
    assert not any(old in words for old in ("--separation", "--absent", "--both"))


@pytest.mark.parametrize("value", [float("nan"), "1", True, [1]])
def test_a_threshold_is_a_number(value):
    with pytest.raises(InputError, match="threshold must be a number, or None"):
        SearchOptions(threshold=value)


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), percent=st.sampled_from([0, 12.5, 50, 99, 100]), share=st.booleans(),
       form=st.sampled_from(["dense", "sparse", "stored", "graph", "scores"]), symmetric=st.booleans())  # fmt: skip
def test_a_relative_threshold_is_that_of_numpy_on_the_measured_entries(seed, percent, share, form, symmetric):
    rng = np.random.default_rng(seed)
    matrix = rng.integers(0, 9, (12, 12)).astype(float) * (rng.random((12, 12)) < 0.6)
    matrix = np.triu(matrix) + np.triu(matrix, 1).T if symmetric else matrix
    matrix[3, 4] = matrix[4, 3] = 9
    options = {"dense": {}, "sparse": {}, "stored": {"unstored": "missing"}, "graph": {"mode": "graph"},
               "scores": {"steps": ["rank"]}}[form]  # fmt: skip
    values = matrix[matrix != 0] if form in ("stored", "graph") else matrix.ravel()
    values = rankdata(values) if form == "scores" else values
    number = percent / 100 * values.max() if share else np.percentile(values, percent)
    given_as = sp.csr_array(matrix) if form in ("sparse", "stored") else matrix
    found, expected = (
        find_maxima(given_as, 3, ties="all", threshold=threshold, **options)
        for threshold in (f"{percent}%" if share else f"p{percent}", number)
    )
    assert list(found) == list(expected)


@pytest.mark.parametrize("text", ["1", "5 %", "p", "%", "p5%", "101%", "p100.5", "-5%", "nan%", "5e1%"])
def test_a_threshold_in_words_is_a_share_or_a_percentile(text):
    with pytest.raises(InputError, match=r"^threshold must be a number, or None, or text such as 20% \(of .*, not "):
        SearchOptions(threshold=text)


def test_a_share_of_a_largest_value_that_is_not_positive_is_refused():
    with pytest.raises(InputError, match=r"^threshold '5%' is a share of the largest value, which is -1, not above 0"):
        find_maxima(-np.ones((5, 5)), 3, threshold="5%")


def test_the_command_takes_a_number_a_share_or_a_percentile(tmp_path, capsys):
    np.save(tmp_path / "m.npy", np.arange(101.0)[None])
    call = ["detect", str(tmp_path / "m.npy"), "--k", "1", "--k-columns", "3", "--models", "none"]
    for text, number in (("20%", 20.0), ("p90", 90.0), ("-1", -1.0), ("1e3", 1000.0)):
        assert main([*call, "--threshold", text, "--json"]) == 0
        card = json.loads(capsys.readouterr().out)["card"]
        assert (card["threshold"], card["threshold_given"]) == (number, number if text[-1] in "13" else text)
    assert main([*call, "--threshold", "p100"]) == 0
    assert "no maximum is above --threshold 100; without --threshold 100: 1 maximum\n" in capsys.readouterr().out
    assert main([*call, "--threshold", "half"]) == 2
    assert capsys.readouterr().err.startswith("gnnmax: threshold must be a number")


@pytest.mark.parametrize(("name", "words"), [("mode", Mode), ("ties", Ties), ("unstored", Unstored),
                                             ("triangle", Triangle)])  # fmt: skip
def test_a_message_lists_the_words_that_an_option_takes(name, words):
    with pytest.raises(InputError, match=f"{name} must be one of {', '.join(get_args(words))}, not 'x'"):
        SearchOptions(**{name: "x"})


def test_numbers_of_numpy_are_numbers():
    options = SearchOptions(np.int64(5), threshold=np.float32(0.5), min_distance=np.int8(2), diagonal=np.True_)
    assert options.sides == (5, 5)
    assert list(find_maxima(MATRIX, np.int64(5), threshold=np.float64(0.5))) == list(
        find_maxima(MATRIX, 5, threshold=0.5)
    )


def test_options_are_frozen_and_checked_when_they_are_changed():
    options = SearchOptions(steps=["rank"])
    assert options.steps == ("rank",)
    with pytest.raises(AttributeError, match="immutable"):
        options.k = 3
    with pytest.raises(InputError, match="k must be odd"):
        msgspec.structs.replace(options, k=4)


def test_the_sides_are_ignored_in_mode_graph():
    assert list(find_maxima(MATRIX, 4, mode="graph")) == list(find_maxima(MATRIX, mode="graph"))


@pytest.mark.parametrize(
    ("options", "allowed"),
    [({}, None), ({"border": "drop"}, 0), ({"max_missing": 0}, 0), ({"max_missing": 5}, 5),
     ({"border": "drop", "max_missing": 0}, 0)],
)  # fmt: skip
def test_the_border_and_the_number_of_missing_entries_say_one_thing(options, allowed):
    assert SearchOptions(**options).allowed_missing == allowed


@pytest.mark.parametrize(
    "options",
    [
        {"distance": "8:50"},
        {"contacts": "cis"},
        {"min_distance": 3},
        {"border": "drop"},
        {"max_missing": 2},
        {"unstored": "missing"},
    ],
)
def test_an_option_that_a_graph_cannot_use_is_refused(options):
    (name,) = options
    with pytest.raises(InputError, match=f"^{name} = .* has no effect in mode graph"):
        SearchOptions(mode="graph", **options)


def test_unstored_entries_need_a_sparse_matrix():
    with pytest.raises(InputError, match="unstored = 'missing' has no effect on a dense matrix"):
        find_maxima(MATRIX, 3, unstored="missing")


FLAGS_WITHOUT_EFFECT = [
    "--by gnn --positions p.csv",
    "--k 5 --mode graph --models none",
    "--k-columns 5 --mode graph",
    "--border drop --mode graph",
    "--max-missing 0 --mode graph",
    "--min-distance 3 --mode graph",
    "--footprint disk --mode graph",
    "--unstored missing --mode graph",
    "--triangle both --positions p.csv",
    "--distance 8:50 --mode graph",
    "--prominence 1 --mode graph",
    "--prominence 1 --positions p.csv",
    "--node-attributes team --positions p.csv",
    "--merge 2 --mode graph",
    "--merge 2 --positions p.csv",
    "--centroid --mode graph",
    "--centroid --positions p.csv",
    "--cis --mode graph",
    "--trans --mode graph",
    "--distance 8:50 --positions p.csv",
    "--cis --positions p.csv",
    "--trans --positions p.csv",
    "--region chr1 --positions p.csv",
    "--top 3 --positions p.csv",
    "--top-per node --positions p.csv",
    "--seriate --mode graph",
    "--seriate --positions p.csv",
    "--seriate --everywhere s.npz",
    "--draws 20",
    "--seed 1",
    "--device cpu --models none",
    "--allow-changed --models none",
    "--workers 2",
]


@pytest.mark.parametrize("flags", FLAGS_WITHOUT_EFFECT)
def test_a_flag_without_effect_is_refused(flags, tmp_path, capsys):
    np.save(tmp_path / "m.npy", MATRIX)
    (tmp_path / "p.csv").write_text("1,2\n")
    words = [str(tmp_path / word) if word == "p.csv" else word for word in flags.split()]
    assert main(["detect", str(tmp_path / "m.npy"), *words]) == 2
    said = capsys.readouterr()
    assert said.err.startswith(f"gnnmax: {words[0]} has no effect in this call: it needs ")
    assert said.err.count("\n") == 1 and said.out == ""


def test_every_option_with_a_need_is_tried_and_is_in_the_documents():
    tried = {flags.split()[0] for flags in FLAGS_WITHOUT_EFFECT} | {"--fdr"}
    flags = [f"--{need.option.replace('_', '-')}" for need in NEEDS]
    assert set(flags) == tried
    rows = [["option", "needs"], *([f"`{flag}`", need.needs] for flag, need in zip(flags, NEEDS, strict=True))]
    assert markdown(rows) in (Path(__file__).parents[2] / "docs" / "detection.md").read_text(encoding="utf-8")


def test_the_side_of_windows_that_nets_score_is_an_option_of_mode_graph(tmp_path, capsys):
    np.save(tmp_path / "m.npy", MATRIX)
    call = ["detect", str(tmp_path / "m.npy"), "--mode", "graph", "--models", "none", "--k", "5"]
    assert main([*call, "--windows", str(tmp_path / "w.npz")]) == 0
    assert np.load(tmp_path / "w.npz")["windows"].shape[1:] == (5, 5)
