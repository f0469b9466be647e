"""Scorers of modules, estimators and files: what they return, what they leave alone, what they refuse."""

import numpy as np
import pytest
import torch
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from torch import nn

from gnnmax import RULES, InputError, Windows, evaluate
from gnnmax.evaluation.adapters import as_scorer, from_estimator, from_file, from_module
from gnnmax.models.registry import build_model

W = Windows.from_values(np.random.default_rng(0).normal(size=(300, 5, 5)).astype("float32"))
FLAT = W.values.reshape(len(W), -1)


class Centre(nn.Module):
    """A net whose answer is known: the centre times a weight, with dropout in training mode."""

    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.tensor(2.0))
        self.drop = nn.Dropout(0.9)
        self.shapes = []

    def forward(self, values):
        self.shapes.append(tuple(values.shape))
        return self.drop(values[..., 2, 2].reshape(len(values)) * self.weight)


def test_a_module_scores_in_evaluation_mode_in_batches_and_without_a_gradient():
    net = Centre().train()
    scores = from_module(net, batch=128)(W)
    np.testing.assert_array_equal(scores, (2 * W.values[:, 2, 2]).astype(np.float64))
    assert net.shapes == [(128, 5, 5), (128, 5, 5), (44, 5, 5)]
    assert net.weight.grad is None


def test_a_module_is_left_in_the_mode_it_was_in_part_by_part():
    net = Centre().train()
    net.drop.eval()
    from_module(net)(W)
    assert (net.training, net.drop.training) == (True, False)
    net.shapes = None  # and now it fails midway
    with pytest.raises(AttributeError, match="'append'"):
        from_module(net)(W)
    assert (net.training, net.drop.training) == (True, False)


def test_a_module_is_given_what_was_asked_for():
    net = Centre()
    from_module(net, channels=True)(W[:7])
    assert net.shapes == [(7, 1, 5, 5)]
    registered = build_model("gnn", k=5)
    expected = registered.eval()(torch.tensor(W.values), None, None).detach().numpy()
    np.testing.assert_allclose(from_module(registered, contexts=True)(W), expected, rtol=1e-5, atol=1e-6)


def test_a_module_in_double_precision_gets_doubles_and_one_in_half_is_refused():
    assert from_module(Centre().double())(W).dtype == np.float64
    with pytest.raises(InputError, match=r"computes in torch\.bfloat16, where windows get ties"):
        from_module(Centre().to(torch.bfloat16))


@pytest.mark.parametrize(
    ("last", "came"), [(lambda x: x[:, None], r"\(300, 1\)"), (lambda x: x.sum(), r"\(\)"), (lambda x: None, "None")]
)
def test_a_module_that_returns_anything_but_one_logit_a_window_is_refused(last, came):
    class Odd(nn.Module):
        def forward(self, values):
            return last(values[:, 2, 2])

    with pytest.raises(InputError, match=f"one logit for each of 300 windows, .* not .*{came}"):
        from_module(Odd(), batch=300)(W)


def test_a_module_is_not_guessed_and_no_other_thing_is_a_module():
    with pytest.raises(InputError, match=r"the input of Centre cannot be guessed: use from_module\(net\)"):
        as_scorer(Centre())
    for wrong in (np.zeros(3), Centre, RULES["argmax"]):
        with pytest.raises(InputError, match="from_module takes a torch module"):
            from_module(wrong)
    with pytest.raises(InputError, match="batch must be an integer and at least 1"):
        from_module(Centre(), batch=0)


def test_an_estimator_scores_by_its_decision_function():
    fitted = LogisticRegression().fit(FLAT, W.label)
    for scorer in (as_scorer(fitted), from_estimator(fitted)):
        assert evaluate(scorer, W).accuracy == fitted.score(FLAT, W.label)


def test_probabilities_are_never_taken_for_decision_values():
    forest = RandomForestClassifier(20, random_state=0).fit(FLAT, W.label)
    for make in (as_scorer, from_estimator):
        with pytest.raises(InputError, match=r"has no decision_function: use from_estimator.*probabilities=True"):
            make(forest)
    scorer = from_estimator(forest, probabilities=True)
    np.testing.assert_array_equal(scorer(W), forest.predict_proba(FLAT)[:, 1])
    assert evaluate(scorer, W, threshold=0.5).accuracy > 0.9


def test_an_estimator_must_be_fitted_on_two_classes():
    with pytest.raises(InputError, match="LogisticRegression is not fitted"):
        from_estimator(LogisticRegression())
    three = LogisticRegression().fit(FLAT, np.arange(300) % 3)
    with pytest.raises(InputError, match="knows 3 classes"):
        from_estimator(three)
    with pytest.raises(InputError, match="has no decision_function: give a classifier"):
        from_estimator(object())


def test_scorers_stay_what_they_are():
    assert as_scorer(RULES["margin"]) is RULES["margin"]

    def mine(windows):
        return windows.values[:, 2, 2]

    assert as_scorer(mine) is mine
    for wrong in (None, "argmax", W.label, Windows, LogisticRegression):
        with pytest.raises(InputError, match="a scorer is a callable"):
            as_scorer(wrong)


def test_no_windows_have_no_scores():
    fitted = LogisticRegression().fit(FLAT, W.label)
    for scorer in (from_module(Centre()), from_estimator(fitted), from_estimator(fitted, probabilities=True)):
        assert scorer(W[:0]).shape == (0,)


@pytest.mark.parametrize(
    "text",
    ["0.5\n-2\n1e300\n", "score\n0.5\n-2\n1e300\n", "\ufeffwindow, score,net\n0,0.5,a\n1,-2,b\n\n2,1e300,c\n"],
)
def test_scores_are_read_from_columns(tmp_path, text):
    file = tmp_path / "scores.csv"
    file.write_text(text, encoding="utf-8")
    assert from_file(file).tolist() == [0.5, -2.0, 1e300]


@pytest.mark.parametrize("dtype", ["float32", "float64", "int32", ">f8"])
def test_scores_are_read_from_an_array(tmp_path, dtype):
    np.save(tmp_path / "s.npy", np.array([1, -2, 3], dtype))
    assert from_file(tmp_path / "s.npy").tolist() == [1.0, -2.0, 3.0]


def test_a_score_that_is_not_a_number_is_read_and_then_refused_by_the_judge(tmp_path):
    (tmp_path / "s.csv").write_text("nan\n1\n")
    with pytest.raises(InputError, match="1 of 2 are NaN or infinite, the first at index 0"):
        evaluate(from_file(tmp_path / "s.csv"), np.array([True, False]))


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("s.csv", b"1\nhello\n", "line 2 has 'hello' where a number"),
        ("s.csv", b"score\n\n1\n\nhello\n", "line 5 has 'hello' where a number"),
        ("s.csv", b"1\n1_0\n", "line 2 has .1_0. where a number"),
        ("s.csv", "1\n\u0661\n".encode(), "line 2 has"),
        ("s.csv", b"1,2\n3,4\n", "has 2 columns and no header"),
        ("s.csv", b"window,logit\n0,1\n", "expected one column called score"),
        ("s.csv", b"window,score\n0\n", "line 2 has 1 columns where 2"),
        ("s.csv", b"\xff\xfe\x00", "not a text of columns"),
        ("s.npy", b"not an array", "not a .npy file"),
        ("s.txt", b"1\n", r"ends in .npy, .npz, .csv, not 's.txt'"),
    ],
)
def test_a_file_of_something_else_is_refused_by_name(tmp_path, name, content, message):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(InputError, match=message):
        from_file(tmp_path / name)


def test_pickled_objects_matrices_and_missing_files_are_refused(tmp_path):
    np.save(tmp_path / "o.npy", np.array([{}, None], dtype=object), allow_pickle=True)
    np.save(tmp_path / "m.npy", np.zeros((2, 2)))
    np.save(tmp_path / "b.npy", np.array([True]))
    for name, message in {
        "o": "can run code",
        "m": r"of shape \(2, 2\)",
        "b": "not bool",
        "none": "No such file",
    }.items():
        with pytest.raises(InputError, match=message):
            from_file(tmp_path / f"{name}.npy")


@pytest.mark.parametrize("names", [("centred", "shifted"), ("off", "on"), (2, 1)])
def test_the_class_that_means_centred_is_read_and_never_assumed(names):
    for positive in names:
        other = next(name for name in names if name != positive)
        fitted = LogisticRegression().fit(FLAT, np.where(W.label, positive, other))
        for make in (as_scorer, from_estimator):
            with pytest.raises(
                InputError, match=r"say which of them means centred, from_estimator\(estimator, positive="
            ):
                make(fitted)
        plain = LogisticRegression().fit(FLAT, W.label)
        for probabilities in (False, True):
            found = from_estimator(fitted, positive=positive, probabilities=probabilities)(W)
            np.testing.assert_allclose(found, from_estimator(plain, probabilities=probabilities)(W), atol=1e-6)
    with pytest.raises(InputError, match="not 'centered'"):
        from_estimator(fitted, positive="centered")


@pytest.mark.parametrize("classes", [(0, 1), (-1, 1), (False, True)])
def test_classes_of_a_known_order_need_no_word(classes):
    fitted = LogisticRegression().fit(FLAT, np.where(W.label, classes[1], classes[0]))
    assert evaluate(from_estimator(fitted), W).accuracy > 0.9
