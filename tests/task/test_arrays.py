"""One door for arrays: every public entry takes numbers in any layout and form that numpy, torch and pandas make."""

import numpy as np
import pandas as pd
import pytest
import torch

from gnnmax import RULES, InputError, Windows, audit, compare_scores, evaluate, find_maxima, is_centred, load_model
from gnnmax.evaluation.evaluation_set import EvaluationSet
from gnnmax.interop.pyg import to_data
from gnnmax.interop.torch_dataset import WindowDataset
from gnnmax.models.registry import build_model
from gnnmax.task.arrays import as_array, plain_layout
from gnnmax.testing import check_scorer, sample_windows
from gnnmax.training.config import TrainingConfig
from gnnmax.training.loop import train_models

VALUES = np.random.default_rng(0).normal(size=(40, 9, 9)).astype(np.float32)
WINDOWS = sample_windows(9, 40, rng=np.random.default_rng(0), contexts=True)
SCORES = RULES["margin"](WINDOWS)
RNG = np.random.default_rng


def reversed_twice(array):
    return np.ascontiguousarray(array[::-1])[::-1]


def foreign(array):
    return array.astype(array.dtype.newbyteorder())


def strided(array):
    return np.repeat(array, 2, axis=0)[::2]


def read_only(array):
    array = array.copy()
    array.flags.writeable = False
    return array


def field(array):
    """A field of a structured array: strides that are no multiple of an entry."""
    whole = np.zeros(array.shape, dtype=[("a", np.int8), ("b", array.dtype)])
    whole["b"] = array
    return whole["b"]


def unaligned(array):
    return np.frombuffer(b"x" + array.tobytes(), dtype=array.dtype, offset=1).reshape(array.shape)


FORMS = {
    "reversed": reversed_twice,
    "foreign": foreign,
    "strided": strided,
    "read only": read_only,
    "fortran": np.asfortranarray,
    "field": field,
    "unaligned": unaligned,
    "object": lambda array: array.astype(object),
    "tensor": torch.tensor,
    "float64": lambda array: array.astype(np.float64) if array.dtype != bool else array,
}
COLUMNS = {**FORMS, "series": pd.Series, "nullable": lambda array: pd.Series(array).convert_dtypes()}


@pytest.mark.parametrize("form", FORMS)
def test_values_of_any_form_make_the_same_windows_and_labels(form):
    given = FORMS[form](VALUES)
    assert np.array_equal(Windows.from_values(given).values, VALUES)
    assert np.array_equal(is_centred(given), is_centred(VALUES))


@pytest.mark.parametrize("form", COLUMNS)
def test_scores_and_labels_of_any_form_give_the_same_verdict(form):
    verdict = evaluate(SCORES, WINDOWS).to_dict()
    assert evaluate(COLUMNS[form](SCORES), WINDOWS).to_dict() == verdict
    alone = evaluate(SCORES, WINDOWS.label).to_dict()
    assert evaluate(SCORES, COLUMNS[form](WINDOWS.label)).to_dict() == alone
    assert compare_scores({"a": COLUMNS[form](SCORES)}, WINDOWS).verdicts["a"].to_dict() == verdict
    labelled = Windows.from_values(WINDOWS.values, COLUMNS[form](WINDOWS.label))
    assert np.array_equal(labelled.label, WINDOWS.label)


@pytest.mark.parametrize("form", FORMS)
def test_a_matrix_of_any_form_has_the_same_maxima(form):
    matrix = np.random.default_rng(1).normal(size=(30, 30)).astype(np.float32)
    assert list(find_maxima(FORMS[form](matrix), k=5)) == list(find_maxima(matrix, k=5))
    assert list(find_maxima(pd.DataFrame(matrix), k=5)) == list(find_maxima(matrix, k=5))
    steps = {"steps": ("rank",), "k": 5}
    assert list(find_maxima(FORMS[form](matrix), **steps)) == list(find_maxima(matrix, **steps))


@pytest.mark.parametrize("form", ["reversed", "foreign", "field", "unaligned", "read only"])
def test_windows_whose_fields_have_any_layout_are_scored_trained_on_and_converted(form):
    w = Windows(**{name: FORMS[form](array) for name, array in WINDOWS.arrays().items()})
    model = load_model("gnn", device="cpu")
    assert np.array_equal(model(w), model(WINDOWS))
    assert to_data(w)[0].edge_weight.equal(to_data(WINDOWS)[0].edge_weight)
    assert WindowDataset(w)[3]["values"].equal(WindowDataset(WINDOWS)[3]["values"])
    results = train_models({"cnn": build_model("cnn", 9)}, w, w, TrainingConfig(steps=1, batch_size=4), RNG(0))
    assert results["cnn"].steps == 1


def test_windows_in_reversed_order_are_scored_audited_and_checked():
    model, w = load_model("gnn", device="cpu"), WINDOWS
    assert np.allclose(model(w[::-1]), model(w)[::-1], atol=1e-4)
    assert audit(model, w[::-1], rng=RNG(0), transformations=["relabelling"], shrink=False)["relabelling"]
    assert check_scorer(model, w, rng=RNG(0)).conclusion == "right symmetry"


@pytest.mark.parametrize("index", [pd.Series([True] * 3 + [False] * 37), torch.tensor([0, 1, 2]), [0, 1, 2], slice(3)])
def test_windows_are_selected_by_a_mask_or_positions_of_any_form(index):
    assert np.array_equal(WINDOWS[index].values, WINDOWS.values[:3])


def test_a_number_of_numpy_is_a_number_and_an_array_without_axes_is_refused():
    assert len(WINDOWS[np.int64(3)]) == 1
    for scalar in (np.float32(1), np.array(1.0)):
        with pytest.raises(InputError, match=r"shape \(\.\.\., k, k\), not \(\)"):
            Windows.from_values(scalar)
        with pytest.raises(InputError, match=r"shape|array"):
            evaluate(scalar, WINDOWS)


def test_bfloat16_which_numpy_lacks_is_read_exactly():
    labels = torch.tensor(WINDOWS.label).bfloat16()
    assert np.array_equal(EvaluationSet.of(labels).label, WINDOWS.label)
    assert as_array(torch.tensor([1.5], dtype=torch.bfloat16), "x").tolist() == [1.5]


def test_missing_entries_of_pandas_are_not_observed():
    frame = pd.DataFrame({"a": pd.array([1, None, 3], dtype="Int64"), "b": [4, 5, 6], "c": [7, 9, 8]})
    values = Windows.from_values(as_array(frame, "x")[None]).values
    assert np.isnan(values[0, 1, 0]) and np.isnan(values).sum() == 1


@pytest.mark.parametrize(
    ("given", "match"),
    [
        (np.ma.masked_array([1.0], [True]), "masked"),
        ([[1], [1, 2]], "unequal"),
        (np.array([1, "a"], object), "objects such as 'a'"),
        ([None], "objects such as None"),
        (np.array([10**400], object), "can hold"),
    ],
)
def test_what_is_no_array_of_numbers_is_refused_in_one_line(given, match):
    with pytest.raises(InputError, match=match) as caught:
        as_array(given, "labels")
    assert "\n" not in str(caught.value)


def test_a_field_of_another_type_is_refused_and_not_rounded():
    fields = {**WINDOWS.arrays(), "margin": WINDOWS.margin.astype(np.float64)}
    with pytest.raises(InputError, match="field margin must be float32, not float64"):
        Windows(**fields)


def test_a_plain_array_is_not_copied():
    assert plain_layout(VALUES) is VALUES
    assert WINDOWS[:5].values.base is not None


LARGE = 2**53 + 1


@pytest.mark.parametrize(
    "given",
    [
        pd.Series([LARGE, None], dtype="Int64"),
        pd.array([LARGE, None], dtype="UInt64"),
        pd.DataFrame([[0, LARGE], [2**53, None]], dtype="Int64"),
        pd.DataFrame({"a": [LARGE, 1], "b": [0.5, 2]}),
        np.array([LARGE, 0.5], dtype=object),
    ],
    ids=["column", "array", "nullable", "mixed", "objects"],
)
def test_a_whole_number_that_would_be_rounded_beside_others_is_refused(given):
    with pytest.raises(InputError, match=f"the whole number {LARGE} would be rounded"):
        as_array(given, "weights")


def test_whole_numbers_that_float64_holds_may_stand_beside_others():
    assert as_array(pd.Series([2**53, None], dtype="Int64"), "weights")[0] == 2**53
    assert as_array(pd.Series([LARGE, 2**53], dtype="Int64"), "weights").tolist() == [LARGE, 2**53]
    assert as_array(pd.DataFrame({"a": [2**60, 1], "b": [0.5, 2]}), "weights")[0, 0] == 2**60
