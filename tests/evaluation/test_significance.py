"""McNemar's test against scipy."""

from __future__ import annotations

import pytest
from scipy.stats import binomtest

from gnnmax.evaluation.significance import mcnemar


@pytest.mark.parametrize(("first", "second"), [(0, 0), (3, 3), (7, 0), (12, 30), (1000, 1100)])
def test_mcnemar_is_the_exact_binomial_test(first: int, second: int) -> None:
    expected = binomtest(first, first + second).pvalue if first + second else 1.0
    assert mcnemar(first, second) == pytest.approx(expected, rel=1e-9)
