"""McNemar's test over windows, for comparison with tests over graphs."""

from __future__ import annotations

from scipy.special import bdtr

__all__ = ["mcnemar"]


def mcnemar(first_only: int, second_only: int) -> float:
    """Return the exact two-sided p-value of "either scorer is as likely to be the one that is right".

    It takes windows for independent; where they share graphs, it raises too many false alarms.

    Args:
        first_only: Windows that only the first scorer decides correctly.
        second_only: Windows that only the second decides correctly.

    References:
        Q. McNemar, "Note on the sampling error of the difference between correlated proportions or percentages",
        Psychometrika 12, 1947; here with binomial probabilities in place of chi squared.

    Example:
        >>> mcnemar(5, 0)
        0.0625
    """
    n = first_only + second_only
    return float(min(1.0, 2 * bdtr(min(first_only, second_only), n, 0.5))) if n else 1.0
