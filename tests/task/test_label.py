"""The label at extreme values: integers beyond float64, infinities, NaN, and input that is no array."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from gnnmax.errors import InputError
from gnnmax.task.label import check_windows, is_centred, kind_of, largest_other, margin, offset_of

SHAPES = st.sampled_from([(1, 3, 3), (4, 3, 3), (3, 5, 5)])
WHOLE = hnp.arrays(np.int64, SHAPES, elements=st.integers(-(2**63), 2**63 - 1) | st.sampled_from([2**60, 2**60 + 1]))
UNSIGNED = hnp.arrays(np.uint64, SHAPES, elements=st.sampled_from([0, 1, 2**63, 2**63 + 1, 2**64 - 1]))
TRUTH = hnp.arrays(np.bool_, SHAPES)
ODD = st.sampled_from([np.nan, np.inf, -np.inf, 0.0, 1.0, 5e-324, 1e300, -1e300])
FLOATS = hnp.arrays(np.float64, SHAPES, elements=ODD | st.floats())
SINGLE = hnp.arrays(np.float32, SHAPES, elements=ODD.filter(lambda x: abs(x) != 1e300) | st.floats(width=32))
NOTHING = hnp.arrays(np.float32, SHAPES, elements=st.sampled_from([np.nan, -np.inf]))  # all that is seen is lowest
ANY = NOTHING | WHOLE | UNSIGNED | TRUTH | FLOATS | SINGLE


def others_of(window):
    """All entries but the centre, as Python numbers, with their positions relative to it, in row-major order."""
    half = len(window) // 2
    places = [(r, c) for r in range(-half, half + 1) for c in range(-half, half + 1) if (r, c) != (0, 0)]
    return [(window[r + half, c + half].item(), (r, c)) for r, c in places], window[half, half].item()


def expected_sign(window):
    others, centre = others_of(window)
    if centre != centre:
        return np.nan
    above = any(value > centre for value, _ in others)
    equal = any(value == centre for value, _ in others)
    return -1 if above else 0 if equal else 1


def sign_agrees(judge, values):
    expected = [expected_sign(window) for window in values]
    return np.array_equal(np.sign(judge(values)), expected, equal_nan=True)


@given(ANY)
def test_the_margin_has_the_sign_of_the_comparison_also_once_stored(values):
    assert sign_agrees(margin, values)
    assert sign_agrees(lambda x: margin(x).astype(np.float32), values)
    np.testing.assert_array_equal(margin(values) > 0, is_centred(values))


def test_a_margin_that_would_vanish_in_float32_becomes_its_smallest_normal_number():
    least = float(np.finfo(np.float32).tiny)
    above = np.array([[0, 0, 0], [0, 1e-30, 0], [0, 0, -3e38]])
    below = np.array([[0, 1e-30, 0], [0, 0, 0], [0, 0, -3e38]])
    assert (margin(above), margin(below), margin(np.ones((3, 3)))) == (least, -least, 0.0)


def test_a_margin_by_mere_subtraction_would_not():
    values = np.full((1, 3, 3), 2**60)
    values[0, 1, 1] += 1
    tiny = np.array([[[0, 0, 0], [0, 1e-30, 0], [0, 0, -3e38]]])
    empty = np.full((1, 3, 3), np.nan)
    empty[0, 1, 1] = -np.inf

    def subtracted(windows):
        centre = windows[:, 1, 1].astype(float)
        return ((centre - largest_other(windows)) / np.nanstd(windows.astype(float), axis=(1, 2))).astype(np.float32)

    for window in (values, tiny, empty):
        assert sign_agrees(margin, window)
        with np.errstate(invalid="ignore"):
            assert not sign_agrees(subtracted, window)


@given(ANY)
def test_the_offset_is_where_a_loop_finds_the_largest_other_entry(values):
    for window, offset in zip(values, offset_of(values).tolist(), strict=True):
        others, _ = others_of(window)
        observed = [(value, place) for value, place in others if value == value]
        if expected_sign(window) == 1 or not observed:
            assert offset == [0, 0]
        else:
            best = max(value for value, _ in observed)
            assert offset == list(next(place for value, place in observed if value == best))


@given(FLOATS)
def test_the_label_is_that_of_every_leading_shape_and_memory_order(values):
    label = is_centred(values)
    np.testing.assert_array_equal(is_centred(values[:, None]), label[:, None])
    np.testing.assert_array_equal(is_centred(np.asfortranarray(values)), label)
    assert is_centred(values[0]).shape == ()
    assert bool(is_centred(values[0])) == bool(label[0])


@given(hnp.arrays(np.float64, SHAPES, elements=st.integers(-50, 50)), st.floats(0.1, 10), st.floats(-100, 100))
def test_the_margin_does_not_notice_unit_and_origin(values, unit, origin):
    np.testing.assert_allclose(margin(unit * values + origin), margin(values), rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(margin(values.transpose(0, 2, 1)), margin(values), rtol=1e-12)


def test_the_margin_notices_a_map_that_is_not_linear():
    values = np.arange(9.0).reshape(1, 3, 3)
    assert not np.allclose(margin(np.exp(values)), margin(values))


@given(FLOATS)
def test_kind_and_label_agree(values):
    np.testing.assert_array_equal(kind_of(values) == 0, is_centred(values))


def test_a_tied_or_a_nan_centre_is_distinguished_from_broken_twins_of_the_label():
    def loose(values):  # a tie counts
        return values[:, 1, 1] >= values.reshape(len(values), -1).max(axis=1)

    def spreading(values):  # NaN beats everything
        return values[:, 1, 1] > np.delete(values.reshape(len(values), -1), 4, axis=1).max(axis=1)

    tie, unseen = np.zeros((1, 3, 3)), np.zeros((1, 3, 3))
    unseen[0, 1, 1], unseen[0, 0, 0] = 1.0, np.nan
    assert loose(tie).all() and not is_centred(tie).any()
    assert not spreading(unseen).any() and is_centred(unseen).all()


def test_a_masked_array_is_refused_because_its_mask_would_be_lost():
    hidden = np.ma.masked_greater(np.arange(9.0).reshape(3, 3), 5)
    with pytest.raises(InputError, match="masked"):
        is_centred(hidden)
    assert not is_centred(np.arange(9.0).reshape(3, 3))
    np.testing.assert_array_equal(is_centred(hidden.filled(np.nan)), False)


@pytest.mark.parametrize("error", [TypeError("unsupported ScalarType BFloat16"), RuntimeError("requires grad")])
def test_a_tensor_that_numpy_cannot_read_is_refused_in_one_line(error):
    class Tensor:
        def __array__(self, dtype=None, copy=None):
            raise error

    with pytest.raises(InputError, match=str(error)):
        check_windows(Tensor())


@pytest.mark.parametrize(
    "values",
    [None, "abc", 3, [[1, 2], [3]], np.full((3, 3), "1", object), np.zeros((3, 3), "M8[s]"), [[10**400] * 3] * 3],
)
def test_what_is_no_number_is_refused(values):
    with pytest.raises(InputError, match=r"real numbers|shape"):
        check_windows(values)
