"""Public objects: they show themselves, are copied and pickled in memory, and draw pictures without global state."""

import copy
import inspect
import pickle
import sys
from itertools import pairwise

import numpy as np
import pytest
from rich.console import Console

import gnnmax
from gnnmax import (
    RULES,
    InputError,
    audit,
    build,
    compare_scores,
    evaluate,
    evaluate_peaks,
    find_differences,
    find_maxima,
    load_model,
    on_values,
    open_dataset,
    order_test,
)
from gnnmax.data.card import describe
from gnnmax.data.importing import import_windows
from gnnmax.detection.table import detections_of
from gnnmax.task.plotting import axes_for
from gnnmax.testing import sample_windows

WINDOWS = sample_windows(9, 60, rng=np.random.default_rng(0))
MATRIX = np.random.default_rng(0).random((30, 30))
TINY = build("tiny")
MODEL = load_model("gnn", device="cpu")
PEAKS = np.array([[m, 3, m] for m in range(8)])
CALLS = np.c_[PEAKS, np.arange(8) % 3]
OBJECTS = {
    "windows": WINDOWS,
    "data": TINY,
    "recipe": TINY.recipe,
    "import": import_windows(WINDOWS.values).recipe,
    "verdict": evaluate(RULES["margin"], WINDOWS),
    "comparison": compare_scores({"a": RULES["margin"], "b [red]": RULES["centre_value"]}, WINDOWS),
    "maxima": find_maxima(MATRIX, k=3),
    "peak verdict": evaluate_peaks(CALLS[:6], PEAKS),
    "peak comparison": evaluate_peaks({"a": CALLS[:6], "b [red]": PEAKS}, PEAKS),
    "audit": audit(RULES["margin"], WINDOWS, rng=np.random.default_rng(0)),
    "order": order_test(MATRIX),
    "differences": find_differences(MATRIX, MATRIX.T, k=3),
    "card": describe(TINY),
    "model": MODEL,
}


@pytest.mark.parametrize("name", OBJECTS)
def test_an_object_shows_itself_in_a_terminal_in_a_notebook_and_as_text(name):
    shown = OBJECTS[name]
    console = Console(width=200, record=True, file=sys.stdout)
    console.print(shown)
    assert "─" in console.export_text()
    page = shown._repr_html_()
    assert page.startswith("<table>") and "<script" not in page
    assert len(repr(shown)) < 1500 and str(shown)
    if name not in ("audit", "comparison", "peak comparison"):
        assert "\n" not in str(shown) and len(str(shown)) < 200


@pytest.mark.parametrize("name", OBJECTS)
@pytest.mark.parametrize("copied", [copy.copy, copy.deepcopy, lambda given: pickle.loads(pickle.dumps(given))])
def test_an_object_is_copied_and_pickled_in_memory(name, copied):
    again = copied(OBJECTS[name])
    assert type(again) is type(OBJECTS[name])
    assert again._repr_html_() == OBJECTS[name]._repr_html_()


RESULTS = ("recipe", "import", "verdict", "comparison", "peak verdict", "peak comparison", "audit", "order")


@pytest.mark.parametrize("name", RESULTS)
def test_results_of_equal_content_are_equal_and_others_are_not(name):
    again = copy.deepcopy(OBJECTS[name])
    assert again == OBJECTS[name] and hash(again) == hash(OBJECTS[name]) and len({again, OBJECTS[name]}) == 1
    assert all(again != OBJECTS[other] for other in OBJECTS if other != name)


def test_a_result_with_another_figure_is_another_result():
    assert OBJECTS["verdict"] != evaluate(RULES["centre_value"], WINDOWS) and OBJECTS["verdict"] != "verdict"
    margin = audit(RULES["margin"], WINDOWS, rng=np.random.default_rng(0))
    assert OBJECTS["audit"] == margin
    assert OBJECTS["audit"] != audit(RULES["centre_value"], WINDOWS, rng=np.random.default_rng(0))


def test_a_stored_data_set_is_copied_and_pickled_too(tmp_path):
    data = open_dataset(TINY.save(tmp_path / "tiny"))
    for again in (copy.deepcopy(data), pickle.loads(pickle.dumps(data))):
        assert np.array_equal(again.test.values, TINY.test.values)
    assert data.count("train") == 16 and data.folder == tmp_path / "tiny" and TINY.folder is None


WEIGHTS = np.random.default_rng(1).normal(size=(9, 9))
NOTICES_ALL = audit(on_values(lambda v: (v * WEIGHTS).sum(axis=(1, 2))), WINDOWS, rng=np.random.default_rng(0))
COUNTS = np.random.default_rng(2).poisson(
    np.full((2, 24, 24), 300 / (1 + np.abs(np.subtract.outer(range(24), range(24)))))
)

PLOTS = {
    "windows": lambda: WINDOWS.plot(),
    "verdict": lambda: OBJECTS["verdict"].plot(),
    "comparison": lambda: OBJECTS["comparison"].plot(),
    "maxima": lambda: OBJECTS["maxima"].plot(MATRIX),
    "peak verdict": lambda: OBJECTS["peak verdict"].plot(),
    "recall on slices": lambda: OBJECTS["peak verdict"].plot("diagonal"),
    "peak comparison": lambda: OBJECTS["peak comparison"].plot(),
    "audit": lambda: OBJECTS["audit"].plot(),
    "order": lambda: OBJECTS["order"].plot(),
    "differences": lambda: OBJECTS["differences"].plot(),
    "card": lambda: OBJECTS["card"].plot(),
    "audit of a scorer that notices all": lambda: NOTICES_ALL.plot(),
    "differences of counts": lambda: find_differences(*COUNTS.astype(float), k=3).plot(),
}


@pytest.mark.parametrize("name", PLOTS)
def test_a_picture_is_saved_and_pyplot_is_neither_loaded_nor_changed(name, tmp_path):
    figure, axes = PLOTS[name]()
    figure.savefig(tmp_path / "picture.png")
    figure.savefig(tmp_path / "picture.svg")
    assert (tmp_path / "picture.png").stat().st_size > 1000
    assert all(each.figure is figure for each in np.ravel(axes))
    assert "matplotlib.pyplot" not in sys.modules or not sys.modules["matplotlib.pyplot"].get_fignums()


def shown_labels(axis, limits, place) -> list:
    """The labels of an axis that are drawn: those within its limits, in their order along it."""
    low, high = sorted(limits)
    labels = [each for each in axis.get_ticklabels(which="both") if each.get_text()]
    return sorted(
        (each for each in labels if low <= each.get_position()[place] <= high), key=lambda t: t.get_position()
    )


def misplaced(figure, axes) -> list[str]:
    """Words of a picture that are cut off at its border, and labels of the horizontal axis that overlap."""
    figure.draw_without_rendering()
    found = []
    for each in np.ravel(axes):
        across = shown_labels(each.xaxis, each.get_xlim(), 0)
        down = shown_labels(each.yaxis, each.get_ylim(), 1)
        boxes = [(label.get_text(), label.get_window_extent()) for label in across]
        found += [f"{a} over {b}" for (a, one), (b, two) in pairwise(boxes) if one.x1 > two.x0]
        for text in (each.title, each.xaxis.label, each.yaxis.label, *across, *down):
            box = text.get_window_extent()
            if text.get_text() and (box.x0 < -1 or box.x1 > figure.bbox.x1 + 1 or box.y1 > figure.bbox.y1 + 1):
                found.append(text.get_text())
    return found


@pytest.mark.parametrize("name", PLOTS)
def test_no_words_of_a_picture_are_cut_off_and_no_labels_overlap(name):
    assert misplaced(*PLOTS[name]()) == []


def test_words_that_are_cut_off_and_labels_that_overlap_are_noticed():
    figure, axes = axes_for(None, 2, 2)
    axes.set_title("a title that is much longer than the picture is wide")
    axes.set_xticks([0.4, 0.5], ["a long label", "another one"])
    assert misplaced(figure, axes) == ["a long label over another one", axes.get_title()]


def test_plot_draws_any_object_that_has_a_picture():
    figure, axes = axes_for(None, 3, 3)
    assert gnnmax.plot(OBJECTS["maxima"], MATRIX, ax=axes) == (figure, axes)
    with pytest.raises(InputError, match="DataSet has no picture"):
        gnnmax.plot(TINY)


def test_a_picture_is_drawn_on_axes_that_are_given():
    figure, axes = axes_for(None, 3, 3)
    assert OBJECTS["verdict"].plot(ax=axes) == (figure, axes)
    assert len(axes.containers) == len(axes.get_yticklabels())
    with pytest.raises(InputError, match="axes of matplotlib"):
        OBJECTS["verdict"].plot(ax=3)


def test_the_pictures_show_the_values():
    maxima = OBJECTS["maxima"]
    _, axes = maxima.plot(MATRIX)
    assert axes.collections[0].get_offsets().tolist() == [[j, i] for i, j, _ in maxima]
    _, axes = OBJECTS["comparison"].plot()
    shown = [line.get_xdata()[0] for line in axes.lines if len(line.get_xdata()) == 1 and line.get_marker() == "o"]
    assert shown == [verdict.accuracy for verdict in OBJECTS["comparison"].verdicts.values()]
    _, panels = WINDOWS.plot(most=5)
    assert len(panels) == 5 and np.array_equal(panels[0].images[0].get_array(), WINDOWS.values[0])


def test_a_matrix_that_was_not_searched_is_refused():
    with pytest.raises(InputError, match="outside a matrix"):
        OBJECTS["maxima"].plot(MATRIX[:3, :3])
    with pytest.raises(InputError, match="at most 4096"):
        OBJECTS["maxima"].plot(np.zeros((5000, 2)))
    with pytest.raises(InputError, match="no window to draw"):
        WINDOWS[:0].plot()


def test_a_data_frame_of_maxima_has_the_columns_of_the_table():
    for maxima in (find_maxima(MATRIX, k=3), find_maxima(MATRIX, k=3, steps=("rank",))):
        frame = maxima.to_pandas()
        table = detections_of(maxima).as_rows()
        wanted = [name for name in table[0] if name != "steps"]
        assert frame.columns.tolist() == wanted
        assert frame.value.tolist() == [row["value"] for row in table]
    assert len(maxima[0]) == 1 and maxima[-1].rows[0] == maxima.rows[-1]


def test_decisions_probabilities_and_devices_of_a_model():
    scores = MODEL.score(WINDOWS)
    assert np.array_equal(MODEL.predict(WINDOWS), scores > 0)
    shares = MODEL.predict_proba(WINDOWS)
    assert np.allclose(shares, np.stack([1 / (1 + np.exp(scores)), 1 / (1 + np.exp(-scores))], axis=1), atol=1e-6)
    assert MODEL.to("cpu") is MODEL
    assert evaluate(MODEL, WINDOWS).accuracy == (MODEL.predict(WINDOWS) == WINDOWS.label).mean()
    with pytest.raises(InputError, match="the device must be"):
        MODEL.to("tpu")
    with pytest.raises(InputError, match="scores Windows, not ndarray"):
        MODEL(WINDOWS.values)


def test_a_data_set_is_a_mapping_of_its_splits():
    assert len(TINY) == 3 and list(TINY) == ["train", "val", "test"] == list(TINY.keys())
    assert TINY["test"] is TINY.test and "dev" not in TINY and TINY.get("dev") is None
    assert set(TINY.splits) <= set(dir(TINY)) and TINY == TINY and len({TINY, copy.copy(TINY)}) == 2
    for wrong in (0, slice(3), "tset"):
        with pytest.raises(InputError, match=r"data\.test\[0\]|did you mean test"):
            TINY[wrong]
    with pytest.raises(AttributeError, match="did you mean test"):
        _ = TINY.tset


def test_an_unknown_public_name_names_the_nearest():
    with pytest.raises(AttributeError, match="did you mean evaluate"):
        _ = gnnmax.evalute
    with pytest.raises(AttributeError, match=r"build\(name\) or open_dataset"):
        _ = gnnmax.load_dataset


def test_every_public_name_has_an_example_that_runs_as_a_doctest():
    found = {name: inspect.getdoc(getattr(gnnmax, name)) or "" for name in gnnmax.__all__}
    tables = {name for name in found if isinstance(getattr(gnnmax, name), dict)}
    assert tables == {"MODELS", "RULES"}
    assert [name for name, text in found.items() if name not in tables and "Example:" not in text] == []
    assert [name for name, text in found.items() if name not in tables and ">>> " not in text] == []
