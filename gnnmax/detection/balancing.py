"""The weights that balance the counts of a contact map: by which name, and whether counts are divided by them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from gnnmax.errors import InputError, suggestion

__all__ = ["DIVISIVE", "Balancing"]

DIVISIVE = ("KR", "VC", "VC_SQRT")
"""Names of weights that counts are divided by, as cooler takes them: Juicer's, in files of hic2cool."""

DEFAULT = "weight"

PLACES = ("chrom", "start", "end")
"""Columns of bins that are no weights."""


class Balancing(NamedTuple):
    """The weights that counts are balanced by.

    Attributes:
        name: Name of the column of bins.
        divisive: Whether counts are divided by the weights of both bins; else they are multiplied.
    """

    name: str
    divisive: bool

    @classmethod
    def of(cls, *, balanced: bool | str, divisive: bool | None = None) -> Balancing | None:
        """Read how a map is balanced; None if it is not.

        Args:
            balanced: The name of the weights; True takes ``weight``.
            divisive: Whether counts are divided; None: by those of :data:`DIVISIVE`.

        Raises:
            InputError: a name that no column has, or ``divisive`` without balancing.

        Example:
            >>> Balancing.of(balanced="KR"), Balancing.of(balanced=False)
            (Balancing(name='KR', divisive=True), None)
        """
        if balanced is False:
            if divisive is not None:
                raise InputError("counts are divided by weights only if they are balanced: pass balanced too")
            return None
        name = DEFAULT if balanced is True else balanced
        if not isinstance(name, str) or name in PLACES or not re.fullmatch(r"[^/,?\s]{1,100}", name):
            raise InputError(f"balanced must be True or the name of weights, such as KR, not {balanced!r:.60}")
        return cls(name, name in DIVISIVE if divisive is None else bool(divisive))

    @property
    def column(self) -> str:
        """The path of the weights in a map."""
        return f"bins/{self.name}"

    def factors(self, weights: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """Return the factors of the bins, NaN for a bin without one: with a missing weight, or a divisive one of 0.

        Example:
            >>> Balancing("KR", True).factors(np.array([2.0, 0.0, np.nan]))
            array([0.5, nan, nan])
        """
        weights = weights.astype(np.float64)
        if not self.divisive:
            return weights
        weights[weights == 0] = np.nan
        with np.errstate(over="ignore"):
            return np.asarray(1 / weights)

    def missing(self, others: Sequence[str]) -> str:
        """Say in an error that a map has no such weights, which others it has, and what to do."""
        text = f"has no balancing weights {self.column}"
        if not others:
            return f"{text}: run 'cooler balance' first, or leave out --balanced"
        near = suggestion(self.name, others).removeprefix(": ")
        listed = ", ".join(f"bins/{name}" for name in others)
        hint = f"{near} " if near else ""
        return f"{text}, but {listed}: {hint}name one by --weight-name {others[0]}, or run 'cooler balance' first"
